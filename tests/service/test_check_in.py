"""Guests checked in by their code, at kiosks and desks (K3)."""

import asyncio
from typing import Any

import pytest

from grid_engine.interval import HOUR, MINUTE
from server.clock import ManualClock
from server.commands import format_instant
from server.errors import (
    Forbidden,
    IdempotencyMismatch,
    NotActive,
    NotFound,
    Problem,
    Refused,
    Stale,
    TooEarly,
)
from server.principal import Principal
from tests.conftest import NOON
from tests.service.conftest import Node
from tests.service.test_booking import START, book, command
from tests.venues import Town, Venue

OPENS = 23 * HOUR + 30 * MINUTE
"""From noon until half an hour before ``START``."""


def kiosk_at(*venues: Venue, device_id: int = 7) -> Principal:
    return Principal(
        user_id=None,
        device_id=device_id,
        role="kiosk",
        location_ids=frozenset(venue.id for venue in venues),
        name="Lobby",
        session_id=f"hash-{device_id}",
    )


@pytest.fixture
async def venue(town: Town) -> Venue:
    return await town.venue()


@pytest.fixture
async def ann(town: Town) -> Principal:
    return await town.person("Ann Able")


@pytest.fixture
async def staff(town: Town, venue: Venue) -> Principal:
    return await town.person("Sam Staff", "staff", [venue])


@pytest.fixture
async def booking(node: Node, venue: Venue, ann: Principal) -> dict[str, Any]:
    return await book(node, ann, venue.bays[0], note="Left-handed")


async def test_k3_a_kiosk_checks_in_from_half_an_hour_before_the_start_until_the_end(
    node: Node, venue: Venue, booking: dict[str, Any], clock: ManualClock
) -> None:
    kiosk = kiosk_at(venue)
    clock.advance(OPENS - 1)
    with pytest.raises(TooEarly):
        await node.desk.check_in(kiosk, booking["code"])
    clock.advance(1)
    first = await node.desk.check_in(kiosk, booking["code"])
    assert first.body == {
        "location_id": venue.id,
        "resource_id": venue.bays[0],
        "start_time": booking["start_time"],
        "end_time": booking["end_time"],
        "status": "confirmed",
        "attended_at": format_instant(NOON + OPENS),
        "version": first.version,
    }
    clock.advance(90 * MINUTE - 1)
    assert await node.desk.check_in(kiosk, booking["code"]) == first
    clock.advance(1)
    with pytest.raises(NotActive):
        await node.desk.check_in(kiosk, booking["code"])
    await node.desk.sweep()
    await node.desk.idle()
    with pytest.raises(NotActive):
        await node.desk.check_in(kiosk, booking["code"])


async def test_k3_staff_are_told_the_whole_booking(
    node: Node, booking: dict[str, Any], staff: Principal, clock: ManualClock
) -> None:
    clock.advance(OPENS)
    done = await node.desk.check_in(staff, booking["code"])
    assert done.body["id"] == booking["id"]
    assert done.body["note"] == "Left-handed"
    assert done.body["attended_at"] is not None
    assert "internal_note" in done.body


@pytest.mark.parametrize("spelt", [" {0} ", "{1}-{2}", "{1} {2}", "{3}", "\t{3}\n"])
async def test_k3_a_code_is_taken_as_guests_spell_it(
    node: Node, venue: Venue, booking: dict[str, Any], clock: ManualClock, spelt: str
) -> None:
    clock.advance(OPENS)
    code = booking["code"]
    done = await node.desk.check_in(kiosk_at(venue), spelt.format(code, code[:3], code[3:], code.lower()))
    assert done.body["attended_at"] is not None


async def test_k3_at_another_location_the_code_does_not_exist(
    node: Node, town: Town, venue: Venue, ann: Principal, clock: ManualClock
) -> None:
    elsewhere = await town.venue()
    away = await town.person("Eve Elsewhere", "staff", [elsewhere])
    booking = await book(node, ann, venue.bays[0])
    own = await book(node, away, venue.bays[1])
    clock.advance(OPENS)
    refusals = set()
    for who, code in (
        (kiosk_at(elsewhere), booking["code"]),
        (away, booking["code"]),
        (away, own["code"]),  # not even their own: that is what confirming it by its id is for
        (kiosk_at(venue), "AAAAAA"),
        (kiosk_at(), booking["code"]),
    ):
        with pytest.raises(NotFound) as refused:
            await node.desk.check_in(who, code)
        refusals.add(refused.value.detail)
    assert len(refusals) == 1


@pytest.mark.parametrize("role", ["customer", "operator", "staff"])
async def test_k3_codes_are_taken_at_kiosks_and_desks_alone(
    node: Node, town: Town, booking: dict[str, Any], clock: ManualClock, role: Any
) -> None:
    clock.advance(OPENS)
    nowhere = await town.person("Nora Nowhere", role)
    for code in (booking["code"], "AAAAAA"):
        with pytest.raises(Forbidden):
            await node.desk.check_in(nowhere, code)


async def test_p4_what_was_cancelled_or_is_a_block_or_held_is_not_checked_in(
    node: Node, town: Town, venue: Venue, ann: Principal, booking: dict[str, Any], clock: ManualClock
) -> None:
    ada = await town.person("Ada", "admin")
    block = await book(node, ada, venue.bays[1], type="MAINTENANCE", note="nets")
    await node.desk.perform(ann, command("cancel", booking["id"]))
    clock.advance(OPENS)
    held = (
        await node.desk.perform(
            ann,
            command(
                "hold",
                resource_id=venue.bays[2],
                start_time=format_instant(START),
                end_time=format_instant(START + HOUR),
            ),
        )
    ).body
    for each in (booking, block, held):
        with pytest.raises(NotActive):
            await node.desk.check_in(kiosk_at(venue), each["code"])


