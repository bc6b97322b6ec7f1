"""Signing in, signing up and new passwords by code, through HTTP; and addresses that nobody has proven."""

import asyncio
import re

import pytest

from server.edge.authentication import ACCESS_COOKIE, REFRESH_COOKIE
from server.service.addresses import Address
from server.service.codes import CODE_SECONDS, MOST_TRIES
from server.storage.retention import CODE_HOURS, forget_old
from tests.edge.conftest import PASSWORD

ADA = {"email": "ada@example.com"}
PHONE = {"phone": "+15551230000"}


async def ask(edge, path="code", **options):
    body = options.pop("json", ADA)
    answer = await edge.client(**options).post(f"/api/auth/{path}", json=body)
    assert (answer.status_code, answer.content) == (202, b"")


async def sent(edge, kind="sign_in_code"):
    """Messages of the kind, the oldest first."""
    return await edge.fetch("SELECT * FROM notifications WHERE kind = $1 ORDER BY id", kind)


def code_in(message):
    found = re.findall(r"\b[0-9]{6}\b", message["body"])
    return found[0] if found else None


async def code(edge, path="code", **options):
    """The code that comes when one is asked for."""
    await ask(edge, path, **options)
    return code_in((await sent(edge, "reset_code" if path == "reset" else "sign_in_code"))[-1])


async def verify(edge, given, body=ADA):
    return await edge.client().post("/api/auth/verify", json=body | {"code": given})


async def login(edge, password=PASSWORD, email="ada@example.com"):
    return await edge.client().post("/api/auth/login", json={"email": email, "password": password})


def another(given):
    return f"{(int(given) + 1) % 10**6:06}"


async def test_the_first_code_opens_a_customers_account_and_the_next_signs_in_to_it(edge):
    browser = edge.client()
    answer = await browser.post(
        "/api/auth/verify",
        json={
            "email": "Ada.lovelace@example.com",
            "code": await code(edge, json={"email": "ada.lovelace@example.com"}),
        },
    )
    assert answer.status_code == 200
    session = answer.json()
    assert (session["token_type"], session["user"]["role"]) == ("Bearer", "customer")
    assert (session["user"]["name"], session["user"]["email"]) == ("Ada Lovelace", "Ada.lovelace@example.com")
    assert {ACCESS_COOKIE, REFRESH_COOKIE} <= set(browser.cookies)
    assert (await browser.patch("/api/me", json={"name": "Countess"})).status_code == 200
    body = {"email": "ADA.LOVELACE@example.com"}
    again = (await verify(edge, await code(edge, json=body), body)).json()
    assert (again["user"]["id"], again["user"]["name"]) == (session["user"]["id"], "Countess")
    me = await edge.client(again["access_token"]).get("/api/me")
    assert (me.json()["email_proven"], me.json()["permissions"]["can_book"]) == (True, True)
    kept = await edge.fetch("SELECT event_type, metadata->>'cause' AS cause FROM audit_events ORDER BY id")
    assert [tuple(each.values()) for each in kept] == [("created", "code"), ("updated", "command")]


async def test_a_phone_signs_up_as_well_by_sms(edge):
    answer = await verify(edge, await code(edge, json=PHONE), PHONE)
    assert (answer.json()["user"]["phone"], answer.json()["user"]["name"]) == (PHONE["phone"], "Guest 0000")
    (message,) = await sent(edge)
    assert (message["channel"], message["recipient"], message["subject"]) == ("sms", PHONE["phone"], None)
    assert answer.json()["user"]["email"] is None
    again = await verify(edge, await code(edge, json=PHONE), PHONE)
    assert again.json()["user"]["id"] == answer.json()["user"]["id"]


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("x@example.com", "X"),
        ("mary-jane.o_hara+golf@example.com", "Mary Jane O Hara"),
        ("+tag@example.com", "Guest"),
        ("émile@example.com", "Émile"),
        ("..@example.com", "Guest"),
    ],
)
def test_a_new_customer_is_named_after_the_address(address, name):
    assert Address("email", address).name() == name


