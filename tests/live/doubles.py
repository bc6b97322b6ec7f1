"""Our own ports in memory, for tests of the live layer: Postgres, the service, identity, a socket, the event loop's time."""

import asyncio
import heapq
import itertools
from collections.abc import Callable, Collection
from contextlib import asynccontextmanager
from typing import Any

import msgpack

from grid_engine.calendar_day import calendar_day, day_of
from grid_engine.diff import Diff, Operation, Put, Reload, Remove, join
from grid_engine.interval import HOUR, Interval
from grid_engine.records import Booking, Record, Resource
from rules.policy import LocationPolicy
from server.clock import Clock, ManualClock
from server.commands import Command
from server.errors import Problem, Refused, Unauthenticated, Unavailable
from server.live.desk import Answer, Done, JudgedMove, Wish
from server.live.rooms import Rooms
from server.principal import Principal
from server.service.permission import admit
from server.storage.location_state import LoadedLocation, LocationState

NOON = 1_811_851_200
"""2027-06-01T12:00:00Z."""
ZONE = "America/New_York"
DATE = "2027-06-01"

Make = Callable[[int], Operation]
"""Makes an operation for the version it will have."""


async def until(condition: Callable[[], bool], seconds: float = 20) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 -- the condition is somebody else's, and sets no event
            await asyncio.sleep(0.002)


def booking(
    id_: str,
    start: int = NOON + HOUR,
    hours: int = 1,
    resource_id: int = 1,
    user_id: int | None = 7,
    **more: Any,
) -> Booking:
    """A booking known to the public as ``shown-<id>``."""
    return Booking(
        id=id_,
        grid_id=f"shown-{id_}",
        resource_id=resource_id,
        interval=Interval(start, start + hours * HOUR),
        user_id=user_id,
        **{"who": f"customer {user_id}"} | more,
    )


def put(record: Record) -> Make:
    return lambda version: Put(version, record)


def remove(record: Record) -> Make:
    return lambda version: Remove(version, record.id, record.grid_id, getattr(record, "user_id", None))


def state(location_id: int = 1, config_version: int = 0, bays: int = 4) -> LocationState:
    return LocationState(
        id=location_id,
        name=f"Venue {location_id}",
        timezone=ZONE,
        slot_minutes=30,
        policy=LocationPolicy(),
        active=True,
        config_version=config_version,
        resources=tuple(Resource(id=n, name=f"Bay {n}", position=n) for n in range(1, bays + 1)),
    )


class _Stored:
    def __init__(self, location_id: int) -> None:
        self.state = state(location_id)
        self.epoch = "epoch-1"
        self.version = 0
        self.records: dict[str, Record] = {}
        self.diffs: list[Diff] = []


