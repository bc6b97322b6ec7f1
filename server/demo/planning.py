"""Laying out a venue's days: who books which bay when, and what became of it.

What is laid out is judged by the rules that judge everybody, at the time at which it is said to have been booked, so the
grid holds nothing that would have been refused. Belongs here: one venue's plan. Does not belong here: how busy it gets
(``demand``), and the database.
"""

import base64
import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from random import Random

from grid_engine.calendar_day import CalendarDay, calendar_day, day_of, local_time, next_existing
from grid_engine.diff import Diff, Put
from grid_engine.grid import Grid
from grid_engine.interval import DAY, HOUR, MINUTE, Instant, Interval
from rules.evaluate import is_allowed
from rules.model import Action, Proposal, Role
from rules.policy import write_values
from server.demo import demand
from server.demo.blueprint import Series, Venue
from server.demo.life import Life, Step
from server.demo.people import passer_by, phone_of_passer_by
from server.service.circumstances import OFFERED, facts_for, policy_in_force
from server.service.identifiers import CODE_ALPHABET, CODE_LENGTH, GRID_ID_BYTES
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
        self._block_series(random, self._venue.series, day)
        self._block_event(random, day)
        self._block_repair(random, day)
        if date == self._today + dt.timedelta(days=1):
            self._book_known(random, day)
        chances = self._chances(day)
        for bay in self._bays:
            self._fill_bay(random, bay, day, chances)

    # Bookings

    def _chances(self, day: CalendarDay) -> list[float]:
        """How likely a booking begins with each row, if that is free."""
        booked = demand.booked_ahead((day.date - self._today).days) * self._venue.busyness
        shares = [
            min(demand.in_use(local_time(row, day.timezone).hour, day.date.weekday()) * booked, 0.95)
            for row in day.rows
        ]
        turnover = self._policy.buffer_minutes
        return [demand.likelihood_of_start(share, day.slot_minutes, turnover) for share in shares]

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
        user_id = only
        if only is None and not walks_in:
            user_id = self._somebody(random, bay, interval, booked_at)
        customer = self._crowd.customers[user_id] if user_id is not None else None
        if not self._allowed(bay, interval, customer, booked_at):
            return False

        by_staff = customer is None or (only is None and random.random() < demand.BOOKED_BY_STAFF)
        actor = random.choice(self._crowd.staff) if by_staff or customer is None else customer.id
        made = replace(
            self._blank(random, bay, interval, booked_at, actor),
            user_id=user_id,
            customer_name=customer.name if customer else "",
            visitor=None if customer else self._visitor(random),
            note=random.choice(demand.NOTES) if random.random() < 0.12 else None,
            judged_by=write_values(policy_in_force(self._state, customer, booked_at)),
        )
        steps = [Step(at=booked_at, event_type="created", changes={}, actor_id=actor)]
        steps += self._afterwards(random, made, certain=only is not None)
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

    def _somebody(self, random: Random, bay: int, interval: Interval, booked_at: Instant) -> int | None:
        """A customer who may book that, or None after a few tries."""
        for user_id in random.choices(self._regulars, cum_weights=self._weights, k=TRIES):
            customer = self._crowd.customers[user_id]
            if user_id in self._crowd.known and len(_ahead(customer, booked_at)) >= KEPT_FREE_FOR_KNOWN:
                continue
            if any(booking.interval.overlaps(interval) for booking in customer.bookings):
                continue
            if self._allowed(bay, interval, customer, booked_at):
                return user_id
        return None

    def _allowed(self, bay: int, interval: Interval, customer: Customer | None, booked_at: Instant) -> bool:
        proposal = Proposal(
            action=Action.CREATE,
            role=Role.CUSTOMER,
            resource_id=bay,
            interval=interval,
            by_owner=customer is not None,
        )
        facts = facts_for(self._state, self._grid, customer, booked_at, grace=OFFERED)
        return is_allowed(proposal, facts)

    def _visitor(self, random: Random) -> StoredVisitor:
        name = passer_by(random)
        known = random.random() < 0.6
        phone = phone_of_passer_by(random, random.choice(self._venue.area_codes)) if known else None
        return StoredVisitor(id=-1 - len(self.lives), name=name, phone=phone)

    def _afterwards(self, random: Random, made: StoredBooking, *, certain: bool) -> list[Step]:
        """What happened to a booking until now."""
        start, end = made.interval.start, made.interval.end
        desk = random.choice(self._crowd.staff)
        steps = []
        if random.random() < demand.WRITTEN_ON and made.created_at + HOUR < min(start, self._now):
            written = Step(
                at=made.created_at + random.randrange(MINUTE, HOUR),
                event_type="updated",
                changes={"internal_note": random.choice(demand.INTERNAL_NOTES)},
                actor_id=desk,
            )
            steps.append(written)
        cancel_by = min(start - (made.judged_by["cutoff_minutes"] + 30) * MINUTE, self._now)
        if random.random() < demand.CANCELLED and made.created_at + 2 * HOUR < cancel_by and not certain:
            cancelled = Step(
                at=random.randint(made.created_at + 2 * HOUR, cancel_by),
                event_type="cancelled",
                changes={"status": "cancelled", "cancel_reason": random.choice(demand.CANCEL_REASONS)},
                actor_id=made.user_id or desk,
            )
            return [*steps, cancelled]
        if random.random() < demand.NO_SHOW:
            missed_at = start + random.randrange(15 * MINUTE, 30 * MINUTE)
            if end <= self._now:
                missed = {"status": "no_show"}
                steps.append(Step(at=missed_at, event_type="no_show", changes=missed, actor_id=desk))
                return steps
        if random.random() >= demand.NOT_CHECKED_IN:
            came_at = max(start + random.randrange(-12 * MINUTE, 8 * MINUTE), made.created_at + MINUTE)
            if came_at <= self._now:
                came = {"attended_at": came_at}
                actor = made.user_id if made.user_id and random.random() < 0.5 else desk
                steps.append(Step(at=came_at, event_type="attended", changes=came, actor_id=actor))
        return [*steps, *self._completed(made.interval)]

    def _completed(self, interval: Interval) -> list[Step]:
        if interval.end > self._now:
            return []
        return [
            Step(
                at=interval.end,
                event_type="completed",
                changes={"status": "completed"},
                actor_id=None,
                cause="completion",
                together="completed",
            )
        ]

    # Blocks

    def _block_series(self, random: Random, series: Series, day: CalendarDay) -> None:
        if day.date.weekday() in series.weekdays:
            interval = _at(day, series.opens, series.closes)
            for place in series.bays:
                self._block(
                    random, place - 1, interval, series.type, series.reason, HOUR, series_id=series.series_id
                )

    def _block_event(self, random: Random, day: CalendarDay) -> None:
        if day.date.weekday() == 5:
            host = random.choice(
                ("Harlow & Finch", "Brightwater Dental", "Northgate Robotics", "The Quill Agency")
            )
            first = random.randrange(max(len(self._bays) - 4, 1))
            for place in range(first, first + 4):
                interval = _at(day, 14 * 60, 18 * 60)
                self._block(random, place, interval, "PRIVATE_EVENT", f"Company outing: {host}", 2 * HOUR)

    def _block_repair(self, random: Random, day: CalendarDay) -> None:
        if random.random() < 0.5 or day.date == self._today:
            opens = random.choice((8, 9, 10, 13)) * 60
            interval = _at(day, opens, opens + random.choice((60, 120, 180)))
            place, reason = random.randrange(len(self._bays)), random.choice(self._venue.repairs)
            self._block(random, place, interval, "MAINTENANCE", reason, 3 * HOUR)

    def _block(
        self,
        random: Random,
        place: int,
        interval: Interval | None,
        type_: str,
        reason: str,
        after: int,
        *,
        series_id: str | None = None,
    ) -> None:
        """A block made ``after`` so many seconds of the time told of; those of one time and reason were made together."""
        if interval is None or place >= len(self._bays):
            return
        bay = self._bays[place]
        proposal = Proposal(action=Action.BLOCK, role=Role.ADMIN, resource_id=bay, interval=interval)
        if not is_allowed(proposal, facts_for(self._state, self._grid, None, self._now)):
            return
        blocked_at = min(self._since + after, self._now)
        admin = self._crowd.admin
        made = replace(
            self._blank(random, bay, interval, blocked_at, admin),
            type=type_,
            reason=reason,
            series_id=series_id,
            judged_by=write_values(self._policy),
        )
        created = Step(at=blocked_at, event_type="created", changes={}, actor_id=admin, together=reason)
        self._keep(Life(made=made, steps=(created, *self._completed(interval))))

    # Both

    def _blank(
        self, random: Random, bay: int, interval: Interval, made_at: Instant, actor: int
    ) -> StoredBooking:
        return StoredBooking(
            id=_booking_id(random, made_at),
            grid_id=base64.urlsafe_b64encode(random.randbytes(GRID_ID_BYTES)).rstrip(b"=").decode(),
            code=self._code(random),
            location_id=self._state.id,
            resource_id=bay,
            interval=interval,
            status="confirmed",
            created_by=actor,
            created_at=made_at,
            updated_at=made_at,
            version=0,
        )

    def _code(self, random: Random) -> str:
        while True:
            code = "".join(random.choices(CODE_ALPHABET, k=CODE_LENGTH))
            if code not in self._codes:
                self._codes.add(code)
                return code

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


