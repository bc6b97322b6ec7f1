"""A small world to try the live layer in: nodes, a bus that loses and delays, clients that stall, vanish and come back.

Everything but the wires is the real thing: rooms, watchers, sessions, connections, codec. Chance comes from one seed and time
is moved by hand, so a seed tells a whole story again.
"""

import asyncio
import datetime as dt
import itertools
import random
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

import msgpack

from grid_engine.audience import Audience, own_record, project_record
from grid_engine.calendar_day import calendar_day, window_of
from grid_engine.diff import Diff, join
from grid_engine.digest import digest_of_wire_records
from grid_engine.follower import ClientGrid, Outcome
from grid_engine.interval import HOUR, Interval
from grid_engine.records import Block, Booking, Hold, Record
from server.bus.port import Receiver
from server.commands import Command
from server.errors import Unavailable
from server.live.connections import Connections
from server.live.desk import Answer, Done
from server.live.room import Room
from server.live.rooms import Rooms
from server.principal import Principal
from server.service.access import Action, allows
from tests.live.doubles import (
    ADMIN,
    CUSTOMER,
    KIOSK,
    NOON,
    OTHER_CUSTOMER,
    STAFF,
    ZONE,
    MemoryDesk,
    MemoryStore,
    booking,
    everybody,
    manual_clock,
    messages,
    put,
    remove,
)

CREATE = {"resource_id": 1, "start_time": "2027-06-01T18:00:00Z", "end_time": "2027-06-01T19:00:00Z"}
TOKENS = {"staff": STAFF, "admin": ADMIN, "customer": CUSTOMER, "other": OTHER_CUSTOMER, "kiosk": KIOSK}
TODAY = dt.date(2027, 6, 1)
WINDOWS = [
    (TODAY, 1),
    (TODAY, 7),
    (dt.date(2027, 6, 2), 3),
    (dt.date(2027, 5, 30), 4),
    (dt.date(2027, 5, 31), 1),
]


class StillLoop(asyncio.SelectorEventLoop):
    """An event loop whose time stands still until it is moved, so that nothing depends on how fast the machine is."""

    def __init__(self) -> None:
        super().__init__()
        self._at = 0.0

    def time(self) -> float:
        return getattr(self, "_at", 0.0)

    def advance(self, seconds: float) -> None:
        """Alarms that fall due ring when the loop turns next."""
        self._at += seconds


class FlakyBus:
    """Keeps what is published until the world delivers it, or loses it."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self.receivers: dict[str, Receiver] = {}
        self.waiting: deque[tuple[str, bytes]] = deque()
        self.restored: list[Callable[[], None]] = []

    connected = True

    def publish(self, channel: str, payload: bytes) -> None:
        for bus in self._world.buses:
            if self._world.random.random() >= self._world.loss:
                bus.waiting.append((channel, payload))

    async def subscribe(self, channel: str, receive: Receiver) -> bool:
        self.receivers[channel] = receive
        return True

    def unsubscribe(self, channel: str) -> None:
        self.receivers.pop(channel, None)

    def on_restored(self, callback: Callable[[], None]) -> None:
        self.restored.append(callback)

    async def run(self) -> None:
        await asyncio.Event().wait()

    def deliver(self, count: int) -> None:
        for _ in range(min(count, len(self.waiting))):
            channel, payload = self.waiting.popleft()
            if channel in self.receivers:
                self.receivers[channel](payload)


class Wire:
    """A socket with a buffer of ``mark`` bytes: what the server wrote waits until the client takes it."""

    def __init__(self, mark: int) -> None:
        self._mark = mark
        self.frames: deque[bytes] = deque()
        self.buffered = 0
        self.connection: Any = None
        self.closed: int | None = None

    def write(self, frame: bytes) -> None:
        assert self.closed is None, "nothing is written to a socket that was closed"
        self.frames.append(frame)
        self.buffered += len(frame)
        if self.buffered > self._mark and self.connection is not None:
            self.connection.paused()

    def push(self, frame: bytes) -> int:
        """Takes a part now and then, as a socket does whose kernel's buffer is nearly full."""
        if len(self.frames) % 5 != 4:
            self.write(frame)
            return len(frame)
        return 0

    def rest(self, frame: bytes, sent: int) -> None:
        self.write(frame[sent:])

    def finish(self, code: int, reason: str) -> None:
        self.closed = code

    def take(self) -> bytes | None:
        if not self.frames:
            return None
        frame = self.frames.popleft()
        self.buffered -= len(frame)
        if self.buffered <= self._mark // 4 and self.closed is None:
            self.connection.drained()
        return frame


