"""Administration through HTTP: locations, resources, blackouts; their versions, audit and announcements."""

import asyncio
import json

import pytest

from server.principal import Principal
from server.service.administration.configuration import Configuration
from server.service.administration.locations import Locations
from server.storage.locations import Locations as StoredLocations
from server.wire.diffs import unpack_ops

RIVERSIDE = {"name": "Riverside", "timezone": "America/New_York"}


async def make_location(admin, **fields):
    answer = await admin.post("/api/admin/locations", json=RIVERSIDE | fields)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def make_resource(admin, location, **fields):
    body = {"location_id": location["id"], "name": "Bay"} | fields
    answer = await admin.post("/api/admin/resources", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def book(edge, location, resource, user_id=None, status="confirmed", hours=1):
    await edge.fetch(
        "INSERT INTO bookings (id, grid_id, code, location_id, resource_id, user_id, type, status, start_time, end_time, "
        "reschedule_count, created_at, updated_at, judged_by, version) VALUES (gen_random_uuid(), gen_random_uuid()::text, "
        "'ABC', $1, $2, $3, 'CUSTOMER', $4, '2027-06-02T12:00Z'::timestamptz, '2027-06-02T12:00Z'::timestamptz + $5 * "
        "interval '1 hour', 0, '2027-06-01T12:00Z', '2027-06-01T12:00Z', '{}', 1)",
        location["id"],
        resource["id"],
        user_id,
        status,
        hours,
    )


async def versions(edge, location):
    [row] = await edge.fetch("SELECT version, config_version FROM locations WHERE id = $1", location["id"])
    diffs = await edge.fetch(
        "SELECT version, ops FROM location_diffs WHERE location_id = $1 ORDER BY version", location["id"]
    )
    assert [diff["version"] for diff in diffs] == list(range(1, row["version"] + 1))
    for diff in diffs:
        [op] = unpack_ops(diff["ops"])
        assert (type(op).__name__, op.version) == ("Reload", diff["version"])
    assert row["config_version"] == row["version"]
    return row["version"]


@pytest.fixture
async def admin(edge):
    return await edge.signed_in("admin")


async def test_a_location_is_opened_changed_and_closed(edge, admin):
    location = await make_location(admin, policy={"advance_days": 30})
    assert location["policy"]["advance_days"] == 30
    assert location["policy"]["min_duration_minutes"] == 60
    assert (location["slot_minutes"], location["active"]) == (30, True)
    assert await versions(edge, location) == 0

    path = f"/api/admin/locations/{location['id']}"
    changed = await admin.patch(path, json={"name": "Riverside II", "policy": {"cutoff_minutes": 60}})
    assert changed.json() == location | {
        "name": "Riverside II",
        "policy": location["policy"] | {"advance_days": 14, "cutoff_minutes": 60},
    }
    assert (await admin.get(path)).json() == changed.json()
    assert await versions(edge, location) == 1

    assert (await admin.delete(path)).status_code == 204
    assert (await admin.delete(path)).status_code == 204
    assert await versions(edge, location) == 2
    assert edge.announced == [location["id"]] * 2
    assert (await admin.get(path)).json()["active"] is False
    customer = await edge.signed_in("customer")
    assert (await customer.get("/api/locations")).json() == {"items": [], "next_cursor": None}
    assert (await customer.get(f"/api/resources?location_id={location['id']}")).status_code == 404
    assert [each["id"] for each in (await admin.get("/api/locations")).json()["items"]] == [location["id"]]


async def test_r17_a_change_that_changes_nothing_takes_no_version(edge, admin):
    location = await make_location(admin)
    resource = await make_resource(admin, location)
    before = await versions(edge, location)
    for path, same in (
        (f"/api/admin/locations/{location['id']}", {**RIVERSIDE, "policy": {}}),
        (f"/api/admin/locations/{location['id']}", {}),
        (f"/api/admin/resources/{resource['id']}", {"name": "Bay", "location_id": location["id"]}),
    ):
        assert (await admin.patch(path, json=same)).status_code == 200
    assert await versions(edge, location) == before
    assert edge.announced == [location["id"]]


async def test_a_new_location_has_an_epoch_of_its_own(edge, admin):
    await make_location(admin)
    await make_location(admin)
    rows = await edge.fetch("SELECT epoch FROM locations")
    assert len({row["epoch"] for row in rows}) == 2


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"timezone": "Mars/Olympus"}, "/timezone"),
        ({"timezone": "localtime"}, "/timezone"),
        ({"slot_minutes": 7}, "/slot_minutes"),
        ({"slot_minutes": "30"}, "/slot_minutes"),
        ({"name": "  "}, "/name"),
        ({"name": None}, "/name"),
        ({"policy": {"no_such_key": 1}}, "/policy/no_such_key"),
        ({"policy": {"cutoff_minutes": 10**6 + 1}}, "/policy/cutoff_minutes"),
        ({"policy": {"cutoff_minutes": 1.5}}, "/policy/cutoff_minutes"),
        ({"policy": {"opening_hours": {"mon": [["09:00", "25:00"]]}}}, "/policy/opening_hours/mon/0/1"),
        ({"policy": {"tiers": {"GOLD": {"buffer_minutes": 1}}}}, "/policy/tiers/GOLD/buffer_minutes"),
        ({"policy": []}, "/policy"),
        ({"version": 7}, "/version"),
    ],
)
async def test_wrong_locations_are_400_with_a_pointer(edge, admin, fields, pointer):
    location = await make_location(admin)
    for answer in (
        await admin.post("/api/admin/locations", json=RIVERSIDE | fields),
        await admin.patch(f"/api/admin/locations/{location['id']}", json=fields),
    ):
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")
        assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    assert await versions(edge, location) == 0


