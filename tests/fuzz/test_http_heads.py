"""Bad paths, queries, headers and request lines at a real node: the documented answer, and nothing is changed.

Belongs here: all of a request but its body. Does not belong here: the body (``test_http_doors``).
"""

import socket
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.fuzz.http_attempts import (
    BOOKING_CHANGES,
    DOORS,
    INVALID,
    NOT_FOUND,
    UNKNOWN,
    WITH_IF_MATCH,
    WITH_PATH_ID,
    Attempts,
    Door,
    Fixed,
    told,
)

pytestmark = pytest.mark.usefixtures("nothing_changed")


def right_body(fixed: Fixed, door: Door) -> dict[str, Any]:
    """What to send along, so that only the rest is wrong."""
    return {} if door.body is None else {"json": fixed.body(door)}


async def test_malformed_and_unknown_ids_in_paths_are_404(fixed: Fixed, attempts: Attempts) -> None:
    rubbish = ("0", "-1", "01", "1e3", "1.0", "null", "2147483648", "9" * 400, "%00", "%ff", "%F0%9F%92%A9", "1%2F2",
               "%2e%2e%2f", "'%20OR%201=1--", "x" * 2_000, "%D9%A1", "{id}", "+1", "1;x")  # fmt: skip
    for door in WITH_PATH_ID:
        known = {name for name in fixed.ids if f"{{{name}}}" in door.path}
        for name in known:
            for value in (*rubbish, "2147483647" if name not in ("booking", "hold") else UNKNOWN):
                path = fixed.path(door, **{name: value})
                body = right_body(fixed, door)
                attempts.add(
                    f"{name}={value[:20]}", door, NOT_FOUND, (405, "method_not_allowed"), path=path, **body
                )
        if {"booking", "hold"} & known:
            for value in (
                UNKNOWN.replace("-", ""),
                f"{{{UNKNOWN}}}",
                f"urn:uuid:{UNKNOWN}",
                UNKNOWN[:-1],
                f"{UNKNOWN}0",
            ):
                body = right_body(fixed, door)
                path = fixed.path(door, booking=value, hold=value)
                attempts.add(f"id={value}", door, NOT_FOUND, path=path, **body)
    await attempts.check()


MALFORMED_QUERIES = (
    "/api/bookings?limit=0", "/api/bookings?limit=201", "/api/bookings?limit=1e2", "/api/bookings?limit=true", "/api/bookings?cursor=x",
    "/api/bookings?cursor=W10", "/api/bookings?cursor=WzEsMl0", "/api/bookings?cursor=%00", "/api/bookings?cursor=W1siXSwieCJd",
    "/api/bookings?location_id=1.5", "/api/bookings?status=nothing", "/api/bookings?from=2027-06-03T14:00:00", "/api/bookings?from=now",
    "/api/bookings?surprise=1", "/api/bookings?q=%00", "/api/bookings?q=%ED%A0%80", "/api/bookings?q=" + "x" * 101,
    "/api/grid?location_id=1", "/api/grid?location_id=1&from=2027-02-30", "/api/grid?location_id=1&from=2027-06-03&days=0",
    "/api/grid?location_id=1&from=2027-06-03&days=32", "/api/grid?location_id=1&from=2027-06-03&days=-1",
    "/api/grid?location_id=1&from=2027-06-03&days=1&min_version=-1", "/api/grid?location_id=1&from=2027-06-03T00:00:00Z",
    "/api/availability?location_id=1&date=2027-06-03", "/api/availability?location_id=1&date=2027-06-03&duration=0",
    "/api/availability?location_id=1&date=2027-06-03&duration=99999", "/api/availability?location_id=1&date=0000-01-01&duration=60",
    "/api/availability?location_id=1&date=2027-06-03&duration=60&explain=perhaps", "/api/me?location_id=x", "/api/users?limit=0",
    "/api/resources", "/api/resources?location_id=1&location_id=2", "/api/admin/users?role=king", "/api/admin/users?active=maybe",
    "/api/blackouts?location_id=1&from=yesterday",
)  # fmt: skip


async def test_unknown_and_malformed_query_parameters_are_400(fixed: Fixed, attempts: Attempts) -> None:
    [cancel] = [door for door in DOORS if str(door) == "DELETE /api/bookings/{booking}"]
    long = "reason=" + "x" * 3_000
    for query in ("x=1", "reason=a&reason=b", "reason=%00", "reason=%ff", long, "override_reason="):
        attempts.add(query[:20], cancel, INVALID, path=f"{fixed.path(cancel)}?{query}")
    for path in MALFORMED_QUERIES:
        attempts.add(path, Door(method="GET", path=path), INVALID)
    await attempts.check()


