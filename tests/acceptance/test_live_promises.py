"""What people on two nodes are promised of the live grid: holds, verdicts, colleagues' drags, and revocation."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from grid_engine.interval import HOUR
from server.commands import format_instant
from tests.acceptance.conftest import PASSWORD, City, Pair, Person, soon, span, until
from tests.live_client import Screen
from tests.node_process import NodeProcess
from tests.venues import Venue


@pytest.fixture
def city(shared_city: City) -> City:
    return shared_city


@pytest.fixture
async def venue(city: City) -> Venue:
    return await city.town.venue(policy={"hold_seconds": 3})


async def all_until(screens: list[Screen], condition: Callable[[Screen], bool], seconds: float) -> None:
    await asyncio.gather(
        *(screen.until(lambda screen=screen: condition(screen), seconds) for screen in screens)  # type: ignore[misc]  # bound now
    )


async def test_g5_a_hold_is_busy_on_every_screen_and_two_seconds_after_it_lapsed_gone_from_all(
    city: City, pair: Pair, venue: Venue
) -> None:
    ann, ben = [await city.person(pair[0], name) for name in ("Ann Able", "Ben Bold")]
    sam = await city.person(pair[0], "Sam Staff", "staff", [venue])
    screens = [await city.screen(node, who, venue) for node in pair for who in (ann, ben, sam)]
    place = {"resource_id": venue.bays[0], **span(soon())}
    loop = asyncio.get_running_loop()

    held = await ann.at(pair[0]).post("/api/holds", json=place)
    placed = loop.time()
    assert held.status_code == 201, held.text
    await all_until(screens, lambda screen: len(screen.grid.records) == 1, 1.5)
    for screen in screens:
        [record] = screen.grid.records.values()
        assert (record["kind"], record["status"]) == (
            ("booking", "busy") if screen.public else ("hold", "held")
        )
    mine = [screen for screen in screens if screen.token == ann.token]
    await all_until(mine, lambda screen: held.json()["id"] in screen.own, 1.5)
    refused = await ben.at(pair[1]).post("/api/bookings", json=place)
    assert (refused.status_code, refused.json()["code"]) == (409, "conflict")

    # Clocks count whole seconds: it may lapse up to one before three have passed, and not after.
    await all_until(screens, lambda screen: not screen.grid.records, 3 + 2 - (loop.time() - placed))
    await all_until(mine, lambda screen: not screen.own, 1)
    late = await ann.at(pair[1]).post("/api/bookings", json=place | {"hold_id": held.json()["id"]})
    assert (late.status_code, late.json()["code"]) == (409, "hold_expired")
    again = await ben.at(pair[1]).post("/api/bookings", json=place)
    assert again.status_code == 201, again.text
    await city.settled(venue, [(screen, ben) for screen in screens if screen.token == ben.token], pair)


async def test_g8_verdicts_follow_the_grid_while_another_node_books(
    city: City, pair: Pair, venue: Venue
) -> None:
    ann = await city.person(pair[0], "Ann Able")
    sam = await city.person(pair[1], "Sam Staff", "staff", [venue])
    dragging = await city.screen(pair[0], ann, venue)
    desk = await city.screen(pair[1], sam, venue)
    start, bay = soon(), venue.bays[0]
    place = {"resource_id": bay, **span(start)}

    green = await dragging.judge("create", place)
    assert (green["t"], green["allowed"], green["violations"]) == ("verdict", True, [])
    booked = await desk.command("create", place | {"visitor": {"name": "Vic Visitor"}})
    assert booked["t"] == "ack", booked
    await dragging.until(lambda: dragging.grid.version == booked["version"], 2)
    red = await dragging.judge("create", place)
    assert (red["allowed"], red["overridable"]) == (False, False)
    assert [violation["code"] for violation in red["violations"]] == ["conflict"]
    assert "Vic" not in str(red)
    nearest = red["suggestions"][0]
    assert nearest["resource_id"] == bay
    assert nearest["start_time"] in (format_instant(start - HOUR), format_instant(start + HOUR))
    # What is suggested is accepted, and then red for the next one (R18).
    dropped = await dragging.command("create", nearest)
    assert dropped["t"] == "ack", dropped
    await desk.until(lambda: desk.grid.version == dropped["version"], 2)
    amber = await desk.judge(
        "create", {"resource_id": venue.bays[1], **span(start, 30), "visitor": {"name": "V"}}
    )
    assert (amber["allowed"], amber["overridable"]) == (False, True)
    assert [violation["code"] for violation in amber["violations"]] == ["min_duration"]
    # A move over itself is no conflict (G4); onto the other booking it is.
    over_itself = {"booking_id": booked["result"]["id"], **span(start, 90)}
    other_way = start + HOUR if nearest["start_time"] == format_instant(start + HOUR) else None
    verdict = await desk.judge("reschedule", over_itself)
    assert verdict["allowed"] is (other_way is None)


async def test_g8_of_many_verdicts_asked_for_in_a_drag_the_last_is_answered(
    city: City, pair: Pair, venue: Venue
) -> None:
    ann = await city.person(pair[0], "Ann Able")
    screen = await city.screen(pair[0], ann, venue)
    asked = [
        asyncio.create_task(
            screen.judge("create", {"resource_id": venue.bays[0], **span(soon() + n * HOUR // 2)})
        )
        for n in range(60)
    ]
    last = await asyncio.wait_for(asked[-1], 5)
    assert last["allowed"] is True
    await screen.ping()
    for task in asked:
        task.cancel()
    await asyncio.gather(*asked, return_exceptions=True)
    assert screen.received["verdict"] <= 60
    assert screen.received["nak"] == 0


async def test_g9_a_drag_is_seen_by_staff_on_both_nodes_never_by_customers_and_goes_with_its_session(
    city: City, pair: Pair, venue: Venue
) -> None:
    sam, sue = [await city.person(pair[0], name, "staff", [venue]) for name in ("Sam Staff", "Sue Staff")]
    elsewhere = await city.person(pair[0], "Eve Elsewhere", "staff", [await city.town.venue()])
    ann = await city.person(pair[0], "Ann Able")
    dragging = await city.screen(pair[0], sam, venue)
    staff = [await city.screen(node, sue, venue) for node in pair]
    others = [await city.screen(node, who, venue) for node in pair for who in (ann, elsewhere)]
    place = {"resource_id": venue.bays[0], **span(soon())}

    await dragging.drag(place)
    await all_until(staff, lambda screen: len(screen.ghosts) == 1, 2)
    session = dragging.welcome["session"]
    assert [screen.ghosts[session] for screen in staff] == [(sam.principal.name, place)] * 2
    moved = place | span(soon() + HOUR)
    await dragging.drag(moved)
    await all_until(staff, lambda screen: screen.ghosts[session][1] == moved, 2)
    # Whoever comes later sees it too.
    late = await city.screen(pair[1], sue, venue)
    await late.until(lambda: session in late.ghosts, 2)
    await dragging.drag(None)
    await all_until([*staff, late], lambda screen: not screen.ghosts, 2)

    await dragging.drag(place)
    await all_until([*staff, late], lambda screen: session in screen.ghosts, 2)
    await dragging.cut()
    await all_until([*staff, late], lambda screen: not screen.ghosts, 10)
    for screen in others:
        await screen.ping()
        assert screen.received["presence"] == 0
        await screen.drag(place)
        await screen.until(lambda screen=screen: screen.refused.get("status") == 403)  # type: ignore[misc]  # bound now
    assert all(screen.received["presence"] == 0 for screen in [*others, dragging])
    assert all(screen.faults == [] for screen in [*staff, *others, late])


async def status_of(person: Person, node: NodeProcess, venue: Venue) -> int:
    answer = await person.at(node).get("/api/resources", params={"location_id": venue.id})
    return answer.status_code


async def revoked_in_time(
    person: Person, screens: list[Screen], pair: Pair, venue: Venue, since: float, code: int = 4401
) -> None:
    """Five seconds after ``since`` at the latest all sockets are closed and both nodes answer 401."""
    left = 5.0 - (asyncio.get_running_loop().time() - since)

    async def gone(node: NodeProcess) -> bool:
        return await status_of(person, node, venue) == 401

    await asyncio.gather(
        all_until(screens, lambda screen: screen.close_code == code, left),
        *(until(lambda node=node: gone(node), left, "401") for node in pair),  # type: ignore[misc]  # bound now
    )
    assert {screen.bye["code"] for screen in screens} == {code}


@pytest.mark.parametrize("how", ["closed by an admin", "closed in the table", "signed out", "another role"])
async def test_a5_a_revoked_session_ends_within_five_seconds_on_both_nodes_and_on_open_sockets(
    city: City, pair: Pair, venue: Venue, how: str
) -> None:
    admin = await city.person(pair[0], "Ada Admin", "admin")
    sam = await city.person(pair[0], "Sam Staff", "staff", [venue])
    bystander = await city.person(pair[0], "Sue Staff", "staff", [venue])
    screens = [await city.screen(node, sam, venue) for node in pair]
    stays = await city.screen(pair[1], bystander, venue)
    for node in pair:
        assert await status_of(sam, node, venue) == 200
    loop = asyncio.get_running_loop()
    account = f"/api/admin/users/{sam.id}"
    match how:
        case "closed by an admin":
            answer = await admin.at(pair[0]).patch(account, json={"active": False})
            assert answer.status_code == 200, answer.text
        case "closed in the table":  # by something else than a node: nobody is told
            await city.town.fetch("UPDATE users SET active = false WHERE id = $1", sam.id)
        case "signed out":
            answer = await sam.at(pair[0]).post("/api/auth/logout")
            assert answer.status_code in (200, 204), answer.text
        case _:
            answer = await admin.at(pair[0]).patch(account, json={"role": "customer"})
            assert answer.status_code == 200, answer.text
    since = loop.time()
    if how == "another role":
        await all_until(screens, lambda screen: screen.close_code == 4401, 5.0)
        answers = await asyncio.gather(*(sam.at(node).get("/api/me") for node in pair))
        assert {answer.status_code for answer in answers} <= {200, 401}
        assert {answer.json()["user"]["role"] for answer in answers if answer.status_code == 200} <= {
            "customer"
        }
    else:
        await revoked_in_time(sam, screens, pair, venue, since)
    await stays.ping()
    assert stays.close_code is None
    if how in ("closed by an admin", "closed in the table"):
        refused = await admin.at(pair[1]).post(
            "/api/auth/login",
            json={
                "email": f"{sam.principal.name.lower().replace(' ', '.')}@example.com",
                "password": PASSWORD,
            },
        )
        assert refused.status_code == 401


async def test_a5_staff_who_no_longer_work_at_a_location_see_it_as_customers_do_within_five_seconds(
    city: City, pair: Pair, venue: Venue
) -> None:
    admin = await city.person(pair[0], "Ada Admin", "admin")
    sam = await city.person(pair[0], "Sam Staff", "staff", [venue])
    ann = await city.person(pair[0], "Ann Able")
    made = await ann.at(pair[0]).post(
        "/api/bookings", json={"resource_id": venue.bays[0], "note": "private", **span(soon())}
    )
    assert made.status_code == 201, made.text
    screens = [await city.screen(node, sam, venue) for node in pair]
    assert all("user_id" in record for screen in screens for record in screen.grid.records.values())
    answer = await admin.at(pair[1]).patch(f"/api/admin/users/{sam.id}", json={"location_ids": []})
    assert answer.status_code == 200, answer.text

    def redacted(screen: Screen) -> bool:
        records: list[dict[str, Any]] = list(screen.grid.records.values())
        return len(records) == 1 and "user_id" not in records[0] and screen.received["resync"] == 1

    await all_until(screens, redacted, 5.0)
    for screen, node in zip(screens, pair, strict=True):
        assert screen.close_code is None
        screen.public = True
        grid = await sam.at(node).get(
            "/api/grid",
            params={"location_id": venue.id, "from": screen.first.isoformat(), "days": screen.days},
        )
        assert grid.json()["records"] == list(screen.grid.records.values())
    more = await ann.at(pair[0]).post("/api/bookings", json={"resource_id": venue.bays[1], **span(soon())})
    assert more.status_code == 201, more.text
    await all_until(screens, lambda screen: len(screen.grid.records) == 2, 2.0)
    assert all(screen.faults == [] for screen in screens)
