"""Sign-in, sessions and cookies, through HTTP."""

import asyncio

import pytest

from server.edge.authentication import ACCESS_COOKIE, REFRESH_COOKIE
from server.errors import Unauthenticated
from server.service.administration.users import new_account
from server.service.identity import SESSION_SECONDS
from server.service.tokens import ACCESS_SECONDS, LEEWAY_SECONDS
from server.storage.accounts import Accounts
from tests.edge.conftest import PASSWORD


async def login(client, email="ada@example.com", password=PASSWORD, **options):
    return await client.post("/api/auth/login", json={"email": email, "password": password}, **options)


def cookies_of(answer):
    return {line.split("=")[0]: line for line in answer.headers.get_list("set-cookie")}


async def test_a_password_signs_in(edge):
    ada = await edge.account("staff", name="Ada", tags=("league",), membership_tier="GOLD")
    answer = await login(edge.client(), email=" ADA@example.com ")
    assert answer.status_code == 200
    session = answer.json()
    assert session["token_type"] == "Bearer"
    assert session["expires_in"] == ACCESS_SECONDS
    assert session["user"] == {
        "id": ada.id,
        "name": "Ada",
        "email": "ada@example.com",
        "phone": None,
        "role": "staff",
        "location_ids": [],
        "tags": ["league"],
        "membership_tier": "GOLD",
        "hubspot_id": None,
        "created_at": "2027-06-01T12:00:00Z",
    }
    me = await edge.client(session["access_token"]).get("/api/me")
    assert me.json()["user"] == session["user"]


async def test_the_cookies_are_out_of_reach_of_scripts_and_other_sites(edge):
    await edge.account("customer", name="Ada")
    plain = cookies_of(await login(edge.client()))
    assert "HttpOnly; SameSite=Strict" in plain[ACCESS_COOKIE]
    assert f"Max-Age={ACCESS_SECONDS}" in plain[ACCESS_COOKIE]
    assert "Path=/api/auth;" in plain[REFRESH_COOKIE]
    assert "Secure" not in plain[ACCESS_COOKIE]
    safe = cookies_of(await login(edge.client(base_url="https://baygrid.test")))
    assert all(cookie.endswith("; Secure") for cookie in safe.values())


async def test_a7_a_wrong_password_and_an_unknown_account_are_answered_alike(edge):
    await edge.account("customer", name="Ada")
    await edge.users.create(None, new_account(name="No Password", email="none@example.com"))
    answers = [
        await login(edge.client(), password="not the password"),
        await login(edge.client(), email="nobody@example.com"),
        await login(edge.client(), email="none@example.com"),
        await login(edge.client(), email="not an address"),
        await login(edge.client(), password=""),
    ]
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.content for answer in answers}) == 1
    assert not any(answer.headers.get_list("set-cookie") for answer in answers)


async def test_a7_an_account_has_one_name_to_be_tried_by_however_unicode_folds_letters(edge):
    # Postgres takes İ for i and attempts are counted by what was typed: each i would be another chance to go uncounted.
    await edge.account("customer", name="Lili")
    await edge.account("customer", name="\u00d6d\u00f6n")
    assert (await login(edge.client(), email="LILI@example.com")).status_code == 200
    assert (await login(edge.client(), email="\u00f6D\u00d6N@example.com")).status_code == 200
    wrong = await login(edge.client(), email="nobody@example.com")
    for email in ("L\u0130li@example.com", "Lil\u0130@example.com", "L\u0130L\u0130@example.com"):
        answer = await login(edge.client(), email=email)
        assert (answer.status_code, answer.content) == (401, wrong.content)


async def test_a_closed_account_cannot_sign_in(edge):
    admin, ada = await edge.signed_in("admin"), await edge.account("customer", name="Ada")
    assert (await admin.delete(f"/api/admin/users/{ada.id}")).status_code == 204
    assert (await login(edge.client())).status_code == 401


