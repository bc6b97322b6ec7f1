"""``BAYGRID_MODE`` at every kind of door: what is switched on is served, and what is not says which mode it needs."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from grid_engine.interval import HOUR, MINUTE
from server.clock import ManualClock
from server.commands import Command, Create, format_instant
from server.principal import Mode, Principal
from tests.conftest import NOON
from tests.running_node import RunningNode, running_node
from tests.venues import Town, Venue

START = NOON + 24 * HOUR
SOON = NOON + 30 * MINUTE
"""Whoever booked from now on for an hour may be checked in."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """A node in one mode, whose venue has three bookings that were made before."""

    mode: Mode
    node: RunningNode
    venue: Venue
    people: dict[str, Principal]
    bookings: tuple[str, ...]
    code: str
    """Of the last booking."""

    def filled(self, value: Any) -> Any:
        """The value with what it says of this place put in."""
        names = {
            "<venue>": self.venue.id,
            "<bay>": self.venue.bays[0],
            "<other bay>": self.venue.bays[1],
            "<booking>": self.bookings[0],
            "<other booking>": self.bookings[1],
            "<running booking>": self.bookings[2],
            "<customer>": self.people["customer"].user_id,
            "<code>": self.code,
        }
        match value:
            case dict():
                return {name: self.filled(each) for name, each in value.items()}
            case list():
                return [self.filled(each) for each in value]
            case str() if value in names:
                return names[value]
            case str():
                for name, each in names.items():
                    value = value.replace(name, str(each))
                return value
            case _:
                return value


@dataclass(frozen=True, kw_only=True)
class Door:
    """Something to ask over HTTP, and the first mode in which it is answered."""

    first: Mode
    method: str
    path: str
    who: str = "staff"
    query: dict[str, Any] = field(default_factory=dict)
    body: dict[str, Any] | None = None


def span(start: int, minutes: int = 60) -> dict[str, str]:
    return {"start_time": format_instant(start), "end_time": format_instant(start + minutes * MINUTE)}


CREATION = {"resource_id": "<bay>", "user_id": "<customer>", **span(START + 4 * HOUR)}
MOVE = {"resource_id": "<other bay>", **span(START + 8 * HOUR)}
GRID = {"location_id": "<venue>", "from": "2027-06-02"}
FREE = {"location_id": "<venue>", "date": "2027-06-02", "duration": 60}

DOORS = (
    # always on: oneself, setting up, finding a customer
    Door(first=Mode.CONTEXT, method="GET", path="/api/me", query={"location_id": "<venue>"}),
    Door(first=Mode.CONTEXT, method="PATCH", path="/api/me", body={"language": "fr"}),
    Door(first=Mode.CONTEXT, method="GET", path="/api/locations", who="admin"),
    Door(first=Mode.CONTEXT, method="GET", path="/api/resources", query={"location_id": "<venue>"}),
    Door(first=Mode.CONTEXT, method="GET", path="/api/blackouts", query={"location_id": "<venue>"}),
    Door(first=Mode.CONTEXT, method="GET", path="/api/admin/users", who="admin"),
    Door(
        first=Mode.CONTEXT,
        method="PATCH",
        path="/api/admin/locations/<venue>",
        who="admin",
        body={"name": "Fairway Two"},
    ),
    Door(
        first=Mode.CONTEXT,
        method="POST",
        path="/api/admin/blackouts",
        who="admin",
        body={"location_id": "<venue>", "reason": "Alarm test", **span(START + 60 * HOUR)},
    ),
    Door(first=Mode.CONTEXT, method="GET", path="/api/context", query={"customer_id": "<customer>"}),
    Door(first=Mode.CONTEXT, method="GET", path="/api/context/threads"),
    Door(first=Mode.CONTEXT, method="GET", path="/api/admin/notifications", who="admin"),
    Door(first=Mode.CONTEXT, method="GET", path="/api/context", query={"email": "ann@example.com"}),
    Door(first=Mode.CONTEXT, method="GET", path="/api/users", query={"q": "ann@example.com"}),
    # looking
    Door(first=Mode.VIEW, method="GET", path="/api/admin/notifications"),
    Door(first=Mode.VIEW, method="GET", path="/api/bookings/<booking>/notifications"),
    Door(first=Mode.VIEW, method="GET", path="/api/grid", query=GRID),
    Door(first=Mode.VIEW, method="GET", path="/api/grid", query=GRID, who="customer"),
    Door(first=Mode.VIEW, method="GET", path="/api/availability", query=FREE, who="customer"),
    Door(first=Mode.VIEW, method="GET", path="/api/availability", query={**FREE, "user_id": "<customer>"}),
    Door(first=Mode.VIEW, method="GET", path="/api/bookings", query={"location_id": "<venue>"}),
    Door(first=Mode.VIEW, method="GET", path="/api/bookings/<booking>", who="customer"),
    Door(first=Mode.VIEW, method="GET", path="/api/bookings/<booking>/events"),
    Door(first=Mode.VIEW, method="GET", path="/api/admin/notifications", query={"location_id": "<venue>"}),
    Door(first=Mode.VIEW, method="GET", path="/api/admin/patterns", query={"location_id": "<venue>"}),
    Door(
        first=Mode.VIEW,
        method="GET",
        path="/api/admin/bookings/analytics",
        query={"location_id": "<venue>", "from": "2027-06-01", "to": "2027-06-08"},
    ),
    Door(
        first=Mode.VIEW,
        method="GET",
        path="/api/admin/series",
        who="admin",
        query={"location_id": "<venue>"},
    ),
    # changing what there is
    Door(
        first=Mode.OPERATE,
        method="POST",
        path="/api/bookings/judge",
        body={"booking_id": "<booking>", **MOVE},
    ),
    Door(first=Mode.OPERATE, method="PATCH", path="/api/bookings/<booking>", body={"note": "Left-handed"}),
    Door(first=Mode.OPERATE, method="POST", path="/api/bookings/<booking>/reschedule", body=MOVE),
    Door(first=Mode.OPERATE, method="POST", path="/api/bookings/<booking>/undo"),
    Door(first=Mode.OPERATE, method="POST", path="/api/bookings/<running booking>/confirm"),
    Door(first=Mode.OPERATE, method="POST", path="/api/check-in", body={"code": "<code>"}),
    Door(
        first=Mode.OPERATE,
        method="POST",
        path="/api/bookings/<booking>/notifications",
        body={"kind": "confirmation"},
    ),
    Door(
        first=Mode.OPERATE,
        method="POST",
        path="/api/bookings/<booking>/notifications",
        body={"kind": "confirmation"},
    ),
    Door(first=Mode.OPERATE, method="DELETE", path="/api/bookings/<other booking>", who="customer"),
    # everything
    Door(
        first=Mode.FULL,
        method="POST",
        path="/api/admin/bookings/block",
        who="admin",
        body={
            "location_id": "<venue>",
            "resource_ids": ["<other bay>"],
            "type": "TRAINING",
            "reason": "Lessons",
            **span(START + 16 * HOUR),
        },
    ),
    Door(first=Mode.FULL, method="POST", path="/api/bookings/judge", body=CREATION),
    Door(first=Mode.FULL, method="POST", path="/api/bookings", body=CREATION),
    Door(first=Mode.FULL, method="POST", path="/api/holds", who="customer", body=MOVE),
    Door(
        first=Mode.FULL,
        method="POST",
        path="/api/bookings",
        who="admin",
        body={"resource_id": "<bay>", "type": "MAINTENANCE", **span(START + 12 * HOUR)},
    ),
)


@pytest.fixture(params=list(Mode))
async def place(
    request: pytest.FixtureRequest, database_url: str, clock: ManualClock
) -> AsyncIterator[Place]:
    town = Town(database_url)
    venue = await town.venue(policy={"concurrent_limit": 9, "cutoff_minutes": 0, "reschedule_limit": 9})
    people = {
        "admin": await town.person("Ada", "admin"),
        "staff": await town.person("Sam", "staff", [venue]),
        "customer": await town.person("Ann"),
    }
    async with running_node(database_url, clock, mode=request.param) as node:
        made = []
        for bay, start in enumerate((START, START, SOON)):
            body = Create.model_validate({"resource_id": venue.bays[bay], **span(start)})
            done = await node.node.desk.perform(people["customer"], Command(op="create", body=body))
            made.append(done.body)
        yield Place(
            mode=request.param,
            node=node,
            venue=venue,
            people=people,
            bookings=tuple(booking["id"] for booking in made),
            code=made[-1]["code"],
        )


async def assert_what_was_set_up_is_read_back(place: Place) -> None:
    # A policy is replaced whole: who were shown it without its tiers would take them away with the next change.
    policy = {"tiers": {"GOLD": {"advance_days": 30}}, "tags": {"league": {"concurrent_limit": 5}}}
    path = f"/api/admin/locations/{place.venue.id}"
    async with place.node.http(place.people["admin"]) as admin:
        changed = await admin.patch(path, json={"policy": policy})
        read = await admin.get(path)
        for answer in (changed, read):
            assert answer.status_code == 200
            assert {name: answer.json()["policy"].get(name) for name in policy} == policy
        closing = {"location_id": place.venue.id, "reason": "Cup final", **span(START + 60 * HOUR)}
        blackout = (await admin.post("/api/admin/blackouts", json=closing)).json()
        assert blackout["reason"] == "Cup final"
        assert (await admin.get(f"/api/admin/blackouts/{blackout['id']}")).json()["reason"] == "Cup final"
    for who, told in (("staff", policy), ("customer", {"tiers": None, "tags": None})):
        async with place.node.http(place.people[who]) as client:
            [location] = (await client.get("/api/locations")).json()["items"]
            assert {name: location["policy"].get(name) for name in policy} == told
            answer = await client.get("/api/blackouts", params={"location_id": place.venue.id})
            reasons = {each["reason"] for each in answer.json()["items"]}
            assert "Cup final" in reasons if who == "staff" else reasons == {""}


async def test_each_mode_serves_its_doors_and_says_of_the_others_what_they_need(place: Place) -> None:
    wrong = []
    for door in DOORS:
        async with place.node.http(place.people[door.who]) as client:
            answer = await client.request(
                door.method,
                place.filled(door.path),
                params=place.filled(door.query),
                json=place.filled(door.body),
            )
        if place.mode.includes(door.first):
            right = answer.is_success
        else:
            told = answer.json()
            right = (answer.status_code, told["code"]) == (403, "forbidden") and told["detail"].endswith(
                f"BAYGRID_MODE is {place.mode}, and this needs {door.first}"
            )
        if not right:
            wrong.append((door, answer.status_code, answer.text))
    assert wrong == []
    async with place.node.http(place.people["customer"]) as client:
        assert (await client.get("/api/me")).json()["mode"] == place.mode
    async with place.node.http(place.people["admin"]) as client:
        context = await client.get("/api/context", params=place.filled({"customer_id": "<customer>"}))
        assert context.json()["has_booking"] is True
    async with place.node.http() as client:
        assert (await client.get("/readyz")).status_code == 200
        assert (await client.get("/api/openapi.json")).status_code == 200
    await assert_what_was_set_up_is_read_back(place)


async def test_many_at_once_are_bound_as_each_of_them_is_and_so_is_who_has_a_link_alone(place: Place) -> None:
    operations = place.filled(
        [
            {"op": "update", "args": {"booking_id": "<booking>", "note": "Left-handed"}},
            {"op": "create", "args": CREATION},
        ]
    )
    async with place.node.http(place.people["admin"]) as client:
        answer = await client.post(
            "/api/admin/bookings/bulk", json={"operations": operations, "atomic": False}
        )
    assert answer.status_code == 200, answer.text
    updated, created = answer.json()["results"]
    assert (updated["status"] == 403) is not place.mode.includes(Mode.OPERATE)
    assert (created["status"] == 403) is not place.mode.includes(Mode.FULL)

    async with place.node.http(place.people["customer"]) as client:
        link = (await client.post("/api/me/calendar")).json()
    async with place.node.http() as client:
        answer = await client.get(link["url"].replace("http://", "").partition("/")[2].join(["/", ""]))
    assert answer.status_code == (200 if place.mode.includes(Mode.VIEW) else 403)


async def test_the_socket_refuses_what_http_refuses(place: Place) -> None:
    def on(first: Mode) -> bool:
        return place.mode.includes(first)

    async with place.node.socket(place.people["staff"]) as client:
        seen = await client.subscribe(place.venue.id, "2027-06-02")
        assert seen["t"] == ("snapshot" if on(Mode.VIEW) else "nak")
        if not on(Mode.VIEW):
            assert (seen["status"], seen["code"], seen["location"]) == (403, "forbidden", place.venue.id)
            assert seen["detail"].endswith("this needs view")

        drag = place.filled({"resource_id": "<bay>", **span(START + 4 * HOUR)})
        await client.send(t="presence", location=place.venue.id, drag=drag)
        if not on(Mode.OPERATE):
            refused = await client.next_of("nak")
            assert refused["detail"].endswith("this needs operate")

        for n, (op, args, first) in enumerate(
            (
                ("create", CREATION, Mode.FULL),
                ("reschedule", {"booking_id": "<booking>", **MOVE}, Mode.OPERATE),
                ("cancel", {"booking_id": "<booking>"}, Mode.OPERATE),
            )
        ):
            if op != "cancel":
                await client.send(t="judge", id=f"judge-{n}", op=op, args=place.filled(args))
                answer = await client.next_of("verdict" if on(first) else "nak")
                assert answer["id"] == f"judge-{n}"
            await client.send(t="command", id=f"key-{n}", op=op, args=place.filled(args))
            answer = await client.next_of("ack" if on(first) else "nak")
            assert answer["id"] == f"key-{n}"
            if not on(first):
                assert (answer["status"], answer["code"]) == (403, "forbidden")
                assert answer["detail"].endswith(f"this needs {first}")
