"""Series of blocks: read, edited and ended whole, from one occurrence on, or one alone (B6)."""

from typing import Any

import httpx2
import pytest

from grid_engine.interval import HOUR, MINUTE
from server.clock import ManualClock
from server.commands import format_instant
from server.principal import AccountRole, Principal
from tests.conftest import NOON
from tests.edge.blocks.conftest import START, Blocks, span
from tests.running_node import RunningNode
from tests.venues import Town, Venue

DAY = 24 * HOUR
DAYS = ("06-02", "06-03", "06-04")


class Series:
    """Three mornings on two bays, and what is asked of them."""

    def __init__(self, blocks: Blocks, series_id: str) -> None:
        self.blocks, self.id = blocks, series_id
        self.path = f"/api/admin/series/{series_id}"

    async def edit(self, changes: dict[str, Any], key: str | None = None, **query: str) -> httpx2.Response:
        headers = {} if key is None else {"Idempotency-Key": key}
        return await self.blocks.admin.patch(self.path, json=changes, params=query, headers=headers)

    async def edited(self, changes: dict[str, Any], **query: str) -> dict[str, Any]:
        answer = await self.edit(changes, **query)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def end(self, key: str | None = None, **query: str) -> httpx2.Response:
        headers = {} if key is None else {"Idempotency-Key": key}
        return await self.blocks.admin.delete(self.path, params=query, headers=headers)

    async def ended(self, **query: str) -> int:
        answer = await self.end(**query)
        assert answer.status_code == 200, answer.text
        return int(answer.json()["removed"])

    async def read(self) -> dict[str, Any]:
        answer = await self.blocks.admin.get(self.path)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def occurrence(self, number: int) -> str:
        """The id of some block of the occurrence."""
        return str(
            await self.blocks.town.value(
                "SELECT id FROM bookings WHERE series_id = $1 AND occurrence = $2 ORDER BY id DESC LIMIT 1",
                self.id,
                number,
            )
        )

    async def ids(self) -> dict[tuple[int, int], str]:
        """Ids of the active blocks by occurrence and bay."""
        rows = await self.blocks.town.fetch(
            "SELECT * FROM bookings WHERE series_id = $1 AND status = 'confirmed'", self.id
        )
        return {(row["occurrence"], row["resource_id"]): str(row["id"]) for row in rows}


@pytest.fixture
async def series(blocks: Blocks) -> Series:
    told = await blocks.block(recurrence="FREQ=DAILY;COUNT=3")
    return Series(blocks, told["series_id"])


def morning(
    day: str, starts: str = "08:00", ends: str = "09:00", bays: tuple[int, ...] = (0, 1)
) -> list[Any]:
    return [(bay, f"{day} {starts}", ends) for bay in bays]


async def test_b6_a_series_keeps_its_reason_its_creator_and_what_it_wants(
    series: Series, ada: Principal, venue: Venue
) -> None:
    told = await series.read()
    occurrences = told.pop("occurrences")
    assert told == {
        "id": series.id,
        "location_id": venue.id,
        "type": "MAINTENANCE",
        "reason": "New turf",
        "recurrence": "FREQ=DAILY;COUNT=3",
        "resource_ids": list(venue.bays[:2]),
        "start_time": "2027-06-02T08:00:00",
        "end_time": "2027-06-02T09:00:00",
        "created_by": ada.user_id,
        "created_at": "2027-06-01T12:00:00Z",
        "updated_at": "2027-06-01T12:00:00Z",
    }
    assert [(each["start_time"], each["blocks"]) for each in occurrences] == [
        ("2027-06-02T08:00:00", 2),
        ("2027-06-03T08:00:00", 2),
        ("2027-06-04T08:00:00", 2),
    ]
    assert occurrences[1]["occurrence"] in {
        id_ for (number, _), id_ in (await series.ids()).items() if number == 1
    }


