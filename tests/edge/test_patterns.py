"""What is refused is remembered, told to staff, and heeded when something is suggested (R22)."""

from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from grid_engine.interval import DAY, HOUR, MINUTE, Interval
from server.clock import ManualClock
from server.commands import format_instant, parse_time
from server.principal import Principal
from server.service.refusals import LOST, MOST_WAITING, RefusalLog
from server.storage.database import Database
from server.storage.refusals import Refusals, Wish
from server.storage.retention import forget_old
from tests.conftest import NOON
from tests.running_node import RunningNode, running_node
from tests.venues import Town, Venue

WEEK = 7 * DAY
EVENING = NOON + 35 * HOUR
"""Wednesday 19:00 in New York: the 67th hour of the week."""


def span(start: int = EVENING, minutes: int = 60) -> dict[str, str]:
    return {"start_time": format_instant(start), "end_time": format_instant(start + minutes * MINUTE)}


def instant(text: str) -> int:
    time = parse_time(text)
    assert isinstance(time, int)
    return time


@pytest.fixture
async def node(database_url: str, clock: ManualClock) -> AsyncIterator[RunningNode]:
    async with running_node(database_url, clock) as running:
        yield running


@pytest.fixture
def town(database_url: str) -> Town:
    return Town(database_url)


@pytest.fixture
async def venue(town: Town) -> Venue:
    return await town.venue(policy={"concurrent_limit": 20})


async def ask(client: httpx2.AsyncClient, bay: int, **more: Any) -> httpx2.Response:
    return await client.post("/api/bookings", json={"resource_id": bay, **span(), **more})


async def patterns(node: RunningNode, who: Principal, **query: Any) -> list[dict[str, Any]]:
    await node.node.refusals.write()
    async with node.http(who) as client:
        answer = await client.get("/api/admin/patterns", params=query)
        assert answer.status_code == 200, answer.text
        return list(answer.json()["items"])


async def test_r22_a_refusal_is_a_pattern_with_what_was_asked_for(
    node: RunningNode, town: Town, venue: Venue, clock: ManualClock
) -> None:
    ann, admin = await town.person("Ann Able"), await town.person("Ada", "admin")
    async with node.http(ann) as client:
        refused = await ask(client, venue.bays[1], **span(minutes=30))
        clock.advance(5 * MINUTE)
        assert (await ask(client, venue.bays[1], **span(EVENING + 30 * MINUTE, 30))).status_code == 422
    [pattern] = await patterns(node, admin)
    assert pattern == {
        "type": "BOOKING_RULE_VIOLATION",
        "user_id": ann.user_id,
        "subject": "customer",
        "rule": "R6",
        "code": "min_duration",
        "location_id": venue.id,
        "resource_id": venue.bays[1],
        "hour_of_week": 67,
        "frequency": 2,
        "first_seen_at": format_instant(NOON),
        "last_seen_at": format_instant(NOON + 5 * MINUTE),
        "last_context": {
            "action": "create",
            "role": "customer",
            "resource_id": venue.bays[1],
            **span(EVENING + 30 * MINUTE, 30),
            "booking_id": None,
            "violations": refused.json()["violations"],
        },
    }