class MemoryStore:
    """A Postgres with locations. ``away`` makes every read raise; ``gate`` holds reads back while it is closed."""

    def __init__(self, clock: Clock, *location_ids: int) -> None:
        self._clock = clock
        self.locations = {location_id: _Stored(location_id) for location_id in location_ids or (1,)}
        self.away = False
        self.reads = 0
        self.kept_from = 0
        """Diffs of this version and older are kept no longer."""
        self.gate = asyncio.Event()
        self.gate.set()

    def commit(self, location_id: int, *changes: Make | None) -> Diff:
        """One version for each change; None is a version without operations."""
        stored = self.locations[location_id]
        made: list[Diff] = []
        for change in changes:
            version = stored.version + 1
            ops = () if change is None else (change(version),)
            for op in ops:
                match op:
                    case Put(record=record):
                        stored.records[record.id] = record
                    case Remove(id=id_):
                        stored.records.pop(id_, None)
                    case Reload():
                        pass
            stored.version = version
            made.append(Diff(version - 1, version, ops))
        stored.diffs += made
        return join(made)

    def configure(self, location_id: int, **changes: Any) -> Diff:
        """Change the configuration: a reload."""
        diff = self.commit(location_id, Reload)
        stored = self.locations[location_id]
        stored.state = LocationState(
            **{name: getattr(stored.state, name) for name in LocationState.__dataclass_fields__}
            | {"config_version": stored.version}
            | changes
        )
        return diff

    async def _read(self, location_id: int) -> _Stored | None:
        self.reads += 1
        await self.gate.wait()
        if self.away:
            raise Unavailable
        return self.locations.get(location_id)

    async def load(self, location_id: int) -> LoadedLocation | None:
        stored = await self._read(location_id)
        if stored is None:
            return None
        today = calendar_day(day_of(self._clock.now(), stored.state.timezone), stored.state.timezone, 30)
        records = tuple(record for record in stored.records.values() if record.interval.end > today.start)
        return LoadedLocation(state=stored.state, epoch=stored.epoch, version=stored.version, records=records)

    async def window(self, location_id: int, interval: Interval) -> tuple[str, int, tuple[Record, ...]]:
        stored = await self._read(location_id)
        if stored is None:
            raise LookupError(location_id)
        records = tuple(record for record in stored.records.values() if record.interval.overlaps(interval))
        return stored.epoch, stored.version, records

    async def diffs_since(self, location_id: int, version: int) -> tuple[str, int, tuple[Diff, ...]] | None:
        stored = await self._read(location_id)
        if stored is None or not self.kept_from <= version <= stored.version:
            return None
        kept = tuple(diff for diff in stored.diffs if diff.version > version)
        return (stored.epoch, stored.version, kept) if len(kept) == stored.version - version else None

    async def state(self, location_id: int) -> LocationState | None:
        stored = await self._read(location_id)
        return None if stored is None else stored.state

    async def versions(self, location_ids: Collection[int]) -> dict[int, tuple[str, int]]:
        await self._read(0)
        return {
            location_id: (stored.epoch, stored.version)
            for location_id in location_ids
            if (stored := self.locations.get(location_id)) is not None
        }


class MemoryDesk:
    """A service that books whatever it is asked to: commits to the store, then advances the room, as the writer does."""

    def __init__(self, store: MemoryStore, rooms: Rooms) -> None:
        self._store = store
        self._rooms = rooms
        self.numbers = itertools.count(1)
        self.judged: list[Command] = []
        self.judges: list[Principal] = []
        """Who asked for each of ``judged``."""
        self.verdicts = asyncio.Event()
        self.verdicts.set()
        self.refusal: Problem | None = None
        self.fault: Exception | None = None

    async def execute(
        self, principal: Principal, command: Command, answered: Callable[[Answer], None]
    ) -> None:
        if self.fault is not None:
            raise self.fault
        if self.refusal is not None:
            answered(self.refusal)
            return
        body: Any = command.body
        room = await self._rooms.open(1)
        record = booking(
            f"made-{next(self.numbers)}",
            body.start_time,
            resource_id=body.resource_id,
            user_id=principal.user_id,
        )
        with room.committing():
            diff = self._store.commit(1, put(record))
            done = Done(status=201, body={"id": record.id}, version=diff.version)
            room.advance(diff, answers=[lambda: answered(done)])
        await self._rooms.publish(1, room.epoch, diff)

    async def judge(self, principal: Principal, command: Command) -> JudgedMove:
        self.judged.append(command)
        self.judges.append(principal)
        await self.verdicts.wait()
        if self.refusal is not None:
            raise self.refusal
        return JudgedMove(allowed=True, overridable=False)

    def admit(self, principal: Principal, wish: Wish, location_id: int) -> None:
        admit(principal, wish, location_id)

    def describe(self, problem: Problem) -> dict[str, Any]:
        violations = (
            [{"code": each.code} for each in problem.violations] if isinstance(problem, Refused) else []
        )
        return {
            "status": problem.status,
            "code": problem.code,
            "detail": problem.detail,
            "violations": violations,
            "suggestions": [],
            "conflicts": [],
        }


