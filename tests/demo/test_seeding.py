"""Demo data on a real Postgres: the first start, the next one, and one a week later."""

import asyncio
import datetime as dt
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from grid_engine.calendar_day import day_of, is_boundary, local_time
from grid_engine.grid import Grid
from grid_engine.interval import DAY, HOUR, Interval
from rules.evaluate import evaluate
from rules.model import Action, Proposal, Role
from server.clock import ManualClock
from server.demo import seed
from server.errors import ConfigurationError, Unauthenticated
from server.principal import Principal
from server.service.blocks.recurrence import wall_starts
from server.service.circumstances import facts_for
from server.service.identity import Identity
from server.service.passwords import Passwords
from server.service.simulation import Simulation
from server.service.tokens import SigningKeys
from server.service.views import audit_body
from server.storage import Database
from server.storage.accounts import Accounts
from server.storage.customers import read_customers
from server.storage.locations import Locations
from server.storage.series import SeriesQueries
from server.storage.stored_booking import SELECT_BOOKING, StoredBooking, from_row
from tests.demo.conftest import NOW, Demo
from tests.venues import Town

LAID_OUT = """
SELECT r.name, r.location_id, b.start_time, b.end_time, b.type, b.status, b.user_id, b.code, b.grid_id
FROM bookings b JOIN resources r ON r.id = b.resource_id ORDER BY b.id
"""


async def bookings_of(town: Town) -> list[StoredBooking]:
    return [from_row(row) for row in await town.fetch(f"{SELECT_BOOKING} ORDER BY b.start_time, b.id")]


async def zones_of(town: Town) -> dict[int, tuple[str, int]]:
    rows = await town.fetch("SELECT id, timezone, slot_minutes FROM locations")
    return {row["id"]: (row["timezone"], row["slot_minutes"]) for row in rows}


async def too_near(town: Town) -> int:
    """Pairs of bookings with less than their location's turnover between them (G2)."""
    return int(
        await town.value(
            """
            SELECT count(*) FROM bookings a JOIN bookings b ON a.resource_id = b.resource_id AND a.id <> b.id
            JOIN locations l ON l.id = a.location_id
            WHERE a.start_time <= b.start_time AND a.type = 'CUSTOMER' AND b.type = 'CUSTOMER'
              AND b.start_time < a.end_time + make_interval(mins => (l.policy->>'buffer_minutes')::int)
              AND a.status IN ('confirmed', 'completed') AND b.status IN ('confirmed', 'completed')
            """
        )
    )


# The first start


async def test_there_are_two_venues_in_two_time_zones(demo):
    rows = await demo.town.fetch(
        """
        SELECT l.id, l.name, l.timezone, l.policy, count(*) AS bays FROM locations l
        JOIN resources r ON r.location_id = l.id GROUP BY l.id ORDER BY bays
        """
    )
    assert [row["bays"] for row in rows] == [12, 40]
    assert [row["timezone"] for row in rows] == ["America/New_York", "Europe/London"]
    assert [row["policy"]["opening_hours"] is None for row in rows] == [True, False]
    assert [row["policy"]["buffer_minutes"] for row in rows] == [0, 15]
    assert [(venue.id, venue.name) for venue in demo.accounts.venues] == [
        (row["id"], row["name"]) for row in rows
    ]


async def test_everybody_is_there(demo):
    rows = await demo.town.fetch("SELECT role, count(*) FROM users GROUP BY role")
    assert dict(map(tuple, rows)) == {"admin": 1, "operator": 1, "staff": 7, "customer": 320}
    working = await demo.town.fetch("SELECT location_id, count(*) FROM user_locations GROUP BY 1 ORDER BY 1")
    assert [row["count"] for row in working] == [3, 4]
    restrictions = await demo.town.fetch("SELECT restriction_type FROM booking_restrictions")
    assert [row["restriction_type"] for row in restrictions] == ["BOOKING_BAN"]
    assert await demo.town.value("SELECT count(*) FROM blackouts") == 1


