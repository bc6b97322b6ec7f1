"""The schema's history, run by Alembic; ``migrate`` brings a database up to date."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text

from server.storage.database import Database

MIGRATION_LOCK = 0x6261_7967_7269_64
"""Advisory lock that one migrating node holds while the others wait (the name in ASCII)."""


def configuration() -> Config:
    """Alembic's settings; there is no ``alembic.ini``."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.set_main_option("path_separator", "os")
    return config


async def migrate(url: str) -> None:
    """Brings the database that the libpq URL names to the newest revision; does nothing if it is there.

    Raises:
        Unavailable: if the database cannot be reached.
    """
    database = Database(url)

    def upgrade(connection: Connection) -> None:
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": MIGRATION_LOCK})
        config = configuration()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")

    try:
        async with database.session() as session:
            await session.run_sync(lambda sync_session: upgrade(sync_session.connection()))
            await session.commit()
    finally:
        await database.close()
