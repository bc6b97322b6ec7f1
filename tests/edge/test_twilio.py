"""Twilio's callbacks through HTTP: what became of texts (N5), and who wants none (N4)."""

from dataclasses import replace
from urllib.parse import parse_qsl, urlencode

import pytest
from pydantic import SecretStr
from starlette.applications import Starlette

from server.edge.authentication import Doorkeeper
from server.edge.routes.twilio import twilio_endpoints
from server.edge.serving import EXCEPTION_HANDLERS, routes_of
from server.edge.signatures import TwilioSignature
from server.integrations import twilio
from server.service.notifications.callbacks import START_WORDS, STOP_WORDS, Callbacks, choice_of
from server.storage.notifications import Message, insert_messages

TOKEN = "twilio-token"
PHONE = "+15551230000"
BASE = "http://baygrid.test/api/webhooks/twilio"


class Twilio:
    """Twilio as far as it calls us."""

    def __init__(self, edge):
        self.edge = edge
        endpoints = twilio_endpoints(
            Callbacks(edge.database, edge.clock), TwilioSignature(SecretStr(TOKEN), None)
        )
        app = Starlette(
            routes=routes_of(endpoints, Doorkeeper(edge.identity, edge.limits)),
            exception_handlers=EXCEPTION_HANDLERS,
        )
        self.client = replace(edge, app=app).client()
        self._number = 0

    async def call(self, path, fields, **headers):
        raw = urlencode(fields)
        signature = twilio.signature(TOKEN, f"{BASE}/{path}", parse_qsl(raw, keep_blank_values=True))
        sent = {"content-type": "application/x-www-form-urlencoded", twilio.SIGNATURE_HEADER: signature}
        return await self.client.post(f"/api/webhooks/twilio/{path}", content=raw, headers=sent | headers)

    async def status(self, sid, status, **more):
        answer = await self.call(
            "status", {"MessageSid": sid, "MessageStatus": status, "AccountSid": "AC1"} | more
        )
        assert answer.status_code == 204, answer.text

    async def text(self, body, *, sid=None, phone=PHONE, **more):
        self._number += 1
        fields = {"MessageSid": sid or f"SM{self._number}", "From": phone, "To": "+15550001111", "Body": body}
        answer = await self.call("inbound", fields | {"NumMedia": "0"} | more)
        assert answer.status_code == 200, answer.text
        return answer

    async def message(self, sid=None, *, phone=PHONE, channel="sms"):
        """A message in the outbox, as if it had been given to Twilio if it has its id."""
        async with self.edge.database.transaction() as connection:
            message = Message(kind="confirmation", channel=channel, recipient=phone, body="Hello")
            [id_] = await insert_messages(connection, [message], self.edge.clock.now(), status="queued")
            if sid is not None:
                await connection.execute("UPDATE notifications SET provider_id = $2 WHERE id = $1", id_, sid)
        return id_

    async def kept(self, id_):
        [row] = await self.edge.fetch(
            "SELECT status, error, updated_at FROM notifications WHERE id = $1", id_
        )
        return row


@pytest.fixture
def provider(edge):
    return Twilio(edge)


async def test_n5_a_message_follows_its_status_and_never_goes_back(edge, provider):
    id_ = await provider.message("SM1")
    other = await provider.message("SM2")
    for status, becomes in (
        ("accepted", "queued"),
        ("sending", "queued"),
        ("sent", "sent"),
        ("queued", "sent"),
        ("something_new", "sent"),
        ("delivered", "delivered"),
        ("sent", "delivered"),
        ("undelivered", "delivered"),
        ("read", "delivered"),
    ):
        edge.clock.advance(1)
        await provider.status("SM1", status)
        assert (await provider.kept(id_))["status"] == becomes, status
    assert (await provider.kept(other))["status"] == "queued"
    await provider.status("SM-unknown", "delivered")


async def test_n5_a_failure_is_kept_with_its_code_and_a_repeat_changes_nothing(edge, provider):
    id_ = await provider.message("SM1")
    await provider.status("SM1", "undelivered", ErrorCode="30003", To=PHONE)
    failed = await provider.kept(id_)
    assert (failed["status"], failed["error"]) == ("failed", "Twilio: undelivered 30003")
    edge.clock.advance(60)
    await provider.status("SM1", "undelivered", ErrorCode="30003", To=PHONE)
    await provider.status("SM1", "delivered")
    assert await provider.kept(id_) == failed
    assert await edge.fetch("SELECT * FROM sms_choices") == []


