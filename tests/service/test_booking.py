"""Bookings from command to committed change, on a real Postgres."""

import asyncio
import datetime as dt
from typing import Any

import pytest

from grid_engine.interval import HOUR, MINUTE
from server.clock import ManualClock
from server.commands import BODIES, Command, Operation, format_instant
from server.errors import (
    Forbidden,
    HoldExpired,
    IdempotencyMismatch,
    Malformed,
    NotActive,
    NotFound,
    Problem,
    Refused,
    Stale,
    TooEarly,
)
from server.live.desk import Done
from server.principal import Principal
from tests.conftest import NOON
from tests.service.conftest import Node
from tests.venues import Town, Venue

START = NOON + 24 * HOUR


def command(op: Operation, target: str | None = None, key: str | None = None, **body: Any) -> Command:
    return Command(op=op, body=BODIES[op].model_validate(body), target=target, key=key)  # type: ignore[arg-type]


def span(start: int = START, minutes: int = 60) -> dict[str, str]:
    return {"start_time": format_instant(start), "end_time": format_instant(start + minutes * MINUTE)}


async def book(node: Node, who: Principal, bay: int, start: int = START, **more: Any) -> dict[str, Any]:
    done = await node.desk.perform(who, command("create", resource_id=bay, **span(start), **more))
    assert done.status == 201
    return dict(done.body)


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
async def admin(town: Town) -> Principal:
    return await town.person("Ada Admin", "admin")


async def test_a_booking_is_in_postgres_with_its_audit_and_its_diff(
    node: Node, town: Town, venue: Venue, ann: Principal
) -> None:
    booking = await book(node, ann, venue.bays[0], note="hello")
    [row] = await town.fetch("SELECT * FROM bookings")
    assert str(row["id"]) == booking["id"]
    assert (row["user_id"], row["status"], row["version"], row["note"]) == (
        ann.user_id,
        "confirmed",
        1,
        "hello",
    )
    assert row["judged_by"]["concurrent_limit"] == 2
    [event] = await town.fetch("SELECT * FROM booking_events")
    assert (event["event_type"], event["actor_id"], event["metadata"]["before"]) == (
        "created",
        ann.user_id,
        None,
    )
    assert await town.value("SELECT version FROM location_diffs") == 1
    assert await town.value("SELECT version FROM locations") == 1
    room = await node.rooms.open(venue.id)
    assert room.version == 1
    assert room.grid.get(booking["id"]) is not None


async def test_g3_of_rivals_for_one_hour_one_wins_and_the_others_are_told_the_busy_interval(
    node: Node, town: Town, venue: Venue
) -> None:
    people = [await town.person(f"Rival {number}") for number in range(8)]
    answers = await asyncio.gather(
        *(node.desk.perform(who, command("create", resource_id=venue.bays[0], **span())) for who in people),
        return_exceptions=True,
    )
    won = [answer for answer in answers if isinstance(answer, Done)]
    lost = [answer for answer in answers if isinstance(answer, Refused)]
    assert (len(won), len(lost)) == (1, 7)
    assert {refused.status for refused in lost} == {409}
    assert all(refused.conflicts[0][1].start == START for refused in lost)
    assert all(refused.suggestions for refused in lost)
    assert await town.overlaps() == 0


async def test_r16_four_parallel_posts_by_one_customer_with_limit_two_give_two(
    node: Node, town: Town, venue: Venue, ann: Principal
) -> None:
    answers = await asyncio.gather(
        *(node.desk.perform(ann, command("create", resource_id=bay, **span())) for bay in venue.bays),
        return_exceptions=True,
    )
    assert sum(isinstance(answer, Done) for answer in answers) == 2
    codes = [answer.code for answer in answers if isinstance(answer, Refused)]
    assert codes == ["concurrent_limit", "concurrent_limit"]


async def test_g4_a_booking_can_be_moved_over_part_of_itself(
    node: Node, venue: Venue, ann: Principal
) -> None:
    booking = await book(node, ann, venue.bays[0])
    moved = await node.desk.perform(ann, command("reschedule", booking["id"], **span(START + 30 * MINUTE)))
    assert moved.body["start_time"] == format_instant(START + 30 * MINUTE)
    assert moved.body["reschedule_count"] == 1
    assert moved.body["version"] == 2


async def test_r17_a_change_that_changes_nothing_takes_no_version(
    node: Node, town: Town, venue: Venue, ann: Principal
) -> None:
    booking = await book(node, ann, venue.bays[0])
    same = await node.desk.perform(ann, command("reschedule", booking["id"], **span()))
    assert (same.status, same.body["reschedule_count"], same.body["version"]) == (200, 0, 1)
    assert await town.value("SELECT version FROM locations") == 1


