"""Where commands meet each other, the clock or the network at the wrong moment, on a real Postgres."""

import asyncio
from collections.abc import Callable, Collection, Coroutine, Generator
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any

import asyncpg
import pytest

from grid_engine.diff import Reload, Remove
from grid_engine.interval import HOUR, MINUTE
from server.clock import ManualClock
from server.commands import Command, Nothing, Operation, format_instant
from server.edge.problems import describe
from server.errors import HoldExpired, Malformed, NotActive, NotFound, Problem, Refused, Stale
from server.live.desk import Answer, Done
from server.principal import Principal
from server.service.attempt import Attempt
from server.service.orders import Order
from server.wire.diffs import pack_ops
from tests.conftest import NOON
from tests.service.conftest import Node
from tests.service.test_booking import START, book, command, span
from tests.venues import Town, Venue


@pytest.fixture
async def venue(town: Town) -> Venue:
    return await town.venue()


@pytest.fixture
async def ann(town: Town) -> Principal:
    return await town.person("Ann Able")


@pytest.fixture
async def bob(town: Town) -> Principal:
    return await town.person("Bob Baker")


@pytest.fixture
async def staff(town: Town, venue: Venue) -> Principal:
    return await town.person("Sam Staff", "staff", [venue])


async def in_one_batch(
    node: Node, venue: Venue, *given: tuple[Principal, Command], customers: Collection[Principal] = ()
) -> list[Answer]:
    """What becomes of commands that one batch decides, in their order."""
    futures: list[asyncio.Future[Answer]] = []
    for principal, each in given:
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        futures.append(future)
        node.desk.submit(
            Order(
                principal=principal,
                command=each,
                location_id=venue.id,
                customer_ids=frozenset(
                    who.user_id for who in (customers or [principal]) if who.user_id is not None
                ),
                answered=future.set_result,
            )
        )
    async with asyncio.timeout(20):
        return await asyncio.gather(*futures)


def done(answer: Answer) -> dict[str, Any]:
    assert isinstance(answer, Done), answer
    return dict(answer.body)


class _GivenUp:
    """Awaits a coroutine whose task is cancelled at the waits of these numbers, as by somebody who lost patience."""

    def __init__(self, coroutine: Coroutine[Any, Any, Any], *numbers: int) -> None:
        self._steps = coroutine.__await__()
        self._numbers = numbers
        self.waits = 0

    def __await__(self) -> Generator[Any, Any, None]:
        step: Callable[[], Any] = partial(self._steps.send, None)
        while True:
            try:
                waiting = step()
            except StopIteration:
                return
            self.waits += 1
            if self.waits in self._numbers:
                task = asyncio.current_task()
                assert task is not None
                task.cancel()
            try:
                yield waiting
                step = partial(self._steps.send, None)
            except BaseException as error:  # noqa: BLE001 -- whatever it is, it is the coroutine's
                step = partial(self._steps.throw, error)


@pytest.mark.parametrize("times", [1, 2, 3])
async def test_p1_a_commit_given_up_at_any_of_its_waits_leaves_no_connection_in_a_transaction(
    node: Node, town: Town, clock: ManualClock, venue: Venue, ann: Principal, times: int
) -> None:
    elsewhere = await town.venue()
    await node.desk.perform(ann, command("hold", resource_id=elsewhere.bays[0], **span()))
    rooms = [await node.rooms.open(each.id) for each in (venue, elsewhere)]
    place = command("hold", key="once", resource_id=venue.bays[0], **span())
    order = Order(
        principal=ann,
        command=place,
        location_id=venue.id,
        customer_ids=frozenset({ann.user_id or 0}),
        answered=lambda _: None,
        elsewhere=frozenset({elsewhere.id}),
    )

    async def commit(*numbers: int) -> int:
        attempt = Attempt(
            rooms=rooms, asked=[order], sweeps=True, database=node.database, clock=clock, describe=describe
        )
        given_up = _GivenUp(attempt.commit(), *numbers)
        with suppress(asyncio.CancelledError):
            await given_up
        return given_up.waits

    for number in range(1, 100):
        waits = await asyncio.create_task(commit(*range(number, number + times)))
        async with node.database.connection() as connection:
            assert not connection.is_in_transaction()
        if waits < number:
            break
    assert 8 < number < 100
    idle = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in%'"
    )
    while await town.value(idle):  # noqa: ASYNC110 -- what was cut off is rolled back once the server notices
        await asyncio.sleep(0.01)
    assert await town.value("SELECT count(*) FROM bookings WHERE status = 'held'") == 1
    again = await node.desk.perform(ann, place)
    assert again.status == 201
    assert await town.value("SELECT count(*) FROM bookings") == 2