class SimulatedDesk(MemoryDesk):
    """Books by the world's writer."""

    def __init__(self, world: "World", node: "SimulatedNode") -> None:
        super().__init__(world.store, node.rooms)
        self._world = world
        self._node = node

    async def execute(
        self, principal: Principal, command: Command, answered: Callable[[Answer], None]
    ) -> None:
        body: Any = command.body
        number = next(self._world.numbers)
        record = booking(f"made-{command.key}-{number}", body.start_time, user_id=principal.user_id)
        await self._world.write(self._node, put(record), answered)


class SimulatedNode:
    """One process."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self.bus = FlakyBus(world)
        world.buses.append(self.bus)
        self.start()

    def start(self) -> None:
        world = self._world
        self.bus.receivers.clear()
        self.rooms = Rooms(store=world.store, bus=self.bus, clock=world.clock, timers=world.timers)
        self.writing = asyncio.Lock()
        self.desk = SimulatedDesk(world, self)
        self.connections = Connections(
            rooms=self.rooms,
            desk=self.desk,
            identity=world.identity,
            clock=world.clock,
            bus=self.bus,
            per_account=10_000,
            per_address=10_000,
        )


class SimulatedClient:
    """A client that follows the rule of the wire, and checks at every step that it holds what it should."""

    def __init__(self, world: "World", token: str) -> None:
        self.world = world
        self.token = token
        self.principal: Principal = TOKENS[token]
        self.audience = (
            Audience.STAFF if allows(self.principal, Action.READ_RECORDS, location_id=1) else Audience.PUBLIC
        )
        self.first, self.days = world.random.choice(WINDOWS)
        self.grid = ClientGrid(window_of(self.first, self.days, ZONE))
        self.own: list[dict[str, Any]] = []
        self.node = world.nodes[0]
        self.wire: Wire | None = None
        self.pump: asyncio.Task[None] | None = None
        self.asked = False
        """Whether it subscribed, and has no answer that it can tell for one."""
        self.since_asked: int | None = None
        self.refused = False
        self.acked: set[str] = set()
        self.commanded: set[str] = set()
        self.ghosts: dict[str, Any] = {}
        self.applied = 0

    # Connecting

    def connect(self) -> None:
        world = self.world
        self.node = world.random.choice(world.nodes)
        self.wire = Wire(world.random.choice([600, 5_000, 10**9]))
        self.connection = self.node.connections.connect(self.wire, "address")
        self.wire.connection = self.connection
        self.inbox: asyncio.Queue[bytes] = asyncio.Queue()
        self.pump = asyncio.create_task(self._pump(self.connection, self.inbox))
        self.asked = False
        self.ghosts.clear()
        self.commanded.clear()
        self.send(t="hello", proto=1, token=self.token)
        self.subscribe(since=world.random.random() < 0.8)

    async def _pump(self, connection: Any, inbox: "asyncio.Queue[bytes]") -> None:
        while True:
            await connection.receive(await inbox.get())

    def disconnect(self) -> None:
        if self.wire is None:
            return
        assert self.pump is not None
        self.pump.cancel()
        self.connection.lost()
        self.wire.closed = 1006
        self.wire = None

    def send(self, **message: Any) -> None:
        self.inbox.put_nowait(msgpack.packb({name.rstrip("_"): value for name, value in message.items()}))

    def subscribe(self, *, since: bool) -> None:
        told: dict[str, Any] = {}
        if since and self.grid.since is not None:
            self.since_asked = self.grid.version
            told["since"] = dict(zip(("epoch", "version"), self.grid.since, strict=True))
        else:
            self.own = []
        self.refused = False
        self.send(t="subscribe", location=1, from_=self.first.isoformat(), days=self.days, **told)
        self.asked = True

    def change_window(self) -> None:
        self.first, self.days = self.world.random.choice(WINDOWS)
        self.subscribe(since=False)

    def command(self) -> None:
        key = f"{self.token}-{next(self.world.numbers)}"
        self.commanded.add(key)
        self.send(t="command", id=key, op="create", args=CREATE)

    # Following

    def take(self, count: int) -> None:
        if self.refused and not self.asked and self.wire is not None:
            self.subscribe(since=False)
        for _ in range(count):
            frame = self.wire.take() if self.wire is not None else None
            if frame is None:
                return
            for message in messages(frame):
                self.receive(message)

    def receive(self, message: dict[str, Any]) -> None:
        match message["t"]:
            case "snapshot":
                self.asked = False
                window = window_of(dt.date.fromisoformat(message["from"]), message["days"], ZONE)
                self.grid = ClientGrid(window)
                self.grid.take_snapshot(message["epoch"], message["version"], message["records"])
                assert message["records"] == sorted(
                    message["records"], key=lambda each: (each["start"], each["end"], each["id"])
                )
                self.check()
            case "diff":
                self._diff(message)
            case "own":
                self.own = message["records"]
                self.world.check_own(self, message)
            case "nak" if "location" in message:
                self.asked = False
                assert message["status"] == 503
                self.refused = True
            case "resync":
                self.grid.forget()
                self.own = []
                self.subscribe(since=False)
            case "tick":
                version = message["versions"].get(1)
                if version is not None and not self.asked:
                    outcome = self.grid.take_tick(version, self.world.timers.time())
                    if outcome is Outcome.SUBSCRIBE_AFRESH:
                        self.subscribe(since=False)
            case "ack":
                self.acked.add(message["id"])
            case "presence":
                assert self.audience is Audience.STAFF
                assert message["session"] != self.connection.session.id
                if "drag" in message:
                    self.ghosts[message["session"]] = message["drag"]
                else:
                    self.ghosts.pop(message["session"], None)
            case "bye":
                assert message["code"] == 1013
                self.disconnect()
            case other:
                assert other in ("welcome", "stale", "pong", "nak"), message

    def _diff(self, message: dict[str, Any]) -> None:
        outcome = self.grid.take_diff(message["epoch"], message["base"], message["version"], message["ops"])
        if self.asked and message["base"] == self.since_asked:
            self.asked = False  # it asked because of a gap: only the answer can start before that
        for op in message["ops"]:
            key = op[2]["id"].partition("made-")[2].rpartition("-")[0] if op[1] == "put" else ""
            if key in self.commanded:
                assert key in self.acked, "an ack comes before the diff of its version"
        if outcome is Outcome.APPLIED:
            self.applied += 1
            self.check()
        elif outcome is Outcome.SUBSCRIBE_SINCE and not self.asked:
            self.subscribe(since=True)
        elif outcome is Outcome.SUBSCRIBE_AFRESH and not self.asked:
            self.subscribe(since=False)

    def check(self) -> None:
        """W1: what it holds is what a fresh snapshot of this version would hold."""
        expected = self.world.digest(self.grid.epoch, self.grid.version, self.grid.window, self.audience)
        assert self.grid.digest() == expected, (self.token, self.grid.epoch, self.grid.version)

    def is_at_peace(self) -> bool:
        waits = self.wire is None or any(
            message["t"] != "tick" for frame in self.wire.frames for message in messages(frame)
        )
        return self.holds_the_present() and not (self.asked or self.refused or waits)

    def holds_the_present(self) -> bool:
        stored = self.world.store.locations[1]
        return (self.grid.epoch, self.grid.version) == (stored.epoch, stored.version)


class World:
    """Everything there is, under one seed."""

    def __init__(self, seed: int, *, nodes: int = 2, clients: int = 8, loss: float = 0.1) -> None:
        self.random = random.Random(seed)
        self.loss = loss
        self.clock = manual_clock()
        loop = asyncio.get_running_loop()
        assert isinstance(loop, StillLoop)
        self.timers = loop
        self.store = MemoryStore(self.clock, 1)
        self.identity = everybody()
        self.numbers = itertools.count(1)
        self.buses: list[FlakyBus] = []
        self.history: dict[tuple[str, int], dict[str, Record]] = {}
        self._digests: dict[Any, str] = {}
        self.steps = 0
        self.remember()
        self.nodes = [SimulatedNode(self) for _ in range(nodes)]
        self.clients = [
            SimulatedClient(self, token) for token, _ in zip(itertools.cycle(TOKENS), range(clients))
        ]
        self.tasks: dict[asyncio.Task[None], None] = {}
        self.row_lock = asyncio.Lock()

    # The truth

    def remember(self) -> None:
        stored = self.store.locations[1]
        self.history[stored.epoch, stored.version] = dict(stored.records)

    def digest(self, epoch: str | None, version: int | None, window: Interval, audience: Audience) -> str:
        key = (epoch, version, window, audience)
        if key not in self._digests:
            records: Iterable[Record] = self.history[epoch, version].values()  # type: ignore[index]
            self._digests[key] = digest_of_wire_records(
                project_record(record, audience) for record in records if record.interval.overlaps(window)
            )
        return self._digests[key]

    def check_own(self, client: SimulatedClient, message: dict[str, Any]) -> None:
        truth = self.history[client.grid.epoch, message["version"]]  # type: ignore[index]
        midnight = calendar_day(TODAY, ZONE, 30).start
        expected = [
            own_record(record)
            for record in truth.values()
            if not isinstance(record, Block)
            and record.user_id == client.principal.user_id
            and record.interval.end > midnight
        ]
        told = [record for record in message["records"] if record["end"] > midnight]
        assert digest_of_wire_records(told) == digest_of_wire_records(expected)
        assert message["version"] == client.grid.version or client.asked

    # What happens

    def _change(self) -> Any:
        chance = self.random
        stored = self.store.locations[1]
        kind = chance.random()
        if stored.records and kind < 0.3:
            return remove(chance.choice(list(stored.records.values())))
        if kind < 0.35:
            return None
        start = NOON + chance.randrange(-60, 120) * HOUR
        id_ = f"r{chance.randrange(25)}"
        user_id = chance.choice([7, 8, 9, None])
        if kind < 0.45:
            interval = Interval(start, start + HOUR)
            return put(
                Hold(
                    id=id_, grid_id=f"shown-{id_}", resource_id=1, interval=interval, user_id=7, expires_at=0
                )
            )
        if kind < 0.5:
            interval = Interval(start, start + 3 * HOUR)
            return put(
                Block(id=id_, grid_id=f"shown-{id_}", resource_id=1, interval=interval, type="TRAINING")
            )
        known = stored.records.get(id_)
        if isinstance(known, Booking) and kind < 0.7:  # only a note: the public sees nothing of it
            return put(booking(id_, known.interval.start, user_id=known.user_id, note=f"{chance.random()}"))
        return put(booking(id_, start, user_id=user_id, note="n" * chance.randrange(60)))

    async def write(
        self, node: SimulatedNode, change: Any = None, answered: Callable[[Answer], None] | None = None
    ) -> None:
        """A writer's transaction: brings the replica up to date, commits, and only later gets round to telling."""
        async with node.writing:
            room = await node.rooms.open(1)
            with room.committing():
                async with self.row_lock:
                    await self._bring_up_to_date(room)
                    made: list[Diff] = []
                    for _ in range(1 if change else self.random.choice([1, 1, 1, 2, 5])):
                        made.append(self.store.commit(1, change or self._change()))
                        self.remember()
                    diff = join(made)
                for _ in range(self.random.randrange(4)):
                    await asyncio.sleep(0)
                epoch = room.epoch
                done = Done(status=201, body={}, version=diff.version)
                room.advance(diff, answers=[lambda: answered(done)] if answered else [])
            await node.rooms.publish(1, epoch, diff)

    async def _bring_up_to_date(self, room: Room) -> None:
        if (room.epoch, room.version) != self._present():
            read = await self.store.diffs_since(1, room.version)
            if read is None or read[0] != room.epoch:
                loaded = await self.store.load(1)
                assert loaded is not None
                room.replace(loaded, "too far behind")
            else:
                for each in read[2]:
                    room.advance(each)
        assert (room.epoch, room.version) == self._present()

    def _present(self) -> tuple[str, int]:
        stored = self.store.locations[1]
        return stored.epoch, stored.version

    def _restore_a_backup(self) -> None:
        stored = self.store.locations[1]
        back = self.random.randrange(stored.version + 1)
        stored.version = back
        stored.records = dict(self.history[stored.epoch, back])
        stored.diffs = [diff for diff in stored.diffs if diff.version <= back]
        before, stored.epoch = stored.epoch, f"epoch-{len(self.history)}"
        for version in range(back + 1):
            self.history[stored.epoch, version] = self.history[before, version]

    def _spawn(self, work: Any) -> None:
        async def attempt() -> None:
            try:
                await work
            except Unavailable:
                pass

        task = asyncio.create_task(attempt())
        self.tasks[task] = None
        task.add_done_callback(self.tasks.pop)

    async def step(self) -> None:
        """One thing happens."""
        self.steps += 1
        chance = self.random
        client = chance.choice(self.clients)
        node = chance.choice(self.nodes)
        kind = chance.random()
        if kind < 0.28:
            self._spawn(self.write(node))
        elif kind < 0.55:
            chance.choice(self.buses).deliver(chance.randrange(1, 6))
        elif kind < 0.80:
            if client.wire is None:
                client.connect()
            else:
                client.take(chance.randrange(1, 12))
        elif kind < 0.84:
            client.disconnect()
        elif kind < 0.87:
            if client.wire is not None and not client.asked:
                client.change_window()
        elif kind < 0.89:
            if client.wire is not None and client.audience is Audience.STAFF:
                self._drag(client)
        elif kind < 0.91:
            if client.wire is not None:
                client.command()
        elif kind < 0.92:
            self._spawn(node.rooms.check())
        elif kind < 0.96:
            self.timers.advance(chance.choice([0.001, 0.02, 0.5]))
        elif kind < 0.97:
            for connection in node.connections:
                connection.tick()
        elif kind < 0.98:
            self.store.kept_from = chance.randrange(self.store.locations[1].version + 1)
        elif kind < 0.985:
            self.store.away = not self.store.away
        elif kind < 0.988:
            self.store.away = False
            await self.settle()
            self._restore_a_backup()
        elif kind < 0.991:
            for each in self.clients:
                if each.wire is not None and each.node is node:
                    each.disconnect()
            await self.settle()
            node.start()
        for _ in range(chance.randrange(3)):
            await asyncio.sleep(0)

    def _drag(self, client: SimulatedClient) -> None:
        drag = {name: CREATE[name] for name in ("resource_id", "start_time", "end_time")}
        client.send(t="presence", location=1, **({"drag": drag} if self.random.random() < 0.7 else {}))

    async def settle(self) -> None:
        """Let everything that is under way come to an end."""
        away, self.store.away = self.store.away, False
        while self.tasks:
            await asyncio.gather(*self.tasks)
        for _ in range(10):
            await asyncio.sleep(0)
        self.store.away = away

    async def converge(self) -> None:
        """Peace: nothing is lost any more, everybody reads, and after a while everybody holds the same."""
        self.store.away = False
        await self.settle()
        for client in self.clients:
            if client.wire is None:
                client.connect()
        for _ in range(60):
            for bus in self.buses:
                bus.deliver(1_000)
            for node in self.nodes:
                await node.rooms.check()
            await self.settle()
            self.timers.advance(1)
            for client in self.clients:
                client.take(1_000)
                if client.wire is None:
                    client.connect()
                elif client.grid.overdue(self.timers.time()) and not client.asked:
                    client.subscribe(since=True)
            for node in self.nodes:
                for connection in node.connections:
                    connection.tick()
            await self.settle()
            if all(client.is_at_peace() for client in self.clients):
                break
        for client in self.clients:
            assert client.holds_the_present(), (client.token, client.grid.epoch, client.grid.version)
            client.check()
            if client.principal.user_id is not None and client.audience is Audience.PUBLIC:
                self.check_own(client, {"records": client.own, "version": client.grid.version})

    async def close(self) -> None:
        for client in self.clients:
            client.disconnect()
        await self.settle()
