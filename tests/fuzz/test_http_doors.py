"""Bad bodies at every door of a real node that changes something: the documented answer, and nothing is changed.

Belongs here: what somebody thought of, as tables. Does not belong here: times (``test_http_times``), all but the body
(``test_http_heads``), and what a schema can think of (``test_openapi``).
"""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from server.edge.parsing import MAX_BODY_BYTES
from tests.fuzz.http_attempts import (
    DOORS,
    INVALID,
    JSON,
    NOT_FOUND,
    NOT_JSON,
    ON_THE_GRID,
    UNKNOWN,
    WITH_BODY,
    Attempts,
    Fixed,
    told,
)

pytestmark = pytest.mark.usefixtures("nothing_changed")

NOT_JSON_AT_ALL: tuple[tuple[str, bytes], ...] = (
    ("cut off", b'{"note": "x"'),
    ("words", b"resource_id=1"),
    ("two documents", b"{}{}"),
    ("a byte order mark", b"\xef\xbb\xbf{}"),
    ("invalid UTF-8", b'{"note": "\xff\xfe"}'),
    ("UTF-16", '{"note": "x"}'.encode("utf-16")),
    ("an overlong NUL", b'{"note": "\xc0\x80"}'),
    ("an encoded surrogate", b'{"note": "\xed\xa0\x80"}'),
    ("a raw NUL", b'{"note": "\x00"}'),
    ("a raw newline", b'{"note": "\n"}'),
    ("NaN", b'{"resource_id": NaN}'),
    ("Infinity", b'{"resource_id": -Infinity}'),
    ("beyond any float", b'{"resource_id": 1e400}'),
    ("a name twice", b'{"note": "x", "note": "y"}'),
    ("deep lists", b'{"note": ' + b"[" * 200_000),
    ("deep maps", b'{"note":' * 100_000),
    ("deep and closed", b'{"note": ' + b"[" * 5_000 + b"]" * 5_000 + b"}"),
    ("5000 digits", b'{"resource_id": ' + b"9" * 5_000 + b"}"),
    ("single quotes", b"{'note': 'x'}"),
    ("a comment", b"{} // x"),
)


async def test_bodies_that_are_no_json_are_400_invalid_json(fixed: Fixed, attempts: Attempts) -> None:
    for door in WITH_BODY:
        for what, raw in NOT_JSON_AT_ALL:
            attempts.add(what, door, NOT_JSON, content=raw, headers=JSON)
        if not door.body_optional:
            attempts.add("no body", door, NOT_JSON, headers=JSON)
    await attempts.check()


OF_NO_FIELD: tuple[Any, ...] = ([], {}, [1], 1.5, False)


async def test_bodies_of_other_shapes_are_400(fixed: Fixed, attempts: Attempts) -> None:
    for door in WITH_BODY:
        for document in ([], [fixed.body(door)], "text", 5, True):
            attempts.add(f"{document!r}", door, INVALID, json=document)
        if not door.body_optional:
            attempts.add("null", door, INVALID, content=b"null", headers=JSON)
        attempts.add("an unknown field", door, INVALID, json=fixed.body(door, surprise=1))
        attempts.add("__proto__", door, INVALID, json=fixed.body(door, __proto__={"role": "admin"}))
        for name in door.body or ():
            for value in OF_NO_FIELD:
                if name == "resource_ids" and value == [1]:
                    continue  # what such a field is like
                attempts.add(f"{name}={value!r}", door, INVALID, json=fixed.body(door, **{name: value}))
    await attempts.check()


MEDIA_TYPES = ("text/plain", "application/x-www-form-urlencoded", "application/json; charset=utf-16")


async def test_other_media_types_are_415(fixed: Fixed, attempts: Attempts) -> None:
    for door in WITH_BODY:
        raw = json.dumps(fixed.body(door)).encode()
        for media_type in MEDIA_TYPES:
            headers = {"content-type": media_type}
            attempts.add(media_type, door, (415, "unsupported_media_type"), content=raw, headers=headers)
    await attempts.check()


async def test_a_text_that_cannot_be_stored_or_is_too_long_is_400_in_every_field(
    fixed: Fixed, attempts: Attempts
) -> None:
    wrong: tuple[Any, ...] = (
        "x\x00y",
        "\ud800",
        "x\udfff",
        "\udc00\ud800",
        "x" * 20_000,
        "",
        5,
        [],
        {"x": 1},
        True,
    )
    may_be_empty = {"note", "internal_note"}
    for door in WITH_BODY:
        for name in door.texts:
            for value in wrong:
                if value == "" and (name in may_be_empty or "/auth/" in door.path):
                    continue
                raw = json.dumps(fixed.body(door, **{name: value}))
                attempts.add(f"{name}={str(value)[:9]!a}", door, INVALID, content=raw, headers=JSON)
    await attempts.check()


async def test_numbers_that_are_none_are_400_and_those_that_name_nothing_404(
    fixed: Fixed, attempts: Attempts
) -> None:
    for door in WITH_BODY:
        for name in door.numbers:
            for value in (True, False, "1", 1.0, 1.5, 2**63, -(2**63) - 1, 10**30, [1]):
                attempts.add(f"{name}={value!r}", door, INVALID, json=fixed.body(door, **{name: value}))
            if name in ("resource_id", "user_id", "location_id"):
                # A move to another location is 400 (`api.md`), and no location of a resource or blackout changes; a kiosk
                # can be carried.
                stays = name == "location_id" and door.method == "PATCH" and "{device}" not in door.path
                elsewhere = (INVALID,) if stays else (NOT_FOUND,)
                for value in (0, -1, 2**31 - 1, 2**31, 2**62, -(2**63)):
                    body = fixed.body(door, **{name: value})
                    attempts.add(f"{name}={value!r}", door, *elsewhere, json=body)
    await attempts.check()


