"""Verdicts without doing it: from memory, and the same that doing it would have (G8, R21)."""

import pytest

from grid_engine.interval import HOUR
from server.errors import Forbidden, NotActive, NotFound
from server.principal import Principal
from tests.service.conftest import Node
from tests.service.test_booking import START, book, command, span
from tests.venues import Town, Venue


@pytest.fixture
async def venue(town: Town) -> Venue:
    return await town.venue()


@pytest.fixture
async def ann(town: Town) -> Principal:
    return await town.person("Ann Able")


async def test_g8_taken_time_is_refused_with_the_nearest_fix(
    node: Node, town: Town, venue: Venue, ann: Principal
) -> None:
    await book(node, ann, venue.bays[0])
    bob = await town.person("Bob")
    verdict = await node.desk.judge(bob, command("create", resource_id=venue.bays[0], **span()))
    assert (verdict.allowed, verdict.overridable) == (False, False)
    assert [each["code"] for each in verdict.violations] == ["conflict"]
    assert verdict.suggestions


async def test_g8_staff_are_told_what_a_reason_would_waive(node: Node, town: Town, venue: Venue) -> None:
    sam = await town.person("Sam", "staff", [venue])
    verdict = await node.desk.judge(
        sam, command("create", resource_id=venue.bays[0], visitor={"name": "Vic"}, **span(minutes=30))
    )
    assert (verdict.allowed, verdict.overridable) == (False, True)
    reasoned = command(
        "create",
        resource_id=venue.bays[0],
        visitor={"name": "Vic"},
        override_reason="a lesson",
        **span(minutes=30),
    )
    assert (await node.desk.judge(sam, reasoned)).allowed


async def test_g4_g8_a_move_over_part_of_itself_is_allowed(node: Node, venue: Venue, ann: Principal) -> None:
    booking = await book(node, ann, venue.bays[0])
    verdict = await node.desk.judge(ann, command("reschedule", booking["id"], **span(START + HOUR // 2)))
    assert verdict.allowed


async def test_g8_r17_a_booking_may_stay_where_it_is_even_if_it_may_not_be_moved_any_more(
    node: Node, town: Town, venue: Venue, ann: Principal
) -> None:
    booking = await book(node, ann, venue.bays[0])
    await town.restrict(ann, "BOOKING_BAN")
    same = command("reschedule", booking["id"], resource_id=venue.bays[0], **span())
    assert (await node.desk.judge(ann, same)).allowed
    assert (await node.desk.perform(ann, same)).body["reschedule_count"] == 0
    away = command("reschedule", booking["id"], resource_id=venue.bays[1], **span())
    assert [each["code"] for each in (await node.desk.judge(ann, away)).violations] == ["booking_ban"]


async def test_g5_r21_a_hold_stands_in_the_way_neither_of_its_booking_nor_of_the_hold_that_replaces_it(
    node: Node, venue: Venue, ann: Principal
) -> None:
    held = await node.desk.perform(ann, command("hold", resource_id=venue.bays[0], **span()))
    again = command("hold", resource_id=venue.bays[0], **span(START + HOUR // 2))
    assert (await node.desk.judge(ann, again)).allowed
    confirming = command("create", resource_id=venue.bays[0], hold_id=held.body["id"], **span())
    assert (await node.desk.judge(ann, confirming)).allowed
    assert (await node.desk.perform(ann, again)).status == 201


async def test_a3_nobody_learns_of_bookings_by_judging(
    node: Node, town: Town, venue: Venue, ann: Principal
) -> None:
    booking = await book(node, ann, venue.bays[0])
    bob = await town.person("Bob")
    with pytest.raises(NotFound):
        await node.desk.judge(bob, command("reschedule", booking["id"], **span(START + HOUR)))
    with pytest.raises(Forbidden):
        await node.desk.judge(
            bob, command("create", resource_id=venue.bays[1], user_id=ann.user_id, **span())
        )


async def test_g8_r21_what_is_over_or_cancelled_cannot_be_moved_and_the_verdict_says_so(
    node: Node, town: Town, venue: Venue, ann: Principal
) -> None:
    booking = await book(node, ann, venue.bays[0])
    await node.desk.perform(ann, command("cancel", booking["id"]))
    with pytest.raises(NotActive):
        await node.desk.judge(ann, command("reschedule", booking["id"], **span(START + HOUR)))
    with pytest.raises(NotFound):
        await node.desk.judge(
            await town.person("Eve"), command("reschedule", booking["id"], **span(START + HOUR))
        )
    held = await node.desk.perform(ann, command("hold", resource_id=venue.bays[0], **span()))
    with pytest.raises(NotActive):
        await node.desk.judge(ann, command("reschedule", held.body["id"], **span(START + HOUR)))


async def test_r11_r21_passing_a_booking_on_is_judged_for_the_new_customer(
    node: Node, town: Town, venue: Venue, ann: Principal
) -> None:
    sam = await town.person("Sam", "staff", [venue])
    bob = await town.person("Bob")
    for bay in venue.bays[:2]:
        await book(node, bob, bay)
    booking = await book(node, ann, venue.bays[2])
    verdict = await node.desk.judge(sam, command("update", booking["id"], user_id=bob.user_id))
    assert [each["code"] for each in verdict.violations] == ["concurrent_limit"]


async def test_p2_g8_a_drag_is_judged_while_postgres_is_away(
    node: Node, venue: Venue, ann: Principal
) -> None:
    booking = await book(node, ann, venue.bays[0])
    move = command("reschedule", booking["id"], **span(START + HOUR))
    assert (await node.desk.judge(ann, move)).allowed
    await node.database.close()
    assert (await node.desk.judge(ann, move)).allowed
