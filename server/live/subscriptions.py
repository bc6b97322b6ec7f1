"""The locations that one socket watches.

Belongs here: answering subscriptions, in order, and the drags that belong to them. Does not belong here: what is legal
(``session``), the socket's pace (``connection``), and what watchers are sent after (``watchers``).
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final, Protocol, TypeAlias

import structlog

from grid_engine.audience import Audience
from server.errors import NotFound, Problem, TooMany, Unavailable
from server.live.effects import Effect, ShowDrag, StartWatching, StopWatching
from server.live.room import Room
from server.live.rooms import Rooms
from server.live.session import Session
from server.live.watch import Outlet, Watch, Window
from server.principal import Principal
from server.wire.messages import Presence, Subscribe

MAX_WATCHES: Final = 100
"""Locations that one socket may watch."""
MAX_ORDERS: Final = 64
"""Subscriptions that wait; beyond that the socket is not read from."""

Order: TypeAlias = StartWatching | StopWatching | ShowDrag
_log = structlog.get_logger()


class Pacing(Outlet, Protocol):
    """An outlet that can be waited for."""

    @property
    def open(self) -> bool: ...

    async def writable(self) -> None:
        """Until it does not drain, or is closed."""


class Subscriptions:
    """One socket's. ``perform`` does what the session asks."""

    def __init__(
        self, rooms: Rooms, session: Session, outlet: Pacing, perform: Callable[[list[Effect]], None]
    ) -> None:
        self._rooms = rooms
        self._session = session
        self._outlet = outlet
        self._perform = perform
        self._watches: dict[int, tuple[Room, Watch]] = {}
        self._orders: deque[Order] = deque()
        self._clerk: asyncio.Task[None] | None = None
        self._who = ""

    @property
    def versions(self) -> dict[int, int]:
        """The version that each watched location was sent up to."""
        return {
            location_id: room.watchers.version_sent_to(watch)
            for location_id, (room, watch) in self._watches.items()
        }

    # Orders

    def order(self, order: StartWatching | StopWatching | ShowDrag) -> None:
        """One after another: a drag at a location comes after the subscription to it, which may have to be loaded."""
        if self._session.principal is None:
            self._orders.clear()  # the session ended: what is left to do is to drop its drags
        else:
            self._who = self._session.principal.name
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
                if location in self._watches:
                    room, watch = self._watches.pop(location)
                    room.watchers.leave(watch)
            case ShowDrag(location, drag):
                # Without a subscription, as after a resync, it is ignored: a refusal would look like the subscription's.
                if drag is None or location in self._watches:
                    self._rooms.present(Presence(location, self._session.id, self._who, drag))

    async def _start(self, subscribe: Subscribe) -> None:
        try:
            await self._watch(subscribe)
        except Problem as problem:
            self._perform([self._session.refuse_location(subscribe.location, problem)])
        except Exception:  # noqa: BLE001 -- one bad subscription must not end those after it without an answer
            _log.exception("a subscription failed", location=subscribe.location)
            self._perform([self._session.refuse_location(subscribe.location, Problem())])

    async def _watch(self, subscribe: Subscribe) -> None:
        """Answer with what the client lacks and join the room: without a turn of the loop between the two."""
        location, rooms = subscribe.location, self._rooms
        if location not in self._watches and len(self._watches) >= MAX_WATCHES:
            raise TooMany(f"One socket watches at most {MAX_WATCHES} locations")
        window = Window(subscribe.from_, subscribe.days)
        while True:
            room = await rooms.open(location)
            await self._outlet.writable()
            principal = self._session.principal
            if not self._outlet.open or principal is None:
                return
            # It was allowed when it came; since then it waited, and the account may have changed (A5).
            self._session.require(principal, "watch", location)
            audience = self._audience(principal, location)
            if audience is Audience.PUBLIC and not room.state.active:
                raise NotFound
            frame = await self._state_of(room, subscribe, window, audience)
            # Meanwhile the socket may have begun to drain, the room may have been let go of, the account changed.
            settled = rooms.loaded(location) is room and self._session.principal is principal
            if settled and not self._outlet.draining:
                break
        before = self._watches.get(location)
        if before is not None:
            before[0].watchers.leave(before[1])
        user_id = principal.user_id if audience is Audience.PUBLIC else None
        watch = Watch(
            session=self._session.id,
            audience=audience,
            window=window,
            outlet=self._outlet,
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
        self._watches[location] = (room, watch)
        self._outlet.write(frame)
        room.watchers.join(watch)

    async def _state_of(self, room: Room, subscribe: Subscribe, window: Window, audience: Audience) -> bytes:
        """The ``diff`` that was asked for if it can be had, else the ``snapshot``; to the room's version at return."""
        since, before = subscribe.since, self._watches.get(room.id)
        if since is not None and (before is None or before[1].window == window):
            if since.epoch == room.epoch and since.version > room.version:
                try:
                    await room.catch_up(since.version)
                except Unavailable:
                    pass  # then what this node has is all there is for now
            if since.epoch == room.epoch and room.holds(since.version):
                return room.frame_since(since.version, audience)
        return await self._rooms.snapshot_frame(room, window, audience)

    # All of them

    def forget(self, location_id: int) -> None:
        """The room gave the subscription up."""
        self._watches.pop(location_id, None)

    def fall_behind(self) -> None:
        """The socket drains."""
        for room, watch in self._watches.values():
            room.watchers.fall_behind(watch)

    def reroute(self) -> None:
        """The socket wants to be written to in another way."""
        for room, watch in self._watches.values():
            room.watchers.reroute(watch)

    def serve(self) -> None:
        """The socket drained: send what was missed, until it drains again."""
        for room, watch in list(self._watches.values()):
            if self._outlet.draining:
                return
            room.watchers.serve(watch)

    async def caught_up(self) -> None:
        """Wait until few enough orders are left."""
        while self._clerk is not None and len(self._orders) >= MAX_ORDERS and self._outlet.open:
            await asyncio.wait([self._clerk], timeout=0.1)

    def leave(self) -> None:
        """The socket is closed."""
        self._orders.clear()
        for room, watch in self._watches.values():
            room.watchers.leave(watch)
        self._watches.clear()
        if self._clerk is not None:
            self._clerk.cancel()

    def reconsider(self) -> None:
        """The account changed: what it sees differently now, it has to take afresh."""
        principal = self._session.principal
        for location, (room, watch) in list(self._watches.items()):
            if (
                principal is None
                or not self._session.may(principal, "watch", location)
                or self._audience(principal, location) is not watch.audience
            ):
                room.watchers.leave(watch)
                self._outlet.resync(location, "the account changed")

    def _audience(self, principal: Principal, location_id: int) -> Audience:
        whole = self._session.may(principal, "see_records", location_id)
        return Audience.STAFF if whole else Audience.PUBLIC