async def test_if_match_and_idempotency_key_rubbish_is_400(fixed: Fixed, attempts: Attempts) -> None:
    keys = (
        b"",
        b"x" * 10_000,
        b"x" * 201,
        b"a b",
        "schl\u00fcssel".encode(),
        b"\xff\xfe",
        b"a\tb",
        b"\xe2\x80\xae",
    )
    for door in BOOKING_CHANGES:
        body = right_body(fixed, door)
        for key in keys:
            headers = [(b"idempotency-key", key)]
            attempts.add(f"key {key[:9]!r}", door, INVALID, headers=headers, **body)
    for door in WITH_IF_MATCH:
        body = right_body(fixed, door)
        for tags in (b"", b"1", b'"1', b'"a" "b"', b"x" * 10_000, b'"\xc3\xbc" ,,', b"W/", b"*, *", b'"1";'):
            attempts.add(f"If-Match {tags[:9]!r}", door, INVALID, headers=[(b"if-match", tags)], **body)
        for tags in (b'"0"', b'"x"', b'W/"1"', b'"99999999999999999999"', b'"-1"', b'"\xd9\xa1"', b'""'):
            attempts.add(
                f"If-Match {tags[:9]!r}", door, (412, "stale"), headers=[(b"if-match", tags)], **body
            )
    await attempts.check()


TOKENS = (
    b"", b"Bearer", b"bearer x", b"Basic YTpi", b"Bearer a.b.c", b"Bearer " + b"x" * 20_000, b"Bearer \xff", b"Bearer a b",
    b"Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.", b"\x80",
)  # fmt: skip


async def test_a7_tokens_that_are_none_are_401(fixed: Fixed) -> None:
    async with fixed.doors.client(None) as client:
        for token in TOKENS:
            for method, path in (
                ("GET", "/api/me"),
                ("POST", "/api/bookings"),
                ("DELETE", "/api/admin/users/1"),
            ):
                answer = await client.request(method, path, headers=[(b"authorization", token)])
                assert told(answer) == (401, "unauthenticated"), token


def raw_exchange(address: str, request: bytes, answers: int = 1) -> bytes:
    """What a node says to these very bytes, until it closes or has given as many answers."""
    parts = urlsplit(address)
    with socket.create_connection((parts.hostname, parts.port), timeout=10) as connection:
        connection.sendall(request)
        received = b""
        while received.count(b"HTTP/1.1 ") < answers or not received.endswith((b"}", b"\r\n\r\n")):
            piece = connection.recv(65_536)
            if not piece:
                break
            received += piece
        return received


HEAD = "POST /api/bookings HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n"
SMUGGLED = "GET /api/me HTTP/1.1\r\nHost: x\r\nX-Smuggled: 1\r\n\r\n"


TOLD_IN_TWO_WAYS = (
    "Content-Length: 2\r\nContent-Length: 60\r\n\r\n{}" + SMUGGLED,
    "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "Content-Length: -1\r\n\r\n" + SMUGGLED,
    "Content-Length: +2\r\n\r\n{}" + SMUGGLED,
    "Content-Length: 0x2\r\n\r\n{}" + SMUGGLED,
    "Content-Length: 2, 2\r\n\r\n{}" + SMUGGLED,
    "Content-Length: 99999999999999999999\r\n\r\n{}" + SMUGGLED,
    "Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n" + SMUGGLED,
    "Transfer-Encoding: chunked\r\n\r\n-1\r\n{}\r\n0\r\n\r\n" + SMUGGLED,
    "X-Note: a\r\n continued\r\nContent-Length : 2\r\n\r\n{}" + SMUGGLED,
    "Bad Header: x\r\n\r\n" + SMUGGLED,
    "X: \x00\r\n\r\n" + SMUGGLED,
)


def test_smuggled_requests_are_not_served(fixed: Fixed) -> None:
    """A request whose length is told in two ways, or in a wrong one, is refused, and nothing after it is believed."""
    head = HEAD.format(token=fixed.doors.tokens["admin"])
    for rest in TOLD_IN_TWO_WAYS:
        answer = raw_exchange(fixed.doors.node.address, (head + rest).encode("latin-1"))
        statuses = [line.split()[1] for line in answer.split(b"\r\n") if line.startswith(b"HTTP/1.1 ")]
        assert statuses == [b"400"], (rest, answer[:600])


def test_methods_and_request_lines_that_are_none(fixed: Fixed) -> None:
    for line in (
        "BREW /api/me HTTP/1.1",
        "GET /api/me HTTP/9.9",
        "GET  HTTP/1.1",
        "\x16\x03\x01\x02",
        "GET /\x00 HTTP/1.1",
    ):
        answer = raw_exchange(fixed.doors.node.address, f"{line}\r\nHost: x\r\n\r\n".encode("latin-1"))
        assert answer.startswith(b"HTTP/1.1 4"), (line, answer[:300])


async def test_a6_writes_by_cookie_from_foreign_pages_are_403(fixed: Fixed) -> None:
    cookie = f"baygrid_access={fixed.doors.tokens['admin']}"
    async with fixed.doors.client(None) as client:
        for origin in (
            "https://evil.example",
            "null",
            "http://[",
            "file://",
            "\u00fc".encode("latin-1"),
            b"\xff",
        ):
            answer = await client.post(
                "/api/admin/locations",
                json={"name": "x", "timezone": "UTC"},
                headers=[
                    (b"cookie", cookie.encode()),
                    (b"origin", origin if isinstance(origin, bytes) else origin.encode()),
                ],
            )
            assert told(answer) == (403, "forbidden")
