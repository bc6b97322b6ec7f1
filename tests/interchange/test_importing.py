"""What an import does to the database: everything once, in whole batches, told to whoever watches."""

import asyncpg
import pytest

from grid_engine.interval import HOUR, Interval
from server.bus.memory import MemoryBus
from server.commands import Command, Reschedule
from server.errors import ConfigurationError
from server.live.rooms import Rooms
from server.service.importing import Conflict, Place, people
from server.storage.locations import Locations
from server.storage.staged_users import insert_accounts
from tests.conftest import NOON
from tests.interchange.conftest import Desk
from tests.running_node import running_node

VENUE = """
locations:
- name: Riverside
  timezone: America/New_York
  policy:
    advance_days: 30
    opening_hours: {mon: [["09:00", "24:00"]]}
resources:
- {location: Riverside, name: Bay 1}
- {location: Riverside, name: Bay 2}
users:
- email: ada@example.com
  name: Ada Lovelace
  phone: +15551230000
  tags: [league, 2024]
  membership_tier: GOLD
- {phone: "+15551230001", name: Bob}
- {email: sam@example.com, name: Sam, role: staff, locations: [Riverside]}
"""
BOOKINGS = """
bookings:
- external_id: A-1
  location: Riverside
  resource: Bay 1
  start_time: 2027-06-02T14:00:00Z
  end_time: 2027-06-02T15:00:00Z
  customer: ADA@example.com
  note: left-handed
- location: Riverside
  resource: Bay 2
  start_time: 2027-06-02T10:00:00
  end_time: 2027-06-02T11:30:00
  customer: "+15551230001"
- {location: Riverside, resource: Bay 2, start_time: "2027-06-02T11:30", end_time: "2027-06-02T12:30", visitor_name: Walk-in}
- {location: Riverside, resource: Bay 1, start_time: 2027-06-03T04:00:00Z, end_time: 2027-06-04T04:00:00Z, type: MAINTENANCE, reason: net}
- {location: Riverside, resource: Bay 1, start_time: 2027-05-01T14:00:00Z, end_time: 2027-05-01T15:00:00Z, customer: ada@example.com}
"""
ALL = VENUE + BOOKINGS


def at(number: int, start: str, end: str, **more: str) -> str:
    told = "".join(f", {name}: {value!r}" for name, value in more.items())
    return (
        f"- {{external_id: A-{number}, location: Riverside, resource: Bay 1, start_time: '2027-06-02T{start}:00Z', "
        f"end_time: '2027-06-02T{end}:00Z', visitor_name: V{number}{told}}}\n"
    )


