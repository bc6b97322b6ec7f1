"""Policy, hours, resources and blackouts are part of a location's state: a change of them is on every node and every open
grid at once (G6).
"""

import itertools
from functools import partial
from typing import Any

from tests.acceptance.conftest import City, Pair, Person, soon, span
from tests.live_client import Screen
from tests.venues import Venue

AT_ONCE = 2.0
"""Seconds. What other nodes change arrives in them even while Redis is away (P3); it does not have to be."""
HALF_AN_HOUR_A_DAY = {day: [["00:00", "00:30"]] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}


class Wall:
    """An open grid at each node, a colleague's and a customer's, while an admin changes the location at the first node."""

    def __init__(self, pair: Pair, venue: Venue, admin: Person, screens: list[tuple[Screen, Person]]) -> None:
        self.venue = venue
        self._pair = pair
        self._admin = admin
        self._screens = screens

    async def change(self, method: str, path: str, **request: Any) -> dict[str, Any]:
        """Done as an admin: returns when every screen shows the version of it, by a snapshot and no resync."""
        snapshots = [screen.received["snapshot"] for screen, _ in self._screens]
        answer = await self._admin.at(self._pair[0]).request(method, f"/api/admin{path}", **request)
        assert answer.is_success, answer.text
        for before, (screen, _) in zip(snapshots, self._screens, strict=True):
            await screen.until(partial(_has_more_snapshots, screen, before), AT_ONCE)
            assert screen.received["snapshot"] == before + 1
        versions = {screen.grid.version for screen, _ in self._screens}
        assert len(versions) == 1, versions
        return dict(answer.json()) if answer.content else {}

    async def told(self, place: dict[str, Any]) -> list[list[str]]:
        """What each screen is told of a booking there, and each node of what is free: codes of violations."""
        found = []
        for screen, person in self._screens:
            verdict = await screen.judge("create", place)
            codes = [violation["code"] for violation in verdict["violations"]]
            if verdict["t"] == "nak":
                codes = [verdict["code"]]
            for node in self._pair:
                judged = await person.at(node).post("/api/bookings/judge", json=place)
                by_http = [violation["code"] for violation in judged.json()["violations"]]
                assert (by_http or ([] if judged.is_success else [judged.json()["code"]])) == codes
            found.append(codes)
        return found

    def shown(self, *names: str) -> list[Any]:
        """These parts of each screen's snapshot; they must be the same on all."""
        shown = [[screen.snapshot[name] for name in names] for screen, _ in self._screens]
        assert all(each == shown[0] for each in shown), shown
        return shown[0]


def _has_more_snapshots(screen: Screen, than: int) -> bool:
    return screen.received["snapshot"] > than


async def test_g6_policy_hours_resources_and_blackouts_reach_every_node_and_open_grid_at_once(
    shared_city: City, pair: Pair
) -> None:
    city = shared_city
    venue = await city.town.venue(bays=2)
    admin = await city.person(pair[0], "Ada Admin", "admin")
    sam = await city.person(pair[0], "Sam Staff", "staff", [venue])
    ann = await city.person(pair[1], "Ann Able")
    screens = [
        (await city.screen(node, person, venue), person)
        for node, person in ((pair[0], sam), (pair[1], sam), (pair[0], ann), (pair[1], ann))
    ]
    wall = Wall(pair, venue, admin, screens)
    start = soon(50)
    place: dict[str, Any] = {"resource_id": venue.bays[0], **span(start)}
    here = f"/locations/{venue.id}"
    assert await wall.told(place) == [[]] * 4

    # policy
    await wall.change("PATCH", here, json={"policy": {"min_duration_minutes": 90}})
    assert await wall.told(place) == [["min_duration"]] * 4
    # hours
    await wall.change("PATCH", here, json={"policy": {"opening_hours": HALF_AN_HOUR_A_DAY}})
    assert await wall.told(place) == [["closed"]] * 4
    await wall.change("PATCH", here, json={"policy": {}})
    assert await wall.told(place) == [[]] * 4
    # blackouts
    closed = {"location_id": venue.id, "resource_ids": [venue.bays[0]], "reason": "Repairs", **span(start)}
    blackout = await wall.change("POST", "/blackouts", json=closed)
    for screen, _ in screens:
        assert [each["id"] for each in screen.snapshot["blackouts"]] == [blackout["id"]]
    assert await wall.told(place) == [["blackout"]] * 4
    await wall.change("DELETE", f"/blackouts/{blackout['id']}")
    assert await wall.told(place) == [[]] * 4
    # resources
    bay = await wall.change("POST", "/resources", json={"location_id": venue.id, "name": "Bay 3"})
    [resources] = wall.shown("resources")
    assert [each["id"] for each in resources] == [*venue.bays, bay["id"]]
    assert await wall.told(place | {"resource_id": bay["id"]}) == [[]] * 4
    await wall.change("DELETE", f"/resources/{bay['id']}")
    assert [each["id"] for each in wall.shown("resources")[0]] == list(venue.bays)
    assert await wall.told(place | {"resource_id": bay["id"]}) == [["not_found"]] * 4

    # and what has to be insisted on, once it is
    booked = await ann.at(pair[1]).post("/api/bookings", json={**place, **span(start + 1800)})
    assert booked.status_code == 201, booked.text
    asked = await admin.at(pair[0]).patch(f"/api/admin{here}", json={"slot_minutes": 60})
    assert [each["booking_id"] for each in asked.json()["conflicts"]] == [booked.json()["id"]]
    await wall.change("PATCH", here, json={"slot_minutes": 60, "confirm": True})
    [rows] = wall.shown("rows")
    lengths = {second - first for day in rows.values() for first, second in itertools.pairwise(day)}
    assert lengths == {3600}
    assert await wall.told({"resource_id": venue.bays[1], **span(start + 1800)}) == [["off_grid"]] * 4
    assert [screen.faults for screen, _ in screens] == [[]] * 4
    await city.settled(venue, screens, pair)
