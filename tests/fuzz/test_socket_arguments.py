"""Messages that can be read and cannot be meant, at the socket of a real node: a ``nak`` that names them, and it goes on.

Belongs here: fields of a wrong type or value, and commands out of order. Does not belong here: what ends a socket
(``test_socket_doors``). A well-behaved screen watches beside every test (``bystander``).
"""

from typing import Any

import pytest

from tests.acceptance.conftest import span
from tests.fuzz.http_attempts import JUNE_2, UNKNOWN
from tests.fuzz.node_doors import Doors
from tests.fuzz.raw_sockets import Message, command, expect_nak, expect_told, raw_socket, subscribe

pytestmark = pytest.mark.usefixtures("bystander")


WRONG: tuple[Any, ...] = (None, True, 1.0, 1.5, "1", "", [], {}, [1], 2**64 - 1, 2**63)


async def test_wrong_fields_of_a_subscription_are_a_nak_with_its_location(doors: Doors) -> None:
    here = doors.venue.id
    dates = (
        "",
        "2027-02-30",
        "2027-6-1",
        "0000-01-01",
        "2027-06-01T00:00:00Z",
        "10000-01-01",
        "\u0662027-06-01",
    )
    sinces: tuple[Any, ...] = (5, "x", [], {}, {"epoch": "x"}, {"version": 1}, {"epoch": 5, "version": 1}, {"epoch": "", "version": 1},
              {"epoch": "x", "version": -1}, {"epoch": "x", "version": 1.0}, {"epoch": "x", "version": 2**63}, {"epoch": "\x00", "version": 1})  # fmt: skip
    async with raw_socket(doors, "staff") as raw:
        for days in (0, 32, -1, 2**63 - 1, -(2**63), *WRONG):
            await expect_nak(raw, subscribe(doors, days=days), 400, location=here, code="invalid_request")
        for date in (*dates, *WRONG):
            await expect_nak(raw, subscribe(doors) | {"from": date}, 400, location=here)
        for since in sinces:
            await expect_nak(raw, subscribe(doors, since=since), 400, location=here)
        for location in WRONG:
            named = {"location": location} if type(location) is int else {"location": None}
            await expect_nak(raw, subscribe(doors, location=location), 400, **named)
        for location in (0, -1, 2**31, 2**63 - 1, -(2**63)):
            await expect_nak(
                raw, subscribe(doors, location=location), 404, location=location, code="not_found"
            )
        for name in ("location", "from", "days"):
            message = subscribe(doors)
            del message[name]
            await expect_nak(raw, message, 400, code="invalid_request")
        await raw.send(subscribe(doors))
        assert (await raw.next_of("snapshot"))["location"] == here


async def test_a_since_that_is_not_ours_is_answered_by_a_snapshot(doors: Doors) -> None:
    async with raw_socket(doors, "staff") as raw:
        await raw.send(subscribe(doors))
        held = await raw.next_of("snapshot")
        epoch, version = held["epoch"], held["version"]
        foreign = (
            ("another", version),
            (epoch, version + 1),
            (epoch, 2**63 - 1),
            (epoch.upper(), version),
            ("\U0001f40d" * 99, 0),
        )
        for other_epoch, other_version in foreign:
            await raw.send(subscribe(doors, since={"epoch": other_epoch, "version": other_version}))
            assert (await raw.next_of("snapshot"))["version"] >= version
        await raw.send(subscribe(doors, since={"epoch": epoch, "version": 0}))
        assert (await raw.next_of("snapshot", "diff"))["version"] >= version


