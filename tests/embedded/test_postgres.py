"""The embedded Postgres within one process: starting, stopping, failing, recovering."""

import asyncio
import os
import signal
import socket
from pathlib import Path

import asyncpg
import pytest

from server.embedded import EmbeddedPostgres, EmbeddedServerError, embedded_postgres, running_postgres
from server.embedded.processes import waited_for
from tests.embedded.conftest import Running


async def test_first_start_gives_an_empty_database_with_what_the_schema_needs(data_dir: Path) -> None:
    async with embedded_postgres(data_dir) as url:
        connection = await asyncpg.connect(url)
        assert await connection.fetchval("SELECT current_database()") == "baygrid"
        assert await connection.fetchval("SHOW server_encoding") == "UTF8"
        assert await connection.fetchval("SHOW fsync") == "on"
        assert await connection.fetchval("SHOW timezone") == "UTC"
        await connection.execute("CREATE EXTENSION btree_gist")
        await connection.close()


async def test_another_process_finds_the_server_that_runs_on_a_folder(made: Path) -> None:
    assert running_postgres(made) is None
    async with embedded_postgres(made, durable=False) as url:
        assert running_postgres(made) == url
        assert await ask(running_postgres(made) or "", "SELECT current_database()") == "baygrid"
    assert running_postgres(made) is None


async def test_what_a_dead_server_left_behind_is_no_server(made: Path) -> None:
    left = made / "postgres" / "data" / "postmaster.pid"
    left.write_text(f"{os.getpid()}\n/somewhere\n0\n5432\n\n127.0.0.1\n 1 1\nready   \n")
    assert running_postgres(made) is None
    left.unlink()


async def test_p1_data_is_there_after_stop_and_start_under_the_same_url(data_dir: Path) -> None:
    server = EmbeddedPostgres(data_dir)
    await server.start()
    before = server.url()
    await run(before, "CREATE TABLE kept AS SELECT 7 AS number")
    await server.stop()
    await server.start()
    assert server.url() == before
    assert await ask(before, "SELECT number FROM kept") == 7
    await server.stop()


async def test_p1_commits_survive_kill_9_of_postgres_and_the_next_start_works_at_once(made: Path) -> None:
    server = EmbeddedPostgres(made)
    await server.start()
    await run(server.url(), "CREATE TABLE kept AS SELECT 7 AS number")
    os.kill(server.pid, signal.SIGKILL)
    await server.stop()
    await server.start()
    assert await ask(server.url(), "SELECT number FROM kept") == 7
    await server.stop()


async def test_nothing_runs_after_the_block_whatever_ended_it(made: Path, running: Running) -> None:
    block = embedded_postgres(made, durable=False)
    await block.__aenter__()
    assert running()
    assert not await block.__aexit__(ZeroDivisionError, ZeroDivisionError(), None)
    assert running() == []


async def test_cancelled_first_start_leaves_nothing_and_does_not_spoil_the_next(
    data_dir: Path, running: Running
) -> None:
    starting = asyncio.ensure_future(EmbeddedPostgres(data_dir).start())
    assert await waited_for((data_dir / "postgres" / "data.new" / "PG_VERSION").exists, seconds=10)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert await waited_for(lambda: running() == [], seconds=5)
    async with embedded_postgres(data_dir, durable=False) as url:
        assert await ask(url, "SELECT 1") == 1


async def test_cancelled_later_start_leaves_nothing(made: Path, running: Running) -> None:
    starting = asyncio.ensure_future(EmbeddedPostgres(made).start())
    assert await waited_for(lambda: running() != [], seconds=10)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert running() == []


async def test_failed_start_tells_the_log_leaves_nothing_and_lets_go_of_the_folder(
    made: Path, running: Running
) -> None:
    version = made / "postgres" / "data" / "PG_VERSION"
    version.write_text("12\n")
    with pytest.raises(EmbeddedServerError, match="initialized by PostgreSQL version 12"):
        await EmbeddedPostgres(made).start()
    assert running() == []
    version.write_text("18\n")
    async with embedded_postgres(made, durable=False) as url:
        assert await ask(url, "SELECT 1") == 1


async def test_second_server_on_one_folder_is_refused_and_told_whose_it_is(made: Path) -> None:
    async with embedded_postgres(made, durable=False) as url:
        with pytest.raises(
            EmbeddedServerError, match=rf"in use by another baygrid \(process {os.getpid()}\)"
        ):
            await EmbeddedPostgres(made).start()
        assert await ask(url, "SELECT 1") == 1


async def test_folder_that_cannot_be_written_is_refused_with_the_setting_to_change(data_dir: Path) -> None:
    (data_dir / "postgres").write_text("a file where a folder should be")
    with pytest.raises(EmbeddedServerError, match="set BAYGRID_DATA_DIR"):
        await EmbeddedPostgres(data_dir).start()


async def test_port_that_somebody_took_meanwhile_is_exchanged_for_another(made: Path) -> None:
    server = EmbeddedPostgres(made, durable=False)
    await server.start()
    taken = int(server.url().rpartition(":")[2].partition("/")[0])
    await server.stop()
    with socket.create_server(("127.0.0.1", taken)):
        await server.start()
        assert f":{taken}/" not in server.url()
        assert await ask(server.url(), "SELECT 1") == 1
        await server.stop()


async def test_password_is_asked_for_and_only_the_owner_may_read_it(data_dir: Path) -> None:
    async with embedded_postgres(data_dir, durable=False) as url:
        for wrong in ("", "guess"):
            with pytest.raises(asyncpg.InvalidPasswordError):
                await asyncpg.connect(url, password=wrong)
    assert (data_dir / "postgres" / "password").stat().st_mode & 0o777 == 0o600
    assert (data_dir / "postgres").stat().st_mode & 0o777 == 0o700


async def test_lost_password_is_an_error_that_says_what_to_do(made: Path) -> None:
    (made / "postgres" / "password").unlink()
    with pytest.raises(EmbeddedServerError, match="Put the file back"):
        await EmbeddedPostgres(made).start()


async def test_variables_meant_for_other_servers_are_not_passed_on(
    made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGDATA", "/nonexistent")
    monkeypatch.setenv("PGOPTIONS", "--nonsense=on")
    monkeypatch.setenv("LC_ALL", "nonsense")
    server = EmbeddedPostgres(made, durable=False)
    await server.start()
    assert server.pid
    await server.stop()


async def test_databases_are_made_once(made: Path) -> None:
    server = EmbeddedPostgres(made, durable=False)
    await server.start()
    for _ in range(2):
        await server.ensure_database("other")
    assert await ask(server.url("other"), "SELECT current_database()") == "other"
    await server.stop()
    await server.stop()


async def run(url: str, statement: str) -> None:
    await ask(url, statement)


async def ask(url: str, query: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        answer: object = await connection.fetchval(query)
        return answer
    finally:
        await connection.close()