async def test_r17_moves_by_staff_do_not_count(
    node: Node, venue: Venue, ann: Principal, staff: Principal
) -> None:
    booking = await book(node, ann, venue.bays[0])
    moved = await node.desk.perform(staff, command("reschedule", booking["id"], **span(START + HOUR)))
    assert moved.body["reschedule_count"] == 0


async def test_r12_the_third_move_by_its_customer_is_refused(
    node: Node, venue: Venue, ann: Principal
) -> None:
    booking = await book(node, ann, venue.bays[0])
    for hours in (1, 2):
        await node.desk.perform(ann, command("reschedule", booking["id"], **span(START + hours * HOUR)))
    with pytest.raises(Refused) as refused:
        await node.desk.perform(ann, command("reschedule", booking["id"], **span(START + 3 * HOUR)))
    assert [violation.code for violation in refused.value.violations] == ["reschedule_limit"]


async def test_r12_r17_what_its_customer_moved_twice_staff_move_with_a_reason_and_that_counts_for_nothing(
    node: Node, town: Town, venue: Venue, ann: Principal, staff: Principal
) -> None:
    booking = await book(node, ann, venue.bays[0])
    for hours in (1, 2):
        await node.desk.perform(ann, command("reschedule", booking["id"], **span(START + hours * HOUR)))
    third = span(START + 3 * HOUR)
    judged = await node.desk.judge(staff, command("reschedule", booking["id"], **third))
    assert (judged.allowed, judged.overridable) == (False, True)
    with pytest.raises(Refused) as refused:
        await node.desk.perform(staff, command("reschedule", booking["id"], **third))
    assert [(each.code, each.overridable) for each in refused.value.violations] == [
        ("reschedule_limit", True)
    ]
    moved = await node.desk.perform(
        staff, command("reschedule", booking["id"], override_reason="rained off", **third)
    )
    assert (moved.body["start_time"], moved.body["reschedule_count"]) == (third["start_time"], 2)
    [event] = await town.fetch("SELECT * FROM booking_events ORDER BY id DESC LIMIT 1")
    assert [each["code"] for each in event["metadata"]["waived"]] == ["reschedule_limit"]
    assert event["metadata"]["override_reason"] == "rained off"


async def test_r13_no_customer_cancels_within_two_hours_and_staff_do_with_a_reason(
    node: Node, town: Town, clock: ManualClock, venue: Venue, ann: Principal, staff: Principal
) -> None:
    booking = await book(node, ann, venue.bays[0])
    clock.advance(23 * HOUR)
    with pytest.raises(Refused):
        await node.desk.perform(ann, command("cancel", booking["id"]))
    done = await node.desk.perform(
        staff, command("cancel", booking["id"], reason="called", override_reason="rain check")
    )
    assert (done.body["status"], done.body["cancel_reason"]) == ("cancelled", "called")
    [event] = await town.fetch("SELECT * FROM booking_events WHERE event_type = 'cancelled'")
    assert [each["code"] for each in event["metadata"]["waived"]] == ["cutoff"]
    assert event["metadata"]["override_reason"] == "rain check"
    again = await node.desk.perform(ann, command("cancel", booking["id"]))
    assert again.body["status"] == "cancelled"


async def test_r15_all_violations_are_told_with_422(node: Node, venue: Venue, ann: Principal) -> None:
    with pytest.raises(Refused) as refused:
        await node.desk.perform(
            ann, command("create", resource_id=venue.bays[0], **span(NOON - HOUR - 7 * MINUTE, 30))
        )
    assert [violation.code for violation in refused.value.violations] == [
        "off_grid",
        "past_start",
        "min_duration",
    ]
    assert refused.value.status == 422


async def test_g7_the_same_key_gives_the_first_answer_and_changes_nothing(
    node: Node, town: Town, venue: Venue, ann: Principal
) -> None:
    create = command("create", key="k1", resource_id=venue.bays[0], **span())
    first = await node.desk.perform(ann, create)
    again, _ = await asyncio.gather(node.desk.perform(ann, create), node.desk.perform(ann, create))
    assert (again.status, again.body, again.version) == (first.status, first.body, first.version)
    assert await town.value("SELECT count(*) FROM bookings") == 1
    with pytest.raises(IdempotencyMismatch):
        await node.desk.perform(ann, command("create", key="k1", resource_id=venue.bays[1], **span()))


async def test_g7_a_refusal_is_not_kept_under_its_key(
    node: Node, venue: Venue, ann: Principal, staff: Principal
) -> None:
    other = await book(node, staff, venue.bays[0])
    create = command("create", key="k2", resource_id=venue.bays[0], **span())
    with pytest.raises(Refused):
        await node.desk.perform(ann, create)
    await node.desk.perform(staff, command("cancel", other["id"]))
    assert (await node.desk.perform(ann, create)).status == 201


