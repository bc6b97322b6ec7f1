"""``baygrid import`` and ``baygrid export`` as they are typed."""

import asyncio
import os
import signal
import sys
from pathlib import Path

from tests.interchange.test_importing import ALL
from tests.test_command_line import run
from tests.venues import Town

PAST = "external_id,location,resource,start_time,end_time,visitor_name\n" + "".join(
    f"old-{n},Riverside,Bay {1 + n % 2},2025-{1 + n // 2 // 24 // 28:02}-{1 + n // 2 // 24 % 28:02}T{n // 2 % 24:02}:00:00Z,"
    f"2025-{1 + n // 2 // 24 // 28:02}-{1 + n // 2 // 24 % 28:02}T{n // 2 % 24:02}:30:00Z,Somebody\n"
    for n in range(9_000)
)


async def test_a_file_is_looked_at_first_and_then_brought_in_and_taken_out(
    database_url: str, tmp_path: Path
) -> None:
    file = tmp_path / "all.yaml"
    settings = {"BAYGRID_DATABASE_URL": database_url, "BAYGRID_NOW": "2027-06-01T12:00:00Z"}
    file.write_text(ALL.replace("2027-06-02T15:00:00Z", "2027-06-02T13:00:00Z"))
    status, out, _ = await run("import", str(file), "--dry-run", **settings)
    assert status == 1
    line = ALL.splitlines().index("- external_id: A-1") + 1
    assert f"all.yaml:{line}: bookings: end_time: must be after start_time" in out
    assert "bookings: 4 would be created" in out
    assert await Town(database_url).value("SELECT count(*) FROM locations") == 0
    file.write_text(ALL)
    status, out, _ = await run("import", str(file), **settings)
    assert (status, out.splitlines()[-1]) == (0, "Done.")
    status, out, _ = await run("export", **settings)
    assert status == 0
    assert out.startswith("locations:\n- name: Riverside\n")


async def test_an_import_that_is_stopped_has_written_whole_batches_and_goes_on_when_it_is_run_again(
    database_url: str, tmp_path: Path
) -> None:
    (tmp_path / "a.csv").write_text("name,timezone\nRiverside,UTC\n")
    (tmp_path / "b.csv").write_text("location,name\nRiverside,Bay 1\nRiverside,Bay 2\n")
    (tmp_path / "c.csv").write_text(PAST)
    town = Town(database_url)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("BAYGRID_")}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "server",
        "import",
        str(tmp_path),
        env=kept | {"BAYGRID_ENV": "test", "BAYGRID_DATABASE_URL": database_url},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(60):
        while not await town.value("SELECT count(*) FROM bookings"):  # noqa: ASYNC110 -- the database sets no event
            await asyncio.sleep(0.01)  # how often is asked; not how long is waited
    process.send_signal(signal.SIGINT)
    _, err = await process.communicate()
    assert process.returncode == 1
    assert "Stopped. What was written is whole" in err.decode()
    written = await town.value("SELECT count(*) FROM bookings")
    assert written in range(2_000, 9_000, 2_000)
    for table in ("booking_events", "booking_origins", "visitors"):
        assert await town.value(f"SELECT count(*) FROM {table}") == written
    status, out, _ = await run("import", str(tmp_path), BAYGRID_DATABASE_URL=database_url)
    assert status == 0
    assert f"bookings: {9_000 - written:,} created, 0 changed, {written:,} unchanged" in out
    assert await town.value("SELECT count(*) FROM bookings") == 9_000