async def test_another_time_zone_with_bookings_ahead_must_be_confirmed(edge, admin):
    location = await make_location(admin)
    resource = await make_resource(admin, location)
    path = f"/api/admin/locations/{location['id']}"
    assert (await admin.patch(path, json={"slot_minutes": 15})).status_code == 200
    await book(edge, location, resource, status="cancelled")
    assert (await admin.patch(path, json={"slot_minutes": 30})).status_code == 200
    await book(edge, location, resource)
    for change in ({"timezone": "Europe/Paris"}, {"slot_minutes": 20}):
        answer = await admin.patch(path, json=change)
        assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
        assert "1 booking " in answer.json()["detail"]
    assert (
        await admin.patch(path, json={"name": "Other", "timezone": "America/New_York"})
    ).status_code == 200
    confirmed = await admin.patch(path, json={"timezone": "Europe/Paris", "confirm": True})
    assert confirmed.json()["timezone"] == "Europe/Paris"


async def test_resources_stand_in_order_and_are_closed_rather_than_deleted(edge, admin):
    location = await make_location(admin)
    first = await make_resource(admin, location, name="One")
    last = await make_resource(admin, location, name="Two")
    assert (first["position"], last["position"]) == (0, 1)
    await admin.patch(f"/api/admin/resources/{first['id']}", json={"position": 5, "name": "Uno"})
    await book(edge, location, last)
    assert (await admin.delete(f"/api/admin/resources/{last['id']}?confirm=true")).status_code == 204
    customer = await edge.signed_in("customer")
    path = f"/api/resources?location_id={location['id']}"
    moved = {"id": first["id"], "location_id": location["id"], "name": "Uno", "position": 5, "active": True}
    assert (await customer.get(path)).json()["items"] == [moved]
    assert [each["id"] for each in (await admin.get(path)).json()["items"]] == [last["id"], first["id"]]
    assert (await admin.get(f"/api/admin/{path.removeprefix('/api/')}")).json() == (
        await admin.get(path)
    ).json()
    assert (await admin.get(f"/api/admin/resources/{last['id']}")).json()["active"] is False
    assert await versions(edge, location) == 4


async def test_a_resource_stays_at_its_location(edge, admin):
    here, there = await make_location(admin), await make_location(admin)
    resource = await make_resource(admin, here)
    blackout = await make_blackout(admin, here)
    for path in (f"/api/admin/resources/{resource['id']}", f"/api/admin/blackouts/{blackout['id']}"):
        answer = await admin.patch(path, json={"location_id": there["id"]})
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "/location_id")


BLACKOUT = {"start_time": "2027-06-05T14:00:00Z", "end_time": "2027-06-05T18:00:00Z", "reason": "Cup final"}


