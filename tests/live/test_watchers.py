"""Who is sent what when: pacing, the order of messages, and those who drain."""

import asyncio
from functools import partial

import pytest

from grid_engine.audience import Audience
from grid_engine.diff import Put, Reload
from grid_engine.interval import HOUR
from server.live.room import Gap, Room
from server.live.watch import Watch, Window
from server.live.watchers import WINDOW_SECONDS
from server.wire.messages import Drag, Presence
from tests.live.doubles import (
    NOON,
    ManualTimers,
    MemoryStore,
    SlowPipe,
    booking,
    manual_clock,
    put,
    remove,
    until,
)
from tests.live.simulation import TODAY

DRAG = Drag(1, "2027-06-01T18:00:00Z", "2027-06-01T19:00:00Z")


class Place:
    """A room with manual timers, and pipes that watch it."""

    def __init__(self, room: Room, store: MemoryStore, timers: ManualTimers) -> None:
        self.room = room
        self.store = store
        self.timers = timers

    def watch(self, session: str = "me", audience: Audience = Audience.STAFF, **more) -> SlowPipe:
        pipe = SlowPipe(more.pop("mark", 1 << 30))
        watch = Watch(
            session=session,
            audience=audience,
            window=Window(TODAY, 1),
            outlet=pipe,
            have=more.pop("have", self.room.version),
            **more,
        )
        pipe.paused = partial(self.room.watchers.fall_behind, watch)
        pipe.watch = watch  # type: ignore[attr-defined]
        self.room.watchers.join(watch)
        return pipe

    def commit(self, *changes) -> None:
        self.room.advance(self.store.commit(1, *changes))


@pytest.fixture
async def place():
    clock = manual_clock()
    store = MemoryStore(clock)
    timers = ManualTimers()
    loaded = await store.load(1)
    assert loaded is not None
    return Place(Room(loaded, store=store, clock=clock, timers=timers), store, timers)


def versions(pipe: SlowPipe) -> list[tuple[int, int]]:
    return [(message["base"], message["version"]) for message in pipe.take() if message["t"] == "diff"]


async def test_the_first_change_is_sent_at_once_and_those_close_behind_it_together(place):
    pipe = place.watch()
    place.commit(put(booking("a")))
    assert versions(pipe) == [(0, 1)]
    for n in range(9):
        place.commit(put(booking(f"b{n}")))
    assert versions(pipe) == []
    place.timers.advance(WINDOW_SECONDS + 0.001)
    assert versions(pipe) == [(1, 10)]
    place.timers.advance(1)
    place.commit(put(booking("c")))
    assert versions(pipe) == [(10, 11)]


async def test_every_audience_is_sent_the_very_same_bytes(place):
    staff = [place.watch(f"s{n}") for n in range(3)]
    public = [place.watch(f"p{n}", Audience.PUBLIC) for n in range(3)]
    place.commit(put(booking("a")))
    assert len({id(pipe.frames[0]) for pipe in staff}) == 1
    assert len({id(pipe.frames[0]) for pipe in public}) == 1
    assert staff[0].frames[0] != public[0].frames[0]


async def test_a_change_that_an_audience_may_not_see_is_a_version_without_operations(place):
    place.commit(put(booking("a")))
    place.timers.advance(1)
    public = place.watch(audience=Audience.PUBLIC)
    place.commit(put(booking("a", note="allergic to sand")))
    (message,) = public.take()
    assert (message["base"], message["version"], message["ops"]) == (1, 2, [])


async def test_answers_are_given_before_the_diff_and_a_faulty_one_stops_nobody(place):
    pipe = place.watch()
    order: list[str] = []

    def fail() -> None:
        raise RuntimeError

    diff = place.store.commit(1, put(booking("a")))
    place.room.advance(diff, answers=[fail, lambda: order.append(f"{len(pipe.frames)} frames before")])
    assert order == ["0 frames before"]
    assert versions(pipe) == [(0, 1)]
    place.room.advance(diff, answers=[lambda: order.append("known already")])
    assert order[1:] == ["known already"]
    assert versions(pipe) == []


async def test_w2_a_gap_is_not_applied_and_answers_nobody(place):
    place.store.commit(1, put(booking("a")))
    later = place.store.commit(1, put(booking("b")))
    with pytest.raises(Gap):
        place.room.advance(later, answers=[pytest.fail])
    assert place.room.version == 0


async def test_w3_who_drains_is_sent_nothing_and_then_what_it_missed_in_one(place):
    slow, quick = place.watch("slow", mark=1), place.watch("quick")
    place.commit(put(booking("a")))
    assert slow.draining
    for n in range(20):
        place.commit(put(booking(f"b{n}")))
        place.timers.advance(1)
    assert len(slow.frames) == 1
    assert versions(slow) == [(0, 1)]
    slow.mark = 1 << 30
    place.room.watchers.serve(slow.watch)
    assert versions(slow) == [(1, 21)]
    assert versions(quick)[-1] == (20, 21)
    place.commit(put(booking("c")))
    assert versions(slow) == versions(quick) == [(21, 22)]


async def test_w3_who_is_further_behind_than_the_ring_has_to_resync(place):
    slow = place.watch("slow", mark=1)
    for n in range(1_100):
        place.commit(put(booking("a", note=f"{n}")))
        place.timers.advance(1)
    slow.take()
    place.room.watchers.serve(slow.watch)
    assert slow.resynced == [(1, "too far behind")]
    assert len(place.room.watchers) == 0