async def test_g1_nothing_overlaps_and_g2_turnovers_are_kept(demo):
    assert await demo.town.overlaps() == 0
    assert await too_near(demo.town) == 0


async def test_t2_every_booking_stands_on_slot_boundaries(demo):
    zones = await zones_of(demo.town)
    for booking in await bookings_of(demo.town):
        assert is_boundary(booking.interval.start, *zones[booking.location_id])
        assert is_boundary(booking.interval.end, *zones[booking.location_id])


async def test_every_day_from_a_week_ago_to_ten_days_ahead_has_bookings(demo):
    bookings = await bookings_of(demo.town)
    for location_id, (timezone, _) in (await zones_of(demo.town)).items():
        today = day_of(NOW, timezone)
        days = {
            day_of(each.interval.start, timezone) - today
            for each in bookings
            if each.location_id == location_id
        }
        assert days == {dt.timedelta(days=number) for number in range(-7, 11)}


async def test_p4_the_past_has_ended_and_the_future_has_not(demo):
    for booking in await bookings_of(demo.town):
        ended = booking.interval.end <= NOW
        assert (
            (booking.status in ("completed", "no_show", "cancelled"))
            if ended
            else booking.status
            in (
                "confirmed",
                "cancelled",
            )
        )
        assert booking.created_at <= booking.updated_at <= NOW
        assert booking.attended_at is None or booking.attended_at <= NOW


async def test_it_looks_like_a_venues_week(demo):
    bookings = await bookings_of(demo.town)
    zones = await zones_of(demo.town)
    kinds = {(each.type, each.status) for each in bookings}
    assert kinds >= {
        ("CUSTOMER", status) for status in ("completed", "confirmed", "cancelled", "no_show")
    } | {("MAINTENANCE", "confirmed"), ("TRAINING", "confirmed"), ("PRIVATE_EVENT", "confirmed")}
    lengths = {each.interval.seconds for each in bookings if each.type == "CUSTOMER"}
    assert lengths == {3600, 5400, 7200}
    assert {each.series_id is not None for each in bookings if each.type == "TRAINING"} == {True}

    def hours(location_id: int, *, weekend: bool, first: int, last: int) -> int:
        timezone = zones[location_id][0]
        shown = [
            local_time(each.interval.start, timezone)
            for each in bookings
            if each.location_id == location_id and each.interval.end <= NOW
        ]
        return sum((each.weekday() >= 5) == weekend and first <= each.hour < last for each in shown)

    for location_id, (timezone, _) in zones.items():
        assert hours(location_id, weekend=False, first=17, last=21) > hours(
            location_id, weekend=False, first=9, last=13
        )
        mine = [each for each in bookings if each.location_id == location_id]
        crossing = [
            each
            for each in mine
            if day_of(each.interval.start, timezone) != day_of(each.interval.end - 1, timezone)
        ]
        assert len(crossing) > 3
        assert sum(each.visitor is not None for each in mine) > 20
        assert sum(each.note is not None for each in mine) > 20
        ends = {(each.resource_id, each.interval.end) for each in mine if each.is_active}
        touching = sum((each.resource_id, each.interval.start) in ends for each in mine if each.is_active)
        assert (touching > 50) == (timezone == "America/New_York")  # the other has a turnover


async def test_b6_a_venues_course_is_a_series_that_an_admin_can_edit(demo, seeded):
    queries = SeriesQueries(seeded)
    listed = await queries.page(None, after=None, limit=10)
    assert len(listed) == 2
    for series in listed:
        occurrences = await queries.occurrences(series.id)
        blocks = await demo.town.fetch("SELECT * FROM bookings WHERE series_id = $1", series.id)
        assert blocks
        assert sum(each.blocks for each in occurrences) == len(blocks)
        assert {row["occurrence"] for row in blocks} <= {each.occurrence.number for each in occurrences}
        assert {row["resource_id"] for row in blocks} <= set(series.resource_ids)
        recurrence, first = series.recurrence, series.start_wall
        assert recurrence
        starts = wall_starts(recurrence, first, (await zones_of(demo.town))[series.location_id][0])
        assert {each.occurrence.start_wall for each in occurrences} <= set(starts)