async def test_g11_staff_take_back_that_they_passed_a_booking_on(
    node: Node, town: Town, venue: Venue, ann: Principal, bob: Principal, staff: Principal
) -> None:
    booking = await book(node, ann, venue.bays[0])
    passed = await node.desk.perform(staff, command("update", booking["id"], user_id=bob.user_id))
    assert passed.body["user_id"] == bob.user_id
    undone = await node.desk.perform(staff, command("undo", booking["id"]))
    assert undone.body["user_id"] == ann.user_id
    record = (await node.rooms.open(venue.id)).grid.get(booking["id"])
    assert getattr(record, "who", None) == "Ann Able"


async def test_g11_a_change_is_taken_back_in_the_batch_that_makes_it(
    node: Node, venue: Venue, ann: Principal, staff: Principal
) -> None:
    booking = await book(node, ann, venue.bays[0])
    moved, undone = await in_one_batch(
        node,
        venue,
        (staff, command("reschedule", booking["id"], **span(START + HOUR))),
        (staff, command("undo", booking["id"])),
        customers=[ann],
    )
    assert done(moved)["start_time"] == format_instant(START + HOUR)
    assert done(undone)["start_time"] == format_instant(START)
    assert done(undone)["version"] == done(moved)["version"] + 1


async def test_g11_a_hold_given_back_is_not_restored_next_to_a_newer_one(
    node: Node, town: Town, venue: Venue, staff: Principal
) -> None:
    first = await node.desk.perform(staff, command("hold", resource_id=venue.bays[0], **span()))
    await node.desk.perform(staff, command("release", first.body["id"]))
    await node.desk.perform(staff, command("hold", resource_id=venue.bays[1], **span()))
    with pytest.raises(NotActive):
        await node.desk.perform(staff, command("undo", first.body["id"]))


async def test_a3_the_booking_of_a_closed_account_can_still_be_cancelled_and_moved_by_staff(
    node: Node, town: Town, venue: Venue, ann: Principal, staff: Principal
) -> None:
    booking = await book(node, ann, venue.bays[0])
    await town.fetch("UPDATE users SET active = false WHERE id = $1", ann.user_id)
    later = command("reschedule", booking["id"], **span(START + HOUR))
    assert (await node.desk.judge(staff, later)).allowed
    moved = await node.desk.perform(staff, later)
    assert moved.body["start_time"] == format_instant(START + HOUR)
    noted = await node.desk.perform(staff, command("update", booking["id"], note="left us"))
    assert noted.body["note"] == "left us"
    undone = await node.desk.perform(staff, command("undo", booking["id"]))
    assert undone.body["note"] is None
    gone = await node.desk.perform(staff, command("cancel", booking["id"]))
    assert gone.body["status"] == "cancelled"


async def test_a_move_to_an_unknown_resource_is_not_found_and_to_another_location_malformed(
    node: Node, town: Town, venue: Venue, ann: Principal
) -> None:
    elsewhere = await town.venue()
    booking = await book(node, ann, venue.bays[0])
    operations: tuple[Operation, ...] = ("reschedule", "update")
    for resource_id, fault in ((10**9, NotFound), (2**62, NotFound), (elsewhere.bays[0], Malformed)):
        for op in operations:
            move = command(op, booking["id"], resource_id=resource_id, **span(START + HOUR))
            with pytest.raises(fault):
                await node.desk.perform(ann, move)
            with pytest.raises(fault):
                await node.desk.judge(ann, move)


async def test_g3_what_breaks_one_command_of_a_batch_breaks_no_other(
    node: Node, venue: Venue, ann: Principal, bob: Principal
) -> None:
    booking = await book(node, ann, venue.bays[0])
    broken = Command(op="cancel", body=Nothing(), target=booking["id"])
    first, fault, last = await in_one_batch(
        node,
        venue,
        (ann, command("create", resource_id=venue.bays[1], **span())),
        (ann, broken),
        (bob, command("create", resource_id=venue.bays[2], **span())),
    )
    assert done(first)["status"] == done(last)["status"] == "confirmed"
    assert isinstance(fault, Problem)
    assert fault.status == 500


