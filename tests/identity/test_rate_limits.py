"""Rates in memory and in Redis, and a Redis that goes away."""

import asyncio

import pytest
from structlog.testing import capture_logs

from server.embedded import EmbeddedValkey
from server.errors import TooMany
from server.principal import Principal
from server.service.rate_limits import RateLimits, _MemoryWindows

CUSTOMER = Principal(user_id=1, role="customer")
STAFF = Principal(user_id=2, role="staff")
KIOSK = Principal(user_id=None, device_id=1, role="kiosk")
OTHER_KIOSK = Principal(user_id=None, device_id=2, role="kiosk")


async def allowed(attempt, most=200):
    for count in range(most):
        try:
            await attempt()
        except TooMany as refused:
            return count if refused.retry_after else -1
    return most


async def over(limits):
    """Until the period of a sign-in is over, so that there may be another."""
    await allowed(lambda: limits.sign_in("192.0.2.9", "nobody"))
    async with asyncio.timeout(10):
        while await allowed(lambda: limits.sign_in("192.0.2.9", "nobody"), most=1) == 0:  # noqa: ASYNC110  # Redis tells no one
            await asyncio.sleep(0.02)


@pytest.fixture(params=["memory", "redis"])
async def make_limits(request, redis_url):
    made = []
    url = redis_url if request.param == "redis" else None

    def make(**rates):
        made.append(
            RateLimits(**({"login_rate": "5/minute", "write_rate": "4/minute"} | rates), redis_url=url)
        )
        return made[-1]

    yield make
    for limits in made:
        await limits.close()


async def test_writes_are_counted_by_account_and_staff_have_ten_times_as_many(make_limits):
    limits = make_limits()
    assert await allowed(lambda: limits.write(CUSTOMER)) == 4
    assert await allowed(lambda: limits.write(KIOSK)) == 4
    assert await allowed(lambda: limits.write(STAFF)) == 40


async def test_what_was_refused_does_not_count(make_limits):
    limits = make_limits(write_rate="2/second")
    assert await allowed(lambda: limits.write(CUSTOMER)) == 2
    for _ in range(5):
        with pytest.raises(TooMany):
            await limits.write(CUSTOMER)
    async with asyncio.timeout(10):
        while await allowed(lambda: limits.write(CUSTOMER), most=1) == 0:  # noqa: ASYNC110  # Redis tells no one
            await asyncio.sleep(0.02)


async def test_a7_sign_ins_are_counted_by_address_and_account(make_limits):
    limits = make_limits()
    assert await allowed(lambda: limits.sign_in("192.0.2.1", "ada@example.com")) == 5
    assert await allowed(lambda: limits.sign_in("::ffff:192.0.2.1", " ADA@example.com")) == 0
    assert await allowed(lambda: limits.sign_in("192.0.2.1", "eve@example.com")) == 5
    assert await allowed(lambda: limits.sign_in("192.0.2.2", "ada@example.com")) == 5


async def test_a7_an_address_has_no_more_tries_at_an_accounts_codes_in_an_hour_than_in_a_minute(make_limits):
    limits = make_limits(login_rate="2/second")  # and so an "hour" is a minute
    assert await allowed(lambda: limits.check_code("192.0.2.1", "ada@example.com")) == 2
    assert await allowed(lambda: limits.send_code("192.0.2.1", "ada@example.com")) == 1
    await over(limits)
    assert await allowed(lambda: limits.check_code("192.0.2.1", "ada@example.com")) == 0
    assert await allowed(lambda: limits.send_code("192.0.2.1", "ada@example.com")) == 0
    assert await allowed(lambda: limits.check_code("192.0.2.2", "ada@example.com")) == 2
    assert await allowed(lambda: limits.send_code("192.0.2.2", "ada@example.com")) == 1


async def test_a7_one_address_has_no_more_codes_sent_in_an_hour_than_it_may_ask_for_in_a_minute(make_limits):
    limits = make_limits(login_rate="1/second")  # and so an "hour" is a minute
    numbers = iter(range(1, 1000))

    def ask():
        return limits.send_code("192.0.2.1", f"+1555000{next(numbers):04}")

    assert await allowed(ask) == 10
    await over(limits)
    assert await allowed(ask) == 0
    assert await allowed(lambda: limits.send_code("192.0.2.2", f"+1555000{next(numbers):04}"), most=3) == 3


async def test_a7_pairing_is_counted_by_address_and_for_all_together(make_limits):
    limits = make_limits(login_rate="1/minute")
    assert await allowed(lambda: limits.pair("192.0.2.1")) == 1
    numbers = iter(range(1, 1000))
    assert await allowed(lambda: limits.pair(f"198.51.100.{next(numbers)}")) == 99


async def test_k3_codes_that_are_shown_are_counted_by_kiosk(make_limits):
    limits = make_limits()
    assert await allowed(lambda: limits.check_in(KIOSK)) == 15
    assert await allowed(lambda: limits.check_in(OTHER_KIOSK)) == 15


async def test_a_whole_ipv6_network_is_one_address(make_limits):
    limits = make_limits()
    numbers = iter(range(1, 1000))
    assert await allowed(lambda: limits.sign_in(f"2001:db8::{next(numbers):x}", "ada@example.com")) == 5
    assert await allowed(lambda: limits.sign_in("2001:db8:0:1::1", "ada@example.com")) == 5


async def test_nodes_share_their_counts_by_redis(redis_url):
    one, other = (
        RateLimits(login_rate="5/minute", write_rate="4/minute", redis_url=redis_url) for _ in range(2)
    )
    nodes = iter([one, other] * 100)
    assert await allowed(lambda: next(nodes).write(CUSTOMER)) == 4
    await one.close()
    await other.close()


async def test_p3_without_redis_each_node_counts_by_itself_and_no_request_fails(tmp_path, monkeypatch):
    server = EmbeddedValkey(tmp_path)
    await server.start()
    limits = RateLimits(login_rate="5/minute", write_rate="4/minute", redis_url=server.url)
    await limits.write(CUSTOMER)
    await server.stop()
    assert await allowed(lambda: limits.write(CUSTOMER)) == 4
    assert await allowed(lambda: limits.sign_in("192.0.2.1", "ada")) == 5
    await limits.close()


async def test_an_outage_of_redis_is_said_once_however_many_are_waiting(tmp_path):
    server = EmbeddedValkey(tmp_path)
    await server.start()
    limits = RateLimits(login_rate="5/minute", write_rate="100/minute", redis_url=server.url)
    await server.stop()
    with capture_logs() as said:
        await asyncio.gather(*(limits.write(CUSTOMER) for _ in range(20)))
        await limits.write(CUSTOMER)
    assert [each["event"] for each in said] == ["rate_limits_local"]
    await limits.close()


def test_windows_in_memory_move_and_are_forgotten():
    windows = _MemoryWindows()
    assert windows.hit(("a",), 2, 10.0, 0.0) is None
    assert windows.hit(("a",), 2, 10.0, 4.0) is None
    assert windows.hit(("a",), 2, 10.0, 5.0) == 5.0
    assert windows.hit(("a",), 2, 10.0, 10.0) is None
    assert windows.hit(("a",), 2, 10.0, 10.0) == 4.0
    for n in range(5000):
        windows.hit((str(n),), 2, 10.0, 100.0 + n)
    assert len(windows._windows) < 1100