async def test_r22_refusals_are_captured_at_every_door_and_verdicts_and_listings_are_not(
    node: RunningNode, town: Town, venue: Venue
) -> None:
    ann, sam = await town.person("Ann Able"), await town.person("Sam Staff", "staff", [venue])
    ada = await town.person("Ada", "admin")
    async with node.http(ann) as client, node.http(sam) as desk, node.http(ada) as office:
        booking = (await ask(client, venue.bays[0])).json()["id"]
        soon = (await ask(client, venue.bays[0], **span(NOON + HOUR))).json()["id"]
        # a booking, a hold, a move, a cancellation, a visitor's, a block
        assert (await ask(client, venue.bays[0])).status_code == 409
        held = await client.post("/api/holds", json={"resource_id": venue.bays[0], **span()})
        moved = await client.post(f"/api/bookings/{booking}/reschedule", json=span(minutes=30))
        cancelled = await client.delete(f"/api/bookings/{soon}")
        visitor = await ask(desk, venue.bays[0], visitor={"name": "Vic"})
        block = await ask(office, venue.bays[0], type="TRAINING")
        answers = (held, moved, cancelled, visitor, block)
        assert [each.status_code for each in answers] == [409, 422, 422, 409, 409]
        bulk = {
            "operations": [
                {"op": "create", "args": {"resource_id": venue.bays[1], "user_id": ann.user_id, **times}}
                for times in (span(), span(minutes=30), span())
            ]
        }
        for more in ({"dry_run": True}, {"atomic": True}, {}):
            done = await office.post("/api/admin/bookings/bulk", json=bulk | more)
            assert [each["status"] for each in done.json()["results"]][1:] == [422, 409]
        # none of these is a command that was refused
        judged = await client.post(
            "/api/bookings/judge", json={"resource_id": venue.bays[2], **span(minutes=30)}
        )
        assert judged.json()["violations"]
        day: dict[str, Any] = {"location_id": venue.id, "date": "2027-06-02", "duration": 30, "explain": True}
        assert (await client.get("/api/availability", params=day)).json()["refused"]
        malformed = await ask(client, venue.bays[2], **span(minutes=0))
        nowhen = await ask(client, venue.bays[2], start_time="2027-03-14T02:30", end_time="2027-03-14T04:30")
        assert [malformed.status_code, nowhen.status_code] == [400, 422]
    async with node.socket(ann) as socket:
        args = {"resource_id": venue.bays[3], **span(minutes=30)}
        await socket.send(t="command", id="c1", op="create", args=args)
        nak = await socket.next()
        assert (nak["t"], nak["status"]) == ("nak", 422)
    found = await patterns(node, ada)
    told = {
        (each["subject"], each["last_context"]["action"], each["code"], each["resource_id"]): each[
            "frequency"
        ]
        for each in found
    }
    first, last = venue.bays[0], venue.bays[3]
    assert told == {
        ("customer", "create", "conflict", first): 2,
        ("customer", "move", "min_duration", first): 1,
        ("customer", "cancel", "cutoff", first): 1,
        ("visitor", "create", "conflict", first): 1,
        ("nobody", "block", "conflict", first): 1,
        ("customer", "create", "min_duration", last): 1,
        ("customer", "create", "min_duration", venue.bays[1]): 2,
        ("customer", "create", "conflict", venue.bays[1]): 4,
    }
    assert next(each for each in found if each["code"] == "cutoff")["last_context"]["booking_id"] == soon


async def test_r22_a_banned_owner_who_writes_on_a_booking_is_refused_and_remembered(
    node: RunningNode, town: Town, venue: Venue
) -> None:
    ann, ada = await town.person("Ann Able"), await town.person("Ada", "admin")
    async with node.http(ann) as client:
        booking = (await ask(client, venue.bays[0])).json()["id"]
        await town.restrict(ann, "BOOKING_BAN")
        refused = await client.patch(f"/api/bookings/{booking}", json={"note": "hello"})
    assert (refused.status_code, refused.json()["code"], refused.json()["suggestions"]) == (
        422,
        "booking_ban",
        [],
    )
    [pattern] = await patterns(node, ada)
    assert (pattern["code"], pattern["last_context"]["booking_id"]) == ("booking_ban", booking)


async def test_r22_g1_what_only_the_constraint_refuses_is_remembered_too(
    node: RunningNode, town: Town, venue: Venue
) -> None:
    ann, ada = await town.person("Ann Able"), await town.person("Ada", "admin")
    async with node.http(ann) as client:
        booking = (await ask(client, venue.bays[0])).json()["id"]
        # Somebody else writes, and tells nobody: no version, no diff.
        await town.fetch(
            """
            INSERT INTO bookings SELECT (jsonb_populate_record(b, jsonb_build_object('id', gen_random_uuid(),
                'grid_id', 'outside', 'code', 'OUTSID', 'resource_id', $1::int))).*
            FROM bookings b
            """,
            venue.bays[1],
        )
        assert (await ask(client, venue.bays[1])).status_code == 409
        moved = await client.patch(f"/api/bookings/{booking}", json={"resource_id": venue.bays[1]})
        assert moved.status_code == 409
    found = await patterns(node, ada)
    assert {
        (
            each["user_id"],
            each["code"],
            each["resource_id"],
            each["frequency"],
            each["last_context"]["booking_id"],
        )
        for each in found
    } == {(ann.user_id, "conflict", venue.bays[1], 2, booking)}
    assert await town.value("SELECT count(DISTINCT action) FROM refusals") == 2


