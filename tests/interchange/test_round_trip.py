"""What is exported can be imported, and is the same when it is exported again."""

import csv
import io
import re
import stat
import zipfile
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import yaml

from server.errors import ConfigurationError
from server.interchange import export_file
from server.storage import migrate
from tests.interchange.conftest import Desk
from tests.interchange.test_importing import ALL

ODD = """
locations:
- {name: "Köln: \\u2028 #1", timezone: Europe/Berlin, slot_minutes: 15, active: no}
resources:
- {location: "Köln: \\u2028 #1", name: "Bay; \\"one\\""}
users:
- {email: o'hara@example.com, name: "yes", tags: ["null", "on", "a: b"], language: de, sms_consent: true}
- {phone: "+491701234567", name: "  spaced  "}
bookings:
- external_id: "0042"
  location: "Köln: \\u2028 #1"
  resource: "Bay; \\"one\\""
  start_time: 2027-06-02T14:00:00Z
  end_time: 2027-06-02T15:00:00Z
  customer: "+491701234567"
  note: "- not: a\\n  list\\t\\x85 \\U0001F3CC =SUM(A1)"
- {location: "Köln: \\u2028 #1", resource: "Bay; \\"one\\"", start_time: 2027-05-02T14:00:00Z, end_time: 2027-05-02T15:00:00Z,
   visitor_name: "#hash", status: cancelled, cancel_reason: "it: rained"}
- {location: "Köln: \\u2028 #1", resource: "Bay; \\"one\\"", start_time: 2027-05-02T14:00:00Z, end_time: 2027-05-02T15:00:00Z,
   customer: o'hara@example.com, status: no_show, reschedule_count: 2, internal_note: "late", code: OLD123, created_at: 2027-05-01T08:00:00Z}
- {location: "Köln: \\u2028 #1", resource: "Bay; \\"one\\"", start_time: 2027-05-03T14:00:00, end_time: 2027-05-03T15:00:00,
   customer: o'hara@example.com, attended_at: 2027-05-03T13:50:00}
- {location: "Köln: \\u2028 #1", resource: "Bay; \\"one\\"", start_time: 2027-07-03T14:00:00, end_time: 2027-07-04T15:00:00,
   type: PRIVATE_EVENT, reason: "a wedding"}
"""


@pytest.mark.parametrize("form", ["yaml", "csv"])
async def test_an_export_comes_back_equal(
    database_url: str,
    empty_database_url: str,
    template_database: str,
    desk_at: Callable[[str], Awaitable[Desk]],
    tmp_path: Path,
    form: str,
) -> None:
    desk = await desk_at(database_url)
    for text in (ALL, ODD):
        report, _ = await desk.bring("all.yaml", text)
        assert report.faults.kept == []
    first = await desk.take_out(f"first.{'yaml' if form == 'yaml' else 'zip'}", form)
    await migrate(empty_database_url)
    other = await desk_at(empty_database_url)
    report, _ = await other.bring_in(first)
    assert report.faults.kept == []
    assert report.written
    one, two = await desk.take_out("one.yaml"), await other.take_out("two.yaml")
    assert one.read_text() == two.read_text()
    assert yaml.safe_load(one.read_text()).keys() == {"locations", "resources", "users", "bookings"}
    again, _ = await desk.bring_in(one)
    assert {counts.created + counts.changed for counts in again.counts.values()} == {0}


async def test_an_export_holds_no_secret_and_is_for_its_owner_alone(desk: Desk) -> None:
    await desk.bring("all.yaml", ALL)
    await desk.town.fetch("UPDATE users SET password_hash = '$argon2id$', email_proven = name <> 'Sam'")
    path = await desk.take_out("out.yaml")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "argon2" not in path.read_text()
    assert not re.search(r"password|token|hash", path.read_text())
    assert not path.with_name("out.yaml.partial").exists()
    archive = await desk.take_out("out.zip", "csv")
    with zipfile.ZipFile(archive) as found:
        assert found.namelist() == ["locations.csv", "resources.csv", "users.csv", "bookings.csv"]
        rows = list(csv.DictReader(io.TextIOWrapper(found.open("users.csv"), "utf-8", newline="")))
    assert len(rows) == await desk.town.value("SELECT count(*) FROM users")
    folder = await desk.take_out("sheets", "csv")
    assert (folder / "bookings.csv").read_bytes() == zipfile.ZipFile(archive).read("bookings.csv")


async def test_csv_wants_a_place_for_its_files(desk: Desk) -> None:
    with pytest.raises(ConfigurationError, match="--output"):
        await export_file(desk.database, clock=desk.clock, output=None, form="csv")
    with pytest.raises(ConfigurationError, match="cannot be written"):
        await export_file(desk.database, clock=desk.clock, output=Path("/proc/nowhere/x.yaml"), form="yaml")
