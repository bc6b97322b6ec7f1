"""Reports: what was booked of the time that was open, by day, weekday, hour, resource or location (Y1, Y2).

Belongs here: who may ask for what, and putting a report together as of one instant of the database, from what is rolled up
and, where that is no longer true, from bookings themselves. Does not belong here: how it is written out (``server.edge``).
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from grid_engine.calendar_day import days_after, window_of
from server.errors import NotFound
from server.principal import Principal
from server.service.access import Action, allows, require
from server.service.analytics.history import opening_of
from server.service.analytics.opening import Opening
from server.service.analytics.rolling import RUN, days_marked, measured, runs
from server.storage.configuration_history import ConfiguredLocation, read_configured
from server.storage.database import Connection, Database
from server.storage.rollup import Figures, Grouping, Key, blocked_days, measure, read_rolled_up
from server.storage.rollup_marks import RolledUpBy, read_marks, read_rolled_up_by

PEAKS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Figures of one part of a report, and how long what they are of was open; ``name`` and ``location_id`` where the part
    is a resource or location.
    """

    key: Key
    figures: Figures
    open_seconds: int
    name: str | None = None
    location_id: int | None = None
    location_name: str | None = None

    @property
    def utilisation(self) -> float | None:
        """Booked time as a share of what was open and not blocked; None where nothing was.

        Above 1 where staff booked outside opening hours.
        """
        bookable = self.open_seconds - self.figures.blocked_seconds
        return self.figures.booked_seconds / bookable if bookable > 0 else None

    @property
    def lead_seconds(self) -> float | None:
        """The mean of what lies between making a booking and its start; None without bookings."""
        return self.figures.lead_seconds / self.figures.bookings if self.figures.bookings else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The parts of a report in order, and all of it; ``peaks`` are those most used, the most used first.

    ``timezone`` is None where its locations have several.
    """

    timezone: str | None
    lines: Sequence[Line]
    totals: Line
    peaks: Sequence[Line]


class Reports:
    """The use case; each report raises ``Unavailable`` while Postgres is away."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def report(
        self,
        caller: Principal,
        *,
        location_id: int | None,
        first: dt.date,
        end: dt.date,
        grouping: Grouping,
    ) -> Report:
        """The local days from ``first`` up to ``end``, at a location or at all that the caller may ask about.

        Raises:
            Forbidden: to those who may not ask about that location, or about any.
            NotFound: if there is no such location.
        """
        require(caller, Action.READ_ANALYTICS, location_id=location_id)
        everywhere = allows(
            caller, Action.READ_ANALYTICS, location_id=0
        )  # as at a location that is nobody's own
        asked: Collection[int] | None = None if everywhere else caller.location_ids
        if location_id is not None:
            asked = [location_id]
        async with self._database.snapshot() as connection:
            locations = await read_configured(connection, asked)
            if location_id is not None and not locations:
                raise NotFound("There is no such location")
            return await read_report(connection, locations, first, end, grouping)


async def read_report(
    connection: Connection,
    locations: Sequence[ConfiguredLocation],
    first: dt.date,
    end: dt.date,
    grouping: Grouping,
) -> Report:
    """The report of these locations, in a snapshot; who may have it is for the caller to say."""
    openings = {location.id: opening_of(location) for location in locations}
    figures = await _figures(connection, openings, first, end, grouping)
    return _report(locations, openings, figures, first, end, grouping)


async def _figures(
    connection: Connection, openings: Mapping[int, Opening], first: dt.date, end: dt.date, grouping: Grouping
) -> dict[Key, Figures]:
    """What is rolled up, and of days of which that is not true what is measured now."""
    by = await read_rolled_up_by(connection, openings)
    # Whatever the time zones, these days lie within.
    around = window_of(days_after(first, -1), (end - first).days + 2, "UTC")
    marks = await read_marks(connection, openings, around)
    stale: dict[int, Sequence[dt.date]] = {}
    for location_id, opening in openings.items():
        window = window_of(first, (end - first).days, opening.timezone)
        days = set(days_marked(marks.get(location_id, ()), opening.timezone, window))
        days.update(await _otherwise_configured(connection, opening, by.get(location_id), first, end))
        if days:
            stale[location_id] = sorted(days)
    found = await read_rolled_up(
        connection,
        openings,
        first,
        end,
        grouping,
        without=[(location_id, day) for location_id, days in stale.items() for day in days],
    )
    for location_id, marked in stale.items():
        for run in runs(marked, RUN):
            span = measured(location_id, openings[location_id], run)
            for key, more in (await measure(connection, span, grouping)).items():
                found.setdefault(key, Figures()).add(more)
    return found


