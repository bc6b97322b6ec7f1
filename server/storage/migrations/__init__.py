"""The schema's history, run by Alembic; ``migrate`` brings a database up to date."""

from pathlib import Path

import asyncpg

from server.storage.database import CONNECT_SECONDS, translated

VERSIONS = Path(__file__).parent / "versions"


async def migrate(url: str) -> None:
    """Brings the database that the libpq URL names to the newest revision; does nothing if it is there.

    Raises:
        Unavailable: if the database cannot be reached.
    """
    if await revision_of(url) == newest_revision():
        return
    # SQLAlchemy and Alembic take most of a second to import, and a database is seldom out of date.
    from server.storage.migrations.upgrading import upgrade  # noqa: PLC0415  # see above

    with translated():
        await upgrade(url)


def newest_revision() -> str:
    """The revision that the code expects; files of revisions begin with their number."""
    return max(file.name.partition("_")[0] for file in VERSIONS.glob("[0-9]*.py"))


async def revision_of(url: str) -> str | None:
    """The revision that the database is at; None before the first.

    Raises:
        Unavailable: if the database cannot be reached.
    """
    with translated():
        connection = await asyncpg.connect(url, timeout=CONNECT_SECONDS)
        try:
            revision: str | None = await connection.fetchval("SELECT version_num FROM alembic_version")
        except asyncpg.UndefinedTableError:
            revision = None
        finally:
            await connection.close()
    return revision
