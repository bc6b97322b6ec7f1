"""Laying out a venue's days: who books which bay when, and what became of it.

What is laid out is judged by the rules that judge everybody, at the time at which it is said to have been booked, so the
grid holds nothing that would have been refused. Belongs here: one venue's plan. Does not belong here: how busy it gets
(``demand``), and the database.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from random import Random
from typing import Any

from grid_engine.calendar_day import CalendarDay, calendar_day, day_of, local_time
from grid_engine.diff import Diff, Put
from grid_engine.grid import Grid
from grid_engine.interval import DAY, HOUR, MINUTE, Instant, Interval
from rules.evaluate import is_allowed
from rules.model import Action, Proposal, Role
from rules.opening_hours import is_open
from rules.policy import Policy, write_values
from server.demo import demand
from server.demo.afterwards import afterwards, completed
from server.demo.blueprint import Venue
from server.demo.closures import Closure, closures
from server.demo.identities import booking_id, code, grid_id
from server.demo.life import Life, Step
from server.demo.people import passer_by, phone_of_passer_by
from server.service.circumstances import OFFERED, facts_for, policy_in_force
from server.storage.customers import ActiveBooking, Customer
from server.storage.location_state import LocationState
from server.storage.stored_booking import StoredBooking, StoredVisitor

EARLIEST_BOOKED = 13 * DAY
"""Nothing was booked longer before its start than this: within every policy's window (R8)."""
TRIES = 5
"""So many customers are asked before somebody without an account comes."""
KEPT_FREE_FOR_KNOWN = 1
"""Whoever signs in as one of the customers that are printed has not more bookings than this ahead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowd:
    """Who may book, and who works there; ids of accounts. ``customers`` is brought up to date as they book."""

    customers: dict[int, Customer]
    regulars: Sequence[tuple[int, float]]
    known: frozenset[int]
    staff: Sequence[int]
    admin: int


class Plan:
    """A venue's days, laid out one after the other.

    ``grid`` holds what is there already and takes what is planned; nothing is said to have happened before ``since``.
    Visitors get ids counting down from -1, to be replaced by those of the database.
    """

    def __init__(
        self,
        venue: Venue,
        state: LocationState,
        grid: Grid,
        crowd: Crowd,
        *,
        since: Instant,
        now: Instant,
        codes: set[str],
    ) -> None:
        self.lives: list[Life] = []
        self._venue = venue
        self._state = state
        self._grid = grid
        self._crowd = crowd
        self._since = since
        self._now = now
        self._codes = codes
        self._values: dict[Policy, dict[str, Any]] = {}
        self._today = day_of(now, state.timezone)
        self._policy = state.policy.values
        self._bays = [resource.id for resource in state.active_resources]
        self._regulars = [user_id for user_id, _ in crowd.regulars]
        self._weights = list(accumulate(weight for _, weight in crowd.regulars))

    def fill(self, date: dt.date) -> None:
        """Blocks, then bookings of a local day; the same every time, but for what the present day makes of it."""
        random = Random(f"baygrid demo {self._venue.key} {date}")  # noqa: S311  # the same days every time
        day = calendar_day(date, self._state.timezone, self._state.slot_minutes)
        if not day.rows or not self._bays:
            return
        for closure in closures(random, self._venue, day, is_today=date == self._today):
            self._block(random, closure)
        if date == self._today + dt.timedelta(days=1):
            self._book_known(random, day)
        chances = self._chances(day)
        for bay in self._bays:
            self._fill_bay(random, bay, day, chances)

    def _chances(self, day: CalendarDay) -> list[float]:
        """How likely a booking begins with each row, if that is free."""
        booked = demand.booked_ahead((day.date - self._today).days) * self._venue.busyness
        weekday, timezone, hours = day.date.weekday(), day.timezone, self._policy.opening_hours
        chances = []
        for row in day.rows:
            share = min(demand.in_use(local_time(row, timezone).hour, weekday) * booked, 0.95)
            is_closed = hours is not None and not is_open(Interval(row, row + 1), hours, timezone)
            chances.append(
                0.0
                if is_closed
                else demand.likelihood_of_start(share, day.slot_minutes, self._policy.buffer_minutes)
            )
        return chances

    def _fill_bay(self, random: Random, bay: int, day: CalendarDay, chances: Sequence[float]) -> None:
        favoured = random.uniform(0.75, 1.2)
        free_from = day.start
        for row, chance in zip(day.rows, chances, strict=True):
            if row < free_from or random.random() >= chance * favoured:
                continue
            interval = Interval(row, row + demand.duration(random))
            if self._book(random, bay, interval):
                free_from = interval.end

    def _book_known(self, random: Random, day: CalendarDay) -> None:
        """An evening booking for each customer whose sign-in is printed, so that they find one."""
        evening = [row for row in day.rows if 17 <= local_time(row, day.timezone).hour < 21]
        for user_id in sorted(self._crowd.known & set(self._regulars)):
            for row in random.sample(evening, len(evening)):
                bay = random.choice(self._bays)
                if self._book(random, bay, Interval(row, row + HOUR), only=user_id):
                    break

    def _book(self, random: Random, bay: int, interval: Interval, *, only: int | None = None) -> bool:
        """Whether it could be booked at some time before, by somebody, and was."""
        buffer = self._policy.buffer_minutes * MINUTE
        if self._grid.conflicts(bay, interval, buffer=buffer):
            return False
        walks_in = only is None and random.random() < demand.WALK_IN
        lead = (
            random.randrange(5 * MINUTE) if walks_in and interval.start <= self._now else demand.lead(random)
        )
        booked_at = self._booked_at(random, interval.start, lead)
        if booked_at is None:
            return False
        customer = self._crowd.customers[only] if only is not None else None
        if only is None and not walks_in:
            customer = self._somebody(random, bay, interval, booked_at)
        if (customer is None or only is not None) and not self._allowed(bay, interval, customer, booked_at):
            return False

        by_staff = customer is None or (only is None and random.random() < demand.BOOKED_BY_STAFF)
        actor = random.choice(self._crowd.staff) if by_staff or customer is None else customer.id
        made = self._made(
            random,
            bay,
            interval,
            booked_at,
            actor,
            user_id=customer.id if customer else None,
            customer_name=customer.name if customer else "",
            visitor=None if customer else self._visitor(random),
            note=random.choice(demand.NOTES) if random.random() < demand.NOTED else None,
            judged_by=self._written(policy_in_force(self._state, customer, booked_at)),
        )
        steps = [Step(at=booked_at, event_type="created", changes={}, actor_id=actor)]
        steps += afterwards(random, made, self._crowd.staff, self._now, certain=only is not None)
        self._keep(Life(made=made, steps=tuple(steps)))
        return True

    def _booked_at(self, random: Random, start: Instant, lead: int) -> Instant | None:
        earliest = max(self._since + 1, start - EARLIEST_BOOKED)
        latest = min(start, self._now)
        if earliest > latest:
            return None
        if start - lead <= latest:
            return max(start - lead, earliest)
        return random.randint(earliest, latest)

    def _somebody(self, random: Random, bay: int, interval: Interval, booked_at: Instant) -> Customer | None:
        """A customer who may book that, or None after a few tries."""
        for user_id in random.choices(self._regulars, cum_weights=self._weights, k=TRIES):
            customer = self._crowd.customers[user_id]
            if user_id in self._crowd.known and len(_ahead(customer, booked_at)) >= KEPT_FREE_FOR_KNOWN:
                continue
            if any(booking.interval.overlaps(interval) for booking in customer.bookings):
                continue
            if self._allowed(bay, interval, customer, booked_at):
                return customer
        return None

    def _allowed(self, bay: int, interval: Interval, customer: Customer | None, booked_at: Instant) -> bool:
        proposal = Proposal(
            action=Action.CREATE,
            role=Role.CUSTOMER,
            resource_id=bay,
            interval=interval,
        )
        facts = facts_for(self._state, self._grid, customer, booked_at, grace=OFFERED)
        return is_allowed(proposal, facts)

    def _visitor(self, random: Random) -> StoredVisitor:
        name = passer_by(random)
        known = random.random() < 0.6
        phone = phone_of_passer_by(random, random.choice(self._venue.area_codes)) if known else None
        return StoredVisitor(id=-1 - len(self.lives), name=name, phone=phone)

    def _block(self, random: Random, closure: Closure) -> None:
        """A block, unless something is in its way; those of one venue, time and reason were made together."""
        interval, place = closure.interval, closure.place
        blocked_at = min(self._since + closure.after, self._now)
        if place >= len(self._bays) or blocked_at > interval.start:
            return
        bay = self._bays[place]
        proposal = Proposal(action=Action.BLOCK, role=Role.ADMIN, resource_id=bay, interval=interval)
        if not is_allowed(proposal, facts_for(self._state, self._grid, None, self._now)):
            return
        admin = self._crowd.admin
        made = self._made(
            random,
            bay,
            interval,
            blocked_at,
            admin,
            type=closure.type,
            reason=closure.reason,
            series_id=closure.series_id,
            occurrence=closure.occurrence,
            judged_by=self._written(self._policy),
        )
        created = Step(
            at=blocked_at, event_type="created", changes={}, actor_id=admin, together=closure.reason
        )
        self._keep(Life(made=made, steps=(created, *completed(interval, self._now))))

    def _made(
        self, random: Random, bay: int, interval: Interval, made_at: Instant, actor: int, **more: Any
    ) -> StoredBooking:
        """A booking as it was made, with ids of its own."""
        return StoredBooking(
            id=booking_id(random, made_at),
            grid_id=grid_id(random),
            code=code(random, self._codes),
            location_id=self._state.id,
            resource_id=bay,
            interval=interval,
            status="confirmed",
            created_by=actor,
            created_at=made_at,
            updated_at=made_at,
            version=0,
            **more,
        )

    def _written(self, policy: Policy) -> dict[str, Any]:
        """The values that a booking keeps of its policy (R20), one object for all that were judged alike."""
        if policy not in self._values:
            self._values[policy] = write_values(policy)
        return self._values[policy]

    def _keep(self, life: Life) -> None:
        self.lives.append(life)
        booking = life.now
        record = booking.record()
        if record is None:
            return
        version = self._grid.version + 1
        self._grid.apply(Diff(version - 1, version, (Put(version, record),)))
        if booking.user_id is not None:
            customers = self._crowd.customers
            customer = customers[booking.user_id]
            counted = ActiveBooking(
                id=booking.id, location_id=booking.location_id, interval=booking.interval, held=False
            )
            customers[customer.id] = replace(customer, bookings=(*customer.bookings, counted))


def _ahead(customer: Customer, instant: Instant) -> list[ActiveBooking]:
    return [booking for booking in customer.bookings if booking.interval.end > instant]