async def test_r21_every_booking_to_come_would_be_accepted_now(demo, seeded):
    bookings = [each for each in await bookings_of(demo.town) if each.is_active]
    locations = Locations(seeded, ManualClock(NOW))
    async with seeded.connection() as connection:
        customers = await read_customers(
            connection, {each.user_id for each in bookings if each.user_id is not None}, NOW
        )
    for location_id in await zones_of(demo.town):
        state = await locations.state(location_id)
        assert state is not None
        mine = [each for each in bookings if each.location_id == location_id]
        grid = Grid(location_id, "", 0, [record for each in mine if (record := each.record())])
        for booking in mine:
            if booking.interval.start < NOW:
                continue
            standing = grid.get(booking.id)
            assert standing is not None
            without = Grid(
                location_id,
                "",
                0,
                [
                    each
                    for each in grid.overlapping(booking.interval.widened(HOUR), booking.resource_id)
                    if each.id != booking.id
                ],
            )
            customer = customers[booking.user_id] if booking.user_id is not None else None
            proposal = Proposal(
                action=Action.BLOCK if booking.is_block else Action.CREATE,
                role=Role.CUSTOMER,
                resource_id=booking.resource_id,
                interval=booking.interval,
            )
            verdict = evaluate(proposal, facts_for(state, without, customer, NOW, without=booking.id))
            assert verdict.allowed, (booking, verdict.violations)


async def test_r11_whoever_signs_in_as_a_customer_has_a_booking_and_may_make_another(demo):
    for sign_in in demo.accounts.sign_ins:
        if sign_in.role == "customer":
            ahead = await demo.town.value(
                "SELECT count(*) FROM bookings b JOIN users u ON u.id = b.user_id "
                "WHERE u.email = $1 AND b.status = 'confirmed'",
                sign_in.email,
            )
            assert ahead == 1


async def test_a8_the_audit_tells_every_booking_as_it_is(demo):
    events: dict[str, list[dict[str, Any]]] = {}
    for row in await demo.town.fetch("SELECT * FROM booking_events ORDER BY id"):
        events.setdefault(str(row["booking_id"]), []).append(dict(row))
    for booking in await bookings_of(demo.town):
        told = events.pop(booking.id)
        assert told[0]["event_type"] == "created"
        assert told[0]["metadata"]["before"] is None
        for earlier, later in pairwise(told):
            assert later["metadata"]["before"] == earlier["metadata"]["after"]
            assert later["created_at"] >= earlier["created_at"]
        assert told[-1]["metadata"]["after"] == audit_body(booking)
        assert set(told[-1]["metadata"]) == {"before", "after", "cause", "waived", "override_reason"}
    assert not events


async def test_g6_versions_count_the_changes_and_no_diff_is_missing_unnoticed(demo, seeded):
    locations = Locations(seeded, ManualClock(NOW))
    for row in await demo.town.fetch("SELECT id, version, config_version FROM locations"):
        told = await demo.town.fetch(
            "SELECT (metadata->'after'->>'version')::int AS version, created_at FROM booking_events "
            "WHERE location_id = $1 ORDER BY id",
            row["id"],
        )
        versions = [each["version"] for each in told]
        assert versions == sorted(versions)
        assert set(versions) == set(range(row["config_version"] + 1, row["version"] + 1))
        assert [each["created_at"] for each in told] == sorted(each["created_at"] for each in told)

        loaded = await locations.load(row["id"])
        assert loaded is not None
        assert loaded.version == row["version"]
        assert loaded.records
        assert await locations.diffs_since(row["id"], row["version"] - 1) is None
        assert await locations.diffs_since(row["id"], row["version"]) == (loaded.epoch, row["version"], ())


