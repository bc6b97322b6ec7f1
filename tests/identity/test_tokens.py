"""Signing keys and access tokens: rotation, leeway, forgeries."""

import asyncio
import base64
import json
import uuid

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey, OKPKey

from server.errors import ConfigurationError, Unauthenticated, Unavailable
from server.service.tokens import (
    ACCESS_SECONDS,
    ASK_AGAIN_SECONDS,
    LEEWAY_SECONDS,
    RETIRED_SECONDS,
    ROTATE_SECONDS,
    Claims,
    SigningKeys,
)
from server.storage import Database
from server.storage.accounts import Accounts

FAMILY = uuid.UUID("6f1b1c52-8a53-4d0e-9a37-0b0f0a9f4f11")


@pytest.fixture
async def store(database_url):
    database = Database(database_url)
    await database.open()
    yield Accounts(database)
    await database.close()


class NoStore:
    """Keys that are configured are kept nowhere."""

    async def signing_keys(self, *_, **__):
        raise AssertionError("nobody should ask")


def claims(clock, **changes):
    now = clock.now_precise()
    given = {"user_id": 7, "family_id": FAMILY, "issued_at": now, "expires_at": int(now) + ACCESS_SECONDS}
    return Claims(**(given | changes))


def key_set(*keys):
    return json.dumps({"keys": [key.as_dict(private=True) for key in keys]})


async def test_a_token_says_what_was_signed(store, clock):
    keys = SigningKeys(store, clock)
    assert await keys.verify(await keys.sign(claims(clock))) == claims(clock)


async def test_keys_made_once_are_kept_and_shared_by_nodes(store, clock):
    one, other = SigningKeys(store, clock), SigningKeys(store, clock)
    assert await other.verify(await one.sign(claims(clock))) == claims(clock)
    assert await one.verify(await other.sign(claims(clock))) == claims(clock)


class SlowStore:
    """A database that answers when it is told to, or is away."""

    def __init__(self, *keys):
        self.keys = [key.as_dict(private=True) for key in keys]
        self.answers = asyncio.Event()
        self.asked = 0

    async def signing_keys(self, *_, **__):
        self.asked += 1
        await self.answers.wait()
        if not self.keys:
            raise Unavailable
        return self.keys


async def test_a_token_is_not_refused_while_a_node_that_has_just_started_reads_its_keys(clock):
    key = OKPKey.generate_key("Ed25519", auto_kid=True)
    token = await SigningKeys(NoStore(), clock, key_set(key)).sign(claims(clock))
    store = SlowStore(key)
    keys = SigningKeys(store, clock)
    loading = asyncio.create_task(keys.load())
    checks = [asyncio.create_task(keys.verify(token)) for _ in range(3)]
    await asyncio.wait(checks, timeout=0)
    store.answers.set()
    assert await asyncio.gather(*checks) == [claims(clock)] * 3
    await loading
    assert store.asked == 1


async def test_p2_without_keys_a_token_cannot_be_checked_which_is_not_to_say_that_it_is_bad(clock):
    key = OKPKey.generate_key("Ed25519", auto_kid=True)
    token = await SigningKeys(NoStore(), clock, key_set(key)).sign(claims(clock))
    store = SlowStore()
    keys = SigningKeys(store, clock)
    checks = [asyncio.create_task(keys.verify(token)) for _ in range(3)]
    await asyncio.wait(checks, timeout=0)
    store.answers.set()
    failed = await asyncio.gather(*checks, return_exceptions=True)
    assert [type(each) for each in failed] == [Unavailable] * 3
    assert store.asked == 1, "one attempt answers all who waited for it"
    store.keys = [key.as_dict(private=True)]
    assert await keys.verify(token) == claims(clock)


async def test_t7_a_token_is_good_within_a_minute_of_difference(store, clock):
    keys = SigningKeys(store, clock)
    from_ahead = await keys.sign(claims(clock, issued_at=clock.now_precise() + LEEWAY_SECONDS))
    await keys.verify(from_ahead)
    with pytest.raises(Unauthenticated):
        await keys.verify(await keys.sign(claims(clock, issued_at=clock.now_precise() + LEEWAY_SECONDS + 1)))
    token = await keys.sign(claims(clock))
    clock.advance(ACCESS_SECONDS + LEEWAY_SECONDS - 1)
    await keys.verify(token)
    clock.advance(1)
    with pytest.raises(Unauthenticated):
        await keys.verify(token)


