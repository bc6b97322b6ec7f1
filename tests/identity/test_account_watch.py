"""What is remembered of accounts: freshness (A5), one query for many, and Postgres away (P2)."""

import asyncio

import pytest

from server.clock import ManualClock
from server.errors import Unavailable
from server.principal import Credential
from server.service.account_watch import AccountWatch
from server.storage.standings import Standing

ONE, TWO, NOBODY = (Credential("user", name) for name in ("1", "2", "1001"))


def user(number):
    return Credential("user", str(number))


class Store:
    """Standings in memory; ``gate`` holds queries back, ``away`` fails them."""

    def __init__(self):
        self.queries = []
        self.away = False
        self.roles = {}
        self.asked = asyncio.Event()
        self.gate = asyncio.Event()
        self.gate.set()

    async def standings(self, asked, now):
        self.queries.append(sorted(asked))
        self.asked.set()
        await self.gate.wait()
        if self.away:
            raise Unavailable
        return {
            credential: Standing(
                holder=credential.holder,
                holder_id=int(credential.name),
                name="",
                role=self.roles.get(int(credential.name), "customer"),
                location_ids=frozenset(),
                alive=True,
            )
            for credential in asked
            if int(credential.name) < 1000
        }


@pytest.fixture
def store():
    return Store()


@pytest.fixture
def watch(store):
    return AccountWatch(store, ManualClock(0))


async def test_what_is_fresh_is_not_asked_again(store, watch):
    for _ in range(3):
        assert (await watch.standing(ONE)).holder_id == 1
    assert len(store.queries) == 1


async def test_a5_what_is_not_fresh_is_asked_again(store, watch):
    await watch.standing(ONE)
    store.roles[1] = "staff"
    assert (await watch.standing(ONE, fresh_seconds=0.0)).role == "staff"


async def test_an_account_that_does_not_exist_is_none(watch):
    assert await watch.standing(NOBODY) is None


async def test_many_who_ask_at_once_share_queries(store, watch):
    found = await asyncio.gather(*(watch.standing(user(n % 50)) for n in range(500)))
    assert [each.holder_id for each in found] == [n % 50 for n in range(500)]
    assert len(store.queries) == 1
    assert len(store.queries[0]) == 50


async def test_those_who_come_during_a_query_get_the_next(store, watch):
    store.gate.clear()
    first = asyncio.create_task(watch.standing(ONE))
    await store.asked.wait()
    store.roles[1] = "staff"
    later = [asyncio.create_task(watch.standing(user(n))) for n in (1, 2, 3)]
    await asyncio.sleep(0)
    store.gate.set()
    await first
    assert [each.holder_id for each in await asyncio.gather(*later)] == [1, 2, 3]
    assert store.queries == [[ONE], [*map(user, (1, 2, 3))]]


async def test_forgetting_an_account_asks_afresh(store, watch):
    await watch.standing(ONE)
    store.roles[1] = "admin"
    watch.forget("user", 1)
    assert (await watch.standing(ONE)).role == "admin"


async def test_p2_what_is_remembered_goes_on_while_postgres_is_away(store, watch):
    await watch.standing(ONE)
    store.away = True
    assert (await watch.standing(ONE, fresh_seconds=0.0)).holder_id == 1
    with pytest.raises(Unavailable):
        await watch.standing(TWO)
    asked = len(store.queries)
    for _ in range(10):
        await watch.standing(ONE, fresh_seconds=0.0)
    assert len(store.queries) == asked


async def test_p2_but_not_for_ever(store, watch, monkeypatch):
    await watch.standing(ONE)
    store.away = True
    monkeypatch.setattr("server.service.account_watch.REMEMBERED_SECONDS", 0.0)
    with pytest.raises(Unavailable):
        await watch.standing(ONE, fresh_seconds=0.0)


async def test_p2_a_postgres_that_hangs_is_not_waited_for(store, watch, monkeypatch):
    monkeypatch.setattr("server.service.account_watch.PATIENCE_SECONDS", 0.01)
    await watch.standing(ONE)
    store.gate.clear()
    assert (await watch.standing(ONE, fresh_seconds=0.0)).holder_id == 1
    store.gate.set()


async def test_whoever_goes_away_does_not_take_the_answer_along(store, watch):
    store.gate.clear()
    first, second = (asyncio.create_task(watch.standing(ONE)) for _ in range(2))
    await store.asked.wait()
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    store.gate.set()
    assert (await second).holder_id == 1


async def test_memory_is_bounded(store, watch, monkeypatch):
    monkeypatch.setattr("server.service.account_watch.MOST_REMEMBERED", 10)
    for n in range(100):
        await watch.standing(user(n))
        assert len(watch._remembered) <= 10


async def test_what_nobody_has_takes_no_memory_from_those_who_have(store, watch):
    await watch.standing(ONE)
    for n in range(1000, 1100):
        assert await watch.standing(user(n)) is None
    assert list(watch._remembered) == [ONE]


async def test_a5_a_device_that_was_revoked_is_not_remembered(store, watch):
    device = Credential("device", "7")
    await watch.standing(device)
    watch.forget("user", 7)
    assert device in watch._remembered
    watch.forget("device", 7)
    assert device not in watch._remembered
