"""From a commit to a thousand sockets: the fan-out beside a C loop of ``send()``.

``python -m bench.fanout [--sockets 1000] [--rounds 40] [--json]`` serves one node with uvicorn and uvloop, connects the
sockets from another process, and then sends in turn, on *the same sockets*:

- *C send()*: the finished frame, by a C loop over the file descriptors: the floor;
- *room*: one booking by ``Room.advance``: apply, project and encode for both audiences, frame, and write;
- *room, joined*: ten bookings in one window, sent as one frame; it counts ten deliveries for each socket;
- *ASGI send*: the finished message by uvicorn's own ``send`` for each socket, as a framework would.

Caveats first: everything is on the loopback of one machine, whose kernel does the receiving side's work in the sender's
``send()``; the receiver only counts bytes. Deliveries per second and core are from the sending thread's CPU time until the
kernel has everything; *last* is the wall time from the commit until the last socket's process has read all of it, and needs
a second core that is idle. The contenders take turns, and the ratio is the
median of each turn's. Compare ratios within a run, not figures
between machines. Without a C compiler the floor is a loop of ``socket.send``, and says so.
"""

import argparse
import asyncio
import json
import resource
import select
import socket
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from time import monotonic_ns, thread_time_ns
from typing import Any

import msgpack
import uvicorn
import uvloop

from bench.peers.c_send import CSend
from grid_engine.audience import Audience
from grid_engine.diff import Diff, Put
from grid_engine.interval import HOUR, Interval
from grid_engine.records import Booking, Resource
from rules.policy import LocationPolicy
from server.bus.memory import MemoryBus
from server.clock import ManualClock
from server.edge.websocket import WebSocketEndpoint
from server.live.connections import Connections
from server.live.protocol import GridSocket, websocket_options
from server.live.rooms import Rooms
from server.principal import Principal
from server.storage.location_state import LoadedLocation, LocationState

NOON = 1_811_851_200
JOINED = 10


@dataclass(frozen=True)
class Measurement:
    """One way of sending; times are medians over the rounds, ``of_floor`` compares deliveries per core with C's
    in the same round."""

    contender: str
    sockets: int
    frame_bytes: int
    microseconds_cpu: float
    """For each delivery, of the sending thread."""
    deliveries_per_core: float
    of_floor: float
    sent_ms: float
    """Until the kernel had everything."""
    median_ms: float
    """Until half of the sockets had it."""
    last_ms: float


# The other end: runs in a process of its own


def receive(port: int, count: int) -> None:
    """Connects and subscribes; then, for each number of bytes it reads, says when each socket had got so many."""
    sockets = [_subscribed(port) for _ in range(count)]
    poll = select.epoll()
    by_number = {each.fileno(): each for each in sockets}
    for number, each in by_number.items():
        each.setblocking(False)
        poll.register(number, select.EPOLLIN)
    print("ready", flush=True)
    for line in sys.stdin:
        expected = int(line)
        missing = dict.fromkeys(by_number, expected)
        arrivals: list[int] = []
        print("armed", flush=True)
        while missing:
            for number, _ in poll.poll():
                got = len(by_number[number].recv(65_536))
                if not got:
                    raise SystemExit("the server closed a socket")
                missing[number] -= got
                if missing[number] <= 0:
                    del missing[number]
                    arrivals.append(monotonic_ns())
        print(arrivals[len(arrivals) // 2], arrivals[-1], flush=True)


def _subscribed(port: int) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port))
    connection.sendall(
        b"GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Protocol: baygrid.v1\r\n\r\n"
    )
    data = b""
    while not data.endswith(b"\r\n\r\n"):
        data += connection.recv(65_536)
    connection.sendall(
        _masked({"t": "hello", "proto": 1, "token": "kiosk"})
        + _masked({"t": "subscribe", "location": 1, "from": "2027-06-01", "days": 1})
    )
    while b"\xa1t\xa8snapshot" not in data or not data.endswith(b"\xa9blackouts\x90"):
        data += connection.recv(65_536)
    return connection


def _masked(message: dict[str, Any]) -> bytes:
    payload: bytes = msgpack.packb(message)
    return bytes((0x82, 0x80 | len(payload), 0, 0, 0, 0)) + payload


