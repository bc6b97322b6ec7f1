"""What import files may look like, and what is told of those that are wrong: where, which column, and why."""

import zipfile
from pathlib import Path

import pytest

from server.errors import ConfigurationError
from server.interchange import yaml_form
from tests.interchange.conftest import Desk

LOCATIONS = "name,timezone\nRiverside,America/New_York\n"
RESOURCES = "location,name\nRiverside,Bay 1\nRiverside,Bay 2\n"
USERS = "email,name,tags\nada@example.com,Ada,league; gold\n"
BOOKINGS = (
    "location,resource,start_time,end_time,customer,note\n"
    'Riverside,Bay 1,2027-06-02T14:00:00Z,2027-06-02T15:00:00Z,ada@example.com,"two\nlines, and a comma"\n'
    "Riverside,Bay 2,2027-06-02T14:00:00Z,2027-06-02T15:00:00Z,ada@example.com,\n"
)
SHEETS = {"locations": LOCATIONS, "resources": RESOURCES, "users": USERS, "bookings": BOOKINGS}


def told(report) -> list[tuple[str, int, str | None, str]]:
    return [(fault.place.file, fault.place.line, fault.field, fault.message) for fault in report.faults.kept]


async def venue(desk: Desk) -> None:
    """A venue to bring bookings to."""
    for name in ("locations", "resources", "users"):
        report, _ = await desk.bring(f"{name}.csv", SHEETS[name])
        assert report.written, told(report)


async def test_a_folder_of_csv_files_is_read_by_their_headers(desk: Desk) -> None:
    # The order of the names is not that of the lists, and the names say nothing.
    for name, noun in (("1", "bookings"), ("2", "users"), ("3", "resources"), ("4", "locations")):
        desk.write(f"sheets/{name}.csv", SHEETS[noun])
    report, _ = await desk.bring_in(desk.folder / "sheets")
    assert told(report) == []
    assert report.counts["bookings"].created == 2
    assert (
        await desk.town.value("SELECT note FROM bookings WHERE note IS NOT NULL") == "two\nlines, and a comma"
    )
    assert await desk.town.value("SELECT tags FROM users") == ["league", "gold"]


async def test_an_archive_of_csv_files_is_read_alike(desk: Desk) -> None:
    path = desk.folder / "all.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in SHEETS.items():
            archive.writestr(f"deep/{name}.csv", text)
        archive.writestr("readme.txt", "hello")
    report, _ = await desk.bring_in(path)
    assert (told(report), report.written) == ([], True)


@pytest.mark.parametrize(
    "text",
    [
        USERS.replace("\n", "\r\n").encode("utf-8-sig"),
        USERS.encode("utf-16"),
        USERS.replace(";", "|").replace(",", ";").replace("|", ",").encode(),
        USERS.replace(",", "\t").encode(),
        USERS.replace("email,name,tags", " Email ,NAME,Tags,,").encode(),
        USERS.rstrip("\n").encode() + b"\n,,\n\n",
    ],
    ids=["bom and crlf", "utf-16", "semicolons", "tabs", "untidy header", "empty lines"],
)
async def test_csv_comes_as_spreadsheets_write_it(desk: Desk, text: bytes) -> None:
    report, _ = await desk.bring("users.csv", text)
    assert told(report) == []
    assert report.counts["users"].created == 1


async def test_bytes_that_are_no_utf_8_are_read_as_old_spreadsheets_mean_them_with_a_warning(
    desk: Desk,
) -> None:
    report, said = await desk.bring("users.csv", "email,name\nz@example.com,Zoë\n".encode("cp1252"))
    assert await desk.town.value("SELECT name FROM users") == "Zoë"
    assert report.warnings.count == 1
    assert any(line.startswith("warning: users.csv:1: is not UTF-8") for line in said)


