"""Blocking many resources at once, over HTTP and on a real Postgres (B1, B2, B3)."""

import asyncio
import datetime as dt
import time
from typing import Any

import httpx2

from grid_engine.interval import HOUR, MINUTE
from server.clock import ManualClock
from server.commands import format_instant
from server.principal import AccountRole, Principal
from tests.conftest import NOON
from tests.edge.blocks.conftest import START, Blocks, span
from tests.running_node import RunningNode
from tests.venues import Town, Venue


async def test_b2_one_request_blocks_many_resources_as_one_change(
    blocks: Blocks, town: Town, venue: Venue, ada: Principal
) -> None:
    told = await blocks.block(resource_ids=list(venue.bays), type="TRAINING", reason="Beginners' course")
    assert (told["created"], told["skipped"], told["cancelled"]) == (4, [], [])
    rows = await town.fetch("SELECT * FROM bookings")
    assert len(rows) == 4
    for row in rows:
        assert str(row["series_id"]) == told["series_id"]
        assert (row["type"], row["status"], row["reason"]) == ("TRAINING", "confirmed", "Beginners' course")
        assert (row["created_by"], row["occurrence"], row["version"]) == (ada.user_id, 0, 1)
    assert await blocks.version() == 1
    assert await town.value("SELECT count(*) FROM location_diffs") == 1
    events = await town.fetch("SELECT * FROM booking_events")
    assert {(event["event_type"], event["actor_id"]) for event in events} == {("created", ada.user_id)}
    assert len(events) == 4


async def test_b1_staff_see_a_block_with_its_label_and_customers_only_that_it_is_busy(
    blocks: Blocks, node: RunningNode, town: Town, venue: Venue
) -> None:
    told = await blocks.block(resource_ids=[venue.bays[0]], type="PRIVATE_EVENT", reason="Smith wedding")
    staff = await town.person("Sam Staff", "staff", [venue])
    customer = await town.person("Ann Able")
    query: dict[str, str | int] = {"location_id": venue.id, "from": "2027-06-02"}
    async with node.http(staff) as at_the_desk, node.http(customer) as at_home:
        [record] = (await at_the_desk.get("/api/grid", params=query)).json()["records"]
        assert (record["kind"], record["type"], record["reason"]) == (
            "block",
            "PRIVATE_EVENT",
            "Smith wedding",
        )
        assert (record["series_id"], record["created_by"] is not None) == (told["series_id"], True)
        shown = await at_home.get("/api/grid", params=query)
        assert [(each["kind"], each["status"]) for each in shown.json()["records"]] == [("booking", "busy")]
        assert "Smith" not in shown.text
        assert told["series_id"] not in shown.text


async def test_b1_only_admins_block(node: RunningNode, town: Town, venue: Venue) -> None:
    roles: tuple[AccountRole, ...] = ("staff", "operator", "customer")
    for role in roles:
        person = await town.person(f"Some {role}", role, [venue] if role == "staff" else [])
        async with node.http(person) as client:
            refused = await Blocks(client, town, venue).ask()
        assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    assert await town.value("SELECT count(*) FROM bookings") == 0


async def test_b2_what_is_not_at_the_location_is_404(blocks: Blocks, town: Town, venue: Venue) -> None:
    elsewhere = await town.venue()
    for body in (
        {"location_id": 999},
        {"resource_ids": [999]},
        {"resource_ids": [venue.bays[0], elsewhere.bays[0]]},
        {"location_id": elsewhere.id},
    ):
        answer = await blocks.ask(**body)
        assert answer.status_code == 404, (body, answer.text)
    await town.fetch("UPDATE resources SET active = false WHERE id = $1", venue.bays[0])
    await town.fetch("UPDATE locations SET config_version = version + 1, version = version + 1")
    assert (await blocks.ask()).status_code == 404
    assert await town.value("SELECT count(*) FROM series") == 0


