"""Finding what would be accepted in place of a proposal, class by class; ``suggest`` says what the classes are.

Belongs here: the search. Does not belong here: any rule; what rests on time is judged by `rules.evaluate`, what rests on
the place by bitmaps that say the same (``obstacles``).
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import replace
from functools import reduce
from itertools import islice
from operator import or_
from typing import NamedTuple

from grid_engine.calendar_day import LAST_INSTANT, is_boundary, rows_between
from grid_engine.interval import DAY, MINUTE, Instant, Interval, gaps
from rules.evaluate import is_allowed
from rules.learning import WEEK_MINUTES, minute_of_week
from rules.model import Action, Facts, Proposal, Suggestion
from rules.obstacles import free_starts, taken_spans
from rules.opening_hours import closed_spans
from rules.rule import Scope

SEARCHED_DAYS = 7
"""How many times 24 hours the search goes in either direction; bookings longer than that are not trimmed."""

STEP = DAY // 2
"""How far the search goes on in either direction for as long as too little was found."""

FAVOURITE_WITHIN_MINUTES = 12 * 60


class Favourite(NamedTuple):
    """A time that the customer keeps asking for (R22), in the week that is asked for now."""

    resource_id: int
    start: Instant


def nearest_length(proposal: Proposal, facts: Facts) -> int | None:
    """The length nearest to the proposal's that can be had, in seconds: its own where the grid and the limits allow it.

    None where minimum and maximum leave no multiple of a slot between them.
    """
    slot = facts.slot_minutes * MINUTE
    asked = proposal.interval
    if proposal.action is Action.BLOCK:
        shortest, longest = slot, max(asked.seconds, slot)
    else:
        shortest = max(facts.policy.min_duration_minutes * MINUTE, slot)
        longest = facts.policy.max_duration_minutes * MINUTE
    on_grid = all(is_boundary(each, facts.timezone, facts.slot_minutes) for each in (asked.start, asked.end))
    if on_grid and shortest <= asked.seconds <= longest:
        return asked.seconds
    shortest, longest = -(-shortest // slot) * slot, longest // slot * slot
    rounded = (asked.seconds + slot // 2) // slot * slot
    return min(max(rounded, shortest), longest) if shortest <= longest else None


def nearest_favourite(proposal: Proposal, facts: Facts) -> Favourite | None:
    """The most wanted of the favourites that lie within twelve hours of the start that is asked for."""
    start = proposal.interval.start
    minute = minute_of_week(start, facts.timezone)
    for resource_id, wanted in facts.standing.favourites:
        apart = (wanted - minute + WEEK_MINUTES // 2) % WEEK_MINUTES - WEEK_MINUTES // 2
        if abs(apart) <= FAVOURITE_WITHIN_MINUTES:
            return Favourite(resource_id, start - start % MINUTE + apart * MINUTE)
    return None


class Search:
    """A search for candidates of ``seconds``, or shorter ones, in place of one proposal.

    Every list that it gives is ordered as it is to be told, and no longer than ``limit``.
    """

    def __init__(
        self, proposal: Proposal, facts: Facts, limit: int, seconds: int, favourite: Favourite | None
    ) -> None:
        self._proposal = proposal
        self._facts = facts
        self._limit = limit
        self._seconds = seconds
        self._is_block = proposal.action is Action.BLOCK
        asked_start, now = proposal.interval.start, facts.now
        self._focus = favourite.start if favourite else asked_start
        if self._is_block:
            self._earliest, self._latest = min(asked_start, now), LAST_INSTANT
        else:
            # For staff the slot now running is not past; whether it is, the rules say.
            self._earliest = now - facts.slot_minutes * MINUTE
            self._latest = now + facts.policy.advance_days * DAY
        self._centre = min(max(self._focus, self._earliest), self._latest)
        self._columns = facts.columns
        if favourite:
            self._columns.sort(key=lambda resource_id: resource_id != favourite.resource_id)
        self._judged: dict[Interval, bool] = {}

    def person_may(self) -> bool:
        """Whether who asks is not what is refused, wherever and whenever it would be."""
        start = max(self._proposal.interval.start, self._facts.now)
        some_time = replace(self._proposal, interval=Interval(start, start + self._seconds))
        return is_allowed(some_time, self._facts, Scope.PERSON)

    def distance(self, candidate: Suggestion) -> tuple[int, int]:
        """How far a candidate is from where nearness is counted: in seconds, then in columns."""
        return abs(candidate.interval.start - self._focus), self._columns.index(candidate.resource_id)

    def elsewhere(self) -> list[Suggestion]:
        """Other resources at the time that was asked for."""
        start = self._proposal.interval.start
        interval = Interval(start, start + self._seconds)
        if not self._may_at(interval):
            return []
        free = free_starts([start], self._seconds, self._columns, self._proposal, self._facts)
        return list(self._others(free, 0, interval))[: self._limit]

    def at_other_times(self, wanted: int) -> tuple[list[Suggestion], list[Suggestion]]:
        """The resource that was asked for at other times, and other resources at other times.

        The search goes on for a further step as long as both together are fewer than ``wanted``.
        """
        own, asked_start = self._proposal.resource_id, self._proposal.interval.start
        same: list[Suggestion] = []
        both: list[Suggestion] = []
        for step in range(SEARCHED_DAYS * DAY // STEP):
            if step and len(same) + len(both) >= wanted:
                break
            for start, row, free in self._places(step):
                interval = Interval(start, start + self._seconds)
                is_here = (
                    free.get(own, 0) >> row & 1 and len(same) < self._limit and self._is_news(own, interval)
                )
                is_there = start != asked_start and len(both) < self._limit
                if (is_here or is_there) and self._may_at(interval):
                    if is_here:
                        same.append(Suggestion(resource_id=own, interval=interval))
                    if is_there:
                        both.extend(islice(self._others(free, row, interval), self._limit - len(both)))
        return same, both

    def trimmed(self) -> list[Suggestion]:
        """On any resource, what can be had within the time that was asked for: the whole of each gap in it."""
        start = self._proposal.interval.start
        window = Interval(start, start + self._seconds)
        if self._seconds > SEARCHED_DAYS * DAY:
            return []
        lines = self._rows_between(window.start, window.end + 1)
        shut = self._shut(window)
        busy = {each: list(shut) for each in self._columns}
        for resource_id, taken_from, taken_until in taken_spans(window, self._proposal, self._facts):
            if resource_id in busy:
                busy[resource_id].append(Interval(taken_from, taken_until))
        found = []
        for resource_id, spans in busy.items():
            for gap in gaps(window, spans):
                first, last = bisect_left(lines, gap.start), bisect_right(lines, gap.end) - 1
                if first < last:
                    interval = Interval(lines[first], lines[last])
                    if (
                        interval.seconds < self._seconds
                        and self._may_at(interval)
                        and self._is_news(resource_id, interval)
                    ):
                        found.append(Suggestion(resource_id=resource_id, interval=interval))
        return sorted(found, key=self._trimmed_order)[: self._limit]

    def _trimmed_order(self, candidate: Suggestion) -> tuple[int, Instant, int, bool, int]:
        shift, column = self.distance(candidate)
        interval = candidate.interval
        is_other = candidate.resource_id != self._proposal.resource_id
        return shift, interval.start, -interval.seconds, is_other, column

    def _shut(self, window: Interval) -> list[Interval]:
        """What of the window is past or closed, for everything but blocks."""
        hours = self._facts.policy.opening_hours
        if self._is_block:
            return []
        shut = closed_spans(window, hours, self._facts.timezone) if hours is not None else []
        if window.start < self._facts.now:
            shut.append(Interval(window.start, self._facts.now))
        return shut

    def _places(self, step: int) -> list[tuple[Instant, int, dict[int, int]]]:
        """The starts of one step in either direction at which any resource is free, nearest first.

        Each comes with its place in the bitmaps of free starts. A search for what is past, or too far ahead, begins where
        that ends.
        """
        before = (self._centre - (step + 1) * STEP, self._centre - step * STEP)
        after = (self._centre + step * STEP, self._centre + (step + 1) * STEP)
        places: list[tuple[Instant, int, dict[int, int]]] = []
        for first, last in (before, after):
            starts = self._rows_between(max(first, self._earliest), min(last, self._latest + 1))
            free = free_starts(starts, self._seconds, self._columns, self._proposal, self._facts)
            anywhere = reduce(or_, free.values(), 0)
            places.extend((start, row, free) for row, start in enumerate(starts) if anywhere >> row & 1)
        return sorted(places, key=lambda place: (abs(place[0] - self._focus), place[0]))

    def _rows_between(self, start: Instant, end: Instant) -> list[Instant]:
        return rows_between(start, end, self._facts.timezone, self._facts.slot_minutes)

    def _others(self, free: dict[int, int], row: int, interval: Interval) -> Iterator[Suggestion]:
        for resource_id in self._columns:
            if (
                free[resource_id] >> row & 1
                and resource_id != self._proposal.resource_id
                and self._is_news(resource_id, interval)
            ):
                yield Suggestion(resource_id=resource_id, interval=interval)

    def _may_at(self, interval: Interval) -> bool:
        """Whether the rules allow the time, whatever the resource."""
        if interval not in self._judged:
            self._judged[interval] = interval.end <= LAST_INSTANT and is_allowed(
                replace(self._proposal, interval=interval), self._facts, Scope.TIME
            )
        return self._judged[interval]

    def _is_news(self, resource_id: int, interval: Interval) -> bool:
        """Whether it is neither what was asked for nor what the booking has already (R17)."""
        existing = self._proposal.existing
        return (resource_id, interval) != (self._proposal.resource_id, self._proposal.interval) and (
            existing is None or (resource_id, interval) != (existing.resource_id, existing.interval)
        )
