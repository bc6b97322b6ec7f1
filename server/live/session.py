"""One client's conversation, sans-IO: messages in, effects out.

Belongs here: what is legal when, and limits. Does not belong here: who may what (``admit`` says it), sockets, rooms and tasks
(``connection``). ``at`` is a time in the seconds of the event loop, ``now`` an instant of the clock.

    Greeting ── hello ──▶ Authenticating ── token good ──▶ Live ──▶ Closing
        └─ anything else, or 10 s ────────────────┴─ 4400, 4401, 4409 ───▲
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias

from grid_engine.interval import Instant
from server.errors import Problem
from server.live.desk import Admit, Answer, Done, JudgedMove, Wish
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
from server.principal import Principal
from server.wire.messages import (
    PROTOCOL,
    Ack,
    Act,
    Auth,
    BadArguments,
    ClientMessage,
    Drag,
    Hello,
    Judge,
    MyPresence,
    Nak,
    Ping,
    Pong,
    Subscribe,
    Unsubscribe,
    VerdictMessage,
    Welcome,
)

HELLO_SECONDS: Final = 10.0
HEARTBEAT_SECONDS: Final = 10
MESSAGES_PER_SECOND: Final = 200
PRESENCE_INTERVAL_SECONDS: Final = 0.1
"""At most ten drags a second are passed on; of those in between, the latest."""

GOING_AWAY: Final = 1001
NOT_ALLOWED: Final = 1008
TOO_SLOW: Final = 1013
MALFORMED: Final = 4400
SIGN_IN_AGAIN: Final = 4401
FORBIDDEN: Final = 4403
PROTOCOL_VERSION: Final = 4409
TOO_MANY: Final = 4429

Describe: TypeAlias = Callable[[Problem], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Greeting:
    """Nothing was said yet; ``until`` is when that has lasted too long."""

    until: float


@dataclass(frozen=True, slots=True)
class Authenticating:
    """The token of ``hello`` is being checked."""


@dataclass(frozen=True, slots=True)
class Live:
    """Signed in."""

    principal: Principal


@dataclass(frozen=True, slots=True)
class Closing:
    """The end was announced; nothing is heard any more."""

    code: int


State: TypeAlias = Greeting | Authenticating | Live | Closing


class Session:
    """One client's conversation. ``id`` is random, and the name its drags go by."""

    def __init__(self, id_: str, describe: Describe, admit: Admit, at: float) -> None:
        self.id = id_
        self.state: State = Greeting(at + HELLO_SECONDS)
        self._describe = describe
        self._admit = admit
        self._arrivals: deque[float] = deque(maxlen=MESSAGES_PER_SECOND)
        self._verdicts = 0
        self._drags: dict[int, Drag | None] = {}
        """Drags that wait to be passed on, the longest waiting first."""
        self._dragging: set[int] = set()
        """Where a drag of this session is shown."""
        self._drag_passed_at = float("-inf")

    @property
    def principal(self) -> Principal | None:
        """Whose it is, while it is live."""
        return self.state.principal if isinstance(self.state, Live) else None

    # What the client does

    def receive(self, message: ClientMessage | None, at: float) -> list[Effect]:
        """A message came; None for one that could not be read."""
        if isinstance(self.state, Closing):
            return []
        if len(self._arrivals) == MESSAGES_PER_SECOND and at - self._arrivals[0] < 1.0:
            return self.end(TOO_MANY, f"more than {MESSAGES_PER_SECOND} messages in a second", 5_000)
        self._arrivals.append(at)
        match self.state, message:
            case _, None:
                return self.end(MALFORMED, "a message that cannot be read")
            case Greeting(), Hello(proto=proto) if proto != PROTOCOL:
                return self.end(PROTOCOL_VERSION, f"this server speaks protocol {PROTOCOL}")
            case Greeting(), Hello(token=token):
                self.state = Authenticating()
                return [Authenticate(token)]
            case Live(principal), (
                Subscribe()
                | Unsubscribe()
                | Act()
                | Judge()
                | MyPresence()
                | Auth()
                | Ping()
                | BadArguments()
            ):
                return self._live(principal, message, at)
            case _:
                return self.end(MALFORMED, "out of order")

    def _live(self, principal: Principal, message: ClientMessage, at: float) -> list[Effect]:
        match message:
            case Subscribe(location=location):
                refusal = self._refusal(principal, "watch", location)
                return [StartWatching(message) if refusal is None else refusal]
            case Unsubscribe(location=location):
                return [*self._end_drag(location), StopWatching(location)]
            case Act(id=id_, command=command):
                return [Execute(id_, command)]
            case Judge(id=id_, command=command):
                self._verdicts += 1
                return [AskVerdict(self._verdicts, id_, command)]
            case MyPresence(location=location, drag=drag):
                refusal = self._refusal(principal, "drag", location)
                if refusal is not None:
                    return [refusal]
                self._drags.pop(location, None)
                self._drags[location] = drag
                return self._pass_on(at)
            case Auth(token=token):
                return [Authenticate(token)]
            case Ping(n=n):
                return [Reply(Pong(n))]
            case BadArguments(problem=problem, id=id_, location=location):
                return [Reply(self._nak(problem, id_, location))]
            case Hello():
                return self.end(MALFORMED, "out of order")

    # What comes of it

    def authenticated(self, principal: Principal, now: Instant) -> list[Effect]:
        """The token is good: welcome, or on with the fresh one."""
        match self.state:
            case Authenticating():
                self.state = Live(principal)
                return [
                    Reply(Welcome(self.id, principal.role, principal.user_id, now, HEARTBEAT_SECONDS)),
                ]
            case Live(before) if before.key != principal.key:
                return self.end(NOT_ALLOWED, "the token is somebody else's")
            case Live():
                return self._changed(principal)
            case _:
                return []

    def rejected(self) -> list[Effect]:
        """The token is not good, or there is none."""
        return self.end(SIGN_IN_AGAIN, "sign in again")

    def checked(self, principal: Principal | None) -> list[Effect]:
        """The account as it is now; None if it, its session or its device was revoked (A5)."""
        if not isinstance(self.state, Live):
            return []
        if principal is None:
            return self.end(SIGN_IN_AGAIN, "signed out")
        return self._changed(replace(principal, expires_at=self.state.principal.expires_at))

    def _changed(self, principal: Principal) -> list[Effect]:
        assert isinstance(self.state, Live)
        before = self.state.principal
        if principal.role != before.role:
            return self.end(SIGN_IN_AGAIN, "the account's role changed")
        self.state = Live(principal)
        same = (principal.location_ids, principal.scopes) == (before.location_ids, before.scopes)
        return [] if same else [Reconsider()]

    def elapsed(self, at: float, now: Instant, *, renewable: bool = True) -> list[Effect]:
        """Time went by: deadlines may have passed. While nobody could get a fresh token (``renewable`` False) an old one will do,
        so that what is watched goes on (P2).
        """
        match self.state:
            case Greeting(until) if at >= until:
                return self.end(SIGN_IN_AGAIN, f"no hello within {HELLO_SECONDS:.0f} seconds")
            case Live(Principal(expires_at=int(end))) if now >= end and renewable:
                return self.end(SIGN_IN_AGAIN, "the token has expired")
            case Live():
                return self._pass_on(at)
            case _:
                return []

    def answered(self, id_: str, answer: Answer) -> list[Effect]:
        """The command was done, or was not."""
        if isinstance(self.state, Closing):
            return []
        if isinstance(answer, Done):
            return [Reply(Ack(id_, answer.body, answer.version))]
        return [Reply(self._nak(answer, id_, None))]

    def judged(self, number: int, id_: str, verdict: JudgedMove | Problem) -> list[Effect]:
        """The verdict is there; if another was asked for since, nobody wants it any more."""
        if number != self._verdicts or isinstance(self.state, Closing):
            return []
        if isinstance(verdict, Problem):
            return [Reply(self._nak(verdict, id_, None))]
        return [
            Reply(
                VerdictMessage(
                    id_, verdict.allowed, verdict.overridable, verdict.violations, verdict.suggestions
                )
            )
        ]

    def refuse_location(self, location: int, problem: Problem) -> Reply:
        """The ``nak`` to a message about a location."""
        return Reply(self._nak(problem, None, location))

    def require(self, principal: Principal, wish: Wish, location: int) -> None:
        """Raises a ``Problem`` unless the principal is allowed it there."""
        self._admit(principal, wish, location)

    def may(self, principal: Principal, wish: Wish, location: int) -> bool:
        """Whether the principal is allowed it there."""
        try:
            self._admit(principal, wish, location)
        except Problem:
            return False
        return True

    def _refusal(self, principal: Principal, wish: Wish, location: int) -> Reply | None:
        try:
            self._admit(principal, wish, location)
        except Problem as problem:
            return self.refuse_location(location, problem)
        return None

    def end(self, code: int, reason: str, retry_after_ms: int | None = None) -> list[Effect]:
        """Close; what it dragged is dropped. Does nothing a second time."""
        if isinstance(self.state, Closing):
            return []
        self.state = Closing(code)
        return [*self.lost(), End(code, reason, retry_after_ms)]

    def lost(self) -> list[Effect]:
        """The socket is gone, or will be: what it dragged is dropped (G9)."""
        self._drags.clear()
        dropped: list[Effect] = [ShowDrag(location, None) for location in sorted(self._dragging)]
        self._dragging.clear()
        if not isinstance(self.state, Closing):
            self.state = Closing(1006)
        return dropped

    # Drags

    def _pass_on(self, at: float) -> list[Effect]:
        if not self._drags:
            return []
        due = self._drag_passed_at + PRESENCE_INTERVAL_SECONDS
        if at < due:
            return [WakeAt(due)]
        location = next(iter(self._drags))
        drag = self._drags.pop(location)
        self._drag_passed_at = at
        if drag is None:
            self._dragging.discard(location)
        else:
            self._dragging.add(location)
        again: list[Effect] = [WakeAt(at + PRESENCE_INTERVAL_SECONDS)] if self._drags else []
        return [ShowDrag(location, drag), *again]

    def _end_drag(self, location: int) -> list[Effect]:
        self._drags.pop(location, None)
        if location not in self._dragging:
            return []
        self._dragging.discard(location)
        return [ShowDrag(location, None)]

    def _nak(self, problem: Problem, id_: str | None, location: int | None) -> Nak:
        told = self._describe(problem)
        return Nak(
            status=told["status"],
            code=told["code"],
            id=id_,
            location=location,
            detail=told.get("detail"),
            violations=told.get("violations", ()),
            suggestions=told.get("suggestions", ()),
            conflicts=told.get("conflicts", ()),
            errors=told.get("errors"),
        )
