"""Every door asks the one function that decides (A1): all operations of the document, and all messages of the socket.

That the table is right is ``tests/identity/test_access.py``'s business; here is proved that nobody goes past it. Whoever
adds an endpoint or a message finds it here, without having to remember.
"""

from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from grid_engine.interval import HOUR
from server.clock import ManualClock
from server.commands import BODIES, Operation, format_instant
from server.principal import Principal
from server.service import access
from server.service.access import Action, Decision, Standing
from server.wire.arguments import PARSERS, TARGETS
from tests.conftest import NOON
from tests.document_requests import Names, Request, requests_of, signed_in_operations
from tests.running_node import RunningNode, running_node
from tests.venues import Town, Venue

TOMORROW = NOON + 24 * HOUR
UNASKED_MESSAGES = {
    "hello": "says who somebody is",
    "auth": "says who somebody is",
    "ping": "is answered to anybody",
    "unsubscribe": "stops what was asked for",
}


class Questions(Mapping[Action, Mapping[Standing, Decision]]):
    """The table of access, which notes what it is asked."""

    def __init__(self) -> None:
        self._table = access.GRANTS
        self.asked: list[Action] = []

    def __getitem__(self, action: Action) -> Mapping[Standing, Decision]:
        self.asked.append(action)
        return self._table[action]

    def __iter__(self) -> Iterator[Action]:
        return iter(self._table)

    def __len__(self) -> int:
        return len(self._table)


@pytest.fixture
def questions(monkeypatch: pytest.MonkeyPatch) -> Questions:
    questions = Questions()
    monkeypatch.setattr(access, "GRANTS", questions)
    return questions


@dataclass
class Desk:
    """A node, whom to be, and what there is to name."""

    node: RunningNode
    venue: Venue
    people: dict[str, Principal]
    bookings: list[str] = field(default_factory=list)


@pytest.fixture
async def desk(database_url: str, clock: ManualClock) -> AsyncIterator[Desk]:
    town = Town(database_url)
    venue = await town.venue(policy={"concurrent_limit": 1000})
    people = {
        "admin": await town.person("Admin", "admin"),
        "staff": await town.person("Staff", "staff", [venue]),
        "customer": await town.person("Customer"),
    }
    async with running_node(database_url, clock) as node:
        desk = Desk(node, venue, people)
        async with node.http(people["admin"]) as admin:
            for number in range(8):
                times = [format_instant(TOMORROW + (2 * number + hour) * HOUR) for hour in (0, 1)]
                place = {"resource_id": venue.bays[0], "start_time": times[0], "end_time": times[1]}
                booked = await admin.post("/api/bookings", json=place)
                assert booked.status_code == 201, booked.text
                desk.bookings.append(booked.json()["id"])
        yield desk


def names_of(desk: Desk) -> Names:
    admin = desk.people["admin"].user_id
    return Names(
        path={
            "booking_id": desk.bookings[:1],
            "hold_id": desk.bookings[:1],
            "location_id": [desk.venue.id],
            "resource_id": [desk.venue.bays[3]],
            "user_id": [desk.people["customer"].user_id],
        },
        queries=({"location_id": desk.venue.id, "user_id": admin, "date": "2027-06-02", "duration": 60},),
        body={"resource_id": desk.venue.bays[1], "location_id": desk.venue.id},
    )


async def test_a1_every_operation_of_the_document_asks_for_access(desk: Desk, questions: Questions) -> None:
    asked: dict[str, set[Action]] = {}
    async with desk.node.http(desk.people["admin"]) as admin:
        document = (await admin.get("/api/openapi.json")).json()

        async def ask(request: Request) -> None:
            questions.asked.clear()
            answer = await admin.request(
                request.method, request.path, params=request.params, json=request.json
            )
            assert answer.status_code < 500, (str(request), answer.text)
            asked.setdefault(request.operation, set()).update(questions.asked)

        last = []
        for request in requests_of(document, names_of(desk)):
            if request.operation == "POST /api/auth/logout":
                last.append(request)
            else:
                await ask(request)
        for request in last:
            await ask(request)
    unasked = [operation for operation in signed_in_operations(document) if not asked[operation]]
    assert unasked == []


def messages_of(desk: Desk) -> Iterator[tuple[str, dict[str, Any]]]:
    """(what it is, a message), of every kind that clients send."""
    venue = desk.venue
    drag = {
        "resource_id": venue.bays[1],
        "start_time": format_instant(TOMORROW),
        "end_time": format_instant(TOMORROW + HOUR),
    }
    moves: dict[Operation, dict[str, Any]] = {
        "create": drag,
        "hold": drag,
        "reschedule": {"start_time": drag["start_time"], "end_time": drag["end_time"]},
        "update": {"note": "x"},
    }
    for t in PARSERS:
        match t:
            case "subscribe":
                yield t, {"location": venue.id, "from_": "2027-06-02", "days": 1}
            case "presence":
                yield t, {"location": venue.id, "drag": drag}
            case "command" | "judge":
                for number, op in enumerate(BODIES):
                    if t == "judge" and op not in moves:
                        continue  # nothing else can be judged
                    target = (
                        {TARGETS[op]: desk.bookings[number % len(desk.bookings)]} if op in TARGETS else {}
                    )
                    yield f"{t} {op}", {"id": f"{t}-{op}", "op": op, "args": moves.get(op, {}) | target}
            case _ if t in UNASKED_MESSAGES:
                pass
            case _:
                raise AssertionError(f"{t} is a new message: say what it looks like, or why it asks nobody")


async def test_a1_every_message_of_the_socket_asks_for_access(desk: Desk, questions: Questions) -> None:
    unasked = []
    async with desk.node.socket(desk.people["staff"]) as socket:
        for what, message in messages_of(desk):
            questions.asked.clear()
            await socket.send(t=what.partition(" ")[0], **message)
            await socket.send(t="ping", n=1)
            # Whatever is not told its own answer has been heard when the ping behind it is.
            awaited = {message.get("id"), "snapshot" if what == "subscribe" else "pong"}
            while awaited - {None}:
                told = await socket.next()
                awaited -= {told.get("id"), told["t"]}
            if not questions.asked:
                unasked.append(what)
    assert unasked == []