async def _otherwise_configured(
    connection: Connection, opening: Opening, by: RolledUpBy | None, first: dt.date, end: dt.date
) -> Collection[dt.date]:
    """The days of which what is rolled up of a location went by another configuration than it has now."""
    if by is None or (by.timezone, by.opening) == (opening.timezone, opening.digest):
        return ()
    if by.timezone != opening.timezone:
        return [days_after(first, number) for number in range((end - first).days)]
    return [day for day in await blocked_days(connection, by.location_id) if first <= day < end]


def _report(
    locations: Sequence[ConfiguredLocation],
    openings: Mapping[int, Opening],
    figures: Mapping[Key, Figures],
    first: dt.date,
    end: dt.date,
    grouping: Grouping,
) -> Report:
    opened = _open_seconds(openings, first, end, grouping)
    lines = [
        replace(line, figures=figures.get(line.key, line.figures), open_seconds=opened.get(line.key, 0))
        for line in _parts(locations, first, end, grouping)
    ]
    if grouping in ("resource", "location"):
        # What is closed for good is told of where there is something to tell.
        lines = [line for line in lines if line.open_seconds or line.key in figures]
    totals = Figures()
    for line in lines:
        totals.add(line.figures)
    used = sorted(
        (line for line in lines if line.utilisation), key=lambda line: line.utilisation or 0, reverse=True
    )
    timezones = {location.timezone for location in locations}
    return Report(
        timezone=timezones.pop() if len(timezones) == 1 else None,
        lines=lines,
        totals=Line(key=0, figures=totals, open_seconds=sum(line.open_seconds for line in lines)),
        peaks=used[:PEAKS],
    )


def _parts(
    locations: Sequence[ConfiguredLocation], first: dt.date, end: dt.date, grouping: Grouping
) -> list[Line]:
    """The parts of a report, with nothing in them yet."""
    days = (end - first).days
    empty: dict[str, Any] = {"figures": Figures(), "open_seconds": 0}
    match grouping:
        case "day":
            return [Line(key=days_after(first, number), **empty) for number in range(days)]
        case "weekday":
            weekdays = {(first.weekday() + number) % 7 for number in range(min(days, 7))}
            return [Line(key=weekday, **empty) for weekday in sorted(weekdays)]
        case "hour":
            return [Line(key=hour, **empty) for hour in range(24)]
        case "location":
            return [
                Line(key=each.id, name=each.name, location_id=each.id, location_name=each.name, **empty)
                for each in locations
            ]
        case "resource":
            return [
                Line(key=each.id, name=each.name, location_id=at.id, location_name=at.name, **empty)
                for at in locations
                for each in at.resources
            ]


def _open_seconds(
    openings: Mapping[int, Opening], first: dt.date, end: dt.date, grouping: Grouping
) -> Mapping[Key, int]:
    """How long resources were open, by what they are grouped by."""
    found: defaultdict[Key, int] = defaultdict(int)
    for location_id, opening in openings.items():
        for alike in opening.open_days(first, end):
            times, used = len(alike.days), len(alike.resource_ids)
            seconds = sum(alike.hours)
            match grouping:
                case "day":
                    for day in alike.days:
                        found[day] += seconds * used
                case "weekday":
                    if alike.days:
                        found[alike.days[0].weekday()] += seconds * used * times
                case "hour":
                    for hour, of_hour in enumerate(alike.hours):
                        found[hour] += of_hour * used * times
                case "resource":
                    for resource_id in alike.resource_ids:
                        found[resource_id] += seconds * times
                case "location":
                    found[location_id] += seconds * used * times
    return found