async def test_b6_series_are_listed_in_pages_by_their_start(
    series: Series, blocks: Blocks, town: Town
) -> None:
    earlier = await blocks.block(**span(START - HOUR))
    later = await blocks.block(**span(START + 10 * DAY))
    elsewhere = Blocks(blocks.admin, town, await town.venue())
    there = await elsewhere.block()
    found: list[str] = []
    query: dict[str, str | int] = {"location_id": blocks.venue.id, "limit": 2}
    while True:
        page = (await blocks.admin.get("/api/admin/series", params=query)).json()
        found += [each["id"] for each in page["items"]]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    assert found == [earlier["series_id"], series.id, later["series_id"]]
    everywhere = (await blocks.admin.get("/api/admin/series")).json()["items"]
    assert {each["id"] for each in everywhere} == {*found, there["series_id"]}
    for cursor in ("x", "WyJ4IiwgInkiXQ", "WyIyMDI3LTA2LTAyVDA4OjAwOjAwWiIsICJ5Il0"):
        assert (await blocks.admin.get("/api/admin/series", params={"cursor": cursor})).status_code == 400


async def test_b6_all_of_a_series_is_changed_as_one_change_and_blocks_keep_their_ids(
    series: Series, blocks: Blocks, town: Town
) -> None:
    before, version = await series.ids(), await blocks.version()
    told = await series.edited({"type": "TRAINING", "reason": "Course"})
    assert (told["created"], told["changed"], told["removed"]) == (0, 6, 0)
    assert await series.ids() == before
    assert await blocks.version() == version + 1
    rows = await town.fetch("SELECT DISTINCT type, reason, version FROM bookings")
    assert [(row["type"], row["reason"], row["version"]) for row in rows] == [
        ("TRAINING", "Course", version + 1)
    ]
    read = await series.read()
    assert (read["type"], read["reason"]) == ("TRAINING", "Course")
    assert {each["reason"] for each in read["occurrences"]} == {"Course"}
    events = await town.value("SELECT count(*) FROM booking_events WHERE event_type = 'updated'")
    assert events == 6
    # Again it changes nothing, and takes no version.
    assert (await series.edited({"type": "TRAINING", "reason": "Course"}))["changed"] == 0
    assert (await series.edited({}))["changed"] == 0
    assert await blocks.version() == version + 1


async def test_b6_times_are_put_off_by_as_much_on_the_clocks(series: Series, blocks: Blocks) -> None:
    before, version = await series.ids(), await blocks.version()
    told = await series.edited({"start_time": "2027-06-02T07:30:00", "end_time": "2027-06-02T09:30:00"})
    assert (told["created"], told["changed"], told["removed"]) == (0, 6, 0)
    assert await blocks.rows() == [row for day in DAYS for row in morning(day, "07:30", "09:30")]
    assert await series.ids() == before
    assert await blocks.version() == version + 1
    # By a day: each goes to where the next one was.
    named = await series.occurrence(1)
    told = await series.edited(
        {"start_time": "2027-06-04T07:30:00", "end_time": "2027-06-04T09:30:00"},
        scope="all",
        occurrence=named,
    )
    assert (told["created"], told["changed"], told["removed"]) == (0, 6, 0)
    assert await blocks.rows() == [
        row for day in ("06-03", "06-04", "06-05") for row in morning(day, "07:30", "09:30")
    ]
    read = await series.read()
    assert (read["start_time"], read["end_time"]) == ("2027-06-03T07:30:00", "2027-06-03T09:30:00")
    assert await blocks.town.overlaps() == 0


async def test_b6_over_a_change_of_the_clocks_an_edited_series_stays_on_the_wall(
    admin: httpx2.AsyncClient, town: Town
) -> None:
    blocks = Blocks(admin, town, await town.venue(timezone="Europe/London"))
    told = await blocks.block(
        start_time="2027-10-30T09:00:00",
        end_time="2027-10-30T17:00:00",
        recurrence="FREQ=DAILY;COUNT=3",
        resource_ids=[blocks.venue.bays[0]],
    )
    await Series(blocks, told["series_id"]).edited({"start_time": "2027-10-30T10:00:00"})
    assert await blocks.rows() == [(0, f"{day} 10:00", "17:00") for day in ("10-30", "10-31", "11-01")]


