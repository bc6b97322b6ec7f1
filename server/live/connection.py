"""A session's socket: what the session asks for is done here, and the socket's pace is kept.

Belongs here: one socket's pace and backlog, and passing on what its session asks (to ``subscriptions`` and ``errands``).
Does not belong here: what is legal (``session``), the socket itself (``protocol``), or all sockets (``connections``).

While the other side is slow (``draining``) nothing is read from it and no diff is queued for it. Answers to what it had
asked before are kept back, up to ``MAX_BACKLOG_BYTES``; then come the diffs it missed (W3).
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final, Protocol

from server.errors import Problem, Unauthenticated, Unavailable
from server.live.desk import Desk, Identity
from server.live.effects import (
    AskVerdict,
    Authenticate,
    Effect,
    End,
    Execute,
    Reconsider,
    Reply,
    ShowDrag,
    StartWatching,
    StopWatching,
    WakeAt,
)
from server.live.errands import Errands
from server.live.frames import frame_of
from server.live.rooms import Rooms
from server.live.session import NOT_ALLOWED, TOO_SLOW, Session
from server.live.subscriptions import Subscriptions
from server.principal import Principal
from server.wire.codec import Undecodable, decode_client
from server.wire.messages import Bye, Resync, ServerMessage, Tick

MAX_BACKLOG_BYTES: Final = 128 * 1024
"""Answers kept back for a socket that drains; who asks for more without reading is let go of."""
STUCK_SECONDS: Final = 15.0
"""A socket that drains and takes nothing at all for so long is let go of."""
DRAIN_SECONDS: Final = 60.0
"""And one that has not drained after so long, even if it takes something."""


class Socket(Protocol):
    """The way out. It calls the connection's ``paused``, ``drained``, ``rerouted`` and ``lost``."""

    @property
    def push(self) -> Callable[[bytes], int]:
        """As ``Outlet.push``; ``rerouted`` is called when it becomes another."""

    def rest(self, frame: bytes, sent: int) -> None: ...

    def write(self, frame: bytes) -> None:
        """Takes a frame; never waits, never raises."""

    @property
    def buffered(self) -> int:
        """Bytes that were written and that the kernel has not taken."""

    def finish(self, code: int, reason: str) -> None:
        """Send a close frame, and end the connection soon even if nobody answers."""


class Surroundings(Protocol):
    """What all connections have in common (``connections``)."""

    rooms: Rooms
    desk: Desk
    identity: Identity

    def now(self) -> int: ...

    def welcome(self, connection: "Connection", principal: Principal) -> bool:
        """Count the socket as this account's. False if it has too many."""

    def keep(self, task: "asyncio.Task[None]") -> None:
        """See that a task is not lost that must end even if its socket does not live so long."""

    def gone(self, connection: "Connection") -> None:
        """Forget it."""