async def test_r22_staff_see_the_patterns_of_their_locations_and_customers_see_none(
    node: RunningNode, town: Town, venue: Venue
) -> None:
    other = await town.venue()
    ann, ben = await town.person("Ann Able"), await town.person("Ben Bold")
    sam = await town.person("Sam Staff", "staff", [venue])
    olga, ada = await town.person("Olga", "operator"), await town.person("Ada", "admin")
    for person, where, times in ((ann, venue, 3), (ben, venue, 1), (ann, other, 2)):
        async with node.http(person) as client:
            for _ in range(times):
                await ask(client, where.bays[0], **span(minutes=30))

    def brief(found: list[dict[str, Any]]) -> list[tuple[int, int, int]]:
        return [(each["location_id"], each["user_id"], each["frequency"]) for each in found]

    assert ann.user_id
    assert ben.user_id
    everything = [(venue.id, ann.user_id, 3), (other.id, ann.user_id, 2), (venue.id, ben.user_id, 1)]
    assert brief(await patterns(node, ada)) == everything
    assert brief(await patterns(node, olga)) == everything
    assert brief(await patterns(node, sam)) == [everything[0], everything[2]]
    assert brief(await patterns(node, ada, location_id=other.id)) == [everything[1]]
    assert brief(await patterns(node, olga, user_id=ann.user_id)) == everything[:2]
    assert brief(await patterns(node, ada, code="min_duration")) == everything
    assert await patterns(node, ada, code="conflict") == []
    for person, query, status in (
        (sam, {"location_id": other.id}, 403),
        (ann, {}, 403),
        (ann, {"user_id": ann.user_id}, 403),
        (ada, {"code": "no_such_rule"}, 400),
    ):
        async with node.http(person) as client:
            assert (await client.get("/api/admin/patterns", params=query)).status_code == status


async def test_r22_patterns_come_in_pages_without_gap_or_repetition(
    node: RunningNode, town: Town, venue: Venue
) -> None:
    ada = await town.person("Ada", "admin")
    sam = await town.person("Sam Staff", "staff", [venue])
    async with node.http(sam) as desk:
        for bay in venue.bays:
            for hour in range(3):
                more = {"visitor": {"name": "Vic"}, **span(EVENING + hour * HOUR, 30)}
                assert (await ask(desk, bay, **more)).status_code == 422
        await ask(desk, venue.bays[2], visitor={"name": "Vic"}, **span(EVENING + HOUR, 30))
    everything = await patterns(node, ada)
    assert len(everything) == 12
    assert [each["frequency"] for each in everything] == [2] + [1] * 11
    found: list[dict[str, Any]] = []
    async with node.http(ada) as client:
        cursor: str | None = None
        while len(found) < 12:
            query = {"limit": 5} | ({"cursor": cursor} if cursor else {})
            page = (await client.get("/api/admin/patterns", params=query)).json()
            found += page["items"]
            cursor = page["next_cursor"]
    assert cursor is None
    assert found == everything


async def test_r22_a_refusal_counts_for_thirty_days(
    node: RunningNode, town: Town, venue: Venue, clock: ManualClock
) -> None:
    ann, ada = await town.person("Ann Able"), await town.person("Ada", "admin")
    for weeks, days in ((0, 10), (2, 10), (3, 9)):
        async with node.http(ann) as client:
            assert (await ask(client, venue.bays[0], **span(EVENING + weeks * WEEK, 30))).status_code == 422
        clock.advance(days * DAY)
    [pattern] = await patterns(node, ada)
    assert pattern["frequency"] == 3
    clock.advance(DAY)
    [pattern] = await patterns(node, ada)
    assert (pattern["frequency"], pattern["first_seen_at"]) == (2, format_instant(NOON + 10 * DAY))
    clock.advance(20 * DAY)
    assert await patterns(node, ada) == []