async def test_b6_from_one_occurrence_on_and_one_alone(series: Series, blocks: Blocks, venue: Venue) -> None:
    second = await series.occurrence(1)
    await series.edited({"end_time": "2027-06-03T10:00:00"}, scope="from", occurrence=second)
    assert await blocks.rows() == [
        *morning(DAYS[0]), *morning(DAYS[1], ends="10:00"), *morning(DAYS[2], ends="10:00")
    ]  # fmt: skip
    told = await series.edited(
        {"resource_ids": [venue.bays[1], venue.bays[2]], "reason": "Only here"},
        scope="one",
        occurrence=second,
    )
    assert (told["created"], told["changed"], told["removed"]) == (1, 1, 1)
    assert await blocks.rows() == [
        *morning(DAYS[0]), *morning(DAYS[1], ends="10:00", bays=(1, 2)), *morning(DAYS[2], ends="10:00")
    ]  # fmt: skip
    read = await series.read()
    assert [each["reason"] for each in read["occurrences"]] == ["New turf", "Only here", "New turf"]
    assert read["reason"] == "New turf"
    # What was changed alone keeps what is its own when all are changed.
    await series.edited({"start_time": "2027-06-02T07:00:00"})
    assert await blocks.rows() == [
        *morning(DAYS[0], "07:00"), *morning(DAYS[1], "07:00", "10:00", (1, 2)), *morning(DAYS[2], "07:00", "10:00")
    ]  # fmt: skip


async def test_b6_and_b3_an_edited_series_meets_others_as_a_new_one_does(
    series: Series, blocks: Blocks, town: Town
) -> None:
    at_ten = [await blocks.book(bay, START + 2 * HOUR) for bay in (0, 1)]
    longer = {"end_time": "2027-06-02T11:00:00"}
    version = await blocks.version()
    refused = await series.edit(longer)
    assert (refused.status_code, refused.json()["code"]) == (409, "conflict")
    assert [each["resource_id"] for each in refused.json()["conflicts"]] == [
        each["resource_id"] for each in at_ten
    ]
    assert await blocks.version() == version

    told = await series.edited(longer | {"on_conflict": "book_around"})
    assert (told["created"], told["changed"], told["removed"]) == (0, 6, 0)
    assert await blocks.rows() == [
        *morning(DAYS[0], ends="10:00"), *morning(DAYS[1], ends="11:00"), *morning(DAYS[2], ends="11:00")
    ]  # fmt: skip
    # Split round what is there, the second piece is a new block; what is there goes, and it is one again.
    told = await series.edited({"end_time": "2027-06-02T12:00:00", "on_conflict": "book_around"})
    assert (told["created"], told["changed"]) == (2, 4)
    told = await series.edited({"end_time": "2027-06-02T12:00:00", "on_conflict": "cancel"})
    assert (told["created"], told["changed"], told["removed"]) == (0, 2, 2)
    assert set(told["cancelled"]) == {each["id"] for each in at_ten}
    assert await blocks.rows() == [row for day in DAYS for row in morning(day, ends="12:00")]

    await blocks.book(0, START + 5 * HOUR)
    told = await series.edited({"end_time": "2027-06-02T14:00:00", "on_conflict": "skip"})
    assert told["removed"] == 1, "there is no room for it any more"
    assert told["skipped"] == [{"resource_id": blocks.venue.bays[0], **span(START, 360)}]
    off = await series.edit({"end_time": "2027-06-02T13:50:00", "on_conflict": "book_around"})
    assert (off.status_code, off.json()["code"]) == (422, "off_grid")
    assert await town.overlaps() == 0