async def test_a7_asking_for_a_code_tells_nothing_and_does_the_same_whoever_has_the_address(edge):
    await edge.account("customer", name="Ada")
    await edge.account("staff", name="Stan")
    closed = await edge.account("customer", name="Gone")
    admin = await edge.signed_in("admin")
    await admin.delete(f"/api/admin/users/{closed.id}")
    for path in ("code", "reset"):
        for name in ("ada", "stan", "gone", "nobody"):
            await ask(edge, path, json={"email": f"{name}@example.com"})
    assert len(await edge.fetch("SELECT 1 FROM one_time_codes")) == 8
    assert [bool(code_in(message)) for message in await sent(edge)] == [True, False, False, True]
    assert [bool(code_in(message)) for message in await sent(edge, "reset_code")] == [
        True,
        True,
        False,
        False,
    ]
    assert "password" in (await sent(edge))[1]["body"]
    assert {message["status"] for message in await sent(edge)} == {"outbox"}


async def test_a7_whatever_is_wrong_with_a_code_is_answered_alike(edge):
    staff = await edge.account("staff", name="Stan")
    ada = await edge.account("customer", name="Ada")
    admin = await edge.signed_in("admin")
    answers = [await verify(edge, "000000", {"email": "nobody@example.com"})]
    right = await code(edge)
    answers += [
        await verify(edge, another(right)),
        await verify(edge, right, {"email": "stan@example.com"}),
        await verify(edge, right, PHONE),
    ]
    reset = await code(edge, "reset")
    if reset != right:
        answers.append(await verify(edge, reset))
    assert (await verify(edge, right)).status_code == 200
    answers.append(await verify(edge, right))
    old = await code(edge)
    edge.clock.advance(CODE_SECONDS)
    answers.append(await verify(edge, old))
    unused = await code(edge)
    await admin.delete(f"/api/admin/users/{ada.id}")
    answers.append(await verify(edge, unused))
    # A code that was sent while they were a customer is of no use to somebody who is staff by now.
    await admin.patch(f"/api/admin/users/{staff.id}", json={"role": "customer"})
    unused = await code(edge, json={"email": "stan@example.com"})
    await admin.patch(f"/api/admin/users/{staff.id}", json={"role": "staff"})
    answers.append(await verify(edge, unused, {"email": "stan@example.com"}))
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.content for answer in answers}) == 1
    assert not any(answer.headers.get_list("set-cookie") for answer in answers)
    assert len(await edge.fetch("SELECT 1 FROM users")) == 3


async def test_a_code_lives_ten_minutes_and_the_next_replaces_it(edge):
    first = await code(edge)
    edge.clock.advance(CODE_SECONDS - 1)
    second = await code(edge)
    if first != second:
        assert (await verify(edge, first)).status_code == 401
    edge.clock.advance(CODE_SECONDS - 1)
    assert (await verify(edge, second)).status_code == 200
    assert await edge.fetch("SELECT 1 FROM one_time_codes") == []


async def test_a7_a_code_is_dead_after_five_wrong_tries_however_many_race(edge):
    right = await code(edge)
    wrong = another(right)
    statuses = {(await verify(edge, wrong)).status_code for _ in range(MOST_TRIES - 1)}
    assert statuses == {401}
    assert (await verify(edge, right)).status_code == 200
    right = await code(edge)
    wrong = another(right)
    answers = await asyncio.gather(*(verify(edge, wrong) for _ in range(20)))
    assert {answer.status_code for answer in answers} == {401}
    assert (await edge.fetch("SELECT tries FROM one_time_codes"))[0]["tries"] == MOST_TRIES
    assert (await verify(edge, right)).status_code == 401
    assert (await verify(edge, await code(edge))).status_code == 200