WRONG_CSV: list[tuple[str, int, str | None, str]] = [
    ("email,name,phnoe\na@example.com,A,\n", 1, "phnoe", "users have no column 'phnoe': is it 'phone'?"),
    ("email,name,name\na@example.com,A,A\n", 1, "name", "is there twice"),
    ("location,start_time,end_time\n", 1, "resource", "is required"),
    ("one,two\n1,2\n", 1, None, "has the columns of no list"),
    ("email,name\na@example.com,A\nb@example.com,B,B\n", 3, None, "has 3 cells, and the header 2"),
    ("email,name\na@example.com,A\n\nno address,B\n", 4, "email", "must be an email address"),
    ('email,name\na@example.com,"A\n', 2, None, "cannot be read on: unexpected end of data"),
    ("email,name\na@example.com," + "x" * (2 << 20) + "\n", 2, None, "a line has more than"),
    (
        "email,name\na@example.com,A\nA@EXAMPLE.com,B\n",
        3,
        "email",
        "the same address is given before, at x.csv:2",
    ),
    ("email,name\n,A\n", 2, "email", "or a phone is needed"),
    ("email,name\na@example.com,\n", 2, "name", "is needed for a new account"),
    (
        "email,name,locations\na@example.com,A,Nowhere\n",
        2,
        "locations",
        "there is no location called 'Nowhere'",
    ),
    ("name,timezone\nHere,Mars/Olympus\n", 2, "timezone", "must be the name of a time zone"),
    ('name,timezone,policy\nHere,UTC,"{""advance"": 1}"\n', 2, "policy/advance", "is not a key of a policy"),
    ("name,timezone,policy\nHere,UTC,{1}\n", 2, "policy", "must be a JSON object"),
    ("name,active\nNew,true\n", 1, None, "has the columns of no list"),
    ("name,slot_minutes\nNew,30\n", 2, "timezone", "is needed for a new location"),
    ("location,name\nNowhere,Bay\n", 2, "location", "there is no location called 'Nowhere'"),
]


async def test_what_is_wrong_in_csv_is_told_with_its_line_and_column(desk: Desk) -> None:
    for text, line, field, message in WRONG_CSV:
        [fault, *_] = await desk.looked_at("x.csv", text)
        assert (fault.place.line, fault.field) == (line, field), text
        assert message in fault.message


ROW = "Riverside,Bay 1,{start},{end},{customer},{more}\n"


WRONG_BOOKINGS = [
    (
        "2027-03-14T02:30:00",
        "2027-03-14T04:00:00",
        "ada@example.com",
        "",
        "start_time",
        "nonexistent_time: ",
    ),
    (
        "2027-11-07T01:30:00",
        "2027-11-07T03:00:00",
        "ada@example.com",
        "",
        "start_time",
        "ambiguous_time: ",
    ),
    (
        "2027-11-07T00:30:00",
        "2027-11-07T01:30:00",
        "ada@example.com",
        "",
        "end_time",
        "2027-11-07T05:30:00Z or",
    ),
    ("2027-06-02T15:00:00Z", "2027-06-02T15:00:00Z", "ada@example.com", "", "end_time", "must be after"),
    (
        "tomorrow",
        "2027-06-02T15:00:00Z",
        "ada@example.com",
        "",
        "start_time",
        "must be an RFC 3339 date-time",
    ),
    (
        "2027-06-02T14:00:00Z",
        "2027-06-02T15:00:00Z",
        "eve@example.com",
        "",
        "customer",
        "nobody's address",
    ),
    (
        "2027-06-02T14:00:00Z",
        "2027-06-02T15:00:00Z",
        "",
        "",
        "customer",
        "either a customer or a visitor_name",
    ),
    (
        "2027-06-02T14:00:00Z",
        "2027-06-02T15:00:00Z",
        "ada@example.com",
        "BLOCKED",
        "type",
        "a block has no",
    ),
    (
        "2027-06-02T14:00:00Z",
        "2027-06-02T15:00:00Z",
        "ada@example.com",
        "GOLF",
        "type",
        "Input should be",
    ),
]


async def test_t3_what_is_wrong_with_a_booking_is_told_with_its_line_and_column(desk: Desk) -> None:
    await venue(desk)
    for start, end, customer, more, field, message in WRONG_BOOKINGS:
        row = ROW.format(start=start, end=end, customer=customer, more=more)
        text = f"location,resource,start_time,end_time,customer,type\n{row}"
        [fault] = await desk.looked_at("x.csv", text)
        assert (fault.place.line, fault.field) == (2, field), row
        assert message in fault.message


async def test_r4_a_time_off_the_grid_is_a_warning(desk: Desk) -> None:
    await venue(desk)
    report, _ = await desk.bring("x.csv", BOOKINGS.replace("T14:00:00Z", "T14:10:00Z"))
    assert report.written
    assert [(each.place.line, each.field) for each in report.warnings.kept] == [
        (2, "start_time"),
        (4, "start_time"),
    ]


