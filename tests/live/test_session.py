"""The session alone: messages in, effects out; no socket, no loop, no clock but the numbers passed in."""

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest

from server.commands import Command, Nothing
from server.errors import Malformed, NotFound, Problem
from server.live.desk import Done, JudgedMove
from server.live.effects import (
    AskVerdict,
    Authenticate,
    Effect,
    End,
    Execute,
    Reconsider,
    Reply,
    ShowDrag,
    StartWatching,
    StopWatching,
    WakeAt,
)
from server.live.session import HELLO_SECONDS, MESSAGES_PER_SECOND, Closing, Live, Session
from server.service.permission import admit
from server.wire.messages import (
    Ack,
    Act,
    Auth,
    BadArguments,
    Drag,
    Hello,
    Judge,
    MyPresence,
    Nak,
    Ping,
    Pong,
    Subscribe,
    Unsubscribe,
    VerdictMessage,
    Welcome,
)
from tests.live.doubles import ADMIN, COLLEAGUE, CUSTOMER, KIOSK, NOON, STAFF

COMMAND = Command(op="confirm", body=Nothing())
DRAG = Drag(1, "2027-06-01T18:00:00Z", "2027-06-01T19:00:00Z")
OTHER_DRAG = replace(DRAG, resource_id=2)
SUBSCRIBE = Subscribe(1, dt.date(2027, 6, 1), 1)


def describe(problem: Problem) -> dict[str, Any]:
    return {"status": problem.status, "code": problem.code, "detail": problem.detail}


def fresh() -> Session:
    return Session("me", describe, admit, 0.0)


def live(principal=STAFF) -> Session:
    session = fresh()
    assert session.receive(Hello(1, "token"), 0.0) == [Authenticate("token")]
    (welcome,) = session.authenticated(principal, NOON)
    assert isinstance(welcome, Reply)
    assert isinstance(welcome.message, Welcome)
    return session


def nak(effects: list[Effect]) -> Nak:
    (reply,) = effects
    assert isinstance(reply, Reply)
    assert isinstance(reply.message, Nak)
    return reply.message


def test_hello_comes_first_and_is_answered_once_the_token_is_good():
    session = fresh()
    assert session.principal is None
    assert session.receive(Hello(1), 0.0) == [Authenticate(None)]
    assert session.authenticated(CUSTOMER, NOON) == [Reply(Welcome("me", "customer", 7, NOON, 10))]
    assert session.state == Live(CUSTOMER)


@pytest.mark.parametrize(
    "message", [Ping(1), SUBSCRIBE, Act("k", COMMAND), Auth("t"), BadArguments("hello", Malformed()), None]
)
def test_anything_else_first_is_out_of_order(message):
    (end,) = fresh().receive(message, 0.0)
    assert isinstance(end, End)
    assert end.code == 4400


def test_another_protocol_is_told_so():
    (end,) = fresh().receive(Hello(2, "token"), 0.0)
    assert isinstance(end, End)
    assert end.code == 4409


def test_nothing_may_be_said_while_the_token_is_checked():
    session = fresh()
    session.receive(Hello(1, "token"), 0.0)
    (end,) = session.receive(Ping(1), 0.0)
    assert isinstance(end, End)
    assert end.code == 4400


def test_a_session_that_does_not_say_hello_in_time_ends():
    session = fresh()
    assert session.elapsed(HELLO_SECONDS - 0.01, NOON) == []
    (end,) = session.elapsed(HELLO_SECONDS, NOON)
    assert isinstance(end, End)
    assert end.code == 4401
    assert session.elapsed(HELLO_SECONDS + 1, NOON) == []
    assert live().elapsed(HELLO_SECONDS, NOON) == []


def test_after_the_end_nothing_is_heard_and_nothing_said():
    session = live()
    assert session.end(1001, "away", 5) == [End(1001, "away", 5)]
    assert session.state == Closing(1001)
    assert session.end(4400, "again") == []
    assert session.receive(Ping(1), 0.0) == []
    assert session.authenticated(STAFF, NOON) == []
    assert session.checked(None) == []
    assert session.answered("k", Done(status=200, body={})) == []
    assert session.judged(0, "k", NotFound()) == []
    assert session.rejected() == []