# This end


class OneLocation:
    """A store with one location and nothing booked."""

    async def load(self, location_id: int) -> LoadedLocation:
        bays = tuple(Resource(id=n, name=f"Bay {n}", position=n) for n in range(1, 13))
        state = LocationState(
            id=location_id,
            name="Venue",
            timezone="America/New_York",
            slot_minutes=30,
            policy=LocationPolicy(),
            active=True,
            config_version=0,
            resources=bays,
        )
        return LoadedLocation(state=state, epoch="TmV2ZXIgcmVzdG9yZWQ", version=100_000, records=())

    async def diffs_since(self, *_: object) -> None:
        return None

    async def versions(self, *_: object) -> dict[int, tuple[str, int]]:
        return {}


class Anybody:
    """Everybody is a kiosk, and nobody asks for anything."""

    def describe(self, problem: Exception) -> dict[str, Any]:
        raise problem

    async def authenticate(self, token: str) -> Principal:
        return Principal(user_id=None, role="kiosk", location_ids=frozenset({1}), session_id=token)


class StillTimers:
    """Time stands still: what is sent first is sent at once, and all that follows when the benchmark says so."""

    def time(self) -> float:
        return 0.0

    def call_later(self, _: float, callback: Callable[[], Any], /) -> asyncio.TimerHandle:
        return asyncio.get_running_loop().call_later(3_600, callback)


