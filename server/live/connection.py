"""A session's socket: what the session asks for is done here, and the socket's pace is kept.

Belongs here: one socket's tasks, subscriptions and backlog. Does not belong here: what is legal (``session``), the socket
itself (``protocol``), or all sockets together (``connections``).

While the other side is slow (``draining``) nothing is read from it and no diff is queued for it. Answers to what it had
asked before are kept back, up to ``MAX_BACKLOG_BYTES``; then come the diffs it missed (W3).
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final, Protocol

import structlog

from grid_engine.audience import Audience
from server.errors import NotFound, Problem, TooMany, Unauthenticated, Unavailable
from server.live.desk import Answer, Desk, Identity
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
from server.live.frames import frame_of
from server.live.room import Room
from server.live.rooms import Rooms
from server.live.session import TOO_SLOW, Session
from server.live.watch import Watch, Window
from server.principal import Principal
from server.wire.codec import Undecodable, decode_client
from server.wire.messages import Bye, Presence, Resync, ServerMessage, Subscribe, Tick

MAX_BACKLOG_BYTES: Final = 64 * 1024
"""Answers kept back for a socket that drains; who asks for more without reading is let go of."""
MAX_IN_FLIGHT: Final = 64
"""Commands of one socket under way at once, and subscriptions waiting; beyond that it is not read from."""
MAX_WATCHES: Final = 100
"""Locations that one socket may watch."""
STUCK_SECONDS: Final = 15.0
"""A socket that drains and takes nothing at all for so long is let go of."""
DRAIN_SECONDS: Final = 60.0
"""And one that has not drained after so long, even if it takes something."""

_log = structlog.get_logger()


class Socket(Protocol):
    """The way out. It calls the connection's ``paused``, ``drained`` and ``lost``."""

    @property
    def write(self) -> Callable[[bytes], None]:
        """Takes a frame; never waits."""

    @property
    def buffered(self) -> int:
        """Bytes that were written and not yet sent."""

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
        self._socket = socket
        self._around = around
        self._cookie_token = cookie_token
        self._loop = asyncio.get_running_loop()
        self.session = session
        self.write = socket.write
        self._who = ""
        self.watches: dict[int, tuple[Room, Watch]] = {}
        self.open = True
        self.draining = False
        self._draining_since = 0.0
        self._taken_at = 0.0
        self._buffered_then = 0
        self._writable = asyncio.Event()
        self._writable.set()
        self._backlog: deque[bytes] = deque()
        self._backlog_bytes = 0
        self._orders: deque[StartWatching | StopWatching | ShowDrag] = deque()
        self._clerk: asyncio.Task[None] | None = None
        self._commands: set[asyncio.Task[None]] = set()
        self._question: AskVerdict | None = None
        self._judging: asyncio.Task[None] | None = None
        self._alarm: asyncio.TimerHandle | None = None

    # In

    async def receive(self, data: bytes | None) -> None:
        """Take one message; None for one that was not binary. Waits while the socket drains or has too much under way."""
        await self._writable.wait()
        while self.open and len(self._commands) >= MAX_IN_FLIGHT:
            await asyncio.wait(self._commands, return_when=asyncio.FIRST_COMPLETED)
        while self.open and self._clerk is not None and len(self._orders) >= MAX_IN_FLIGHT:
            await asyncio.wait([self._clerk], timeout=0.1)
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
                    self.send(message)
                case StartWatching() | StopWatching() | ShowDrag():
                    self._order(effect)
                case Execute():
                    self._execute(effect)
                case AskVerdict():
                    self._ask(effect)
                case WakeAt(at):
                    self._wake_at(at)
                case Reconsider():
                    self._reconsider()
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
                self.perform(self.session.end(1008, "too many sockets for this account", 30_000))
            else:
                self._who = principal.name
                self.perform(self.session.authenticated(principal, self._around.now()))

    # Out

    def send(self, message: ServerMessage) -> None:
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
        self.watches.pop(location_id, None)
        self.send(Resync(location_id, reason))

    def tick(self) -> None:
        """The heartbeat. A socket that drains is alive, and is told the versions once it has them."""
        if self.open and not self.draining and self.session.principal is not None:
            versions = {
                location_id: room.watchers.version_sent_to(watch)
                for location_id, (room, watch) in self.watches.items()
            }
            self.send(Tick(versions, self._around.now()))

    def paused(self) -> None:
        """The socket's buffer passed its mark: the other side is slow."""
        if self.draining or not self.open:
            return
        self.draining = True
        self._writable.clear()
        self._draining_since = self._taken_at = self._loop.time()
        self._buffered_then = self._socket.buffered
        for room, watch in self.watches.values():
            room.watchers.fall_behind(watch)

    def drained(self) -> None:
        """The socket took what was written: what waited comes first, then what was missed, until it drains again."""
        if not self.draining or not self.open:
            return
        self.draining = False
        while self._backlog and not self.draining:
            frame = self._backlog.popleft()
            self._backlog_bytes -= len(frame)
            self.write(frame)
        for room, watch in list(self.watches.values()):
            if self.draining:
                break
            room.watchers.serve(watch)
        if not self.draining:
            self._writable.set()

    def look(self) -> None:
        """Now and then: deadlines, and whether a socket that drains still takes anything."""
        at = self._loop.time()
        self.perform(self.session.elapsed(at, self._around.now()))
        if not self.draining:
            return
        buffered = self._socket.buffered
        if buffered < self._buffered_then:
            self._taken_at = at
        self._buffered_then = buffered
        if at - self._taken_at >= STUCK_SECONDS or at - self._draining_since >= DRAIN_SECONDS:
            self.perform(self.session.end(TOO_SLOW, "too slow", 5_000))

    # Watching

    def _order(self, order: StartWatching | StopWatching | ShowDrag) -> None:
        """One after another: a drag at a location comes after the subscription to it, which may have to be loaded."""
        if self.session.principal is None:
            self._orders.clear()  # the session ended: what is left to do is to drop its drags
        if not self._orders and self._clerk is None and not isinstance(order, StartWatching):
            self._carry_out(order)
            return
        self._orders.append(order)
        if self._clerk is None:
            self._clerk = asyncio.create_task(self._work(), name="subscriptions")

    async def _work(self) -> None:
        try:
            while self._orders:
                order = self._orders.popleft()
                if isinstance(order, StartWatching):
                    await self._start(order.subscribe)
                else:
                    self._carry_out(order)
        finally:
            self._clerk = None

    def _carry_out(self, order: StopWatching | ShowDrag) -> None:
        match order:
            case StopWatching(location):
                if location in self.watches:
                    room, watch = self.watches.pop(location)
                    room.watchers.leave(watch)
            case ShowDrag(location, drag) if drag is not None and location not in self.watches:
                self.perform([self.session.refuse_location(location, NotFound())])
            case ShowDrag(location, drag):
                self._around.rooms.present(Presence(location, self.session.id, self._who, drag))

    async def _start(self, subscribe: Subscribe) -> None:
        try:
            await self._watch(subscribe)
        except Problem as problem:
            self.perform([self.session.refuse_location(subscribe.location, problem)])
        except Exception:  # noqa: BLE001 -- one bad subscription must not end those after it without an answer
            _log.exception("a subscription failed", location=subscribe.location)
            self.perform([self.session.refuse_location(subscribe.location, Problem())])

    async def _watch(self, subscribe: Subscribe) -> None:
        """Answer with what the client lacks and join the room: without a turn of the loop between the two."""
        location, rooms = subscribe.location, self._around.rooms
        if location not in self.watches and len(self.watches) >= MAX_WATCHES:
            raise TooMany(f"One socket watches at most {MAX_WATCHES} locations")
        window = Window(subscribe.from_, subscribe.days)
        while True:
            room = await rooms.open(location)
            await self._writable.wait()
            principal = self.session.principal
            if not self.open or principal is None:
                return
            audience = _audience(principal, location)
            if audience is Audience.PUBLIC and not room.state.active:
                raise NotFound
            frame = await self._state_of(room, subscribe, window, audience)
            # Meanwhile the socket may have begun to drain, the room may have been let go of, the account changed.
            settled = rooms.loaded(location) is room and self.session.principal is principal
            if settled and not self.draining:
                break
        before = self.watches.get(location)
        if before is not None:
            before[0].watchers.leave(before[1])
        user_id = principal.user_id if audience is Audience.PUBLIC else None
        watch = Watch(
            session=self.session.id,
            audience=audience,
            window=window,
            outlet=self,
            user_id=user_id,
            have=room.version,
            # Without records there is nothing to tell, unless the client may hold some that are gone.
            own_due=user_id is not None
            and (
                subscribe.since is not None
                or (before is not None and before[1].own_sent)
                or bool(room.own_records(user_id))
            ),
        )
        self.watches[location] = (room, watch)
        self.write(frame)
        room.watchers.join(watch)

    async def _state_of(self, room: Room, subscribe: Subscribe, window: Window, audience: Audience) -> bytes:
        """The ``diff`` that was asked for if it can be had, else the ``snapshot``; to the room's version at return."""
        since, before = subscribe.since, self.watches.get(room.id)
        if since is not None and (before is None or before[1].window == window):
            if since.epoch == room.epoch and since.version > room.version:
                try:
                    await room.catch_up(since.version)
                except Unavailable:
                    pass  # then what this node has is all there is for now
            if since.epoch == room.epoch and room.holds(since.version):
                return room.frame_since(since.version, audience)
        return await self._around.rooms.snapshot_frame(room, window, audience)

    def _reconsider(self) -> None:
        principal = self.session.principal
        for location, (room, watch) in list(self.watches.items()):
            if (
                principal is None
                or _audience(principal, location) is not watch.audience
                or principal.role == "kiosk"
            ):
                room.watchers.leave(watch)
                self.resync(location, "the account changed")

    # Commands and verdicts

    def _execute(self, effect: Execute) -> None:
        principal = self.session.principal
        if principal is None:
            return
        task = asyncio.create_task(self._run(principal, effect), name=f"command {effect.command.op}")
        self._commands.add(task)
        task.add_done_callback(self._commands.discard)
        # It is done even if nobody waits for its answer any more: it may be half done already.
        self._around.keep(task)

    async def _run(self, principal: Principal, effect: Execute) -> None:
        def answered(answer: Answer) -> None:
            self.perform(self.session.answered(effect.id, answer))

        try:
            await self._around.desk.execute(principal, effect.command, answered)
        except Problem as problem:
            answered(problem)
        except Exception:  # noqa: BLE001 -- whatever went wrong, the client has to be told that it was not done
            _log.exception("a command failed", op=effect.command.op)
            answered(Problem())

    def _ask(self, effect: AskVerdict) -> None:
        self._question = effect
        principal = self.session.principal
        if self._judging is None and principal is not None:
            self._judging = asyncio.create_task(self._judge(principal), name="verdicts")

    async def _judge(self, principal: Principal) -> None:
        """One at a time, and always the latest: those overtaken in between are not even judged (G8)."""
        try:
            while self._question is not None:
                question, self._question = self._question, None
                try:
                    verdict = await self._around.desk.judge(principal, question.command)
                except Problem as problem:
                    self.perform(self.session.judged(question.number, question.id, problem))
                except Exception:  # noqa: BLE001 -- the next question must still be answered
                    _log.exception("a verdict failed", op=question.command.op)
                    self.perform(self.session.judged(question.number, question.id, Problem()))
                else:
                    self.perform(self.session.judged(question.number, question.id, verdict))
        finally:
            self._judging = None

    # Time and the end

    def _wake_at(self, at: float) -> None:
        if self._alarm is None and self.open:
            self._alarm = self._loop.call_at(at, self._wake)

    def _wake(self) -> None:
        self._alarm = None
        self.perform(self.session.elapsed(self._loop.time(), self._around.now()))

    def lost(self) -> None:
        """The socket is gone, or closing: nothing may be written to it any more."""
        if self.open:
            self.perform(self.session.lost())
            self._close()

    def _end(self, code: int, reason: str, retry_after_ms: int | None) -> None:
        if self.open:
            self.write(frame_of(Bye(code, reason, retry_after_ms)))
            self._close()
            self._socket.finish(code, reason)

    def _close(self) -> None:
        self.open = False
        self._writable.set()
        self._backlog.clear()
        self._orders.clear()
        for room, watch in self.watches.values():
            room.watchers.leave(watch)
        self.watches.clear()
        for task in (self._clerk, self._judging):
            if task is not None:
                task.cancel()
        if self._alarm is not None:
            self._alarm.cancel()
        self._around.gone(self)


def _audience(principal: Principal, location_id: int) -> Audience:
    return Audience.STAFF if principal.sees_records_of(location_id) else Audience.PUBLIC