async def test_b2_a_weekly_block_keeps_its_times_on_the_clocks_at_the_location(
    admin: httpx2.AsyncClient, town: Town
) -> None:
    for timezone, first, days in (
        ("America/New_York", "2027-11-01", ["11-01", "11-08"]),  # set back on the 7th
        ("Europe/London", "2027-10-25", ["10-25", "11-01"]),
        ("Australia/Lord_Howe", "2027-09-27", ["09-27", "10-04"]),
    ):
        blocks = Blocks(admin, town, await town.venue(timezone=timezone))
        told = await blocks.block(
            start_time=f"{first}T09:00:00",
            end_time=f"{first}T17:00:00",
            recurrence="FREQ=WEEKLY;COUNT=2",
        )
        assert told["created"] == 4
        assert await blocks.rows() == [(bay, f"{day} 09:00", "17:00") for day in days for bay in (0, 1)]
        starts = await town.fetch(
            "SELECT DISTINCT start_time FROM bookings WHERE location_id = $1 ORDER BY 1", blocks.venue.id
        )
        assert starts[1]["start_time"] - starts[0]["start_time"] != dt.timedelta(days=7)


async def test_b2_a_recurrence_that_is_no_rule_is_malformed_with_a_pointer(blocks: Blocks) -> None:
    for recurrence in (
        "FREQ=DAILY",
        "FREQ=SECONDLY;COUNT=2",
        "FREQ=DAILY;COUNT=1001",
        "FREQ=DAILY;UNTIL=20300101",
        "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30;COUNT=1",
        "DTSTART:20270602T080000\nRRULE:FREQ=DAILY;COUNT=2",
        "FREQ=HOURLY;COUNT=2;BYMINUTE=0,30",  # an hour each: they overlap
        "nonsense",
        "x" * 501,
    ):
        answer = await blocks.ask(recurrence=recurrence)
        told = answer.json()
        assert (answer.status_code, told["code"]) == (400, "invalid_request"), (recurrence, told)
        assert [error["pointer"] for error in told["errors"]] == ["/recurrence"]


async def test_b2_the_first_occurrences_own_times_must_be_known(blocks: Blocks) -> None:
    gap = {"start_time": "2028-03-12T02:30:00", "end_time": "2028-03-12T04:00:00"}
    answer = await blocks.ask(**gap, recurrence="FREQ=WEEKLY;COUNT=2")
    told = answer.json()
    assert (answer.status_code, told["code"]) == (422, "nonexistent_time")
    assert told["suggestions"][0]["start_time"] == "2028-03-12T07:00:00Z"
    # Of a later occurrence it is put off.
    told = await blocks.block(
        start_time="2028-03-11T02:30:00",
        end_time="2028-03-11T03:30:00",
        recurrence="FREQ=DAILY;COUNT=3",
        resource_ids=[blocks.venue.bays[0]],
    )
    assert await blocks.rows() == [
        (0, "03-11 02:30", "03:30"),
        (0, "03-12 03:00", "04:00"),
        (0, "03-13 02:30", "03:30"),
    ]


async def test_b2_a_recurring_block_at_the_second_showing_of_an_hour_begins_there(blocks: Blocks) -> None:
    await blocks.block(
        start_time="2027-11-07T06:00:00Z",  # 01:00 for the second time
        end_time="2027-11-07T07:00:00Z",
        recurrence="FREQ=DAILY;COUNT=2",
        resource_ids=[blocks.venue.bays[0]],
    )
    starts = await blocks.town.fetch("SELECT start_time FROM bookings ORDER BY start_time")
    assert [f"{row['start_time']:%d %H:%M}" for row in starts] == ["07 06:00", "08 06:00"]


