"""How often callers may sign in and change things: counted in Redis for all nodes, and in memory where there is none.

Belongs here: which limits there are and what they are counted by. Does not belong here: where a request comes from
(``edge.authentication``). A Redis that is away never fails a request: until it is back each node counts by itself.
"""

import asyncio
import ipaddress
import math
from collections import deque
from typing import Any, cast
from urllib.parse import quote

import structlog
from limits import RateLimitItem, parse
from limits.aio.storage import RedisStorage
from limits.aio.storage.redis.redispy import RedispyBridge
from limits.aio.strategies import MovingWindowRateLimiter
from limits.errors import StorageError

from server.clock import Clock
from server.errors import TooMany
from server.principal import Principal

STAFF_FACTOR = 10
"""Staff and admins may write this many times as often as others."""
CHECK_IN_FACTOR = 3
"""A kiosk takes the codes of many guests, who come at the same hours."""
WIDE_FACTOR = 10
"""One address over all accounts, and one account over all addresses, may try this many times as often as the pair."""
CODE_PERIODS = 60
"""One account over all addresses gets as many codes in so many periods as the pair may ask for in one."""
REDIS_SECONDS = 0.5
"""How long an answer of Redis is waited for."""
REDIS_REST_SECONDS = 5.0
"""How long Redis is left alone after a failure."""

_log = structlog.get_logger(__name__)
_machine = Clock()
"""Redis counts by the machines' own time, wherever ``BAYGRID_NOW`` set ours."""


class RateLimits:
    """The limits in force; make one per process and close it. Rates are as in ``settings``: ``10/minute``."""

    def __init__(
        self,
        *,
        login_rate: str,
        write_rate: str,
        insight_rate: str = "30/hour",
        redis_url: str | None = None,
    ) -> None:
        self._login = parse(login_rate)
        self._login_wide = _times(self._login, WIDE_FACTOR)
        self._codes = _over(self._login, CODE_PERIODS)
        self._codes_wide = _times(self._codes, WIDE_FACTOR)
        self._codes_of_one = type(self._codes)(
            math.ceil(self._codes.amount / 2), self._codes.multiples, self._codes.namespace
        )
        self._pair_wide = _times(self._login_wide, WIDE_FACTOR)
        self._check_in = _times(self._login, CHECK_IN_FACTOR)
        self._insight = parse(insight_rate)
        self._write = parse(write_rate)
        self._write_of_staff = _times(self._write, STAFF_FACTOR)
        self._memory = _MemoryWindows()
        self._redis = None if redis_url is None else _RedisWindows(redis_url)
        self._rest_until = 0.0

    async def sign_in(self, address: str, account: str) -> None:
        """Counts an attempt to sign in to an account (however it is named) from an address.

        The rate is that of the pair, so that nobody can lock somebody else out; the address and the account by
        themselves have ten times that, against those who try many accounts, or from many places.

        Raises:
            TooMany: at the limit; attempts that were refused do not count.
        """
        await self._attempt("login", address, account)

    async def check_code(self, address: str, account: str) -> None:
        """Counts an attempt to show the code of an account; raises as ``sign_in``, whose attempts count apart.

        A code is dead after a few wrong tries: so that nobody can kill all that come to somebody else, an address has no
        more tries in an hour than in a minute.
        """
        await self._attempt("check-code", address, account)
        await self._hit(self._codes, "check-code-hourly", network_of(address), _named(account))

    async def send_code(self, address: str, account: str) -> None:
        """Counts a wish for a code; raises as ``sign_in``.

        Besides, an account gets no more codes in an hour than one address may ask for in a minute: every code can be
        guessed at a few times, and every message costs somebody money and patience. One address may have half of them, so
        that nobody can leave somebody else without; and for all accounts together no more in an hour than in a minute.
        """
        await self._attempt("send-code", address, account)
        await self._hit(self._codes_wide, "send-code-hourly-from", network_of(address))
        await self._hit(self._codes_of_one, "send-code-hourly-to", network_of(address), _named(account))
        await self._hit(self._codes, "send-code-hourly", _named(account))

    async def change_address(self, principal: Principal) -> None:
        """Counts a change of one's own address, which tells whether somebody else has it; raises as ``sign_in``."""
        await self._hit(self._login, "change-address", principal.key)

    async def pair(self, address: str) -> None:
        """Counts an attempt to pair a device from an address.

        An address has the rate of a sign-in. All together have a hundred times that: codes live for minutes, and of the
        730 million there are so few can be tried meanwhile that finding one is hopeless from however many addresses.

        Raises:
            TooMany: at the limit.
        """
        await self._hit(self._login, "pair", network_of(address))
        await self._hit(self._pair_wide, "pair-all")

    async def check_in(self, principal: Principal) -> None:
        """Counts a booking's code that somebody shows, of which others could be guessed.

        Raises:
            TooMany: at the limit.
        """
        await self._hit(self._check_in, "check-in", principal.key)

    async def analyse(self, principal: Principal) -> None:
        """Counts a question to Claude, which costs money; raises ``TooMany`` at the limit."""
        await self._hit(self._insight, "insight", principal.key)

    async def write(self, principal: Principal) -> None:
        """Counts a change, or an attempt at one, over HTTP or a socket.

        Raises:
            TooMany: at the limit.
        """
        rate = self._write_of_staff if principal.role in ("staff", "operator", "admin") else self._write
        await self._hit(rate, "write", principal.key)

    async def show_link(self, address: str) -> None:
        """Asks whether an address may show a link whose secret is all that it proves.

        Only wrong ones count (``count_wrong_link``), as many as sign-ins of an address: who fetches the calendars of many
        people from one place has the right ones.

        Raises:
            TooMany: at the limit.
        """
        await self._hit(self._login_wide, "link", network_of(address), counts=False)

    async def count_wrong_link(self, address: str) -> None:
        """Counts a link that opened nothing; raises as ``show_link``."""
        await self._hit(self._login_wide, "link", network_of(address))

    async def close(self) -> None:
        """Closes the connection to Redis."""
        if self._redis is not None:
            await self._redis.close()

    async def _attempt(self, name: str, address: str, account: str) -> None:
        address, account = network_of(address), _named(account)
        await self._hit(self._login, name, address, account)
        await self._hit(self._login_wide, f"{name}-address", address)
        await self._hit(self._login_wide, f"{name}-account", account)

    async def _hit(self, rate: RateLimitItem, *name: str, counts: bool = True) -> None:
        wait = await self._wait(rate, name, counts=counts)
        if wait is not None:
            raise TooMany(f"At most {rate.amount} {_per(rate)}", retry_after=max(1, math.ceil(wait)))

    async def _wait(self, rate: RateLimitItem, name: tuple[str, ...], *, counts: bool) -> float | None:
        now = asyncio.get_running_loop().time()
        if self._redis is not None and now >= self._rest_until:
            try:
                return await self._redis.hit(rate, name, counts=counts)
            except (StorageError, OSError, TimeoutError) as error:
                # Of the many that wait when it goes away, the first that gives up says so for all.
                if now >= self._rest_until:
                    _log.warning("rate_limits_local", reason=str(error))
                self._rest_until = asyncio.get_running_loop().time() + REDIS_REST_SECONDS
        return self._memory.hit(name, rate.amount, rate.get_expiry(), now, counts=counts)