async def test_wrong_fields_of_other_messages_are_naks(doors: Doors) -> None:
    here = doors.venue.id
    drag = {"resource_id": doors.venue.bays[0], **span(JUNE_2)}
    drags: tuple[Any, ...] = (
        5, "x", [], {}, drag | {"x": 1}, drag | {"resource_id": 1.0}, drag | {"resource_id": 2**63}, drag | {"resource_id": True},
        drag | {"start_time": 1811937600}, drag | {"start_time": "2027-06-02T12:00:00"}, drag | {"start_time": drag["end_time"]},
        drag | {"booking_id": "x"}, drag | {"booking_id": 5}, drag | {"end_time": "9999-12-31T23:59:59-14:00"},
    )  # fmt: skip
    async with raw_socket(doors, "staff") as raw:
        await raw.send(subscribe(doors))
        await raw.next_of("snapshot")
        for n in WRONG:
            await expect_nak(raw, {"t": "ping", "n": n}, 400)
        for location in WRONG:
            await expect_nak(raw, {"t": "unsubscribe", "location": location}, 400)
            await expect_nak(raw, {"t": "presence", "location": location}, 400)
        tokens: tuple[Any, ...] = (None, 5, "", [], "\x00")
        for token in tokens:
            await expect_nak(raw, {"t": "auth", "token": token}, 400)
        for each in drags:
            await expect_nak(raw, {"t": "presence", "location": here, "drag": each}, 400, location=here)
        elsewhere = doors.elsewhere.id
        await expect_nak(raw, {"t": "presence", "location": elsewhere, "drag": drag}, 403, location=elsewhere)
        # Nothing to leave, nothing to end: nobody minds.
        await raw.send({"t": "unsubscribe", "location": 2**40}, {"t": "presence", "location": here})
        await raw.alive()


@pytest.mark.parametrize("kind", ["command", "judge"])
async def test_wrong_commands_are_naks_with_their_id(doors: Doors, kind: str) -> None:
    place = {"resource_id": doors.venue.bays[1], **span(JUNE_2)}
    bodies: tuple[Message, ...] = (
        {}, place | {"x": 1}, place | {"resource_id": 1.0}, place | {"resource_id": True}, place | {"resource_id": "1"},
        place | {"resource_id": 2**63}, place | {"resource_id": 2**64 - 1}, place | {"start_time": JUNE_2}, place | {"start_time": "x"},
        place | {"end_time": place["start_time"]}, place | {"end_time": "2030-06-02T12:00:00Z"}, place | {"note": "\x00"},
        place | {"note": "x" * 2_001}, place | {"visitor": {}}, place | {"visitor": {"name": "V", "x": 1}}, place | {"hold_id": "x"},
        place | {"type": "NOTHING"}, place | {"if_version": -1}, place | {"if_version": 1.0}, place | {"booking_id": UNKNOWN},
        place | {"note": [[[[[1]]]]]},
    )  # fmt: skip
    targets: tuple[Any, ...] = (
        None,
        "",
        "x",
        5,
        1.0,
        True,
        [],
        {},
        UNKNOWN,
        UNKNOWN[:-1],
        f"{{{UNKNOWN}}}",
        "\x00",
        2**63,
    )
    async with raw_socket(doors, "staff") as raw:
        for body in bodies:
            await expect_nak(
                raw, command(doors, t=kind, id="a", args=body), 400, id="a", code="invalid_request"
            )
        for resource_id in (0, -1, 2**31, 2**63 - 1, -(2**63)):
            message = command(doors, t=kind, id="b", args=place | {"resource_id": resource_id})
            await expect_nak(raw, message, 404, id="b", code="not_found")
        ops: tuple[Any, ...] = ("", "shout", "CREATE", "__init__", None, 5, [], {}, "create\x00")
        for op in ops:
            await expect_nak(raw, command(doors, t=kind, id="c", op=op), 400, id="c")
        arguments: tuple[Any, ...] = (None, 5, "x", [], [place], True)
        for args in arguments:
            await expect_nak(raw, command(doors, t=kind, id="d", args=args), 400, id="d")
        ids: tuple[Any, ...] = (None, 5, 1.0, True, "", "a b", "x" * 201, "\u00fc", "\x00", [], {})
        for id_ in ids:
            await expect_nak(raw, command(doors, t=kind, id=id_), 400, id=None)
        for op in ("reschedule", "update", "cancel", "confirm", "no_show", "undo", "release"):
            name = "hold_id" if op == "release" else "booking_id"
            times = span(JUNE_2) if op == "reschedule" else {}
            await expect_nak(raw, command(doors, t=kind, id="e", op=op, args=times), 400, id="e")
            for target in targets:
                message = command(doors, t=kind, id="f", op=op, args=times | {name: target})
                # Judged, what has no time to be judged is no longer looked for.
                told = await expect_told(raw, message)
                assert (told["t"], told["id"]) == ("nak", "f"), told
                assert told["status"] in ((404, 409) if kind == "judge" else (404,)), (message, told)
        await raw.alive()