async def test_a5_a_password_that_is_replaced_while_it_is_checked_begins_no_session(edge):
    admin, ada = await edge.signed_in("admin"), await edge.account("customer", name="Ada")
    accounts = Accounts(edge.database)
    found = await accounts.by_email("ada@example.com")
    assert found is not None
    account, _, tokens_after = found
    edge.clock.advance(1)
    await admin.patch(f"/api/admin/users/{ada.id}", json={"password": "another password"})
    with pytest.raises(Unauthenticated):
        await edge.identity.begin(account, proven_as_of=tokens_after)
    assert (await login(edge.client(), password="another password")).status_code == 200
    await admin.delete(f"/api/admin/users/{ada.id}")
    with pytest.raises(Unauthenticated):
        await edge.identity.begin(account)


async def test_a5_a_session_counts_from_when_the_account_was_last_signed_out_by_whatever_clock(edge):
    ada = await edge.account("customer", name="Ada")
    await edge.fetch("UPDATE users SET tokens_after = tokens_after + interval '30 seconds'")
    session = await edge.identity.begin(ada)
    assert (await edge.client(session.access_token).get("/api/me")).status_code == 200


@pytest.mark.parametrize(
    "body",
    [{}, {"email": "a"}, {"email": 1, "password": "x"}, {"email": "a", "password": "x", "more": 1}, [], "x",
     {"email": "a", "password": "x" * 1001}, {"email": "a\x00", "password": "x"}],
)  # fmt: skip
async def test_malformed_logins_are_400(edge, body):
    assert (await edge.client().post("/api/auth/login", json=body)).status_code == 400


async def test_an_access_token_ends_after_a_quarter_of_an_hour_and_a_minute_of_leeway(edge):
    client = await edge.signed_in("customer")
    edge.clock.advance(ACCESS_SECONDS + LEEWAY_SECONDS - 1)
    assert (await client.get("/api/me")).status_code == 200
    edge.clock.advance(1)
    answer = await client.get("/api/me")
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", "Bearer x", "Bearer x.y.z", "Basic YTpi", "Bearer " + "a" * 9000]
)
async def test_what_is_no_token_is_401(edge, header):
    answer = await edge.client().get("/api/me", headers={"authorization": header})
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")


async def test_no_token_is_401(edge):
    assert (await edge.client().get("/api/me")).status_code == 401


async def test_a_session_goes_on_by_its_refresh_token(edge):
    await edge.account("customer", name="Ada")
    first = (await login(edge.client())).json()
    edge.clock.advance(ACCESS_SECONDS)
    second = await edge.client().post("/api/auth/refresh", json={"refresh_token": first["refresh_token"]})
    assert second.status_code == 200
    assert second.json()["refresh_token"] != first["refresh_token"]
    assert (await edge.client(second.json()["access_token"]).get("/api/me")).status_code == 200


async def test_a_refresh_token_used_twice_ends_the_family(edge):
    await edge.account("customer", name="Ada")
    first = (await login(edge.client())).json()
    other_session = (await login(edge.client())).json()
    second = (
        await edge.client().post("/api/auth/refresh", json={"refresh_token": first["refresh_token"]})
    ).json()
    thief = await edge.client().post("/api/auth/refresh", json={"refresh_token": first["refresh_token"]})
    assert thief.status_code == 401
    for session in (first, second):
        assert (await edge.client(session["access_token"]).get("/api/me")).status_code == 401
    robbed = await edge.client().post("/api/auth/refresh", json={"refresh_token": second["refresh_token"]})
    assert robbed.status_code == 401
    assert (await edge.client(other_session["access_token"]).get("/api/me")).status_code == 200


async def test_a_refresh_token_is_known_for_old_even_when_it_is_forgotten(edge):
    await edge.account("customer", name="Ada")
    tokens = [(await login(edge.client())).json()]
    for _ in range(3):
        edge.clock.advance(86_401)
        answer = await edge.client().post(
            "/api/auth/refresh", json={"refresh_token": tokens[-1]["refresh_token"]}
        )
        tokens.append(answer.json())
    assert len(await edge.fetch("SELECT 1 FROM refresh_tokens")) == 2
    assert (
        await edge.client().post("/api/auth/refresh", json={"refresh_token": tokens[0]["refresh_token"]})
    ).status_code == 401
    assert (await edge.client(tokens[-1]["access_token"]).get("/api/me")).status_code == 401