async def test_a2_a_banned_guest_is_sent_to_the_desk(
    node: Node,
    town: Town,
    venue: Venue,
    ann: Principal,
    staff: Principal,
    booking: dict[str, Any],
    clock: ManualClock,
) -> None:
    await town.restrict(ann, "BOOKING_BAN")
    clock.advance(OPENS)
    with pytest.raises(Refused) as refused:
        await node.desk.check_in(kiosk_at(venue), booking["code"])
    assert refused.value.code == "booking_ban"
    assert (await node.desk.check_in(staff, booking["code"])).status == 200


async def test_k3_a_code_that_was_given_out_again_is_the_later_bookings(
    node: Node, town: Town, venue: Venue, ann: Principal, booking: dict[str, Any], clock: ManualClock
) -> None:
    await node.desk.perform(ann, command("cancel", booking["id"]))
    later = await book(node, ann, venue.bays[1], START + HOUR)
    await town.fetch("UPDATE bookings SET code = $1 WHERE id = $2::uuid", booking["code"], later["id"])
    clock.advance(OPENS + HOUR)
    done = await node.desk.check_in(kiosk_at(venue), booking["code"])
    assert done.body["resource_id"] == venue.bays[1]


async def test_a8_the_audit_says_which_device_checked_a_guest_in(
    node: Node,
    town: Town,
    venue: Venue,
    ann: Principal,
    staff: Principal,
    booking: dict[str, Any],
    clock: ManualClock,
) -> None:
    other = await book(node, ann, venue.bays[1])
    clock.advance(OPENS)
    await node.desk.check_in(kiosk_at(venue, device_id=7), booking["code"])
    await node.desk.check_in(kiosk_at(venue, device_id=8), booking["code"])
    await node.desk.check_in(staff, other["code"])
    rows = await town.fetch(
        "SELECT booking_id::text, actor_id, metadata FROM booking_events WHERE event_type = 'attended' ORDER BY id"
    )
    assert [(row["booking_id"], row["actor_id"], row["metadata"]["cause"]) for row in rows] == [
        (booking["id"], None, "device:7"),
        (other["id"], staff.user_id, "command"),
    ]
    with pytest.raises(Stale):  # not the desk's own change
        await node.desk.perform(staff, command("undo", booking["id"]))


async def test_g7_a_key_gives_the_first_answer_and_no_other_code(
    node: Node, venue: Venue, ann: Principal, booking: dict[str, Any], clock: ManualClock
) -> None:
    other = await book(node, ann, venue.bays[1])
    kiosk = kiosk_at(venue)
    clock.advance(OPENS)
    first = await node.desk.check_in(kiosk, booking["code"], key="k")
    clock.advance(2 * HOUR)
    assert await node.desk.check_in(kiosk, booking["code"], key="k") == first
    with pytest.raises(IdempotencyMismatch):
        await node.desk.check_in(kiosk, other["code"], key="k")


async def test_a1_a_kiosk_gives_no_other_command_and_none_by_a_bookings_id(
    node: Node, venue: Venue, booking: dict[str, Any], clock: ManualClock
) -> None:
    clock.advance(OPENS)
    kiosk = kiosk_at(venue)
    place = {
        "resource_id": venue.bays[1],
        "start_time": booking["start_time"],
        "end_time": booking["end_time"],
    }
    times = {name: place[name] for name in ("start_time", "end_time")}
    for given in (command("create", **place), command("hold", **place)):
        for ask in (node.desk.perform, node.desk.judge):
            with pytest.raises(Forbidden):
                await ask(kiosk, given)
    target = booking["id"]
    for given in (
        command("confirm", target),
        command("no_show", target),
        command("cancel", target),
        command("release", target),
        command("undo", target),
        command("update", target, note="x"),
        command("reschedule", target, **times),
    ):
        with pytest.raises(NotFound):
            await node.desk.perform(kiosk, given)
    for given in (command("update", target, note="x"), command("reschedule", target, **times)):
        with pytest.raises(NotFound):
            await node.desk.judge(kiosk, given)


async def test_p4_check_in_and_cancellation_at_two_nodes_come_one_after_the_other(
    start_node: Any, town: Town, venue: Venue, staff: Principal, clock: ManualClock
) -> None:
    here, there = await start_node(), await start_node()
    clock.advance(OPENS)
    made = [await book(here, staff, bay, visitor={"name": "Vera"}) for bay in venue.bays]

    async def outcome(work: Any) -> str:
        try:
            await work
        except Problem as problem:
            return problem.code
        return "done"

    outcomes = await asyncio.gather(
        *(
            asyncio.gather(
                outcome(here.desk.check_in(kiosk_at(venue), each["code"])),
                outcome(there.desk.perform(staff, command("cancel", each["id"], override_reason="rain"))),
            )
            for each in made
        )
    )
    for each, (checked_in, cancelled) in zip(made, outcomes, strict=True):
        events = await town.fetch(
            "SELECT event_type FROM booking_events WHERE booking_id = $1::uuid ORDER BY id", each["id"]
        )
        told = [row["event_type"] for row in events]
        assert cancelled == "done"
        assert (checked_in, told) in (
            ("done", ["created", "attended", "cancelled"]),
            ("not_active", ["created", "cancelled"]),
        )
