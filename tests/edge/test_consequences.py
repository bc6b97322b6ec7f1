"""What a change of configuration would break is told before it is done, and done when it is insisted on (G6)."""

from datetime import UTC, datetime

import pytest

from tests.conftest import NOON
from tests.edge.test_administration import make_location, make_resource, versions

HOUR = 3600
NINE = NOON + 25 * HOUR
"""Tomorrow, Wednesday 2 June, 09:00 in New York."""
OPEN_NINE_TO_FIVE = {day: [["09:00", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}


@pytest.fixture
async def admin(edge):
    return await edge.signed_in("admin")


@pytest.fixture
async def location(admin):
    return await make_location(admin)


@pytest.fixture
async def bay(admin, location):
    return await make_resource(admin, location)


async def book(edge, bay, start, *, minutes=60, status="confirmed", type="CUSTOMER"):  # noqa: A002  # as the column
    [row] = await edge.fetch(
        "INSERT INTO bookings (id, grid_id, code, location_id, resource_id, type, status, start_time, end_time, expires_at, "
        "reschedule_count, created_at, updated_at, judged_by, version) VALUES (gen_random_uuid(), gen_random_uuid()::text, "
        "gen_random_uuid()::text, $1, $2, $3, $4, $5, $6, $7, 0, $7, $7, '{}', 1) RETURNING id",
        bay["location_id"],
        bay["id"],
        type,
        status,
        datetime.fromtimestamp(start, UTC),
        datetime.fromtimestamp(start + minutes * 60, UTC),
        datetime.fromtimestamp(NOON + 60, UTC),
    )
    return str(row["id"])


def found(answer):
    """{booking: codes} of a change that asks."""
    body = answer.json()
    assert (answer.status_code, body["code"]) == (409, "conflict"), answer.text
    assert body["broken"] == len(body["conflicts"]) <= body["ahead"]
    return {each["booking_id"]: each["codes"] for each in body["conflicts"]}


async def test_g6_other_slots_say_which_bookings_would_be_off_the_grid(edge, admin, location, bay):
    path = f"/api/admin/locations/{location['id']}"
    await book(edge, bay, NINE)
    half = await book(edge, bay, NINE + 90 * 60)
    before = await versions(edge, location)
    answer = await admin.patch(path, json={"slot_minutes": 60})
    assert found(answer) == {half: ["off_grid"]}
    told = answer.json()
    assert (told["ahead"], told["broken"]) == (2, 1)
    assert told["detail"].startswith("2 bookings lie ahead: 1 would be off the grid.")
    assert told["conflicts"][0] == {
        "resource_id": bay["id"],
        "start_time": "2027-06-02T14:30:00Z",
        "end_time": "2027-06-02T15:30:00Z",
        "booking_id": half,
        "codes": ["off_grid"],
    }
    # Asked about and not insisted on, nothing is changed; insisted on, it is done at once.
    assert (await admin.get(path)).json()["slot_minutes"] == 30
    assert await versions(edge, location) == before
    confirmed = await admin.patch(path, json={"slot_minutes": 60, "confirm": True})
    assert (confirmed.status_code, confirmed.json()["slot_minutes"]) == (200, 60)
    assert await versions(edge, location) == before + 1
    assert edge.announced[-1] == location["id"]
    # What is off the grid already is not broken again.
    assert found(await admin.patch(path, json={"slot_minutes": 20})) == {}


async def test_g6_another_time_zone_says_what_it_would_do_to_each_booking(edge, admin, bay, location):
    path = f"/api/admin/locations/{location['id']}"
    await admin.patch(path, json={"policy": {"opening_hours": OPEN_NINE_TO_FIVE}})
    morning, evening = await book(edge, bay, NINE), await book(edge, bay, NINE + 7 * HOUR)
    # In London it is five hours later; in Kathmandu a quarter off every half hour; in Toronto all is the same.
    assert found(await admin.patch(path, json={"timezone": "Europe/London"})) == {
        morning: ["wall_time"],
        evening: ["closed", "wall_time"],
    }
    assert found(await admin.patch(path, json={"timezone": "Asia/Kathmandu"})) == {
        morning: ["off_grid", "closed", "wall_time"],
        evening: ["off_grid", "closed", "wall_time"],
    }
    same = await admin.patch(path, json={"timezone": "America/Toronto"})
    assert (found(same), same.json()["ahead"]) == ({}, 2)


async def test_g6_shorter_opening_hours_ask_where_they_leave_a_booking_outside(edge, admin, location, bay):
    path = f"/api/admin/locations/{location['id']}"
    inside, outside = await book(edge, bay, NINE), await book(edge, bay, NINE + 8 * HOUR)
    block = await book(edge, bay, NINE + 10 * HOUR, type="MAINTENANCE")
    hours = {"policy": {"opening_hours": OPEN_NINE_TO_FIVE}}
    answer = await admin.patch(path, json=hours)
    assert found(answer) == {outside: ["closed"]}
    assert "1 would be outside the opening hours" in answer.json()["detail"]
    assert (await admin.patch(path, json={**hours, "confirm": True})).status_code == 200
    # Longer hours, and a policy without anything about hours, break nothing.
    longer = {**OPEN_NINE_TO_FIVE, "sun": [["09:00", "21:00"]]}
    for policy in ({"opening_hours": longer}, {"opening_hours": longer, "min_duration_minutes": 120}, {}):
        assert (await admin.patch(path, json={"policy": policy})).status_code == 200
    assert {inside, outside} & {block} == set()


async def test_g6_closing_a_resource_or_a_location_asks_while_anybody_has_booked_there(
    edge, admin, location, bay
):
    other = await make_resource(admin, location)
    booked, held = await book(edge, bay, NINE), await book(edge, bay, NINE + HOUR, status="held")
    await book(edge, bay, NINE + 2 * HOUR, type="BLOCKED")
    for status in ("cancelled", "expired", "no_show"):
        await book(edge, bay, NINE, status=status)
    await book(edge, other, NOON - 2 * HOUR, status="completed")
    there = {booked: ["inactive"], held: ["inactive"]}
    of_bay, of_location = f"/api/admin/resources/{bay['id']}", f"/api/admin/locations/{location['id']}"
    for path in (of_bay, of_location):
        assert found(await admin.patch(path, json={"active": False})) == there
        assert found(await admin.delete(path)) == there
        assert (await admin.delete(f"{path}?confirm=false")).status_code == 409
        assert (await admin.delete(f"{path}?confirm=maybe")).status_code == 400
    assert (await admin.delete(f"/api/admin/resources/{other['id']}")).status_code == 204
    assert (await admin.patch(of_bay, json={"active": False, "confirm": True})).status_code == 200
    assert (await admin.delete(of_bay)).status_code == 204  # again: closed is closed
    assert (await admin.delete(f"{of_location}?confirm=true")).status_code == 204
    assert (await admin.patch(of_location, json={"active": True, "name": "Open again"})).status_code == 200


async def test_g6_what_is_over_is_nothing_to_ask_about(edge, admin, location, bay):
    await book(edge, bay, NOON - HOUR, status="completed")
    await book(edge, bay, NINE, status="held")
    edge.clock.advance(120)  # nobody confirmed it in time
    for changes in ({"slot_minutes": 20}, {"timezone": "Asia/Kathmandu"}, {"active": False}):
        answer = await admin.patch(f"/api/admin/locations/{location['id']}", json=changes)
        assert answer.status_code == 200, answer.text


async def test_g6_the_first_hundred_are_told_and_all_are_counted(edge, admin, location, bay):
    await edge.fetch(
        "INSERT INTO bookings (id, grid_id, code, location_id, resource_id, type, status, start_time, end_time, "
        "reschedule_count, created_at, updated_at, judged_by, version) SELECT gen_random_uuid(), n::text, n::text, $1, $2, "
        "'CUSTOMER', 'confirmed', $3::timestamptz + n * interval '1 hour', $3::timestamptz + (n + 1) * interval '1 hour', "
        "0, $3, $3, '{}', 1 FROM generate_series(1, 130) n",
        location["id"],
        bay["id"],
        datetime.fromtimestamp(NINE + 1800, UTC),
    )
    told = (await admin.patch(f"/api/admin/locations/{location['id']}", json={"slot_minutes": 60})).json()
    assert (told["ahead"], told["broken"], len(told["conflicts"])) == (130, 130, 100)
    starts = [each["start_time"] for each in told["conflicts"]]
    assert starts == sorted(starts)
    assert starts[0] == "2027-06-02T14:30:00Z"
