"""A location, its nodes and its clients over a network that loses, doubles, delays, joins and reorders (W1, W2).

Each script is one seed. A writer changes the location by drafts, as the server does: bookings, holds, blocks, moves, notes,
cancellations, new configuration, several changes in a batch. Another node follows what is published, and clients of every
audience watch several windows. The equality that catches everything is asserted after every single message: what anybody
holds of a version is what a fresh snapshot of that version holds. A script that fails prints its seed.
"""

import random
from dataclasses import dataclass, field, replace

import pytest

from grid_engine.audience import Audience, WireOperation, WireRecord, project_diff
from grid_engine.diff import Diff, join
from grid_engine.draft import Draft
from grid_engine.follower import ClientGrid, Outcome
from grid_engine.grid import Grid
from grid_engine.history import STALE, DiffLog
from grid_engine.interval import Interval
from grid_engine.records import Booking, Hold, Record
from grid_engine.snapshot import snapshot_of
from tests.grid_engine.making import block, booking, hold, minutes

SCRIPTS = 2000
STEPS = 25
WINDOWS = (minutes(0, 60), minutes(30, 45), minutes(200, 300))

Message = tuple[str, int, int, list[WireOperation]]
Held = dict[str, WireRecord]


def by_id(records: tuple[WireRecord, ...]) -> Held:
    return {record["id"]: record for record in records}


@dataclass
class Watcher:
    """A client and what is on its way to it."""

    audience: Audience
    client: ClientGrid
    on_the_way: list[Message] = field(default_factory=list)


