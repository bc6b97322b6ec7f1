"""Rivals on two nodes: of all that want the same, one gets it (G1, G3, G7, R16, R17)."""

import asyncio
import random
import uuid
from collections import Counter
from typing import Any

import httpx2
import pytest

from grid_engine.interval import HOUR, MINUTE
from tests.acceptance.conftest import City, Pair, Person, soon, span
from tests.node_process import NodeProcess
from tests.venues import Venue

MANY = {"concurrent_limit": 1_000, "reschedule_limit": 1_000, "cutoff_minutes": 0}


async def post(person: Person, node: NodeProcess, key: str | None = None, **body: Any) -> httpx2.Response:
    headers = {} if key is None else {"Idempotency-Key": key}
    return await person.at(node).post("/api/bookings", json=body, headers=headers)


async def move(person: Person, node: NodeProcess, booking_id: str, **body: Any) -> httpx2.Response:
    return await person.at(node).post(f"/api/bookings/{booking_id}/reschedule", json=body)


async def booked(person: Person, node: NodeProcess, **body: Any) -> str:
    answer = await post(person, node, **body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


@pytest.fixture
def city(shared_city: City) -> City:
    return shared_city


@pytest.fixture
async def venue(city: City) -> Venue:
    return await city.town.venue(bays=4, policy=MANY)


async def test_g3_of_sixteen_rivals_on_two_nodes_exactly_one_wins_in_each_of_a_hundred_rounds(
    city: City, pair: Pair, venue: Venue
) -> None:
    rivals = [await city.person(pair[number % 2], f"Rival {number}") for number in range(14)]
    rivals += [await city.person(pair[number % 2], f"Desk {number}", "staff", [venue]) for number in range(2)]
    screens = [
        (await city.screen(pair[number % 2], rivals[-number], venue), rivals[-number]) for number in (1, 4)
    ]
    chance = random.Random(16)
    first = soon(3)
    for round_ in range(100):
        # All share the half hour from `middle` on, and few have the same times.
        middle = first + (round_ // 4) * 4 * HOUR
        bay = venue.bays[round_ % 4]
        wishes = [
            (middle - chance.choice((0, 30, 60)) * MINUTE, middle + chance.choice((60, 90)) * MINUTE)
            for _ in rivals
        ]
        answers = await asyncio.gather(
            *(
                post(rival, chance.choice(pair), resource_id=bay, **span(start, (end - start) // MINUTE))
                for rival, (start, end) in zip(rivals, wishes, strict=True)
            )
        )
        assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 15}, round_
        won = next(answer.json() for answer in answers if answer.status_code == 201)
        for answer, rival in zip(answers, rivals, strict=True):
            if answer.status_code == 409:
                told = answer.json()
                assert told["code"] == "conflict"
                assert [violation["code"] for violation in told["violations"]] == ["conflict"]
                [busy] = told["conflicts"]
                assert busy == {name: won[name] for name in ("resource_id", "start_time", "end_time")}
                if rival.principal.role == "customer":
                    assert won["id"] not in answer.text
    assert await city.town.overlaps() == 0
    assert await city.version(venue) == 100
    await city.settled(venue, screens, pair)


async def test_r16_of_four_parallel_posts_by_one_customer_with_limit_two_two_are_accepted(
    city: City, pair: Pair
) -> None:
    here, there = await city.town.venue(bays=4), await city.town.venue(bays=4)
    first = soon(30)
    for round_ in range(16):
        customer = await city.person(pair[round_ % 2], f"Customer {round_}")
        # In turn: all at one location, and over two of them; always over both nodes.
        wishes = [
            ((here, there)[number % 2 if round_ % 2 else 0].bays[number], pair[number // 2])
            for number in range(4)
        ]
        answers = await asyncio.gather(
            *(post(customer, node, resource_id=bay, **span(first + round_ * HOUR)) for bay, node in wishes)
        )
        told = Counter((answer.status_code, answer.json().get("code", "")) for answer in answers)
        assert sum(count for (status, _), count in told.items() if status == 201) == 2, told
        assert told[422, "concurrent_limit"] == 2, told
        mine = "SELECT count(*) FROM bookings WHERE user_id = $1 AND status = 'confirmed'"
        assert await city.town.value(mine, customer.id) == 2


async def test_r16_and_r17_limits_raced_for_fifty_rounds_are_never_exceeded_and_nothing_counts_twice(
    city: City, pair: Pair
) -> None:
    policy = {"concurrent_limit": 2, "reschedule_limit": 1, "cutoff_minutes": 0}
    here, there = [await city.town.venue(bays=2, policy=policy) for _ in range(2)]
    customer = await city.person(pair[0], "Ann Able")
    mine = """
        SELECT count(*) FILTER (WHERE status IN ('held', 'confirmed')) AS active, max(reschedule_count) AS moves
        FROM bookings WHERE user_id = $1 AND id <> ALL($2::uuid[])
    """
    first, over = soon(30), list[str]()
    for round_ in range(50):
        start = first + round_ * 3 * HOUR
        own = await booked(customer, pair[round_ % 2], resource_id=here.bays[0], **span(start + HOUR))
        # One place is left. Four bays at two locations are asked for, each on both nodes under one key, while the booking
        # that there is moves, asked for on both nodes too.
        posts = [
            post(customer, node, key, resource_id=bay, **span(start))
            for bay in (*here.bays, *there.bays)
            for key in [str(uuid.uuid4())]
            for node in pair
        ]
        moves = [
            move(customer, node, own, resource_id=here.bays[1], **span(start + 2 * HOUR)) for node in pair
        ]
        answers = await asyncio.gather(*posts, *moves)
        told = Counter((answer.status_code, answer.json().get("code", "")) for answer in answers[:8])
        won = [answer.json()["id"] for answer in answers[:8] if answer.status_code == 201]
        assert len(won) == 2, (round_, told)
        assert won[0] == won[1]
        assert told[422, "concurrent_limit"] == 6, (round_, told)
        assert [(each.status_code, each.json()["reschedule_count"]) for each in answers[8:]] == [(200, 1)] * 2
        [row] = await city.town.fetch(mine, customer.id, over)
        assert (row["active"], row["moves"]) == (2, 1), round_
        # The limit of moves is reached, and by no more than what was asked for once.
        again = await move(customer, pair[round_ % 2], own, resource_id=here.bays[1], **span(start + HOUR))
        assert [each["code"] for each in again.json()["violations"]] == ["reschedule_limit"]
        for booking in (own, won[0]):
            gone = await customer.at(pair[round_ % 2]).delete(f"/api/bookings/{booking}")
            assert gone.status_code == 200, gone.text
        over += [own, won[0]]


async def test_g7_the_same_key_sent_to_both_nodes_at_once_makes_one_booking(
    city: City, pair: Pair, venue: Venue
) -> None:
    customer = await city.person(pair[0], "Ann Able")
    first = soon(30)
    for round_ in range(20):
        key = str(uuid.uuid4())
        body = {"resource_id": venue.bays[round_ % 4], **span(first + round_ * HOUR)}
        answers = await asyncio.gather(
            *(post(customer, pair[number % 2], key, **body) for number in range(6))
        )
        assert {answer.status_code for answer in answers} == {201}, [answer.text for answer in answers]
        assert all(answer.json() == answers[0].json() for answer in answers)
        other = await post(customer, pair[round_ % 2], key, **(body | {"note": "another"}))
        assert (other.status_code, other.json()["code"]) == (422, "idempotency_mismatch")
    assert await city.town.value("SELECT count(*) FROM bookings WHERE location_id = $1", venue.id) == 20
    assert await city.version(venue) == 20


async def test_r12_and_r17_one_move_sent_to_both_nodes_at_once_counts_once(
    city: City, pair: Pair, venue: Venue
) -> None:
    customer = await city.person(pair[0], "Ann Able")
    first = soon(30)
    booking = await booked(customer, pair[0], resource_id=venue.bays[0], **span(first))
    for round_ in range(1, 11):
        body = span(first + round_ * HOUR)
        answers = await asyncio.gather(*(move(customer, pair[n % 2], booking, **body) for n in range(4)))
        assert {answer.status_code for answer in answers} == {200}
        assert {answer.json()["reschedule_count"] for answer in answers} == {round_}
        assert await city.version(venue) == 1 + round_


async def test_g4_two_bookings_moved_into_each_others_place_never_overlap_and_never_deadlock(
    city: City, pair: Pair, venue: Venue
) -> None:
    ann = await city.person(pair[0], "Ann Able")
    ben = await city.person(pair[1], "Ben Bold")
    first, second = soon(30), soon(32)
    bay, other = venue.bays[:2]
    mine = await booked(ann, pair[0], resource_id=bay, **span(first, 120))
    theirs = await booked(ben, pair[1], resource_id=other, **span(first, 120))
    moved = 0
    for round_ in range(25):
        # Each wants where the other is; and there, half of it still is their own.
        swapped = await asyncio.gather(
            move(ann, pair[round_ % 2], mine, resource_id=other, **span(first, 120)),
            move(ben, pair[(round_ + 1) % 2], theirs, resource_id=bay, **span(first, 120)),
        )
        assert [answer.status_code for answer in swapped] == [409, 409]
        # Both step aside, into each other's way: one of them gets there.
        aside = await asyncio.gather(
            move(ann, pair[round_ % 2], mine, resource_id=bay, **span(second, 120)),
            move(ben, pair[(round_ + 1) % 2], theirs, resource_id=bay, **span(second - HOUR // 2, 120)),
        )
        assert all(answer.status_code in (200, 409) for answer in aside), [answer.text for answer in aside]
        assert any(answer.status_code == 200 for answer in aside)
        moved += sum(answer.status_code == 200 for answer in aside)
        back = await asyncio.gather(
            move(ann, pair[0], mine, resource_id=bay, **span(first, 120)),
            move(ben, pair[1], theirs, resource_id=other, **span(first, 120)),
        )
        assert all(answer.status_code in (200, 409) for answer in back)
        for again, (person, id_, resource) in zip(
            back, ((ann, mine, bay), (ben, theirs, other)), strict=True
        ):
            if again.status_code == 409:
                answer = await move(person, pair[0], id_, resource_id=resource, **span(first, 120))
                assert answer.status_code == 200, answer.text
        assert await city.town.overlaps() == 0
    assert moved >= 25


async def test_g3_a_booking_made_longer_and_a_new_one_in_its_way_never_both_succeed(
    city: City, pair: Pair, venue: Venue
) -> None:
    ann = await city.person(pair[0], "Ann Able")
    desk = await city.person(pair[1], "Sam Staff", "staff", [venue])
    first = soon(30)
    winners: Counter[str] = Counter()
    for round_ in range(30):
        start, bay = first + round_ // 4 * 3 * HOUR, venue.bays[round_ % 4]
        booking = await booked(ann, pair[0], resource_id=bay, **span(start))
        longer, new = await asyncio.gather(
            move(ann, pair[round_ % 2], booking, **span(start, 120)),
            post(
                desk, pair[(round_ + 1) % 2], resource_id=bay, visitor={"name": "Vic"}, **span(start + HOUR)
            ),
        )
        assert sorted((longer.status_code, new.status_code - (new.status_code == 201))) == [200, 409]
        winners["longer" if longer.status_code == 200 else "new"] += 1
        refused = new if longer.status_code == 200 else longer
        assert refused.json()["code"] == "conflict"
    assert await city.town.overlaps() == 0


async def test_g5_of_rival_holds_and_bookings_for_the_same_time_one_wins(
    city: City, pair: Pair, venue: Venue
) -> None:
    people = [await city.person(pair[number % 2], f"Guest {number}") for number in range(8)]
    first = soon(30)
    for round_ in range(15):
        body = {"resource_id": venue.bays[round_ % 4], **span(first + round_ * 2 * HOUR)}
        answers = await asyncio.gather(
            *(
                person.at(pair[number % 2]).post(
                    "/api/holds" if number % 4 < 2 else "/api/bookings", json=body
                )
                for number, person in enumerate(people)
            )
        )
        assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 7}
    assert await city.town.overlaps() == 0


async def test_g5_parallel_holds_of_one_customer_at_two_locations_leave_one(city: City, pair: Pair) -> None:
    venues = [await city.town.venue(bays=2, policy=MANY) for _ in range(2)]
    ann = await city.person(pair[0], "Ann Able")
    first = soon(30)
    for round_ in range(12):
        answers = await asyncio.gather(
            *(
                ann.at(pair[number % 2]).post(
                    "/api/holds",
                    json={"resource_id": venues[number // 2].bays[number % 2], **span(first + round_ * HOUR)},
                )
                for number in range(4)
            )
        )
        assert {answer.status_code for answer in answers} == {201}, [answer.text for answer in answers]
        mine = "SELECT count(*) FROM bookings WHERE user_id = $1 AND status = 'held'"
        assert await city.town.value(mine, ann.id) == 1
    for venue in venues:
        screens = [(await city.screen(node, ann, venue), ann) for node in pair]
        await city.settled(venue, screens, pair)
