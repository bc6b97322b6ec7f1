"""API keys through HTTP: made, shown once, changed, revoked, and good in a header alone."""

import pytest

from server.edge.authentication import ACCESS_COOKIE
from server.service.access import SCOPES
from tests.edge.test_administration import make_location


@pytest.fixture
async def admin(edge):
    return await edge.signed_in("admin")


@pytest.fixture
async def location(admin):
    return await make_location(admin)


async def make_key(admin, *scopes, **fields):
    body = {"name": "Help desk", "scopes": list(scopes or SCOPES)} | fields
    answer = await admin.post("/api/admin/api-keys", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_a_key_is_shown_once_and_kept_as_a_hash(edge, admin):
    made = await make_key(admin, "grid:read", "context:read", "grid:read")
    key = made.pop("key")
    assert len(key) == len("bgk_") + 43
    assert made == {
        "id": made["id"],
        "name": "Help desk",
        "prefix": key[:12],
        "scopes": ["context:read", "grid:read"],
        "location_ids": None,
        "created_by": (await admin.get("/api/me")).json()["user"]["id"],
        "created_at": "2027-06-01T12:00:00Z",
        "expires_at": None,
        "last_used_at": None,
        "revoked_at": None,
    }
    path = f"/api/admin/api-keys/{made['id']}"
    assert (await admin.get(path)).json() == made
    assert (await admin.get("/api/admin/api-keys")).json() == {"items": [made], "next_cursor": None}
    assert key not in str(await edge.fetch("SELECT * FROM api_keys"))
    assert (await edge.client(key).get("/api/locations")).status_code == 200
    assert (await admin.get(path)).json()["last_used_at"] == "2027-06-01T12:00:00Z"


async def test_a_key_is_good_in_a_header_and_never_in_a_cookie(edge, admin):
    key = (await make_key(admin))["key"]
    assert (await edge.client(key).get("/api/locations")).status_code == 200
    by_cookie = edge.client(cookies={ACCESS_COOKIE: key})
    assert (await by_cookie.get("/api/locations")).status_code == 401


@pytest.mark.parametrize("spoilt", [lambda key: key[:-1], lambda key: key + "A", lambda key: key.replace("bgk_", "bgd_"),
                                    lambda key: key[:-1] + "é", lambda key: key[:4] + "A" * 43])  # fmt: skip
async def test_what_is_no_key_is_401(edge, admin, spoilt):
    key = (await make_key(admin))["key"]
    header = f"Bearer {spoilt(key)}".encode()
    answer = await edge.client().get("/api/locations", headers={b"authorization": header})
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")


async def test_a5_a_revoked_key_is_good_no_longer(edge, admin):
    made = await make_key(admin)
    client, path = edge.client(made["key"]), f"/api/admin/api-keys/{made['id']}"
    assert (await client.get("/api/locations")).status_code == 200
    assert (await admin.delete(path)).status_code == 204
    assert (await client.get("/api/locations")).status_code == 401
    assert (await admin.delete(path)).status_code == 204
    assert (await admin.patch(path, json={"name": "X"})).json()["code"] == "not_active"
    assert (await admin.get("/api/admin/api-keys")).json()["items"] == []
    revoked = (await admin.get("/api/admin/api-keys", params={"revoked": True})).json()["items"]
    assert [each["id"] for each in revoked] == [made["id"]]


async def test_a5_a_key_ends_when_it_says(edge, admin):
    made = await make_key(admin, expires_at="2027-06-01T13:00:00Z")
    client = edge.client(made["key"])
    edge.clock.advance(3599)
    assert (await client.get("/api/locations")).status_code == 200
    edge.clock.advance(1)
    edge.identity.forget(made["id"], "api_key")
    assert (await client.get("/api/locations")).status_code == 401
    admin, path = await edge.signed_in("admin", name="Later"), f"/api/admin/api-keys/{made['id']}"
    assert (await admin.patch(path, json={"expires_at": "2027-06-01T13:00:00Z"})).status_code == 200
    assert (await admin.patch(path, json={"expires_at": "2027-06-01T12:59:59Z"})).status_code == 400
    assert (await admin.patch(path, json={"expires_at": None})).json()["expires_at"] is None
    assert (await client.get("/api/locations")).status_code == 200


async def test_a5_scopes_and_locations_change_at_once(edge, admin, location):
    elsewhere = await make_location(admin, name="Elsewhere")
    made = await make_key(admin, "grid:read")
    client, path = edge.client(made["key"]), f"/api/admin/api-keys/{made['id']}"

    async def seen():
        answer = await client.get("/api/locations")
        return answer.status_code, [each["id"] for each in answer.json().get("items", [])]

    assert await seen() == (200, [elsewhere["id"], location["id"]])
    changed = await admin.patch(path, json={"location_ids": [location["id"], location["id"]]})
    assert changed.json()["location_ids"] == [location["id"]]
    assert await seen() == (200, [location["id"]])
    assert (await client.get("/api/resources", params={"location_id": elsewhere["id"]})).status_code == 404
    await admin.patch(path, json={"scopes": ["customers:read"]})
    assert await seen() == (403, [])
    assert (await client.get("/api/users", params={"q": "a"})).status_code == 200
    assert (await admin.patch(path, json={"location_ids": None})).json()["location_ids"] is None


async def test_a1_a_key_has_no_account_and_administers_nothing(edge, admin, location):
    client = edge.client((await make_key(admin))["key"])
    answers = [
        await client.get("/api/me"),
        await client.patch("/api/me", json={"name": "X"}),
        await client.get("/api/admin/api-keys"),
        await client.post("/api/admin/api-keys", json={"name": "X", "scopes": ["grid:read"]}),
        await client.patch(f"/api/admin/locations/{location['id']}", json={"name": "X"}),
    ]
    assert [answer.status_code for answer in answers] == [403] * 5
    assert answers[0].json()["detail"] == "This API key has no scope for it"


async def test_logging_out_leaves_a_key_as_it_is(edge, admin):
    client = edge.client((await make_key(admin))["key"])
    assert (await client.post("/api/auth/logout")).status_code == 204
    assert (await client.get("/api/locations")).status_code == 200


async def test_p2_a_key_stays_known_while_postgres_is_away(edge, admin):
    key = (await make_key(admin))["key"]
    principal = await edge.identity.authenticate(key)
    await edge.database.close()
    assert await edge.identity.still_valid(principal) == principal


@pytest.mark.parametrize("role", ["operator", "staff", "customer"])
async def test_a1_keys_are_kept_by_admins_alone(edge, admin, role):
    made = await make_key(admin)
    other, path = await edge.signed_in(role), f"/api/admin/api-keys/{made['id']}"
    answers = [
        await other.get("/api/admin/api-keys"),
        await other.post("/api/admin/api-keys", json={"name": "X", "scopes": ["grid:read"]}),
        await other.get(path),
        await other.patch(path, json={"name": "X"}),
        await other.delete(path),
    ]
    assert {answer.status_code for answer in answers} == {403}


@pytest.mark.parametrize(
    ("fields", "status"),
    [({"scopes": []}, 400), ({"scopes": ["everything"]}, 400), ({"scopes": "grid:read"}, 400), ({"name": " "}, 400),
     ({"location_ids": []}, 400), ({"location_ids": [999_999]}, 404), ({"location_ids": [2**40]}, 404),
     ({"expires_at": "2027-06-01T12:00:00Z"}, 400), ({"expires_at": "2027-06-02T12:00:00"}, 400), ({"more": 1}, 400)],
)  # fmt: skip
async def test_what_is_no_key_to_be_made_or_changed(admin, fields, status):
    body = {"name": "Help desk", "scopes": ["grid:read"]} | fields
    assert (await admin.post("/api/admin/api-keys", json=body)).status_code == status
    made = await make_key(admin)
    assert (await admin.patch(f"/api/admin/api-keys/{made['id']}", json=fields)).status_code == status


async def test_keys_are_listed_in_pages(admin):
    ids = [(await make_key(admin, name=f"Key {n}"))["id"] for n in range(3)]
    first = (await admin.get("/api/admin/api-keys", params={"limit": 2})).json()
    rest = (
        await admin.get("/api/admin/api-keys", params={"limit": 2, "cursor": first["next_cursor"]})
    ).json()
    assert [each["id"] for each in first["items"] + rest["items"]] == ids
    assert rest["next_cursor"] is None
    for method in ("GET", "PATCH", "DELETE"):
        body = {"json": {"name": "X"}} if method == "PATCH" else {}
        assert (await admin.request(method, "/api/admin/api-keys/999999", **body)).status_code == 404


async def test_a8_what_is_done_to_a_key_is_in_the_audit_without_its_text(edge, admin):
    made = await make_key(admin, "grid:read")
    path = f"/api/admin/api-keys/{made['id']}"
    await admin.patch(path, json={"scopes": ["context:read"]})
    await admin.patch(path, json={"scopes": ["context:read"]})
    await admin.delete(path)
    rows = await edge.fetch(
        "SELECT event_type, metadata FROM audit_events WHERE subject_type = 'api_key' ORDER BY id"
    )
    assert [row["event_type"] for row in rows] == ["created", "updated", "revoked"]
    assert rows[1]["metadata"]["before"]["scopes"] == ["grid:read"]
    assert rows[1]["metadata"]["after"]["scopes"] == ["context:read"]
    assert made["key"] not in str(rows)
