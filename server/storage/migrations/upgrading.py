"""Running Alembic: imported only where there is something to run.

Belongs here: everything that knows SQLAlchemy's engine. Does not belong here: the revisions (``versions``).
"""

from pathlib import Path
from typing import Any

import asyncpg
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from server.storage.database import CONNECT_SECONDS

LOCK = 0x6261_7967_7269_64
"""Advisory lock that one migrating node holds while the others wait (the name in ASCII)."""


def configuration() -> Config:
    """Alembic's settings; there is no ``alembic.ini``."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.set_main_option("path_separator", "os")
    return config


async def upgrade(url: str) -> None:
    """Runs the revisions that the database lacks, in one transaction; whoever else does so at the same time waits."""

    async def connect() -> Any:
        return await asyncpg.connect(url, timeout=CONNECT_SECONDS)

    engine = create_async_engine("postgresql+asyncpg://", async_creator=connect, poolclass=NullPool)
    async with engine.begin() as connection:
        await connection.run_sync(_upgrade)
    await engine.dispose()


def _upgrade(connection: Connection) -> None:
    connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
    config = configuration()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
