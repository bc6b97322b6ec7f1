"""The facts of a judgement: a location's configuration and grid, and how a customer stands (R20).

Belongs here: putting together what the rules need. Does not belong here: fetching any of it, or judging.
"""

from collections.abc import Collection, Iterable
from dataclasses import replace

from grid_engine.interval import Instant
from grid_engine.records import Resource
from rules.model import Facts, Moved, Occupied, Standing
from rules.policy import Policy, denied_locations, is_banned, policy_for
from server.storage.customers import Customer
from server.storage.location_state import LocationState
from server.storage.stored_booking import StoredBooking

OFFERED = 0
"""Grace for what is listed or suggested: none (R18)."""
POSTED = 60
"""Grace for what is posted, in seconds: what was offered a moment ago is accepted (R18)."""


def policy_in_force(state: LocationState, customer: Customer | None, now: Instant) -> Policy:
    """The customer's policy at the location; for a visitor the location's own (R20)."""
    if customer is None:
        return state.policy.values
    return policy_for(state.policy, customer.tier, customer.tags, customer.restrictions, now)


def standing_of(customer: Customer | None, now: Instant, without: str | None = None) -> Standing:
    """How the customer stands, the booking ``without`` not counted: it is the one the proposal is about (R11, R17)."""
    if customer is None:
        return Standing()
    counted = [
        booking for booking in customer.bookings if booking.interval.end > now and booking.id != without
    ]
    return Standing(
        user_id=customer.id,
        banned=is_banned(customer.restrictions, now),
        denied_locations=denied_locations(customer.restrictions, now),
        active_bookings=len(counted),
    )


def with_favourites(
    standing: Standing, favourites: Iterable[tuple[int, int]], resources: Collection[Resource]
) -> Standing:
    """The standing with those of the customer's favourites that are resources here (R22)."""
    here = {resource.id for resource in resources}
    return replace(standing, favourites=tuple(each for each in favourites if each[0] in here))


def facts_for(
    state: LocationState,
    grid: Occupied,
    customer: Customer | None,
    now: Instant,
    *,
    without: str | None = None,
    grace: int = POSTED,
) -> Facts:
    """All that a proposal for the customer is judged by."""
    standing = standing_of(customer, now, without)
    if customer is not None and customer.favourites:
        standing = with_favourites(standing, customer.favourites, state.active_resources)
    return Facts(
        now=now,
        location_id=state.id,
        timezone=state.timezone,
        slot_minutes=state.slot_minutes,
        resources=state.active_resources,
        blackouts=state.blackouts,
        policy=policy_in_force(state, customer, now),
        grid=grid,
        standing=standing,
        grace=grace,
    )


def existing_of(booking: StoredBooking) -> Moved:
    """The booking as a proposal to change it sees it."""
    return Moved(
        id=booking.id,
        resource_id=booking.resource_id,
        interval=booking.interval,
        reschedule_count=booking.reschedule_count,
    )


def as_offered(facts: Facts, grid: Occupied) -> Facts:
    """The same facts for an offer made now, on the grid as it stands by now."""
    return replace(facts, grid=grid, grace=OFFERED)
