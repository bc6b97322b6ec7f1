"""Rooms: opening, hearing, healing, staleness, the passing of days, and letting go."""

import asyncio
import datetime as dt

import pytest

from grid_engine.audience import Audience
from grid_engine.calendar_day import window_of
from grid_engine.interval import DAY, HOUR, Interval
from grid_engine.records import Blackout
from server.bus.memory import Exchange, MemoryBus
from server.errors import Malformed, NotFound, Unavailable
from server.live.rooms import Rooms
from server.live.watch import Watch, Window
from tests.live.doubles import NOON, MemoryStore, SlowPipe, booking, manual_clock, put, remove, until

TODAY = dt.date(2027, 6, 1)
YESTERDAY = dt.date(2027, 5, 31)


class Nodes:
    """Two nodes on one store and one bus."""

    def __init__(self) -> None:
        self.clock = manual_clock()
        self.store = MemoryStore(self.clock, 1, 2)
        self.exchange = Exchange()
        self.one, self.other = (self.node() for _ in range(2))

    def node(self) -> Rooms:
        return Rooms(store=self.store, bus=MemoryBus(self.exchange), clock=self.clock)

    async def commit(self, rooms: Rooms, *changes, publish: bool = True) -> None:
        room = await rooms.open(1)
        diff = self.store.commit(1, *changes)
        room.advance(diff)
        if publish:
            await rooms.publish(1, room.epoch, diff)


@pytest.fixture
def nodes():
    return Nodes()


def join(room, audience=Audience.STAFF) -> SlowPipe:
    pipe = SlowPipe()
    room.watchers.join(
        Watch(session="s", audience=audience, window=Window(TODAY, 1), outlet=pipe, have=room.version)
    )
    return pipe


async def test_a_location_is_loaded_once_however_many_ask(nodes):
    nodes.store.gate.clear()
    asked = [asyncio.create_task(nodes.one.open(1)) for _ in range(10)]
    await until(lambda: nodes.store.reads > 0)
    asked[0].cancel()
    nodes.store.gate.set()
    rooms = set(await asyncio.gather(*asked[1:]))
    assert rooms == {nodes.one.loaded(1)}
    assert nodes.store.reads == 2  # itself, and its past
    assert [state.id for state in nodes.one.states()] == [1]


@pytest.mark.parametrize("location_id", [99, 0, -1, 2**31, 2**63])
async def test_what_does_not_exist_is_not_found(nodes, location_id):
    with pytest.raises(NotFound):
        await nodes.one.open(location_id)
    assert nodes.one.loaded(location_id) is None


async def test_p2_with_postgres_away_open_rooms_stay_and_others_cannot_be_opened(nodes):
    room = await nodes.one.open(1)
    nodes.store.away = True
    assert await nodes.one.open(1) is room
    with pytest.raises(Unavailable):
        await nodes.one.open(2)
    await nodes.one.check()
    assert nodes.one.stale
    nodes.clock.advance(3_600)
    nodes.one.tidy()
    assert nodes.one.loaded(1) is room
    nodes.store.away = False
    await nodes.one.check()
    assert not nodes.one.stale
    assert (await nodes.one.open(2)).id == 2


async def test_changes_are_heard_in_order_and_gaps_are_read_from_postgres(nodes):
    here, there = await nodes.one.open(1), await nodes.other.open(1)
    await nodes.commit(nodes.one, put(booking("a")))
    await until(lambda: there.version == 1)
    await nodes.commit(nodes.one, put(booking("b", NOON + 3 * HOUR)), publish=False)
    await nodes.commit(nodes.one, put(booking("c", NOON + 5 * HOUR)))
    await until(lambda: there.version == 3)
    assert there.grid.digest() == here.grid.digest()
    # The other way round, over what this node had heard.
    await nodes.commit(nodes.other, remove(booking("a")))
    await until(lambda: here.version == 4)


async def test_what_is_committed_while_a_location_is_loaded_is_not_missed(nodes):
    await nodes.one.open(1)
    nodes.store.gate.clear()
    opening = asyncio.create_task(nodes.other.open(1))
    await until(lambda: nodes.store.reads > 2)
    room = nodes.one.loaded(1)
    diff = nodes.store.commit(1, put(booking("a")))
    room.advance(diff)
    await nodes.one.publish(1, room.epoch, diff)
    await asyncio.sleep(0)
    nodes.store.gate.set()
    assert (await opening).version == 1


