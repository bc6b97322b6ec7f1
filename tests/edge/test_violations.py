"""What a caller is told over HTTP of several violations at once: their order, their sentences, and the status (R15)."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from grid_engine.interval import DAY, HOUR, MINUTE
from server.clock import ManualClock
from server.commands import format_instant
from server.principal import Principal
from tests.conftest import NOON
from tests.running_node import RunningNode, running_node
from tests.venues import Town, Venue

MINUTES_TO_SEVEN = NOON + 35 * HOUR - 10 * MINUTE
"""18:50 in New York on the next day: between the lines."""


def span(start: int, minutes: int) -> dict[str, str]:
    return {"start_time": format_instant(start), "end_time": format_instant(start + minutes * MINUTE)}


@pytest.fixture
async def node(database_url: str, clock: ManualClock) -> AsyncIterator[RunningNode]:
    async with running_node(database_url, clock) as running:
        yield running


@pytest.fixture
async def venue(database_url: str) -> Venue:
    """Open in the daytime only."""
    hours = {day: [["08:00", "20:00"]] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}
    return await Town(database_url).venue(policy={"opening_hours": hours, "concurrent_limit": 1})


@pytest.fixture
async def people(database_url: str, venue: Venue) -> dict[str, Principal]:
    town = Town(database_url)
    found = {
        "ann": await town.person("Ann Able"),
        "ben": await town.person("Ben Banned"),
        "sam": await town.person("Sam Staff", "staff", [venue]),
        "ada": await town.person("Ada Admin", "admin"),
    }
    await town.restrict(found["ben"], "BOOKING_BAN")
    return found


TAKEN = ("conflict", "This time is already taken.", False)
LIMIT = (
    "concurrent_limit",
    "Only 1 upcoming booking at a time; cancel one, or let one pass, to make another.",
)
GRID = ("off_grid", "Bookings start and end on the slots of the grid, every 30 minutes.")
SHORT = ("min_duration", "A booking here lasts at least 1 hour.")
BAN = ("booking_ban", "A ban on booking is in force for this account.")
LONG = ("max_duration", "A booking here lasts at most 4 hours.")
WINDOW = ("advance_window", "Bookings open 14 days ahead; this is too far off.")
CLOSED = ("closed", "This is outside the opening hours: Wednesday 08:00 to 20:00.")


@pytest.mark.parametrize(
    ("who", "customer", "times", "status", "told"),
    [
        ("ann", None, span(MINUTES_TO_SEVEN + 10 * MINUTE, 60), 422, [(*LIMIT, False), TAKEN]),
        ("sam", None, span(MINUTES_TO_SEVEN + 10 * MINUTE, 60), 409, [TAKEN]),
        ("sam", "ann", span(MINUTES_TO_SEVEN, 60), 422, [(*GRID, True), (*LIMIT, True), TAKEN]),
        ("ben", None, span(MINUTES_TO_SEVEN, 30), 422, [(*BAN, False), (*GRID, False), (*SHORT, False), TAKEN]),
        ("sam", "ben", span(MINUTES_TO_SEVEN, 30), 422, [(*BAN, False), (*GRID, True), (*SHORT, True), TAKEN]),
        ("ada", "ben", span(MINUTES_TO_SEVEN, 30), 422, [(*BAN, True), (*GRID, True), (*SHORT, True), TAKEN]),
        (
            "ada",
            None,
            span(NOON + 15 * DAY, 15 * 60),
            422,
            [(*LONG, True), (*WINDOW, True), (*CLOSED, True)],
        ),
    ],
)  # fmt: skip
async def test_r15_all_violations_are_told_in_order_with_their_sentences(
    node: RunningNode,
    venue: Venue,
    people: dict[str, Principal],
    who: str,
    customer: str | None,
    times: dict[str, str],
    status: int,
    told: list[tuple[str, str, bool]],
) -> None:
    wish: dict[str, Any] = {"resource_id": venue.bays[0], **times}
    if customer is not None:
        wish["user_id"] = people[customer].user_id
    async with node.http(people["ann"]) as client:
        seven = {"resource_id": venue.bays[0], **span(MINUTES_TO_SEVEN + 10 * MINUTE, 60)}
        assert (await client.post("/api/bookings", json=seven)).status_code == 201
    async with node.http(people[who]) as client:
        answer = await client.post("/api/bookings", json=wish)
        judged = (await client.post("/api/bookings/judge", json=wish)).json()
    async with node.socket(people[who]) as socket:
        await socket.send(t="command", id="c1", op="create", args=wish)
        nak = await socket.next()

    problem = answer.json()
    assert (answer.status_code, problem["status"], problem["code"]) == (status, status, told[0][0])
    assert [(each["code"], each["message"], each["overridable"]) for each in problem["violations"]] == told
    assert problem["detail"] == " ".join(message for _, message, _ in told)
    busy = [{"resource_id": venue.bays[0], **span(MINUTES_TO_SEVEN + 10 * MINUTE, 60)}]
    assert problem["conflicts"] == (busy if TAKEN in told else [])
    # Every door says the same.
    assert (nak["status"], nak["code"], nak["violations"]) == (status, told[0][0], problem["violations"])
    assert (judged["violations"], judged["overridable"]) == (
        problem["violations"],
        all(overridable for _, _, overridable in told),
    )