async def test_of_concurrent_uses_of_a_code_one_wins_and_one_account_is_opened(edge):
    right = await code(edge)
    answers = await asyncio.gather(*(verify(edge, right) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [200, 401, 401, 401, 401]
    assert len(await edge.fetch("SELECT 1 FROM users")) == 1
    assert len(await edge.fetch("SELECT 1 FROM refresh_tokens")) == 1


async def test_whoever_signs_up_while_an_admin_opens_the_account_gets_that_one(edge):
    admin = await edge.signed_in("admin")
    for number in range(5):
        address = {"email": f"rival{number}@example.com"}
        right = await code(edge, json=address)
        entered, opened = await asyncio.gather(
            verify(edge, right, address),
            admin.post("/api/admin/users", json=address | {"name": "Rival"}),
        )
        assert (entered.status_code, opened.status_code in {201, 409}) == (200, True)
        if opened.status_code == 201:
            assert opened.json()["id"] == entered.json()["user"]["id"]


MALFORMED = [
    ("code", {}),
    ("code", ADA | PHONE),
    ("code", {"email": None}),
    ("code", {"email": "ada"}),
    ("code", {"email": "a" * 250 + "@example.com"}),
    ("code", {"email": "ada\x00@example.com"}),
    ("code", {"phone": "5551230000"}),
    ("code", {"phone": "+1555123000٣"}),
    ("code", ADA | {"code": "123456"}),
    ("verify", ADA),
    ("verify", {"code": "123456"}),
    ("verify", ADA | PHONE | {"code": "123456"}),
    ("verify", ADA | {"code": 123456}),
    ("verify", ADA | {"code": "12345"}),
    ("verify", ADA | {"code": "1234567"}),
    ("verify", ADA | {"code": "١٢٣٤٥٦"}),
    ("verify", ADA | {"code": "１２３４５６"}),
    ("verify", ADA | {"code": "12345\n"}),
    ("verify", ADA | {"code": "123456\n"}),
    ("verify", ADA | {"code": "1" * 100_000}),
    ("reset", {}),
    ("reset", PHONE),
    ("reset", ADA | {"code": "123456"}),
    ("reset", ADA | {"password": PASSWORD}),
    ("reset", ADA | {"code": "123456", "password": "too short"}),
    ("reset", ADA | {"code": "123456", "password": "x" * 1001}),
]


async def test_malformed_requests_for_codes_are_400(edge):
    for path, body in MALFORMED:
        answer = await edge.client().post(f"/api/auth/{path}", json=body)
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request"), (path, body)
        assert answer.json()["errors"], (path, body)
    assert await edge.fetch("SELECT 1 FROM one_time_codes") == []


async def test_a7_codes_are_limited_by_address_and_account(make_edge):
    edge = make_edge(login_rate="3/minute")
    for path in ("code", "reset"):
        await ask(edge, path)
    refused = await edge.client().post("/api/auth/code", json={"email": "ADA@example.com"})
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) >= 1
    # The hourly limit is the account's, wherever it is asked from.
    elsewhere = edge.client(address="192.0.2.2")
    assert (await elsewhere.post("/api/auth/reset", json=ADA)).status_code == 202
    assert (await elsewhere.post("/api/auth/reset", json=ADA)).status_code == 429
    assert (await elsewhere.post("/api/auth/code", json=PHONE)).status_code == 202
    for _ in range(3):
        assert (await verify(edge, "123456")).status_code == 401
    assert (await verify(edge, "123456")).status_code == 429
    body = ADA | {"code": "123456", "password": PASSWORD}
    assert (await edge.client().post("/api/auth/reset", json=body)).status_code == 429
    assert (await login(edge)).status_code == 401


async def test_a7_from_one_address_nobody_is_kept_from_signing_in_by_code(make_edge):
    edge = make_edge(login_rate="10/minute")
    mallory, ada = edge.client(address="203.0.113.6"), edge.client(address="192.0.2.1")
    asked = [(await mallory.post("/api/auth/code", json=ADA)).status_code for _ in range(10)]
    assert asked == [202] * 5 + [429] * 5
    guess = ADA | {"code": "123456"}
    tried = [(await mallory.post("/api/auth/verify", json=guess)).status_code for _ in range(11)]
    assert tried == [401] * 10 + [429]
    assert (await ada.post("/api/auth/code", json=ADA)).status_code == 202
    given = code_in((await sent(edge, "sign_in_code"))[-1])
    assert (await ada.post("/api/auth/verify", json=ADA | {"code": given})).status_code == 200


async def test_a6_codes_are_not_for_other_sites_pages(edge):
    for path in ("code", "verify", "reset"):
        answer = await edge.client().post(
            f"/api/auth/{path}", json=ADA, headers={"origin": "http://evil.test"}
        )
        assert answer.status_code == 403


async def test_a7_what_unicode_takes_for_the_same_letter_is_another_mailbox(edge):
    await edge.account("customer", name="Kate")
    kelvin = {"email": "\N{KELVIN SIGN}ate@example.com"}
    before = await edge.fetch("SELECT id FROM users")
    given = await code(edge, json=kelvin)
    if given is not None:  # a database that does not fold it has no such account yet
        assert (await verify(edge, given, {"email": "kate@example.com"})).status_code == 401
        signed_up = await verify(edge, given, kelvin)
        assert signed_up.json()["user"]["id"] not in {row["id"] for row in before}
    assert await code(edge, "reset", json=kelvin) is None or given is not None


async def test_a_code_sets_a_new_password_and_ends_all_sessions(edge):
    ada = await edge.account("staff", name="Ada")
    session = (await login(edge)).json()
    old = edge.client(session["access_token"])
    assert (await old.get("/api/me")).status_code == 200
    edge.clock.advance(1)
    right = await code(edge, "reset")
    browser = edge.client()
    body = ADA | {"code": right, "password": "another password"}
    answer = await browser.post("/api/auth/reset", json=body)
    assert (answer.status_code, answer.json()["user"]["id"]) == (200, ada.id)
    assert (await browser.get("/api/me")).status_code == 200
    assert (await old.get("/api/me")).status_code == 401
    refreshed = await edge.client().post(
        "/api/auth/refresh", json={"refresh_token": session["refresh_token"]}
    )
    assert refreshed.status_code == 401
    assert (await login(edge)).status_code == 401
    assert (await login(edge, "another password")).status_code == 200
    again = await edge.client().post("/api/auth/reset", json=body)
    assert again.status_code == 401
    (event,) = await edge.fetch("SELECT * FROM audit_events WHERE event_type = 'updated'")
    assert (event["actor_id"], event["metadata"]["after"]["password"]) == (ada.id, "changed")
    assert "another password" not in str(event["metadata"])


async def test_a_reset_code_is_tried_and_used_as_any_other(edge):
    await edge.account("customer", name="Ada")
    right = await code(edge, "reset")
    sign_in = await code(edge)

    async def reset(given, email="ada@example.com"):
        body = {"email": email, "code": given, "password": "another password"}
        return (await edge.client().post("/api/auth/reset", json=body)).status_code

    if sign_in != right:
        assert await reset(sign_in) == 401
    assert await reset(right, "nobody@example.com") == 401
    assert sorted(await asyncio.gather(*(reset(right) for _ in range(3)))) == [200, 401, 401]
    right = await code(edge, "reset")
    for _ in range(MOST_TRIES):
        assert await reset(another(right)) == 401
    assert await reset(right) == 401


async def test_what_is_kept_of_a_code_is_a_hash_and_it_is_forgotten(edge):
    right = await code(edge)
    (kept,) = await edge.fetch("SELECT * FROM one_time_codes")
    assert kept["code_hash"].startswith("$argon2id$")
    assert right not in str(kept["code_hash"].split("$")[-1])
    await forget_old(edge.database, edge.clock.now() + CODE_SECONDS + 1)
    assert await edge.fetch("SELECT 1 FROM one_time_codes") == []
    assert len(await sent(edge)) == 1
    await forget_old(edge.database, edge.clock.now() + CODE_HOURS * 3600 + 1)
    assert await sent(edge) == []


# Addresses that nobody has proven


async def test_an_address_that_is_only_claimed_is_its_owners_for_the_asking(edge):
    """Whoever claims somebody's address beforehand does not get into what that person then signs up for."""
    mallory = await edge.signed_in("customer", name="Mallory", phone="+15550000001")
    claimed = await mallory.patch("/api/me", json=ADA)
    assert (claimed.status_code, claimed.json()["email_proven"]) == (200, False)
    assert await code(edge, "reset") is None, "a password is not reset by an address that is only claimed"
    ada = (await verify(edge, await code(edge))).json()["user"]
    me = (await mallory.get("/api/me")).json()
    assert ada["id"] != me["user"]["id"]
    assert (ada["email"], me["user"]["email"]) == ("ada@example.com", None)
    (event,) = await edge.fetch("SELECT * FROM audit_events WHERE metadata->>'cause' = 'proven_by_another'")
    assert (event["subject_id"], event["metadata"]["before"]["email"]) == (
        str(me["user"]["id"]),
        "ada@example.com",
    )
    assert (await mallory.patch("/api/me", json=ADA)).status_code == 409


@pytest.mark.parametrize("field", [ADA, PHONE])
async def test_a7_what_an_admin_enters_is_taken_from_whoever_only_claimed_it(edge, field):
    """Nobody keeps an address from whom it is, nor comes to what an admin means to give to them."""
    admin = await edge.signed_in("admin")
    mallory = await edge.signed_in("customer", name="Mallory")
    [name] = field
    assert (await mallory.patch("/api/me", json=field)).status_code == 200
    mallory_id = (await mallory.get("/api/me")).json()["user"]["id"]
    told = (await admin.get(f"/api/admin/users/{mallory_id}")).json()
    assert (told[name], told[f"{name}_proven"]) == (field[name], False)

    opened = await admin.post("/api/admin/users", json={"name": "Ada", "role": "staff", **field})
    assert opened.status_code == 201, opened.text
    assert (opened.json()[name], opened.json()[f"{name}_proven"]) == (field[name], True)
    assert (await mallory.get("/api/me")).json()["user"][name] is None
    (event,) = await edge.fetch("SELECT * FROM audit_events WHERE metadata->>'cause' = 'proven_by_another'")
    assert (event["subject_id"], event["metadata"]["before"][name]) == (str(mallory_id), field[name])
    assert event["actor_id"] == (await admin.get("/api/me")).json()["user"]["id"]

    other = ADA | PHONE | {"email": "lovelace@example.com", "phone": "+15550000009"}
    assert (await mallory.patch("/api/me", json={name: other[name]})).status_code == 200
    changed = await admin.patch(f"/api/admin/users/{opened.json()['id']}", json={name: other[name]})
    assert (changed.status_code, changed.json()[name]) == (200, other[name])
    assert (await mallory.get("/api/me")).json()["user"][name] is None
    # What is known to be somebody's stays theirs.
    bob = await edge.account("customer", name="Bob", phone="+15550000002")
    taken = await admin.patch(f"/api/admin/users/{opened.json()['id']}", json={name: getattr(bob, name)})
    assert taken.status_code == 409


async def test_a_new_address_is_proven_by_the_code_that_was_sent_to_it(edge):
    me = await edge.signed_in("customer", name="Bob")
    other = await edge.signed_in("customer", name="Mallory")
    await other.patch("/api/me", json=PHONE)
    answer = await me.patch("/api/me", json=PHONE)
    assert answer.status_code == 409
    right = await code(edge, json=PHONE)
    wrong = await me.patch("/api/me", json=PHONE | {"code": another(right)})
    assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (400, "/code")
    answer = await me.patch("/api/me", json=PHONE | {"code": right})
    assert (answer.status_code, answer.json()["phone_proven"]) == (200, True)
    assert (await other.get("/api/me")).json()["user"]["phone"] is None
    assert (await me.patch("/api/me", json=PHONE | {"code": right})).status_code == 400
    signed_in = await verify(edge, await code(edge, json=PHONE), PHONE)
    assert signed_in.json()["user"]["id"] == answer.json()["user"]["id"]
    # What is proven stays so while it is the same, and is so again when an admin says so.
    assert (await me.patch("/api/me", json=PHONE | {"name": "Bo"})).json()["phone_proven"] is True
    assert (await me.patch("/api/me", json={"email": "BOB@example.com"})).json()["email_proven"] is True
    assert (await me.patch("/api/me", json={"email": "bo@example.com"})).json()["email_proven"] is False
    admin = await edge.signed_in("admin")
    await admin.patch(f"/api/admin/users/{answer.json()['user']['id']}", json={"email": "bo@example.com"})
    assert (await me.get("/api/me")).json()["email_proven"] is True


async def test_somebody_elses_proven_address_is_not_taken_even_with_its_code(edge):
    await edge.account("customer", name="Ada")
    mallory = await edge.signed_in("customer", name="Mallory")
    right = await code(edge)
    answer = await mallory.patch("/api/me", json=ADA | {"code": right})
    assert (answer.status_code, answer.json()["code"]) == (409, "duplicate")
    assert (await verify(edge, right)).status_code == 200, "what was refused has not used it up"


async def test_a_code_goes_with_the_one_address_that_it_proves(edge):
    me = await edge.signed_in("customer", name="Bob")
    for body in (
        {"code": "123456"},
        {"name": "X", "code": "123456"},
        ADA | PHONE | {"code": "123456"},
        {"phone": None, "code": "123456"},
        ADA | {"code": "١٢٣٤٥٦"},
        ADA | {"code": None},
    ):
        answer = await me.patch("/api/me", json=body)
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "/code"), body


async def test_a7_whether_an_address_is_taken_cannot_be_asked_often(make_edge):
    edge = make_edge(login_rate="2/minute")
    me = await edge.signed_in("customer", name="Bob")
    statuses = [
        (await me.patch("/api/me", json={"email": f"bob{number}@example.com"})).status_code
        for number in range(3)
    ]
    assert statuses == [200, 200, 429]
    assert (await me.patch("/api/me", json={"name": "Bo"})).status_code == 200