async def make_blackout(admin, location, **fields):
    answer = await admin.post(
        "/api/admin/blackouts", json=BLACKOUT | {"location_id": location["id"]} | fields
    )
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_b4_a_blackout_is_made_changed_listed_and_deleted(edge, admin):
    location = await make_location(admin)
    bay, other = await make_resource(admin, location), await make_resource(admin, location)
    whole = await make_blackout(admin, location)
    assert whole == BLACKOUT | {"id": whole["id"], "location_id": location["id"], "resource_ids": None}
    part = await make_blackout(
        admin,
        location,
        start_time="2027-06-05T08:00:00",
        end_time="2027-06-05T09:00:00",
        resource_ids=[other["id"], bay["id"], bay["id"]],
    )
    assert part["start_time"] == "2027-06-05T12:00:00Z"
    assert part["resource_ids"] == [bay["id"], other["id"]]
    path = f"/api/admin/blackouts/{part['id']}"
    changed = (await admin.patch(path, json={"reason": "Repairs", "end_time": "2027-06-05T14:00:00Z"})).json()
    assert changed == part | {"reason": "Repairs", "end_time": "2027-06-05T14:00:00Z"}

    customer = await edge.signed_in("customer")
    listed = f"/api/blackouts?location_id={location['id']}"
    # Why it is closed is what staff wrote for each other (A4).
    told = [each | {"reason": ""} for each in (changed, whole)]
    assert (await admin.get(listed)).json()["items"] == [changed, whole]
    assert (await customer.get(listed)).json()["items"] == told
    window = "&from=2027-06-05T14:00:00Z&to=2027-06-05T15:00:00Z"
    assert (await customer.get(listed + window)).json()["items"] == told[1:]
    assert (await customer.get(listed + "&to=2027-06-05T10:00:00")).json()["items"] == told[:1]

    assert (await admin.get(path)).json() == changed
    assert (await admin.delete(path)).status_code == 204
    assert (await admin.delete(path)).status_code == 404
    assert (await admin.get(path)).status_code == 404
    assert (await customer.get(listed)).json()["items"] == told[1:]
    assert await versions(edge, location) == 6


async def test_t3_a_blackout_at_a_wall_time_that_does_not_exist_or_occurs_twice_is_refused(edge, admin):
    location = await make_location(admin)
    bay = await make_resource(admin, location)
    body = BLACKOUT | {
        "location_id": location["id"],
        "start_time": "2027-03-14T02:30:00",
        "end_time": "2027-03-14T05:00:00",
    }
    answer = await admin.post("/api/admin/blackouts", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "nonexistent_time")
    assert answer.json()["suggestions"][0]["resource_id"] == bay["id"]
    assert answer.json()["suggestions"][0]["start_time"] == "2027-03-14T07:00:00Z"
    answer = await admin.get(f"/api/blackouts?location_id={location['id']}&from=2027-11-07T01:30:00")
    assert (answer.status_code, answer.json()["code"]) == (422, "ambiguous_time")
    assert await versions(edge, location) == 1


@pytest.mark.parametrize(
    ("fields", "status", "pointer"),
    [
        ({"end_time": "2027-06-05T14:00:00Z"}, 400, "/end_time"),
        ({"end_time": "2027-06-05T13:00:00Z"}, 400, "/end_time"),
        ({"end_time": "soon"}, 400, "/end_time"),
        ({"resource_ids": []}, 400, "/resource_ids"),
        ({"resource_ids": ["1"]}, 400, "/resource_ids/0"),
        ({"reason": ""}, 400, "/reason"),
        ({"resource_ids": [2**40]}, 404, None),
    ],
)
async def test_wrong_blackouts(edge, admin, fields, status, pointer):
    location = await make_location(admin)
    blackout = await make_blackout(admin, location)
    for answer in (
        await admin.post("/api/admin/blackouts", json=BLACKOUT | {"location_id": location["id"]} | fields),
        await admin.patch(f"/api/admin/blackouts/{blackout['id']}", json=fields),
    ):
        assert answer.status_code == status, answer.text
        if pointer:
            assert answer.json()["errors"][0]["pointer"] == pointer


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/admin/locations/{}"),
        ("PATCH", "/api/admin/locations/{}"),
        ("DELETE", "/api/admin/locations/{}"),
        ("GET", "/api/admin/resources/{}"),
        ("PATCH", "/api/admin/resources/{}"),
        ("DELETE", "/api/admin/resources/{}"),
        ("GET", "/api/admin/blackouts/{}"),
        ("PATCH", "/api/admin/blackouts/{}"),
        ("DELETE", "/api/admin/blackouts/{}"),
        ("GET", "/api/admin/users/{}"),
        ("PATCH", "/api/admin/users/{}"),
        ("DELETE", "/api/admin/users/{}"),
        ("GET", "/api/admin/users/{}/restrictions"),
        ("DELETE", "/api/admin/users/1/restrictions/{}"),
        ("GET", "/api/resources?location_id={}"),
        ("GET", "/api/blackouts?location_id={}"),
        ("GET", "/api/me?location_id={}"),
    ],
)
async def test_what_does_not_exist_is_404(admin, method, path):
    for unknown in ("999", "2147483647"):
        answer = await admin.request(
            method, path.format(unknown), **({"json": {}} if method == "PATCH" else {})
        )
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), answer.text


