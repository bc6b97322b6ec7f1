"""The bus over Redis or Valkey: plain pub/sub, one connection to listen and one to publish.

Belongs here: staying connected, and noticing when that is an illusion. Does not belong here: channels and their contents.

Sharded pub/sub would bring nothing: it spreads channels over the nodes of a cluster, and here is one server, of any age.
The client library's own ``PubSub`` is not used, since it does not notice a dead link; its connections are, which know URLs,
TLS and sign-in. A link on which nothing comes for ``SILENCE_SECONDS``, not even the answer to a ping, is given up.
"""

import asyncio
import random
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from typing import Final

import structlog
from redis.asyncio.connection import AbstractConnection, ConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from server.bus.port import Receiver

CONNECT_SECONDS: Final = 2.0
CONFIRM_SECONDS: Final = 2.0
"""How long ``subscribe`` waits for its confirmation."""
PING_SECONDS: Final = 1.0
SILENCE_SECONDS: Final = 3.0
PUBLISH_SECONDS: Final = 2.0
"""How long the server may take to say that it took what was published."""
MAX_OUTBOX: Final = 10_000
"""Messages that wait to be published; beyond that the oldest are lost, as on any day without the bus."""
FIRST_RETRY_SECONDS: Final = 0.1
LAST_RETRY_SECONDS: Final = 1.0

_FAULTS = (OSError, RedisError, TimeoutError, asyncio.IncompleteReadError)
_log = structlog.get_logger()


