"""Every door of the HTTP API that changes something, and requests made of what is wrong at them.

Belongs here: the table of doors with a body that is right, and asking many things of them at once. Does not belong here:
what is wrong (the tests).
"""

import asyncio
from dataclasses import dataclass
from typing import Any

import httpx2

from tests.acceptance.conftest import span
from tests.fuzz.node_doors import Doors

JUNE_2 = 1_811_937_600
"""2027-06-02T12:00:00Z, tomorrow at the node."""
UNKNOWN = "018f0000-0000-7000-8000-000000000000"
JSON = {"content-type": "application/json"}

Expected = tuple[int, str]
INVALID: Expected = (400, "invalid_request")
NOT_JSON: Expected = (400, "invalid_json")
NOT_FOUND: Expected = (404, "not_found")


@dataclass(frozen=True, kw_only=True)
class Door:
    """A method and path with a body that is right. ``{booking}``, ``{hold}`` and ids of rows are filled in."""

    method: str
    path: str
    body: dict[str, Any] | None = None
    texts: tuple[str, ...] = ()
    """Fields of text."""
    numbers: tuple[str, ...] = ()
    """Fields that are ids or counts."""
    times: bool = False
    """Whether it has start_time and end_time, which may be wall time."""
    body_optional: bool = False

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


PLACE = {"resource_id": "{bay}", **span(JUNE_2 + 86_400)}
TIMES = span(JUNE_2 + 86_400)
BOOKING_TEXTS = ("note", "internal_note", "override_reason")

DOORS = (
    Door(method="POST", path="/api/bookings", body=PLACE, texts=BOOKING_TEXTS, numbers=("resource_id", "user_id"), times=True),
    Door(method="POST", path="/api/bookings/judge", body=PLACE, texts=BOOKING_TEXTS, numbers=("resource_id", "user_id"), times=True),
    Door(method="POST", path="/api/holds", body=PLACE, numbers=("resource_id",), times=True),
    Door(method="DELETE", path="/api/holds/{hold}"),
    Door(method="PATCH", path="/api/bookings/{booking}", body={"note": "x", **TIMES}, texts=BOOKING_TEXTS, numbers=("resource_id", "user_id"), times=True),
    Door(method="DELETE", path="/api/bookings/{booking}"),
    Door(method="POST", path="/api/bookings/{booking}/reschedule", body=TIMES, texts=("override_reason",), numbers=("resource_id",), times=True),
    Door(method="POST", path="/api/bookings/{booking}/confirm", body={}, body_optional=True),
    Door(method="POST", path="/api/bookings/{booking}/no-show", body={}, body_optional=True),
    Door(method="POST", path="/api/bookings/{booking}/undo", body={}, body_optional=True),
    Door(method="POST", path="/api/bookings/{booking}/notifications", body={"kind": "confirmation"}, texts=("kind",)),
    Door(method="POST", path="/api/admin/bookings/block", body={"location_id": "{location}", "resource_ids": ["{bay}"], "type": "BLOCKED", "reason": "x", **TIMES}, texts=("type", "reason", "recurrence", "on_conflict", "override_reason"), numbers=("location_id",), times=True),
    Door(method="POST", path="/api/admin/bookings/bulk", body={"operations": [{"op": "cancel", "args": {"booking_id": UNKNOWN}}]}),
    Door(method="PATCH", path="/api/admin/series/{series}", body={"reason": "x", **TIMES}, texts=("type", "reason", "on_conflict", "override_reason"), times=True),
    Door(method="DELETE", path="/api/admin/series/{series}"),
    Door(method="POST", path="/api/admin/locations", body={"name": "New", "timezone": "Europe/Berlin"}, texts=("name", "timezone")),
    Door(method="PATCH", path="/api/admin/locations/{location}", body={"name": "Fairway"}, texts=("name", "timezone")),
    Door(method="DELETE", path="/api/admin/locations/{location}"),
    Door(method="POST", path="/api/admin/resources", body={"location_id": "{location}", "name": "Bay"}, texts=("name",), numbers=("location_id", "position")),
    Door(method="PATCH", path="/api/admin/resources/{bay}", body={"name": "Bay"}, texts=("name",), numbers=("location_id", "position")),
    Door(method="DELETE", path="/api/admin/resources/{bay}"),
    Door(method="POST", path="/api/admin/blackouts", body={"location_id": "{location}", "reason": "x", **TIMES}, texts=("reason",), numbers=("location_id",), times=True),
    Door(method="PATCH", path="/api/admin/blackouts/{blackout}", body={"reason": "x", **TIMES}, texts=("reason",), numbers=("location_id",), times=True),
    Door(method="DELETE", path="/api/admin/blackouts/{blackout}"),
    Door(method="POST", path="/api/admin/users", body={"name": "New", "email": "new@example.com"}, texts=("name", "email", "phone", "password", "hubspot_id", "role", "membership_tier")),
    Door(method="PATCH", path="/api/admin/users/{user}", body={"name": "New"}, texts=("name", "email", "phone", "password", "hubspot_id", "role", "membership_tier")),
    Door(method="DELETE", path="/api/admin/users/{user}"),
    Door(method="POST", path="/api/admin/users/{user}/restrictions", body={"restriction_type": "BOOKING_BAN", "reason": "x"}, texts=("reason", "restriction_type"), numbers=("value",)),
    Door(method="DELETE", path="/api/admin/users/{user}/restrictions/{restriction}"),
    Door(method="POST", path="/api/admin/insights/cancellation-pattern", body={"user_id": "{user}"}, numbers=("user_id", "location_id")),
    Door(method="POST", path="/api/admin/insights/optimize-schedule", body={"location_id": "{location}"}, numbers=("location_id",)),
    Door(method="POST", path="/api/admin/insights/{insight}/decision", body={"decision": "accepted"}, texts=("note", "decision")),
    Door(method="PATCH", path="/api/me", body={"name": "Admin"}, texts=("name", "email", "phone", "language")),
    Door(method="POST", path="/api/admin/devices", body={"location_id": "{location}", "name": "Lobby"}, texts=("name",), numbers=("location_id",)),
    Door(method="PATCH", path="/api/admin/devices/{device}", body={"name": "Lobby"}, texts=("name",), numbers=("location_id",)),
    Door(method="DELETE", path="/api/admin/devices/{device}"),
    Door(method="POST", path="/api/admin/api-keys", body={"name": "Help desk", "scopes": ("grid:read",)}, texts=("name",)),
    Door(method="PATCH", path="/api/admin/api-keys/{key}", body={"name": "Help desk"}, texts=("name",)),
    Door(method="DELETE", path="/api/admin/api-keys/{key}"),
    Door(method="POST", path="/api/check-in", body={"code": "AAAAAA"}, texts=("code",)),
    Door(method="POST", path="/api/auth/device", body={"pairing_code": "AAAAAA"}, texts=("pairing_code",)),
    Door(method="POST", path="/api/auth/login", body={"email": "a@example.com", "password": "x"}, texts=("email", "password")),
    Door(method="POST", path="/api/auth/code", body={"email": "a@example.com"}, texts=("email", "phone")),
    Door(method="POST", path="/api/auth/verify", body={"email": "a@example.com", "code": "123456"}, texts=("email", "phone", "code")),
    Door(method="POST", path="/api/auth/reset", body={"email": "a@example.com", "code": "123456", "password": "correct horse"}, texts=("email", "code", "password")),
    Door(method="POST", path="/api/auth/refresh", body={"refresh_token": "x"}, texts=("refresh_token",), body_optional=True),
)  # fmt: skip
WITH_BODY = [door for door in DOORS if door.body is not None]
WITH_PATH_ID = [door for door in DOORS if "{" in door.path]
ON_THE_GRID = [door for door in DOORS if door.times]
BOOKING_CHANGES = [
    door
    for door in DOORS
    if door.path.startswith(("/api/bookings", "/api/holds")) and "judge" not in door.path
]
WITH_IF_MATCH = [door for door in BOOKING_CHANGES if "{booking}" in door.path]