async def test_p4_a_hold_that_lapsed_elsewhere_while_its_replacement_waited_is_not_released_too(
    node: Node, town: Town, venue: Venue, ann: Principal
) -> None:
    elsewhere = await town.venue()
    first = await node.desk.perform(ann, command("hold", resource_id=elsewhere.bays[0], **span()))
    [row] = await town.fetch("SELECT * FROM bookings")
    other = await asyncpg.connect(town.url)
    try:
        sweeping = other.transaction()
        await sweeping.start()
        await other.execute("SELECT FROM locations WHERE id = $1 FOR NO KEY UPDATE", elsewhere.id)
        placing = asyncio.create_task(
            node.desk.perform(ann, command("hold", resource_id=venue.bays[0], **span()))
        )
        waiting = (
            "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND pid IN (SELECT pid FROM pg_stat_activity \
WHERE datname = current_database()))"
        )
        while not await town.value(waiting):  # noqa: ASYNC110 -- only Postgres can tell
            await asyncio.sleep(0.01)
        await other.execute("UPDATE bookings SET status = 'expired', expires_at = NULL, version = 2")
        await other.execute(
            "INSERT INTO location_diffs (location_id, version, ops, created_at) VALUES ($1, 2, $2, now())",
            elsewhere.id,
            pack_ops((Remove(2, first.body["id"], row["grid_id"], ann.user_id),)),
        )
        await other.execute("UPDATE locations SET version = 2 WHERE id = $1", elsewhere.id)
        await sweeping.commit()
    finally:
        await other.close()
    assert (await placing).status == 201
    assert await town.value("SELECT status FROM bookings WHERE id = $1", row["id"]) == "expired"
    told = await town.fetch("SELECT event_type FROM booking_events WHERE booking_id = $1", row["id"])
    assert [each["event_type"] for each in told] == ["held"]
    assert await town.value("SELECT version FROM locations WHERE id = $1", elsewhere.id) == 2


class _TickingClock(ManualClock):
    """Goes on by ``step`` seconds with every look at it."""

    step = 0

    def now_precise(self) -> float:
        self.advance(self.step)
        return super().now_precise()


async def test_g5_a_hold_that_lapses_while_the_batch_reads_refuses_nobody(
    node: Node, town: Town, venue: Venue, ann: Principal, bob: Principal, database_url: str
) -> None:
    held = await node.desk.perform(ann, command("hold", resource_id=venue.bays[0], **span()))
    room = await node.rooms.open(venue.id)
    create = command("create", resource_id=venue.bays[0], **span())
    order = Order(
        principal=bob,
        command=create,
        location_id=venue.id,
        customer_ids=frozenset({bob.user_id or 0}),
        answered=lambda _: None,
    )
    assert held.body["expires_at"] == format_instant(NOON + 120)
    for already in range(100, 121):
        ticking = _TickingClock(NOON + already)
        ticking.step = 1
        attempt = Attempt(
            rooms=[room],
            asked=[order],
            sweeps=False,
            database=node.database,
            clock=ticking,
            describe=describe,
        )
        committed = await attempt.commit()
        expired = any(change.event_type == "expired" for change in attempt.changes)
        if isinstance(committed.decisions[0], Done):
            assert expired
            break
        assert not expired
    else:
        pytest.fail("the hold never lapsed")


async def test_g1_what_only_the_constraint_knows_of_is_a_conflict_that_names_its_time(
    node: Node, town: Town, venue: Venue, ann: Principal, bob: Principal
) -> None:
    elsewhere = await town.venue()
    booking = await book(node, ann, venue.bays[0])
    # Somebody else writes, and tells nobody: no version, no diff.
    await town.fetch(
        """
        INSERT INTO bookings SELECT (jsonb_populate_record(b, jsonb_build_object('id', gen_random_uuid(),
            'grid_id', 'outside', 'code', 'OUTSID', 'start_time', b.start_time + interval '90 minutes',
            'end_time', b.end_time + interval '90 minutes'))).*
        FROM bookings b
        """
    )
    busy = [(venue.bays[0], START + 90 * MINUTE)]
    with pytest.raises(Refused) as refused:
        await node.desk.perform(ann, command("reschedule", booking["id"], **span(START + 45 * MINUTE, 60)))
    with pytest.raises(Refused) as refused:
        await node.desk.perform(ann, command("reschedule", booking["id"], **span(START + 30 * MINUTE, 90)))
    assert (refused.value.status, refused.value.code) == (409, "conflict")
    assert [(bay, each.start) for bay, each in refused.value.conflicts] == busy
    await node.desk.perform(bob, command("hold", resource_id=elsewhere.bays[0], **span()))
    with pytest.raises(Refused) as refused:
        await node.desk.perform(bob, command("hold", resource_id=venue.bays[0], **span(START + 2 * HOUR)))
    assert [(bay, each.start) for bay, each in refused.value.conflicts] == busy