async def test_b6_what_is_over_stays_as_it_was(
    series: Series, blocks: Blocks, node: RunningNode, ada: Principal, clock: ManualClock
) -> None:
    first, second = await series.occurrence(0), await series.occurrence(1)
    clock.advance(START + DAY + 30 * MINUTE - NOON)  # in the middle of the second
    async with node.http(ada) as client:
        later = Series(Blocks(client, blocks.town, blocks.venue), series.id)
        assert (await later.edited({"reason": "Late"}))["changed"] == 4
        for query in ({"scope": "one", "occurrence": first},):
            assert (await later.edit({"reason": "Late"}, **query)).json()["code"] == "not_active"
            assert (await later.end(**query)).json()["code"] == "not_active"
        assert (await later.edited({"end_time": "2027-06-03T10:00:00"}))["changed"] == 4
        reasons = "SELECT reason FROM bookings WHERE series_id = $1 ORDER BY start_time, resource_id"
        rows = await blocks.town.fetch(reasons, series.id)
        assert [row["reason"] for row in rows] == ["New turf"] * 2 + ["Late"] * 4
        assert await later.ended(scope="from", occurrence=second) == 4
        assert await later.ended() == 0
        assert (await later.edit({"reason": "Later"})).json()["code"] == "not_active"
    statuses = await blocks.town.fetch(
        "SELECT status FROM bookings WHERE series_id = $1 AND occurrence = 0", series.id
    )
    assert {row["status"] for row in statuses} <= {"confirmed", "completed"}


async def test_b6_what_is_over_of_a_running_occurrence_is_gone_round(
    blocks: Blocks, node: RunningNode, ada: Principal, clock: ManualClock, town: Town
) -> None:
    booking = await blocks.book(0, START + HOUR)
    told = await blocks.block(
        resource_ids=[blocks.venue.bays[0]],
        on_conflict="book_around",
        end_time=format_instant(START + 3 * HOUR),
    )
    await blocks.admin.delete(f"/api/bookings/{booking['id']}")
    clock.advance(START + 90 * MINUTE - NOON)
    async with node.http(ada) as client:
        later = Series(Blocks(client, town, blocks.venue), told["series_id"])
        told = await later.edited({"end_time": "2027-06-02T12:00:00"})
        assert (told["created"], told["changed"], told["removed"]) == (0, 1, 0)
    rows = await town.fetch(
        "SELECT * FROM bookings WHERE type <> 'CUSTOMER' AND status <> 'cancelled' ORDER BY start_time"
    )
    assert [f"{row['start_time']:%H:%M}-{row['end_time']:%H:%M}" for row in rows] == [
        "12:00-13:00",
        "13:00-16:00",
    ]


async def test_b6_a_series_is_deleted_whole_from_one_on_or_one_alone(
    series: Series, blocks: Blocks, town: Town
) -> None:
    second = await series.occurrence(1)
    version = await blocks.version()
    assert await series.ended(scope="one", occurrence=second) == 2
    assert await blocks.version() == version + 1
    assert await blocks.rows() == [*morning(DAYS[0]), *morning(DAYS[2])]
    assert [each["start_time"][:10] for each in (await series.read())["occurrences"]] == [
        "2027-06-02", "2027-06-04",
    ]  # fmt: skip
    # Again it is gone already; from it on there is the third.
    assert await series.ended(scope="one", occurrence=second) == 0
    assert await blocks.version() == version + 1
    assert (await series.edit({"reason": "x"}, scope="one", occurrence=second)).json()["code"] == "not_active"
    assert await series.ended(scope="from", occurrence=second) == 2
    assert await blocks.rows() == morning(DAYS[0])
    assert await series.ended() == 2
    assert await blocks.rows() == []
    events = await town.fetch(
        "SELECT DISTINCT event_type, actor_id IS NOT NULL AS by FROM booking_events ORDER BY event_type"
    )
    assert [(event["event_type"], event["by"]) for event in events] == [
        ("cancelled", True),
        ("created", True),
    ]
    # The time is free again.
    assert (await blocks.ask(recurrence="FREQ=DAILY;COUNT=3")).status_code == 201


