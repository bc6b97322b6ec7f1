"""From rows to analyses: what is read for each, and what of it is given away.

Belongs here: reading, in the caller's snapshot. Does not belong here: the figures themselves, or asking anybody about them.
"""

import asyncio
import datetime as dt
import uuid
from collections.abc import Collection, Sequence

from grid_engine.calendar_day import day_of, days_after, window_of
from grid_engine.interval import DAY, HOUR, Instant
from server.commands import format_instant
from server.errors import Fault, Malformed, NotFound
from server.service.analytics.reports import read_report
from server.service.insights.cancellations import cancellation_figures, named_bookings
from server.service.insights.conflicts import Claimant, conflict_figures, contested
from server.service.insights.figures import Analysis, Figures, policy_figures, refusal_figures
from server.service.insights.schedules import MOST_BUSY, MOST_NAMED, lost_bookings, schedule_figures
from server.service.insights.tokens import Tokens
from server.storage.accounts import Account
from server.storage.administration import read_account
from server.storage.configuration_history import read_configured
from server.storage.database import Connection
from server.storage.histories import (
    PastBooking,
    read_busiest,
    read_contested,
    read_customer_history,
    read_lost,
)
from server.storage.location_state import LocationState
from server.storage.locations import read_state
from server.storage.refusals import PatternFilter, list_patterns

HISTORY_DAYS = 365
SCHEDULE_DAYS = 28
MOST_PATTERNS = 20


def a_year_before(now: Instant) -> Instant:
    """A year ago, to the hour: the same question within the hour is the same question."""
    return now - now % HOUR - HISTORY_DAYS * DAY


async def gather_cancellations(
    connection: Connection,
    *,
    user_id: int,
    location_id: int | None,
    since: Instant,
    until: Instant | None,
    now: Instant,
) -> Analysis:
    """A customer's bookings, and the policy of the place that they are at."""
    await _account(connection, user_id)
    if location_id is not None:
        await _location(connection, location_id)
    history = await read_customer_history(
        connection, user_id, location_id=location_id, since=since, until=until
    )
    place = location_id or (history[-1].location_id if history else None)
    policy = {} if place is None else {"policy": policy_figures((await _location(connection, place)).policy)}
    tokens = Tokens()
    return Analysis(
        kind="cancellation_pattern",
        subject={
            "user_id": user_id,
            "location_id": location_id,
            "from": format_instant(since),
            "to": None if until is None else format_instant(until),
        },
        figures={
            **await asyncio.to_thread(cancellation_figures, history, now=now),
            "refused_in_30_days": await _refused(connection, now, user_id=user_id, location_id=location_id),
            **policy,
        },
        bookings=named_bookings(history, tokens),
        tokens=tokens,
        location_id=location_id,
        user_id=user_id,
    )


async def gather_schedule(
    connection: Connection, *, location_id: int, days: tuple[dt.date, dt.date] | None, now: Instant
) -> Analysis:
    """A location's time, and what was lost of it."""
    state = await _location(connection, location_id)
    if days is None:
        today = day_of(now, state.timezone)
        days = days_after(today, -SCHEDULE_DAYS), days_after(today, -1)
    first, end = days[0], days_after(days[1], 1)
    period = window_of(first, (days[1] - first).days + 1, state.timezone)
    lost = await read_lost(connection, location_id, period, limit=MOST_NAMED)
    places = await read_configured(connection, [location_id])
    figures = schedule_figures(
        by_weekday=await read_report(connection, places, first, end, "weekday"),
        by_hour=await read_report(connection, places, first, end, "hour"),
        by_resource=await read_report(connection, places, first, end, "resource"),
        busiest=await read_busiest(connection, location_id, period, state.timezone, limit=MOST_BUSY),
    )
    tokens = Tokens()
    return Analysis(
        kind="schedule_optimisation",
        subject={"location_id": location_id, "from": days[0].isoformat(), "to": days[1].isoformat()},
        figures={
            **figures,
            "refused_in_30_days": await _refused(connection, now, user_id=None, location_id=location_id),
            "policy": policy_figures(state.policy),
        },
        bookings=lost_bookings(lost, tokens),
        tokens=tokens,
        location_id=location_id,
    )


