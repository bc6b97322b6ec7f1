"""Every fault that a caller can be told of, with the HTTP status and WebSocket close code it becomes.

    Problem                    status  code
    ├── Malformed                400   invalid_json, invalid_request
    ├── Unauthenticated          401   unauthenticated            closes 4401
    ├── Forbidden                403   forbidden                  closes 4403
    ├── NotFound                 404   not_found
    ├── MethodNotAllowed         405   method_not_allowed
    ├── Refused                  409 / 422   the first violation's code (R15)
    ├── HoldExpired              409   hold_expired
    ├── TooEarly                 409   too_early
    ├── NotActive                409   not_active
    ├── Duplicate                409   duplicate
    ├── InUse                    409   conflict
    ├── Stale                    412   stale
    ├── TooLarge                 413   too_large
    ├── UnsupportedMedia         415   unsupported_media_type
    ├── NotDone                  424   not_done
    ├── IdempotencyMismatch      422   idempotency_mismatch
    ├── TooMany                  429   too_many_requests          closes 4429
    └── Unavailable              503   unavailable

Belongs here: the tree and what each fault carries. Does not belong here: wording of violations or how a problem is
rendered (``server.edge.problems``). Refusals by rules travel as values inside the service; ``Refused`` is what the doors
make of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from grid_engine.interval import Interval
from rules.model import Suggestion, Violation


class BaygridError(Exception):
    """Root of all that this project raises on purpose."""


class ConfigurationError(BaygridError):
    """The server cannot start as it is configured; the message says what to change."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with a request: ``pointer`` is a JSON pointer into the body, or ``query:name``/``path:name``."""

    pointer: str
    message: str


class Problem(BaygridError):
    """A fault that is answered to whoever asked, as ``application/problem+json`` or a ``nak``."""

    status: int = 500
    code: str = "internal"
    title: str = "Something went wrong"

    def __init__(self, detail: str = "", *, retry_after: int | None = None) -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        self.retry_after = retry_after


class Malformed(Problem):
    """The request cannot be understood; ``faults`` point at each field that is wrong."""

    status = 400
    code = "invalid_request"
    title = "The request is malformed"

    def __init__(
        self, detail: str = "", faults: Sequence[Fault] = (), *, code: str = "invalid_request"
    ) -> None:
        super().__init__(detail)
        self.faults = tuple(faults)
        self.code = code


class Unauthenticated(Problem):
    """Nobody is signed in, or the token is no longer good."""

    status = 401
    code = "unauthenticated"
    title = "Sign in first"


class Forbidden(Problem):
    """The caller sees the thing but may not do this to it (A3)."""

    status = 403
    code = "forbidden"
    title = "You may not do this"


class NotFound(Problem):
    """It does not exist, or not for this caller (A3)."""

    status = 404
    code = "not_found"
    title = "There is nothing here"


class MethodNotAllowed(Problem):
    """The path exists, the method does not."""

    status = 405
    code = "method_not_allowed"
    title = "This method is not allowed here"


class Refused(Problem):
    """The rules refuse it: 409 where the conflict is all there is, otherwise 422 (R15)."""

    title = "The rules refuse this"

    def __init__(
        self,
        violations: Sequence[Violation],
        suggestions: Sequence[Suggestion] = (),
        conflicts: Sequence[tuple[int, Interval]] = (),
    ) -> None:
        super().__init__()
        self.violations = tuple(violations)
        self.suggestions = tuple(suggestions)
        self.conflicts = tuple(conflicts)
        self.code = self.violations[0].code
        self.status = 409 if [violation.code for violation in self.violations] == ["conflict"] else 422


class HoldExpired(Problem):
    """The hold's time was over before it was confirmed (G5)."""

    status = 409
    code = "hold_expired"
    title = "The hold has expired"


class TooEarly(Problem):
    """Attendance cannot be recorded yet (K3, P4)."""

    status = 409
    code = "too_early"
    title = "It is too early for this"


class NotActive(Problem):
    """The booking's status does not allow this (P4)."""

    status = 409
    code = "not_active"
    title = "The booking's status does not allow this"


class Duplicate(Problem):
    """Something else already has this name, address or code."""

    status = 409
    code = "duplicate"
    title = "This already exists"


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """A booking that a change would leave at odds with the configuration; ``codes`` say in what, as rules do."""

    booking_id: str
    resource_id: int
    interval: Interval
    codes: tuple[str, ...]


class InUse(Problem):
    """Other things rest on it as it is; ``detail`` says which, and whether it can be insisted on.

    Where those are bookings, ``ahead`` is how many there are to come, and ``broken`` those that the change would break,
    in order of start.
    """

    status = 409
    code = "conflict"
    title = "Other things depend on this"

    def __init__(self, detail: str = "", *, broken: Sequence[Broken] = (), ahead: int | None = None) -> None:
        super().__init__(detail)
        self.broken = tuple(broken)
        self.ahead = ahead


class Stale(Problem):
    """``If-Match`` or ``if_version`` names an older state than the present one."""

    status = 412
    code = "stale"
    title = "It was changed since you read it"


class TooLarge(Problem):
    """The body is larger than the server reads."""

    status = 413
    code = "too_large"
    title = "The request is too large"


class UnsupportedMedia(Problem):
    """The body is of a type the server does not read."""

    status = 415
    code = "unsupported_media_type"
    title = "Send application/json"


class NotDone(Problem):
    """It would have been done, but for another operation that it stands or falls with; told in results of a bulk alone."""

    status = 424
    code = "not_done"
    title = "Another operation of the bulk failed"


class IdempotencyMismatch(Problem):
    """The key was used before, for something else (G7)."""

    status = 422
    code = "idempotency_mismatch"
    title = "This idempotency key was used for another request"


class TooMany(Problem):
    """A rate limit is reached; ``retry_after`` says when to come back."""

    status = 429
    code = "too_many_requests"
    title = "Too many requests"


class Unavailable(Problem):
    """Something the answer needs is away for now; nothing is known to have been done."""

    status = 503
    code = "unavailable"
    title = "Temporarily unavailable"

    def __init__(self, detail: str = "", *, retry_after: int = 2) -> None:
        super().__init__(detail, retry_after=retry_after)