def with_visitors(lives: Sequence[Life], ids: Mapping[int, int]) -> list[Life]:
    """The lives with the ids that their visitors were given."""
    return [
        replace(life, made=replace(life.made, visitor=replace(visitor, id=ids[visitor.id])))
        if (visitor := life.made.visitor) is not None and visitor.id is not None
        else life
        for life in lives
    ]


def _ahead(customer: Customer, instant: Instant) -> list[ActiveBooking]:
    return [booking for booking in customer.bookings if booking.interval.end > instant]


def _at(day: CalendarDay, opens: int, closes: int) -> Interval | None:
    """From one to another minute after midnight by the wall clock; None on the day that the clocks leave nothing of it."""
    start, end = (
        next_existing(dt.datetime.combine(day.date, dt.time.min) + dt.timedelta(minutes=minute), day.timezone)
        for minute in (opens, closes)
    )
    return Interval(start, end) if start < end else None


def _booking_id(random: Random, instant: Instant) -> str:
    """A UUID of version 7 (RFC 9562), as if made then."""
    milliseconds = instant * 1000 + random.randrange(1000)
    value = (
        milliseconds << 80 | 0x7 << 76 | random.getrandbits(12) << 64 | 0b10 << 62 | random.getrandbits(62)
    )
    return str(uuid.UUID(int=value))