async def test_b3_a_dry_run_lists_what_is_in_the_way_and_writes_nothing(blocks: Blocks, town: Town) -> None:
    booking = await blocks.book(0, START + 7 * 24 * HOUR)
    block = await blocks.book(1, START - 30 * MINUTE, visitor=None, type="BLOCKED", note="Leak")
    version = await blocks.version()
    for how in ("fail", "skip", "book_around", "cancel"):
        answer = await blocks.ask(
            key="rehearsal", recurrence="FREQ=WEEKLY;COUNT=2", dry_run=True, on_conflict=how
        )
        assert answer.status_code == 200, answer.text
        assert answer.json() == {
            "occurrences": [span(), span(START + 7 * 24 * HOUR)],
            "collisions": [
                {
                    "resource_id": block["resource_id"],
                    "start_time": block["start_time"],
                    "end_time": block["end_time"],
                    "booking_id": block["id"],
                    "type": "BLOCKED",
                    "status": "confirmed",
                    "who": "",
                },
                {
                    "resource_id": booking["resource_id"],
                    "start_time": booking["start_time"],
                    "end_time": booking["end_time"],
                    "booking_id": booking["id"],
                    "type": "CUSTOMER",
                    "status": "confirmed",
                    "who": "Vic",
                },
            ],
        }
    assert await blocks.version() == version
    assert await town.value("SELECT count(*) FROM bookings") == 2
    assert await town.value("SELECT count(*) FROM series") == 0
    # A rehearsal is not what its key stands for.
    assert (await blocks.ask(key="rehearsal", start_time=format_instant(START + HOUR),
                             end_time=format_instant(START + 2 * HOUR))).status_code == 201  # fmt: skip


async def test_b3_to_fail_is_the_default_and_names_everything_that_is_in_the_way(blocks: Blocks) -> None:
    taken = [await blocks.book(bay, START + week * 7 * 24 * HOUR) for week in (0, 1) for bay in (0, 1)]
    await blocks.book(2)
    version = await blocks.version()
    answer = await blocks.ask(recurrence="FREQ=WEEKLY;COUNT=3")
    told = answer.json()
    assert (answer.status_code, told["code"]) == (409, "conflict")
    assert [violation["code"] for violation in told["violations"]] == ["conflict"]
    assert told["conflicts"] == [
        {name: each[name] for name in ("resource_id", "start_time", "end_time")} for each in taken
    ]
    assert told["suggestions"] == [], "nothing in place of one block would be right for all"
    assert "Vic" not in answer.text
    assert await blocks.version() == version
    assert await blocks.rows() == []


async def test_b3_skip_leaves_out_the_blocks_that_something_is_in_the_way_of(blocks: Blocks) -> None:
    await blocks.book(0, START + 30 * MINUTE)
    told = await blocks.block(on_conflict="skip", recurrence="FREQ=DAILY;COUNT=2")
    assert told["created"] == 3
    assert told["skipped"] == [{"resource_id": blocks.venue.bays[0], **span()}]
    assert await blocks.rows() == [
        (1, "06-02 08:00", "09:00"),
        (0, "06-03 08:00", "09:00"),
        (1, "06-03 08:00", "09:00"),
    ]


async def test_b3_book_around_splits_the_block_round_what_is_there(blocks: Blocks, venue: Venue) -> None:
    await blocks.book(0, START + 60 * MINUTE)
    await blocks.book(0, START + 180 * MINUTE)
    await blocks.book(1, START - 60 * MINUTE, 240)
    # Off the grid, and the pieces are not: they lose what is no whole slot.
    await blocks.book(2, START + 70 * MINUTE, 60, override_reason="They asked for it")
    told = await blocks.block(
        on_conflict="book_around",
        resource_ids=list(venue.bays[:3]),
        start_time=format_instant(START),
        end_time=format_instant(START + 240 * MINUTE),
    )
    assert await blocks.rows() == [
        (0, "06-02 08:00", "09:00"),
        (2, "06-02 08:00", "09:00"),
        (0, "06-02 10:00", "11:00"),
        (2, "06-02 10:30", "12:00"),
        (1, "06-02 11:00", "12:00"),
    ]
    assert (told["created"], told["skipped"], told["cancelled"]) == (5, [], [])
    numbers = await blocks.town.fetch("SELECT DISTINCT occurrence FROM bookings WHERE series_id IS NOT NULL")
    assert [row["occurrence"] for row in numbers] == [0]