@pytest.mark.parametrize("location_id", [999, 2**31, 2**62, 0, -1])
async def test_bodies_that_name_what_does_not_exist_are_404(admin, location_id):
    for path, body in (
        ("resources", {"location_id": location_id, "name": "Bay"}),
        ("blackouts", BLACKOUT | {"location_id": location_id}),
        ("users", {"name": "A", "email": "a@example.com", "location_ids": [location_id]}),
        ("users/1/restrictions", {"restriction_type": "DENY_LOCATION", "value": location_id, "reason": "x"}),
    ):
        answer = await admin.post(f"/api/admin/{path}", json=body)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), answer.text


ADMIN_CALLS = [
    (method, f"/api/admin/{noun}{tail}")
    for noun in ("locations", "resources", "blackouts", "users")
    for method, tail in (("POST", ""), ("GET", "/1"), ("PATCH", "/1"), ("DELETE", "/1"))
] + [
    ("GET", "/api/admin/locations"),
    ("GET", "/api/admin/users"),
    ("GET", "/api/admin/users/1/restrictions"),
    ("POST", "/api/admin/users/1/restrictions"),
    ("DELETE", "/api/admin/users/1/restrictions/1"),
]


@pytest.mark.parametrize("role", ["customer", "staff", "operator"])
async def test_a1_only_admins_administer(edge, role):
    client = await edge.signed_in(role)
    for method, path in ADMIN_CALLS:
        answer = await client.request(method, path, content=b"not even JSON")
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden"), path
    assert await edge.fetch("SELECT FROM audit_events WHERE actor_id IS NOT NULL") == []


async def test_nobody_administers_without_a_token(edge):
    for method, path in ADMIN_CALLS:
        assert (await edge.client().request(method, path, json={})).status_code == 401


async def test_a8_every_change_leaves_an_event_in_its_transaction(edge, admin):
    location = await make_location(admin)
    resource = await make_resource(admin, location)
    await admin.patch(f"/api/admin/resources/{resource['id']}", json={"name": "Other"})
    blackout = await make_blackout(admin, location)
    await admin.delete(f"/api/admin/blackouts/{blackout['id']}")
    events = await edge.fetch(
        "SELECT subject_type, subject_id, event_type, actor_id, metadata, created_at FROM audit_events "
        "WHERE subject_type <> 'user' ORDER BY id"
    )
    assert [(event["subject_type"], event["event_type"]) for event in events] == [
        ("location", "created"),
        ("resource", "created"),
        ("resource", "updated"),
        ("blackout", "created"),
        ("blackout", "deleted"),
    ]
    updated = events[2]
    assert updated["subject_id"] == str(resource["id"])
    assert updated["actor_id"] is not None
    assert updated["metadata"]["before"]["name"] == "Bay"
    assert updated["metadata"]["after"]["name"] == "Other"
    assert updated["metadata"]["cause"] == "command"
    assert updated["created_at"].timestamp() == edge.clock.now()
    assert events[4]["metadata"]["before"]["reason"] == "Cup final"
    assert events[4]["metadata"]["after"] is None


async def test_g6_concurrent_changes_each_take_a_version(edge, admin):
    location = await make_location(admin)
    await asyncio.gather(*(make_resource(admin, location, name=f"Bay {n}") for n in range(8)))
    assert await versions(edge, location) == 8
    listed = (await admin.get(f"/api/resources?location_id={location['id']}")).json()["items"]
    assert [each["position"] for each in listed] == list(range(8))
    assert edge.announced == [location["id"]] * 8


