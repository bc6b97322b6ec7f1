"""All sockets of this node: their number, their heartbeat, and whether their accounts are still good.

Belongs here: what is done for all of them by the clock. Does not belong here: any one conversation (``connection``).
"""

import asyncio
import random
import secrets
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Final

import structlog

from server.bus.port import Bus
from server.clock import Clock
from server.errors import Problem
from server.live.channels import NODES
from server.live.connection import Connection, Socket
from server.live.desk import Desk, Identity
from server.live.rooms import Rooms
from server.live.session import GOING_AWAY, HEARTBEAT_SECONDS, NOT_ALLOWED, Session
from server.principal import Principal

LOOK_SECONDS: Final = 1.0
"""How often every socket's deadlines are looked at."""
RECHECK_SECONDS: Final = 3.0
"""How often every account's validity is asked about: with the answer's time, within 5 s (A5)."""
RECHECKS_AT_ONCE: Final = 16
RETRY_MS: Final = (500, 5_000)
"""Between these, at random, a client is asked to wait before it comes back from a node that goes away."""

_log = structlog.get_logger()


class Connections:
    """This node's sockets. ``per_account`` and ``per_address`` limit how many may be open at once."""

    def __init__(
        self,
        *,
        rooms: Rooms,
        desk: Desk,
        identity: Identity,
        clock: Clock,
        bus: Bus,
        per_account: int = 20,
        per_address: int = 500,
    ) -> None:
        self.rooms = rooms
        self.desk = desk
        self.identity = identity
        self._clock = clock
        self._bus = bus
        self._per_account = per_account
        self._per_address = per_address
        self._open: dict[Connection, str] = {}
        self._accounts: dict[Connection, str] = {}
        self._next_tick: dict[Connection, float] = {}
        self._of_address: Counter[str] = Counter()
        self._of_account: Counter[str] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()
        self._recheck_now = asyncio.Event()
        self._leaving = False

    def __len__(self) -> int:
        return len(self._open)

    def __iter__(self) -> Iterator[Connection]:
        return iter(list(self._open))

    def now(self) -> int:
        """The instant it is."""
        return self._clock.now()

    # Coming and going

    def connect(self, socket: Socket, address: str, cookie_token: str | None = None) -> Connection:
        """A socket was opened from ``address``. It may be closed again at once, where there are too many."""
        session = Session(
            secrets.token_urlsafe(12),
            self.desk.describe,
            self.desk.admit,
            asyncio.get_running_loop().time(),
        )
        connection = Connection(socket, session, self, cookie_token)
        self._open[connection] = address
        self._of_address[address] += 1
        if self._leaving:
            self.dismiss(connection)
        elif self._of_address[address] > self._per_address:
            connection.perform(session.end(NOT_ALLOWED, "too many sockets from this address", 30_000))
        return connection

    def welcome(self, connection: Connection, principal: Principal) -> bool:
        """Count the socket as this account's. False, and not counted, if it has too many."""
        if self._of_account[principal.key] >= self._per_account:
            return False
        if connection in self._open:
            self._of_account[principal.key] += 1
            self._accounts[connection] = principal.key
            self._next_tick[connection] = asyncio.get_running_loop().time() + HEARTBEAT_SECONDS
        return True

    def keep(self, task: asyncio.Task[None]) -> None:
        """Hold on to a task until it is done."""
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def gone(self, connection: Connection) -> None:
        """The connection ended."""
        address = self._open.pop(connection, None)
        self._next_tick.pop(connection, None)
        if address is not None:
            _count_down(self._of_address, address)
        account = self._accounts.pop(connection, None)
        if account is not None:
            _count_down(self._of_account, account)

    def dismiss(self, connection: Connection) -> None:
        """The server goes away: say when to come back, spread so that they do not all come at once."""
        retry_after_ms = random.randint(*RETRY_MS)  # noqa: S311 -- spreads load, keeps no secret
        connection.perform(connection.session.end(GOING_AWAY, "server going away", retry_after_ms))

    def go_away(self) -> None:
        """Dismiss all sockets, and those that still come."""
        self._leaving = True
        for connection in self:
            self.dismiss(connection)

    async def finish(self) -> None:
        """Wait for the commands that are under way."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    # By the clock

    async def run(self) -> None:
        """Heartbeats, deadlines and rechecks, until cancelled."""
        await self._bus.subscribe(NODES, lambda _: self._recheck_now.set())
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._keep_time(), name="heartbeats")
            tasks.create_task(self._keep_checking(), name="rechecks")

    def accounts_changed(self) -> None:
        """Something was revoked or changed: all nodes look again at whose sockets are open, now (A5)."""
        self._recheck_now.set()
        self._bus.publish(NODES, b"")

    async def _keep_time(self) -> None:
        while True:
            self.look()
            await asyncio.sleep(LOOK_SECONDS)

    def look(self) -> None:
        """Look at every socket's deadlines and send the heartbeats that are due. O(sockets)."""
        at = asyncio.get_running_loop().time()
        for connection in self:
            connection.look()
            if self._next_tick.get(connection, at + 1) <= at:
                self._next_tick[connection] += HEARTBEAT_SECONDS
                connection.tick()

    async def _keep_checking(self) -> None:
        while True:
            try:
                await self.recheck()
            except Exception:  # noqa: BLE001 -- whatever it was, they are asked about again in a moment
                _log.exception("asking whether accounts are still good failed")
            try:
                async with asyncio.timeout(RECHECK_SECONDS):
                    await self._recheck_now.wait()
            except TimeoutError:
                pass
            self._recheck_now.clear()

    async def recheck(self) -> None:
        """Ask of every account with open sockets whether it is still good; with nobody to ask, all stay."""
        sockets: dict[Principal, list[Connection]] = defaultdict(list)
        for connection in self:
            principal = connection.session.principal
            if principal is not None:
                sockets[principal].append(connection)
        gate = asyncio.Semaphore(RECHECKS_AT_ONCE)

        async def check(principal: Principal) -> None:
            async with gate:
                try:
                    now = await self.identity.still_valid(principal)
                except Problem:
                    return
            for connection in sockets[principal]:
                # It may have signed in afresh meanwhile; the next round asks about that.
                if connection.session.principal == principal:
                    connection.perform(connection.session.checked(now))

        await asyncio.gather(*map(check, sockets))


def _count_down(counter: Counter[str], key: str) -> None:
    counter[key] -= 1
    if counter[key] <= 0:
        del counter[key]
