"""A policy tried on the past, over HTTP: who would have been refused, and who newly accepted (R23)."""

from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from random import Random
from typing import Any

import httpx2
import pytest

from grid_engine.interval import DAY, HOUR, MINUTE
from server.clock import ManualClock
from server.commands import format_instant
from server.principal import Principal
from server.service import simulation
from tests.conftest import NOON
from tests.running_node import RunningNode, running_node
from tests.venues import Town, Venue

TOMORROW = NOON + DAY


def span(start: int = TOMORROW, minutes: int = 60) -> dict[str, str]:
    return {"start_time": format_instant(start), "end_time": format_instant(start + minutes * MINUTE)}


@pytest.fixture
async def node(database_url: str, clock: ManualClock) -> AsyncIterator[RunningNode]:
    async with running_node(database_url, clock) as running:
        yield running


@pytest.fixture
def town(database_url: str) -> Town:
    return Town(database_url)


@pytest.fixture
async def venue(town: Town) -> Venue:
    return await town.venue()


@pytest.fixture
async def admin(town: Town) -> Principal:
    return await town.person("Ada Admin", "admin")


async def post(client: httpx2.AsyncClient, bay: int, **more: Any) -> httpx2.Response:
    return await client.post("/api/bookings", json={"resource_id": bay, **span(), **more})


async def book(node: RunningNode, who: Principal, bay: int, *args: int, **more: Any) -> str:
    async with node.http(who) as client:
        answer = await post(client, bay, **span(*args), **more)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])


async def refused(node: RunningNode, who: Principal, bay: int, *args: int, **more: Any) -> list[str]:
    async with node.http(who) as client:
        answer = await post(client, bay, **span(*args), **more)
        assert answer.status_code in (409, 422), answer.text
        return [each["code"] for each in answer.json()["violations"]]


async def simulated(
    node: RunningNode, admin: Principal, venue: Venue, policy: dict[str, Any], **more: Any
) -> dict[str, Any]:
    await node.node.refusals.write()
    body = {
        "location_id": venue.id,
        "policy": policy,
        "from": format_instant(NOON - DAY),
        "to": format_instant(NOON + 40 * DAY),
    }
    async with node.http(admin) as client:
        answer = await client.post("/api/admin/policies/simulate", json=body | more)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())


