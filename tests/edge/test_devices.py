"""Kiosks through HTTP: registered, paired, changed and revoked."""

import asyncio

import httpx2
import pytest

from server.edge.authentication import ACCESS_COOKIE, DEVICE_COOKIE_SECONDS, REFRESH_COOKIE
from server.service.administration.devices import CODE_SECONDS
from server.service.identifiers import CODE_ALPHABET
from tests.conftest import NOON
from tests.edge.test_administration import make_location


@pytest.fixture
async def admin(edge):
    return await edge.signed_in("admin")


@pytest.fixture
async def location(admin):
    return await make_location(admin)


async def register(admin, location, name="Lobby screen"):
    answer = await admin.post("/api/admin/devices", json={"location_id": location["id"], "name": name})
    assert answer.status_code == 201, answer.text
    return answer.json()


async def pair(edge, code, **options):
    return await edge.client(**options).post("/api/auth/device", json={"pairing_code": code})


async def paired(edge, admin, location):
    device = await register(admin, location)
    answer = await pair(edge, device["pairing_code"])
    assert answer.status_code == 200, answer.text
    return device["id"], answer.json()["access_token"]


async def test_k1_a_device_is_registered_with_a_code_that_is_told_once(edge, admin, location):
    device = await register(admin, location)
    code = device["pairing_code"]
    assert len(code) == 6
    assert set(code) <= set(CODE_ALPHABET)
    assert device == {
        "id": device["id"],
        "location_id": location["id"],
        "name": "Lobby screen",
        "paired_at": None,
        "last_seen_at": None,
        "revoked_at": None,
        "created_by": (await admin.get("/api/me")).json()["user"]["id"],
        "created_at": "2027-06-01T12:00:00Z",
        "pairing_code": code,
        "expires_at": "2027-06-01T12:10:00Z",
    }
    shown = {name: value for name, value in device.items() if name not in ("pairing_code", "expires_at")}
    assert (await admin.get(f"/api/admin/devices/{device['id']}")).json() == shown
    assert (await admin.get("/api/admin/devices")).json() == {"items": [shown], "next_cursor": None}
    kept = await edge.fetch("SELECT * FROM devices")
    assert code not in str(kept)


async def test_k1_a_code_pairs_a_kiosk_that_sees_its_own_location_alone(edge, admin, location):
    elsewhere = await make_location(admin, name="Elsewhere")
    device = await register(admin, location)
    answer = await pair(edge, device["pairing_code"])
    assert answer.status_code == 200
    assert answer.json() == {
        "access_token": answer.json()["access_token"],
        "device": {"id": device["id"], "location_id": location["id"], "name": "Lobby screen"},
    }
    kiosk = edge.client(answer.json()["access_token"])
    listed = (await kiosk.get("/api/locations")).json()["items"]
    assert [each["id"] for each in listed] == [location["id"]]
    assert (await kiosk.get("/api/resources", params={"location_id": location["id"]})).status_code == 200
    assert (await kiosk.get("/api/resources", params={"location_id": elsewhere["id"]})).status_code == 404
    assert (await kiosk.get("/api/me")).status_code == 404
    assert (await kiosk.patch("/api/me", json={"name": "X"})).status_code == 404
    assert (await kiosk.get("/api/users", params={"q": "a"})).status_code == 403
    assert (await kiosk.get("/api/admin/devices")).status_code == 403
    seen = (await admin.get(f"/api/admin/devices/{device['id']}")).json()
    assert (seen["paired_at"], seen["last_seen_at"]) == ("2027-06-01T12:00:00Z", "2027-06-01T12:00:00Z")


async def test_the_cookie_lets_a_kiosks_page_in_and_signs_out_whoever_was_before(edge, admin, location):
    device = await register(admin, location)
    answer = await pair(edge, device["pairing_code"])
    cookies = {line.split("=")[0]: line for line in answer.headers.get_list("set-cookie")}
    assert f"Max-Age={DEVICE_COOKIE_SECONDS}; HttpOnly; SameSite=Strict" in cookies[ACCESS_COOKIE]
    assert "Max-Age=0" in cookies[REFRESH_COOKIE]
    kiosk = edge.client(cookies={ACCESS_COOKIE: answer.json()["access_token"]})
    assert (await kiosk.get("/api/locations")).status_code == 200


@pytest.mark.parametrize("spelt", ["{0}", " {1}-{2} ", "{1} {2}\n", "{3}"])
async def test_k1_a_code_is_taken_as_people_type_it(edge, admin, location, spelt):
    code = (await register(admin, location))["pairing_code"]
    typed = spelt.format(code, code[:3], code[3:], code.lower())
    assert (await pair(edge, typed)).status_code == 200


async def test_k1_a_code_lives_ten_minutes_by_our_clock(edge, admin, location):
    first, second = await register(admin, location), await register(admin, location)
    edge.clock.advance(CODE_SECONDS - 1)
    assert (await pair(edge, first["pairing_code"])).status_code == 200
    edge.clock.advance(1)
    assert (await pair(edge, second["pairing_code"])).status_code == 401