async def test_own_records_follow_the_diff_that_changed_them_even_after_draining(place):
    pipe = place.watch(audience=Audience.PUBLIC, user_id=7, mark=1)
    place.commit(put(booking("other", user_id=8)))
    place.commit(put(booking("mine", NOON + 3 * HOUR)))
    place.timers.advance(1)
    pipe.take()
    pipe.mark = 1 << 30
    place.room.watchers.serve(pipe.watch)
    diff, own = pipe.take()
    assert (diff["t"], own["t"], own["version"]) == ("diff", "own", 2)
    assert [record["id"] for record in own["records"]] == ["mine"]


async def test_a_booking_that_changes_hands_is_told_to_both(place):
    one = place.watch("one", Audience.PUBLIC, user_id=7)
    other = place.watch("other", Audience.PUBLIC, user_id=8)
    place.commit(put(booking("a", user_id=7)))
    place.timers.advance(1)
    one.take()
    other.take()
    place.commit(put(booking("a", user_id=8)))
    assert [message.get("records") for message in one.take()] == [None, []]
    assert [len(message.get("records", ())) for message in other.take()] == [0, 1]
    place.timers.advance(1)
    place.commit(remove(booking("a", user_id=8)))
    assert [message["t"] for message in one.take()] == ["diff"]
    assert [message["t"] for message in other.take()] == ["diff", "own"]


async def test_g9_ghosts_are_not_shown_to_their_own_session_and_die_when_silent(place):
    me, colleague = place.watch("me"), place.watch("colleague")
    public = place.watch("customer", Audience.PUBLIC)
    assert place.room.watchers.show(Presence(1, "me", "Sam", DRAG))
    assert (me.take(), public.take()) == ([], [])
    assert colleague.take()[0]["who"] == "Sam"
    place.timers.advance(4)
    place.room.watchers.show(Presence(1, "me", "Sam", DRAG))
    place.timers.advance(5)
    place.room.watchers.bury()
    assert len(colleague.take()) == 1
    place.timers.advance(5)
    place.room.watchers.bury()
    (ended,) = colleague.take()
    assert "drag" not in ended
    assert not place.room.watchers.show(Presence(1, "me", "Sam"))


async def test_g9_who_drained_is_told_which_ghosts_are_gone(place):
    slow = place.watch("slow", mark=1)
    place.room.watchers.show(Presence(1, "a", "A", DRAG))
    place.room.watchers.show(Presence(1, "b", "B", DRAG))
    place.room.watchers.show(Presence(1, "a", "A"))
    place.room.watchers.show(Presence(1, "c", "C", DRAG))
    assert [message["session"] for message in slow.take()] == ["a"]
    slow.mark = 1 << 30
    place.room.watchers.serve(slow.watch)
    shown = {message["session"]: "drag" in message for message in slow.take()}
    assert shown == {"a": False, "b": True, "c": True}


async def test_p2_staleness_is_told_once_and_after_draining(place):
    pipe, slow = place.watch("a"), place.watch("b", mark=1)
    place.commit(None)
    place.room.watchers.tell_stale("away")
    place.room.watchers.tell_stale("away")
    assert [message["t"] for message in pipe.take()] == ["diff", "stale"]
    assert [message["t"] for message in slow.take()] == ["diff"]
    slow.mark = 1 << 30
    place.room.watchers.serve(slow.watch)
    assert [message["stale"] for message in slow.take()] == [True]
    place.room.watchers.tell_stale(None)
    assert [message["stale"] for message in pipe.take()] == [False]


async def test_a_reload_is_sent_as_such_to_everybody(place):
    staff, public = place.watch("a"), place.watch("b", Audience.PUBLIC)
    diff = place.store.configure(1, slot_minutes=60)
    place.room.state = place.store.locations[1].state
    place.room.advance(diff)
    for pipe in (staff, public):
        (message,) = pipe.take()
        assert message["ops"] == [[1, "reload"]]
    assert isinstance(diff.ops[0], Reload)


async def test_a_batch_of_versions_can_be_continued_from_its_middle(place):
    place.commit(put(booking("a")), None, put(booking("b")), put(booking("a", note="n")))
    pipe = place.watch(have=1)
    (message,) = pipe.take()
    assert (message["base"], message["version"]) == (1, 4)
    assert [op[0] for op in message["ops"]] == [3, 4]
    assert [[op.version for op in diff.ops] for diff in place.room.since(2)] == [[3], [4]]
    assert isinstance(place.room.since(2)[0].ops[0], Put)
    assert place.room.since(5) is None


async def test_g6_a_repair_does_not_overtake_the_answers_of_a_commit_under_way(place):
    pipe = place.watch()
    told: list[int] = []
    with place.room.committing():
        diff = place.store.commit(1, put(booking("a")))
        repair = asyncio.create_task(place.room.catch_up())
        await until(lambda: place.store.reads >= 2)
        for _ in range(5):
            await asyncio.sleep(0)
        assert pipe.frames == []
        place.room.advance(diff, answers=[lambda: told.append(len(pipe.frames))])
    await repair
    assert told == [0]
    assert versions(pipe) == [(0, 1)]