class Node:
    """The server, and the process that its sockets are connected from."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.sockets: list[GridSocket] = []
        rooms = Rooms(store=OneLocation(), bus=MemoryBus(), clock=ManualClock(NOON), timers=StillTimers())  # type: ignore[arg-type]  # as much of a store as is asked for here
        self.rooms = rooms
        self.connections = Connections(
            rooms=rooms,
            desk=Anybody(),  # type: ignore[arg-type]  # nobody gives a command here
            identity=Anybody(),  # type: ignore[arg-type]  # nobody is asked about again here
            clock=ManualClock(NOON),
            bus=MemoryBus(),
            per_account=count,
            per_address=count,
        )
        self._made = 0

    async def start(self, stack: AsyncExitStack) -> None:
        endpoint = WebSocketEndpoint(self.connections)

        async def app(
            scope: Any, receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]
        ) -> None:
            await endpoint(scope, receive, send)

        listening = socket.create_server(("127.0.0.1", 0), backlog=4096)
        config = uvicorn.Config(app, lifespan="off", log_level="error", **websocket_options())
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        port = listening.getsockname()[1]
        self._receiver = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "bench.fanout",
            "--receive",
            str(port),
            "--sockets",
            str(self.count),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

        async def stop() -> None:
            if self._receiver.returncode is None:
                self._receiver.kill()
            await self._receiver.wait()
            server.should_exit = True
            await serving

        stack.push_async_callback(stop)
        if await self._line() != b"ready\n":
            raise SystemExit(f"the receiving process failed: {await self._receiver.wait()}")
        for connection in self.connections:
            assert isinstance(connection.socket, GridSocket)
            self.sockets.append(connection.socket)
        room = self.rooms.loaded(1)
        assert room is not None
        assert len(room.watchers) == self.count
        self.room = room

    async def _line(self) -> bytes:
        assert self._receiver.stdout is not None
        return await self._receiver.stdout.readline()

    def booking(self) -> Diff:
        """A new booking, as a diff that follows what the room has."""
        self._made += 1
        n, version = self._made, self.room.version + 1
        record = Booking(
            id=f"0199f0f5-6a3c-7cc0-8f3e-{n:012d}",
            grid_id=f"{n:022d}",
            resource_id=1 + n % 12,
            interval=Interval(NOON + HOUR, NOON + 2 * HOUR),
            user_id=n,
            who="Somebody Somewhere",
        )
        return Diff(version - 1, version, (Put(version, record),))

    async def timed(self, send: Callable[[], Awaitable[None]], frame_bytes: int) -> tuple[float, ...]:
        """Nanoseconds: CPU, until sent, until half of the sockets have it, until all have."""
        assert self._receiver.stdin is not None
        self._receiver.stdin.write(b"%d\n" % frame_bytes)
        await self._line()
        begun, cpu = monotonic_ns(), thread_time_ns()
        await send()
        await asyncio.sleep(0)  # some event loops write at the end of their turn
        cpu, sent = thread_time_ns() - cpu, monotonic_ns() - begun
        if any(each.buffered for each in self.sockets):
            raise SystemExit(
                "the kernel did not take everything at once: use fewer sockets, or smaller frames"
            )
        half, last = map(int, (await self._line()).split())
        return cpu, sent, half - begun, last - begun


async def measure(count: int, rounds: int) -> list[Measurement]:
    async with AsyncExitStack() as stack:
        node = Node(count)
        await node.start(stack)
        room, watchers = node.room, node.room.watchers
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        floor = CSend(node.sockets, folder)

        async def by_room() -> None:
            room.advance(node.booking())
            watchers.flush()

        # What a socket is sent first goes by its transport, which is then known to be empty.
        room.advance(node.booking())
        await node.timed(partial(asyncio.sleep, 0), len(room.frame_since(room.version - 1, Audience.PUBLIC)))
        for _ in range(JOINED):  # the first measured ones are not the first of all
            size = len(room.frame_since(room.version - 1, Audience.PUBLIC))
            await node.timed(by_room, size)
        frame = room.frame_since(room.version - 1, Audience.PUBLIC)
        joined_bytes = len(room.frame_since(room.version - JOINED, Audience.PUBLIC))
        payload = frame[2 if frame[1] < 126 else 4 :]

        async def by_floor() -> None:
            floor.send(frame)

        async def by_room_joined() -> None:
            for _ in range(JOINED):
                room.advance(node.booking())
            watchers.flush()

        async def by_asgi() -> None:
            for each in node.sockets:
                await each.send({"type": "websocket.send", "bytes": payload})

        taken: dict[str, list[tuple[float, ...]]] = {}
        for _ in range(rounds):
            taken.setdefault(floor.name, []).append(await node.timed(by_floor, len(frame)))
            taken.setdefault("room", []).append(await node.timed(by_room, len(frame)))
            taken.setdefault("ASGI send", []).append(await node.timed(by_asgi, len(frame)))
            taken.setdefault("room, joined", []).append(await node.timed(by_room_joined, joined_bytes))
        found: list[Measurement] = []
        for name, times in taken.items():
            cpu, sent, half, last = (statistics.median(each) for each in zip(*times, strict=True))
            deliveries = count * (JOINED if name == "room, joined" else 1)
            paired = zip(taken[floor.name], times, strict=True)
            of_floor = statistics.median(least[0] * deliveries / each[0] / count for least, each in paired)
            found.append(
                Measurement(
                    contender=name,
                    sockets=count,
                    frame_bytes=len(frame),
                    microseconds_cpu=cpu / deliveries / 1e3,
                    deliveries_per_core=deliveries / cpu * 1e9,
                    of_floor=of_floor,
                    sent_ms=sent / 1e6,
                    median_ms=half / 1e6,
                    last_ms=last / 1e6,
                )
            )
        return found


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.fanout", description="Measure the fan-out.")
    parser.add_argument("--sockets", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--json", action="store_true", help="print JSON in place of a table")
    parser.add_argument("--receive", type=int, metavar="PORT", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    if options.receive:
        receive(options.receive, options.sockets)
        return
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        found = runner.run(measure(options.sockets, options.rounds))
    if options.json:
        print(json.dumps([asdict(each) for each in found], indent=2))
        return
    print(f"{found[0].sockets:,} sockets, frames of {found[0].frame_bytes} bytes")
    print(
        f"{'':<28}{'CPU µs/delivery':>16}{'deliveries/s/core':>19}{'of the floor':>14}"
        f"{'sent ms':>9}{'median ms':>11}{'last ms':>9}"
    )
    for each in found:
        print(
            f"{each.contender:<28}{each.microseconds_cpu:>16.2f}{each.deliveries_per_core:>19,.0f}"
            f"{each.of_floor:>13.0%} {each.sent_ms:>9.1f}{each.median_ms:>11.1f}{each.last_ms:>9.1f}"
        )


if __name__ == "__main__":
    main()