async def test_b6_from_and_one_want_to_know_which(series: Series, blocks: Blocks) -> None:
    other = await blocks.block(**span(START + 5 * DAY))
    [alone] = list((await Series(blocks, other["series_id"]).ids()).values())[:1]
    for scope in ("from", "one"):
        for answer in (await series.edit({"reason": "x"}, scope=scope), await series.end(scope=scope)):
            assert answer.status_code == 400
            assert [error["pointer"] for error in answer.json()["errors"]] == ["query:occurrence"]
        assert (await series.end(scope=scope, occurrence=alone)).status_code == 404
        assert (await series.end(scope=scope, occurrence="x")).status_code == 400
    assert (await series.end(scope="some")).status_code == 400
    assert (await series.end(surprise="x")).status_code == 400
    wrong: list[tuple[dict[str, Any], int]] = [
        ({"type": "CUSTOMER"}, 400),
        ({"reason": " "}, 400),
        ({"resource_ids": []}, 400),
        ({"resource_ids": [999]}, 404),
        ({"recurrence": "FREQ=DAILY;COUNT=2"}, 400),
        ({"end_time": "2027-06-02T08:00:00"}, 400),
        ({"start_time": "2027-06-02T10:00:00"}, 400),
        ({"end_time": "2027-06-03T08:30:00"}, 400),  # they would overlap each other
        ({"end_time": "2027-06-02T09:10:00"}, 422),
        ({"start_time": "2028-03-12T02:30:00", "end_time": "2028-03-12T05:00:00"}, 422),
    ]
    version = await blocks.version()
    for changes, status in wrong:
        answer = await series.edit(changes)
        assert answer.status_code == status, (changes, answer.text)
    assert await blocks.version() == version
    unknown = Series(blocks, "018f0000-0000-7000-8000-000000000000")
    assert (await unknown.edit({"reason": "x"})).status_code == 404
    assert (await unknown.end()).status_code == 404
    assert (await blocks.admin.get(unknown.path)).status_code == 404


async def test_b6_and_b1_series_are_for_admins(
    series: Series, node: RunningNode, town: Town, venue: Venue
) -> None:
    roles: tuple[AccountRole, ...] = ("staff", "operator", "customer")
    for role in roles:
        person = await town.person(f"Some {role}", role, [venue] if role == "staff" else [])
        async with node.http(person) as client:
            theirs = Series(Blocks(client, town, venue), series.id)
            for answer in (
                await theirs.edit({"reason": "Mine"}),
                await theirs.end(),
                await client.get(theirs.path),
                await client.get("/api/admin/series"),
            ):
                assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


async def test_g7_a_repeated_edit_or_deletion_is_answered_as_the_first(
    series: Series, blocks: Blocks
) -> None:
    first = await series.edit({"start_time": "2027-06-02T07:00:00"}, key="edit")
    version = await blocks.version()
    again = await series.edit({"start_time": "2027-06-02T07:00:00"}, key="edit")
    assert (first.json(), first.status_code) == (again.json(), again.status_code)
    mismatch = await series.edit({"start_time": "2027-06-02T07:30:00"}, key="edit")
    assert mismatch.json()["code"] == "idempotency_mismatch"
    assert await blocks.version() == version
    gone = await series.end(key="end")
    assert gone.json()["removed"] == 6
    assert (await series.end(key="end")).json() == gone.json()
    assert (await series.end(key="edit")).json()["code"] == "idempotency_mismatch"


async def test_b6_a_block_that_was_moved_alone_is_its_series_still(series: Series, blocks: Blocks) -> None:
    block = (await series.ids())[0, blocks.venue.bays[0]]
    moved = await blocks.admin.patch(f"/api/bookings/{block}", json=span(START + 3 * HOUR))
    assert moved.status_code == 200, moved.text
    await series.edited({"reason": "Same again"})
    assert (0, "06-02 11:00", "12:00") in await blocks.rows()
    await series.edited({"end_time": "2027-06-02T09:30:00"})
    assert await blocks.rows() == [row for day in DAYS for row in morning(day, ends="09:30")]
    assert (await series.ids())[0, blocks.venue.bays[0]] == block


