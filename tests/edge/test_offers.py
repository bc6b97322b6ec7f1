"""Listing equals posting: what is offered, refused, suggested and judged is what posting comes to, on the whole path.

The pure halves of this are in ``tests/rules``; here a random venue is in Postgres, and everything is asked over HTTP.
"""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grid_engine.interval import MINUTE
from server.clock import ManualClock
from server.commands import format_instant
from server.principal import Principal
from tests.edge.scenarios import NOW, Built, Scenario, build, scenarios
from tests.running_node import RunningNode, running_node
from tests.venues import Town

GRACE = 60
SOME = 5
"""So many of a kind are posted of each scenario: a day of three bays has up to 300 slots."""

RANDOMLY = settings(
    max_examples=10,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
"""The fixtures serve all examples, each of which is a location and people of its own. Seeds are the same everywhere: a run
that fails here fails there.
"""

Told = dict[str, Any]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture
def town(database_url: str) -> Town:
    return Town(database_url)


@pytest.fixture
async def node(database_url: str, clock: ManualClock) -> AsyncIterator[RunningNode]:
    async with running_node(database_url, clock) as running:
        yield running


@pytest.fixture
async def admin(town: Town) -> Principal:
    return await town.person("Ada Admin", "admin")


class Place:
    """A scenario, and its caller's and an admin's client."""

    def __init__(self, built: Built, client: httpx2.AsyncClient, office: httpx2.AsyncClient) -> None:
        self.built = built
        self.client = client
        self.office = office

    async def listing(self) -> Told:
        scenario = self.built.scenario
        query = {
            "location_id": self.built.venue.id,
            "date": scenario.date.isoformat(),
            "duration": scenario.duration,
            "explain": True,
            **self.built.for_customer,
        }
        answer = await self.client.get("/api/availability", params=query)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def post(self, slot: Told) -> httpx2.Response:
        return await self.client.post("/api/bookings", json=self._asked(slot))

    async def judge(self, slot: Told) -> Told:
        answer = await self.client.post("/api/bookings/judge", json=self._asked(slot))
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def is_accepted(self, slot: Told) -> None:
        """Posts it, and puts everything back to as it was."""
        answer = await self.post(slot)
        print("ACCEPTED")
        assert answer.status_code == 201, (slot, answer.text)
        gone = await self.office.delete(
            f"/api/bookings/{answer.json()['id']}", params={"override_reason": "as it was"}
        )
        assert gone.status_code == 200, gone.text

    async def is_refused(self, slot: Told, violations: list[Told]) -> list[Told]:
        """Posts it, expects exactly these violations, and gives what is suggested."""
        answer = await self.post(slot)
        told = answer.json()
        alone = [each["code"] for each in violations] == ["conflict"]
        assert answer.status_code == (409 if alone else 422), (slot, answer.text)
        print("REFUSED", [v["code"] for v in violations])
        assert told["violations"] == violations
        assert told["code"] == violations[0]["code"]
        return list(told["suggestions"])

    def _asked(self, slot: Told) -> Told:
        named = {name: slot[name] for name in ("resource_id", "start_time", "end_time")}
        return named | self.built.for_customer


def clearly_refused(listing: Told, clock: ManualClock) -> list[Told]:
    """What is refused, but for what began within the minute that posting forgives and listing does not (R5)."""
    now = clock.now()
    starts = [datetime.fromisoformat(each["start_time"]).timestamp() for each in listing["refused"]]
    return [
        each for each, start in zip(listing["refused"], starts, strict=True) if not now - GRACE <= start < now
    ]


def some_of(found: list[Told], data: st.DataObject) -> list[Told]:
    if not found:
        return []
    chosen = data.draw(st.lists(st.integers(0, len(found) - 1), min_size=1, max_size=SOME, unique=True))
    return [found[each] for each in chosen]


async def at_place(
    node: RunningNode, town: Town, admin: Principal, scenario: Scenario
) -> AsyncIterator[Place]:
    built = await build(town, scenario)
    async with node.http(built.caller) as client, node.http(admin) as office:
        yield Place(built, client, office)


@RANDOMLY
@given(scenarios(), st.integers(0, GRACE - 1), st.data())
async def test_r21_every_slot_that_is_offered_is_accepted_and_others_are_refused_for_the_reasons_told(
    node: RunningNode,
    town: Town,
    admin: Principal,
    clock: ManualClock,
    scenario: Scenario,
    later: int,
    data: st.DataObject,
) -> None:
    async for place in at_place(node, town, admin, scenario):
        listing = await place.listing()
        for slot in some_of(clearly_refused(listing, clock), data):
            await place.is_refused(slot, slot["violations"])
        clock.advance(later)  # what was offered stays good for a minute
        for slot in some_of(listing["slots"], data):
            await place.is_accepted(slot)


@RANDOMLY
@given(scenarios(), st.data())
async def test_r18_every_suggestion_is_accepted_in_place_of_what_was_refused(
    node: RunningNode,
    town: Town,
    admin: Principal,
    clock: ManualClock,
    scenario: Scenario,
    data: st.DataObject,
) -> None:
    async for place in at_place(node, town, admin, scenario):
        for slot in some_of(clearly_refused(await place.listing(), clock), data)[:2]:
            for suggestion in await place.is_refused(slot, slot["violations"]):
                await place.is_accepted(suggestion)


@st.composite
def wishes(draw) -> tuple[int, int, int, int]:
    """(bay, slots after the day's start, seconds beside the grid's lines, minutes)."""
    minutes = draw(st.sampled_from([60, 60, 60, 120, 30, 90, 15, 300]))
    return (
        draw(st.integers(0, 2)),
        draw(st.integers(0, 60)),
        draw(st.sampled_from([0, 0, 0, 0, 420])),
        minutes,
    )


def wished(place: Place, wish: tuple[int, int, int, int]) -> Told:
    """The wish as it is asked for."""
    scenario, (bay, slots, beside, minutes) = place.built.scenario, wish
    midnight = datetime.fromisoformat(f"{scenario.date}T00:00:00+00:00").timestamp()
    start = int(midnight) + slots * scenario.slot_minutes * MINUTE + beside
    return {
        "resource_id": place.built.venue.bays[bay % scenario.bays],
        "start_time": format_instant(start),
        "end_time": format_instant(start + minutes * MINUTE),
    }


@RANDOMLY
@given(scenarios(), st.lists(wishes(), min_size=3, max_size=6))
async def test_g8_r21_a_verdict_is_what_posting_comes_to(
    node: RunningNode,
    town: Town,
    admin: Principal,
    scenario: Scenario,
    asked: list[tuple[int, int, int, int]],
) -> None:
    async for place in at_place(node, town, admin, scenario):
        for wish in (wished(place, each) for each in asked):
            verdict = await place.judge(wish)
            if verdict["allowed"]:
                assert (verdict["violations"], verdict["suggestions"]) == ([], [])
                await place.is_accepted(wish)
            else:
                suggested = await place.is_refused(wish, verdict["violations"])
                assert suggested == verdict["suggestions"]
                overridable = [each["overridable"] for each in verdict["violations"]]
                assert verdict["overridable"] is all(overridable)


@RANDOMLY
@given(scenarios(lenient=True), st.lists(wishes(), min_size=3, max_size=6), st.data())
async def test_g8_r21_a_verdict_on_a_move_is_what_moving_comes_to(
    node: RunningNode,
    town: Town,
    admin: Principal,
    scenario: Scenario,
    asked: list[tuple[int, int, int, int]],
    data: st.DataObject,
) -> None:
    async for place in at_place(node, town, admin, scenario):
        slots = (await place.listing())["slots"]
        if not slots:
            continue
        booking = (await place.post(slots[data.draw(st.integers(0, len(slots) - 1))])).json()["id"]
        for wish in (wished(place, each) for each in asked):
            judged = await place.client.post("/api/bookings/judge", json={"booking_id": booking, **wish})
            verdict = judged.json()
            print("MOVE", verdict["allowed"])
            moved = await place.client.post(f"/api/bookings/{booking}/reschedule", json=wish)
            if verdict["allowed"]:
                assert moved.status_code == 200, moved.text
            else:
                told = moved.json()
                assert moved.status_code in (409, 422), moved.text
                assert told["violations"] == verdict["violations"]
                assert told["suggestions"] == verdict["suggestions"]
