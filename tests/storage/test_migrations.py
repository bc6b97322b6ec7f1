"""The migrations lead to exactly the tables that the code declares."""

import asyncpg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine

from server.errors import Unavailable
from server.storage import migrate
from server.storage.migrations import newest_revision, revision_of
from server.storage.migrations.upgrading import configuration
from server.storage.tables import metadata


def _differences(connection: Connection) -> list[object]:
    context = MigrationContext.configure(
        connection,
        opts={
            "compare_type": True,
            "compare_server_default": True,
            "include_object": lambda _object, name, *_: name != "alembic_version",
            "target_metadata": metadata,
        },
    )
    return list(compare_metadata(context, metadata))


async def test_migrations_lead_to_the_declared_tables_and_again_change_nothing(
    empty_database_url: str,
) -> None:
    assert await revision_of(empty_database_url) is None
    await migrate(empty_database_url)
    await migrate(empty_database_url)
    engine = create_async_engine(empty_database_url.replace("postgresql://", "postgresql+asyncpg://", 1))
    async with engine.connect() as connection:
        assert await connection.run_sync(_differences) == []
    await engine.dispose()


def test_the_newest_revision_is_alembics_head() -> None:
    assert newest_revision() == ScriptDirectory.from_config(configuration()).get_current_head()


async def test_a_database_that_cannot_be_reached_is_unavailable() -> None:
    with pytest.raises(Unavailable):
        await migrate("postgresql://nobody@127.0.0.1:1/nothing")


@pytest.mark.parametrize("table", ["booking_events", "audit_events"])
@pytest.mark.parametrize("statement", ["UPDATE {} SET event_type = 'x'", "DELETE FROM {}", "TRUNCATE {}"])
async def test_a8_the_database_refuses_to_change_the_audit(
    database_url: str, table: str, statement: str
) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute(
            "INSERT INTO users (name, role, language, sms_consent, active, tokens_after, created_at)"
            " VALUES ('A', 'admin', 'en', false, true, now(), now())"
        )
        if table == "audit_events":
            await connection.execute(
                "INSERT INTO audit_events (subject_type, subject_id, event_type, metadata, created_at)"
                " VALUES ('user', '1', 'created', '{}', now())"
            )
        else:
            await connection.execute("""
                INSERT INTO locations (name, timezone, slot_minutes, policy, active, epoch, version, config_version,
                                       created_at, updated_at)
                VALUES ('F', 'UTC', 30, '{}', true, 'e', 0, 0, now(), now());
                INSERT INTO resources (location_id, name, position, active) VALUES (1, 'B', 0, true);
                INSERT INTO bookings (id, grid_id, code, location_id, resource_id, type, status, start_time, end_time,
                                      reschedule_count, created_at, updated_at, judged_by, version)
                VALUES (gen_random_uuid(), 'g', 'c', 1, 1, 'CUSTOMER', 'confirmed', now(), now() + interval '1 hour',
                        0, now(), now(), '{}', 1);
                INSERT INTO booking_events (booking_id, location_id, event_type, metadata, created_at)
                SELECT id, 1, 'created', '{}', now() FROM bookings;
            """)
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement.format(table))
    finally:
        await connection.close()