async def test_n4_a_number_opts_out_and_in_again(edge, provider):
    answer = await provider.text(" stop\n")
    assert answer.headers["content-type"].startswith("text/xml")
    assert answer.text == '<?xml version="1.0" encoding="UTF-8"?><Response/>'
    unwanted = await provider.kept(await provider.message())
    assert (unwanted["status"], unwanted["error"]) == ("failed", "The number has opted out of texts")
    assert (await provider.kept(await provider.message(phone="+15551239999")))["status"] == "queued"
    assert (await provider.kept(await provider.message(channel="email")))["status"] == "queued"
    await provider.text("Start")
    assert (await provider.kept(await provider.message()))["status"] == "queued"
    events = await edge.fetch("SELECT * FROM audit_events WHERE subject_type = 'phone' ORDER BY id")
    assert [(each["subject_id"], each["event_type"], each["metadata"]["cause"]) for each in events] == [
        (PHONE, "opted_out", "sms"),
        (PHONE, "opted_in", "sms"),
    ]


async def test_n4_what_comes_again_changes_nothing(edge, provider):
    async def is_out():
        return (await provider.kept(await provider.message()))["status"] == "failed"

    await provider.text("START", sid="SM-a")
    await provider.text("STOP", sid="SM-b")
    assert await is_out()
    await provider.text("START", sid="SM-a")
    assert await is_out()
    await provider.text("START", sid="SM-c")
    await provider.text("STOP", sid="SM-b")
    assert not await is_out()
    assert len(await edge.fetch("SELECT * FROM audit_events WHERE subject_type = 'phone'")) == 2


async def test_n4_only_a_word_by_itself_is_a_choice_and_nothing_else_is_kept(edge, provider):
    for text in ("Please stop the rain", "stop it", "HELP", "", "no", "\U0001f6d1", "STOP STOP"):
        await provider.text(text)
    await provider.text("STOP", phone="whatsapp:+15551230000")
    await provider.text("STOP", phone="12345")
    await provider.text("stop", OptOutType="HELP")
    assert await edge.fetch("SELECT * FROM sms_choices") == []
    await provider.text("arrêt", OptOutType="STOP")
    await provider.text("oui", OptOutType="START")
    assert [row["choice"] for row in await edge.fetch("SELECT choice FROM sms_choices ORDER BY id")] == [
        "stop",
        "start",
    ]


def test_n4_the_words_are_those_that_the_provider_acts_on():
    assert {choice_of(word.lower()) for word in STOP_WORDS} == {"stop"}
    assert {choice_of(f" {word} ") for word in START_WORDS} == {"start"}
    assert choice_of("stop.") is None


async def test_n4_a_number_that_the_provider_refuses_has_opted_out_here_too(edge, provider):
    await provider.message("SM1")
    for _ in range(2):
        await provider.status("SM1", "failed", ErrorCode="21610", To=PHONE)
    assert [row["phone"] for row in await edge.fetch("SELECT phone FROM sms_choices")] == [PHONE]
    assert (await provider.kept(await provider.message()))["status"] == "failed"
    await provider.status("SM2", "failed", ErrorCode="21610", To="nobody")
    await provider.status("SM3", "sent", ErrorCode="21610", To="+15550002222")
    assert len(await edge.fetch("SELECT * FROM sms_choices")) == 1


async def test_n5_what_is_not_signed_or_has_another_shape_is_refused(edge, provider):
    fields = {"MessageSid": "SM1", "MessageStatus": "delivered"}
    id_ = await provider.message("SM1")
    forged = await provider.call(
        "status", fields, **{twilio.SIGNATURE_HEADER: "RSOYDt4T1cUTdK1PDd93/VVr8B8="}
    )
    assert (forged.status_code, forged.json()["code"]) == (403, "forbidden")
    assert (await provider.kept(id_))["status"] == "queued"
    for path, wrong in (
        ("status", {}),
        ("status", {"MessageSid": "SM1"}),
        ("status", {"MessageSid": "x" * 100, "MessageStatus": "sent"}),
        ("status", {"MessageSid": "SM1", "MessageStatus": "sent", "ErrorCode": "9" * 50}),
        ("inbound", {"MessageSid": "SM1"}),
        ("inbound", {"MessageSid": "SM1", "From": PHONE, "Body": "x\x00"}),
        ("inbound", [("MessageSid", "SM1"), ("From", PHONE), ("From", PHONE)]),
    ):
        answer = await provider.call(path, wrong)
        assert answer.status_code == 400, (wrong, answer.text)