def test_messages_become_effects():
    session = live()
    assert session.receive(Ping(3), 0.0) == [Reply(Pong(3))]
    assert session.receive(SUBSCRIBE, 0.0) == [StartWatching(SUBSCRIBE)]
    assert session.receive(Unsubscribe(1), 0.0) == [StopWatching(1)]
    assert session.receive(Act("k", COMMAND), 0.0) == [Execute("k", COMMAND)]
    assert session.receive(Judge("j", COMMAND), 0.0) == [AskVerdict(1, "j", COMMAND)]
    assert session.receive(Auth("fresh"), 0.0) == [Authenticate("fresh")]
    (end,) = session.receive(Hello(1, "token"), 0.0)
    assert isinstance(end, End)
    assert end.code == 4400


def test_bad_arguments_are_refused_by_what_could_be_read_of_them():
    session = live()
    refused = nak(session.receive(BadArguments("command", Malformed("no"), id="k"), 0.0))
    assert (refused.id, refused.location, refused.status) == ("k", None, 400)
    refused = nak(session.receive(BadArguments("subscribe", Malformed("no"), location=4), 0.0))
    assert (refused.id, refused.location, refused.status) == (None, 4, 400)


def test_answers():
    session = live()
    assert session.answered("k", Done(status=201, body={"id": 1}, version=9)) == [
        Reply(Ack("k", {"id": 1}, 9))
    ]
    assert nak(session.answered("k", NotFound())).id == "k"


def test_g8_an_overtaken_question_gets_no_answer():
    session = live()
    session.receive(Judge("a", COMMAND), 0.0)
    session.receive(Judge("b", COMMAND), 0.0)
    move = JudgedMove(allowed=False, overridable=True, violations=[{"code": "closed"}])
    assert session.judged(1, "a", move) == []
    assert session.judged(2, "b", move) == [
        Reply(
            VerdictMessage(
                "b", allowed=False, overridable=True, violations=[{"code": "closed"}], suggestions=()
            )
        )
    ]
    session.receive(Judge("c", COMMAND), 0.0)
    assert nak(session.judged(3, "c", NotFound())).id == "c"


def test_a_kiosk_watches_its_own_location_only():
    session = live(KIOSK)
    assert nak(session.receive(Subscribe(2, dt.date(2027, 6, 1), 1), 0.0)).status == 404
    assert session.receive(SUBSCRIBE, 0.0) == [StartWatching(SUBSCRIBE)]


# Pace


def test_200_messages_in_a_second_are_heard_and_one_more_is_not():
    session = live()
    for n in range(MESSAGES_PER_SECOND - 1):  # hello was the first
        assert session.receive(Ping(n), 0.999) == [Reply(Pong(n))]
    (end,) = session.receive(Ping(0), 0.9999)
    assert isinstance(end, End)
    assert end.code == 4429


def test_200_messages_in_every_second_can_go_on_for_ever():
    session = live()
    for n in range(2_000):
        assert session.receive(Ping(n), 2.0 + n * 1.001 / MESSAGES_PER_SECOND) == [Reply(Pong(n))]


def test_unreadable_messages_count_and_close():
    (end,) = live().receive(None, 0.0)
    assert isinstance(end, End)
    assert end.code == 4400


# Drags in progress


@pytest.mark.parametrize("principal", [CUSTOMER, KIOSK])
def test_g9_customers_and_kiosks_show_no_drags(principal):
    assert nak(live(principal).receive(MyPresence(1, DRAG), 0.0)).status == 403


def test_g9_staff_show_drags_only_where_they_are_staff():
    assert nak(live(STAFF).receive(MyPresence(2, DRAG), 0.0)).status == 403
    assert live(ADMIN).receive(MyPresence(2, DRAG), 0.0) == [ShowDrag(2, DRAG)]