async def test_everything_comes_in_with_its_audit_and_a_version_for_each_batch(desk: Desk) -> None:
    report, said = await desk.bring("all.yaml", ALL)
    assert report.faults.kept == []
    assert said[-1] == "Done."
    [venue] = await desk.town.fetch("SELECT * FROM locations")
    assert (venue["timezone"], venue["policy"]["advance_days"]) == ("America/New_York", 30)
    users = await desk.town.fetch("SELECT * FROM users ORDER BY name")
    assert [(user["name"], user["email"], user["phone"]) for user in users] == [
        ("Ada Lovelace", "ada@example.com", "+15551230000"),
        ("Bob", None, "+15551230001"),
        ("Sam", "sam@example.com", None),
    ]
    assert users[0]["tags"] == ["league", "2024"]
    assert all(user["password_hash"] is None for user in users)
    bookings = await desk.town.fetch(
        "SELECT b.*, r.name AS bay, extract(epoch FROM start_time)::int AS starts FROM bookings b "
        "JOIN resources r ON r.id = b.resource_id ORDER BY start_time, r.name"
    )
    assert [(each["bay"], each["status"], each["starts"]) for each in bookings] == [
        ("Bay 1", "completed", NOON - 31 * 24 * HOUR + 2 * HOUR),  # it had ended
        ("Bay 1", "confirmed", NOON + 26 * HOUR),
        ("Bay 2", "confirmed", NOON + 26 * HOUR),  # ten o'clock by the clocks there
        ("Bay 2", "confirmed", NOON + 27 * HOUR + HOUR // 2),
        ("Bay 1", "confirmed", NOON + 40 * HOUR),
    ]
    assert (bookings[1]["user_id"], bookings[1]["note"]) == (users[0]["id"], "left-handed")
    events = await desk.town.fetch("SELECT metadata, actor_id FROM booking_events")
    events += await desk.town.fetch("SELECT metadata, actor_id FROM audit_events")
    assert len(events) == 5 + 1 + 2 + 3
    assert {(event["metadata"]["cause"], event["actor_id"]) for event in events} == {("import", None)}
    diffs = await desk.town.fetch("SELECT version FROM location_diffs ORDER BY version")
    assert [diff["version"] for diff in diffs] == list(range(1, venue["version"] + 1))
    assert await desk.town.overlaps() == 0


async def test_the_same_again_creates_nothing_and_changes_nothing(desk: Desk) -> None:
    await desk.bring("all.yaml", ALL)
    before = await desk.rows()
    versions = await desk.town.fetch("SELECT version FROM locations")
    report, _ = await desk.bring("all.yaml", ALL)
    assert {noun: counts.unchanged for noun, counts in report.counts.items()} == {
        "locations": 1,
        "resources": 2,
        "users": 3,
        "bookings": 5,
    }
    assert await desk.rows() == before
    assert await desk.town.fetch("SELECT version FROM locations") == versions


async def test_a_dry_run_tells_what_would_be_done_and_writes_nothing(desk: Desk) -> None:
    before = await desk.rows()
    report, said = await desk.bring("all.yaml", ALL, dry_run=True)
    assert await desk.rows() == before
    assert said == [
        "locations: 1 would be created, 0 would be changed, 0 unchanged",
        "resources: 2 would be created, 0 would be changed, 0 unchanged",
        "users: 3 would be created, 0 would be changed, 0 unchanged",
        "bookings: 5 would be created, 0 would be changed, 0 unchanged",
        "A dry run: nothing was written, and nothing is wrong.",
    ]
    assert not report.written


async def test_g1_double_bookings_in_the_file_are_conflicts_that_name_both_lines(desk: Desk) -> None:
    rows = (
        at(1, "14:00", "16:00") + at(2, "15:00", "17:00") + at(3, "17:00", "18:00") + at(4, "12:00", "14:00")
    )
    report, said = await desk.bring("all.yaml", VENUE + "bookings:\n" + rows)
    first = VENUE.count("\n") + 2
    assert report.conflicts.kept == [
        Conflict(
            location="Riverside",
            resource="Bay 1",
            interval=Interval(NOON + 27 * HOUR, NOON + 29 * HOUR),
            place=Place("all.yaml", first + 1),
            other_interval=Interval(NOON + 26 * HOUR, NOON + 28 * HOUR),
            other_place=Place("all.yaml", first),
            other_booking_id=None,
        )
    ]
    [told] = report.faults.kept
    assert (told.place.line, told.field) == (first + 1, "start_time")
    assert f"all.yaml:{first}" in told.message
    assert said[-1].startswith("Nothing was written: 1 fault, 1 of them double bookings.")
    assert (await desk.rows())["locations"] == 0


async def test_rows_without_faults_are_written_where_that_is_asked_for(desk: Desk) -> None:
    rows = at(1, "14:00", "16:00") + at(2, "15:00", "17:00") + at(3, "17:00", "18:00")
    report, said = await desk.bring("all.yaml", VENUE + "bookings:\n" + rows, skip_faulty=True)
    assert (report.counts["bookings"].created, report.counts["bookings"].left_out) == (2, 1)
    assert said[-1] == "Done, but for rows with 1 fault, 1 of them double bookings."
    assert [row["name"] for row in await desk.town.fetch("SELECT name FROM visitors ORDER BY name")] == [
        "V1",
        "V3",
    ]


async def test_g1_what_is_booked_already_is_a_conflict_and_canceled_rows_are_none(desk: Desk) -> None:
    await desk.bring("all.yaml", ALL)
    rows = at(5, "14:30", "15:30") + at(6, "14:30", "15:30", status="cancelled")
    report, _ = await desk.bring("more.yaml", "bookings:\n" + rows, skip_faulty=True)
    [conflict] = report.conflicts.kept
    taken = await desk.town.value("SELECT id FROM bookings WHERE note = 'left-handed'")
    assert (conflict.other_booking_id, conflict.other_place) == (str(taken), None)
    assert report.counts["bookings"].created == 1
    assert await desk.town.overlaps() == 0


async def test_what_the_source_changed_is_changed_and_two_may_change_places(desk: Desk) -> None:
    both = at(1, "14:00", "15:00") + at(2, "15:00", "16:00") + at(3, "16:00", "17:00")
    await desk.bring("all.yaml", VENUE + "bookings:\n" + both)
    swapped = (
        at(2, "14:00", "15:00")
        + at(1, "15:00", "16:00", note="moved")
        + at(3, "16:00", "17:00", status="cancelled")
    )
    report, _ = await desk.bring("all.yaml", VENUE + "bookings:\n" + swapped + at(4, "16:00", "17:00"))
    assert (report.counts["bookings"].changed, report.counts["bookings"].created) == (3, 1)
    rows = await desk.town.fetch(
        "SELECT v.name, extract(hour FROM start_time AT TIME ZONE 'UTC')::int AS hour, status FROM bookings b "
        "JOIN visitors v ON v.id = b.visitor_id ORDER BY v.name"
    )
    assert [tuple(row) for row in rows] == [
        ("V1", 15, "confirmed"),
        ("V2", 14, "confirmed"),
        ("V3", 16, "cancelled"),
        ("V4", 16, "confirmed"),
    ]
    changed = await desk.town.fetch("SELECT metadata FROM booking_events WHERE event_type = 'updated'")
    assert len(changed) == 3
    assert all(event["metadata"]["before"]["status"] == "confirmed" for event in changed)


async def test_a_row_that_says_the_same_leaves_alone_what_people_did_since(desk: Desk) -> None:
    await desk.bring("all.yaml", ALL)
    staff = await desk.town.value("SELECT id FROM users WHERE name = 'Sam'")
    async with running_node(desk.town.url, desk.clock) as node:
        booking = await desk.town.value("SELECT id FROM bookings WHERE note = 'left-handed'")
        account = await node.node.accounts.account(staff)
        assert account is not None
        principal = await node.node.identity.authenticate(
            (await node.node.identity.begin(account)).access_token
        )
        body = Reschedule.model_validate(
            {
                "start_time": "2027-06-02T18:00:00Z",
                "end_time": "2027-06-02T19:00:00Z",
                "override_reason": "asked",
            }
        )
        await node.node.desk.perform(principal, Command(op="reschedule", body=body, target=booking))
    report, _ = await desk.bring("all.yaml", ALL)
    assert report.counts["bookings"].unchanged == 5
    assert (
        await desk.town.value(
            "SELECT extract(hour FROM start_time AT TIME ZONE 'UTC')::int FROM bookings WHERE id = $1",
            booking,
        )
        == 18
    )


async def test_accounts_and_venues_are_changed_by_what_a_row_gives_and_no_more(desk: Desk) -> None:
    await desk.bring("all.yaml", ALL)
    text = """
locations: [{name: Riverside, policy: {advance_days: 7}}]
resources: [{location: Riverside, name: Bay 2, active: no}]
users:
- {email: Ada@Example.com, name: Ada King}
- {phone: "+15551230001", tags: [academy]}
"""
    report, _ = await desk.bring("some.yaml", text)
    assert [report.counts[noun].changed for noun in ("locations", "resources", "users")] == [1, 1, 2]
    [ada] = await desk.town.fetch("SELECT * FROM users WHERE email = 'ada@example.com'")
    assert (ada["name"], ada["membership_tier"]) == ("Ada King", "GOLD")
    report, _ = await desk.bring("some.yaml", text.replace("Ada King", "Ada"), only_new=True)
    assert report.counts["users"].changed == 0
    assert await desk.town.value("SELECT name FROM users WHERE email = 'ada@example.com'") == "Ada King"


async def test_w1_whoever_watches_sees_what_comes_in(desk: Desk) -> None:
    await desk.bring("all.yaml", VENUE)
    location = await desk.town.value("SELECT id FROM locations")
    rooms = Rooms(store=Locations(desk.database, desk.clock), bus=MemoryBus(), clock=desk.clock)
    room = await rooms.open(location)
    await desk.bring("all.yaml", ALL)
    await room.catch_up()
    fresh = await Rooms(store=Locations(desk.database, desk.clock), bus=MemoryBus(), clock=desk.clock).open(
        location
    )
    assert (room.epoch, room.version, room.grid.digest()) == (fresh.epoch, fresh.version, fresh.grid.digest())
    assert len(room.grid) == 4
    assert {record.who for record in room.grid.records() if hasattr(record, "who")} == {
        "Ada Lovelace",
        "Bob",
        "Walk-in",
    }
    assert room.since(0) is not None or room.version > 0


async def test_g5_an_overdue_hold_is_no_conflict(desk: Desk) -> None:
    await desk.bring("all.yaml", VENUE)
    await desk.town.fetch(
        "INSERT INTO bookings (id, grid_id, code, location_id, resource_id, user_id, type, status, start_time, end_time, "
        "reschedule_count, created_at, updated_at, expires_at, judged_by, version) SELECT gen_random_uuid(), 'g', 'ABC', "
        "location_id, id, (SELECT id FROM users WHERE name = 'Sam'), 'CUSTOMER', 'held', '2027-06-02T14:00Z', "
        "'2027-06-02T15:00Z', 0, now(), now(), '2027-06-01T11:00Z', '{}', 1 FROM resources WHERE name = 'Bay 1'"
    )
    report, _ = await desk.bring("all.yaml", ALL)
    assert report.faults.kept == []
    assert await desk.town.value("SELECT count(*) FROM bookings WHERE status = 'expired'") == 1


async def test_two_imports_at_once_would_each_find_nothing_there_so_the_second_is_turned_away(
    desk: Desk,
) -> None:
    other = await asyncpg.connect(desk.town.url)
    await other.execute("SELECT pg_advisory_lock(hashtext('baygrid import'))")
    with pytest.raises(ConfigurationError, match="Another import is at work"):
        await desk.bring("all.yaml", ALL)
    await other.close()
    for _ in range(2):
        report, _ = await desk.bring("all.yaml", ALL)
        assert report.written


async def test_an_address_that_somebody_takes_meanwhile_is_told_and_the_rest_goes_on(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever signs up between the looking and the writing is there first."""
    insert = insert_accounts
    asked: list[int] = []

    async def taken_at_first(connection: object, accounts: list[object], *rest: object) -> None:
        asked.append(len(accounts))
        if len(asked) == 1:
            await desk.town.person("Bob", "customer")
            await desk.town.fetch("UPDATE users SET phone = '+15551230001' WHERE name = 'Bob'")
        await insert(connection, accounts, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(people, "insert_accounts", taken_at_first)
    report, _ = await desk.bring("all.yaml", ALL)
    assert asked == [3, 1, 1, 1]
    assert report.written
    assert report.counts["users"].created == 2
    assert await desk.town.value("SELECT count(*) FROM bookings WHERE user_id IS NOT NULL") == 3


async def test_a1_an_import_gives_nothing_to_whoever_only_claims_an_address(desk: Desk) -> None:
    mallory = await desk.town.person("Mallory")
    claims = "UPDATE users SET {} WHERE id = $1"
    await desk.town.fetch(
        claims.format(
            "email = 'sam@example.com', email_proven = false, phone = '+15551230001', phone_proven = false"
        ),
        mallory.user_id,
    )
    for _ in range(2):  # the second time everybody is known
        report, _ = await desk.bring("venue.yaml", VENUE)
        assert report.faults.kept == []
    [left] = await desk.town.fetch("SELECT * FROM users WHERE id = $1", mallory.user_id)
    assert (left["role"], left["email"], left["phone"]) == ("customer", None, None)
    found = await desk.town.fetch(
        "SELECT name, role, email, phone FROM users WHERE name IN ('Sam', 'Bob') ORDER BY name"
    )
    assert [tuple(row) for row in found] == [
        ("Bob", "customer", None, "+15551230001"),
        ("Sam", "staff", "sam@example.com", None),
    ]
    events = await desk.town.fetch(
        "SELECT subject_id FROM audit_events WHERE metadata->>'cause' = 'proven_by_another'"
    )
    assert {row["subject_id"] for row in events} == {str(mallory.user_id)}

    # Of bookings it is the same: nobody comes to those of somebody else by saying that they are them.
    await desk.town.fetch(claims.format("email = 'eve@example.com', email_proven = false"), mallory.user_id)
    theirs = at(1, "14:00", "15:00").replace("visitor_name: V1", "customer: eve@example.com")
    report, _ = await desk.bring("bookings.yaml", f"bookings:\n{theirs}")
    assert [fault.message for fault in report.faults.kept] == ["is nobody's address or phone"]
    # What they booked themselves is theirs by whatever address they go.
    await desk.town.fetch(claims.format("email_proven = true"), mallory.user_id)
    await desk.bring("bookings.yaml", f"bookings:\n{theirs}")
    await desk.town.fetch(claims.format("email_proven = false"), mallory.user_id)
    report, _ = await desk.bring("bookings.yaml", f"bookings:\n{theirs}")
    assert (report.faults.kept, report.counts["bookings"].unchanged) == ([], 1)
