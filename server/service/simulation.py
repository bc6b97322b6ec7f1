"""Trying a policy on the past before it is put in force (R23).

Everything that a location's customers and visitors asked for within a period is judged twice, as of the instant at which
they did: by the policy in force now, and by it with some of its values changed. What was accepted is known from the audit
(bookings made, moved, passed on and cancelled by somebody's command), what was refused from what is kept of refusals. Whatever
became of it then, it is told if the two policies differ: refused from now on, or newly accepted.

As it was then: the time, what occupied the grid, what the customer had booked and held everywhere, bans, denied locations
and limits, whose booking it was and how often it had been moved, what staff gave as a reason for overriding.

What is only approximated:

- tiers, tags, and the roles of those who asked are as they are by now, as are resources, slots, the time zone and blackouts;
  what an API key asked for is judged as a customer's own;
- each is judged by itself: what would have been refused left no room for others, and what would have been accepted took none;
- a wish that was refused several times on a day is judged as of the last time, and counted as often as it was refused;
- of bookings that were passed on, only the customer who has one by now is known to have had it;
- refusals are kept for a year, and those of a process that was killed may be missing.

Belongs here: gathering the facts. Does not belong here: judging (``rules.simulate``), or the queries.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from grid_engine.interval import DAY, Instant, Interval
from rules.model import Action, Facts, Moved, Proposal, Role, Standing
from rules.policy import LocationPolicy, Policy, denied_locations, is_banned, policy_for
from rules.simulate import Moment, Past, Tally, active_at, simulate
from server.errors import Fault, Malformed, NotFound
from server.principal import Mode, Principal
from server.service.access import Action as Access
from server.service.access import require
from server.service.administration.locations import policy_of
from server.service.changes import is_commanded
from server.service.circumstances import existing_of
from server.storage.database import Connection, Database
from server.storage.location_past import (
    PastCustomer,
    PastEvent,
    read_events,
    read_past_customers,
    read_records_at,
)
from server.storage.location_state import LocationState
from server.storage.locations import read_state
from server.storage.refusals import Refusals, list_refusals

LONGEST_DAYS = 366
MOST_JUDGED = 20_000
"""No more is judged for one answer."""
MOST_TOLD = 500
"""No more of either kind is told one by one."""
EVENTS_AT_ONCE = 100
"""Read in one go, and judged without letting the node do anything else: some 10 ms."""
CUSTOMERS_AT_ONCE = 20

_ASKED_BY = {
    "created": Action.CREATE,
    "rescheduled": Action.MOVE,
    "updated": Action.MOVE,
    "cancelled": Action.CANCEL,
}
"""Events that follow from something that rules judged, and the action it was."""
_ACTIONS = frozenset({Action.CREATE, Action.MOVE, Action.CANCEL})


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Something that was asked for: when, by and for whom, and what became of it then.

    ``booking_id`` is that of the booking it made or was about; ``times`` how often it was refused that day.
    """

    was_accepted: bool
    at: Instant
    user_id: int | None
    booking_id: str | None
    proposal: Proposal
    times: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulated:
    """What a changed policy would have done; ``until`` is how far the period was gone through."""

    policy: LocationPolicy
    tally: Tally[Asked]
    until: Instant


@dataclass(slots=True, kw_only=True)
class _Course:
    """A simulation on its way through the past."""

    state: LocationState
    changed: LocationPolicy
    period: Interval
    past: Past
    customers: dict[int, PastCustomer]
    tally: Tally[Asked]