def told(found: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    return [
        (each["action"], each["user_id"], each["booking_id"], [one["code"] for one in each["violations"]])
        for each in found
    ]


async def test_r23_it_tells_who_would_have_been_refused_and_who_newly_accepted(
    node: RunningNode, town: Town, venue: Venue, admin: Principal
) -> None:
    ann = await town.person("Ann Able")
    sam = await town.person("Sam Staff", "staff", [venue])
    booking = await book(node, ann, venue.bays[0])
    longer = await book(node, ann, venue.bays[1], TOMORROW, 120)
    for _ in range(2):
        codes = await refused(node, sam, venue.bays[2], TOMORROW, 30, visitor={"name": "Vic"})
        assert codes == ["min_duration"]

    stricter = await simulated(node, admin, venue, {"min_duration_minutes": 90})
    assert stricter["policy"]["min_duration_minutes"] == 90
    assert stricter["judged"] == 4
    assert stricter["counts"] == {
        "refused": 1,
        "accepted": 0,
        "refused_by_rule": {"min_duration": 1},
        "accepted_by_rule": {},
    }
    [one] = stricter["refused"]
    assert one["violations"][0].pop("message")
    assert one == {
        "happened": "accepted",
        "asked_at": format_instant(NOON),
        "times": 1,
        "user_id": ann.user_id,
        "booking_id": booking,
        "action": "create",
        "role": "customer",
        "resource_id": venue.bays[0],
        **span(),
        "violations": [{"code": "min_duration", "params": {"minimum": 90}, "overridable": False}],
    }

    laxer = await simulated(node, admin, venue, {"min_duration_minutes": 30, "max_duration_minutes": 100})
    assert told(laxer["refused"]) == [("create", ann.user_id, longer, ["max_duration"])]
    [one] = laxer["accepted"]
    assert (one["happened"], one["times"], one["user_id"], one["role"]) == ("refused", 2, None, "staff")
    assert laxer["counts"]["accepted_by_rule"] == {"min_duration": 2}

    assert (await simulated(node, admin, venue, {}))["counts"]["refused"] == 0


async def test_r23_limits_are_judged_by_what_the_customer_had_at_that_instant_everywhere(
    node: RunningNode, town: Town, venue: Venue, admin: Principal, clock: ManualClock
) -> None:
    ann = await town.person("Ann Able")
    other = await town.venue()
    first = await book(node, ann, other.bays[0], NOON + 3 * HOUR)
    second = await book(node, ann, venue.bays[0])
    assert await refused(node, ann, venue.bays[1]) == ["concurrent_limit"]
    clock.advance(5 * HOUR)  # the first is over
    third = await book(node, ann, venue.bays[2])
    async with node.http(ann) as client:
        assert (await client.delete(f"/api/bookings/{third}")).status_code == 200
    fourth = await book(node, ann, venue.bays[3])

    one = await simulated(node, admin, venue, {"concurrent_limit": 1})
    assert told(one["refused"]) == [
        ("create", ann.user_id, booking, ["concurrent_limit"]) for booking in (second, third, fourth)
    ]
    assert [each["violations"][0]["params"]["active"] for each in one["refused"]] == [1, 1, 1]
    assert first not in str(one)
    three = await simulated(node, admin, venue, {"concurrent_limit": 3})
    assert told(three["accepted"]) == [("create", ann.user_id, None, ["concurrent_limit"])]


async def test_r23_restrictions_are_those_that_were_in_force(
    node: RunningNode, town: Town, venue: Venue, admin: Principal, clock: ManualClock
) -> None:
    ann = await town.person("Ann Able")
    async with node.http(admin) as office:
        path = f"/api/admin/users/{ann.user_id}/restrictions"
        limit = {"restriction_type": "MAX_ADVANCE_DAYS", "value": 1, "reason": "x"}
        restriction = (await office.post(path, json=limit)).json()["id"]
        assert await refused(node, ann, venue.bays[0], NOON + 2 * DAY) == ["advance_window"]
        clock.advance(MINUTE)
        assert (await office.delete(f"{path}/{restriction}")).status_code == 204
    clock.advance(MINUTE)
    assert await refused(node, ann, venue.bays[0], NOON + 20 * DAY) == ["advance_window"]
    found = await simulated(node, admin, venue, {"advance_days": 30})
    assert [each["start_time"] for each in found["accepted"]] == [format_instant(NOON + 20 * DAY)]


async def test_r23_moves_and_cancellations_are_judged_too_and_the_grid_is_as_it_was(
    node: RunningNode, town: Town, venue: Venue, admin: Principal, clock: ManualClock
) -> None:
    ann, ben = await town.person("Ann Able"), await town.person("Ben Bold")
    bay = venue.bays[0]
    first = await book(node, ann, bay, NOON + 6 * HOUR)
    clock.advance(MINUTE)
    beside = await book(node, ben, bay, NOON + 7 * HOUR)
    async with node.http(ann) as client:
        away = span(NOON + 8 * HOUR)
        assert (await client.post(f"/api/bookings/{first}/reschedule", json=away)).status_code == 200
        clock.advance(5 * MINUTE)
        assert (await client.delete(f"/api/bookings/{first}")).status_code == 200

    buffered = await simulated(node, admin, venue, {"buffer_minutes": 30})
    assert told(buffered["refused"]) == [
        ("create", ben.user_id, beside, ["conflict"]),
        ("move", ann.user_id, first, ["conflict"]),
    ]
    still = await simulated(node, admin, venue, {"reschedule_limit": 0})
    assert told(still["refused"]) == [("move", ann.user_id, first, ["reschedule_limit"])]
    late = await simulated(node, admin, venue, {"cutoff_minutes": 9 * 60})
    assert told(late["refused"]) == [
        ("move", ann.user_id, first, ["cutoff"]),
        ("cancel", ann.user_id, first, ["cutoff"]),
    ]


async def test_r23_what_staff_overrode_or_passed_on_is_judged_as_they_did(
    node: RunningNode, town: Town, venue: Venue, admin: Principal
) -> None:
    ann, ben = await town.person("Ann Able"), await town.person("Ben Bold", tier="GOLD")
    sam = await town.person("Sam Staff", "staff", [venue])
    await book(node, sam, venue.bays[0], TOMORROW, 30, user_id=ann.user_id, override_reason="a lesson")
    passed_on = await book(node, ann, venue.bays[1])
    async with node.http(sam) as desk:
        answer = await desk.patch(
            f"/api/bookings/{passed_on}", json={"user_id": ben.user_id, "note": "Ben's"}
        )
        assert answer.status_code == 200, answer.text
        assert (
            await desk.patch(f"/api/bookings/{passed_on}", json={"note": "just words"})
        ).status_code == 200

    found = await simulated(
        node, admin, venue, {"min_duration_minutes": 90, "tiers": {"GOLD": {"can_book": False}}}
    )
    # The lesson had its reason. Ann's booking would have been too short; and Ben, who has it by now, might not have had it.
    assert told(found["refused"]) == [
        ("create", ann.user_id, passed_on, ["min_duration"]),
        ("move", ben.user_id, passed_on, ["not_permitted", "min_duration"]),
    ]
    assert found["judged"] == 3


async def test_r23_what_was_accepted_and_refused_is_so_by_the_policy_that_judged_it_however_much_happened(
    node: RunningNode,
    town: Town,
    venue: Venue,
    admin: Principal,
    clock: ManualClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The past is led through rightly if it comes to what really happened, at every instant."""
    monkeypatch.setattr(simulation, "EVENTS_AT_ONCE", 7)
    chance = Random(23)
    people = [await town.person(f"Guest {number}") for number in range(3)]
    other = await town.venue(bays=1)
    bookings: list[tuple[Principal, str]] = []
    for _ in range(14):
        who = chance.choice(people)
        async with node.http(who) as client:
            for _ in range(4):
                bay = chance.choice((*venue.bays[:2], other.bays[0]))
                hours = chance.randint(1, 30)
                asked = span(
                    NOON + hours * HOUR + chance.choice((0, 0, 30, 15)) * MINUTE,
                    chance.choice((60, 60, 90, 30)),
                )
                kind = chance.choice(("book", "book", "hold", "move", "cancel"))
                mine = [id_ for owner, id_ in bookings if owner == who]
                if kind == "book" or (kind in ("move", "cancel") and not mine):
                    answer = await post(client, bay, **asked)
                    if answer.status_code == 201:
                        bookings.append((who, answer.json()["id"]))
                elif kind == "hold":
                    answer = await client.post("/api/holds", json={"resource_id": bay, **asked})
                elif kind == "move":
                    answer = await client.post(f"/api/bookings/{chance.choice(mine)}/reschedule", json=asked)
                else:
                    answer = await client.delete(f"/api/bookings/{chance.choice(mine)}")
                assert answer.status_code in (200, 201, 409, 422), answer.text
        clock.advance(chance.choice((0, 45 * MINUTE)))
        await node.node.desk.sweep()
        await node.node.desk.idle()

    events = await town.fetch(
        """
        SELECT event_type, count(*) AS number FROM booking_events
        WHERE location_id = $1 AND metadata->>'cause' = 'command' AND event_type IN ('created', 'rescheduled', 'cancelled')
        GROUP BY event_type
        """,
        venue.id,
    )
    accepted = {row["event_type"]: row["number"] for row in events}
    assert set(accepted) == {"created", "rescheduled", "cancelled"}
    await node.node.refusals.write()
    wishes = await town.fetch("SELECT action, codes, times FROM refusals WHERE location_id = $1", venue.id)
    refusals = sum(row["times"] for row in wishes)
    assert refusals > 10

    same = await simulated(node, admin, venue, {})
    assert same["judged"] == sum(accepted.values()) + refusals
    assert (same["counts"]["refused"], same["counts"]["accepted"]) == (0, 0)
    # All that was accepted is allowed by the policy in force: what a policy without mercy refuses is exactly that.
    never = await simulated(node, admin, venue, {"can_book": False, "cutoff_minutes": 1_000_000})
    assert never["counts"]["refused"] == sum(accepted.values())
    assert {each["happened"] for each in never["refused"]} == {"accepted"}
    assert never["counts"]["accepted"] == 0
    # And what was refused is refused by just the rules that refused it.
    everything = {
        "min_duration_minutes": 0,
        "concurrent_limit": 1000,
        "reschedule_limit": 1000,
        "cutoff_minutes": 0,
        "advance_days": 1000,
    }
    lax = await simulated(node, admin, venue, everything)
    lenient = {"min_duration", "concurrent_limit", "reschedule_limit", "cutoff", "advance_window"}
    forgiven = [row for row in wishes if set(row["codes"]) <= lenient]
    late = [row for row in forgiven if row["action"] != "create" and "cutoff" in row["codes"]]
    assert lax["counts"]["accepted"] >= sum(row["times"] for row in forgiven) - sum(
        row["times"] for row in late
    )
    by_rule: Counter[str] = Counter()
    for each in lax["accepted"]:
        for one in each["violations"]:
            by_rule[one["code"]] += each["times"]
    assert by_rule == lax["counts"]["accepted_by_rule"]


async def test_r23_it_is_bounded_and_says_how_far_it_got(
    node: RunningNode,
    town: Town,
    admin: Principal,
    clock: ManualClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    venue = await town.venue(policy={"concurrent_limit": 100})
    ann = await town.person("Ann Able")
    for hour in range(6):
        await book(node, ann, venue.bays[0], TOMORROW + hour * HOUR)
        await refused(node, ann, venue.bays[0], TOMORROW + hour * HOUR, 30)
        clock.advance(MINUTE)
    # Whoever writes instants in parts of seconds is gone through once, too.
    await town.fetch("ALTER TABLE booking_events DISABLE TRIGGER USER")
    await town.fetch("UPDATE booking_events SET created_at = created_at + interval '0.4 seconds'")
    monkeypatch.setattr(simulation, "EVENTS_AT_ONCE", 2)
    monkeypatch.setattr(simulation, "MOST_TOLD", 3)
    whole = await simulated(node, admin, venue, {"min_duration_minutes": 90})
    assert (whole["judged"], whole["counts"]["refused"], len(whole["refused"])) == (12, 6, 3)
    assert whole["until"] == format_instant(NOON + 40 * DAY)
    part = await simulated(
        node, admin, venue, {}, **{"from": format_instant(NOON), "to": format_instant(NOON + 3 * MINUTE)}
    )
    assert part["judged"] == 6
    monkeypatch.setattr(simulation, "MOST_JUDGED", 4)
    bounded = await simulated(node, admin, venue, {"min_duration_minutes": 90})
    assert 4 <= bounded["judged"] < 12
    assert NOON < datetime.fromisoformat(bounded["until"]).astimezone(UTC).timestamp() < NOON + 6 * MINUTE


@pytest.mark.parametrize(
    ("changes", "status", "pointer"),
    [
        ({"policy": {"no_such_key": 1}}, 400, "/policy/no_such_key"),
        ({"policy": {"min_duration_minutes": 1000}}, 400, "/policy/min_duration_minutes"),
        ({"policy": {"opening_hours": {"mon": "always"}}}, 400, "/policy/opening_hours/mon"),
        ({"to": format_instant(NOON)}, 400, "/to"),
        ({"to": format_instant(NOON + 367 * DAY)}, 400, "/to"),
        ({"from": "2027-06-01T00:00:00"}, 400, "/from"),
        ({"unknown": 1}, 400, "/unknown"),
        ({"location_id": 999_999}, 404, None),
    ],
)
async def test_r23_what_makes_no_sense_is_told(
    node: RunningNode,
    venue: Venue,
    admin: Principal,
    changes: dict[str, Any],
    status: int,
    pointer: str | None,
) -> None:
    body: dict[str, Any] = {
        "location_id": venue.id,
        "policy": {},
        "from": format_instant(NOON),
        "to": format_instant(NOON + DAY),
    }
    async with node.http(admin) as client:
        answer = await client.post("/api/admin/policies/simulate", json=body | changes)
    assert answer.status_code == status, answer.text
    assert [each["pointer"] for each in answer.json().get("errors", [])] == ([pointer] if pointer else [])


@pytest.mark.parametrize("role", ["staff", "operator", "customer"])
async def test_r23_policies_are_for_admins(node: RunningNode, town: Town, venue: Venue, role: Any) -> None:
    person = await town.person("Some Body", role, [venue] if role == "staff" else [])
    body = {
        "location_id": venue.id,
        "policy": {},
        "from": format_instant(NOON),
        "to": format_instant(NOON + DAY),
    }
    async with node.http(person) as client:
        assert (await client.post("/api/admin/policies/simulate", json=body)).status_code == 403