async def test_p3_a_silent_bus_is_healed_by_comparing_versions(nodes):
    there = await nodes.other.open(1)
    pipe = join(there)
    await nodes.commit(nodes.one, put(booking("a")), put(booking("b", NOON + 3 * HOUR)), publish=False)
    await nodes.other.check()
    assert there.version == 2
    assert [(message["base"], message["version"]) for message in pipe.take()] == [(0, 2)]


async def test_a_reload_heard_or_found_brings_the_new_configuration(nodes):
    here, there = await nodes.one.open(1), await nodes.other.open(1)
    pipe = join(there)
    diff = nodes.store.configure(1, slot_minutes=60)
    here.state = nodes.store.locations[1].state
    here.advance(diff)
    await nodes.one.publish(1, here.epoch, diff)
    await until(lambda: there.version == 1)
    assert there.state.slot_minutes == 60
    assert pipe.take()[0]["ops"] == [[1, "reload"]]
    nodes.store.configure(1, slot_minutes=20)
    await nodes.other.check()
    assert (there.version, there.state.slot_minutes) == (2, 20)


async def test_w2_another_epoch_means_resync(nodes):
    room = await nodes.one.open(1)
    await nodes.commit(nodes.one, put(booking("a")))
    pipe = join(room)
    stored = nodes.store.locations[1]
    stored.epoch, stored.version, stored.records = "epoch-2", 0, {}
    stored.diffs.clear()
    await nodes.one.check()
    assert (room.epoch, room.version, len(room.grid)) == ("epoch-2", 0, 0)
    assert pipe.resynced == [(1, "another epoch")]


async def test_w2_a_version_that_went_back_means_resync(nodes):
    room = await nodes.one.open(1)
    await nodes.commit(nodes.one, put(booking("a")), put(booking("b")))
    pipe = join(room)
    stored = nodes.store.locations[1]
    stored.version, stored.records = 1, {"a": booking("a")}
    del stored.diffs[1:]
    await nodes.one.check()
    assert room.version == 1
    assert pipe.resynced == [(1, "an older version")]


async def test_a_room_too_far_behind_is_loaded_afresh(nodes):
    room = await nodes.other.open(1)
    pipe = join(room)
    nodes.store.commit(1, *(put(booking(f"b{n}")) for n in range(5)))
    nodes.store.kept_from = 3
    await room.catch_up(5)
    assert room.version == 5
    assert pipe.resynced == [(1, "too far behind")]


async def test_catching_up_is_single_flight_and_stops_where_postgres_does(nodes):
    room = await nodes.other.open(1)
    nodes.store.commit(1, put(booking("a")), put(booking("b")))
    reads = nodes.store.reads
    nodes.store.gate.clear()
    waiting = [asyncio.create_task(room.catch_up(version)) for version in (1, 2, 2, None, None)]
    await until(lambda: nodes.store.reads > reads)
    nodes.store.gate.set()
    await asyncio.gather(*waiting)
    assert room.version == 2
    assert nodes.store.reads - reads <= 2
    await room.catch_up(1_000_000)
    assert room.version == 2
    await room.catch_up(1)
    assert nodes.store.reads - reads <= 3


async def test_p2_a_location_that_nobody_uses_for_ten_minutes_is_let_go_of(nodes):
    room = await nodes.one.open(1)
    pipe = join(room)
    nodes.clock.advance(700)
    nodes.one.tidy()
    assert nodes.one.loaded(1) is room
    room.watchers.leave(next(iter(room.watchers)))
    nodes.clock.advance(599)
    nodes.one.tidy()
    assert nodes.one.loaded(1) is room
    nodes.clock.advance(1)
    nodes.one.tidy()
    assert nodes.one.loaded(1) is None
    assert (await nodes.one.open(1)) is not room
    assert pipe.resynced == []


async def test_a_location_that_is_gone_sends_its_watchers_away(nodes):
    pipe = join(await nodes.one.open(2))
    del nodes.store.locations[2]
    await nodes.one.check()
    assert pipe.resynced == [(2, "no such location")]
    assert nodes.one.loaded(2) is None


async def test_t2_yesterday_is_forgotten_at_the_locations_midnight(nodes):
    old, long, new = (
        booking("old", NOON),
        booking("long", NOON + 10 * HOUR, hours=30),
        booking("new", NOON + 30 * HOUR),
    )
    await nodes.commit(nodes.one, put(old), put(long), put(new))
    room = nodes.one.loaded(1)
    join(room)
    nodes.clock.advance(16 * HOUR - 1)  # a second before midnight in New York
    nodes.one.tidy()
    assert len(room.grid) == 3
    nodes.clock.advance(1)
    with room.committing():
        nodes.one.tidy()
        assert len(room.grid) == 3
    nodes.one.tidy()
    assert {record.id for record in room.grid.records()} == {"long", "new"}
    assert {record.id for record in room.own_records(7)} == {"long", "new"}