async def test_of_concurrent_uses_of_a_refresh_token_one_wins_and_the_family_ends(edge):
    await edge.account("customer", name="Ada")
    session = (await login(edge.client())).json()
    body = {"refresh_token": session["refresh_token"]}
    answers = await asyncio.gather(*(edge.client().post("/api/auth/refresh", json=body) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [200, 401, 401, 401, 401]
    won = next(answer.json() for answer in answers if answer.status_code == 200)
    assert (await edge.client(won["access_token"]).get("/api/me")).status_code == 401


async def test_rivals_for_refresh_tokens_that_are_all_of_one_instant_wait_for_one_another_in_one_order(edge):
    await edge.account("customer", name="Ada")
    for _ in range(40):  # of links made at one instant, half lie the wrong way round by their hashes
        body = {"refresh_token": (await login(edge.client())).json()["refresh_token"]}
        rivals = (edge.client().post("/api/auth/refresh", json=body) for _ in range(8))
        answers = await asyncio.gather(*rivals)
        assert sorted(answer.status_code for answer in answers) == [200] + [401] * 7


async def test_a_session_ends_when_it_is_not_refreshed_for_a_month(edge):
    await edge.account("customer", name="Ada")
    session = (await login(edge.client())).json()
    edge.clock.advance(SESSION_SECONDS)
    answer = await edge.client().post("/api/auth/refresh", json={"refresh_token": session["refresh_token"]})
    assert answer.status_code == 401


@pytest.mark.parametrize("token", ["x", "a" * 64, "é", "=" * 64, "AAAA"])
async def test_made_up_refresh_tokens_are_401(edge, token):
    assert (await edge.client().post("/api/auth/refresh", json={"refresh_token": token})).status_code == 401


async def test_refresh_without_any_token_is_401(edge):
    assert (await edge.client().post("/api/auth/refresh")).status_code == 401


async def test_signing_out_ends_the_session_at_once_and_is_no_fault_twice(edge):
    await edge.account("customer", name="Ada")
    session = (await login(edge.client())).json()
    client = edge.client(session["access_token"])
    assert (await client.get("/api/me")).status_code == 200
    for _ in range(2):
        answer = await client.post("/api/auth/logout")
        assert answer.status_code == 204
        assert "Max-Age=0" in cookies_of(answer)[ACCESS_COOKIE]
        assert (await client.get("/api/me")).status_code == 401
    assert (
        await edge.client().post("/api/auth/refresh", json={"refresh_token": session["refresh_token"]})
    ).status_code == 401
    assert (await edge.client().post("/api/auth/logout")).status_code == 204


async def test_signing_out_by_refresh_token_ends_the_session(edge):
    await edge.account("customer", name="Ada")
    session = (await login(edge.client())).json()
    answer = await edge.client().post("/api/auth/logout", json={"refresh_token": session["refresh_token"]})
    assert answer.status_code == 204
    assert (await edge.client(session["access_token"]).get("/api/me")).status_code == 401
    answer = await edge.client().post("/api/auth/logout", json={"refresh_token": "no such token"})
    assert answer.status_code == 204


async def test_a_browser_signs_in_writes_refreshes_and_signs_out_by_cookie(edge):
    await edge.account("customer", name="Ada")
    browser = edge.client(headers={"origin": "http://baygrid.test"})
    assert (await login(browser)).status_code == 200
    assert (await browser.get("/api/me")).status_code == 200
    assert (await browser.patch("/api/me", json={"name": "Ada L."})).status_code == 200
    assert (await browser.post("/api/auth/refresh")).status_code == 200
    assert (await browser.get("/api/me")).json()["user"]["name"] == "Ada L."
    assert (await browser.post("/api/auth/logout")).status_code == 204
    assert (await browser.get("/api/me")).status_code == 401


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.test"},
        {"origin": "null"},
        {"origin": "http://baygrid.test.evil.test"},
        {"origin": "http://baygrid.test:8080"},
        {"origin": "ftp://baygrid.test"},
        {"origin": "http://["},
        {"origin": "http://baygrid.test:nan"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
async def test_a6_writes_by_cookie_from_foreign_origins_are_refused(edge, headers):
    await edge.account("customer", name="Ada")
    browser = edge.client()
    await login(browser)
    answer = await browser.patch("/api/me", json={"name": "Mallory"}, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    for path in ("login", "refresh", "logout"):
        assert (await browser.post(f"/api/auth/{path}", json={}, headers=headers)).status_code == 403
    assert (await browser.get("/api/me", headers=headers)).status_code == 200


async def test_a6_allowed_and_own_origins_may_write_by_cookie(make_edge):
    edge = make_edge(allowed_origins=("https://app.example.com",))
    await edge.account("customer", name="Ada")
    browser = edge.client()
    await login(browser)
    for origin in (
        "https://app.example.com",
        "http://baygrid.test",
        "http://BAYGRID.test:80",
        "https://baygrid.test",
    ):
        answer = await browser.patch("/api/me", json={"language": "en"}, headers={"origin": origin})
        assert answer.status_code == 200, origin
    behind_tls = edge.client(base_url="https://baygrid.test")
    await login(behind_tls)
    answer = await behind_tls.patch("/api/me", json={}, headers={"origin": "http://baygrid.test"})
    assert answer.status_code == 403


async def test_a6_a_bearer_token_may_be_used_from_anywhere(edge):
    client = await edge.signed_in("customer")
    answer = await client.patch("/api/me", json={"language": "fr"}, headers={"origin": "http://evil.test"})
    assert answer.status_code == 200


async def test_a7_sign_in_is_limited_by_address_and_account(make_edge):
    edge = make_edge(login_rate="3/minute")
    await edge.account("customer", name="Ada")
    for _ in range(3):
        assert (await login(edge.client(), password="wrong password")).status_code == 401
    answer = await login(edge.client())
    assert (answer.status_code, answer.json()["code"]) == (429, "too_many_requests")
    assert 1 <= int(answer.headers["retry-after"]) <= 60
    assert (await login(edge.client(), email="ADA@example.com")).status_code == 429
    assert (await login(edge.client(address="192.0.2.2"))).status_code == 200
    assert (await login(edge.client(), email="other@example.com")).status_code == 401


async def test_a7_one_address_cannot_try_many_accounts_nor_one_account_be_tried_from_many(make_edge):
    edge = make_edge(login_rate="1/minute")
    statuses = [(await login(edge.client(), email=f"{n}@example.com")).status_code for n in range(11)]
    assert statuses == [401] * 10 + [429]
    statuses = [
        (await login(edge.client(address=f"198.51.100.{n}"), email="x@example.com")).status_code
        for n in range(11)
    ]
    assert statuses == [401] * 10 + [429]


async def test_writes_are_limited_per_account_and_reads_are_not(make_edge):
    edge = make_edge(write_rate="2/minute")
    customer, staff, other = [
        await edge.signed_in(role, name=name)
        for role, name in (("customer", "A"), ("staff", "B"), ("customer", "C"))
    ]
    statuses = [(await customer.patch("/api/me", json={"language": "en"})).status_code for _ in range(3)]
    assert statuses == [200, 200, 429]
    assert (await other.patch("/api/me", json={})).status_code == 200
    assert (await customer.get("/api/me")).status_code == 200
    statuses = [(await staff.patch("/api/me", json={})).status_code for _ in range(21)]
    assert statuses == [200] * 20 + [429]


async def answered(client, path, status):
    """Returns once the answer has the status; nodes tell nobody that they have asked again."""
    while (await client.get(path)).status_code != status:  # noqa: ASYNC110  # as above
        await asyncio.sleep(0.05)


async def test_a5_what_one_node_revokes_another_refuses_within_five_seconds(make_edge):
    here, there = make_edge(), make_edge()
    await here.account("staff", name="Ada")
    admin = await here.signed_in("admin")
    sessions = [(await login(here.client())).json() for _ in range(2)]
    watched = [there.client(session["access_token"]) for session in sessions]
    for client in watched:
        assert (await client.get("/api/me")).status_code == 200
    user_id = sessions[0]["user"]["id"]
    async with asyncio.timeout(5):
        await admin.patch(f"/api/admin/users/{user_id}", json={"role": "operator"})
        await answered(watched[0], "/api/users?q=x", 200)
    async with asyncio.timeout(5):
        await here.client(sessions[0]["access_token"]).post("/api/auth/logout")
        await answered(watched[0], "/api/me", 401)
    assert (await watched[1].get("/api/me")).status_code == 200
    async with asyncio.timeout(5):
        await admin.delete(f"/api/admin/users/{user_id}")
        await answered(watched[1], "/api/me", 401)
