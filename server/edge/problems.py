"""Faults as they are told: ``application/problem+json`` over HTTP, the same values in a ``nak``.

Belongs here: turning an ``errors.Problem`` into plain values and those into a response. Does not belong here: the faults
themselves (``errors``) and the sentences for violations (``wording``).
"""

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic_core import to_json
from starlette.responses import Response

from grid_engine.interval import Interval
from rules.model import Suggestion, Violation
from server.commands import format_instant
from server.edge.wording import violation_message
from server.errors import InUse, Malformed, Problem, Refused, Unauthenticated

MEDIA_TYPE = "application/problem+json"
MOST_BROKEN = 100
"""So many of the bookings that a change would break are told one by one."""


def describe(problem: Problem) -> dict[str, Any]:
    """Plain values: ``type, title, status, code, detail, violations, suggestions, conflicts``, and for a 400 ``errors``.

    ``errors`` is a list of ``{pointer, message}``. A change of configuration that would break bookings adds ``ahead`` and
    ``broken``, how many there are and how many it would break; its ``conflicts`` are the first of these, with ``booking_id``
    and ``codes``. The lists are there, if empty, for every problem.
    """
    violations: list[dict[str, Any]] = []
    suggestions: list[dict[str, Any]] = []
    conflicts: list[dict[str, Any]] = []
    detail = problem.detail
    if isinstance(problem, Refused):
        violations = describe_violations(problem.violations)
        suggestions = describe_suggestions(problem.suggestions)
        conflicts = [_span(resource_id, interval) for resource_id, interval in problem.conflicts]
        detail = " ".join(violation["message"] for violation in violations)
    described: dict[str, Any] = {
        "type": f"/api/docs#{problem.code}",
        "title": problem.title,
        "status": problem.status,
        "code": problem.code,
        "detail": detail,
        "violations": violations,
        "suggestions": suggestions,
        "conflicts": conflicts,
    }
    if isinstance(problem, InUse) and problem.ahead is not None:
        described["conflicts"] = [
            {
                **_span(each.resource_id, each.interval),
                "booking_id": each.booking_id,
                "codes": list(each.codes),
            }
            for each in problem.broken[:MOST_BROKEN]
        ]
        described |= {"ahead": problem.ahead, "broken": len(problem.broken)}
    if isinstance(problem, Malformed):
        described["errors"] = [
            {"pointer": fault.pointer, "message": fault.message} for fault in problem.faults
        ]
    return described


def describe_violations(violations: Iterable[Violation]) -> list[dict[str, Any]]:
    """Each as ``{code, message, params, overridable}``, in the order given."""
    return [
        {
            "code": violation.code,
            "message": violation_message(violation.code, violation.params),
            "params": {name: _plain(name, value) for name, value in violation.params.items()},
            "overridable": violation.overridable,
        }
        for violation in violations
    ]


def describe_suggestions(suggestions: Iterable[Suggestion]) -> list[dict[str, Any]]:
    """Each as ``{resource_id, start_time, end_time}``, in the order given."""
    return [_span(suggestion.resource_id, suggestion.interval) for suggestion in suggestions]


def _span(resource_id: int, interval: Interval) -> dict[str, Any]:
    return {
        "resource_id": resource_id,
        "start_time": format_instant(interval.start),
        "end_time": format_instant(interval.end),
    }


def _plain(name: str, value: Any) -> Any:
    """A parameter as JSON. Inside the rules instants are integers, told from others by names that end in ``_time(s)``."""
    match value:
        case Interval():
            return {"start_time": format_instant(value.start), "end_time": format_instant(value.end)}
        case int() if not isinstance(value, bool) and name.endswith(("_time", "_at")):
            return format_instant(value)
        case Mapping():
            return {str(key): _plain(str(key), member) for key, member in value.items()}
        case list() | tuple():
            return [_plain(name.removesuffix("s"), member) for member in value]
        case set() | frozenset():
            return sorted(_plain(name, member) for member in value)
        case _:
            return value


def problem_response(problem: Problem, extra: Mapping[str, Any] | None = None) -> Response:
    """The problem as a response; ``extra`` members are added to its body. Never cached."""
    response = Response(
        to_json(describe(problem) | dict(extra or {})), status_code=problem.status, media_type=MEDIA_TYPE
    )
    response.headers["cache-control"] = "no-store"
    if problem.retry_after is not None:
        response.headers["retry-after"] = str(max(1, problem.retry_after))
    if isinstance(problem, Unauthenticated):
        response.headers["www-authenticate"] = 'Bearer realm="baygrid"'
    return response
