"""Accounts and restrictions through HTTP: the caller's own, and all of them for admins."""

import pytest

from tests.edge.conftest import PASSWORD
from tests.edge.test_administration import book, make_location, make_resource, versions


@pytest.fixture
async def admin(edge):
    return await edge.signed_in("admin")


async def make_user(admin, **fields):
    answer = await admin.post("/api/admin/users", json={"name": "Ada", "email": "ada@example.com"} | fields)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def login(edge, email="ada@example.com", password=PASSWORD):
    return await edge.client().post("/api/auth/login", json={"email": email, "password": password})


async def test_an_account_is_opened_changed_and_closed(edge, admin):
    location = await make_location(admin)
    user = await make_user(
        admin,
        password=PASSWORD,
        phone="+15551230000",
        role="staff",
        location_ids=[location["id"], location["id"]],
        tags=["b", "a", "b"],
        membership_tier="GOLD",
        hubspot_id="hs-1",
    )
    assert user == {
        "id": user["id"],
        "name": "Ada",
        "email": "ada@example.com",
        "phone": "+15551230000",
        "role": "staff",
        "location_ids": [location["id"]],
        "tags": ["b", "a"],
        "membership_tier": "GOLD",
        "hubspot_id": "hs-1",
        "created_at": "2027-06-01T12:00:00Z",
        "language": "en",
        "sms_consent": False,
        "active": True,
        "email_proven": True,
        "phone_proven": True,
    }
    path = f"/api/admin/users/{user['id']}"
    assert (await login(edge)).status_code == 200
    changed = await admin.patch(
        path, json={"role": "customer", "location_ids": [], "phone": None, "tags": []}
    )
    assert changed.json() == user | {"role": "customer", "location_ids": [], "phone": None, "tags": []}
    assert (await admin.get(path)).json() == changed.json()
    assert (await admin.delete(path)).status_code == 204
    assert (await admin.delete(path)).status_code == 204
    assert (await login(edge)).status_code == 401
    assert (await admin.get(path)).json()["active"] is False
    assert (await admin.patch(path, json={"active": True})).json()["active"] is True
    assert (await login(edge)).status_code == 200


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"email": "ada"}, "/email"),
        ({"email": "a b@example.com"}, "/email"),
        ({"email": None}, "/email"),
        ({"password": "too short"}, "/password"),
        ({"phone": "555 1230"}, "/phone"),
        ({"name": ""}, "/name"),
        ({"role": "kiosk"}, "/role"),
        ({"role": "root"}, "/role"),
        ({"tags": [""]}, "/tags/0"),
        ({"tags": "vip"}, "/tags"),
        ({"membership_tier": "gold"}, "/membership_tier"),
        ({"location_ids": [True]}, "/location_ids/0"),
        ({"created_at": "2027-06-01T12:00:00Z"}, "/created_at"),
    ],
)
async def test_wrong_accounts_are_400_with_a_pointer(admin, fields, pointer):
    user = await make_user(admin)
    for answer in (
        await admin.post("/api/admin/users", json={"name": "Eve", "email": "eve@example.com"} | fields),
        await admin.patch(f"/api/admin/users/{user['id']}", json=fields),
    ):
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")
        assert answer.json()["errors"][0]["pointer"] == pointer


async def test_a_password_of_ten_characters_is_enough_whatever_it_is_made_of(edge, admin):
    await make_user(admin, password="aaaaaaaaaa")
    assert (await login(edge, password="aaaaaaaaaa")).status_code == 200


async def test_an_address_a_phone_and_a_hubspot_id_belong_to_one_account(admin):
    await make_user(admin, phone="+15551230000", hubspot_id="hs-1")
    other = await make_user(admin, name="Eve", email="eve@example.com")
    for fields, name in (
        ({"email": "ADA@Example.com"}, "email address"),
        ({"phone": "+15551230000"}, "phone number"),
        ({"hubspot_id": "hs-1"}, "HubSpot id"),
    ):
        for answer in (
            await admin.post("/api/admin/users", json={"name": "X", "email": "x@example.com"} | fields),
            await admin.patch(f"/api/admin/users/{other['id']}", json=fields),
        ):
            assert (answer.status_code, answer.json()["code"]) == (409, "duplicate")
            assert answer.json()["detail"] == f"Another account has this {name}"