async def test_b3_book_around_gives_up_what_is_taken_altogether(blocks: Blocks) -> None:
    await blocks.book(0, START - 30 * MINUTE, 120)
    await blocks.book(1, START + 15 * MINUTE, 60, override_reason="They asked for it")
    told = await blocks.block(on_conflict="book_around")
    assert (told["created"], len(told["skipped"])) == (0, 2)
    assert await blocks.version() == 2, "nothing was changed on the grid"


async def test_b3_cancel_makes_room_in_the_same_change(
    blocks: Blocks, town: Town, node: RunningNode, ada: Principal
) -> None:
    ann = await town.person("Ann Able")
    hers = await blocks.book(0, visitor=None, user_id=ann.user_id)
    walk_in = await blocks.book(1, START + 30 * MINUTE)
    async with node.http(ann) as at_home:
        held = await at_home.post("/api/holds", json={"resource_id": blocks.venue.bays[2], **span(START)})
        assert held.status_code == 201
        version = await blocks.version()
        told = await blocks.block(on_conflict="cancel", resource_ids=list(blocks.venue.bays))
        assert told["created"] == 4
        assert set(told["cancelled"]) == {hers["id"], walk_in["id"], held.json()["id"]}
        assert await blocks.version() == version + 1
        shown = (await at_home.get(f"/api/bookings/{hers['id']}")).json()
    assert (shown["status"], shown["cancel_reason"], shown["version"]) == (
        "cancelled",
        "The venue needs this time",
        version + 1,
    )
    [event] = await town.fetch(
        "SELECT * FROM booking_events WHERE booking_id = $1 AND event_type = 'cancelled'", hers["id"]
    )
    assert (event["actor_id"], event["metadata"]["cause"]) == (ada.user_id, "block")
    assert await town.overlaps() == 0
    # Told once, and of a hold nobody: it was never a booking. The walk-in left no phone.
    [message] = await town.fetch("SELECT * FROM notifications")
    assert (message["kind"], message["channel"], message["recipient"]) == (
        "cancelled",
        "email",
        "ann.able@example.com",
    )
    assert (str(message["booking_id"]), message["state"]) == (hers["id"], str(version + 1))
    assert "because the venue needs the time: Bay 1 at Fairway" in message["body"]
    assert "turf" not in message["body"]


async def test_b3_and_g7_nobody_is_told_twice_by_a_request_that_is_repeated(
    blocks: Blocks, town: Town
) -> None:
    ann = await town.person("Ann Able")
    for bay in (0, 1):
        await blocks.book(bay, visitor=None, user_id=ann.user_id)
    for _ in range(2):
        answer = await blocks.ask(key="once", on_conflict="cancel")
        assert (answer.status_code, len(answer.json()["cancelled"])) == (201, 2)
    assert await town.value("SELECT count(*) FROM notifications") == 2, "once for each booking"
    # What is refused or rehearsed tells nobody anything.
    await blocks.book(0, START + 2 * HOUR, visitor=None, user_id=ann.user_id)
    for how in ("fail", "cancel"):
        times = span(START + 2 * HOUR)
        assert (await blocks.ask(**times, on_conflict=how, dry_run=how == "cancel")).status_code in (200, 409)
    assert await town.value("SELECT count(*) FROM notifications") == 2


async def test_b3_and_g11_who_blocked_by_mistake_can_take_a_cancellation_back(
    blocks: Blocks, town: Town
) -> None:
    ann = await town.person("Ann Able")
    hers = await blocks.book(0, visitor=None, user_id=ann.user_id)
    await blocks.block(on_conflict="cancel", resource_ids=[blocks.venue.bays[0]])
    undo = f"/api/bookings/{hers['id']}/undo"
    # She is told when it can no longer be taken back, and not at all if it is.
    [waiting] = (await blocks.admin.get(f"/api/bookings/{hers['id']}/notifications")).json()["items"]
    assert waiting["due_at"] == format_instant(NOON + 30)
    assert (await blocks.admin.post(undo)).json()["code"] == "conflict"
    [block] = await town.fetch("SELECT id FROM bookings WHERE type <> 'CUSTOMER'")
    assert (await blocks.admin.delete(f"/api/bookings/{block['id']}")).status_code == 200
    restored = await blocks.admin.post(undo)
    assert (restored.status_code, restored.json()["status"]) == (200, "confirmed")
    told = await blocks.admin.get(f"/api/bookings/{hers['id']}/notifications")
    assert told.json()["items"] == []