@dataclass
class Fixed:
    """What the paths and bodies name."""

    doors: Doors
    ids: dict[str, Any]

    def path(self, door: Door, **other: str) -> str:
        return door.path.format(**(self.ids | other))

    def body(self, door: Door, **more: Any) -> dict[str, Any]:
        assert door.body is not None
        known = {f"{{{name}}}": value for name, value in self.ids.items()}

        def filled(value: Any) -> Any:
            match value:
                case list():
                    return [filled(each) for each in value]
                case dict():
                    return {name: filled(each) for name, each in value.items()}
                case _:
                    return known.get(value, value)

        return {name: filled(value) for name, value in door.body.items()} | more


def told(answer: httpx2.Response) -> Expected:
    """Status and code, of an answer that has the shape every error has."""
    assert answer.headers["content-type"] == "application/problem+json", (
        answer.status_code,
        answer.text[:500],
    )
    body = answer.json()
    assert body["status"] == answer.status_code
    assert {"type", "title", "detail", "violations", "suggestions", "conflicts"} <= body.keys()
    return answer.status_code, body["code"]


class Attempts:
    """Requests of one test, by what is wrong with them; sent together, and told together if any was answered wrong."""

    def __init__(self, fixed: Fixed, client: httpx2.AsyncClient) -> None:
        self._fixed = fixed
        self._client = client
        self._made: list[tuple[str, frozenset[Expected], httpx2.Request]] = []

    def add(
        self, what: str, door: Door, *expected: Expected, path: str | None = None, **request: Any
    ) -> None:
        made = self._client.build_request(door.method, path or self._fixed.path(door), **request)
        self._made.append((f"{what} at {door}", frozenset(expected), made))

    async def check(self) -> None:
        gate = asyncio.Semaphore(8)

        async def one(what: str, expected: frozenset[Expected], request: httpx2.Request) -> str | None:
            async with gate:
                answer = await self._client.send(request)
            got = told(answer) if answer.status_code >= 400 else (answer.status_code, answer.text[:300])
            return (
                None
                if got in expected
                else f"{what}: {got} instead of {sorted(expected)}: {answer.text[:300]}"
            )

        assert self._made
        wrong = await asyncio.gather(*(one(*each) for each in self._made))
        assert [each for each in wrong if each] == []
