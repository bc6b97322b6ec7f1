"""What Twilio calls: when a text's fate changes, and when somebody answers one."""

import re
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from server.commands import Text
from server.edge.endpoint import Endpoints, Signature
from server.edge.parsing import FORM
from server.errors import Unavailable
from server.service.notifications.callbacks import Callbacks, Delivery, choice_of
from server.storage.sms_choices import Choice

NO_REPLY = '<?xml version="1.0" encoding="UTF-8"?><Response/>'
"""Twilio answers STOP, START and HELP by itself."""
OPTED_OUT = "21610"
"""Twilio's code for a message to a number that opted out there."""

_DELIVERIES: dict[str, Delivery] = {
    "accepted": "queued",
    "scheduled": "queued",
    "queued": "queued",
    "sending": "queued",
    "sent": "sent",
    "delivered": "delivered",
    "partially_delivered": "delivered",
    "read": "delivered",
    "undelivered": "failed",
    "failed": "failed",
    "canceled": "failed",
}
"""Twilio's word → ours. What is not here is passed over."""
_PHONE = re.compile(r"\+[1-9][0-9]{6,14}", flags=re.ASCII)

Sid = Annotated[Text, Field(min_length=1, max_length=64)]


class _Form(BaseModel):
    """A form of Twilio's; fields that are not named here are passed over."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class TwilioStatus(_Form):
    """What became of a message that Twilio was given."""

    message_sid: Sid = Field(alias="MessageSid")
    message_status: Text = Field(alias="MessageStatus")
    error_code: Annotated[Text, Field(max_length=20)] = Field(default="", alias="ErrorCode")
    to: Text = Field(default="", alias="To")


class TwilioInbound(_Form):
    """A message that somebody sent to a number of ours. ``OptOutType`` says what Twilio took it for, where it is set up to."""

    message_sid: Sid = Field(alias="MessageSid")
    from_: Text = Field(alias="From")
    body: Text = Field(default="", alias="Body")
    opt_out_type: Text = Field(default="", alias="OptOutType")

    def choice(self) -> Choice | None:
        """What they chose, if anything."""
        match self.opt_out_type.upper():
            case "STOP":
                return "stop"
            case "START":
                return "start"
            case "HELP":
                return None
        return choice_of(self.body)


def twilio_endpoints(callbacks: Callbacks, signature: Signature) -> Endpoints:
    """Where Twilio's callbacks lead."""
    endpoints = Endpoints("Callbacks")

    @endpoints.post(
        "/api/webhooks/twilio/status",
        summary="What became of a text",
        signature=signature,
        body_media_type=FORM,
        faults=(Unavailable,),
        example={"MessageSid": "SM00000000000000000000000000000001", "MessageStatus": "delivered"},
    )
    async def status(body: TwilioStatus) -> None:
        """For Twilio, which signs what it sends: 403 without its signature. The message's status follows, and never goes back; a
        number that opted out at Twilio has opted out here. Messages that are not known change nothing. 404 where Twilio is not
        configured.
        """
        delivery = _DELIVERIES.get(body.message_status.lower())
        if delivery is None:
            return
        failed = delivery == "failed"
        refused = failed and body.error_code == OPTED_OUT and _PHONE.fullmatch(body.to) is not None
        await callbacks.delivery(
            body.message_sid,
            delivery,
            error=f"Twilio: {body.message_status.lower()} {body.error_code}".strip() if failed else None,
            refused_by=body.to if refused else None,
        )

    @endpoints.post(
        "/api/webhooks/twilio/inbound",
        summary="Somebody answered a text",
        signature=signature,
        body_media_type=FORM,
        answer=str,
        media_type="text/xml",
        faults=(Unavailable,),
        example={"MessageSid": "SM00000000000000000000000000000002", "From": "+15551230000", "Body": "STOP"},
    )
    async def inbound(body: TwilioInbound) -> Response:
        """For Twilio, which signs what it sends: 403 without its signature. STOP, and the words that mean it, opt the number out of
        texts; START opts it in again. What else people write is not kept. Answers with TwiML that says nothing, since Twilio
        answers those words by itself. 404 where Twilio is not configured.
        """
        choice = body.choice()
        if choice is not None and _PHONE.fullmatch(body.from_):
            await callbacks.choice(body.from_, choice, body.message_sid)
        return Response(NO_REPLY, media_type="text/xml", headers={"cache-control": "no-store"})

    return endpoints