async def test_a7_all_sign_ins_that_are_told_of_work(demo, seeded):
    clock = ManualClock(NOW)
    accounts = Accounts(seeded)
    keys = SigningKeys(accounts, clock)
    await keys.load()
    passwords = Passwords(time_cost=1, memory_cost=64)
    identity = Identity(accounts=accounts, keys=keys, passwords=passwords, clock=clock)
    assert [each.role for each in demo.accounts.sign_ins] == [
        *("admin", "operator"),
        *("staff", "staff", "customer", "staff", "staff", "customer"),
    ]
    venues = {venue.name: venue.id for venue in demo.accounts.venues}
    for sign_in in demo.accounts.sign_ins:
        assert len(sign_in.password) >= 10
        signed_in = await identity.sign_in(sign_in.email, sign_in.password)
        principal = await identity.authenticate(signed_in.access_token)
        assert principal.role == sign_in.role
        assert principal.name == sign_in.name
        works_at = {venues[sign_in.venue]} if sign_in.role == "staff" and sign_in.venue else set()
        assert principal.location_ids == works_at
    with pytest.raises(Unauthenticated):
        await identity.sign_in(demo.accounts.sign_ins[0].email, "another password")
    passwords.close()


# Starting again


async def test_a_second_start_changes_nothing_and_two_at_once_are_one(database, database_url, town, demo):
    other = Database(database_url)
    await other.open()
    clock = ManualClock(NOW)
    try:
        first, second = await asyncio.gather(seed(database, clock), seed(other, clock))
    finally:
        await other.close()
    before = await town.fetch(LAID_OUT)
    versions = await town.fetch("SELECT id, version, updated_at FROM locations ORDER BY id")
    clock.advance(2 * HOUR)
    assert first == second == await seed(database, clock)
    assert await town.fetch(LAID_OUT) == before
    assert await town.fetch("SELECT id, version, updated_at FROM locations ORDER BY id") == versions
    # The same data in every database, but for the name of the version stream.
    assert before == await demo.town.fetch(LAID_OUT)
    epochs = "SELECT epoch FROM locations"
    assert not {*await town.fetch(epochs)} & {*await demo.town.fetch(epochs)}


async def test_a_start_a_week_later_lays_out_the_days_that_are_missing(database, town):
    clock = ManualClock(NOW)
    told = await seed(database, clock)
    before = await bookings_of(town)
    versions = dict(map(tuple, await town.fetch("SELECT id, version FROM locations")))
    # Somebody has booked beyond the days laid out, for all of an evening.
    bay = await town.value("SELECT min(id) FROM resources WHERE location_id = $1", told.venues[0].id)
    taken = Interval(NOW + 13 * DAY, NOW + 13 * DAY + 6 * HOUR)
    kept = next(each for each in before if each.resource_id == bay and each.status == "confirmed")
    mine = replace(
        kept, id="019b0a5c-2f00-7000-8000-000000000001", grid_id="mine", code="MYCODE", interval=taken
    )
    await town.fetch(
        "INSERT INTO bookings SELECT * FROM jsonb_populate_recordset(NULL::bookings, $1)", [mine.columns()]
    )

    clock.advance(7 * DAY)
    assert await seed(database, clock) == told

    after = await bookings_of(town)
    new = {each.id for each in after} - {each.id for each in before} - {mine.id}
    assert [each for each in after if each.id not in new and each.id != mine.id] == before
    zones = await zones_of(town)
    for location_id, (timezone, slot_minutes) in zones.items():
        today = day_of(clock.now(), timezone)
        added = [each for each in after if each.id in new and each.location_id == location_id]
        assert {day_of(each.interval.start, timezone) - today for each in added} == {
            dt.timedelta(days=number) for number in range(4, 11)
        }
        assert all(is_boundary(each.interval.start, timezone, slot_minutes) for each in added)
        assert {each.series_id for each in before if each.series_id and each.location_id == location_id} == {
            each.series_id for each in added if each.series_id
        }
        numbers = {each.occurrence for each in after if each.series_id and each.location_id == location_id}
        listed = await town.fetch(
            "SELECT number FROM series_occurrences JOIN series s ON s.id = series_id WHERE location_id = $1",
            location_id,
        )
        assert numbers <= {row["number"] for row in listed}
        assert min(each.version for each in added) == versions[location_id] + 1
        assert all(NOW < each.created_at <= clock.now() for each in added)
    assert await town.overlaps() == 0
    assert await too_near(town) == 0
    over_limit = await town.value(
        """
        SELECT count(*) FROM (
            SELECT FROM bookings b JOIN users u ON u.id = b.user_id
            WHERE b.status = 'confirmed' AND b.end_time > $1 AND b.id <> $2
            GROUP BY u.id HAVING count(*) > 8
        ) busy
        """,
        dt.datetime.fromtimestamp(clock.now(), dt.UTC),
        mine.id,
    )
    assert over_limit == 0


