"""One location on this node: its replica, brought from version to version, and its watchers.

Belongs here: state, versions, and the repair of gaps. Does not belong here: sending (``watchers``), the bus and the polling
(``rooms``), or making changes (``server.service``).
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

import structlog

from grid_engine.audience import Audience, own_record
from grid_engine.calendar_day import calendar_day, day_of
from grid_engine.diff import Diff, Put, Reload, Remove
from grid_engine.grid import Grid
from grid_engine.interval import Instant
from grid_engine.records import Block, Record
from server.clock import Clock
from server.errors import NotFound
from server.live.frames import frame_of
from server.live.ring import Ring
from server.live.store import Store
from server.live.timers import Timers
from server.live.watch import Window
from server.live.watchers import Watchers
from server.storage.location_state import LoadedLocation, LocationState
from server.wire.messages import Own

COMMIT_PATIENCE_SECONDS: Final = 10.0
"""How long a repair waits for a commit of this node to be accounted for."""

_log = structlog.get_logger()


class Gap(Exception):
    """A diff starts beyond the version that the room is at."""


class Room:
    """A location's replica. All that changes it is synchronous, so between two awaits it is of one version.

    ``state`` is the configuration; whoever advances the room over a ``Reload`` sets it first. ``horizon`` is the instant from
    which on the replica holds every record. ``touched_at`` is when it was
    last opened, to be watched, read or written.
    """

    def __init__(
        self, loaded: LoadedLocation, *, store: Store, clock: Clock, timers: Timers, past: Sequence[Diff] = ()
    ) -> None:
        """``past`` are diffs that lead up to the loaded version, for those who come back with an older one."""
        self._store = store
        self._clock = clock
        self._repairing = asyncio.Lock()
        self._repairs = 0
        self._committing = 0
        self._no_commit = asyncio.Event()
        self._no_commit.set()
        self._ids_of: dict[int, set[str]] = {}
        self.snapshot_frames: dict[tuple[Window, Audience], bytes] = {}
        """Encoded snapshots of the present version; every change empties it."""
        self._take(loaded)
        self._ring = Ring(self.id, self.epoch, past[0].base if past else self.version)
        for diff in past:
            self._ring.append(diff)
        self.watchers = Watchers(self.id, self._ring, timers, self._own_frame)

    def _take(self, loaded: LoadedLocation) -> None:
        self.state: LocationState = loaded.state
        self.grid = Grid(loaded.state.id, loaded.epoch, loaded.version, loaded.records)
        # Storage read the clock before this does: what was loaded reaches at least as far back.
        self.horizon: Instant = self._midnight()
        self._ids_of.clear()
        for record in loaded.records:
            self._note_owner(record)
        self.touched_at: Instant = self._clock.now()
        self.snapshot_frames.clear()

    @property
    def id(self) -> int:
        """The location's id."""
        return self.state.id

    @property
    def epoch(self) -> str:
        """The version stream that ``version`` counts in."""
        return self.grid.epoch

    @property
    def version(self) -> int:
        """What the replica is at."""
        return self.grid.version

    def touch(self) -> None:
        """It is watched, read or written now (P2's ten minutes)."""
        self.touched_at = self._clock.now()

    def since(self, version: int) -> Sequence[Diff] | None:
        """The diffs from ``version`` to the present; None if they are not remembered, or it lies ahead."""
        diffs = self._ring.since(version)
        return diffs if isinstance(diffs, tuple) else None

    def holds(self, version: int) -> bool:
        """Whether somebody at ``version`` can be continued from here. O(1)."""
        return self._ring.holds(version)

    def frame_since(self, version: int, audience: Audience) -> bytes:
        """The ``diff`` from ``version`` to the present, framed."""
        return self._ring.frame(version, self.version, audience)

    # Forward

    def advance(self, diff: Diff, *, answers: Sequence[Callable[[], None]] = ()) -> None:
        """Take what is newer of a committed diff, call the answers, then send it to the watchers. O(operations + sockets).

        The answers are called even if the diff was known already, since its commit is what they tell of. A ``Reload`` needs
        ``state`` to be set before.

        Raises:
            Gap: if versions are missing before it; nothing has happened then, and no answer was called.
        """
        if diff.base > self.version:
            raise Gap(f"location {self.id} is at {self.version}, and a diff starts at {diff.base}")
        if diff.version > self.version:
            self._apply(diff.after(self.version))
        for answer in answers:
            try:
                answer()
            except Exception:  # noqa: BLE001 -- one session's fault must not keep the others from their diffs
                _log.exception("an answer could not be given", location=self.id)
        self.watchers.announce()

    @contextmanager
    def committing(self) -> Iterator[None]:
        """Held by the writer from before it commits until it advanced the room, so that nobody else advances it over that
        commit in between: then the answers would come after their diff. Do not ``catch_up`` inside.
        """
        self._committing += 1
        self._no_commit.clear()
        try:
            yield
        finally:
            self._committing -= 1
            if not self._committing:
                self._no_commit.set()

    def _apply(self, diff: Diff) -> None:
        self.snapshot_frames.clear()
        self._ring.append(diff, self.grid, self._customers_of(diff))
        self.grid.apply(diff)
        for op in diff.ops:
            if isinstance(op, Put):
                self._note_owner(op.record)

    def _customers_of(self, diff: Diff) -> set[int]:
        """Whose records the diff changes; asked before it is applied, since a booking may change hands."""
        customers: set[int | None] = set()
        for op in diff.ops:
            match op:
                case Put(record=record):
                    customers |= {_owner(record), _owner(self.grid.get(record.id))}
                case Remove(id=id_, user_id=user_id):
                    customers |= {user_id, _owner(self.grid.get(id_))}
                case Reload():
                    pass
        return {customer for customer in customers if customer is not None}

    def replace(self, loaded: LoadedLocation, reason: str) -> None:
        """Take what was loaded in place of the replica, whatever it was at; all watchers resync."""
        self._take(loaded)
        self._ring = Ring(self.id, self.epoch, self.version)
        self.watchers.reset(self._ring, reason)

    # Repair

    async def catch_up(self, version: int | None = None) -> None:
        """Bring the room to ``version`` or, without one, to what Postgres has now. Single-flight.

        Returns without having got there if Postgres has no such version.

        Raises:
            Unavailable: if Postgres is away.
            NotFound: if the location is gone.
        """
        seen = self._repairs
        async with self._repairing:
            # Whoever waited is content with a repair that began after it asked.
            if (version is not None and self.version >= version) or (
                version is None and self._repairs > seen
            ):
                return
            self._repairs += 1
            await self._repair()

    async def reload(self, reason: str) -> None:
        """Give the replica up and load it afresh; all watchers resync. Raises as ``catch_up`` does."""
        async with self._repairing:
            self._repairs += 1
            await self._reload(reason)

    async def _repair(self) -> None:
        while True:
            read = await self._store.diffs_since(self.id, self.version)
            if read is None:
                return await self._reload("too far behind")
            epoch, _, diffs = read
            if epoch != self.epoch:
                return await self._reload("new epoch")
            state = self.state
            if any(isinstance(op, Reload) for diff in diffs for op in diff.ops):
                state = await self._read_state()
            await self._commits_settled()
            if state.config_version > self.state.config_version:
                self.state = state
            for diff in diffs:
                if diff.version > self.version:
                    self._apply(diff.after(self.version))
            self.watchers.announce()
            if self.state.config_version <= self.version:
                return None
            # The configuration was read after the diffs and is newer than they are: read on until they match.

    async def _reload(self, reason: str) -> None:
        while True:
            before = self.epoch, self.version
            loaded = await self._store.load(self.id)
            if loaded is None:
                raise NotFound
            await self._commits_settled()
            if (self.epoch, self.version) == before:
                return self.replace(loaded, reason)
            # It went on while it was being read: what was read may be the older of the two.

    async def _read_state(self) -> LocationState:
        state = await self._store.state(self.id)
        if state is None:
            raise NotFound
        return state

    async def _commits_settled(self) -> None:
        if self._committing:
            try:
                async with asyncio.timeout(COMMIT_PATIENCE_SECONDS):
                    await self._no_commit.wait()
            except TimeoutError:
                _log.warning("a commit was not accounted for in time", location=self.id)

    # The passing of days

    def prune(self) -> bool:
        """Let go of what ended before today's midnight at the location, once midnight has passed. Whether it did."""
        midnight = self._midnight()
        if midnight <= self.horizon or self._committing:  # a writer's draft lies over the grid as it is
            return False
        self.grid.prune(midnight)
        self.horizon = midnight
        self.snapshot_frames.clear()
        self._ids_of.clear()
        for record in self.grid.records():
            self._note_owner(record)
        return True

    def _midnight(self) -> Instant:
        timezone = self.state.timezone
        return calendar_day(day_of(self._clock.now(), timezone), timezone, self.state.slot_minutes).start

    # Customers' own records

    def _note_owner(self, record: Record) -> None:
        owner = _owner(record)
        if owner is not None:
            self._ids_of.setdefault(owner, set()).add(record.id)

    def own_records(self, user_id: int) -> list[Record]:
        """The customer's records here, sorted by start, end and id."""
        ids = self._ids_of.get(user_id, set())
        own: list[Record] = []
        for id_ in list(ids):
            record = self.grid.get(id_)
            if record is not None and _owner(record) == user_id:
                own.append(record)
            else:
                ids.discard(id_)
        return sorted(own, key=lambda record: (record.interval, record.id))

    def _own_frame(self, user_id: int) -> tuple[bytes, bool]:
        own = self.own_records(user_id)
        return frame_of(Own(self.id, self.version, [own_record(record) for record in own])), bool(own)


def _owner(record: Record | None) -> int | None:
    return None if record is None or isinstance(record, Block) else record.user_id