async def test_b3_cancel_cancels_neither_other_blocks_nor_what_is_over(
    blocks: Blocks, town: Town, clock: ManualClock, node: RunningNode, ada: Principal
) -> None:
    early = await blocks.book(0, START, 60)
    running = await blocks.book(0, START + 60 * MINUTE, 60)
    await blocks.book(1, START + 60 * MINUTE, 60, visitor=None, type="BLOCKED", note="Leak")
    clock.advance(START + 90 * MINUTE - NOON)
    async with node.http(ada) as later:
        told = await Blocks(later, town, blocks.venue).block(
            on_conflict="cancel",
            start_time=format_instant(START),
            end_time=format_instant(START + 180 * MINUTE),
        )
    assert told["cancelled"] == [running["id"]]
    assert [row for row in await blocks.rows() if row[1] != "06-02 09:00" or row[0] == 0] == [
        (1, "06-02 08:00", "09:00"),
        (0, "06-02 09:00", "11:00"),
        (1, "06-02 10:00", "11:00"),
    ]
    assert await town.value("SELECT status FROM bookings WHERE id = $1", early["id"]) != "cancelled"


async def test_b3_what_ended_before_today_is_known_of_too(
    blocks: Blocks, town: Town, clock: ManualClock, node: RunningNode, ada: Principal
) -> None:
    booking = await blocks.book(0, START, 60)
    clock.advance(START + 72 * HOUR - NOON)
    async with node.http(ada) as client:
        later = Blocks(client, town, blocks.venue)
        answer = await later.ask(recurrence="FREQ=DAILY;COUNT=2")
        assert (answer.status_code, len(answer.json()["conflicts"])) == (409, 1)
        told = await later.block(on_conflict="cancel", recurrence="FREQ=DAILY;COUNT=2")
    assert (told["created"], told["cancelled"]) == (3, [])
    assert [each["resource_id"] for each in told["skipped"]] == [booking["resource_id"]]


async def test_b3_blocks_are_judged_by_the_grid_and_by_what_is_taken_alone(
    admin: httpx2.AsyncClient, town: Town
) -> None:
    strict = await town.venue(
        policy={"max_duration_minutes": 60, "advance_days": 0, "buffer_minutes": 30, "opening_hours": {}}
    )
    blocks = Blocks(admin, town, strict)
    assert (await blocks.block(end_time=format_instant(START + 3 * HOUR)))["created"] == 2
    touching = {"start_time": format_instant(START + 3 * HOUR), "end_time": format_instant(START + 4 * HOUR)}
    assert (await blocks.block(**touching))["created"] == 2

    off = span(START + 5 * HOUR + 10 * MINUTE)
    answer = await blocks.ask(**off)
    told = answer.json()
    assert (answer.status_code, told["code"], told["violations"][0]["overridable"]) == (422, "off_grid", True)
    taken_too = await blocks.ask(**span(START + 10 * MINUTE))
    assert [each["code"] for each in taken_too.json()["violations"]] == ["off_grid", "conflict"]
    assert taken_too.status_code == 422
    made = await blocks.block(**off, override_reason="The fitter comes at ten past")
    rows = await town.fetch(
        "SELECT metadata FROM booking_events JOIN bookings b ON b.id = booking_id WHERE series_id = $1",
        made["series_id"],
    )
    assert [row["metadata"]["waived"][0]["code"] for row in rows] == ["off_grid", "off_grid"]
    assert rows[0]["metadata"]["override_reason"] == "The fitter comes at ten past"