async def test_a_start_after_a_month_fills_the_week_before_as_well(database, town):
    clock = ManualClock(NOW)
    await seed(database, clock)
    clock.advance(30 * DAY)
    await seed(database, clock)
    timezone = "Europe/London"
    today = day_of(clock.now(), timezone)
    days = {day_of(each.interval.start, timezone) for each in await bookings_of(town)}
    assert days >= {today + dt.timedelta(days=number) for number in range(-6, 10)}
    assert today - dt.timedelta(days=10) not in days
    assert await town.overlaps() == 0


async def test_a_venue_that_was_closed_is_left_alone(database, town):
    clock = ManualClock(NOW)
    told = await seed(database, clock)
    await town.fetch("UPDATE locations SET active = false WHERE id = $1", told.venues[0].id)
    counted = "SELECT count(*) FROM bookings WHERE location_id = $1"
    closed, open_ = [await town.value(counted, venue.id) for venue in told.venues]
    clock.advance(3 * DAY)
    await seed(database, clock)
    assert await town.value(counted, told.venues[0].id) == closed
    assert await town.value(counted, told.venues[1].id) > open_


async def test_t2_weeks_in_which_the_clocks_change_are_on_the_grid_too(database, town):
    # London falls back on 25 October 2026, New York on 1 November.
    clock = ManualClock(int(dt.datetime(2026, 10, 24, 18, tzinfo=dt.UTC).timestamp()))
    await seed(database, clock)
    zones = await zones_of(town)
    for booking in await bookings_of(town):
        assert is_boundary(booking.interval.start, *zones[booking.location_id])
        assert is_boundary(booking.interval.end, *zones[booking.location_id])
    assert await town.overlaps() == 0


async def test_a_database_with_such_accounts_of_its_own_is_left_as_it_is(database, town):
    await town.person("Dana", "admin")
    with pytest.raises(ConfigurationError, match="empty one"):
        await seed(database, ManualClock(NOW))
    assert await town.value("SELECT count(*) FROM users") == 1
    assert await town.value("SELECT count(*) FROM locations") == 0


async def test_r23_a_policy_can_be_tried_on_what_was_laid_out(demo: Demo, seeded: Database) -> None:
    admin = Principal(user_id=1, role="admin")
    simulation = Simulation(seeded)
    venue = demo.accounts.venues[0]
    period = {"starts": NOW - 60 * DAY, "ends": NOW + DAY}
    same = await simulation.simulate(admin, venue.id, {}, **period)
    assert same.tally.judged > 100
    assert (same.tally.refused, same.tally.accepted) == ([], [])
    stricter = await simulation.simulate(admin, venue.id, {"min_duration_minutes": 90}, **period)
    assert 0 < stricter.tally.refused_count < stricter.tally.judged
    assert stricter.until == period["ends"]
