"""What messages say and whom they go to, and that they are kept with the change that they follow."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from structlog.testing import capture_logs

from grid_engine.interval import Interval
from server.service.notifications.addressing import messages_about, occasion_of
from server.service.notifications.outbox import Outbox
from server.service.notifications.wording import Occasion, cancellation, confirmation, when
from server.storage.notifications import (
    Contact,
    Message,
    MessageFilter,
    insert_messages,
    page_of_messages,
    read_contacts,
)
from server.storage.stored_booking import StoredBooking, StoredVisitor
from tests.service.test_booking import book


def at(text):
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def occasion(start="2027-06-05T14:00", end="2027-06-05T15:00"):
    return Occasion(
        location="Fairway",
        timezone="America/New_York",
        resource="Bay 2",
        interval=Interval(at(start), at(end)),
        code="K7Q2",
    )


BOOKING = StoredBooking(
    id="0190c0de-0000-7000-8000-000000000001",
    grid_id="g",
    code="K7Q2",
    location_id=1,
    resource_id=2,
    interval=Interval(at("2027-06-05T14:00"), at("2027-06-05T15:00")),
    status="confirmed",
    user_id=3,
    created_at=0,
    updated_at=0,
    version=7,
)
ANN = Contact(user_id=3, email="ann@example.com", phone="+15551230000", sms_consent=True)


def test_a_confirmation_says_what_where_when_by_the_clocks_there_and_the_code():
    said = confirmation(occasion())
    assert said.subject == "Your booking at Fairway on Saturday 5 June 2027"
    assert said.body == "Booked: Bay 2 at Fairway, Saturday 5 June 2027, 10:00–11:00. Your code is K7Q2."


@pytest.mark.parametrize("reason", ["the net is torn", "the net is torn.", " the net is torn "])
def test_b3_a_cancellation_says_why(reason):
    said = cancellation(occasion(), reason=reason)
    assert said.subject == "Cancelled: your booking at Fairway on Saturday 5 June 2027"
    assert said.body == (
        "Your booking was cancelled because the net is torn: Bay 2 at Fairway, Saturday 5 June 2027, 10:00–11:00."
    )


@pytest.mark.parametrize("reason", [None, "", "  "])
def test_a_cancellation_without_a_reason_gives_none(reason):
    assert cancellation(occasion(), reason=reason).body.startswith("Your booking was cancelled: Bay 2 at")


@pytest.mark.parametrize(
    ("start", "end", "zone", "shown"),
    [
        ("2027-06-05T14:00", "2027-06-05T15:30", "Europe/Paris", "Saturday 5 June 2027, 16:00–17:30"),
        # over midnight
        (
            "2027-06-05T21:00",
            "2027-06-05T23:00",
            "Europe/Paris",
            "Saturday 5 June 2027, 23:00 to Sunday 6 June 2027, 01:00",
        ),
        # the hour that occurs twice
        (
            "2027-11-07T05:30",
            "2027-11-07T07:00",
            "America/New_York",
            "Sunday 7 November 2027, 01:30 (UTC−04:00)–02:00",
        ),
        (
            "2027-11-07T06:30",
            "2027-11-07T07:30",
            "America/New_York",
            "Sunday 7 November 2027, 01:30 (UTC−05:00)–02:30",
        ),
        # half an hour of it
        (
            "2027-04-03T14:45",
            "2027-04-03T16:00",
            "Australia/Lord_Howe",
            "Sunday 4 April 2027, 01:45 (UTC+11:00)–02:30",
        ),
    ],
)
def test_t1_times_are_told_by_the_clocks_at_the_location(start, end, zone, shown):
    assert when(Interval(at(start), at(end)), zone) == shown


def test_n1_a_message_goes_by_sms_to_those_who_agreed_to_it_and_by_email():
    said = confirmation(occasion())
    sms, email = messages_about(BOOKING, ANN, "confirmation", said)
    assert (sms.channel, sms.recipient, sms.subject) == ("sms", "+15551230000", None)
    assert (email.channel, email.recipient, email.subject) == ("email", "ann@example.com", said.subject)
    assert {(each.body, each.booking_id, each.location_id, each.user_id) for each in (sms, email)} == {
        (said.body, BOOKING.id, 1, 3)
    }
    assert messages_about(BOOKING, replace(ANN, sms_consent=False), "confirmation", said) == [email]
    assert messages_about(BOOKING, replace(ANN, phone=None), "confirmation", said) == [email]
    assert messages_about(BOOKING, replace(ANN, email=None), "confirmation", said) == [sms]


def test_n1_a_visitor_is_texted_at_the_number_that_they_gave():
    visited = replace(BOOKING, user_id=None, visitor=StoredVisitor(id=1, name="Walt", phone="+15550000001"))
    said = confirmation(occasion())
    assert [each.recipient for each in messages_about(visited, None, "confirmation", said)] == [
        "+15550000001"
    ]
    assert messages_about(replace(BOOKING, user_id=None), None, "confirmation", said) == []


async def test_n2_of_a_bookings_state_one_message_of_a_kind_is_kept_however_many_race(node, town):
    venue, ann = await town.venue(), await town.person("Ann")
    body = await book(node, ann, venue.bays[0])
    room = await node.rooms.open(venue.id)
    booking = await node.reading.booking(ann, body["id"])
    async with node.database.connection() as connection:
        contact = (await read_contacts(connection, [ann.user_id]))[ann.user_id]
    assert contact == Contact(user_id=ann.user_id, email="ann@example.com", phone=None, sms_consent=False)
    said = confirmation(occasion_of(booking, room.state))
    assert "Bay 1 at Fairway" in said.body

    async def insert(messages):
        async with node.database.transaction() as connection:
            return await insert_messages(connection, messages, 1_811_851_200)

    kept = await asyncio.gather(
        *(insert(messages_about(booking, contact, "confirmation", said)) for _ in range(4))
    )
    assert sorted(map(len, kept)) == [0, 0, 0, 1]
    later = replace(booking, version=booking.version + 1)
    assert len(await insert(messages_about(later, contact, "confirmation", said))) == 1
    assert len(await insert(messages_about(booking, contact, "cancellation", said))) == 1
    async with node.database.connection() as connection:
        everything = MessageFilter(booking_id=booking.id)
        found = (await page_of_messages(connection, everything, before=None, limit=10))[::-1]
    assert [(each.message.kind, each.message.state, each.status) for each in found] == [
        ("confirmation", str(booking.version), "outbox"),
        ("confirmation", str(later.version), "outbox"),
        ("cancellation", str(booking.version), "outbox"),
    ]
    assert found[0].message == messages_about(booking, contact, "confirmation", said)[0]


async def test_n2_what_is_rolled_back_is_not_said(node, town):
    message = Message(kind="sign_in_code", channel="email", recipient="a@example.com", body="x")

    async def fail():
        async with node.database.transaction() as connection:
            assert len(await Outbox().take(connection, [message, message], 0)) == 2
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    assert await town.value("SELECT count(*) FROM notifications") == 0


async def test_n6_without_a_provider_messages_are_kept_and_the_log_says_so_once(node, town):
    outbox = Outbox()
    message = Message(kind="sign_in_code", channel="sms", recipient="+15551230000", body="Hello")
    with capture_logs() as lines:
        for _ in range(3):
            async with node.database.transaction() as connection:
                assert await outbox.take(connection, [], 0) == []
                await outbox.take(connection, [message], 0)
    assert [line["event"] for line in lines] == [
        "No provider of SMS or email is configured: messages stay in the outbox"
    ]
    assert await town.value("SELECT count(*) FROM notifications WHERE status = 'outbox'") == 3