async def test_a5_a_new_password_signs_the_account_out_everywhere(edge, admin):
    user = await make_user(admin, password=PASSWORD)
    session = (await login(edge)).json()
    client = edge.client(session["access_token"])
    assert (await client.get("/api/me")).status_code == 200
    edge.clock.advance(1)
    await admin.patch(f"/api/admin/users/{user['id']}", json={"password": "another password"})
    assert (await client.get("/api/me")).status_code == 401
    answer = await edge.client().post("/api/auth/refresh", json={"refresh_token": session["refresh_token"]})
    assert answer.status_code == 401
    assert (await login(edge)).status_code == 401
    answer = await login(edge, password="another password")
    assert (await edge.client(answer.json()["access_token"]).get("/api/me")).status_code == 200


async def test_a5_role_and_locations_take_effect_at_once_on_the_node_that_changed_them(edge, admin):
    user = await make_user(admin, password=PASSWORD)
    client = edge.client((await login(edge)).json()["access_token"])
    assert (await client.get("/api/admin/users")).status_code == 403
    await admin.patch(f"/api/admin/users/{user['id']}", json={"role": "admin"})
    assert (await client.get("/api/admin/users")).status_code == 200


async def test_the_last_admin_stays_one(edge, admin):
    [me] = (await admin.get("/api/admin/users?role=admin")).json()["items"]
    path = f"/api/admin/users/{me['id']}"
    for answer in (
        await admin.patch(path, json={"role": "staff"}),
        await admin.patch(path, json={"active": False}),
        await admin.delete(path),
    ):
        assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    await make_user(admin, role="admin")
    assert (await admin.delete(path)).status_code == 204


async def test_passwords_never_reach_the_audit(edge, admin):
    user = await make_user(admin, password="my first secret")
    await admin.patch(f"/api/admin/users/{user['id']}", json={"password": "my second secret"})
    rows = await edge.fetch(
        "SELECT metadata FROM audit_events WHERE subject_id = $1 ORDER BY id", str(user["id"])
    )
    assert "secret" not in str(rows)
    assert "argon2" not in str(rows)
    assert [row["metadata"]["after"]["password"] for row in rows] == ["set", "changed"]


async def test_w1_a_new_name_makes_a_version_where_it_shows(edge, admin):
    here, elsewhere = await make_location(admin), await make_location(admin)
    user = await make_user(admin)
    for location, status in ((here, "confirmed"), (elsewhere, "cancelled")):
        await book(edge, location, await make_resource(admin, location), user["id"], status)
    edge.announced.clear()
    await admin.patch(f"/api/admin/users/{user['id']}", json={"tags": ["vip"]})
    assert edge.announced == []
    await admin.patch(f"/api/admin/users/{user['id']}", json={"name": "Ada King"})
    assert edge.announced == [here["id"]]
    assert (await versions(edge, here), await versions(edge, elsewhere)) == (2, 1)


async def test_accounts_are_found_by_the_beginning_of_a_name_an_address_or_a_phone(edge, admin):
    for name, email, phone in (
        ("Ada Lovelace", "countess@example.com", "+441234567"),
        ("Grace Hopper", "grace_h@example.com", "+15551230000"),
        ("Al_n 100%", "turing@example.com", None),
    ):
        await make_user(admin, name=name, email=email, phone=phone)
    await make_user(admin, name="Adam", email="adam@example.com", role="staff")
    operator = await edge.signed_in("operator")
    for text, names in (
        ("ada", ["Ada Lovelace"]),
        ("LOVE", ["Ada Lovelace"]),
        ("ace", []),
        ("grace_", ["Grace Hopper"]),
        ("1555", ["Grace Hopper"]),
        ("+1555", ["Grace Hopper"]),
        ("al_", ["Al_n 100%"]),
        ("100%", ["Al_n 100%"]),
        ("\\", []),
        ("", ["Ada Lovelace", "Al_n 100%", "Grace Hopper"]),
    ):
        answer = await operator.get("/api/users", params={"q": text})
        assert [each["name"] for each in answer.json()["items"]] == names, text
    assert len((await operator.get("/api/users?limit=1")).json()["items"]) == 1
    listed = await admin.get("/api/admin/users", params={"q": "ada"})
    assert [each["name"] for each in listed.json()["items"]] == ["Ada Lovelace", "Adam"]


