"""What the live layer asks of the service: commands done, drags judged, tokens checked.

Belongs here: the ports and the values that pass through them. Their adapters are in ``server.service``.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeAlias

from server.commands import Command
from server.errors import Problem
from server.principal import Principal


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A command's success: the HTTP status and body it would have, and the location's version that it made, if any.

    What does not ``stand`` is the answer to a rehearsal, or of what came to nothing as a whole: nothing is changed by it, and
    it is not kept for a repeated key (G7).
    """

    status: int
    body: Mapping[str, Any]
    version: int | None = None
    stands: bool = True


Answer: TypeAlias = Done | Problem

Wish: TypeAlias = Literal["watch", "see_records", "drag"]
"""What a session wants of a location besides commands: to be shown its grid, to be shown it whole, or to show a drag on
it (G9).
"""
Admit: TypeAlias = Callable[[Principal, Wish, int], None]
"""Raises ``NotFound`` or ``Forbidden`` unless the principal may do that at the location."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedMove:
    """What a ``verdict`` says; violations and suggestions as plain values, as in an HTTP body."""

    allowed: bool
    overridable: bool
    violations: Sequence[Mapping[str, Any]] = field(default=())
    suggestions: Sequence[Mapping[str, Any]] = field(default=())


class Desk(Protocol):
    """Where a session's commands go."""

    async def execute(
        self, principal: Principal, command: Command, answered: Callable[[Answer], None]
    ) -> None:
        """Does it, or does not, and calls ``answered`` exactly once: on success from within ``Room.advance``, so that the
        answer is on its way before the diff of its version is.

        ``answered`` neither blocks nor raises. A ``Problem`` may be raised instead of being passed to it.
        """

    async def judge(self, principal: Principal, command: Command) -> JudgedMove:
        """The verdict without doing it (G8). Raises ``Problem`` when it cannot be judged at all; may be cancelled."""

    def admit(self, principal: Principal, wish: Wish, location_id: int) -> None:
        """As ``Admit``."""

    def describe(self, problem: Problem) -> dict[str, Any]:
        """``status, code, violations, suggestions, conflicts`` and perhaps more, as plain values for a ``nak``."""


class Identity(Protocol):
    """Who the sockets belong to."""

    async def authenticate(self, token: str) -> Principal:
        """The account or device of the token, its signature, expiry and revocation checked.

        Raises:
            Unauthenticated: if it is not good, for whatever reason.
        """

    async def still_valid(self, principal: Principal) -> Principal | None:
        """The principal as it is now (its role or locations may have changed), or None once it was revoked (A5).

        Asked every few seconds for each open socket. Raises ``Unavailable`` when it cannot be known.
        """