async def test_b6_a_resource_that_was_closed_keeps_its_blocks_where_they_are(
    series: Series, blocks: Blocks
) -> None:
    closed = await blocks.admin.delete(
        f"/api/admin/resources/{blocks.venue.bays[0]}", params={"confirm": "true"}
    )
    assert closed.status_code in (200, 204), closed.text
    told = await series.edited({"end_time": "2027-06-02T10:00:00", "reason": "Later"})
    assert told["changed"] == 6, "all are labelled anew, and three last longer"
    assert await blocks.rows() == [
        row for day in DAYS for row in (*morning(day, bays=(0,)), *morning(day, ends="10:00", bays=(1,)))
    ]


async def test_b6_and_g11_a_new_type_is_taken_back_with_the_rest(series: Series, blocks: Blocks) -> None:
    block = (await series.ids())[0, blocks.venue.bays[0]]
    await series.edited({"type": "TRAINING", "reason": "Coaches"})
    undone = await blocks.admin.post(f"/api/bookings/{block}/undo")
    assert (undone.json()["type"], undone.json()["reason"]) == ("MAINTENANCE", "New turf")


async def test_b6_and_g11_a_block_that_was_restored_is_of_its_series_again(
    series: Series, blocks: Blocks
) -> None:
    ids = await series.ids()
    await series.ended()
    block = ids[1, blocks.venue.bays[0]]
    assert (await blocks.admin.post(f"/api/bookings/{block}/undo")).status_code == 200
    assert await blocks.rows() == [(0, "06-03 08:00", "09:00")]
    told = await series.edited({"reason": "After all"}, scope="one", occurrence=block)
    assert told["changed"] == 1
    [listed] = (await series.read())["occurrences"]
    assert (listed["reason"], listed["resource_ids"]) == ("After all", [blocks.venue.bays[0]])
    assert await series.ended() == 1
    assert await blocks.rows() == []


async def test_b6_and_b3_an_occurrence_that_is_put_back_before_today_meets_what_was_there(
    series: Series, blocks: Blocks, town: Town
) -> None:
    bay = blocks.venue.bays[0]
    yesterday = START - 48 * HOUR
    booked = await blocks.book(0, yesterday, override_reason="Written down late")
    told = await series.edited(
        {**span(yesterday), "on_conflict": "skip"}, scope="one", occurrence=await series.occurrence(0)
    )
    assert [(each["resource_id"], each["start_time"]) for each in told["skipped"]] == [
        (bay, booked["start_time"])
    ]


async def test_b6_and_t3_a_block_whose_hour_the_clocks_show_twice_can_be_changed_and_deleted(
    blocks: Blocks,
) -> None:
    told = await blocks.block(start_time="2027-11-07T01:30:00-04:00", end_time="2027-11-07T01:00:00-05:00")
    series = Series(blocks, told["series_id"])
    before = await blocks.town.fetch("SELECT start_time, end_time FROM bookings ORDER BY id")
    await series.edited({"reason": "Other turf"})
    await series.edited({"resource_ids": [blocks.venue.bays[2]]})
    assert (
        await blocks.town.fetch("SELECT start_time, end_time FROM bookings WHERE status = 'confirmed'")
        == before[:1]
    )
    assert await series.ended() == 1


async def test_b6_and_t3_a_block_at_the_second_showing_of_an_hour_is_moved_to_another_bay_there(
    blocks: Blocks,
) -> None:
    told = await blocks.block(start_time="2027-11-07T01:00:00-05:00", end_time="2027-11-07T02:00:00-05:00")
    [before, _] = await blocks.town.fetch("SELECT start_time, end_time FROM bookings")
    await Series(blocks, told["series_id"]).edited({"resource_ids": [blocks.venue.bays[2]]})
    assert await blocks.town.fetch(
        "SELECT start_time, end_time FROM bookings WHERE status = 'confirmed'"
    ) == [before]
