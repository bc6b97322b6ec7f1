"""Imports and exports on a real Postgres, in the test's own process."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from server.clock import ManualClock
from server.interchange import export_file, import_file
from server.service.importing import Options, Report
from server.storage import Database
from tests.venues import Town


@dataclass(frozen=True)
class Desk:
    """Somebody at a terminal: files in a folder, and a database."""

    folder: Path
    database: Database
    town: Town
    clock: ManualClock

    def write(self, name: str, text: str | bytes) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    async def bring(self, name: str, text: str | bytes, **options: bool) -> tuple[Report, list[str]]:
        """(what came of importing a file with this text, what was said)."""
        return await self.bring_in(self.write(name, text), **options)

    async def bring_in(self, path: Path, **options: bool) -> tuple[Report, list[str]]:
        said: list[str] = []
        report = await import_file(
            self.database, clock=self.clock, path=path, options=Options(**options), say=said.append
        )
        return report, said

    async def looked_at(self, name: str, text: str | bytes) -> list[Any]:
        """What is wrong with a file of this text, of which nothing is written."""
        before = await self.rows()
        report, said = await self.bring(name, text)
        assert not report.written
        assert await self.rows() == before
        for fault in report.faults.kept:
            assert any(line.startswith(f"{fault.place}: ") for line in said)
        return list(report.faults.kept)

    async def take_out(self, name: str = "out.yaml", form: Any = "yaml") -> Path:
        path = self.folder / name
        await export_file(self.database, clock=self.clock, output=path, form=form)
        return path

    async def rows(self) -> dict[str, int]:
        """How many rows each table has that an import writes."""
        tables = ("locations", "resources", "users", "bookings", "booking_events", "audit_events")
        return {table: await self.town.value(f"SELECT count(*) FROM {table}") for table in tables}


@pytest.fixture
async def desk_at(tmp_path: Path, clock: ManualClock) -> AsyncIterator[Callable[[str], Awaitable[Desk]]]:
    """Makes a desk at a database of one's own."""
    opened: list[Database] = []

    async def make(database_url: str) -> Desk:
        database = Database(database_url, pool_size=2)
        await database.open()
        opened.append(database)
        return Desk(tmp_path, database, Town(database_url), clock)

    yield make
    for database in opened:
        await database.close()


@pytest.fixture
async def desk(database_url: str, desk_at: Callable[[str], Awaitable[Desk]]) -> Desk:
    return await desk_at(database_url)
