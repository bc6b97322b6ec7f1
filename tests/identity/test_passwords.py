"""Passwords: Argon2id, off the loop, few at a time, as much work for nobody as for somebody (A7)."""

import asyncio
import threading

import pytest

from server.errors import Unavailable
from server.service import passwords as module
from server.service.passwords import Passwords

CHEAP = {"time_cost": 1, "memory_cost": 8, "parallelism": 1}


@pytest.fixture
def passwords():
    made = Passwords(**CHEAP)
    yield made
    made.close()


async def test_a7_passwords_are_kept_as_argon2id(passwords):
    kept = await passwords.hash("correct horse")
    assert kept.startswith("$argon2id$")
    assert kept != await passwords.hash("correct horse")
    assert await passwords.matches("correct horse", kept)
    assert not await passwords.matches("wrong horse", kept)


async def test_a7_nobody_has_a_password_that_matches_and_it_takes_the_same_work(passwords, monkeypatch):
    verified = []
    real = passwords._hash.verify

    def verify(*arguments):
        verified.append(arguments)
        return real(*arguments)

    monkeypatch.setattr(passwords._hash, "verify", verify)
    assert not await passwords.matches("the password of no account", None)
    assert not await passwords.matches("x", "no hash at all")
    assert len(verified) == 2


async def test_by_default_a_hash_costs_what_owasp_asks():
    made = Passwords()
    assert "m=65536" in await made.hash("correct horse")
    made.close()


async def test_too_many_at_once_are_turned_away(passwords, monkeypatch):
    monkeypatch.setattr(module, "MAX_WAITING", 3)
    hold, threads = threading.Event(), set()

    def slow(*_):
        threads.add(threading.current_thread().name)
        hold.wait(10)
        return True

    monkeypatch.setattr(passwords, "_verify", slow)
    waiting = [asyncio.create_task(passwords.matches("x", "y")) for _ in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(Unavailable) as refused:
        await passwords.matches("x", "y")
    assert refused.value.retry_after
    hold.set()
    assert await asyncio.gather(*waiting) == [True] * 3
    assert len(threads) <= module.WORKERS
    assert await passwords.matches("x", "y")
