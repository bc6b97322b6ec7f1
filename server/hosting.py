"""Running nodes: embedded servers where none are given, one process or several, until told to stop.

Belongs here: processes, sockets, signals. Does not belong here: what a node is made of (``app``).
"""

import asyncio
import contextlib
import signal
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from functools import partial

import uvicorn
import uvloop

from server.app import Node, create_app
from server.clock import Clock
from server.embedded import embedded_postgres, embedded_valkey, running_postgres
from server.errors import ConfigurationError, Unavailable
from server.live.protocol import websocket_options
from server.logs import configure_logging
from server.settings import Settings
from server.storage import Database, migrate
from server.storage.database import why_away
from server.supervisor import bind, run_workers

DRAIN_SECONDS = 10
BACKLOG = 2_048

Prepare = Callable[[Settings, Clock], Awaitable[None]]
"""Done once, when the database is there and migrated, before anybody is served."""
Ready = Callable[[str], None]
"""Told the address once it is being served."""


def host(settings: Settings, *, prepare: Prepare | None = None, ready: Ready | None = None) -> None:
    """Serves until SIGINT or SIGTERM, then finishes what was begun.

    Raises:
        ConfigurationError: if a server cannot be started or reached, or the address cannot be had.
    """
    configure_logging(settings.log_level, settings.log_format)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_host(settings, prepare, ready))


async def _host(settings: Settings, prepare: Prepare | None, ready: Ready | None) -> None:
    clock = Clock.starting_at(settings.clock_start)
    async with AsyncExitStack() as stack:
        listening = bind(settings.host, settings.port)
        stack.callback(listening.close)
        settings = await with_servers(settings, stack)
        await prepare_database(settings)
        if prepare is not None:
            await prepare(settings, clock)
        told = partial(ready or (lambda _: None), address_of(settings, listening))
        if settings.workers == 1:
            await _serve(settings, clock, listening, told)
        else:
            told()
            await run_workers(settings.workers, partial(_work, settings, clock), listening)


async def run_once(settings: Settings, work: Callable[..., Awaitable[None]]) -> None:
    """Does ``work(database, clock=…)`` on the migrated database: for commands that serve nobody.

    An embedded database that another process runs is used as it is; one that nobody runs is started meanwhile.

    Raises:
        ConfigurationError: if the database cannot be started or reached.
    """
    async with AsyncExitStack() as stack:
        if settings.database_url is None and (running := running_postgres(settings.data_dir)) is not None:
            settings = settings.model_copy(update={"database_url": running})
        settings = await with_servers(settings, stack)
        await prepare_database(settings)
        await on_database(settings, partial(work, clock=Clock.starting_at(settings.clock_start)))


async def on_database(settings: Settings, work: Callable[[Database], Awaitable[None]]) -> None:
    """Does the work on a database opened for it alone."""
    if settings.database_url is None:
        raise ConfigurationError("BAYGRID_DATABASE_URL is not set")
    database = Database(settings.database_url, pool_size=2)
    await database.open()
    try:
        await work(database)
    finally:
        await database.close()


async def with_servers(settings: Settings, stack: AsyncExitStack) -> Settings:
    """The settings with the addresses of servers: those given or, where none are, embedded ones that end with the stack."""
    found: dict[str, str] = {}
    if settings.database_url is None:
        found["database_url"] = await stack.enter_async_context(embedded_postgres(settings.data_dir))
    if settings.redis_url is None and settings.workers > 1:
        found["redis_url"] = await stack.enter_async_context(embedded_valkey(settings.data_dir))
    return settings.model_copy(update=found)


async def prepare_database(settings: Settings) -> None:
    """Migrates the database.

    Raises:
        ConfigurationError: if it cannot be reached.
    """
    if settings.database_url is None:
        raise ConfigurationError("BAYGRID_DATABASE_URL is not set")
    try:
        await migrate(settings.database_url)
    except Unavailable as error:
        raise ConfigurationError(
            f"The database cannot be reached: {why_away(error)}. "
            "Check BAYGRID_DATABASE_URL, or leave it out for an embedded Postgres."
        ) from error


def address_of(settings: Settings, listening: socket.socket) -> str:
    """The URL that people open."""
    port = listening.getsockname()[1]
    name = "localhost" if settings.host in ("0.0.0.0", "::", "127.0.0.1", "::1") else settings.host  # noqa: S104 -- compared, not bound
    return f"http://{name}:{port}"


def _work(settings: Settings, clock: Clock, _: int, listening: socket.socket) -> None:
    """A worker process."""
    configure_logging(settings.log_level, settings.log_format)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(settings, clock, listening, lambda: None))


class _Server(uvicorn.Server):
    """uvicorn's server, but what signals mean is decided here: it would raise them again when it is done."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        try:
            yield
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()


async def _serve(
    settings: Settings, clock: Clock, listening: socket.socket, ready: Callable[[], None]
) -> None:
    app = create_app(Node(settings, clock))
    config = uvicorn.Config(
        app,
        http="httptools",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        backlog=BACKLOG,
        timeout_graceful_shutdown=DRAIN_SECONDS,
        **websocket_options(),
    )
    await _Server(config, ready).serve(sockets=[listening])