async def test_rows_that_tell_of_one_booking_twice_are_faults(desk: Desk) -> None:
    await venue(desk)
    header, *_ = BOOKINGS.splitlines()
    row = "Riverside,Bay 1,2027-06-02T14:00:00Z,2027-06-02T15:00:00Z,ada@example.com,"
    report, _ = await desk.bring("x.csv", f"{header},status\n{row},cancelled\n{row},confirmed\n")
    [(_, line, field, message)] = told(report)
    assert (line, field) == (3, "external_id")
    assert "x.csv:2" in message
    report, _ = await desk.bring(
        "x.csv", f"{header},status,external_id\n{row},cancelled,A\n{row},confirmed,B\n"
    )
    assert (told(report), report.counts["bookings"].created) == ([], 2)


async def test_yaml_lists_may_stand_in_any_order(desk: Desk) -> None:
    text = """
bookings: [{location: L, resource: R, start_time: "2027-06-02T14:00", end_time: "2027-06-02T15:00", customer: a@example.com}]
users: [{email: a@example.com, name: A}]
resources: [{location: L, name: R}]
locations: [{name: L, timezone: UTC}]
"""
    report, _ = await desk.bring("x.yaml", text)
    assert told(report) == []
    assert report.counts["bookings"].created == 1


BOMB = "users:\n- &a {email: a@example.com, name: A}\n- *a\n"


WRONG_YAML = [
    (BOMB, 3, "aliases"),
    ("users:\n- email: a@example.com\n   name: A\n", 3, "is no YAML"),
    ("users: {}\n", 1, "users must be a list"),
    ("people: []\n", 1, "'people' is none of the lists"),
    ("- a\n", 1, "is no mapping"),
    ("users: []\nusers: []\n", 2, "users are there twice"),
    ("users: []\n---\nusers: []\n", 3, "a second document"),
    ("users:\n- a\n", 2, "is no mapping of columns"),
    ("users:\n- email: a@example.com\n  name: A\n  email: b@example.com\n", 4, "is there twice"),
    ("users:\n- email: a@example.com\n  name: A\n  role: king\n", 4, "Input should be"),
    ("users:\n- !!python/object/apply:os.system ['true']\n", 2, "is no mapping"),
    ("users:\n- email: a@example.com\n  tags: " + "[" * 40 + "]" * 40 + "\n", 3, "a row holds too much"),
    (
        "locations:\n- name: L\n  timezone: UTC\n  policy: " + str({f"k{n}": 1 for n in range(11_000)}),
        4,
        "too much",
    ),
    ("users:\n- {email: \x00}\n", 1, "is no YAML"),
]


async def test_what_is_wrong_in_yaml_is_told_with_its_line(desk: Desk) -> None:
    for text, line, message in WRONG_YAML:
        [fault, *_] = await desk.looked_at("x.yaml", text)
        assert message in fault.message, text[:80]
        assert fault.place.line == line, text[:80]


async def test_a_value_without_an_end_is_not_read_to_its_end(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(yaml_form, "MOST_BETWEEN", 200_000)
    report, _ = await desk.bring("x.yaml", "users:\n- name: " + "x" * 1_000_000)
    [(_, _, _, message)] = told(report)
    assert "characters are one value" in message


async def test_an_empty_document_brings_nothing(desk: Desk) -> None:
    for text in ("", "# nothing\n", "users:\n", "---\n"):
        report, said = await desk.bring("x.yaml", text)
        assert (told(report), said[-1]) == ([], "Done.")


@pytest.mark.parametrize("name", ["nothing.yaml", "folder"])
async def test_what_is_not_there_is_told(desk: Desk, name: str) -> None:
    (desk.folder / "folder").mkdir()
    with pytest.raises(ConfigurationError, match=name):
        await desk.bring_in(desk.folder / name)


@pytest.mark.parametrize("name", ["venue.yaml", "sheets"])
async def test_the_examples_of_the_documentation_can_be_imported(desk: Desk, name: str) -> None:
    report, _ = await desk.bring_in(Path(__file__).parents[2] / "docs" / "examples" / name)
    assert (told(report), report.warnings.count) == ([], 0)
    assert report.counts["bookings"].created >= 3