class Location:
    """The writer's node: the grid, its recent diffs, and what a snapshot of every version held."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.grid = Grid(1, "first", chance.randrange(100))
        self.log = DiffLog(capacity=8, version=self.grid.version)
        self.told: dict[tuple[str, int, Audience, Interval], Held] = {}
        self.published: list[tuple[str, Diff]] = []
        self.past: list[Record] = []
        self.numbers = 0
        self.remember()

    def remember(self) -> None:
        for audience in Audience:
            for window in WINDOWS:
                held = by_id(snapshot_of(self.grid, window, audience).records)
                self.told[self.grid.epoch, self.grid.version, audience, window] = held

    def change(self) -> tuple[Diff, dict[Audience, list[WireOperation]]]:
        """One committed batch, and what each audience is sent of it."""
        draft = self.grid.draft()
        for _ in range(self.chance.choice((1, 1, 2, 4))):
            for _ in range(self.chance.choice((0, 1, 1, 1, 3))):
                self.stage(draft)
            draft.close_change()
        diff = draft.diff()
        sent = {audience: project_diff(diff, audience, self.grid) for audience in Audience}
        # A client may be anywhere within a batch, so every version of it is remembered.
        for version in range(diff.base + 1, diff.version + 1):
            ops = tuple(op for op in diff.ops if op.version == version)
            self.grid.apply(Diff(version - 1, version, ops))
            self.remember()
        self.log.append(diff)
        self.published.append((self.grid.epoch, diff))
        return diff, sent

    def stage(self, draft: Draft) -> None:
        chance, present = self.chance, draft.records()
        start = chance.choice((0, 20, 40, 55, 90, 220))
        fresh: Record = chance.choice((booking, hold, block))(
            f"r{self.numbers}", start, start + chance.randrange(1, 30), chance.randrange(3)
        )
        self.numbers += 1
        if not present or chance.random() < 0.4:
            draft.put(fresh)
            return
        record = chance.choice(present)
        self.past.append(record)
        match chance.choice(("move", "note", "become", "remove", "return", "reload")):
            case "move":
                draft.put(replace(record, interval=fresh.interval, resource_id=fresh.resource_id))
            case "return":
                # What was moved or removed is put back, in the same batch perhaps (G11).
                draft.put(chance.choice(self.past[-3:]))
            case "note" if isinstance(record, Booking):
                draft.put(replace(record, note=f"note {self.numbers}", attended_at=self.numbers))
            case "become" if isinstance(record, Hold):
                draft.put(
                    Booking(
                        id=record.id,
                        grid_id=record.grid_id,
                        resource_id=record.resource_id,
                        interval=record.interval,
                    )
                )
            case "reload":
                draft.reload()
            case _:
                draft.remove(record.id)

    def restore(self) -> None:
        """A backup was restored: an older state goes on in another epoch."""
        records = [record for record in self.grid.records() if self.chance.random() < 0.7]
        version = max(self.grid.version - self.chance.randrange(6), 0)
        self.grid = Grid(1, self.grid.epoch + "'", version, records)
        self.log = DiffLog(capacity=8, version=version)
        self.published.clear()
        self.remember()

    def answer(self, watcher: Watcher) -> None:
        """What ``subscribe`` is answered with: what was missed if it is known to be all, else a snapshot."""
        client, since = watcher.client, watcher.client.since
        watcher.on_the_way.clear()
        if since is not None and since[0] == self.grid.epoch:
            missed = self.log.since(since[1])
            if missed is not STALE:
                diff = join(missed) if missed else Diff(since[1], since[1], ())
                assert diff.base == since[1]
                message = (self.grid.epoch, diff.base, diff.version, project_diff(diff, watcher.audience))
                if deliver(watcher, message) in (Outcome.APPLIED, Outcome.IGNORED):
                    return
        snapshot = snapshot_of(self.grid, client.window, watcher.audience)
        client.take_snapshot(snapshot.epoch, snapshot.version, snapshot.records)


def deliver(watcher: Watcher, message: Message) -> Outcome:
    return watcher.client.take_diff(*message)


class Script:
    """One seed's worth of a location's life."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.location = Location(self.chance)
        self.replica = Grid(1, "first", self.location.grid.version)
        self.watchers = [
            Watcher(audience, ClientGrid(self.chance.choice(WINDOWS)))
            for audience in Audience
            for _ in range(2)
        ]

    def run(self) -> None:
        for _ in range(STEPS):
            self.step()
            self.check()
        self.settle()

    def step(self) -> None:
        chance = self.chance
        roll = chance.random()
        if roll < 0.45:
            diff, sent = self.location.change()
            for watcher in self.watchers:
                self.send(watcher, diff, sent[watcher.audience])
        elif roll < 0.47:
            self.location.restore()
        elif roll < 0.60:
            self.follow()
        else:
            self.pass_on(chance.choice(self.watchers))

    def send(self, watcher: Watcher, diff: Diff, operations: list[WireOperation]) -> None:
        """The batch as a whole, version by version, or, so that diffs overlap, both."""
        epoch, form = self.location.grid.epoch, self.chance.choice(("whole", "whole", "versions", "both"))
        if form != "whole":
            for version in range(diff.base + 1, diff.version + 1):
                own = [operation for operation in operations if operation[0] == version]
                watcher.on_the_way.append((epoch, version - 1, version, own))
        if form != "versions":
            watcher.on_the_way.append((epoch, diff.base, diff.version, operations))

    def follow(self) -> None:
        """The other node hears something of what was published: anything, in any order, or nothing."""
        if self.location.published:
            epoch, diff = self.chance.choice(self.location.published)
            self.hear(epoch, diff)

    def hear(self, epoch: str, diff: Diff) -> None:
        if epoch != self.replica.epoch:
            # A new stream of versions: nothing that is held says anything of it.
            self.replica = Grid(1, epoch, self.location.grid.version, self.location.grid.records())
        elif diff.version > self.replica.version:
            if diff.base > self.replica.version:
                self.catch_up()
            else:
                self.replica.apply(diff.after(self.replica.version))

    def catch_up(self) -> None:
        missed = (
            self.location.log.since(self.replica.version)
            if self.replica.epoch == self.location.grid.epoch
            else STALE
        )
        if missed is STALE:
            grid = self.location.grid
            self.replica = Grid(1, grid.epoch, grid.version, grid.records())
        else:
            for diff in missed:
                self.replica.apply(diff)

    def pass_on(self, watcher: Watcher) -> None:
        """Something happens to what is on its way to a client, or to the client."""
        waiting, chance = watcher.on_the_way, self.chance
        match chance.choice(
            ("next", "next", "next", "lose", "double", "swap", "join", "leap", "tick", "resync", "look")
        ):
            case "lose" if waiting:
                waiting.pop(0)
            case "double" if waiting:
                waiting.insert(0, waiting[0])
            case "swap" if waiting:
                chance.shuffle(waiting)
            case "join" if (
                len(waiting) > 1 and waiting[0][0] == waiting[1][0] and waiting[0][2] == waiting[1][1]
            ):
                (epoch, base, _, early), (_, _, version, late) = waiting.pop(0), waiting.pop(0)
                waiting.insert(0, (epoch, base, version, early + late))
            case "leap" if waiting:
                self.receive(watcher, waiting.pop(chance.randrange(len(waiting))))
            case "tick":
                self.obey(watcher, watcher.client.take_tick(self.location.grid.version, 0.0))
            case "resync":
                watcher.client.forget()
            case "look":
                watcher.client = ClientGrid(chance.choice(WINDOWS))
            case _ if waiting:
                self.receive(watcher, waiting.pop(0))

    def receive(self, watcher: Watcher, message: Message) -> None:
        before = watcher.client.since
        outcome = deliver(watcher, message)
        if outcome in (Outcome.IGNORED, Outcome.SUBSCRIBE_SINCE):
            assert watcher.client.since == before
        self.obey(watcher, outcome)

    def obey(self, watcher: Watcher, outcome: Outcome) -> None:
        if outcome is Outcome.SUBSCRIBE_AFRESH:
            watcher.client.forget()
        if outcome in (Outcome.SUBSCRIBE_SINCE, Outcome.SUBSCRIBE_AFRESH):
            self.location.answer(watcher)

    def check(self) -> None:
        for watcher in self.watchers:
            since = watcher.client.since
            if since is None:
                assert watcher.client.records == {}
            else:
                told = self.location.told[(*since, watcher.audience, watcher.client.window)]
                assert watcher.client.records == told

    def settle(self) -> None:
        """Everybody hears the present at last, by a tick, and ends with the same."""
        grid = self.location.grid
        for watcher in self.watchers:
            watcher.on_the_way.clear()
            if watcher.client.epoch == grid.epoch:
                self.obey(watcher, watcher.client.take_tick(grid.version, 10.0))
                if watcher.client.overdue(12.0):
                    self.location.answer(watcher)
            else:
                self.location.answer(watcher)
            assert watcher.client.since == (grid.epoch, grid.version)
            fresh = ClientGrid(watcher.client.window)
            snapshot = snapshot_of(grid, fresh.window, watcher.audience)
            fresh.take_snapshot(snapshot.epoch, snapshot.version, snapshot.records)
            assert watcher.client.digest() == fresh.digest()
        self.catch_up()
        assert (self.replica.epoch, self.replica.version) == (grid.epoch, grid.version)
        assert self.replica.digest() == grid.digest()
        self.replica.check_invariants()


@pytest.mark.parametrize("first", range(0, SCRIPTS, 250))
def test_w1_w2_whatever_the_network_does_everybody_holds_what_a_fresh_snapshot_would(first):
    for seed in range(first, first + 250):
        try:
            Script(seed).run()
        except Exception as error:
            error.add_note(f"seed {seed}")
            raise