class Simulation:
    """The use case; one at a time on each node, as each holds a connection for its whole way."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._turn = asyncio.Lock()

    async def simulate(
        self,
        principal: Principal,
        location_id: int,
        changes: Mapping[str, Any],
        *,
        starts: Instant,
        ends: Instant,
    ) -> Simulated:
        """What the location's policy with ``changes`` (keys of a policy, replaced whole) would have done from ``starts`` to
        ``ends``. Some 5,000 bookings a second; the node goes on serving meanwhile.

        Raises:
            Forbidden: to all but admins.
            NotFound: if there is no such location.
            Malformed: if the policy would be none, or the period is none or longer than a year.
        """
        require(principal, Access.ADMINISTER)
        if ends <= starts:
            raise Malformed(faults=[Fault("/to", "must be after from")])
        if ends - starts > LONGEST_DAYS * DAY:
            raise Malformed(faults=[Fault("/to", f"must be within {LONGEST_DAYS} days of from")])
        period = Interval(starts, ends)
        async with self._turn, self._database.snapshot() as connection:
            state = await read_state(connection, location_id)
            if state is None:
                raise NotFound("There is no such location")
            course = _Course(
                state=state,
                changed=policy_of(state.policy.to_json() | dict(changes)),
                period=period,
                past=Past(location_id, await read_records_at(connection, location_id, starts)),
                customers={},
                tally=Tally(MOST_TOLD),
            )
            until = await _run(connection, course)
        return Simulated(policy=course.changed, tally=course.tally, until=until)


async def _run(connection: Connection, course: _Course) -> Instant:
    """Goes through the period, and tells how far it got."""
    async for happened in _happenings(connection, course):
        if course.tally.judged >= MOST_JUDGED:
            return _moment_of(happened[0])[0]
        concerned = sorted({id_ for each in happened for id_ in _concerned(each)} - set(course.customers))
        for first in range(0, len(concerned), CUSTOMERS_AT_ONCE):
            some = concerned[first : first + CUSTOMERS_AT_ONCE]
            course.customers |= await read_past_customers(connection, some, course.period)
        for each in happened:
            if isinstance(each, PastEvent):
                _relive(each, course)
            else:
                _judge_refusal(each, course)
        await asyncio.sleep(0)  # others have their turn
    return course.period.end


async def _happenings(
    connection: Connection, course: _Course
) -> AsyncIterator[Sequence[PastEvent | Refusals]]:
    """What was done and what was refused, in the order of time, some at once."""
    location_id, period = course.state.id, course.period
    refusals = await list_refusals(
        connection, location_id, period, actions=[each.value for each in _ACTIONS], limit=MOST_JUDGED
    )
    told, after = 0, None
    while True:
        events = await read_events(connection, location_id, period, after=after, limit=EVENTS_AT_ONCE)
        last = len(events) < EVENTS_AT_ONCE
        due: list[PastEvent | Refusals] = [*events]
        while told < len(refusals) and (last or refusals[told].last_at < events[-1].at):
            due.append(refusals[told])
            told += 1
        if due:
            yield sorted(due, key=_moment_of)
        if last:
            return
        after = events[-1].key


def _moment_of(happened: PastEvent | Refusals) -> Moment:
    """A refusal comes after what happened in the same second: it may be the reason."""
    return happened.moment if isinstance(happened, PastEvent) else (happened.last_at, 2**63)


def _concerned(happened: PastEvent | Refusals) -> set[int]:
    if isinstance(happened, PastEvent):
        ids = {happened.actor_id, happened.after.user_id}
    else:
        ids = {happened.wish.user_id}
    return {id_ for id_ in ids if id_ is not None}


def _relive(event: PastEvent, course: _Course) -> None:
    """Judges what the event followed from, if rules judged it, and lets it happen."""
    before, after = event.before, event.after
    passed_on = before is not None and before.user_id != after.user_id
    action = _ASKED_BY.get(event.event_type)
    judged = is_commanded(event.cause) and not after.is_block and action is not None
    if action is not None and judged and (event.event_type != "updated" or passed_on):
        proposal = Proposal(
            action=action,
            role=_role_of(event.actor_id, course),
            resource_id=after.resource_id,
            interval=after.interval,
            existing=existing_of(before) if before else None,
            override_reason=event.override_reason,
            new_customer=passed_on and action is Action.MOVE,
        )
        asked = Asked(
            was_accepted=True, at=event.at, user_id=after.user_id, booking_id=after.id, proposal=proposal
        )
        customer = course.customers.get(after.user_id) if after.user_id is not None else None
        active = active_at(customer.engagements, event.moment, after.id) if customer else 0
        _judge(asked, customer, active, course)
    course.past.become(after.id, after.record())


def _judge_refusal(refusals: Refusals, course: _Course) -> None:
    wish, existing = refusals.wish, refusals.context["existing"]
    proposal = Proposal(
        action=Action(wish.action),
        role=Role(wish.role),
        resource_id=wish.resource_id,
        interval=wish.interval,
        existing=None
        if existing is None
        else Moved(
            id=existing["id"],
            resource_id=existing["resource_id"],
            interval=Interval(existing["start_time"], existing["end_time"]),
            reschedule_count=existing["reschedule_count"],
        ),
        new_customer=refusals.context["new_customer"],
    )
    asked = Asked(
        was_accepted=False,
        at=refusals.last_at,
        user_id=wish.user_id,
        booking_id=existing["id"] if existing else None,
        proposal=proposal,
        times=refusals.times,
    )
    customer = course.customers.get(wish.user_id) if wish.user_id is not None else None
    _judge(asked, customer, refusals.context["active_bookings"], course)


def _judge(asked: Asked, customer: PastCustomer | None, active: int, course: _Course) -> None:
    state, now = course.state, asked.at
    restrictions = (
        [each.restriction for each in customer.restrictions if each.was_there(now)] if customer else []
    )

    def in_force(policy: LocationPolicy) -> Policy:
        if customer is None:
            return policy.values
        return policy_for(policy, customer.tier, customer.tags, restrictions, now)

    facts = Facts(
        now=now,
        location_id=state.id,
        timezone=state.timezone,
        slot_minutes=state.slot_minutes,
        resources=state.active_resources,
        blackouts=state.blackouts,
        policy=in_force(state.policy),
        grid=course.past.grid,
        standing=Standing(
            user_id=customer.id if customer else None,
            banned=is_banned(restrictions, now),
            denied_locations=denied_locations(restrictions, now),
            active_bookings=active,
        ),
    )
    course.tally.count(asked, simulate(asked.proposal, facts, in_force(course.changed)), asked.times)


def _role_of(actor_id: int | None, course: _Course) -> Role:
    actor = course.customers.get(actor_id) if actor_id is not None else None
    if actor is None:
        return Role.CUSTOMER
    principal = Principal(user_id=actor.id, role=actor.role, location_ids=actor.location_ids, mode=Mode.FULL)
    return principal.role_at(course.state.id)