async def test_t3_wall_times_in_a_gap_or_twice_are_naks_with_what_they_may_mean(doors: Doors) -> None:
    async with raw_socket(doors, "staff") as raw:
        for code, wall in (
            ("nonexistent_time", "2028-03-12T02:30:00"),
            ("ambiguous_time", "2027-11-07T01:30"),
        ):
            place = {"resource_id": doors.venue.bays[1], "start_time": wall, "end_time": f"{wall[:11]}05:00"}
            told = await expect_nak(raw, command(doors, args=place), 422, code=code)
            assert [each["code"] for each in told["violations"]] == [code]
            assert told["suggestions"]
            verdict = await expect_told(raw, command(doors, t="judge", args=place))
            assert (verdict["t"], verdict["allowed"]) == ("verdict", False)


async def test_p4_g7_commands_out_of_order_are_naks_and_what_was_right_is_done_once(doors: Doors) -> None:
    """Sent without awaiting answers: each is answered, by its id, and the wrong ones take nothing with them."""
    place = {"resource_id": doors.venue.bays[1], **span(JUNE_2 + 7 * 86_400)}
    before = await doors.town.value("SELECT count(*) FROM bookings")
    async with raw_socket(doors, "admin") as raw:
        right = command(doors, args=place)
        await raw.send(
            command(doors, id="early-1", op="cancel", args={"booking_id": UNKNOWN}),
            command(doors, id="early-2", op="release", args={"hold_id": UNKNOWN}),
            command(doors, id="early-3", op="undo", args={"booking_id": UNKNOWN}),
            right,
            command(doors, id="wrong", args={"resource_id": 1.5}),
            right,
        )
        answers = [await raw.next_of("ack", "nak") for _ in range(6)]
        naks = {answer["id"]: answer["status"] for answer in answers if answer["t"] == "nak"}
        acks = [answer for answer in answers if answer["t"] == "ack"]
        assert naks == {"early-1": 404, "early-2": 404, "early-3": 404, "wrong": 400}
        assert [ack["id"] for ack in acks] == [right["id"]] * 2
        assert acks[0]["result"]["id"] == acks[1]["result"]["id"]
        booking = {"booking_id": acks[0]["result"]["id"]}
        other = right | {"args": place | {"note": "another"}}
        await expect_nak(raw, other, 422, id=right["id"], code="idempotency_mismatch")
        await expect_nak(raw, command(doors, op="confirm", args=booking), 409, code="too_early")
        await expect_nak(raw, command(doors, op="no_show", args=booking), 409, code="too_early")
        await expect_nak(raw, command(doors, op="release", args={"hold_id": booking["booking_id"]}), 409)
        await expect_nak(
            raw, command(doors, op="cancel", args=booking | {"if_version": 0}), 412, code="stale"
        )
        assert (await expect_told(raw, command(doors, op="cancel", args=booking)))["t"] == "ack"
        times = span(JUNE_2 + 8 * 86_400)
        await expect_nak(raw, command(doors, op="reschedule", args=booking | times), 409, code="not_active")
        await expect_nak(raw, command(doors, op="confirm", args=booking), 409, code="not_active")
    assert await doors.town.value("SELECT count(*) FROM bookings") == before + 1
