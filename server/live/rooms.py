"""The locations that this node follows: opened when needed, kept at their versions, and let go of.

Belongs here: loading, the bus, the once-a-second comparison with Postgres, staleness and eviction. Does not belong here: a
location's state (``room``) and its sockets (``connections``).
"""

import asyncio
from typing import Final

import structlog

from grid_engine.audience import Audience
from grid_engine.diff import Diff, Reload
from server.bus.port import Bus
from server.clock import Clock
from server.errors import NotFound, Unavailable
from server.live.channels import NODE_ID_BYTES, location_channel, new_node_id, presence_channel
from server.live.frames import frame_of
from server.live.presence import pack_presence, unpack_presence
from server.live.room import Gap, Room
from server.live.snapshots import take_snapshot
from server.live.store import Store
from server.live.timers import Timers
from server.live.watch import Window
from server.storage.location_state import LoadedLocation, LocationState
from server.wire.diffs import pack_diff, unpack_diff
from server.wire.messages import Presence, Snapshot

CHECK_SECONDS: Final = 1.0
"""How often versions are compared with Postgres."""
TIDY_SECONDS: Final = 1.0
CHECK_PATIENCE_SECONDS: Final = 3.0
"""How long Postgres may take to name them before it counts as away."""
IDLE_SECONDS: Final = 600
"""A location that was not watched, read or written for so long is let go of (P2)."""
PAST_VERSIONS: Final = 256
"""How many versions from before it was loaded a room remembers, for clients that come back after a restart."""
MAX_LOCATION_ID: Final = 2**31 - 1
MAX_KEPT_SNAPSHOTS: Final = 16
"""Encoded snapshots kept for each location, until its next version."""
REPAIRS_AT_ONCE: Final = 8
DATABASE_AWAY: Final = "database unavailable"

_log = structlog.get_logger()


