"""Analytics through HTTP: figures as JSON and as CSV, who may ask, and what is no question."""

import csv
import io

import pytest

from server.edge.csv_text import csv_text
from server.edge.routes.analytics import FiguresBody, analytics_endpoints
from server.service.analytics.reports import Reports

PATH = "/api/admin/bookings/analytics"
WEEK = {"from": "2027-06-01", "to": "2027-06-08"}


@pytest.fixture
def edge(make_edge, database):
    return make_edge(extra=tuple(analytics_endpoints(Reports(database))))


@pytest.fixture
async def admin(edge):
    return await edge.signed_in("admin")


async def make_location(admin, name="Riverside", hours=None, timezone="America/New_York"):
    policy = {"opening_hours": hours and {day: [hours] for day in ("mon", "tue", "wed", "thu", "fri", "sat")}}
    answer = await admin.post(
        "/api/admin/locations", json={"name": name, "timezone": timezone, "policy": policy}
    )
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


async def make_bay(admin, location_id, name="Bay 1"):
    answer = await admin.post("/api/admin/resources", json={"location_id": location_id, "name": name})
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


async def book(edge, bay, start, hours=1, status="confirmed", kind="CUSTOMER", made="2027-06-01T12:00Z"):
    await edge.fetch(
        "INSERT INTO bookings (id, grid_id, code, location_id, resource_id, type, status, start_time, end_time, "
        "reschedule_count, created_at, updated_at, judged_by, version) "
        "SELECT gen_random_uuid(), gen_random_uuid()::text, gen_random_uuid()::text, location_id, id, $2, $3, "
        "$4::text::timestamptz, $4::text::timestamptz + $5 * interval '1 hour', 0, $6::text::timestamptz, "
        "$6::text::timestamptz, '{}', 1 FROM resources WHERE id = $1",
        bay,
        kind,
        status,
        start,
        hours,
        made,
    )


async def ask(client, **query):
    answer = await client.get(PATH, params=WEEK | query)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_y1_utilisation_is_booked_time_by_what_was_open_and_not_blocked(edge, admin):
    location = await make_location(admin, hours=["09:00", "19:00"])
    bay = await make_bay(admin, location)
    await book(edge, bay, "2027-06-02T15:00Z", hours=2, made="2027-06-01T15:00Z")
    await book(edge, bay, "2027-06-02T17:00Z", hours=2, status="no_show", made="2027-06-02T16:00Z")
    await book(edge, bay, "2027-06-02T20:00Z", hours=1, status="cancelled")
    await book(edge, bay, "2027-06-02T20:00Z", hours=1, status="expired")
    await book(
        edge, bay, "2027-06-02T11:00Z", hours=4, kind="MAINTENANCE"
    )  # of which 13:00Z to 15:00Z is open
    told = await ask(admin, location_id=location)
    assert {name: told[name] for name in ("from", "to", "group_by", "location_id", "timezone", "peaks")} == {
        "from": "2027-06-01",
        "to": "2027-06-08",
        "group_by": "day",
        "location_id": location,
        "timezone": "America/New_York",
        "peaks": ["2027-06-02"],
    }
    assert [item["key"] for item in told["items"]] == [f"2027-06-0{day}" for day in range(1, 8)]
    assert told["items"][1] == {
        "key": "2027-06-02",
        "name": None,
        "location_id": None,
        "open_minutes": 600,
        "blocked_minutes": 120,
        "booked_minutes": 240,
        "no_show_minutes": 120,
        "utilisation": 0.5,
        "bookings": 2,
        "no_shows": 1,
        "attended": 0,
        "cancellations": 1,
        "late_cancellations": 0,
        "own_cancellations": 0,
        "lead_time_minutes": (24 * 60 + 60) / 2,
    }
    assert told["totals"]["open_minutes"] == 6 * 600  # closed on Sunday
    assert told["totals"]["utilisation"] == round(240 / (3600 - 120), 4)
    sunday = told["items"][5]
    assert (sunday["open_minutes"], sunday["utilisation"], sunday["lead_time_minutes"]) == (0, None, None)
    hours = await ask(admin, location_id=location, group_by="hour")
    assert {item["key"]: item["booked_minutes"] for item in hours["items"] if item["booked_minutes"]} == {
        11: 60, 12: 60, 13: 60, 14: 60
    }  # fmt: skip
    weekdays = await ask(admin, location_id=location, group_by="weekday")
    assert [item["key"] for item in weekdays["items"]] == ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
    assert weekdays["peaks"] == ["wed"]
    assert weekdays["totals"] == hours["totals"] == told["totals"]


async def test_y1_a_day_is_as_long_as_it_is(edge, admin):
    bay = await make_bay(admin, await make_location(admin))
    await book(edge, bay, "2027-03-14T06:00Z", hours=2)  # from one in the morning to four
    spring = await ask(admin, **{"from": "2027-03-14", "to": "2027-03-15"})
    assert spring["items"][0]["open_minutes"] == 23 * 60
    autumn = await ask(admin, **{"from": "2027-11-07", "to": "2027-11-08"}, group_by="hour")
    assert [item["open_minutes"] for item in autumn["items"][:3]] == [60, 120, 60]
    hours = await ask(admin, **{"from": "2027-03-14", "to": "2027-03-15"}, group_by="hour")
    assert {item["key"]: item["booked_minutes"] for item in hours["items"] if item["booked_minutes"]} == {
        1: 60, 3: 60
    }  # fmt: skip
    assert hours["items"][2]["open_minutes"] == 0


