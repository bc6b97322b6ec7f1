"""Colleagues' drags in progress at one location (G9).

Belongs here: which ghosts there are, and when a silent one is dead. Does not belong here: who is shown them (``watchers``),
or how they travel between nodes (``rooms``). Each node keeps its own table, and buries the ghosts of nodes that died.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import msgpack

from server.live.frames import frame_of
from server.wire.messages import Drag, Presence

GHOST_SECONDS: Final = 8.0
"""A drag is sent again every 4 s; without that its ghost goes, within 10 s of its session's death even if nobody is told."""


@dataclass(frozen=True, slots=True)
class _Ghost:
    presence: Presence
    frame: bytes
    until: float


class Ghosts:
    """The drags at one location, by session; times are a loop's seconds."""

    def __init__(self, location_id: int) -> None:
        self._location_id = location_id
        self._ghosts: dict[str, _Ghost] = {}

    def __len__(self) -> int:
        return len(self._ghosts)

    @property
    def sessions(self) -> frozenset[str]:
        """Whose drags are shown now."""
        return frozenset(self._ghosts)

    @property
    def frames(self) -> Mapping[str, bytes]:
        """What to send to somebody who has seen none of them, by session."""
        return {session: ghost.frame for session, ghost in self._ghosts.items()}

    def take(self, presence: Presence, at: float) -> bytes | None:
        """Note a drag, or its end; the frame to show, or None if it ends what nobody was shown."""
        if presence.drag is None and self._ghosts.pop(presence.session, None) is None:
            return None
        shown = frame_of(presence)
        if presence.drag is not None:
            self._ghosts[presence.session] = _Ghost(presence, shown, at + GHOST_SECONDS)
        return shown

    def expire(self, at: float) -> list[tuple[str, bytes]]:
        """Bury the ghosts that were not seen for ``GHOST_SECONDS``: (session, frame that says so) of each."""
        dead = [session for session, ghost in self._ghosts.items() if ghost.until <= at]
        return [(session, self.end_of(session, self._ghosts.pop(session).presence.who)) for session in dead]

    def end_of(self, session: str, who: str = "") -> bytes:
        """The frame that says that this session drags nothing any more."""
        return frame_of(Presence(self._location_id, session, who))


def pack_presence(presence: Presence) -> bytes:
    """What is published on the bus for a drag, or the end of one."""
    drag = presence.drag
    told = None if drag is None else [drag.resource_id, drag.start_time, drag.end_time, drag.booking_id]
    return bytes(msgpack.packb([presence.location, presence.session, presence.who, told]))


def unpack_presence(packed: bytes) -> Presence:
    """The presence that ``pack_presence`` packed. Raises ``ValueError`` if it is of another release's form."""
    location, session, who, told = msgpack.unpackb(packed)
    return Presence(location, session, who, None if told is None else Drag(*told))