class _MemoryWindows:
    """Moving windows of this process. O(1) a hit, amortised; a name is forgotten once its window is empty."""

    def __init__(self) -> None:
        self._windows: dict[tuple[str, ...], deque[float]] = {}
        self._sweep_at = 1024

    def hit(
        self, name: tuple[str, ...], amount: int, seconds: float, now: float, *, counts: bool = True
    ) -> float | None:
        """None if there is room for a hit, which then ``counts``; else how many seconds to wait until there will be."""
        if not counts and name not in self._windows:
            return None
        window = self._windows.setdefault(name, deque(maxlen=amount))
        while window and window[0] <= now:
            window.popleft()
        if len(window) == amount:
            return window[0] - now
        if not counts:
            return None
        window.append(now + seconds)
        if len(self._windows) >= self._sweep_at:
            self._windows = {each: ends for each, ends in self._windows.items() if ends and ends[-1] > now}
            self._sweep_at = max(1024, 2 * len(self._windows))
        return None


class _RedisWindows:
    """Moving windows that all nodes share."""

    def __init__(self, url: str) -> None:
        uri = f"async+{'redis+' if url.startswith('unix:') else ''}{url}"
        self._storage = RedisStorage(
            uri,
            wrap_exceptions=True,
            implementation="redispy",
            key_prefix="baygrid:limits",
            socket_timeout=REDIS_SECONDS,
            socket_connect_timeout=REDIS_SECONDS,
        )
        self._limiter = MovingWindowRateLimiter(self._storage)

    async def hit(self, rate: RateLimitItem, name: tuple[str, ...], *, counts: bool) -> float | None:
        if await (self._limiter.hit if counts else self._limiter.test)(rate, *name):
            return None
        reset_at, _ = await self._limiter.get_window_stats(rate, *name)
        return reset_at - _machine.now_precise()

    async def close(self) -> None:
        client: Any = cast("RedispyBridge", self._storage.bridge).get_connection()
        await client.aclose()


def _times(rate: RateLimitItem, factor: int) -> RateLimitItem:
    return type(rate)(rate.amount * factor, rate.multiples, rate.namespace)


def _over(rate: RateLimitItem, periods: int) -> RateLimitItem:
    return type(rate)(rate.amount, rate.multiples * periods, rate.namespace)


def _per(rate: RateLimitItem) -> str:
    period = rate.GRANULARITY.name
    return f"per {period}" if rate.multiples == 1 else f"in {rate.multiples} {period}s"


def _named(account: str) -> str:
    return quote(account.strip().lower()[:320])


def network_of(address: str) -> str:
    """What callers from an address are counted by: of IPv6 they have a whole /64 to call from; anything else is taken as it is."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)
