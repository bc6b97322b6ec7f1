"""What a change of configuration would break of what is booked ahead, told before it is done (G6).

Belongs here: comparing how the rules judge what is booked, as things are and as they would be. Does not belong here: the
change itself, or asking whether it is meant all the same (``insist_on`` says what must be insisted on).
"""

import asyncio
from collections.abc import Iterator, Sequence

from grid_engine.calendar_day import local_time
from grid_engine.grid import Grid
from grid_engine.interval import Instant
from rules.evaluate import violations_of
from rules.model import Action, Facts, Proposal, Role
from rules.policy import LocationPolicy
from rules.rule import Scope
from server.errors import Broken, InUse
from server.service.administration.configuration import Change
from server.storage.configuration import BookedAhead, StoredLocation, booked_ahead

MOST_COMPARED = 10_000
"""So many of the next bookings are looked at; that there are more is told."""

INACTIVE, WALL_TIME = "inactive", "wall_time"
"""It would stand where nothing can be booked any more; the clock on the wall would show another time for it."""
_RULES = ("off_grid", "closed")
"""The rules that judge where the grid's lines and the opening hours are: what a new configuration can break."""
_WORDS = {
    "off_grid": "off the grid",
    "closed": "outside the opening hours",
    WALL_TIME: "shown at another time of day",
    INACTIVE: "where nothing can be booked",
}


async def insist_on_location(change: Change, after: StoredLocation) -> None:
    """Asks before a location's own fields change.

    Another time zone or slot is asked about whenever anything lies ahead, since all of it was chosen on the present grid;
    new opening hours and closing the location where they would break something.

    Raises:
        InUse: with what would be broken; the change is to be made only if that is insisted on.
    """
    before = change.location
    regridded = (after.timezone, after.slot_minutes) != (before.timezone, before.slot_minutes)
    if not regridded and after.policy == before.policy and (after.active or not before.active):
        return
    ahead = await booked_ahead(change.connection, before.id, change.now, limit=MOST_COMPARED + 1)
    # In a thread: thousands of bookings take longer than others should wait for.
    broken = await asyncio.to_thread(_broken, ahead[:MOST_COMPARED], before, after, change.now)
    if ahead and (broken or regridded or len(ahead) > MOST_COMPARED):
        raise _in_use(ahead, broken)


async def insist_on_closing(change: Change, resource_id: int) -> None:
    """Asks before a resource is closed; raises as ``insist_on_location`` if anybody has booked it."""
    ahead = [
        each
        for each in await booked_ahead(
            change.connection,
            change.location.id,
            change.now,
            limit=MOST_COMPARED + 1,
            resource_id=resource_id,
        )
        if not each.is_block
    ]
    if ahead:
        raise _in_use(ahead, [_as_broken(each, [INACTIVE]) for each in ahead])


def _broken(
    ahead: Sequence[BookedAhead], before: StoredLocation, after: StoredLocation, now: Instant
) -> list[Broken]:
    facts = _facts(before, now), _facts(after, now)
    closing = before.active and not after.active
    found = []
    for booked in ahead:
        as_it_is, as_it_would_be = (set(_refusals(booked, each)) for each in facts)
        codes = [code for code in _RULES if code in as_it_would_be - as_it_is]
        start = booked.interval.start
        if local_time(start, before.timezone) != local_time(start, after.timezone):
            codes.append(WALL_TIME)
        if closing and not booked.is_block:
            codes.append(INACTIVE)
        if codes:
            found.append(_as_broken(booked, codes))
    return found


def _refusals(booked: BookedAhead, facts: Facts) -> Iterator[str]:
    """What the rules of time would say if it were to be booked as it is."""
    proposal = Proposal(
        action=Action.BLOCK if booked.is_block else Action.CREATE,
        role=Role.CUSTOMER,
        resource_id=booked.resource_id,
        interval=booked.interval,
    )
    return (violation.code for violation in violations_of(proposal, facts, Scope.TIME))


def _facts(location: StoredLocation, now: Instant) -> Facts:
    return Facts(
        now=now,
        location_id=location.id,
        timezone=location.timezone,
        slot_minutes=location.slot_minutes,
        resources=(),
        blackouts=(),
        policy=LocationPolicy.from_json(location.policy).values,
        grid=Grid(location.id, "", 0),
    )


def _as_broken(booked: BookedAhead, codes: Sequence[str]) -> Broken:
    return Broken(
        booking_id=booked.id, resource_id=booked.resource_id, interval=booked.interval, codes=tuple(codes)
    )


def _in_use(ahead: Sequence[BookedAhead], broken: Sequence[Broken]) -> InUse:
    count = len(ahead)
    lie = "1 booking lies" if count == 1 else f"{count} bookings lie"
    if count > MOST_COMPARED:
        lie = f"More than {MOST_COMPARED} bookings lie"
    counts = {code: sum(code in each.codes for each in broken) for code in _WORDS}
    told = [f"{number} would be {_WORDS[code]}" for code, number in counts.items() if number]
    return InUse(
        f"{lie} ahead: {', '.join(told) or 'none would be off the grid'}. Say confirm: true to change it all the same",
        broken=broken,
        ahead=count,
    )