def test_g9_at_most_ten_drags_a_second_are_passed_on_and_the_latest_is_not_lost():
    session = live()
    assert session.receive(MyPresence(1, DRAG), 1.0) == [ShowDrag(1, DRAG)]
    assert session.receive(MyPresence(1, DRAG), 1.01) == [WakeAt(1.1)]
    assert session.receive(MyPresence(1, OTHER_DRAG), 1.02) == [WakeAt(1.1)]
    assert session.elapsed(1.05, NOON) == [WakeAt(1.1)]
    assert session.elapsed(1.1, NOON) == [ShowDrag(1, OTHER_DRAG)]
    assert session.elapsed(1.2, NOON) == []
    passed = 0
    at = 2.0
    while at < 12.0:
        effects = session.receive(MyPresence(1, DRAG), at) + session.elapsed(at, NOON)
        passed += sum(isinstance(effect, ShowDrag) for effect in effects)
        at += 0.013
    assert 95 <= passed <= 101


def test_g9_the_end_of_a_drag_replaces_what_waited_before_it():
    session = live()
    session.receive(MyPresence(1, DRAG), 1.0)
    session.receive(MyPresence(1, OTHER_DRAG), 1.01)
    session.receive(MyPresence(1), 1.02)
    assert session.elapsed(1.1, NOON) == [ShowDrag(1, None)]


def test_g9_drags_at_two_locations_take_turns():
    session = live(ADMIN)
    session.receive(MyPresence(1, DRAG), 1.0)
    session.receive(MyPresence(2, DRAG), 1.01)
    session.receive(MyPresence(1, OTHER_DRAG), 1.02)
    shown, wake = session.elapsed(1.1, NOON)
    assert shown == ShowDrag(2, DRAG)
    assert isinstance(wake, WakeAt)
    assert session.elapsed(wake.at, NOON) == [ShowDrag(1, OTHER_DRAG)]


def test_g9_what_a_session_drags_is_dropped_with_it():
    session = live(ADMIN)
    session.receive(MyPresence(1, DRAG), 1.0)
    session.receive(MyPresence(2, DRAG), 2.0)
    session.receive(MyPresence(1), 3.0)
    assert session.lost() == [ShowDrag(2, None)]
    assert session.lost() == []
    session = live(ADMIN)
    session.receive(MyPresence(1, DRAG), 1.0)
    assert session.end(1001, "away") == [ShowDrag(1, None), End(1001, "away")]


def test_g9_a_drag_ends_with_its_subscription():
    session = live()
    session.receive(MyPresence(1, DRAG), 1.0)
    session.receive(MyPresence(1, OTHER_DRAG), 1.01)
    assert session.receive(Unsubscribe(1), 1.02) == [ShowDrag(1, None), StopWatching(1)]
    assert session.elapsed(2.0, NOON) == []


# What becomes of accounts


def test_a5_a_revoked_account_is_signed_out():
    (end,) = live().checked(None)
    assert isinstance(end, End)
    assert end.code == 4401


def test_a5_another_role_has_to_sign_in_again():
    (end,) = live().checked(replace(STAFF, role="customer"))
    assert isinstance(end, End)
    assert end.code == 4401


def test_a5_other_locations_are_reconsidered():
    session = live()
    assert session.checked(STAFF) == []
    moved = replace(STAFF, location_ids=frozenset({2}))
    assert session.checked(moved) == [Reconsider()]
    assert session.principal == moved


def test_a_token_ends_its_session_unless_a_fresh_one_came_before():
    session = live(replace(STAFF, expires_at=NOON + 60))
    assert session.elapsed(1.0, NOON + 59) == []
    assert session.checked(STAFF) == []  # knows nothing of the token
    assert session.authenticated(replace(STAFF, expires_at=NOON + 120), NOON + 59) == []
    assert session.elapsed(2.0, NOON + 119) == []
    (end,) = session.elapsed(3.0, NOON + 120)
    assert isinstance(end, End)
    assert end.code == 4401


def test_p2_an_old_token_will_do_while_nobody_could_get_a_fresh_one():
    session = live(replace(STAFF, expires_at=NOON + 60))
    assert session.elapsed(1.0, NOON + 600, renewable=False) == []
    (end,) = session.elapsed(2.0, NOON + 600)
    assert isinstance(end, End)
    assert end.code == 4401


def test_a_fresh_token_is_of_the_same_account():
    (end,) = live().authenticated(COLLEAGUE, NOON)
    assert isinstance(end, End)
    assert end.code == 1008