class Rooms:
    """All rooms of this node."""

    def __init__(self, *, store: Store, bus: Bus, clock: Clock, timers: Timers | None = None) -> None:
        """``timers`` are the running event loop's unless given."""
        self._store = store
        self._bus = bus
        self._clock = clock
        self._timers = timers
        self._node_id = new_node_id()
        self._rooms: dict[int, Room] = {}
        self._loading: dict[int, asyncio.Task[Room]] = {}
        self._early: dict[int, list[bytes]] = {}
        self._repairs: set[asyncio.Task[None]] = set()
        self._check_now = asyncio.Event()
        self._stale: str | None = None
        bus.on_restored(self._check_now.set)

    def __len__(self) -> int:
        return len(self._rooms)

    @property
    def stale(self) -> bool:
        """Whether Postgres is away, so that what rooms hold may be out of date (P2)."""
        return self._stale is not None

    @property
    def bus_connected(self) -> bool:
        """Whether this node hears the others, as far as is known."""
        return self._bus.connected

    def states(self) -> list[LocationState]:
        """The configurations of all open rooms."""
        return [room.state for room in self._rooms.values()]

    def holding(self, record_id: str) -> Room | None:
        """The open room whose grid has the record. O(rooms)."""
        return next((room for room in self._rooms.values() if room.grid.get(record_id) is not None), None)

    def loaded(self, location_id: int) -> Room | None:
        """The room, if it is open. Does not count as reading it."""
        return self._rooms.get(location_id)

    async def open(self, location_id: int) -> Room:
        """The location's room, loaded if need be, and counted as used now.

        Raises:
            NotFound: if there is no such location.
            Unavailable: if it is not loaded and Postgres is away.
        """
        room = self._rooms.get(location_id)
        if room is None:
            if not 0 < location_id <= MAX_LOCATION_ID:
                raise NotFound
            loading = self._loading.get(location_id)
            if loading is None:
                loading = asyncio.create_task(self._load(location_id), name=f"load location {location_id}")
                self._loading[location_id] = loading
            # Somebody else may wait for it too: whoever gives up does not stop it.
            room = await asyncio.shield(loading)
        room.touch()
        return room

    async def publish(self, location_id: int, epoch: str, diff: Diff) -> None:
        """Tell the other nodes of a committed diff. Never raises; what is lost, they find by comparing versions."""
        self._bus.publish(location_channel(location_id), self._node_id + pack_diff(epoch, location_id, diff))

    def receive(self, location_id: int, epoch: str, diff: Diff) -> None:
        """A diff was committed by somebody else than the room's own writer: take it, or repair what is missing before it."""
        room = self._rooms.get(location_id)
        if room is None or (epoch == room.epoch and diff.version <= room.version):
            return
        if epoch != room.epoch or any(isinstance(op, Reload) for op in diff.ops):
            self._repair(room)  # a reload's configuration has to be read
            return
        try:
            room.advance(diff)
        except Gap:
            self._repair(room)

    def present(self, presence: Presence) -> None:
        """Show a drag of a session of this node, or its end, to the location's staff on all nodes."""
        room = self._rooms.get(presence.location)
        if room is not None and room.watchers.show(presence):
            self._bus.publish(presence_channel(presence.location), self._node_id + pack_presence(presence))

    async def snapshot(self, room: Room, window: Window, audience: Audience) -> Snapshot:
        """The window at exactly the room's version when this returns; raises as ``snapshots.take_snapshot`` does."""
        return await take_snapshot(room, self._store, window, audience)

    async def snapshot_frame(self, room: Room, window: Window, audience: Audience) -> bytes:
        """As ``snapshot``, framed. What many ask for at one version is made once."""
        key = (window, audience)
        known = room.snapshot_frames.get(key)
        if known is None:
            made = await take_snapshot(room, self._store, window, audience)
            known = frame_of(made)
            if len(room.snapshot_frames) < MAX_KEPT_SNAPSHOTS:
                room.snapshot_frames[key] = known
        return known

    async def run(self) -> None:
        """Follow the bus and Postgres until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._bus.run(), name="bus")
            tasks.create_task(self._keep_checking(), name="version checks")
            tasks.create_task(self._keep_tidy(), name="tidying")

    # Loading

    async def _load(self, location_id: int) -> Room:
        opened = False
        self._early[location_id] = []
        try:
            # First the bus, then Postgres: what is committed in between is heard, and applied on top.
            await self._bus.subscribe(
                location_channel(location_id), lambda payload: self._hear(location_id, payload)
            )
            await self._bus.subscribe(
                presence_channel(location_id), lambda payload: self._see(location_id, payload)
            )
            loaded = await self._store.load(location_id)
            if loaded is None:
                raise NotFound
            past = await self._past_of(loaded)
            timers = self._timers or asyncio.get_running_loop()
            room = Room(loaded, store=self._store, clock=self._clock, timers=timers, past=past)
            room.watchers.tell_stale(self._stale)
            self._rooms[location_id] = room
            opened = True
        finally:
            del self._loading[location_id]
            early = self._early.pop(location_id)
            if not opened:
                self._unsubscribe(location_id)
        for payload in early:
            self._hear(location_id, payload)
        return room

    async def _past_of(self, loaded: LoadedLocation) -> tuple[Diff, ...]:
        location_id, version = loaded.state.id, loaded.version
        try:
            read = await self._store.diffs_since(location_id, max(0, version - PAST_VERSIONS))
        except Unavailable:
            return ()
        if read is None or read[0] != loaded.epoch:
            return ()
        return tuple(diff for diff in read[2] if diff.version <= version)

    def _unsubscribe(self, location_id: int) -> None:
        self._bus.unsubscribe(location_channel(location_id))
        self._bus.unsubscribe(presence_channel(location_id))

    # Hearing

    def _hear(self, location_id: int, payload: bytes) -> None:
        if payload.startswith(self._node_id):
            return
        room = self._rooms.get(location_id)
        if room is None:
            self._early.get(location_id, []).append(payload)
            return
        try:
            epoch, _, diff = unpack_diff(payload[NODE_ID_BYTES:])
        except (ValueError, TypeError):
            # A node of another release: what it means is in Postgres.
            self._repair(room)
            return
        self.receive(location_id, epoch, diff)

    def _see(self, location_id: int, payload: bytes) -> None:
        room = self._rooms.get(location_id)
        if room is None or payload.startswith(self._node_id):
            return
        try:
            presence = unpack_presence(payload[NODE_ID_BYTES:])
        except (ValueError, TypeError):
            return
        room.watchers.show(presence)

    def _repair(self, room: Room) -> None:
        task = asyncio.create_task(self._catch_up(room), name=f"repair location {room.id}")
        self._repairs.add(task)
        task.add_done_callback(self._repairs.discard)

    async def _catch_up(self, room: Room, version: int | None = None) -> None:
        try:
            await room.catch_up(version)
        except NotFound:
            self._drop(room)
        except Unavailable:
            pass  # the next comparison with Postgres tries again

    # Keeping house

    async def _keep_checking(self) -> None:
        while True:
            try:
                await self.check()
            except Exception:  # noqa: BLE001 -- whatever it was, a second later versions are compared again
                _log.exception("comparing versions failed")
            self._check_now.clear()
            try:
                async with asyncio.timeout(CHECK_SECONDS):
                    await self._check_now.wait()
            except TimeoutError:
                pass

    async def _keep_tidy(self) -> None:
        """Apart from the checks: a Postgres that does not answer must not keep ghosts alive."""
        while True:
            try:
                self.tidy()
            except Exception:  # noqa: BLE001 -- whatever it was, a second later it is tried again
                _log.exception("tidying up the rooms failed")
            await asyncio.sleep(TIDY_SECONDS)

    async def check(self) -> None:
        """Compare every room's version with Postgres and repair what lags; note whether Postgres is there at all."""
        before = {location_id: (room, room.version) for location_id, room in self._rooms.items()}
        try:
            async with asyncio.timeout(CHECK_PATIENCE_SECONDS):
                now = await self._store.versions(before)
        except (Unavailable, TimeoutError):
            self._tell_stale(DATABASE_AWAY)
            return
        gate = asyncio.Semaphore(REPAIRS_AT_ONCE)

        async def compare(location_id: int, room: Room, version: int) -> None:
            async with gate:
                told = now.get(location_id)
                if told is None:
                    self._drop(room)
                elif told[0] != room.epoch or told[1] < version:
                    await room.reload("another epoch" if told[0] != room.epoch else "an older version")
                elif told[1] > room.version:
                    await self._catch_up(room, told[1])

        try:
            await asyncio.gather(*(compare(location_id, *of) for location_id, of in before.items()))
        except (Unavailable, NotFound):
            return  # it went away again in between, or the location did: the next comparison tells
        self._tell_stale(None)

    def tidy(self) -> None:
        """Bury silent ghosts, let go of yesterday, and of locations that nobody uses."""
        now = self._clock.now()
        for room in list(self._rooms.values()):
            room.watchers.bury()
            room.prune()
            if len(room.watchers):
                room.touch()
            elif now - room.touched_at >= IDLE_SECONDS and not self.stale:
                self._drop(room)

    def _drop(self, room: Room) -> None:
        if self._rooms.get(room.id) is room:
            del self._rooms[room.id]
            room.watchers.give_up("no such location")
            self._unsubscribe(room.id)

    def _tell_stale(self, reason: str | None) -> None:
        if reason != self._stale:
            _log.warning("Postgres is away" if reason else "Postgres is back", rooms=len(self._rooms))
        self._stale = reason
        for room in self._rooms.values():
            room.watchers.tell_stale(reason)
