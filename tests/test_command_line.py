"""What an operator types, and how mistakes read."""

import asyncio
import os
import sys

import pytest

from tests.venues import Town


async def run(*arguments: str, **settings: str) -> tuple[int, str, str]:
    """(status, standard output, standard error) of ``baygrid`` with these arguments and settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("BAYGRID_")}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "server",
        *arguments,
        env=kept | {"BAYGRID_ENV": "test", "BAYGRID_LOG_LEVEL": "error"} | settings,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


async def test_an_account_created_on_the_command_line_is_there_and_audited(database_url: str) -> None:
    town = Town(database_url)
    venue = await town.venue()
    status, out, err = await run(
        "user",
        "create",
        "--email",
        "sam@example.com",
        "--password",
        "correct horse",
        "--role",
        "staff",
        "--location",
        str(venue.id),
        BAYGRID_DATABASE_URL=database_url,
    )
    assert (status, out, err) == (0, "sam@example.com can sign in as staff\n", "")
    [row] = await town.fetch("SELECT * FROM users JOIN user_locations ON user_id = id")
    assert (row["name"], row["role"], row["location_id"]) == ("sam", "staff", venue.id)
    assert row["password_hash"].startswith("$argon2id$")
    [event] = await town.fetch("SELECT * FROM audit_events")
    assert "correct horse" not in str(event["metadata"])


@pytest.mark.parametrize(
    ("email", "password", "role", "told"),
    [
        ("sam@example.com", "short", "staff", "password"),
        ("no address", "correct horse", "staff", "email"),
        ("sam@example.com", "correct horse", "staff", "location"),
    ],
)
async def test_a_mistake_in_an_account_is_told_without_a_traceback(
    database_url: str, email: str, password: str, role: str, told: str
) -> None:
    location = ("--location", "99") if told == "location" else ()
    status, _, err = await run(
        "user",
        "create",
        "--email",
        email,
        "--password",
        password,
        "--role",
        role,
        *location,
        BAYGRID_DATABASE_URL=database_url,
    )
    assert status == 1
    assert told in err
    assert "Traceback" not in err
    assert await Town(database_url).value("SELECT count(*) FROM users") == 0


async def test_migrating_brings_an_empty_database_up_to_date_and_again_does_nothing(
    empty_database_url: str,
) -> None:
    for _ in range(2):
        status, out, _ = await run("migrate", BAYGRID_DATABASE_URL=empty_database_url)
        assert (status, out) == (0, "The database is up to date\n")


async def test_a_database_that_is_not_there_is_told_with_what_to_change() -> None:
    status, _, err = await run(
        "serve", BAYGRID_PORT="0", BAYGRID_DATABASE_URL="postgresql://nobody@127.0.0.1:1/nothing"
    )
    assert status == 1
    assert "BAYGRID_DATABASE_URL" in err
    assert "Traceback" not in err