async def test_a_resource_of_another_location_is_400_for_moves(fixed: Fixed, attempts: Attempts) -> None:
    foreign = fixed.doors.elsewhere.bays[0]
    for door in ON_THE_GRID:
        if "{booking}" in door.path:
            attempts.add("elsewhere", door, INVALID, json=fixed.body(door, resource_id=foreign))
        if "blackouts" in door.path:
            body = fixed.body(door, resource_ids=[fixed.doors.venue.bays[0], foreign])
            attempts.add("elsewhere", door, INVALID, NOT_FOUND, json=body)
    await attempts.check()


VISITORS: tuple[Any, ...] = (
    {},
    {"name": ""},
    {"name": "\x00"},
    {"name": 5},
    {"name": "V", "phone": "12"},
    {"name": "V", "x": 1},
    [],
    "V",
)


async def test_unknown_and_malformed_ids_in_bodies(fixed: Fixed, attempts: Attempts) -> None:
    for door in (DOORS[0], DOORS[1]):
        wrong: tuple[Any, ...] = ("", "x", "1", 1, UNKNOWN[:-1], f"{UNKNOWN}\x00", "\ud800", [], True)
        for value in wrong:
            raw = json.dumps(fixed.body(door, hold_id=value))
            attempts.add(f"hold_id={value!a}", door, INVALID, content=raw, headers=JSON)
    attempts.add("a hold of nobody", DOORS[0], NOT_FOUND, json=fixed.body(DOORS[0], hold_id=UNKNOWN))
    judge = DOORS[1]
    attempts.add("a move of nothing", judge, NOT_FOUND, json=fixed.body(judge, booking_id=UNKNOWN))
    for value in ("x", 1, UNKNOWN[:-1]):
        attempts.add(f"booking_id={value!r}", judge, INVALID, json=fixed.body(judge, booking_id=value))
    for visitor in VISITORS:
        raw = json.dumps(fixed.body(DOORS[0], visitor=visitor))
        attempts.add(f"visitor={visitor}", DOORS[0], INVALID, content=raw, headers=JSON)
    for type_ in ("", "customer", "NOTHING", 1, None, ["CUSTOMER"]):
        attempts.add(f"type={type_}", DOORS[0], INVALID, json=fixed.body(DOORS[0], type=type_))
    await attempts.check()


POLICIES: tuple[Any, ...] = (
    {"x": 1}, {"min_duration_minutes": -1}, {"min_duration_minutes": 1.5}, {"min_duration_minutes": True}, {"min_duration_minutes": 10**7},
    {"min_duration_minutes": 2**70}, {"can_book": 1}, {"can_book": None}, {"opening_hours": []}, {"opening_hours": {"mon": [["09:00"]]}},
    {"opening_hours": {"mon": [["24:00", "09:00"]]}}, {"opening_hours": {"mon": [["09:00", "25:00"]]}}, {"opening_hours": {"Mon": []}},
    {"opening_hours": {"mon": [["9", "10"]]}}, {"opening_hours": {"mon": [[9, 10]]}}, {"opening_hours": {"mon": "09:00"}},
    {"opening_hours": {"mon": [["09:00", "12:00"], ["11:00", "13:00"]]}}, {"tiers": {"WOOD": {}}}, {"tiers": {"GOLD": {"buffer_minutes": 1}}},
    {"tiers": []}, {"tags": {"a": 1}}, {"tags": {"\x00": {}}}, {"hold_seconds": "1"}, {"advance_days": None}, [], "x", 5, None,
)  # fmt: skip


async def test_policies_that_are_none_are_400(fixed: Fixed, attempts: Attempts) -> None:
    for door in DOORS:
        if door.path.startswith("/api/admin/locations") and door.body is not None:
            for policy in POLICIES:
                attempts.add(f"policy={policy}", door, INVALID, json=fixed.body(door, policy=policy))
            for minutes in (0, 7, -30, 30.5, "30", True, 2**40, None):
                attempts.add(f"slot={minutes}", door, INVALID, json=fixed.body(door, slot_minutes=minutes))
            for zone in (
                "Mars/Phobos",
                "../../etc/passwd",
                "localtime",
                "America/New_York\x00",
                "/etc/localtime",
                "UTC ",
            ):
                attempts.add(f"timezone={zone!r}", door, INVALID, json=fixed.body(door, timezone=zone))
    await attempts.check()


async def test_a_body_over_a_mebibyte_is_413_and_the_connection_goes_on(fixed: Fixed) -> None:
    one_connection = httpx2.Limits(max_connections=1)

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b" " * 65_536

    async with fixed.doors.client(limits=one_connection) as client:
        for door in WITH_BODY:
            path = fixed.path(door)
            answer = await client.request(
                door.method, path, content=b" " * (MAX_BODY_BYTES + 1), headers=JSON
            )
            assert told(answer) == (413, "too_large"), str(door)
            assert (await client.get("/api/me")).status_code == 200
        answer = await client.post("/api/bookings", content=endless(), headers=JSON)
        assert told(answer) == (413, "too_large")
        assert (await client.get("/api/me")).status_code == 200
        just_within = json.dumps({"note": "x"}).encode().ljust(MAX_BODY_BYTES)
        assert told(await client.post("/api/bookings", content=just_within, headers=JSON)) == INVALID