async def test_a4_staff_find_those_who_booked_at_their_place_or_told_a_whole_address(edge, admin):
    here, elsewhere = await make_location(admin), await make_location(admin)
    for name, location in (("Ada Guest", here), ("Ada Stranger", elsewhere)):
        user = await make_user(admin, name=name, email=f"{name.split()[1]}@example.com")
        await book(edge, location, await make_resource(admin, location), user["id"], status="cancelled")
    staff = await edge.signed_in("staff", location_ids=(here["id"],))
    for text, names in (
        ("ada", ["Ada Guest"]),
        ("stranger", []),
        ("stranger@EXAMPLE.com", ["Ada Stranger"]),
    ):
        answer = await staff.get("/api/users", params={"q": text})
        assert [each["name"] for each in answer.json()["items"]] == names, text


@pytest.mark.parametrize(
    ("role", "status"), [("customer", 403), ("operator", 200), ("admin", 200), ("staff", 403)]
)
async def test_a1_customers_are_searched_by_staff_of_some_location_and_operators(edge, role, status):
    assert (await (await edge.signed_in(role)).get("/api/users?q=a")).status_code == status


async def test_a_restriction_is_imposed_listed_and_lifted(edge, admin):
    user = await make_user(admin)
    path = f"/api/admin/users/{user['id']}/restrictions"
    body = {
        "restriction_type": "MAX_CONCURRENT",
        "value": 1,
        "reason": "No-shows",
        "expires_at": "2027-07-01T00:00:00+02:00",
    }
    imposed = await admin.post(path, json=body)
    assert imposed.status_code == 201
    restriction = imposed.json()
    [me] = (await admin.get("/api/admin/users?role=admin")).json()["items"]
    assert restriction == body | {
        "id": restriction["id"],
        "user_id": user["id"],
        "expires_at": "2027-06-30T22:00:00Z",
        "created_by": me["id"],
        "created_at": "2027-06-01T12:00:00Z",
    }
    ban = (
        await admin.post(path, json={"restriction_type": "BOOKING_BAN", "value": None, "reason": "x"})
    ).json()
    assert (await admin.get(path)).json()["items"] == [restriction, ban]
    assert (await admin.get(f"{path}?limit=1")).json()["items"] == [restriction]
    assert (await admin.delete(f"/api/admin/users/1/restrictions/{ban['id']}")).status_code == 404
    assert (await admin.delete(f"{path}/{ban['id']}")).status_code == 204
    assert (await admin.delete(f"{path}/{ban['id']}")).status_code == 404
    assert (await admin.get(path)).json()["items"] == [restriction]
    [kept] = await edge.fetch("SELECT lifted_at FROM booking_restrictions WHERE id = $1", ban["id"])
    assert kept["lifted_at"] is not None
    events = await edge.fetch(
        "SELECT event_type FROM audit_events WHERE subject_type = 'restriction' ORDER BY id"
    )
    assert [event["event_type"] for event in events] == ["created", "created", "lifted"]


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"restriction_type": "BOOKING_BAN", "value": 1}, "/value"),
        ({"restriction_type": "MAX_CONCURRENT"}, "/value"),
        ({"restriction_type": "MAX_ADVANCE_DAYS", "value": -1}, "/value"),
        ({"restriction_type": "MAX_ADVANCE_DAYS", "value": 10**6 + 1}, "/value"),
        ({"restriction_type": "DENY_LOCATION"}, "/value"),
        ({"restriction_type": "FINE", "value": 1}, "/restriction_type"),
        ({"restriction_type": "BOOKING_BAN", "reason": " "}, "/reason"),
        ({"restriction_type": "BOOKING_BAN", "expires_at": "2027-06-01T12:00:00Z"}, "/expires_at"),
        ({"restriction_type": "BOOKING_BAN", "expires_at": "2028-06-01T12:00:00"}, "/expires_at"),
    ],
)
async def test_wrong_restrictions_are_400_with_a_pointer(admin, fields, pointer):
    user = await make_user(admin)
    answer = await admin.post(f"/api/admin/users/{user['id']}/restrictions", json={"reason": "x"} | fields)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, pointer)