async def test_g7_a_repeated_block_is_answered_as_the_first_and_blocks_nothing_again(
    blocks: Blocks, town: Town
) -> None:
    first = await blocks.ask(key="once", recurrence="FREQ=DAILY;COUNT=3", on_conflict="book_around")
    again = await blocks.ask(key="once", recurrence="FREQ=DAILY;COUNT=3", on_conflict="book_around")
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert await town.value("SELECT count(*) FROM bookings") == 6
    assert await blocks.version() == 1
    other = await blocks.ask(key="once", recurrence="FREQ=DAILY;COUNT=4", on_conflict="book_around")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_mismatch")
    # A refusal is not kept: what was in the way may be gone.
    refused = await blocks.ask(key="later")
    assert refused.status_code == 409
    await town.fetch("UPDATE bookings SET status = 'cancelled'")
    await town.fetch("UPDATE locations SET epoch = 'restored'")
    assert (await blocks.ask(key="later")).status_code == 201


async def test_b2_what_is_wrong_with_a_request_is_pointed_at(blocks: Blocks) -> None:
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"type": "CUSTOMER"}, "/type"),
        ({"type": "HOLIDAY"}, "/type"),
        ({"reason": " "}, "/reason"),
        ({"resource_ids": []}, "/resource_ids"),
        ({"resource_ids": [1] * 1001}, "/resource_ids"),
        ({"resource_ids": ["1"]}, "/resource_ids/0"),
        ({"on_conflict": "push"}, "/on_conflict"),
        ({"dry_run": "yes"}, "/dry_run"),
        ({"end_time": format_instant(START)}, "/end_time"),
        ({"end_time": format_instant(START + 400 * 24 * HOUR)}, "/end_time"),
        ({"recurrence": 3}, "/recurrence"),
        ({"override_reason": ""}, "/override_reason"),
        ({"until": "2027-12-31"}, "/until"),
        ({"resource_ids": list(range(1, 101)), "recurrence": "FREQ=DAILY;COUNT=500"}, "/resource_ids"),
    ]
    for body, pointer in wrong:
        answer = await blocks.ask(**body)
        assert answer.status_code == 400, (body, answer.text)
        assert pointer in [error["pointer"] for error in answer.json()["errors"]]


async def test_b2_a_resource_that_is_named_twice_is_blocked_once(blocks: Blocks) -> None:
    told = await blocks.block(resource_ids=[blocks.venue.bays[0], blocks.venue.bays[0]])
    assert told["created"] == 1


async def test_g3_and_b2_thousands_of_blocks_at_once_keep_nobody_else_waiting(blocks: Blocks) -> None:
    longest = 0.0

    async def feel() -> None:
        nonlocal longest
        spent = time.thread_time()  # by this thread alone: what else the machine does is no fault of ours
        while True:
            await asyncio.sleep(0.002)
            longest = max(longest, time.thread_time() - spent)
            spent = time.thread_time()

    feeling = asyncio.create_task(feel())
    told = await blocks.block(
        resource_ids=list(blocks.venue.bays), recurrence="FREQ=HOURLY;INTERVAL=2;COUNT=1000"
    )
    ended = await blocks.admin.delete(f"/api/admin/series/{told['series_id']}")
    feeling.cancel()
    assert (told["created"], ended.json()["removed"]) == (4000, 4000)
    assert longest < 0.5  # deciding them at once takes some seconds
    version = await blocks.version()
    kinds = await blocks.town.fetch(
        """SELECT e.event_type, count(*) AS number, count(DISTINCT b.id) AS blocks FROM booking_events e
        JOIN bookings b ON b.id = e.booking_id AND b.version = $1 GROUP BY 1 ORDER BY min(e.id)""",
        version,
    )
    assert [tuple(kind) for kind in kinds] == [("created", 4000, 4000), ("cancelled", 4000, 4000)]
    assert (
        await blocks.town.value("SELECT count(*) FROM location_diffs WHERE location_id = $1", blocks.venue.id)
        == 2
    )
