"""``baygrid doctor``: what is well, what is not and how to mend it, on databases that were spoilt on purpose."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from server.doctor import Finding, State, as_lines, examine, servers
from server.doctor.integrations import INTEGRATIONS
from server.settings import Settings
from server.storage.inspection import APPEND_ONLY, EXTENSIONS
from tests.test_command_line import run
from tests.venues import Town

BOOKING = """
INSERT INTO bookings (id, grid_id, code, location_id, resource_id, type, status, start_time, end_time, reschedule_count,
                      created_at, updated_at, judged_by, version)
VALUES (gen_random_uuid(), gen_random_uuid()::text, 'ABC', $1, $2, 'BLOCKED', 'completed', '2026-06-02T12:00Z',
        '2026-06-02T13:00Z', 0, now(), now(), '{}', $3)
"""


async def found(**settings: Any) -> dict[str, Finding]:
    """What the doctor says of an installation, by part."""
    given: dict[str, Any] = {"port": 0, "env": "production"} | settings
    return {finding.part: finding async for finding in examine(Settings(**given))}


def bad(findings: dict[str, Finding]) -> dict[str, State]:
    return {
        part: finding.state
        for part, finding in findings.items()
        if finding.state is not State.OK
        and part != "web app"  # which a checkout under test need not have built
    }


async def test_a_sound_installation_has_nothing_to_mend(database_url: str, redis_url: str) -> None:
    town = Town(database_url)
    await town.person("Ada", "admin")
    findings = await found(database_url=database_url, redis_url=redis_url)
    assert bad(findings) == {}
    assert {"database", "tables", "double bookings", "audit", "clocks", "records", "Redis"} <= findings.keys()
    assert findings["Claude"].told == "off: set BAYGRID_ANTHROPIC_API_KEY"


async def test_what_the_database_should_guarantee_and_does_not_is_told(database_url: str) -> None:
    town = Town(database_url)
    venue, other = await town.venue(), await town.venue()
    await town.fetch("ALTER TABLE bookings DROP CONSTRAINT ex_bookings_occupancy")
    await town.fetch("ALTER TABLE booking_events DISABLE TRIGGER append_only")
    for _ in range(3):
        await town.fetch(BOOKING, venue.id, venue.bays[0], 0)
    await town.fetch(BOOKING, venue.id, other.bays[0], 7)
    findings = await found(database_url=database_url)
    assert bad(findings) == {
        "double bookings": State.FAILED,
        "audit": State.FAILED,
        "admins": State.WARNING,
        "bookings": State.FAILED,
        "versions": State.FAILED,
    }
    assert "booking_events" in findings["audit"].told
    assert all(finding.mend for finding in findings.values() if finding.state is not State.OK)


async def test_each_kind_of_record_that_is_off_is_counted(database_url: str) -> None:
    town = Town(database_url)
    venue, other = await town.venue(), await town.venue()
    await town.fetch("ALTER TABLE bookings DROP CONSTRAINT ex_bookings_occupancy")
    for _ in range(3):
        await town.fetch(BOOKING, venue.id, venue.bays[0], 0)
    await town.fetch(BOOKING, venue.id, other.bays[0], 0)
    await town.fetch(BOOKING.replace("'completed'", "'confirmed'"), venue.id, venue.bays[1], 0)
    await town.fetch(
        "INSERT INTO location_diffs SELECT $1, version, '', now() FROM unnest(ARRAY[-5, -3]) v(version)",
        venue.id,
    )
    told = [finding.told async for finding in examine(Settings(database_url=database_url, port=0))]
    assert "2 share time with an earlier one on their resource" in told
    assert "1 are on a resource of another location" in told
    assert any(line.startswith("1 locations have gaps") for line in told)
    assert any(line.startswith("1 lapsed holds or ended bookings wait") for line in told)


async def test_a_database_of_another_release_is_told_apart(
    database_url: str, empty_database_url: str
) -> None:
    assert (await found(database_url=empty_database_url))["tables"].state is State.WARNING
    town = Town(database_url)
    for revision, mend in (("0001", "baygrid migrate"), ("9999", "install the release")):
        await town.fetch("UPDATE alembic_version SET version_num = $1", revision)
        tables = (await found(database_url=database_url))["tables"]
        assert tables.state is State.FAILED
        assert mend in tables.mend


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda url: re.sub(r":\d+/", ":1/", url), "nobody answers there"),
        (lambda url: re.sub(r"/[^/]*$", "/nothere", url), "it has no database of this name"),
        (
            lambda url: re.sub(r"baygrid:[^@]*@", "baygrid:wrong-password@", url),
            "it refuses this user and password",
        ),
    ],
    ids=["address", "name", "password"],
)
async def test_why_a_database_cannot_be_reached_is_told_and_its_password_is_not(
    database_url: str, spoil: Any, told: str
) -> None:
    findings = await found(database_url=spoil(database_url))
    assert findings["database"].state is State.FAILED
    assert told in findings["database"].told
    said = "\n".join(line for finding in findings.values() for line in as_lines(finding))
    assert "wrong-password" not in said
    assert database_url.partition("baygrid:")[2].partition("@")[0] not in said


async def test_other_parts_that_fail_say_how_to_mend_them(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(servers, "ANSWER_SECONDS", 0.3)
    monkeypatch.setenv("BAYGRID_DATABSE_URL", "postgresql://ada:hush@db/grid")
    (tmp_path / "file").write_text("")
    findings = await found(
        env="development",
        database_url=database_url,
        redis_url="redis://:hush@127.0.0.1:1/0",
        secret_keys=SecretStr('{"keys": "hush"}'),
        now="2027-06-01T12:00:00Z",
        host="192.0.2.1",
        data_dir=tmp_path / "file" / "data",
    )
    assert bad(findings) == {
        "settings": State.WARNING,
        "environment": State.WARNING,
        "clock": State.WARNING,
        "port": State.FAILED,
        "admins": State.WARNING,
        "signing keys": State.FAILED,
        "Redis": State.FAILED,
    }
    assert "BAYGRID_DATABSE_URL" in findings["settings"].told
    assert "hush" not in str(findings)


async def test_an_installation_that_is_still_to_be_made_is_tried_out(tmp_path: Path) -> None:
    findings = await found(data_dir=tmp_path / "data", workers=2)
    assert bad(findings) == {"embedded Postgres": State.WARNING}
    assert findings["embedded Postgres"].told == "starts, and has no data yet"
    assert findings["Redis"].told == "answers, and passes messages on"
    assert not (tmp_path / "data").exists()


async def test_the_status_tells_whether_something_failed(database_url: str) -> None:
    status, out, err = await run("doctor", "--json", BAYGRID_DATABASE_URL=database_url, BAYGRID_PORT="0")
    parts = {each["part"]: each for each in json.loads(out)}
    failed = [part for part, each in parts.items() if each["state"] == "failed"]
    assert (status, err) == (1 if failed else 0, "")
    assert failed in ([], ["web app"])
    status, out, _ = await run(
        "doctor", BAYGRID_DATABASE_URL="postgresql://nobody@127.0.0.1:1/nothing", BAYGRID_PORT="0"
    )
    assert status == 1
    assert (
        "failed   database: cannot be reached: nobody answers there\n         → check BAYGRID_DATABASE_URL"
        in out
    )


def test_every_secret_of_an_integration_is_known_to_the_doctor() -> None:
    secrets = {
        name
        for name, field in Settings.model_fields.items()
        if "SecretStr" in str(field.annotation) and name != "secret_keys"
    }
    assert secrets <= {name for needed in INTEGRATIONS.values() for name in needed}
    assert {name for needed in INTEGRATIONS.values() for name in needed} <= Settings.model_fields.keys()


async def test_the_doctor_knows_what_the_migrations_make(database_url: str) -> None:
    town = Town(database_url)
    extensions = await town.fetch(
        "SELECT extname FROM pg_extension WHERE extname <> 'plpgsql' ORDER BY extname"
    )
    assert [row["extname"] for row in extensions] == sorted(EXTENSIONS)
    guarded = await town.fetch(
        "SELECT DISTINCT relname FROM pg_trigger t JOIN pg_class c ON c.oid = tgrelid WHERE tgname LIKE 'append_only%' ORDER BY 1"
    )
    assert [row["relname"] for row in guarded] == sorted(APPEND_ONLY)
