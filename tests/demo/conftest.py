"""A database with demo data, made once for the tests that only read it."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

import asyncpg
import pytest

from server.clock import ManualClock
from server.demo import DemoAccounts, seed
from server.embedded import EmbeddedPostgres
from server.storage import Database
from tests.conftest import NOON
from tests.venues import Town

NOW = NOON + 7 * 3600 + 600
"""A quarter to the evening's rush in London, a Tuesday afternoon in New York."""


@dataclass(frozen=True)
class Demo:
    """A seeded database and what ``seed`` told."""

    town: Town
    accounts: DemoAccounts


@pytest.fixture(scope="module")
def demo(postgres_server: EmbeddedPostgres, template_database: str) -> Iterator[Demo]:
    """Seeded at ``NOW``; not to be changed."""
    url = postgres_server.url("demo_of_tests")

    async def administer(statement: str) -> None:
        connection = await asyncpg.connect(postgres_server.url())
        await connection.execute(statement)
        await connection.close()

    async def make() -> DemoAccounts:
        await administer(f"CREATE DATABASE demo_of_tests TEMPLATE {template_database} STRATEGY FILE_COPY")
        database = Database(url)
        await database.open()
        try:
            return await seed(database, ManualClock(NOW))
        finally:
            await database.close()

    yield Demo(Town(url), asyncio.run(make()))
    asyncio.run(administer("DROP DATABASE demo_of_tests WITH (FORCE)"))


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """An empty database of the test's own."""
    opened = Database(database_url)
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture
async def seeded(demo: Demo) -> AsyncIterator[Database]:
    """The shared one, for reading."""
    opened = Database(demo.town.url)
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture
def town(database_url: str) -> Town:
    """The test's own database, for looking into."""
    return Town(database_url)
