"""Servers: the embedded ones, where they are used, and Redis."""

import asyncio
import secrets
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path

from server.bus.redis import RedisBus
from server.doctor.findings import Finding, failed, ok, warning
from server.embedded import embedded_postgres, embedded_valkey, has_cluster, running_postgres
from server.errors import ConfigurationError
from server.settings import Settings

ANSWER_SECONDS = 5.0


async def find_database(settings: Settings, stack: AsyncExitStack) -> tuple[str | None, Finding | None]:
    """(the database's URL if there is one to look at, what is to be said of the embedded Postgres if it is used).

    An embedded one that has data is started, unless it runs; where it has none, one is started on nothing.
    """
    if settings.database_url is not None:
        return settings.database_url, None
    part, mend = "embedded Postgres", "as it says, or set BAYGRID_DATABASE_URL to a Postgres of your own"
    running = running_postgres(settings.data_dir)
    if running is not None:
        return running, ok(part, "runs")
    try:
        if has_cluster(settings.data_dir):
            url = await stack.enter_async_context(embedded_postgres(settings.data_dir))
            return url, ok(part, f"starts on {settings.data_dir / 'postgres'}")
        with _somewhere() as folder:
            async with embedded_postgres(folder, durable=False):
                pass
    except ConfigurationError as error:
        return None, failed(part, f"does not start: {error}", mend)
    return None, warning(part, "starts, and has no data yet", "baygrid serve makes its database")


async def look_at_bus(settings: Settings) -> AsyncIterator[Finding]:
    """Redis, where it is configured; the embedded Valkey, where it is used."""
    if settings.redis_url is not None:
        yield await _redis(settings.redis_url)
    elif settings.workers > 1:
        try:
            with _somewhere() as folder:
                async with embedded_valkey(folder) as url:
                    yield await _redis(url)
        except ConfigurationError as error:
            yield failed("embedded Valkey", f"does not start: {error}", "set BAYGRID_REDIS_URL")
    else:
        yield ok(
            "Redis", "none is configured: one process needs none, several machines do (BAYGRID_REDIS_URL)"
        )


async def _redis(url: str) -> Finding:
    """Says something on a channel of its own, and waits to hear it."""
    mend = "check BAYGRID_REDIS_URL, and that Redis runs; until then nodes follow each other by polling"
    bus = RedisBus(url)
    running = asyncio.create_task(bus.run())
    channel, said, heard = f"doctor:{secrets.token_hex(8)}", secrets.token_bytes(16), asyncio.Event()
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            while not await bus.subscribe(channel, lambda payload: heard.set() if payload == said else None):  # noqa: ASYNC110  # it connects when it can
                await asyncio.sleep(0.05)
            while not heard.is_set():
                bus.publish(channel, said)
                await asyncio.sleep(0.05)
    except TimeoutError:
        return failed("Redis", "what is published does not come back", mend)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    return ok("Redis", "answers, and passes messages on")


@contextmanager
def _somewhere() -> Iterator[Path]:
    """A folder of its own that any user may reach, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="baygrid-doctor-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # root's Postgres may have to run as nobody
        yield folder
