"""Lists of bookings hold what a plain look at every row would find, in order and page by page."""

import random
import uuid
from dataclasses import replace
from typing import Any

import pytest

from grid_engine.interval import DAY, HOUR, MINUTE, Interval
from server.clock import ManualClock
from server.principal import Principal
from server.service.identifiers import new_booking_id, new_code
from server.storage.batch import write
from server.storage.booking_lists import BookingFilter
from server.storage.stored_booking import StoredBooking, StoredVisitor
from tests.conftest import NOON
from tests.service.conftest import Node
from tests.venues import Town, Venue

NOTES = (None, None, "Left-handed clubs", "100% sure, under_lined", "back\\slash")


def _booking(
    number: int, venues: list[Venue], people: list[Principal], chance: random.Random
) -> StoredBooking:
    venue = chance.choice(venues)
    start = NOON + chance.randrange(-20 * 48, 20 * 48) * 30 * MINUTE
    length = chance.choice((HOUR, 2 * HOUR, 2 * HOUR, DAY, DAY + 30 * MINUTE, 5 * DAY))
    whose = chance.random()
    return StoredBooking(
        id=new_booking_id(ManualClock(NOON + number)),
        grid_id=f"g{number}",
        code=new_code(),
        location_id=venue.id,
        resource_id=chance.choice(venue.bays),
        interval=Interval(start, start + length),
        # None of them occupies anything, so that they may lie anywhere.
        status=chance.choice(("cancelled", "no_show", "expired")),
        type="CUSTOMER" if whose < 0.9 else "MAINTENANCE",
        user_id=chance.choice(people).user_id if whose < 0.6 else None,
        visitor=StoredVisitor(id=chance.choice((1, 2)), name="", phone=None) if 0.6 <= whose < 0.9 else None,
        note=chance.choice(NOTES),
        created_at=NOON,
        updated_at=NOON,
        version=1,
    )


@pytest.fixture
async def venues(town: Town) -> list[Venue]:
    return [await town.venue(bays=2), await town.venue(bays=1)]


@pytest.fixture
async def people(town: Town, venues: list[Venue]) -> list[Principal]:
    return [await town.person(name) for name in ("Ann Able", "Bob Baker", "Cy Able")]


@pytest.fixture
async def bookings(
    node: Node, town: Town, venues: list[Venue], people: list[Principal]
) -> list[StoredBooking]:
    """In order of start and id."""
    await town.fetch(
        "INSERT INTO visitors (location_id, name, phone, created_at) "
        "VALUES ($1, 'Vic Vane', '+15550001111', now()), ($1, 'Val Dale', NULL, now())",
        venues[0].id,
    )
    chance = random.Random(7)
    made = [_booking(number, venues, people, chance) for number in range(150)]
    async with node.database.transaction() as connection:
        await write(
            connection, inserted=made, updated=[], vacated=[], audit=[], diffs={}, answers=[], now=NOON
        )
    return sorted(made, key=lambda booking: (booking.interval.start, uuid.UUID(booking.id)))


async def _listed(node: Node, caller: Principal, condition: BookingFilter, limit: int = 7) -> list[str]:
    """All pages, one after the other."""
    found: list[StoredBooking] = []
    while True:
        last = found[-1] if found else None
        after = (last.interval.start, uuid.UUID(last.id)) if last else None
        page = await node.reading.bookings(caller, condition, after=after, limit=limit)
        found += page
        if len(page) < limit:
            return [booking.id for booking in found]


def _meets(booking: StoredBooking, condition: BookingFilter) -> bool:
    plain: dict[str, Any] = {
        "location_id": booking.location_id,
        "resource_id": booking.resource_id,
        "user_id": booking.user_id,
        "status": booking.status,
        "type": booking.type,
    }
    return (
        all(getattr(condition, name) in (None, value) for name, value in plain.items())
        and (condition.ends_after is None or booking.interval.end > condition.ends_after)
        and (condition.starts_before is None or booking.interval.start < condition.starts_before)
    )