async def test_a3_what_is_not_yours_does_not_exist(
    node: Node, town: Town, venue: Venue, ann: Principal
) -> None:
    booking = await book(node, ann, venue.bays[0])
    bob = await town.person("Bob")
    with pytest.raises(NotFound):
        await node.desk.perform(bob, command("cancel", booking["id"]))
    with pytest.raises(Forbidden):
        await node.desk.perform(
            bob, command("create", resource_id=venue.bays[1], user_id=ann.user_id, **span())
        )
    with pytest.raises(Forbidden):
        await node.desk.perform(bob, command("create", resource_id=venue.bays[1], type="BLOCKED", **span()))


async def test_a_walk_in_visitor_is_booked_by_staff(
    node: Node, town: Town, venue: Venue, staff: Principal
) -> None:
    booking = await book(
        node, staff, venue.bays[0], NOON, visitor={"name": "Vic Walkin", "phone": "+15551230000"}
    )
    assert booking["visitor"] == {"name": "Vic Walkin", "phone": "+15551230000"}
    assert booking["user_id"] is None
    room = await node.rooms.open(venue.id)
    record = room.grid.get(booking["id"])
    assert getattr(record, "who", None) == "Vic Walkin"
    assert await town.value("SELECT name FROM visitors") == "Vic Walkin"


async def test_if_version_refuses_what_was_changed_since(node: Node, venue: Venue, ann: Principal) -> None:
    booking = await book(node, ann, venue.bays[0])
    stale = Command(op="cancel", body=BODIES["cancel"].model_validate({}), target=booking["id"], if_version=0)
    with pytest.raises(Stale):
        await node.desk.perform(ann, stale)


async def test_p4_attendance_opens_half_an_hour_before_the_start(
    node: Node, clock: ManualClock, venue: Venue, ann: Principal, staff: Principal
) -> None:
    booking = await book(node, ann, venue.bays[0])
    with pytest.raises(TooEarly):
        await node.desk.perform(staff, command("confirm", booking["id"]))
    with pytest.raises(TooEarly):
        await node.desk.perform(staff, command("no_show", booking["id"]))
    clock.advance(23 * HOUR + 30 * MINUTE)
    done = await node.desk.perform(staff, command("confirm", booking["id"]))
    assert done.body["attended_at"] == format_instant(clock.now())


async def test_p4_what_has_ended_is_completed_by_itself_and_can_still_become_a_no_show(
    node: Node, clock: ManualClock, venue: Venue, ann: Principal, staff: Principal
) -> None:
    booking = await book(node, ann, venue.bays[0])
    clock.advance(26 * HOUR)
    await node.desk.sweep()
    await node.desk.idle()
    found = await node.reading.booking(ann, booking["id"])
    assert found.status == "completed"
    with pytest.raises(NotActive):
        await node.desk.perform(ann, command("cancel", booking["id"]))
    done = await node.desk.perform(staff, command("no_show", booking["id"]))
    assert done.body["status"] == "no_show"
    room = await node.rooms.open(venue.id)
    assert room.grid.get(booking["id"]) is None


async def test_g5_a_hold_is_busy_for_others_and_becomes_the_booking(
    node: Node, town: Town, venue: Venue, ann: Principal
) -> None:
    held = await node.desk.perform(ann, command("hold", resource_id=venue.bays[0], **span()))
    bob = await town.person("Bob")
    with pytest.raises(Refused):
        await book(node, bob, venue.bays[0])
    booking = await book(node, ann, venue.bays[0], hold_id=held.body["id"])
    assert booking["id"] == held.body["id"]
    assert booking["status"] == "confirmed"


async def test_g5_an_overdue_hold_refuses_nobody_and_cannot_be_confirmed(
    node: Node, town: Town, clock: ManualClock, venue: Venue, ann: Principal
) -> None:
    held = await node.desk.perform(ann, command("hold", resource_id=venue.bays[0], **span()))
    clock.advance(121)
    bob = await town.person("Bob")
    await book(node, bob, venue.bays[0])
    with pytest.raises(HoldExpired):
        await book(node, ann, venue.bays[0], hold_id=held.body["id"])


async def test_g5_a_new_hold_replaces_the_one_at_another_location(
    node: Node, town: Town, venue: Venue, ann: Principal
) -> None:
    elsewhere = await town.venue(timezone="Europe/London")
    first = await node.desk.perform(ann, command("hold", resource_id=elsewhere.bays[0], **span()))
    there = await node.rooms.open(elsewhere.id)
    second = await node.desk.perform(ann, command("hold", resource_id=venue.bays[0], **span()))
    assert there.version == 2
    assert there.grid.get(first.body["id"]) is None
    assert await town.value("SELECT count(*) FROM bookings WHERE status = 'held'") == 1
    released = await node.desk.perform(ann, command("release", second.body["id"]))
    assert released.body["status"] == "cancelled"