async def gather_conflict(
    connection: Connection, *, booking_ids: Collection[uuid.UUID], user_ids: Collection[int], now: Instant
) -> Analysis:
    """Those who claim a time, in the order in which they booked it, and then those of whom somebody says that they did."""
    bookings = await read_contested(connection, booking_ids)
    if len(bookings) != len(set(booking_ids)):
        raise NotFound("There is no such booking of a customer")
    _check_contested(bookings, user_ids)
    state = await _location(connection, bookings[0].location_id)
    since = a_year_before(now)
    claimants = [
        *[await _by_booking(connection, booking, since) for booking in bookings],
        *[await _by_word(connection, user_id, since) for user_id in sorted(set(user_ids))],
    ]
    tokens = Tokens()
    return Analysis(
        kind="conflict_resolution",
        subject={
            "booking_ids": sorted(str(each) for each in set(booking_ids)),
            "user_ids": sorted(set(user_ids)),
        },
        figures=conflict_figures(claimants, policy_figures(state.policy), tokens, now=now),
        bookings=contested(claimants),
        tokens=tokens,
        location_id=state.id,
        claims=[f"claim_{number}" for number in range(1, len(claimants) + 1)],
    )


def _check_contested(bookings: Sequence[PastBooking], user_ids: Collection[int]) -> None:
    if not bookings:
        raise Malformed(faults=[Fault("/booking_ids", "must name a booking at least")])
    if len(bookings) + len(set(user_ids)) < 2:
        raise Malformed(faults=[Fault("/booking_ids", "a conflict has two sides at least")])
    first = bookings[0]
    for booking in bookings[1:]:
        if booking.location_id != first.location_id or not booking.interval.overlaps(first.interval):
            raise Malformed(
                faults=[
                    Fault("/booking_ids", "must be of one location, and overlap the earliest made of them")
                ]
            )


async def _by_booking(connection: Connection, booking: PastBooking, since: Instant) -> Claimant:
    history: Sequence[PastBooking] = ()
    if booking.user_id is not None:
        history = await _history(connection, booking.user_id, since, but=booking.id)
    return Claimant(
        who=("user", booking.user_id) if booking.user_id is not None else ("visitor", booking.id),
        name=booking.name,
        user_id=booking.user_id,
        tier=booking.tier,
        member_since=booking.member_since,
        booking=booking,
        history=history,
    )


async def _by_word(connection: Connection, user_id: int, since: Instant) -> Claimant:
    account = await _account(connection, user_id)
    return Claimant(
        who=("user", user_id),
        name=account.name,
        user_id=user_id,
        tier=account.membership_tier,
        member_since=int(account.created_at.timestamp()),
        booking=None,
        history=await _history(connection, user_id, since, but=None),
    )


async def _history(
    connection: Connection, user_id: int, since: Instant, *, but: str | None
) -> Sequence[PastBooking]:
    history = await read_customer_history(connection, user_id, location_id=None, since=since, until=None)
    return [booking for booking in history if booking.id != but]


async def _refused(
    connection: Connection, now: Instant, *, user_id: int | None, location_id: int | None
) -> Sequence[Figures]:
    places = None if location_id is None else [location_id]
    patterns = await list_patterns(
        connection,
        PatternFilter(user_id=user_id, location_ids=places),
        now,
        after=None,
        limit=MOST_PATTERNS,
    )
    return refusal_figures(patterns)


async def _account(connection: Connection, user_id: int) -> Account:
    account = await read_account(connection, user_id)
    if account is None:
        raise NotFound("There is no such account")
    return account


async def _location(connection: Connection, location_id: int) -> LocationState:
    state = await read_state(connection, location_id)
    if state is None:
        raise NotFound("There is no such location")
    return state