async def test_lists_come_in_pages_that_neither_repeat_nor_skip(edge, admin):
    location = await make_location(admin)
    for n in range(5):
        await make_resource(admin, location, position=n // 2)
        await make_location(admin, name=f"L{n % 2}")
        await make_blackout(admin, location)
    for path, count in (
        (f"/api/resources?location_id={location['id']}", 5),
        ("/api/locations?", 6),
        ("/api/admin/locations?", 6),
        (f"/api/blackouts?location_id={location['id']}", 5),
        ("/api/admin/users?", 1),
    ):
        whole = (await admin.get(path)).json()
        assert (len(whole["items"]), whole["next_cursor"]) == (count, None)
        found: list[object] = []
        cursor: str | None = ""
        while cursor is not None:
            page = (await admin.get(f"{path}&limit=2{cursor and '&cursor=' + cursor}")).json()
            assert len(page["items"]) <= 2
            found += page["items"]
            cursor = page["next_cursor"]
        assert found == whole["items"]


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "W10",
        "bnVsbA",
        "WzEsMl0",
        "WyJhIixudWxsXQ",
        "WyJcdWQ4MDAiLDFd",
        "W" * 600,
        "é",
        "WyJhIiwxZTk5OV0",
    ],
)
async def test_made_up_cursors_are_400(admin, cursor):
    answer = await admin.get("/api/locations", params={"cursor": cursor})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "query:cursor")


@pytest.mark.parametrize("limit", ["0", "201", "x", "-1", "1.5"])
async def test_limits_out_of_range_are_400(admin, limit):
    assert (await admin.get(f"/api/locations?limit={limit}")).status_code == 400


async def test_how_others_are_treated_is_for_staff(edge, admin):
    policy = {"tiers": {"GOLD": {"advance_days": 30}}, "tags": {"troublemaker": {"can_book": False}}}
    location = await make_location(admin, policy=policy)
    for role, fields, sees in (
        ("customer", {}, False),
        ("staff", {"name": "Elsewhere"}, False),
        ("staff", {"location_ids": [location["id"]]}, True),
        ("operator", {}, True),
    ):
        client = await edge.signed_in(role, **fields)
        [listed] = (await client.get("/api/locations")).json()["items"]
        assert ("tags" in listed["policy"]) is sees
        assert "active" not in listed
        assert listed["policy"]["advance_days"] == 14


async def test_a_failed_announcement_is_no_failed_change(database, clock):
    async def fail(_):
        raise RuntimeError("no bus")

    locations = Locations(Configuration(database, clock, fail))
    admin = Principal(user_id=None, role="admin")
    opened = await locations.create(admin, **RIVERSIDE, slot_minutes=30, policy={}, active=True)
    changed = await locations.change(admin, opened.id, {"name": "Other"})
    assert (await locations.get(admin, opened.id)).name == changed.name == "Other"


async def test_p2_locations_and_resources_are_told_from_memory_while_postgres_is_away(edge, admin, database):
    location = await make_location(admin, policy={"advance_days": 3})
    await make_resource(admin, location, name="Bay 1")
    await make_location(admin, name="Not held here")
    customer = await edge.signed_in("customer")
    live = [
        (await customer.get(path)).json()
        for path in ("/api/locations", f"/api/resources?location_id={location['id']}")
    ]
    state = await StoredLocations(database, edge.clock).state(location["id"])
    edge.replicas.append(state)
    await database.close()
    answer = await customer.get("/api/locations")
    assert answer.status_code == 200
    assert answer.json() == {"items": [live[0]["items"][1]], "next_cursor": None, "stale": True}
    answer = await customer.get(f"/api/resources?location_id={location['id']}")
    assert answer.json() == live[1] | {"stale": True}
    elsewhere = await customer.get("/api/resources?location_id=999")
    assert (elsewhere.status_code, elsewhere.json()["code"]) == (503, "unavailable")
    assert int(elsewhere.headers["retry-after"]) >= 1
    answer = await admin.patch(f"/api/admin/locations/{location['id']}", json={"name": "X"})
    assert answer.status_code == 503
    stranger = edge.client("no.such.token")
    assert (await stranger.get("/api/locations")).status_code in (401, 503)
    assert json.loads(answer.content)["code"] == "unavailable"
