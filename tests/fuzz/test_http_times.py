"""Times that are none, that do not exist or occur twice, and those far from any booking, at every door that takes times.

Belongs here: HTTP; the rules themselves are ``tests/rules``. Does not belong here: anything but times.
"""

import json
from typing import Any

import pytest

from tests.fuzz.http_attempts import INVALID, JSON, ON_THE_GRID, Attempts, Fixed

pytestmark = pytest.mark.usefixtures("nothing_changed")

MALFORMED_TIMES: tuple[Any, ...] = (
    "2027-06-03", "14:00", "tomorrow", "", "2027-06-03T14:00:00.5Z", "2027-06-03T14:00:00.000001Z", "2027-06-03T24:00:00Z",
    "2027-06-03T14:60:00Z", "2027-06-03T14:00:60Z", "2027-02-29T14:00:00Z", "2027-13-01T14:00:00Z", "0000-01-01T00:00:00Z",
    "10000-01-01T00:00:00Z", "2027-6-3T14:00:00Z", "2027-06-03T14:00:00+25:00", "2027-06-03T14:00:00+0200", "20270603T140000Z",
    "2027-06-03T14:00:00[Europe/Berlin]", "2027-06-03T14:00:00Z\n", " 2027-06-03T14:00:00Z", "２０２７-06-03T14:00:00Z",
    "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2027-06-03T14:00:00\x00", "\ud800", 1811937600, 1.5, None, [], True,
)  # fmt: skip


async def test_t3_times_that_are_none_are_400(fixed: Fixed, attempts: Attempts) -> None:
    for door in ON_THE_GRID:
        for name in ("start_time", "end_time"):
            for value in MALFORMED_TIMES:
                if value is None and door.method == "PATCH" and "blackouts" not in door.path:
                    continue  # null is a field left out there
                raw = json.dumps(fixed.body(door, **{name: value}))
                attempts.add(f"{name}={value!a}", door, INVALID, content=raw, headers=JSON)
    await attempts.check()


async def test_intervals_that_are_none_are_400(fixed: Fixed, attempts: Attempts) -> None:
    intervals = (
        ("2027-06-03T14:00:00Z", "2027-06-03T14:00:00Z"),
        ("2027-06-03T14:00:00Z", "2027-06-03T13:00:00Z"),
        ("2027-06-03T14:00:00", "2027-06-03T13:00:00"),
        ("9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z"),
        ("2027-06-03T14:00:00Z", "2027-06-03T14:00:00.0+00:00"),
    )
    too_long = (
        ("2027-06-03T14:00:00Z", "2028-06-04T14:00:00Z"),
        ("0001-01-02T00:00:00Z", "9999-12-30T00:00:00Z"),
    )
    for door in ON_THE_GRID:
        for start, end in (*intervals, *(() if "blackouts" in door.path else too_long)):
            body = fixed.body(door, start_time=start, end_time=end)
            attempts.add(f"{start} to {end}", door, INVALID, json=body)
    await attempts.check()


@pytest.mark.parametrize(
    ("code", "wall", "suggested"),
    [
        ("nonexistent_time", "2028-03-12T02:30:00", {"2028-03-12T07:00:00Z"}),
        ("nonexistent_time", "2028-03-12T02:30", {"2028-03-12T07:00:00Z"}),
        ("ambiguous_time", "2027-11-07T01:30:00", {"2027-11-07T05:30:00Z", "2027-11-07T06:30:00Z"}),
        ("ambiguous_time", "2027-11-07T01:30", {"2027-11-07T05:30:00Z", "2027-11-07T06:30:00Z"}),
    ],
)
async def test_t3_wall_times_that_do_not_exist_or_occur_twice_are_422_alone_with_what_they_may_mean(
    fixed: Fixed, code: str, wall: str, suggested: set[str]
) -> None:
    async with fixed.doors.client() as client:
        for door in ON_THE_GRID:
            end = f"{wall[:11]}05:00:00"
            answer = await client.request(
                door.method, fixed.path(door), json=fixed.body(door, start_time=wall, end_time=end)
            )
            body = answer.json()
            assert answer.status_code == (200 if door.path.endswith("/judge") else 422), (
                str(door),
                answer.text,
            )
            assert [each["code"] for each in body["violations"]] == [code], str(door)
            if "blackouts" not in door.path:
                assert {each["start_time"] for each in body["suggestions"]} == suggested, str(door)


ENDS_OF_THE_CALENDAR = (
    ("0001-01-01T00:00:00Z", "0001-01-01T01:00:00Z"),
    ("0001-01-01T00:00:00", "0001-01-01T01:00:00"),
    ("9999-12-31T22:00:00Z", "9999-12-31T23:59:59Z"),
    ("9999-12-31T22:00:00", "9999-12-31T23:59:59"),
    ("1969-12-31T23:00:00Z", "1970-01-01T00:00:00Z"),
)


async def test_t2_times_at_the_ends_of_the_calendar_are_refused_by_rules_or_as_malformed(
    fixed: Fixed,
) -> None:
    async with fixed.doors.client() as client:
        for door in ON_THE_GRID:
            if door.path.startswith("/api/admin/"):
                continue  # any date can be closed, or blocked
            for start, end in ENDS_OF_THE_CALENDAR:
                body = fixed.body(door, start_time=start, end_time=end)
                answer = await client.request(door.method, fixed.path(door), json=body)
                judged = door.path.endswith("/judge")
                assert answer.status_code in ((200, 400) if judged else (400, 422)), (str(door), answer.text)
                if answer.status_code == 200:
                    assert answer.json()["allowed"] is False


SAME_INSTANT = (
    "2027-06-03T14:00Z", "2027-06-03t14:00:00z", "2027-06-03 14:00:00Z", "2027-06-03T14:00:00.000Z", "2027-06-03T10:00",
    "2027-06-03T14:00:00-00:00", "2027-06-04T04:00:00+14:00",
)  # fmt: skip


async def test_t3_every_way_to_write_a_time_names_the_same_instant(fixed: Fixed) -> None:
    async with fixed.doors.client() as client:
        for written in SAME_INSTANT:
            times = {"start_time": written, "end_time": "2027-06-03T15:00:00Z"}
            judged = await client.post(
                "/api/bookings/judge", json={"resource_id": fixed.doors.venue.bays[2], **times}
            )
            assert (judged.status_code, judged.json()["allowed"]) == (200, True), judged.text