async def test_k1_a_code_is_good_once_however_many_come_with_it(edge, admin, location):
    code = (await register(admin, location))["pairing_code"]
    answers = await asyncio.gather(*(pair(edge, code) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] + [401] * 7
    tokens = await edge.fetch("SELECT count(token_hash) FROM devices")
    assert tokens == [{"count": 1}]


async def test_a7_what_pairs_nothing_is_answered_alike(edge, admin, location):
    used, over, revoked = [await register(admin, location) for _ in range(3)]
    await pair(edge, used["pairing_code"])
    await admin.delete(f"/api/admin/devices/{revoked['id']}")
    edge.clock.advance(CODE_SECONDS)
    codes = [used["pairing_code"], over["pairing_code"], revoked["pairing_code"], "AAAAAA", "x", "é" * 6]
    answers = [await pair(edge, code) for code in codes]
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.content for answer in answers}) == 1
    assert not any(answer.headers.get_list("set-cookie") for answer in answers)


async def test_a7_pairing_is_rated_by_address_and_for_all_addresses_together(make_edge):
    edge = make_edge(login_rate="2/minute")
    for _ in range(2):
        assert (await pair(edge, "AAAAAA")).status_code == 401
    refused = await pair(edge, "AAAAAA")
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_requests")
    assert int(refused.headers["retry-after"]) > 0
    everybody = [(await pair(edge, "AAAAAA", address=f"198.51.100.{n}")).status_code for n in range(250)]
    assert (everybody[:199], everybody[199:]) == ([401] * 198 + [429], [429] * 51)


async def test_a6_another_sites_page_pairs_nothing(edge, admin, location):
    code = (await register(admin, location))["pairing_code"]
    foreign = edge.client(headers={"origin": "https://elsewhere.example"})
    assert (await foreign.post("/api/auth/device", json={"pairing_code": code})).status_code == 403
    assert (await pair(edge, code)).status_code == 200


@pytest.mark.parametrize("body", [{}, {"pairing_code": 1}, {"pairing_code": "A" * 51}, {"pairing_code": ""}, [], {"pairing_code": "A\x00"}])  # fmt: skip
async def test_malformed_pairings_are_400(edge, body):
    assert (await edge.client().post("/api/auth/device", json=body)).status_code == 400


async def test_a5_a_revoked_device_is_signed_out_at_once_and_for_good(edge, admin, location):
    device_id, token = await paired(edge, admin, location)
    kiosk = edge.client(token)
    assert (await kiosk.get("/api/locations")).status_code == 200
    path = f"/api/admin/devices/{device_id}"
    assert (await admin.delete(path)).status_code == 204
    assert (await kiosk.get("/api/locations")).status_code == 401
    assert (await admin.delete(path)).status_code == 204
    again = await admin.patch(path, json={"pair_again": True})
    assert (again.status_code, again.json()["code"]) == (409, "not_active")
    assert (await admin.get("/api/admin/devices")).json()["items"] == []
    revoked = (await admin.get("/api/admin/devices", params={"revoked": True})).json()["items"]
    assert [(each["id"], each["revoked_at"]) for each in revoked] == [(device_id, "2027-06-01T12:00:00Z")]


async def test_k1_a_screen_is_replaced_by_pairing_again(edge, admin, location):
    device_id, old = await paired(edge, admin, location)
    changed = await admin.patch(f"/api/admin/devices/{device_id}", json={"pair_again": True})
    assert changed.status_code == 200
    assert (await edge.client(old).get("/api/locations")).status_code == 200
    new = (await pair(edge, changed.json()["pairing_code"])).json()["access_token"]
    assert (await edge.client(old).get("/api/locations")).status_code == 401
    assert (await edge.client(new).get("/api/locations")).status_code == 200


async def test_a_new_code_takes_the_place_of_the_one_before(edge, admin, location):
    device = await register(admin, location)
    changed = await admin.patch(f"/api/admin/devices/{device['id']}", json={"pair_again": True})
    assert (await pair(edge, device["pairing_code"])).status_code == 401
    assert (await pair(edge, changed.json()["pairing_code"])).status_code == 200


async def test_a5_a_kiosk_that_is_carried_elsewhere_sees_the_other_location_alone(edge, admin, location):
    elsewhere = await make_location(admin, name="Elsewhere")
    device_id, token = await paired(edge, admin, location)
    path = f"/api/admin/devices/{device_id}"
    moved = await admin.patch(path, json={"location_id": elsewhere["id"], "name": "Bar"})
    assert (moved.json()["location_id"], moved.json()["name"]) == (elsewhere["id"], "Bar")
    listed = (await edge.client(token).get("/api/locations")).json()["items"]
    assert [each["id"] for each in listed] == [elsewhere["id"]]
    assert (await admin.patch(path, json={"location_id": 999_999})).status_code == 404