class RedisBus:
    """One node's end of a bus on the Redis at ``url``. ``prefix`` keeps apart installations that share one."""

    def __init__(self, url: str, *, prefix: str = "baygrid") -> None:
        self._pool = ConnectionPool.from_url(
            url,
            protocol=2,
            socket_connect_timeout=CONNECT_SECONDS,
            socket_timeout=PUBLISH_SECONDS,
            socket_keepalive=True,
            retry=Retry(NoBackoff(), 0),
        )
        self._prefix = f"{prefix}:".encode()
        self._receivers: dict[bytes, Receiver] = {}
        self._callbacks: list[Callable[[], None]] = []
        self._orders: asyncio.Queue[tuple[bytes, bytes]] | None = None
        """SUBSCRIBE and UNSUBSCRIBE with their channels, for the link that listens; None without one."""
        self._expected: Counter[bytes] = Counter()
        """How many confirmations are still to come for a channel."""
        self._waiting: dict[bytes, list[asyncio.Future[bool]]] = {}
        self._restoring: set[bytes] = set()
        self._listening = False
        self._publishing = False
        self._outbox: deque[tuple[bytes, bytes]] = deque(maxlen=MAX_OUTBOX)
        self._posted = asyncio.Event()
        self._complained = False

    @property
    def connected(self) -> bool:
        """Whether all subscriptions are confirmed and what is published is taken."""
        return self._listening and self._publishing

    def publish(self, channel: str, payload: bytes) -> None:
        if self._publishing:
            self._outbox.append((self._prefix + channel.encode(), payload))
            self._posted.set()

    async def subscribe(self, channel: str, receive: Receiver) -> bool:
        name = self._prefix + channel.encode()
        known = name in self._receivers
        self._receivers[name] = receive
        if self._orders is None:
            return False
        if known and not self._expected[name]:
            return True
        if not known:
            self._expected[name] += 1
            self._orders.put_nowait((b"SUBSCRIBE", name))
        confirmed: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(name, []).append(confirmed)
        try:
            async with asyncio.timeout(CONFIRM_SECONDS):
                return await confirmed
        except TimeoutError:
            return False

    def unsubscribe(self, channel: str) -> None:
        name = self._prefix + channel.encode()
        if self._receivers.pop(name, None) is not None and self._orders is not None:
            self._orders.put_nowait((b"UNSUBSCRIBE", name))

    def on_restored(self, callback: Callable[[], None]) -> None:
        self._callbacks.append(callback)

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._keep(self._listen, self._deaf), name="bus listener")
            tasks.create_task(self._keep(self._post, self._mute), name="bus publisher")

    # Staying connected

    async def _keep(
        self, work: Callable[[AbstractConnection], Awaitable[None]], cease: Callable[[], None]
    ) -> None:
        """Do the work on one link after another, for ever. The pauses grow, and differ between nodes."""
        pause = FIRST_RETRY_SECONDS
        while True:
            connection: AbstractConnection = self._pool.make_connection()  # type: ignore[no-untyped-call]  # the library's own
            started = asyncio.get_running_loop().time()
            try:
                async with asyncio.timeout(CONNECT_SECONDS):
                    await connection.connect()  # type: ignore[no-untyped-call]  # the library's own
                await work(connection)
            except _FAULTS as fault:
                self._complain(fault)
            finally:
                cease()
                await connection.disconnect(nowait=True)
            if asyncio.get_running_loop().time() - started > SILENCE_SECONDS:
                pause = FIRST_RETRY_SECONDS
            await asyncio.sleep(pause * random.uniform(0.5, 1))  # noqa: S311 -- spreads load, keeps no secret
            pause = min(pause * 2, LAST_RETRY_SECONDS)

    def _complain(self, fault: BaseException) -> None:
        """Once for each outage."""
        if not self._complained:
            self._complained = True
            _log.warning(
                "Redis is away; nodes follow each other by polling", because=str(fault) or repr(fault)
            )

    def _recovered(self) -> None:
        if self._complained and self.connected:
            self._complained = False
            _log.info("Redis is back")

    # Listening

    async def _listen(self, connection: AbstractConnection) -> None:
        orders: asyncio.Queue[tuple[bytes, bytes]] = asyncio.Queue()
        self._orders = orders
        self._expected.clear()
        self._restoring = set(self._receivers)
        for name in self._receivers:
            self._expected[name] += 1
            orders.put_nowait((b"SUBSCRIBE", name))
        self._check_restored()
        async with asyncio.timeout(SILENCE_SECONDS) as silence:
            halves = {
                asyncio.create_task(self._give_orders(connection, orders)),
                asyncio.create_task(self._hear(connection, silence)),
            }
            try:
                ended, _ = await asyncio.wait(halves, return_when=asyncio.FIRST_COMPLETED)
                for half in ended:
                    half.result()
            finally:
                for half in halves:
                    half.cancel()
                await asyncio.gather(*halves, return_exceptions=True)

    async def _give_orders(
        self, connection: AbstractConnection, orders: asyncio.Queue[tuple[bytes, bytes]]
    ) -> None:
        while True:
            try:
                async with asyncio.timeout(PING_SECONDS):
                    order = await orders.get()
            except TimeoutError:
                await connection.send_command("PING", check_health=False)
            else:
                await connection.send_command(*order, check_health=False)

    async def _hear(self, connection: AbstractConnection, silence: asyncio.Timeout) -> None:
        now = asyncio.get_running_loop().time
        while True:
            response = await connection.read_response(timeout=float("inf"), disconnect_on_error=False)
            silence.reschedule(now() + SILENCE_SECONDS)
            match response:
                case [b"message", bytes(name), bytes(payload)]:
                    self._deliver(name, payload)
                case [b"subscribe", bytes(name), _]:
                    self._confirm(name)
                case _:
                    pass  # a pong, or the confirmation that something was unsubscribed

    def _deliver(self, name: bytes, payload: bytes) -> None:
        receive = self._receivers.get(name)
        if receive is not None:
            try:
                receive(payload)
            except Exception:  # noqa: BLE001 -- one receiver's fault must not cut off the others
                _log.exception("a message from the bus could not be taken", channel=name.decode())

    def _confirm(self, name: bytes) -> None:
        self._expected[name] -= 1
        if self._expected[name] > 0:
            return  # it was given up and asked for again meanwhile: this is the confirmation of before
        del self._expected[name]
        for waiting in self._waiting.pop(name, []):
            if not waiting.done():
                waiting.set_result(True)
        self._restoring.discard(name)
        self._check_restored()

    def _check_restored(self) -> None:
        if not self._listening and not self._restoring:
            self._listening = True
            self._recovered()
            for callback in self._callbacks:
                callback()

    def _deaf(self) -> None:
        self._orders = None
        self._listening = False
        for waiters in self._waiting.values():
            for waiting in waiters:
                if not waiting.done():
                    waiting.set_result(False)
        self._waiting.clear()

    # Publishing

    async def _post(self, connection: AbstractConnection) -> None:
        """Everything that waits goes in one write; a ping where nothing does, so that a dead link is noticed here too."""
        self._publishing = True
        self._recovered()
        while True:
            try:
                async with asyncio.timeout(PING_SECONDS):
                    await self._posted.wait()
            except TimeoutError:
                pass
            self._posted.clear()
            batch: list[tuple[str | bytes, ...]] = [("PUBLISH", *message) for message in self._outbox]
            batch = batch or [("PING",)]
            self._outbox.clear()
            await connection.send_packed_command(connection.pack_commands(batch), check_health=False)
            for _ in batch:
                await connection.read_response()

    def _mute(self) -> None:
        self._publishing = False
        self._outbox.clear()
