"""A screen as people have it: one socket to one node, one location, and the client's rule of ``wire.md``.

Belongs here: speaking the wire to a real node, losing the connection, reading slowly, coming back, and noticing whatever
a server may never do (``faults``). Does not belong here: what a test asks of it, or drawing.
"""

import asyncio
import datetime as dt
import itertools
import socket
import uuid
from collections import Counter
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import msgpack
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from grid_engine.audience import WireRecord
from grid_engine.calendar_day import window_of
from grid_engine.follower import PATIENCE_SECONDS, ClientGrid, Outcome
from tests.node_process import NodeProcess
from tests.venues import Venue

PATIENCE = 15.0
"""Seconds that anything may take of which a test says nothing else."""
PUBLIC_FIELDS = {"id", "resource_id", "start", "end", "kind", "status"}

Message = dict[str, Any]


class Unanswered(Exception):
    """The connection was lost, or is not read from, before the answer came: whether it was done is not known."""


class Screen:
    """One person's view of a location on one node; ``node`` may be another one the next time it connects.

    ``grid`` is what is shown, ``own`` a customer's own records by id, ``ghosts`` colleagues' drags by session, ``stale``
    what the server said of its data last. ``faults`` tells every breach of the wire's promises; it has to stay empty.
    """

    def __init__(
        self,
        node: NodeProcess,
        token: str,
        venue: Venue,
        first: dt.date,
        days: int = 7,
        *,
        public: bool = False,
        receive_buffer: int | None = None,
    ) -> None:
        self.node = node
        self.token = token
        self.venue = venue
        self.public = public
        self.first, self.days = first, days
        self.grid = ClientGrid(window_of(first, days, venue.timezone))
        self.snapshot: Message = {}
        self.own: dict[str, WireRecord] = {}
        self.own_told = False
        self.ghosts: dict[str, tuple[str, Message]] = {}
        self.stale = False
        self.welcome: Message = {}
        self.bye: Message = {}
        self.refused: Message = {}
        self.close_code: int | None = None
        self.received: Counter[str] = Counter()
        self.faults: list[str] = []
        self._receive_buffer = receive_buffer
        self._socket: ClientConnection | None = None
        self._reader: asyncio.Task[None] | None = None
        self._changed = asyncio.Condition()
        self._may_read = asyncio.Event()
        self._may_read.set()
        self._asked = False
        self._in_step = False
        self._answers: dict[str, asyncio.Future[Message]] = {}
        self._sent_at_version: dict[str, int] = {}
        self._told_by_diff = -1
        self._pongs = itertools.count(1)
        self._ponged = 0

    # Coming and going

    async def open(self) -> "Screen":
        """Connect, say hello and subscribe, with ``since`` if something is held; returns when that is answered."""
        await self.close()
        self.welcome, self.bye, self.refused, self.close_code = {}, {}, {}, None
        self.ghosts.clear()
        self._may_read.set()
        self._in_step = False
        self._socket = await connect(
            self.node.socket_address,
            subprotocols=["baygrid.v1"],  # type: ignore[list-item]  # a NewType of str
            compression=None,
            max_size=None,
            max_queue=4,
            sock=self._small_socket() if self._receive_buffer else None,
            proxy=None,
        )
        self._reader = asyncio.create_task(self._read(self._socket))
        await self._send({"t": "hello", "proto": 1, "token": self.token})
        await self.until(lambda: bool(self.welcome) or self.close_code is not None)
        if self.close_code is None:
            await self._subscribe()
            await self.until(lambda: self._in_step or bool(self.refused) or self.close_code is not None)
        return self

    def _small_socket(self) -> socket.socket:
        parts = urlsplit(self.node.socket_address)
        made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        assert self._receive_buffer is not None
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self._receive_buffer)
        made.connect(("127.0.0.1", parts.port))
        made.setblocking(False)
        return made

    async def close(self) -> None:
        """Leave politely; what is held is kept."""
        self._may_read.set()
        if self._socket is not None:
            await self._socket.close()
        await self._ended()

    async def cut(self) -> None:
        """Lose the connection, as a phone in a lift does: no close frame, nothing read any more."""
        if self._socket is not None:
            self._socket.transport.abort()
        await self._ended()

    async def _ended(self) -> None:
        self._may_read.set()
        self._socket = None
        reader, self._reader = self._reader, None
        if reader is not None:
            await reader

    @property
    def connected(self) -> bool:
        """Whether there is a socket, as far as this side knows."""
        return self._socket is not None and self.close_code is None

    @property
    def reading(self) -> bool:
        """Whether it takes what comes: from ``pause`` to ``resume`` it does not."""
        return self._may_read.is_set()

    def pause(self) -> None:
        """Read nothing more until ``resume``: the other side finds a slow client. Whoever waits for an answer gives up."""
        self._may_read.clear()
        self._give_up()

    def resume(self) -> None:
        """Read on."""
        self._may_read.set()

    # What people do

    async def watch(self, first: dt.date, days: int) -> None:
        """Look at other days; returns when they are there."""
        self.first, self.days = first, days
        self.grid = ClientGrid(window_of(first, days, self.venue.timezone))
        self._in_step = False
        await self._subscribe()
        await self.until(lambda: self._in_step or self.close_code is not None)

    async def leave_and_return(self) -> None:
        """Unsubscribe, and subscribe again with ``since``."""
        await self._send({"t": "unsubscribe", "location": self.venue.id})
        self._in_step = False
        await self._subscribe()
        await self.until(lambda: self._in_step or self.close_code is not None)

    async def command(self, op: str, args: Message, *, key: str | None = None) -> Message:
        """The ``ack`` or ``nak``. Raises ``Unanswered`` if the connection is lost first."""
        return await self._ask("command", op, args, key or str(uuid.uuid4()))

    async def judge(self, op: str, args: Message) -> Message:
        """The ``verdict`` or ``nak``."""
        return await self._ask("judge", op, args, str(uuid.uuid4()))

    async def _ask(self, t: str, op: str, args: Message, id_: str) -> Message:
        if not self.connected or not self.reading:
            raise Unanswered
        answer: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._answers[id_] = answer
        # Others may change nothing, and be answered with the version of the last change.
        if t == "command" and op in ("create", "hold") and id_ not in self._sent_at_version:
            self._sent_at_version[id_] = self._told_by_diff
        await self._send({"t": t, "id": id_, "op": op, "args": args})
        async with asyncio.timeout(PATIENCE):
            return await answer

    async def drag(self, drag: Message | None) -> None:
        """Show where a drag is now; None ends it."""
        message: Message = {"t": "presence", "location": self.venue.id}
        await self._send(message if drag is None else message | {"drag": drag})

    async def ping(self) -> None:
        """Returns when the server answered: everything that it had sent before has been read by then."""
        number = next(self._pongs)
        await self._send({"t": "ping", "n": number})
        await self.until(lambda: self._ponged >= number)

    async def until(self, condition: Callable[[], bool], seconds: float = PATIENCE) -> None:
        """Wait until the condition holds, looking after every message; fails after ``seconds``."""
        try:
            async with asyncio.timeout(seconds), self._changed:
                await self._changed.wait_for(condition)
        except TimeoutError:
            raise AssertionError(f"not within {seconds} s: {self.described()}") from None

    def described(self) -> str:
        """What is worth knowing when a test fails."""
        return (
            f"{'public' if self.public else 'staff'} screen at version {self.grid.version} with {len(self.grid.records)} "
            f"records, closed {self.close_code}, received {dict(self.received)}, faults {self.faults}"
        )

    def shown(self) -> set[tuple[int, int, int]]:
        """(resource, start, end) of all that is shown."""
        return {
            (record["resource_id"], record["start"], record["end"]) for record in self.grid.records.values()
        }

    # The wire

    async def _send(self, message: Message) -> None:
        assert self._socket is not None
        try:
            await self._socket.send(msgpack.packb(message))
        except ConnectionClosed:
            pass  # the reader finds out, and tells all who wait

    async def _subscribe(self) -> None:
        self._asked = True
        message: Message = {
            "t": "subscribe",
            "location": self.venue.id,
            "from": self.first.isoformat(),
            "days": self.days,
        }
        if self.grid.since is not None:
            epoch, version = self.grid.since
            message["since"] = {"epoch": epoch, "version": version}
        await self._send(message)

    async def _read(self, of: ClientConnection) -> None:
        try:
            while True:
                await self._may_read.wait()
                data = await of.recv()
                # What came while a slow client was about to be one is read later too.
                await self._may_read.wait()
                message = msgpack.unpackb(data, strict_map_key=False)  # a tick's are numbers
                again = self._take(message)
                async with self._changed:
                    self._changed.notify_all()
                if again:
                    await self._subscribe()
        except ConnectionClosed as closed:
            self.close_code = closed.rcvd.code if closed.rcvd is not None else 1006
        finally:
            self._give_up()
            async with self._changed:
                self._changed.notify_all()

    def _give_up(self) -> None:
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(Unanswered())
                answer.exception()  # it may be that nobody waits for it
        self._answers.clear()
        # Whoever gave up may send it again by another way, and be overtaken by that.
        self._sent_at_version.clear()

    def _take(self, message: Message) -> bool:
        """Take in one message. Whether to subscribe again."""
        self.received[message["t"]] += 1
        if "location" in message and message["location"] != self.venue.id:
            self.faults.append(f"a message of another location: {message}")
            return False
        match message["t"]:
            case "welcome":
                self.welcome = message
            case "snapshot":
                return self._take_snapshot(message)
            case "diff":
                return self._take_diff(message)
            case "own":
                self._take_own(message)
            case "ack" | "nak" | "verdict":
                self._take_answer(message)
            case "presence":
                self._take_presence(message)
            case "tick":
                return self._take_tick(message)
            case "resync":
                self.grid.forget()
                self._in_step = False
                return True
            case "stale":
                self.stale = message["stale"]
            case "pong":
                self._ponged = message["n"]
            case "bye":
                self.bye = message
            case other:
                self.faults.append(f"a message that the protocol does not have: {other}")
        return False

    def _take_snapshot(self, message: Message) -> bool:
        self._check_redacted(message["records"])
        if (message["from"], message["days"]) != (self.first.isoformat(), self.days):
            return False  # the answer to a subscription that was overtaken by a newer one
        self.snapshot = message
        self.grid.take_snapshot(message["epoch"], message["version"], message["records"])
        self._asked, self._in_step = False, True
        return False

    def _take_diff(self, message: Message) -> bool:
        self._check_redacted([op[2] for op in message["ops"] if op[1] == "put"])
        versions = [op[0] for op in message["ops"]]
        if versions != sorted(versions) or any(
            not message["base"] < version <= message["version"] for version in versions
        ):
            self.faults.append(f"a diff from {message['base']} to {message['version']} with ops {versions}")
        if self.grid.since is None:
            if not self._asked:
                self.faults.append("a diff before any snapshot")
            return False
        outcome = self.grid.take_diff(message["epoch"], message["base"], message["version"], message["ops"])
        self._told_by_diff = max(self._told_by_diff, message["version"])
        if outcome in (Outcome.APPLIED, Outcome.IGNORED):
            self._asked, self._in_step = False, True
            return False
        if outcome is Outcome.SUBSCRIBE_SINCE and not self._asked:
            self.faults.append(f"a gap: have {self.grid.version}, told from {message['base']}")
        if outcome is Outcome.SUBSCRIBE_AFRESH:
            # A reload: even the diff that was asked for may bring one.
            self.grid.forget()
            self._in_step = False
            return True
        return not self._asked

    def _take_own(self, message: Message) -> None:
        if not self.public:
            self.faults.append("`own` told to staff")
        if self.grid.version not in (message["version"], None):  # None: what is held was just given up
            self.faults.append(f"`own` of version {message['version']} at version {self.grid.version}")
        user_id = self.welcome["user_id"]
        strangers = [record for record in message["records"] if record["user_id"] != user_id]
        if strangers:
            self.faults.append(f"`own` tells of others' records: {strangers}")
        self.own = {record["id"]: record for record in message["records"]}
        self.own_told = True

    def _take_answer(self, message: Message) -> None:
        id_ = message.get("id")
        if id_ is None:
            self.refused = message
            return
        sent_at = self._sent_at_version.pop(id_, None)
        version = message.get("version")
        if version is not None and sent_at is not None and sent_at < version <= self._told_by_diff:
            self.faults.append(f"the ack of version {version} came after its diff")
        answer = self._answers.pop(id_, None)
        if answer is not None and not answer.done():
            answer.set_result(message)

    def _take_presence(self, message: Message) -> None:
        if self.public:
            self.faults.append(f"a colleague's drag told to a customer: {message}")
        if message.get("drag") is None:
            self.ghosts.pop(message["session"], None)
        else:
            self.ghosts[message["session"]] = (message["who"], message["drag"])

    def _take_tick(self, message: Message) -> bool:
        told = message["versions"].get(self.venue.id)
        if told is None or self.grid.since is None:
            return False
        loop = asyncio.get_running_loop()
        outcome = self.grid.take_tick(told, loop.time())
        if outcome is Outcome.SUBSCRIBE_AFRESH:
            self.faults.append(f"a tick of {told} below the version held, {self.grid.version}")
            self.grid.forget()
            return True
        loop.call_later(PATIENCE_SECONDS + 0.1, self._check_overdue)
        return False

    def _check_overdue(self) -> None:
        overdue = self.grid.overdue(asyncio.get_running_loop().time())
        if overdue and self.connected and self._may_read.is_set():
            self.faults.append("a version that a tick named did not come")

    def _check_redacted(self, records: list[WireRecord]) -> None:
        for record in records:
            if self.public and (
                record.keys() != PUBLIC_FIELDS or (record["kind"], record["status"]) != ("booking", "busy")
            ):
                self.faults.append(f"a customer was told {record}")