class MemoryIdentity:
    """Tokens are names of principals."""

    def __init__(self, **principals: Principal) -> None:
        self.principals: dict[str, Principal] = dict(principals)
        self.away = False

    async def authenticate(self, token: str) -> Principal:
        await asyncio.sleep(0)
        if self.away:
            raise Unavailable
        if token not in self.principals:
            raise Unauthenticated
        return self.principals[token]

    async def still_valid(self, principal: Principal) -> Principal | None:
        await asyncio.sleep(0)
        if self.away:
            raise Unavailable
        for each in self.principals.values():
            if each.key == principal.key:
                return each
        return None


STAFF = Principal(user_id=1, role="staff", location_ids=frozenset({1}), name="Sam", session_id="s1")
COLLEAGUE = Principal(user_id=2, role="staff", location_ids=frozenset({1}), name="Alex", session_id="s2")
ADMIN = Principal(user_id=3, role="admin", name="Ada", session_id="s3")
CUSTOMER = Principal(user_id=7, role="customer", name="Chris", session_id="s7")
OTHER_CUSTOMER = Principal(user_id=8, role="customer", name="Kim", session_id="s8")
KIOSK = Principal(
    user_id=None, device_id=1, role="kiosk", location_ids=frozenset({1}), name="Wall", session_id="d1"
)


def everybody() -> MemoryIdentity:
    return MemoryIdentity(
        staff=STAFF, colleague=COLLEAGUE, admin=ADMIN, customer=CUSTOMER, other=OTHER_CUSTOMER, kiosk=KIOSK
    )


class ManualTimers:
    """Time that stands still until it is moved."""

    class _Timer:
        def __init__(self) -> None:
            self.cancelled = False

        def cancel(self) -> None:
            self.cancelled = True

    def __init__(self) -> None:
        self.at = 0.0
        self.numbers = itertools.count()
        self._due: list[tuple[float, int, ManualTimers._Timer, Callable[[], Any]]] = []

    def time(self) -> float:
        return self.at

    def call_later(self, delay: float, callback: Callable[[], Any], /) -> "ManualTimers._Timer":
        timer = self._Timer()
        heapq.heappush(self._due, (self.at + delay, next(self.numbers), timer, callback))
        return timer

    def advance(self, seconds: float) -> None:
        end = self.at + seconds
        while self._due and self._due[0][0] <= end:
            self.at, _, timer, callback = heapq.heappop(self._due)
            if not timer.cancelled:
                callback()
        self.at = end


class SlowPipe:
    """An outlet with a buffer: what is written waits until it is taken; drains from ``mark`` on until it is empty."""

    def __init__(self, mark: int = 1 << 30) -> None:
        self.mark = mark
        self.frames: list[bytes] = []
        self.draining = False
        self.paused: Callable[[], None] = lambda: None
        self.resynced: list[tuple[int, str]] = []

    @property
    def buffered(self) -> int:
        return sum(map(len, self.frames))

    def write(self, frame: bytes) -> None:
        self.frames.append(frame)
        if not self.draining and self.buffered >= self.mark:
            self.draining = True
            self.paused()

    def push(self, frame: bytes) -> int:
        self.write(frame)
        return len(frame)

    def rest(self, frame: bytes, sent: int) -> None:
        raise AssertionError("everything was taken")

    def resync(self, location_id: int, reason: str) -> None:
        self.resynced.append((location_id, reason))

    def take(self) -> list[dict[str, Any]]:
        """Everything that waits, as messages; the pipe is empty and open again."""
        data, self.frames, self.draining = b"".join(self.frames), [], False
        return list(messages(data))


def messages(data: bytes) -> Any:
    """The messages of a stream of unmasked binary frames (RFC 6455, section 5.2)."""
    while data:
        assert data[0] == 0x82
        length, start = data[1], 2
        if length == 126:
            length, start = int.from_bytes(data[2:4], "big"), 4
        elif length == 127:
            length, start = int.from_bytes(data[2:10], "big"), 10
        yield msgpack.unpackb(data[start : start + length], strict_map_key=False)
        data = data[start + length :]


@asynccontextmanager
async def background(*works: Any) -> Any:
    """Runs coroutines until the block ends."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def manual_clock() -> ManualClock:
    return ManualClock(NOON)