class Connection:
    """One socket and its session. ``cookie_token`` is the token of the upgrade's cookie, if it had one."""

    def __init__(
        self, socket: Socket, session: Session, around: Surroundings, cookie_token: str | None = None
    ) -> None:
        self.socket = socket
        self._around = around
        self._cookie_token = cookie_token
        self._loop = asyncio.get_running_loop()
        self.session = session
        self.write = socket.write
        self.rest = socket.rest
        self.open = True
        self.draining = False
        self._draining_since = 0.0
        self._taken_at = 0.0
        self._buffered_then = 0
        self._writable = asyncio.Event()
        self._writable.set()
        self._backlog: deque[bytes] = deque()
        self._backlog_bytes = 0
        self._subscriptions = Subscriptions(around.rooms, session, self, self.perform)
        self._errands = Errands(around.desk, session, self.perform, around.keep)
        self._alarm: asyncio.TimerHandle | None = None

    # In

    async def receive(self, data: bytes | None) -> None:
        """Take one message; None for one that was not binary. Waits while the socket drains or has too much under way."""
        await self._writable.wait()
        await self._errands.caught_up()
        await self._subscriptions.caught_up()
        if not self.open:
            return
        try:
            message = None if data is None else decode_client(data)
        except Undecodable:
            message = None
        for effect in self.session.receive(message, self._loop.time()):
            if isinstance(effect, Authenticate):
                # Here and not in a task: nothing else may be received before it is known who this is.
                await self._authenticate(effect)
            else:
                self.perform([effect])

    def perform(self, effects: list[Effect]) -> None:
        """Do what the session asks, in order."""
        for effect in effects:
            match effect:
                case Reply(message):
                    self.reply(message)
                case StartWatching() | StopWatching() | ShowDrag():
                    self._subscriptions.order(effect)
                case Execute():
                    self._errands.execute(effect)
                case AskVerdict():
                    self._errands.ask(effect)
                case WakeAt(at):
                    self._wake_at(at)
                case Reconsider():
                    self._subscriptions.reconsider()
                case End(code, reason, retry_after_ms):
                    self._end(code, reason, retry_after_ms)
                case Authenticate():
                    raise AssertionError("only a message asks for that, and is waited for")

    async def _authenticate(self, effect: Authenticate) -> None:
        token = effect.token or self._cookie_token
        try:
            if token is None:
                raise Unauthenticated
            principal = await self._around.identity.authenticate(token)
        except Unavailable:
            self.perform(self.session.end(TOO_SLOW, "temporarily unavailable", 2_000))
        except Problem:
            self.perform(self.session.rejected())
        else:
            if self.session.principal is None and not self._around.welcome(self, principal):
                self.perform(self.session.end(NOT_ALLOWED, "too many sockets for this account", 30_000))
            else:
                self.perform(self.session.authenticated(principal, self._around.now()))

    # Out

    @property
    def push(self) -> Callable[[bytes], int]:
        """As ``Outlet.push``."""
        return self.socket.push

    def reply(self, message: ServerMessage) -> None:
        """Send it, or keep it back while the socket drains."""
        self._send_frame(frame_of(message))

    def _send_frame(self, frame: bytes) -> None:
        if not self.open:
            return
        if not self.draining:
            self.write(frame)
            return
        self._backlog.append(frame)
        self._backlog_bytes += len(frame)
        if self._backlog_bytes > MAX_BACKLOG_BYTES:
            self.perform(self.session.end(TOO_SLOW, "too slow", 5_000))

    def resync(self, location_id: int, reason: str) -> None:
        """The room gave this session up."""
        self._subscriptions.forget(location_id)
        self.reply(Resync(location_id, reason))

    def tick(self) -> None:
        """The heartbeat. A socket that drains is alive, and is told the versions once it has them."""
        if self.open and not self.draining and self.session.principal is not None:
            self.reply(Tick(self._subscriptions.versions, self._around.now()))

    def paused(self) -> None:
        """The socket's buffer passed its mark: the other side is slow."""
        if self.draining or not self.open:
            return
        self.draining = True
        self._writable.clear()
        self._draining_since = self._taken_at = self._loop.time()
        self._buffered_then = self.socket.buffered
        self._subscriptions.fall_behind()

    def drained(self) -> None:
        """The socket took what was written: what waited comes first, then what was missed, until it drains again."""
        if not self.draining or not self.open:
            return
        self.draining = False
        while self._backlog and not self.draining:
            frame = self._backlog.popleft()
            self._backlog_bytes -= len(frame)
            self.write(frame)
        if not self.draining:
            self._subscriptions.serve()
        if not self.draining:
            self._writable.set()

    def rerouted(self) -> None:
        """The socket's ``push`` is another one now."""
        if self.open:
            self._subscriptions.reroute()

    async def writable(self) -> None:
        """Until the socket does not drain, or is closed."""
        await self._writable.wait()

    def look(self) -> None:
        """Now and then: deadlines, and whether a socket that drains still takes anything."""
        at = self._loop.time()
        self._elapsed(at)
        if not self.draining:
            return
        buffered = self.socket.buffered
        if buffered < self._buffered_then:
            self._taken_at = at
        self._buffered_then = buffered
        if at - self._taken_at >= STUCK_SECONDS or at - self._draining_since >= DRAIN_SECONDS:
            self.perform(self.session.end(TOO_SLOW, "too slow", 5_000))

    # Time and the end

    def _wake_at(self, at: float) -> None:
        if self._alarm is None and self.open:
            self._alarm = self._loop.call_at(at, self._wake)

    def _wake(self) -> None:
        self._alarm = None
        self._elapsed(self._loop.time())

    def _elapsed(self, at: float) -> None:
        renewable = not self._around.rooms.stale  # sessions go on by the database
        self.perform(self.session.elapsed(at, self._around.now(), renewable=renewable))

    def lost(self) -> None:
        """The socket is gone, or closing: nothing may be written to it any more."""
        if self.open:
            self.perform(self.session.lost())
            self._close()

    def _end(self, code: int, reason: str, retry_after_ms: int | None) -> None:
        if self.open:
            self.write(frame_of(Bye(code, reason, retry_after_ms)))
            self._close()
            self.socket.finish(code, reason)

    def _close(self) -> None:
        self.open = False
        self._writable.set()
        self._backlog.clear()
        self._subscriptions.leave()
        self._errands.leave()
        if self._alarm is not None:
            self._alarm.cancel()
        self._around.gone(self)
