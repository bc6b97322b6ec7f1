"""Real servers for the tests: one Postgres and one Valkey for each pytest process, a database of its own for each test.

Belongs here: fixtures that more than one folder of tests uses. All end with the process, whatever ends it.
"""

import asyncio
import itertools
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest
import redis.asyncio

from server.clock import ManualClock
from server.embedded import EmbeddedPostgres, EmbeddedValkey
from server.storage import migrate

NOON = 1_811_851_200
"""2027-06-01T12:00:00Z, a Tuesday far from any change of clocks: where ``clock`` stands."""

_numbers = itertools.count()


@pytest.fixture(scope="session")
def server_data() -> Iterator[Path]:
    """A folder for the servers of this pytest process; pytest's own would be kept for three runs, at 40 MB each."""
    with tempfile.TemporaryDirectory(prefix="baygrid-tests-") as folder:
        Path(folder).chmod(0o755)  # root's Postgres may have to run as nobody
        yield Path(folder)


@pytest.fixture(scope="session")
def postgres_server(server_data: Path) -> Iterator[EmbeddedPostgres]:
    """The Postgres of this pytest process. Tests that stop or kill one start their own."""
    server = EmbeddedPostgres(server_data, durable=False)
    asyncio.run(server.start())
    yield server
    asyncio.run(server.stop())


@pytest.fixture(scope="session")
def postgres_url(postgres_server: EmbeddedPostgres) -> str:
    """The URL of the server's maintenance database, for making others."""
    return postgres_server.url()


@pytest.fixture(scope="session")
def template_database(postgres_server: EmbeddedPostgres) -> str:
    """The name of a migrated, empty database, which each test gets a copy of."""
    name = "template_of_tests"
    asyncio.run(postgres_server.ensure_database(name))
    asyncio.run(migrate(postgres_server.url(name)))
    return name


@pytest.fixture
async def database_url(postgres_server: EmbeddedPostgres, template_database: str) -> AsyncIterator[str]:
    """The URL of a migrated, empty database that is this test's alone. Connections left open do not keep it alive."""
    name = f"test_{next(_numbers)}"
    await _administer(
        postgres_server, f"CREATE DATABASE {name} TEMPLATE {template_database} STRATEGY FILE_COPY"
    )
    yield postgres_server.url(name)
    await _administer(postgres_server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def empty_database_url(postgres_server: EmbeddedPostgres) -> AsyncIterator[str]:
    """The URL of a database with no tables, for tests of the migrations themselves."""
    name = f"test_{next(_numbers)}"
    await _administer(postgres_server, f"CREATE DATABASE {name}")
    yield postgres_server.url(name)
    await _administer(postgres_server, f"DROP DATABASE {name} WITH (FORCE)")


async def _administer(server: EmbeddedPostgres, statement: str) -> None:
    connection = await asyncpg.connect(server.url())
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@pytest.fixture(scope="session")
def valkey_server(server_data: Path) -> Iterator[EmbeddedValkey]:
    """The Valkey of this pytest process. Tests that stop or kill one start their own."""
    server = EmbeddedValkey(server_data)
    asyncio.run(server.start())
    yield server
    asyncio.run(server.stop())


@pytest.fixture
async def redis_url(valkey_server: EmbeddedValkey) -> str:
    """The URL of a Valkey with nothing in it."""
    client = redis.asyncio.from_url(valkey_server.url)
    await client.flushall()
    await client.aclose()
    return valkey_server.url


@pytest.fixture
def clock() -> ManualClock:
    """A clock that stands at ``NOON`` until the test moves it."""
    return ManualClock(NOON)
