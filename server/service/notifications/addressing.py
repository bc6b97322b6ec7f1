"""Whom a message about a booking goes to: its customer or visitor, by the channels that they can be reached by.

An email goes to the customer's address. An SMS goes to the customer's phone if they agreed to be texted, and to the phone
that a visitor gave with the booking: it is the only way to reach them, and they gave it for that. Belongs here: that. Does
not belong here: what it says (``wording``).
"""

from server.service.notifications.wording import Occasion, Wording
from server.storage.location_state import LocationState
from server.storage.notifications import Channel, Contact, Message
from server.storage.stored_booking import StoredBooking


def occasion_of(booking: StoredBooking, state: LocationState) -> Occasion:
    """What there is to say of the booking, at its location."""
    resource = state.resource_by_id.get(booking.resource_id)
    return Occasion(
        location=state.name,
        timezone=state.timezone,
        resource=resource.name if resource else "",
        interval=booking.interval,
        code=booking.code,
    )


def messages_about(
    booking: StoredBooking, contact: Contact | None, kind: str, wording: Wording, *, state: str | None = None
) -> list[Message]:
    """The wording as messages to whoever the booking is for: none if they cannot be reached, at most one a channel.

    ``contact`` is its customer's, None for a visitor's booking. ``state`` is by default that of the booking as given,
    which its version names (N2).
    """
    if contact is None:
        phone, email = booking.visitor.phone if booking.visitor else None, None
    else:
        phone, email = contact.phone if contact.sms_consent else None, contact.email

    def message(channel: Channel, recipient: str, subject: str | None = None) -> Message:
        return Message(
            kind=kind,
            channel=channel,
            recipient=recipient,
            subject=subject,
            body=wording.body,
            booking_id=booking.id,
            user_id=booking.user_id,
            location_id=booking.location_id,
            state=str(booking.version) if state is None else state,
        )

    messages = [message("sms", phone)] if phone else []
    return [*messages, message("email", email, wording.subject)] if email else messages