async def test_y1_places_are_told_by_name_and_in_order(edge, admin):
    second = await make_location(admin, "Southbank", timezone="Europe/London")
    first = await make_location(admin, "Riverside")
    bays = [
        await make_bay(admin, first, "Bay 1"),
        await make_bay(admin, first, "Bay 2"),
        await make_bay(admin, second),
    ]
    await book(edge, bays[1], "2027-06-02T14:00Z")
    told = await ask(admin, group_by="resource")
    assert told["timezone"] is None
    assert [(item["key"], item["name"], item["location_id"]) for item in told["items"]] == [
        (bays[0], "Bay 1", first),
        (bays[1], "Bay 2", first),
        (bays[2], "Bay 1", second),
    ]
    assert told["peaks"] == [bays[1]]
    told = await ask(admin, group_by="location")
    assert [(item["key"], item["name"], item["bookings"]) for item in told["items"]] == [
        (first, "Riverside", 1),
        (second, "Southbank", 0),
    ]
    await admin.delete(f"/api/admin/resources/{bays[0]}")
    assert [item["key"] for item in (await ask(admin, group_by="resource"))["items"]] == bays[1:]


async def test_y2_the_same_comes_as_csv(edge, admin):
    location = await make_location(admin, 'Fairway, "the" 9')
    bay = await make_bay(admin, location, "=HYPERLINK(1)")
    await book(edge, bay, "2027-06-02T14:00Z")
    answer = await admin.get(PATH, params=WEEK | {"group_by": "resource", "format": "csv"})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/csv; charset=utf-8; header=present"
    assert (
        answer.headers["content-disposition"]
        == 'attachment; filename="baygrid-resource-2027-06-01-2027-06-08.csv"'
    )
    assert answer.content.endswith(b"\r\n")
    [row] = csv.DictReader(io.StringIO(answer.text, newline=""))
    assert (row["location"], row["resource"]) == ('Fairway, "the" 9', "'=HYPERLINK(1)")
    [item] = (await ask(admin, group_by="resource"))["items"]
    assert {name: row[name] for name in FiguresBody.model_fields} == {
        name: "" if item[name] is None else str(item[name]) for name in FiguresBody.model_fields
    }
    for grouping, names in (("day", ["day"]), ("hour", ["hour"]), ("location", ["location_id", "location"])):
        answer = await admin.get(PATH, params=WEEK | {"group_by": grouping, "format": "csv"})
        rows = list(csv.reader(io.StringIO(answer.text, newline="")))
        assert rows[0] == [*names, *FiguresBody.model_fields]
        assert {len(row) for row in rows} == {len(rows[0])}


def test_no_cell_of_a_csv_is_a_formula():
    texts = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "  =1", "＝1", "a=1", ""]
    lines = csv_text(["x"], [[text] for text in texts]).decode()
    read = [row[0] for row in csv.reader(io.StringIO(lines, newline=""), strict=True) if row]
    assert read[1:] == [f"'{text}" for text in texts[:8]] + texts[8:]
    assert csv_text(["a", "b"], [[-1, None], [1.5, 'x"y\nz']]) == b'a,b\r\n-1,\r\n1.5,"x""y\nz"\r\n'


async def test_a1_analytics_are_for_those_who_see_whose_the_time_is(edge, admin):
    location = await make_location(admin)
    other = await make_location(admin, "Southbank")
    for at in (location, other):
        await make_bay(admin, at)
    operator = await edge.signed_in("operator")
    staff = await edge.signed_in("staff", location_ids=[location])
    idle = await edge.signed_in("staff", name="Idle", location_ids=[])
    customer = await edge.signed_in("customer")
    for client, everywhere, here, elsewhere in (
        (admin, 200, 200, 200),
        (operator, 200, 200, 200),
        (staff, 200, 200, 403),
        (idle, 403, 403, 403),
        (customer, 403, 403, 403),
        (edge.client(), 401, 401, 401),
    ):
        assert (await client.get(PATH, params=WEEK)).status_code == everywhere
        assert (await client.get(PATH, params=WEEK | {"location_id": location})).status_code == here
        assert (await client.get(PATH, params=WEEK | {"location_id": other})).status_code == elsewhere
    assert [item["key"] for item in (await ask(staff, group_by="location"))["items"]] == [location]
    assert len((await ask(operator, group_by="location"))["items"]) == 2
    answer = await admin.get(PATH, params=WEEK | {"location_id": 9999})
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    "query",
    [
        {"to": "2027-06-01"},
        {"to": "2027-05-01"},
        {"from": "2025-06-06"},
        {"from": "2027-06-01T00:00:00Z"},
        {"from": "yesterday"},
        {"from": "2027-02-29"},
        {"from": ""},
        {"group_by": "month"},
        {"format": "xml"},
        {"location_id": "x"},
        {"resource_id": "1"},
    ],
)
async def test_what_is_no_question_is_400(edge, query):
    admin = await edge.signed_in("admin")
    answer = await admin.get(PATH, params=WEEK | query)
    assert answer.status_code == 400, answer.text
    assert answer.json()["code"] == "invalid_request"


async def test_any_two_years_can_be_asked_for(edge, admin):
    await make_bay(admin, await make_location(admin))
    for first, to, days in (
        ("2027-01-01", "2029-01-01", 731),
        ("0001-01-01", "0001-01-02", 1),
        ("9999-12-30", "9999-12-31", 1),
    ):
        for grouping in ("day", "hour", "weekday"):
            told = await ask(admin, **{"from": first, "to": to}, group_by=grouping)
            assert told["totals"]["open_minutes"] == pytest.approx(days * 24 * 60, abs=24 * 60)