FIRST, LAST = "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (FIRST, "0001-01-01T01:00:00Z"),
        ("9999-12-31T22:00:00Z", LAST),
        (FIRST.rstrip("Z"), "0001-01-01T01:00:00"),
        ("9999-12-31T22:00:00", LAST.rstrip("Z")),
    ],
)
@pytest.mark.parametrize("timezone", ["America/New_York", "Pacific/Kiritimati", "Etc/GMT+12"])
async def test_r15_t2_times_at_the_ends_of_the_calendar_are_refused_like_any_other(
    node: Node, town: Town, ann: Principal, start: str, end: str, timezone: str
) -> None:
    venue = await town.venue(
        timezone=timezone,
        policy={"buffer_minutes": 30, "opening_hours": {"mon": [["09:00", "24:00"]]}},
    )
    sam = await town.person("Sam", "staff", [venue])
    booking = await book(node, sam, venue.bays[0], override_reason="because")
    given = {"start_time": start, "end_time": end}
    make = command("create", resource_id=venue.bays[0], **given)
    move = command("reschedule", booking["id"], **given)
    for who, each in ((ann, make), (sam, make), (sam, move)):
        with pytest.raises(Problem) as refused:
            await node.desk.perform(who, each)
        told = describe(refused.value)
        assert told["status"] in (400, 422)
        if told["status"] == 422:
            assert not (await node.desk.judge(who, each)).allowed
        else:
            with pytest.raises(Malformed):
                await node.desk.judge(who, each)


async def test_r21_g5_only_a_hold_of_that_time_is_judged_as_one_to_be_confirmed(
    node: Node, clock: ManualClock, venue: Venue, ann: Principal, bob: Principal, staff: Principal
) -> None:
    booking = await book(node, ann, venue.bays[0])
    held = await node.desk.perform(ann, command("hold", resource_id=venue.bays[1], **span()))
    confirm = command("create", resource_id=venue.bays[1], hold_id=held.body["id"], **span())
    over_own = command("create", resource_id=venue.bays[0], hold_id=booking["id"], **span())
    other_time = command("create", resource_id=venue.bays[0], hold_id=held.body["id"], **span())
    assert (await node.desk.judge(ann, confirm)).allowed
    assert (await node.desk.judge(staff, confirm)).allowed
    for who, each, fault in (
        (ann, over_own, NotActive),
        (bob, confirm, NotActive),
        (ann, other_time, Malformed),
    ):
        with pytest.raises(fault):
            await node.desk.judge(who, each)
    clock.advance(120)
    for attempt in (node.desk.judge, node.desk.perform):
        with pytest.raises(HoldExpired):
            await attempt(ann, confirm)


async def test_g7_a_repeat_is_answered_before_anything_is_judged(
    node: Node, start_node: Callable[[], Any], town: Town, venue: Venue, ann: Principal
) -> None:
    create = command("create", key="k1", resource_id=venue.bays[0], **span())
    first = await node.desk.perform(ann, create)
    move = replace(
        command("reschedule", first.body["id"], key="k2", **span(START + HOUR)), if_version=first.version
    )
    moved = await node.desk.perform(ann, move)
    await town.fetch("UPDATE resources SET active = false")
    await town.fetch("UPDATE locations SET active = false, version = 3, config_version = 3")
    await town.fetch("INSERT INTO location_diffs VALUES ($1, 3, $2, now())", venue.id, pack_ops((Reload(3),)))
    other = await start_node()
    for each in (node, other):
        assert (await each.desk.perform(ann, create)).body == first.body
        assert (await each.desk.perform(ann, move)).body == moved.body
    with pytest.raises(Stale):
        await other.desk.perform(ann, replace(move, key="k3"))
    with pytest.raises(NotFound):
        await other.desk.perform(ann, replace(create, key="k4"))


async def test_a8_r20_g11_the_audit_keeps_what_a_booking_was_judged_by_and_an_undo_restores_it(
    node: Node, town: Town, venue: Venue, ann: Principal, bob: Principal, staff: Principal
) -> None:
    booking = await book(node, ann, venue.bays[0])
    await town.fetch("UPDATE users SET tags = '{VIP}' WHERE id = $1", ann.user_id)
    await town.fetch(
        "UPDATE locations SET policy = $1, version = 2, config_version = 2",
        {"tags": {"VIP": {"advance_days": 30}}},
    )
    await town.fetch("INSERT INTO location_diffs VALUES ($1, 2, $2, now())", venue.id, pack_ops((Reload(2),)))
    advance = "SELECT judged_by -> 'advance_days' FROM bookings"
    await node.desk.perform(staff, command("reschedule", booking["id"], **span(START + HOUR)))
    assert await town.value(advance) == 30
    [moved] = await town.fetch("SELECT metadata FROM booking_events WHERE event_type = 'rescheduled'")
    told = {when: moved["metadata"][when]["judged_by"]["advance_days"] for when in ("before", "after")}
    assert told == {"before": 14, "after": 30}
    await node.desk.perform(staff, command("undo", booking["id"]))
    assert await town.value(advance) == 14