async def test_g11_staff_take_back_their_own_last_change_within_half_a_minute(
    node: Node, clock: ManualClock, venue: Venue, ann: Principal, staff: Principal
) -> None:
    booking = await book(node, ann, venue.bays[0])
    await node.desk.perform(staff, command("reschedule", booking["id"], **span(START + HOUR)))
    undone = await node.desk.perform(staff, command("undo", booking["id"]))
    assert undone.body["start_time"] == format_instant(START)
    with pytest.raises(Problem):
        await node.desk.perform(staff, command("undo", booking["id"]))
    await node.desk.perform(staff, command("cancel", booking["id"]))
    clock.advance(31)
    with pytest.raises(NotActive):
        await node.desk.perform(staff, command("undo", booking["id"]))


async def test_g11_g2_a_block_goes_back_next_to_a_booking_where_bookings_keep_a_distance(
    node: Node, town: Town, ann: Principal, admin: Principal
) -> None:
    venue = await town.venue(policy={"buffer_minutes": 30})
    block = await book(node, admin, venue.bays[0], type="MAINTENANCE")
    await book(node, ann, venue.bays[0], START + HOUR)
    await node.desk.perform(admin, command("reschedule", block["id"], **span(START + 5 * HOUR)))
    undone = await node.desk.perform(admin, command("undo", block["id"]))
    assert (undone.body["start_time"], undone.body["type"]) == (format_instant(START), "MAINTENANCE")


async def test_g11_g2_a_booking_does_not_go_back_to_where_its_distance_is_gone(
    node: Node, town: Town, ann: Principal, admin: Principal
) -> None:
    venue = await town.venue(policy={"buffer_minutes": 30})
    booking = await book(node, ann, venue.bays[0])
    await node.desk.perform(admin, command("reschedule", booking["id"], **span(START + 5 * HOUR)))
    await book(node, ann, venue.bays[0], START + HOUR)
    with pytest.raises(Refused) as refused:
        await node.desk.perform(admin, command("undo", booking["id"]))
    assert [violation.code for violation in refused.value.violations] == ["conflict"]


async def test_a2_a_banned_owner_may_cancel_but_neither_move_nor_write(
    node: Node, town: Town, venue: Venue, ann: Principal
) -> None:
    booking = await book(node, ann, venue.bays[0])
    await town.restrict(ann, "BOOKING_BAN")
    with pytest.raises(Refused) as refused:
        await node.desk.perform(ann, command("reschedule", booking["id"], **span(START + HOUR)))
    assert (refused.value.status, refused.value.code) == (422, "booking_ban")
    with pytest.raises(Refused):
        await node.desk.perform(ann, command("update", booking["id"], note="please"))
    assert (await node.desk.perform(ann, command("cancel", booking["id"]))).body["status"] == "cancelled"


async def test_t3_wall_time_is_taken_at_the_location_and_a_gap_is_told(
    node: Node, clock: ManualClock, town: Town, ann: Principal
) -> None:
    venue = await town.venue(policy={"advance_days": 1000})
    done = await node.desk.perform(
        ann,
        command(
            "create",
            resource_id=venue.bays[0],
            start_time="2027-06-05T10:00:00",
            end_time="2027-06-05T11:00:00",
        ),
    )
    assert done.body["start_time"] == "2027-06-05T14:00:00Z"
    with pytest.raises(Refused) as refused:
        await node.desk.perform(
            ann,
            command(
                "create",
                resource_id=venue.bays[0],
                start_time="2028-03-12T02:30:00",
                end_time="2028-03-12T04:00:00",
            ),
        )
    assert [violation.code for violation in refused.value.violations] == ["nonexistent_time"]


async def test_a_move_to_another_location_is_malformed(
    node: Node, town: Town, venue: Venue, ann: Principal
) -> None:
    elsewhere = await town.venue()
    booking = await book(node, ann, venue.bays[0])
    with pytest.raises(Malformed):
        await node.desk.perform(
            ann, command("reschedule", booking["id"], resource_id=elsewhere.bays[0], **span(START + HOUR))
        )


async def test_r21_what_is_listed_is_what_judge_allows(node: Node, venue: Venue, ann: Principal) -> None:
    listing = await node.reading.available(
        ann,
        venue.id,
        dt.date(2027, 6, 2),
        60,
        resource_id=venue.bays[0],
        user_id=None,
        explain=False,
        min_version=None,
    )
    assert len(listing.found.slots) == 48
    slot = listing.found.slots[20]
    judged = await node.desk.judge(
        ann, command("create", resource_id=slot.resource_id, **span(slot.interval.start))
    )
    assert judged.allowed
