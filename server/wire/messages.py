"""The messages of the live wire, subprotocol ``baygrid.v1``, in both directions, as values.

Belongs here: their names, fields and order. Does not belong here: bytes (``codec``) and what anybody does about a message.

A field that is None by default is left out of the bytes when it is None. ``from_`` is called ``from`` on the wire. Whoever
changes anything here changes the protocol: a test keeps a hash of it beside ``PROTOCOL``.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final, TypeAlias

from grid_engine.audience import WireOperation, WireRecord
from grid_engine.interval import Instant
from server.commands import Command
from server.errors import Problem

PROTOCOL: Final = 1
SUBPROTOCOL: Final = "baygrid.v1"
MAX_MESSAGE_BYTES: Final = 64 * 1024
"""The most that a client may send at once."""
MAX_WINDOW_DAYS: Final = 31

Plain: TypeAlias = Mapping[str, Any]
"""A map that JSON could hold."""


# To the server


@dataclass(frozen=True, slots=True)
class Hello:
    """The first message; without a token, the upgrade's cookie stands in for it."""

    t: ClassVar[str] = "hello"
    proto: int
    token: str | None = None


@dataclass(frozen=True, slots=True)
class Since:
    """What a client holds already."""

    epoch: str
    version: int


@dataclass(frozen=True, slots=True)
class Subscribe:
    """Watch ``days`` local days of a location, from the date ``from_`` on."""

    t: ClassVar[str] = "subscribe"
    location: int
    from_: dt.date
    days: int
    since: Since | None = None


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    """Watch the location no longer."""

    t: ClassVar[str] = "unsubscribe"
    location: int


@dataclass(frozen=True, slots=True)
class Act:
    """``command``: do this. Its ``id`` is the command's idempotency key."""

    t: ClassVar[str] = "command"
    id: str
    command: Command


@dataclass(frozen=True, slots=True)
class Judge:
    """What would be said to this command; overtaken by the next one (G8)."""

    t: ClassVar[str] = "judge"
    id: str
    command: Command


@dataclass(frozen=True, slots=True)
class Drag:
    """A drag in progress: where it would be dropped now. The times are as its sender wrote them, RFC 3339 with an offset."""

    resource_id: int
    start_time: str
    end_time: str
    booking_id: str | None = None


@dataclass(frozen=True, slots=True)
class MyPresence:
    """``presence`` to the server: my drag now; none ends it (G9)."""

    t: ClassVar[str] = "presence"
    location: int
    drag: Drag | None = None


@dataclass(frozen=True, slots=True)
class Auth:
    """A fresh token, before the old one ends."""

    t: ClassVar[str] = "auth"
    token: str


@dataclass(frozen=True, slots=True)
class Ping:
    """Answered by a ``pong`` with the same number."""

    t: ClassVar[str] = "ping"
    n: int


@dataclass(frozen=True, slots=True)
class BadArguments:
    """A message of a known type that cannot be meant: answered by a ``nak`` with the ids that could be read from it."""

    t: str
    problem: Problem
    id: str | None = None
    location: int | None = None


ClientMessage: TypeAlias = (
    Hello | Subscribe | Unsubscribe | Act | Judge | MyPresence | Auth | Ping | BadArguments
)
CLIENT_MESSAGES: Final = (Hello, Subscribe, Unsubscribe, Act, Judge, MyPresence, Auth, Ping)


# To the client


@dataclass(frozen=True, slots=True)
class Welcome:
    """The answer to ``hello``."""

    t: ClassVar[str] = "welcome"
    session: str
    role: str
    user_id: int | None
    server_time: Instant
    heartbeat_seconds: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The whole state of a window at a version, as one audience is shown it."""

    t: ClassVar[str] = "snapshot"
    location: int
    epoch: str
    version: int
    from_: str
    days: int
    timezone: str
    rows: Mapping[str, Sequence[Instant]]
    resources: Sequence[Plain]
    records: Sequence[WireRecord]
    blackouts: Sequence[Plain]


@dataclass(frozen=True, slots=True)
class DiffMessage:
    """``diff``: what leads from ``base`` to ``version``, for one audience."""

    t: ClassVar[str] = "diff"
    location: int
    epoch: str
    base: int
    version: int
    ops: Sequence[WireOperation]


@dataclass(frozen=True, slots=True)
class Own:
    """A customer's own records at the location in full, replacing the last ones."""

    t: ClassVar[str] = "own"
    location: int
    version: int
    records: Sequence[WireRecord]


@dataclass(frozen=True, slots=True)
class Ack:
    """A command's answer, as the HTTP body would be."""

    t: ClassVar[str] = "ack"
    id: str
    result: Any
    version: int | None = None


@dataclass(frozen=True, slots=True)
class Nak:
    """A refusal of the message with this ``id``, or of the one about this ``location``."""

    t: ClassVar[str] = "nak"
    status: int
    code: str
    id: str | None = None
    location: int | None = None
    detail: str | None = None
    violations: Sequence[Plain] = ()
    suggestions: Sequence[Plain] = ()
    conflicts: Sequence[Plain] = ()
    errors: Sequence[Plain] | None = None


@dataclass(frozen=True, slots=True)
class VerdictMessage:
    """``verdict``: the answer to ``judge``."""

    t: ClassVar[str] = "verdict"
    id: str
    allowed: bool
    overridable: bool
    violations: Sequence[Plain]
    suggestions: Sequence[Plain]


@dataclass(frozen=True, slots=True)
class Presence:
    """A colleague's drag; without one, it is over. Staff only."""

    t: ClassVar[str] = "presence"
    location: int
    session: str
    who: str
    drag: Drag | None = None


@dataclass(frozen=True, slots=True)
class Tick:
    """Every heartbeat: liveness, and the version each watched location was sent up to."""

    t: ClassVar[str] = "tick"
    versions: Mapping[int, int]
    server_time: Instant


@dataclass(frozen=True, slots=True)
class Resync:
    """Forget the location and subscribe without ``since``."""

    t: ClassVar[str] = "resync"
    location: int
    reason: str


@dataclass(frozen=True, slots=True)
class StaleMessage:
    """``stale``: whether what is shown may be out of date (P2)."""

    t: ClassVar[str] = "stale"
    location: int
    stale: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Pong:
    """The answer to ``ping``."""

    t: ClassVar[str] = "pong"
    n: int


@dataclass(frozen=True, slots=True)
class Bye:
    """Sent before the server closes with ``code``."""

    t: ClassVar[str] = "bye"
    code: int
    reason: str
    retry_after_ms: int | None = None


ServerMessage: TypeAlias = (
    Welcome
    | Snapshot
    | DiffMessage
    | Own
    | Ack
    | Nak
    | VerdictMessage
    | Presence
    | Tick
    | Resync
    | StaleMessage
    | Pong
    | Bye
)
SERVER_MESSAGES: Final = (
    Welcome,
    Snapshot,
    DiffMessage,
    Own,
    Ack,
    Nak,
    VerdictMessage,
    Presence,
    Tick,
    Resync,
    StaleMessage,
    Pong,
    Bye,
)
