"""Many operations in one request: each with its result, or all or nothing; over several locations; rehearsed (B5)."""

from typing import Any

import httpx2
import pytest

from grid_engine.interval import HOUR
from server.clock import ManualClock
from server.principal import AccountRole, Principal
from tests.edge.blocks.conftest import START, Blocks, span
from tests.running_node import RunningNode, running_node
from tests.venues import Town, Venue

UNKNOWN = "018f0000-0000-7000-8000-000000000000"
Operation = tuple[str, dict[str, Any]]


class Bulk:
    """What a test asks in bulk."""

    def __init__(self, admin: httpx2.AsyncClient, town: Town) -> None:
        self.admin, self.town = admin, town

    async def ask(self, *operations: Operation, key: str | None = None, **more: Any) -> httpx2.Response:
        body = {"operations": [{"op": op, "args": args} for op, args in operations], **more}
        headers = {} if key is None else {"Idempotency-Key": key}
        return await self.admin.post("/api/admin/bookings/bulk", json=body, headers=headers)

    async def results(self, *operations: Operation, **more: Any) -> list[dict[str, Any]]:
        answer = await self.ask(*operations, **more)
        assert answer.status_code == 200, answer.text
        return list(answer.json()["results"])

    async def rows(self) -> int:
        return int(await self.town.value("SELECT count(*) FROM bookings"))

    async def versions(self) -> list[int]:
        return [row["version"] for row in await self.town.fetch("SELECT version FROM locations ORDER BY id")]


@pytest.fixture
def bulk(admin: httpx2.AsyncClient, town: Town) -> Bulk:
    return Bulk(admin, town)


@pytest.fixture
async def ann(town: Town) -> Principal:
    return await town.person("Ann Able")


def create(bay: int, start: int = START, **more: Any) -> Operation:
    who = {} if "user_id" in more or "type" in more else {"visitor": {"name": "Vic"}}
    return "create", {"resource_id": bay, **span(start), **who, **more}


def statuses(results: list[dict[str, Any]]) -> list[int]:
    return [each["status"] for each in results]


def codes(results: list[dict[str, Any]]) -> list[str | None]:
    return [each["error"]["code"] if "error" in each else None for each in results]