async def test_me_tells_who_i_am_and_may_be_changed_by_me(edge):
    me = await edge.signed_in("customer", name="Ada")
    body = {
        "name": "Ada L.",
        "phone": "+15551230000",
        "email": "al@example.com",
        "language": "fr-CA",
        "sms_consent": True,
    }
    changed = (await me.patch("/api/me", json=body)).json()
    assert {key: changed["user"][key] for key in ("name", "phone", "email")} == {
        key: body[key] for key in ("name", "phone", "email")
    }
    assert (changed["language"], changed["sms_consent"]) == ("fr-CA", True)
    assert (await me.get("/api/me")).json() == changed
    assert (await me.patch("/api/me", json={"phone": None})).json()["user"]["phone"] is None


@pytest.mark.parametrize(
    "field", [{"role": "admin"}, {"tags": ["vip"]}, {"id": 1}, {"name": None}, {"email": None}, {"language": "x" * 40},
              {"password": "a new password"}, {"sms_consent": 1}]
)  # fmt: skip
async def test_me_cannot_make_myself_more_than_i_am(edge, field):
    me = await edge.signed_in("customer", name="Ada")
    answer = await me.patch("/api/me", json=field)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, f"/{next(iter(field))}")


async def test_r20_my_permissions_are_calculated_from_policy_tier_tags_and_restrictions(edge, admin):
    policy = {
        "advance_days": 10,
        "tiers": {"GOLD": {"advance_days": 30, "concurrent_limit": 5}},
        "tags": {"league": {"concurrent_limit": 8}, "old": {"concurrent_limit": 1}},
    }
    location = await make_location(admin, policy=policy)
    denied = await make_location(admin)
    me = await edge.signed_in("customer", name="Ada", membership_tier="GOLD", tags=("league", "old"))
    user_id = (await me.get("/api/me")).json()["user"]["id"]

    async def permissions(location_id=location["id"]):
        return (await me.get("/api/me", params={"location_id": location_id})).json()["permissions"]

    expected = {
        "can_book": True,
        "max_advance_days": 30,
        "max_concurrent_bookings": 8,
        "denied_locations": [],
    }
    assert await permissions() == expected
    defaults = (await me.get("/api/me")).json()["permissions"]
    assert (defaults["max_advance_days"], defaults["max_concurrent_bookings"]) == (14, 2)

    path = f"/api/admin/users/{user_id}/restrictions"
    for kind, value in (("MAX_ADVANCE_DAYS", 3), ("MAX_CONCURRENT", 20), ("DENY_LOCATION", denied["id"])):
        await admin.post(path, json={"restriction_type": kind, "value": value, "reason": "x"})
    expected |= {"max_advance_days": 3, "denied_locations": [denied["id"]]}
    assert await permissions() == expected
    assert (await permissions(denied["id"]))["can_book"] is False
    ban = {"restriction_type": "BOOKING_BAN", "reason": "x", "expires_at": "2027-06-01T13:00:00Z"}
    await admin.post(path, json=ban)
    assert await permissions() == expected | {"can_book": False}
    edge.clock.advance(600)
    assert (await permissions())["can_book"] is False


async def test_a_customer_cannot_see_an_inactive_location_in_me(edge, admin):
    location = await make_location(admin, active=False)
    me = await edge.signed_in("customer")
    assert (await me.get("/api/me", params={"location_id": location["id"]})).status_code == 404