# Snapshots


async def shown(nodes, rooms, first, days=1, audience=Audience.STAFF) -> tuple[int, set[str]]:
    room = await rooms.open(1)
    snapshot = await rooms.snapshot(room, Window(first, days), audience)
    assert snapshot.version == room.version
    return snapshot.version, {record["id"] for record in snapshot.records}


async def test_w1_windows_before_today_come_from_postgres_at_the_rooms_version(nodes):
    past = booking("past", NOON - DAY)
    nodes.store.commit(1, put(past))
    room = await nodes.one.open(1)
    assert len(room.grid) == 0
    reads = nodes.store.reads
    assert await shown(nodes, nodes.one, TODAY) == (1, set())
    assert nodes.store.reads == reads
    assert await shown(nodes, nodes.one, YESTERDAY) == (1, {"past"})
    # Postgres is ahead of the room: the room catches up first.
    nodes.store.commit(1, put(booking("more", NOON - DAY + 3 * HOUR)))
    assert await shown(nodes, nodes.one, YESTERDAY) == (2, {"past", "more"})
    assert room.version == 2


async def test_w1_what_was_read_is_brought_forward_to_a_room_that_went_on_meanwhile(nodes):
    nodes.store.commit(1, put(booking("a", NOON - DAY)), put(booking("b", NOON - DAY)))
    room = await nodes.one.open(1)
    stale_read = await nodes.store.window(1, window_of(YESTERDAY, 1, room.state.timezone))

    async def read_before_the_change(location_id, interval):
        room.advance(
            nodes.store.commit(
                1,
                remove(booking("a", NOON - DAY)),
                put(booking("b", NOON + DAY)),
                put(booking("c", NOON - DAY)),
            )
        )
        return stale_read

    nodes.store.window = read_before_the_change
    assert await shown(nodes, nodes.one, YESTERDAY) == (5, {"c"})


async def test_w1_a_location_that_changes_too_fast_to_be_read_is_unavailable(nodes):
    room = await nodes.one.open(1)
    window = nodes.store.window

    async def read(location_id, interval):
        told = await window(location_id, interval)
        stored = nodes.store.locations[1]
        stored.epoch += "x"
        stored.diffs.clear()
        await room.reload("restored")
        return told

    nodes.store.window = read
    with pytest.raises(Unavailable):
        await nodes.one.snapshot(room, Window(YESTERDAY, 1), Audience.STAFF)


async def test_snapshots_are_made_once_for_each_version(nodes):
    room = await nodes.one.open(1)
    window = Window(TODAY, 7)
    one = await nodes.one.snapshot_frame(room, window, Audience.PUBLIC)
    assert await nodes.one.snapshot_frame(room, window, Audience.PUBLIC) is one
    assert await nodes.one.snapshot_frame(room, window, Audience.STAFF) is not one
    await nodes.commit(nodes.one, put(booking("a")))
    assert await nodes.one.snapshot_frame(room, window, Audience.PUBLIC) != one


async def test_a_snapshot_lists_rows_columns_and_closures_of_its_days(nodes):
    nodes.store.locations[1].state = type(nodes.store.locations[1].state)(
        **nodes.store.locations[1].state.__dict__
        | {
            "blackouts": (
                Blackout(
                    id=1,
                    interval=Interval(NOON, NOON + HOUR),
                    resource_ids=frozenset({2, 1}),
                    reason="for Jo",
                ),
                Blackout(id=2, interval=Interval(NOON + 9 * DAY, NOON + 10 * DAY)),
            )
        }
    )
    room = await nodes.one.open(1)
    staff = await nodes.one.snapshot(room, Window(TODAY, 2), Audience.STAFF)
    assert list(staff.rows) == ["2027-06-01", "2027-06-02"]
    assert all(len(rows) == 48 for rows in staff.rows.values())
    assert [resource["id"] for resource in staff.resources] == [1, 2, 3, 4]
    assert staff.blackouts == [
        {"id": 1, "start": NOON, "end": NOON + HOUR, "resource_ids": [1, 2], "reason": "for Jo"}
    ]
    public = await nodes.one.snapshot(room, Window(TODAY, 2), Audience.PUBLIC)
    assert [blackout["reason"] for blackout in public.blackouts] == [None]


async def test_a4_what_is_wrong_with_a_window_is_the_askers_fault(nodes):
    room = await nodes.one.open(1)
    with pytest.raises(Malformed):
        await nodes.one.snapshot(room, Window(TODAY, 0), Audience.STAFF)
