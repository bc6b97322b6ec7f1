"""Links to one's own bookings: made, replaced, revoked, and what calendars are sent through them."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest
from icalendar import Calendar

from grid_engine.interval import DAY, HOUR
from server.clock import ManualClock
from server.commands import format_instant
from server.principal import Mode, Principal
from tests.conftest import NOON
from tests.running_node import RunningNode, running_node
from tests.venues import Town, Venue

TOMORROW = NOON + DAY


def span(start: int, hours: int = 1) -> dict[str, str]:
    return {"start_time": format_instant(start), "end_time": format_instant(start + hours * HOUR)}


@dataclass
class Place:
    """A node, whom to be, and where."""

    node: RunningNode
    town: Town
    venue: Venue
    people: dict[str, Principal]

    async def call(self, who: str | None, method: str, path: str, **request: Any) -> httpx2.Response:
        async with self.node.http(None if who is None else self.people[who]) as client:
            return await client.request(method, path, **request)

    async def booked(self, who: str, start: int, *, bay: int = 0, **fields: Any) -> str:
        answer = await self.call(
            who, "POST", "/api/bookings", json={"resource_id": self.venue.bays[bay], **span(start), **fields}
        )
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    async def link(self, who: str) -> str:
        answer = await self.call(who, "POST", "/api/me/calendar")
        assert answer.status_code == 201, answer.text
        url = str(answer.json()["url"])
        assert url.startswith(f"{self.node.address}/calendar/")
        return url.removeprefix(self.node.address)

    async def calendar(self, link: str) -> dict[str, Any]:
        """Entries by their UID."""
        answer = await self.call(None, "GET", link)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "text/calendar; charset=utf-8")
        return {str(event["UID"]): event for event in Calendar.from_ical(answer.content).events}


@pytest.fixture
async def place(database_url: str, clock: ManualClock) -> AsyncIterator[Place]:
    town = Town(database_url)
    venue = await town.venue(policy={"concurrent_limit": 9, "cutoff_minutes": 0, "reschedule_limit": 9})
    people = {
        "admin": await town.person("Head Office", "admin"),
        "staff": await town.person("Sam Staff", "staff", [venue]),
        "ada": await town.person("Ada Customer"),
        "grace": await town.person("Grace Other"),
    }
    async with running_node(database_url, clock) as node:
        yield Place(node, town, venue, people)


async def test_a_booking_keeps_its_uid_and_its_sequence_grows_with_every_change(place: Place) -> None:
    booking = await place.booked("ada", TOMORROW)
    link = await place.link("ada")
    seen = []

    async def look() -> Any:
        entries = await place.calendar(link)
        assert set(entries) == {booking}
        seen.append(int(entries[booking]["SEQUENCE"]))
        return entries[booking]

    assert (await look())["STATUS"] == "CONFIRMED"
    path = f"/api/bookings/{booking}"
    moved = {"resource_id": place.venue.bays[1], **span(TOMORROW + 2 * HOUR)}
    assert (await place.call("ada", "POST", f"{path}/reschedule", json=moved)).status_code == 200
    entry = await look()
    assert (entry["DTSTART"].dt.timestamp(), entry["SUMMARY"]) == (TOMORROW + 2 * HOUR, "Bay 2, Fairway")
    assert (await place.call("staff", "DELETE", path)).status_code == 200
    assert (await look())["STATUS"] == "CANCELLED"
    assert (await place.call("staff", "POST", f"{path}/undo")).status_code == 200
    assert (await look())["STATUS"] == "CONFIRMED"
    assert (await place.call("ada", "PATCH", path, json={"note": "x"})).status_code == 200
    await look()
    assert seen == [0, 1, 2, 3, 4]


async def test_a4_a_calendar_holds_the_owners_bookings_and_no_word_of_anybody(place: Place) -> None:
    own = await place.booked("ada", TOMORROW, note="SECRET")
    by_staff = await place.booked(
        "staff", TOMORROW + 2 * HOUR, user_id=place.people["ada"].user_id, internal_note="SECRET"
    )
    await place.booked("grace", TOMORROW, bay=1)
    await place.booked("staff", TOMORROW, bay=2, visitor={"name": "SECRET"})
    held = {"resource_id": place.venue.bays[3], **span(TOMORROW)}
    assert (await place.call("ada", "POST", "/api/holds", json=held)).status_code == 201
    link = await place.link("ada")
    assert set(await place.calendar(link)) == {own, by_staff}
    raw = (await place.call(None, "GET", link)).text
    codes = [row["code"] for row in await place.town.fetch("SELECT code FROM bookings")]
    for word in (
        "SECRET",
        "Ada",
        "Grace",
        "Sam",
        "Staff",
        "Head",
        "example.com",
        "ORGANIZER",
        "ATTENDEE",
        *codes,
    ):
        assert word not in raw, word
    # Staff have a calendar of their own bookings too, and no more.
    assert await place.calendar(await place.link("staff")) == {}
    given_away = {"user_id": place.people["grace"].user_id}
    assert (await place.call("staff", "PATCH", f"/api/bookings/{own}", json=given_away)).status_code == 200
    assert set(await place.calendar(link)) == {by_staff}


async def test_what_lies_thirty_days_back_is_left_out(place: Place, clock: ManualClock) -> None:
    old = await place.booked("ada", TOMORROW)
    recent = await place.booked("ada", TOMORROW + 2 * HOUR)
    link = await place.link("ada")
    clock.advance(31 * DAY + HOUR)
    assert set(await place.calendar(link)) == {recent}
    assert old != recent


async def test_nothing_is_sent_again_that_did_not_change(place: Place) -> None:
    booking = await place.booked("ada", TOMORROW)
    link = await place.link("ada")
    first = await place.call(None, "GET", link)
    assert first.headers["cache-control"] == "private, no-cache"
    tag = {"if-none-match": first.headers["etag"]}
    again = await place.call(None, "GET", link, headers=tag)
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
    head = await place.call(None, "HEAD", link)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(first.content))
    assert head.headers["etag"] == first.headers["etag"]
    await place.call("ada", "DELETE", f"/api/bookings/{booking}")
    changed = await place.call(None, "GET", link, headers=tag)
    assert (changed.status_code, b"CANCELLED" in changed.content) == (200, True)


async def test_a_link_is_shown_once_replaced_and_revoked(place: Place) -> None:
    assert (await place.call("ada", "GET", "/api/me/calendar")).json() == {"created_at": None}
    first = await place.link("ada")
    assert len(first) == len("/calendar/.ics") + 43
    assert (await place.call("ada", "GET", "/api/me/calendar")).json() == {"created_at": format_instant(NOON)}
    second = await place.link("ada")
    other = await place.link("grace")
    assert (await place.call(None, "GET", first)).status_code == 404
    assert (await place.call(None, "GET", second)).status_code == 200
    for _ in range(2):
        assert (await place.call("ada", "DELETE", "/api/me/calendar")).status_code == 204
        assert (await place.call(None, "GET", second)).status_code == 404
    assert (await place.call(None, "GET", other)).status_code == 200

    revoke = f"/api/admin/users/{place.people['grace'].user_id}/calendar"
    assert (await place.call("staff", "DELETE", revoke)).status_code == 403
    assert (await place.call("admin", "DELETE", revoke)).status_code == 204
    assert (await place.call(None, "GET", other)).status_code == 404
    assert (await place.call("admin", "DELETE", "/api/admin/users/999/calendar")).status_code == 404

    rows = await place.town.fetch(
        "SELECT event_type, actor_id FROM audit_events WHERE subject_type = 'calendar_feed' ORDER BY id"
    )
    ada, grace, admin = (place.people[who].user_id for who in ("ada", "grace", "admin"))
    assert [tuple(row) for row in rows] == [
        ("created", ada),
        ("replaced", ada),
        ("created", grace),
        ("revoked", ada),
        ("revoked", admin),
    ]


async def test_the_secret_is_not_kept(place: Place) -> None:
    link = await place.link("ada")
    secret = link.removeprefix("/calendar/").removesuffix(".ics")
    kept = await place.town.fetch("SELECT * FROM calendar_feeds")
    audit = await place.town.fetch("SELECT * FROM audit_events")
    assert secret not in repr([*map(dict, kept), *map(dict, audit)])
    assert secret.encode() not in kept[0]["token_hash"]


async def test_a5_closing_an_account_ends_its_link_for_good(place: Place) -> None:
    link = await place.link("ada")
    account = f"/api/admin/users/{place.people['ada'].user_id}"
    assert (await place.call("admin", "DELETE", account)).status_code == 204
    assert (await place.call(None, "GET", link)).status_code == 404
    assert (await place.call("admin", "PATCH", account, json={"active": True})).status_code == 200
    assert (await place.call(None, "GET", link)).status_code == 404


async def test_links_that_open_nothing_are_all_told_alike(place: Place) -> None:
    known = (await place.link("ada")).removeprefix("/calendar/").removesuffix(".ics")
    answers = [
        await place.call(None, "GET", f"/calendar/{token}.ics")
        for token in (
            "x",
            "x" * 43,
            known[:-1],
            known + "x",
            known.swapcase(),
            "..%2F..",
            "%F0%9F%8E%BE",
            "a.b",
        )
    ]
    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(404, "not_found")}
    assert len({answer.text for answer in answers if answer.request.url.path != "/calendar/../...ics"}) == 1
    assert (await place.call(None, "POST", f"/calendar/{known}.ics")).status_code == 405


async def test_a7_guessing_links_is_limited_for_the_address_that_guesses(
    database_url: str, clock: ManualClock
) -> None:
    ada = await Town(database_url).person("Ada")
    async with running_node(database_url, clock, login_rate="1/minute") as node, node.http(ada) as client:
        link = (await client.post("/api/me/calendar")).json()["url"]
        for _ in range(20):
            assert (await client.get(link)).status_code == 200
        for _ in range(10):
            assert (await client.get("/calendar/wrong.ics")).status_code == 404
        for path in ("/calendar/wrong.ics", link):
            refused = await client.get(path)
            assert (refused.status_code, refused.json()["code"]) == (429, "too_many_requests")
            assert int(refused.headers["retry-after"]) >= 1


async def test_a_link_opens_nothing_before_bookings_may_be_looked_at(
    database_url: str, clock: ManualClock
) -> None:
    ada = await Town(database_url).person("Ada")
    async with running_node(database_url, clock, mode=Mode.CONTEXT) as node, node.http(ada) as client:
        link = (await client.post("/api/me/calendar")).json()["url"]
        refused = await client.get(link)
        assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")


async def test_without_postgres_it_is_503(place: Place) -> None:
    link = await place.link("ada")
    await place.node.node.database.close()
    answer = await place.call(None, "GET", link)
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