async def test_r22_a_customer_who_keeps_asking_is_offered_what_is_nearest_to_that(
    node: RunningNode, town: Town, venue: Venue
) -> None:
    ann, ben = await town.person("Ann Able"), await town.person("Ben Bold")
    other, wanted = venue.bays[:2]
    early = {"resource_id": other, **span(EVENING - 2 * HOUR)}
    async with node.http(ben) as client:
        assert (await ask(client, wanted)).status_code == 201
        assert (await ask(client, other, **early)).status_code == 201

    async with node.http(ann) as client:
        at_first = (await client.post("/api/bookings", json=early)).json()["suggestions"]
        assert at_first[0]["resource_id"] == other
        assert at_first[0]["start_time"] == format_instant(EVENING - 3 * HOUR)
        for times in range(3):
            assert (await ask(client, wanted)).status_code == 409
            await node.node.refusals.write()
            if times == 0:  # twice may be a slip of the hand
                again = (await client.post("/api/bookings", json=early)).json()["suggestions"]
                assert again == at_first
        learned = (await client.post("/api/bookings", json=early)).json()["suggestions"]
        judged = (await client.post("/api/bookings/judge", json=early)).json()["suggestions"]
    assert judged == learned
    # Bay 2 at 19:00 is taken. Nearest to it are the other bays at 19:00, and what begins or ends beside it.
    shifts = [abs(instant(each["start_time"]) - EVENING) for each in learned]
    assert shifts[0] == 0
    assert shifts == sorted(shifts)
    assert learned != at_first
    carl = await town.person("Carl Cool")  # nobody else's habits matter to him
    async with node.http(carl) as client:
        assert (await client.post("/api/bookings", json=early)).json()["suggestions"] == at_first


async def test_r22_what_waits_is_written_when_the_node_ends(
    database_url: str, clock: ManualClock, town: Town, venue: Venue
) -> None:
    ann = await town.person("Ann Able")
    async with running_node(database_url, clock) as node, node.http(ann) as client:
        await ask(client, venue.bays[0], **span(minutes=30))
    assert await town.value("SELECT times FROM refusals") == 1


def refused(number: int, bay: int, venue_id: int) -> Refusals:
    start = EVENING + number * MINUTE
    wish = Wish(
        location_id=venue_id,
        user_id=None,
        subject="visitor",
        resource_id=bay,
        interval=Interval(start, start + HOUR),
        minute_of_week=0,
        action="create",
        role="staff",
        codes=("off_grid",),
    )
    return Refusals(wish=wish, first_at=NOON, last_at=NOON)


async def test_r22_while_postgres_is_away_refusals_wait_up_to_a_bound_and_what_does_not_fit_is_counted(
    database_url: str, clock: ManualClock, town: Town, venue: Venue, caplog: pytest.LogCaptureFixture
) -> None:
    database = Database(database_url)  # not open: as if Postgres were away
    waiting = RefusalLog(database, clock)
    before = LOST._value.get()
    for _ in range(2):
        for number in range(MOST_WAITING + 3):
            waiting.keep(refused(number, venue.bays[0], venue.id))
        await waiting.write()
    assert LOST._value.get() - before == 6
    await database.open()
    try:
        await waiting.write()
        await waiting.write()
    finally:
        await database.close()
    assert await town.value("SELECT count(*) FROM refusals") == MOST_WAITING
    assert await town.value("SELECT min(times) FROM refusals WHERE times = 2") == 2


async def test_r22_one_that_cannot_be_written_does_not_keep_others_from_it(
    database_url: str, clock: ManualClock, town: Town, venue: Venue
) -> None:
    database = Database(database_url)
    await database.open()
    waiting = RefusalLog(database, clock)
    try:
        waiting.keep(refused(0, 0, venue.id))  # there is no such resource
        await waiting.write()
        waiting.keep(refused(1, venue.bays[0], venue.id))
        await waiting.write()
        assert await town.value("SELECT count(*) FROM refusals") == 1
        await forget_old(database, NOON + 366 * DAY)
        assert await town.value("SELECT count(*) FROM refusals") == 1
        await forget_old(database, NOON + 367 * DAY)
        assert await town.value("SELECT count(*) FROM refusals") == 0
    finally:
        await database.close()
