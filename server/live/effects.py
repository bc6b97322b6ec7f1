"""What a session asks of the world round it.

Belongs here: plain values. Does not belong here: when they are asked for (``session``) and how they are done (``connection``).
"""

from dataclasses import dataclass
from typing import TypeAlias

from server.commands import Command
from server.wire.messages import Drag, ServerMessage, Subscribe


@dataclass(frozen=True, slots=True)
class Reply:
    """Send this to the client."""

    message: ServerMessage


@dataclass(frozen=True, slots=True)
class Authenticate:
    """Find out whose token it is, and tell the session before it receives anything else. None: the upgrade's cookie."""

    token: str | None


@dataclass(frozen=True, slots=True)
class StartWatching:
    """Answer the subscription, and keep it supplied."""

    subscribe: Subscribe


@dataclass(frozen=True, slots=True)
class StopWatching:
    """End the subscription."""

    location: int


@dataclass(frozen=True, slots=True)
class ShowDrag:
    """Show a drag, or its end, to the location's other staff."""

    location: int
    drag: Drag | None


@dataclass(frozen=True, slots=True)
class Execute:
    """Have the command done."""

    id: str
    command: Command


@dataclass(frozen=True, slots=True)
class AskVerdict:
    """Have the command judged; a later one replaces it. ``number`` tells them apart."""

    number: int
    id: str
    command: Command


@dataclass(frozen=True, slots=True)
class WakeAt:
    """Call ``elapsed`` at this time, in the seconds of the event loop."""

    at: float


@dataclass(frozen=True, slots=True)
class Reconsider:
    """The account changed: subscriptions that it sees differently now have to start again."""


@dataclass(frozen=True, slots=True)
class End:
    """Say ``bye``, then close."""

    code: int
    reason: str
    retry_after_ms: int | None = None


Effect: TypeAlias = (
    Reply
    | Authenticate
    | StartWatching
    | StopWatching
    | ShowDrag
    | Execute
    | AskVerdict
    | WakeAt
    | Reconsider
    | End
)