async def test_a_key_rotates_by_age_and_is_accepted_until_what_it_signed_has_ended(store, clock, monkeypatch):
    monkeypatch.setattr("server.service.tokens.ASK_AGAIN_SECONDS", -1.0)
    old_node, new_node = SigningKeys(store, clock), SigningKeys(store, clock)
    await old_node.load()
    clock.advance(ROTATE_SECONDS + 1)
    await new_node.load()

    def kid(token):
        return json.loads(base64.urlsafe_b64decode(token.split(".")[0] + "=="))["kid"]

    old, new = await old_node.sign(claims(clock)), await new_node.sign(claims(clock))
    assert kid(old) != kid(new)
    await new_node.verify(old)
    await old_node.verify(new)
    clock.advance(RETIRED_SECONDS + 1)
    late = await SigningKeys(store, clock).sign(claims(clock))
    assert kid(late) == kid(new)
    forgetful = SigningKeys(store, clock)
    await forgetful.load()
    signed_by_old = await old_node.sign(claims(clock))
    if kid(signed_by_old) != kid(old):  # that node has heard of the new key when it verified
        signed_by_old = old
    with pytest.raises(Unauthenticated):
        await forgetful.verify(signed_by_old)


async def test_concurrent_first_starts_agree_on_one_key(store, clock):
    nodes = [SigningKeys(store, clock) for _ in range(5)]
    await asyncio.gather(*(node.load() for node in nodes))
    token = await nodes[0].sign(claims(clock))
    for node in nodes:
        await node.verify(token)


async def test_an_unknown_key_is_asked_for_but_not_all_the_time(clock):
    asked = 0
    own = OKPKey.generate_key("Ed25519", auto_kid=True).as_dict(private=True)

    class Store:
        async def signing_keys(self, *_, **__):
            nonlocal asked
            asked += 1
            return [own]

    keys = SigningKeys(Store(), clock)
    await keys.load()
    stranger = OKPKey.generate_key("Ed25519", auto_kid=True)
    forged = jwt.encode(
        {"alg": "Ed25519", "kid": stranger.kid, "typ": "at+jwt"}, {}, stranger, algorithms=["Ed25519"]
    )
    for _ in range(20):
        with pytest.raises(Unauthenticated):
            await keys.verify(forged)
    assert asked == 1
    assert ASK_AGAIN_SECONDS > 1


async def test_configured_keys_sign_by_the_first_and_accept_all(clock):
    first, second = (OKPKey.generate_key("Ed25519", auto_kid=True) for _ in range(2))
    before = SigningKeys(NoStore(), clock, key_set(second))
    after = SigningKeys(NoStore(), clock, key_set(first, second))
    await after.load()
    old, new = await before.sign(claims(clock)), await after.sign(claims(clock))
    await after.verify(old)
    await after.verify(new)
    with pytest.raises(Unauthenticated):
        await before.verify(new)


@pytest.mark.parametrize(
    "document",
    [
        "",
        "{}",
        "[]",
        '"x"',
        '{"keys": []}',
        '{"keys": [{}]}',
        '{"keys": ["x"]}',
        '{"keys": 5}',
        key_set(OctKey.generate_key(256)),
        key_set(OKPKey.generate_key("X25519")),
        json.dumps({"keys": [OKPKey.generate_key("Ed25519").as_dict(private=False)]}),
    ],
    ids=range(11),
)
def test_keys_that_cannot_be_used_stop_the_start_and_are_not_repeated(clock, document):
    with pytest.raises(ConfigurationError) as refusal:
        SigningKeys(NoStore(), clock, document)
    assert "BAYGRID_SECRET_KEYS" in str(refusal.value)
    assert '"d"' not in str(refusal.value)


async def test_forgeries_are_refused(clock):
    key = OKPKey.generate_key("Ed25519", auto_kid=True)
    keys = SigningKeys(NoStore(), clock, key_set(key))
    await keys.load()
    good = await keys.sign(claims(clock))
    header, body, signature = good.split(".")
    says = json.loads(base64.urlsafe_b64decode(body + "=="))

    def encoded(value):
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    def signed(changes, header=None):
        head = {"alg": "Ed25519", "kid": key.kid, "typ": "at+jwt"} | (header or {})
        return jwt.encode(head, says | changes, key, algorithms=["Ed25519"])

    public = OctKey.import_key(json.dumps(key.as_dict(private=False)).encode())
    forgeries = [
        f"{encoded({'alg': 'none', 'typ': 'at+jwt', 'kid': key.kid})}.{body}.",
        f"{header}.{encoded(says | {'sub': '1'})}.{signature}",
        f"{header}.{body}.{signature[:-4]}AAAA",
        jwt.encode({"alg": "HS256", "kid": key.kid, "typ": "at+jwt"}, says, public),
        signed({"iss": "somebody else"}),
        signed({"sub": "x"}),
        signed({"sub": None}),
        signed({"sid": "x"}),
        signed({"sid": 5}),
        signed({"exp": None}),
        signed({"exp": "Infinity"}),
        signed({"iat": "nan"}),
        signed({}, {"typ": "JWT"}),
        f"{encoded({'alg': 'Ed25519', 'kid': ['x'], 'typ': 'at+jwt'})}.{body}.{signature}",
        good + "x",
        good.replace(".", ""),
        "",
        "...",
        "é",
        "a" * 5000,
    ]
    for forgery in forgeries:
        with pytest.raises(Unauthenticated):
            await keys.verify(forgery)
    await keys.verify(good)