async def test_b5_each_operation_has_its_result_in_order_and_sees_those_before_it(
    bulk: Bulk, blocks: Blocks, venue: Venue, ann: Principal
) -> None:
    booked = await blocks.book(0, visitor=None, user_id=ann.user_id)
    version = await blocks.version()
    results = await bulk.results(
        create(venue.bays[0]),  # taken
        ("reschedule", {"booking_id": booked["id"], **span(START + HOUR)}),
        create(venue.bays[0]),  # free by now
        create(venue.bays[1], type="TRAINING", note="Course"),
        ("hold", {"resource_id": venue.bays[2], **span()}),
        ("update", {"booking_id": booked["id"], "note": "Moved for the storm"}),
        ("cancel", {"booking_id": booked["id"], "reason": "Storm"}),
        ("cancel", {"booking_id": booked["id"], "reason": "Again"}),
        ("confirm", {"booking_id": booked["id"]}),
        ("cancel", {"booking_id": UNKNOWN}),
        ("cancel", {"booking_id": "x"}),
        ("cancel", {}),
        ("create", {"resource_id": venue.bays[3], "start_time": "soon", "end_time": "later", "x": 1}),
        ("update", {"booking_id": booked["id"], "note": "x", "if_version": version}),
        create(999),
        create(venue.bays[3], START + HOUR // 4),
    )
    assert statuses(results) == [
        409, 200, 201, 201, 201, 200, 200, 200, 409, 404, 404, 400, 400, 412, 404, 422,
    ]  # fmt: skip
    assert codes(results)[8:] == [
        "not_active", "not_found", "not_found", "invalid_request", "invalid_request", "stale", "not_found", "off_grid",
    ]  # fmt: skip
    assert results[0]["error"]["conflicts"] == [{"resource_id": venue.bays[0], **span()}]
    assert results[0]["error"]["suggestions"] == []
    assert [error["pointer"] for error in results[12]["error"]["errors"]] == [
        "/args/start_time", "/args/end_time", "/args/x",
    ]  # fmt: skip
    assert (results[6]["booking"]["status"], results[6]["booking"]["cancel_reason"]) == ("cancelled", "Storm")
    assert results[7]["booking"] == results[6]["booking"]
    assert results[4]["booking"]["expires_at"]
    # Each change takes a version, and all of them are there at once.
    made = [result["booking"]["version"] for result in results[1:7]]
    assert made == list(range(version + 1, version + 7))
    assert await blocks.version() == version + 6
    shown = await bulk.admin.get(f"/api/bookings/{results[2]['booking']['id']}")
    assert shown.json() == results[2]["booking"]


async def test_b5_an_atomic_bulk_does_all_or_nothing(
    bulk: Bulk, blocks: Blocks, venue: Venue, ann: Principal
) -> None:
    booked = await blocks.book(0, visitor=None, user_id=ann.user_id)
    before = await bulk.versions()
    wishes = [
        create(venue.bays[1]),
        create(venue.bays[0]),  # taken
        ("cancel", {"booking_id": booked["id"]}),
        ("cancel", {"booking_id": UNKNOWN}),
        create(venue.bays[2], user_id=ann.user_id),
    ]
    results = await bulk.results(*wishes, atomic=True, key="all")
    assert statuses(results) == [424, 409, 424, 404, 424]
    assert codes(results) == ["not_done", "conflict", "not_done", "not_found", "not_done"]
    assert await bulk.versions() == before
    assert await bulk.rows() == 1
    assert await bulk.town.value("SELECT count(*) FROM visitors") == 0
    # It was not kept under its key: mended, it is done.
    mended = [wishes[2], wishes[1], wishes[0]]
    results = await bulk.results(*mended, atomic=True, key="all")
    assert statuses(results) == [200, 201, 201]
    assert await bulk.rows() == 3
    assert await bulk.versions() == [before[0] + 3]


async def test_b5_bookings_change_places_in_one_bulk(bulk: Bulk, blocks: Blocks, venue: Venue) -> None:
    one, two = await blocks.book(0), await blocks.book(1)
    three = await blocks.book(0, START + HOUR)
    spare = venue.bays[3]
    results = await bulk.results(
        ("reschedule", {"booking_id": one["id"], "resource_id": spare, **span()}),
        ("reschedule", {"booking_id": two["id"], "resource_id": venue.bays[0], **span()}),
        ("reschedule", {"booking_id": one["id"], "resource_id": venue.bays[1], **span()}),
        ("cancel", {"booking_id": three["id"]}),
        ("reschedule", {"booking_id": two["id"], "resource_id": venue.bays[0], **span(START + HOUR)}),
        create(venue.bays[0]),
        atomic=True,
    )
    assert statuses(results) == [200, 200, 200, 200, 200, 201]
    assert await bulk.town.overlaps() == 0
    rows = await bulk.town.fetch("SELECT id::text, resource_id FROM bookings WHERE status = 'confirmed'")
    assert {row["id"]: row["resource_id"] for row in rows} == {
        one["id"]: venue.bays[1],
        two["id"]: venue.bays[0],
        results[5]["booking"]["id"]: venue.bays[0],
    }


async def test_b5_an_atomic_bulk_holds_over_several_locations(
    bulk: Bulk, town: Town, venue: Venue, ann: Principal
) -> None:
    limited = {"concurrent_limit": 2}
    here, there = await town.venue(policy=limited), await town.venue(policy=limited)
    wishes = [
        create(here.bays[0], user_id=ann.user_id),
        create(there.bays[0], user_id=ann.user_id),
        create(here.bays[1], START + HOUR, user_id=ann.user_id),  # one more than she may have
    ]
    results = await bulk.results(*wishes, atomic=True)
    assert (statuses(results), codes(results)[2]) == ([424, 424, 422], "concurrent_limit")
    assert (await bulk.rows(), await bulk.versions()) == (0, [0, 0, 0])
    results = await bulk.results(*wishes)
    assert statuses(results) == [201, 201, 422]
    assert await bulk.versions() == [0, 1, 1]
    diffs = await town.fetch("SELECT location_id, version FROM location_diffs ORDER BY location_id")
    assert [tuple(row) for row in diffs] == [(here.id, 1), (there.id, 1)]
    # A hold is given back where it is, wherever its successor goes.
    results = await bulk.results(
        ("hold", {"resource_id": here.bays[3], **span()}),
        ("hold", {"resource_id": there.bays[3], **span()}),
        ("hold", {"resource_id": venue.bays[3], **span()}),
        atomic=True,
    )
    assert statuses(results) == [201, 201, 201]
    held = await town.fetch("SELECT location_id FROM bookings WHERE status = 'held'")
    assert [row["location_id"] for row in held] == [venue.id]
    assert await bulk.versions() == [1, 3, 3]


async def test_b5_a_rehearsal_is_answered_alike_and_changes_nothing(
    bulk: Bulk, blocks: Blocks, venue: Venue
) -> None:
    booked = await blocks.book(0)
    before = await bulk.versions()
    wishes = [
        create(venue.bays[1]),
        ("cancel", {"booking_id": booked["id"]}),
        create(venue.bays[0]),
        create(999),
    ]
    rehearsed = await bulk.results(*wishes, dry_run=True, atomic=True, key="rehearsal")
    assert statuses(rehearsed) == [424, 424, 424, 404]
    rehearsed = await bulk.results(*wishes, dry_run=True, key="rehearsal")
    assert statuses(rehearsed) == [201, 200, 201, 404]
    assert (await bulk.versions(), await bulk.rows()) == (before, 1)
    done = await bulk.results(*wishes, key="rehearsal")
    for told in (rehearsed, done):
        for result in told[::2]:
            # What is made up anew each time.
            result["booking"] = {**result["booking"], "id": "", "code": ""}
    assert done == rehearsed


async def test_b5_and_g7_the_key_stands_for_the_whole_bulk(bulk: Bulk, venue: Venue) -> None:
    wishes = [create(venue.bays[0]), create(venue.bays[0]), create(venue.bays[1])]
    first = await bulk.ask(*wishes, key="once")
    again = await bulk.ask(*wishes, key="once")
    assert statuses(first.json()["results"]) == [201, 409, 201]
    assert first.json() == again.json()
    assert await bulk.rows() == 2
    for other in (
        await bulk.ask(*wishes[:2], key="once"),
        await bulk.ask(*wishes, key="once", atomic=True),
        await bulk.ask(*wishes, key="once", dry_run=True),
    ):
        assert (other.status_code, other.json()["code"]) == (422, "idempotency_mismatch")


async def test_b5_and_r22_refusals_in_a_bulk_are_remembered_as_any_other(
    bulk: Bulk, node: RunningNode, venue: Venue, ann: Principal
) -> None:
    await bulk.results(create(venue.bays[0], START + 90 * 24 * HOUR, user_id=ann.user_id))
    await bulk.results(create(venue.bays[0], START + 91 * 24 * HOUR, user_id=ann.user_id), dry_run=True)
    await node.node.refusals.write()
    rows = await bulk.town.fetch("SELECT * FROM refusals")
    assert [(row["user_id"], row["codes"], row["times"]) for row in rows] == [
        (ann.user_id, ["advance_window"], 1)
    ]


async def test_b5_what_ended_before_today_is_known_of_too(
    bulk: Bulk, blocks: Blocks, venue: Venue, node: RunningNode, ada: Principal, clock: ManualClock
) -> None:
    await blocks.book(0)
    clock.advance(72 * HOUR)
    async with node.http(ada) as client:
        results = await Bulk(client, bulk.town).results(
            create(venue.bays[0], override_reason="Forgotten"),
            create(venue.bays[1], override_reason="Forgotten"),
        )
    assert statuses(results) == [422, 201]
    assert "conflict" in [violation["code"] for violation in results[0]["error"]["violations"]]


async def test_b5_five_hundred_operations_are_done_at_once_and_one_more_is_too_many(
    bulk: Bulk, town: Town
) -> None:
    large = await town.venue(bays=25, policy={"advance_days": 100})
    wishes = [
        create(large.bays[number % 25], START + number // 25 * HOUR, visitor={"name": f"Guest {number}"})
        for number in range(501)
    ]
    answer = await bulk.ask(*wishes)
    assert answer.status_code == 400
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/operations"]
    results = await bulk.results(*wishes[:500], atomic=True)
    assert set(statuses(results)) == {201}
    assert await bulk.rows() == 500
    rows = await town.fetch(
        "SELECT v.name, b.id::text FROM bookings b JOIN visitors v ON v.id = b.visitor_id"
    )
    names = {row["id"]: row["name"] for row in rows}
    assert [names[result["booking"]["id"]] for result in results] == [
        f"Guest {number}" for number in range(500)
    ]


async def test_b5_what_is_no_bulk_is_malformed_and_it_is_for_admins_alone(
    bulk: Bulk, node: RunningNode, town: Town, venue: Venue
) -> None:
    wrong: list[tuple[dict[str, Any], str]] = [
        ({}, "/operations"),
        ({"operations": []}, "/operations"),
        ({"operations": {"op": "cancel"}}, "/operations"),
        ({"operations": [{"op": "block", "args": {}}]}, "/operations/0/op"),
        ({"operations": [{"op": "cancel"}]}, "/operations/0/args"),
        ({"operations": [{"op": "cancel", "args": []}]}, "/operations/0/args"),
        ({"operations": [{"op": "cancel", "args": {}, "key": "x"}]}, "/operations/0/key"),
        ({"operations": [{"op": "undo", "args": {}}], "atomic": "yes"}, "/atomic"),
    ]
    for body, pointer in wrong:
        answer = await bulk.admin.post("/api/admin/bookings/bulk", json=body)
        assert answer.status_code == 400, (body, answer.text)
        assert pointer in [error["pointer"] for error in answer.json()["errors"]]
    roles: tuple[AccountRole, ...] = ("staff", "operator", "customer")
    for role in roles:
        person = await town.person(f"Some {role}", role, [venue] if role == "staff" else [])
        async with node.http(person) as client:
            refused = await Bulk(client, town).ask(create(venue.bays[0]))
            assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    assert await bulk.rows() == 0


async def test_b5_undo_takes_back_what_a_bulk_did(bulk: Bulk, venue: Venue) -> None:
    [made] = await bulk.results(create(venue.bays[0]))
    results = await bulk.results(
        ("update", {"booking_id": made["booking"]["id"], "note": "New"}),
        ("undo", {"booking_id": made["booking"]["id"]}),
        ("undo", {"booking_id": made["booking"]["id"]}),
    )
    assert statuses(results) == [200, 200, 409]
    assert results[1]["booking"]["note"] is None


async def test_b5_and_g7_a_bulk_is_compared_by_what_it_means(bulk: Bulk, venue: Venue) -> None:
    op, args = create(venue.bays[0])
    first = await bulk.ask((op, args), (op, {"resource_id": "none"}), key="once")
    elsewhere = args | {"start_time": "2027-06-02T14:00:00+02:00", "end_time": "2027-06-02T13:00:00.000Z"}
    again = await bulk.ask((op, elsewhere), (op, {"resource_id": "none"}), key="once")
    assert (again.status_code, again.json()) == (200, first.json())
    assert await bulk.rows() == 1


async def test_g2_the_turnover_buffer_lies_between_what_is_past_too(
    bulk: Bulk, town: Town, database_url: str, ada: Principal, clock: ManualClock
) -> None:
    venue = await town.venue(policy={"buffer_minutes": 30})
    assert statuses(await bulk.results(create(venue.bays[0]))) == [201]
    await town.fetch(
        "UPDATE bookings SET status = 'completed'"
    )  # or a sweep would, and bring it back to mind
    clock.advance(72 * HOUR)
    async with running_node(database_url, clock) as fresh, fresh.http(ada) as client:
        for hours in (-1, 1):
            late = create(venue.bays[0], START + hours * HOUR, override_reason="Forgotten")
            [result] = await Bulk(client, town).results(late)
            assert result["status"] == 422
            assert "conflict" in [violation["code"] for violation in result["error"]["violations"]]