async def test_a_device_is_seen_to_the_minute(edge, admin, location):
    device_id, token = await paired(edge, admin, location)
    for seconds, seen in ((0, "12:00:00"), (59, "12:00:00"), (1, "12:01:00"), (3600, "13:01:00")):
        edge.clock.advance(seconds)
        edge.identity.forget(device_id, "device")
        assert (await edge.client(token).get("/api/locations")).status_code == 200
        rows = await edge.fetch("SELECT last_seen_at FROM devices")
        assert rows[0]["last_seen_at"].strftime("%H:%M:%S") == seen


async def test_p2_a_kiosk_stays_known_while_postgres_is_away(edge, admin, location):
    _, token = await paired(edge, admin, location)
    principal = await edge.identity.authenticate(token)
    await edge.database.close()
    assert await edge.identity.authenticate(token) == principal
    assert await edge.identity.still_valid(principal) == principal


@pytest.mark.parametrize("role", ["operator", "staff", "customer"])
async def test_a1_devices_are_kept_by_admins_alone(edge, admin, location, role):
    device = await register(admin, location)
    other = await edge.signed_in(role, location_ids=(location["id"],) if role == "staff" else ())
    path = f"/api/admin/devices/{device['id']}"
    answers = [
        await other.get("/api/admin/devices"),
        await other.post("/api/admin/devices", json={"location_id": location["id"], "name": "X"}),
        await other.get(path),
        await other.patch(path, json={"name": "X"}),
        await other.delete(path),
    ]
    assert {answer.status_code for answer in answers} == {403}


@pytest.mark.parametrize(
    ("body", "status"),
    [({"location_id": 999_999, "name": "X"}, 404), ({"location_id": 2**40, "name": "X"}, 404), ({"name": "X"}, 400),
     ({"location_id": 1, "name": " "}, 400), ({"location_id": 1, "name": "X", "more": 1}, 400)],
)  # fmt: skip
async def test_what_cannot_be_registered(admin, body, status):
    assert (await admin.post("/api/admin/devices", json=body)).status_code == status


async def test_devices_are_listed_in_pages_and_by_location(admin, location):
    elsewhere = await make_location(admin, name="Elsewhere")
    here = [(await register(admin, location, f"Screen {n}"))["id"] for n in range(3)]
    there = [(await register(admin, elsewhere))["id"]]

    async def ids(**query):
        page = (await admin.get("/api/admin/devices", params=query)).json()
        return [each["id"] for each in page["items"]], page["next_cursor"]

    first, cursor = await ids(limit=2)
    assert (first, await ids(limit=2, cursor=cursor)) == (here[:2], ([here[2], *there], None))
    assert await ids(location_id=elsewhere["id"]) == (there, None)
    assert await ids(location_id=2**40) == ([], None)


async def test_devices_that_do_not_exist_are_404(admin):
    for method in ("GET", "PATCH", "DELETE"):
        body = {"json": {"name": "X"}} if method == "PATCH" else {}
        answer: httpx2.Response = await admin.request(method, "/api/admin/devices/999999", **body)
        assert answer.status_code == 404


async def test_a8_what_is_done_to_a_device_is_in_the_audit_without_its_secrets(edge, admin, location):
    device_id, token = await paired(edge, admin, location)
    path = f"/api/admin/devices/{device_id}"
    code = (await admin.patch(path, json={"pair_again": True})).json()["pairing_code"]
    await admin.patch(path, json={"name": "Bar"})
    await admin.patch(path, json={"name": "Bar"})
    await admin.delete(path)
    rows = await edge.fetch(
        "SELECT event_type, actor_id, metadata FROM audit_events WHERE subject_type = 'device' ORDER BY id"
    )
    admin_id = (await admin.get("/api/me")).json()["user"]["id"]
    assert [(row["event_type"], row["actor_id"], row["metadata"]["cause"]) for row in rows] == [
        ("created", admin_id, "command"),
        ("paired", None, "pairing"),
        ("updated", admin_id, "command"),
        ("updated", admin_id, "command"),
        ("revoked", admin_id, "command"),
    ]
    assert code not in str(rows)
    assert token not in str(rows)
    assert rows[3]["metadata"]["after"]["name"] == "Bar"


async def test_a8_the_audit_tells_what_every_code_took_the_place_of(edge, admin, location):
    device_id, _ = await paired(edge, admin, location)
    path = f"/api/admin/devices/{device_id}"
    edge.clock.advance(60)
    await admin.patch(path, json={"pair_again": True})
    # Within a second: nothing that is told of the device is another.
    code = (await admin.patch(path, json={"pair_again": True})).json()["pairing_code"]
    assert (await edge.client().post("/api/auth/device", json={"pairing_code": code})).status_code == 200
    rows = await edge.fetch(
        "SELECT event_type, metadata FROM audit_events WHERE subject_type = 'device' ORDER BY id"
    )
    assert [row["event_type"] for row in rows] == ["created", "paired", "updated", "updated", "paired"]
    told = [row["metadata"] for row in rows if row["event_type"] == "paired"]
    assert [(each["before"]["paired_at"], each["after"]["paired_at"]) for each in told] == [
        (None, NOON),
        (NOON, NOON + 60),
    ]
    assert all(each["before"]["pairing_expires_at"] for each in told)
    assert not any(each["after"]["pairing_expires_at"] for each in told)