async def test_a_list_holds_all_that_meets_its_conditions_however_long_it_lasts(
    node: Node, bookings: list[StoredBooking], venues: list[Venue], people: list[Principal]
) -> None:
    admin = Principal(user_id=0, role="admin", name="Ada")
    chance = random.Random(8)
    for _ in range(40):
        start = NOON + chance.randrange(-22, 22) * DAY
        condition = BookingFilter(
            location_id=chance.choice((None, venues[0].id, venues[1].id)),
            resource_id=chance.choice((None, None, venues[0].bays[1])),
            user_id=chance.choice((None, None, people[0].user_id)),
            status=chance.choice((None, None, "no_show")),
            type=chance.choice((None, None, "MAINTENANCE")),
            ends_after=chance.choice((None, start)),
            starts_before=chance.choice((None, start + chance.choice((HOUR, 3 * DAY)))),
        )
        expected = [booking.id for booking in bookings if _meets(booking, condition)]
        assert await _listed(node, admin, condition) == expected, condition


FITTING: dict[str, tuple[set[int], set[int], set[int]]] = {
    "able": ({0, 2}, set(), set()),
    "Ann Able": ({0}, set(), set()),
    "BOB.BAKER@": ({1}, set(), set()),
    "vane": (set(), {1}, set()),
    "+1555000": (set(), {1}, set()),
    "al": (set(), {2}, set()),
    "a": ({0, 1, 2}, {1, 2}, {2, 4}),
    "clubs": (set(), set(), {2}),
    "100%": (set(), set(), {3}),
    "r_l": (set(), set(), {3}),
    "k\\s": (set(), set(), {4}),
    "nothing of the kind": (set(), set(), set()),
}
"""Text → places in ``people``, ids of visitors and places in ``NOTES`` that it fits."""


async def test_a_search_finds_parts_of_names_addresses_and_notes(
    node: Node, bookings: list[StoredBooking], people: list[Principal]
) -> None:
    admin = Principal(user_id=0, role="admin", name="Ada")
    for text, (fitting, visitors, notes) in FITTING.items():
        users = {people[place].user_id for place in fitting}
        expected = [
            booking
            for booking in bookings
            if booking.user_id in users
            or (booking.visitor is not None and booking.visitor.id in visitors)
            or booking.note in {NOTES[place] for place in notes}
        ]
        assert await _listed(node, admin, BookingFilter(search=text)) == [each.id for each in expected], text
        late = [each.id for each in expected if each.interval.end > NOON]
        assert await _listed(node, admin, BookingFilter(search=text, ends_after=NOON)) == late, text


async def test_a_search_that_fits_more_people_than_are_looked_up_finds_the_same(
    node: Node, bookings: list[StoredBooking], people: list[Principal], monkeypatch: pytest.MonkeyPatch
) -> None:
    admin = Principal(user_id=0, role="admin", name="Ada")
    few = await _listed(node, admin, BookingFilter(search="able"))
    monkeypatch.setattr("server.storage.booking_lists._MOST_PEOPLE", 1)
    assert await _listed(node, admin, BookingFilter(search="able")) == few != []


async def test_a_search_finds_a_code_whole_and_in_either_case(
    node: Node, bookings: list[StoredBooking]
) -> None:
    admin = Principal(user_id=0, role="admin", name="Ada")
    assert await _listed(node, admin, BookingFilter(search=bookings[3].code.lower())) == [bookings[3].id]


async def test_a4_a_list_holds_ones_own_bookings_and_those_where_one_works(
    node: Node, bookings: list[StoredBooking], venues: list[Venue], people: list[Principal]
) -> None:
    ann = people[0]
    sam = replace(ann, role="staff", location_ids=frozenset({venues[1].id}))
    own = [booking.id for booking in bookings if booking.user_id == ann.user_id]
    assert await _listed(node, ann, BookingFilter()) == own
    seen = [
        booking.id
        for booking in bookings
        if booking.user_id == ann.user_id or booking.location_id == venues[1].id
    ]
    assert await _listed(node, sam, BookingFilter()) == seen
    for venue in venues:
        here = [booking.id for booking in bookings if booking.location_id == venue.id]
        assert await _listed(node, sam, BookingFilter(location_id=venue.id)) == [
            id_ for id_ in here if id_ in seen
        ]
