"""Analytics over HTTP, as JSON and as CSV (Y1, Y2)."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import Field

from rules.policy_values import WEEKDAYS
from server.commands import Id
from server.edge.csv_text import MEDIA_TYPE, Cell, csv_text
from server.edge.endpoint import Answer, Endpoints
from server.edge.fields import Asked, Day, Told
from server.errors import Fault, Malformed, NotFound
from server.principal import Principal
from server.service.analytics.reports import Line, Report, Reports
from server.storage.rollup import Grouping, Key

MOST_DAYS = 731
"""Two years, one of them a leap year."""


class AnalyticsQuery(Asked):
    """The local days from ``from`` up to, and without, ``to``; at most two years."""

    location_id: Id | None = None
    from_: Day = Field(alias="from")
    to: Day
    group_by: Grouping = "day"
    format: Literal["json", "csv"] = "json"

    def days(self) -> tuple[dt.date, dt.date]:
        """The first day, and the one after the last; raises ``Malformed`` if they are not one to ``MOST_DAYS`` apart."""
        apart = (self.to - self.from_).days
        if apart < 1:
            raise Malformed(
                faults=[Fault("query:to", "must be later than from: it is the day after the last")]
            )
        if apart > MOST_DAYS:
            raise Malformed(faults=[Fault("query:to", f"must be at most {MOST_DAYS} days later than from")])
        return self.from_, self.to


class FiguresBody(Told):
    """What was booked of the time there was.

    ``utilisation`` is booked_minutes / (open_minutes - blocked_minutes), null where there was nothing to book. A no-show is
    among what was booked, and told apart too. Counts are of what begins at that time. ``late_cancellations`` came less than
    24 hours before the start, ``own_cancellations`` from the customer. ``lead_time_minutes`` is the mean from making a
    booking to its start.
    """

    open_minutes: float
    blocked_minutes: float
    booked_minutes: float
    no_show_minutes: float
    utilisation: float | None
    bookings: int
    no_shows: int
    attended: int
    cancellations: int
    late_cancellations: int
    own_cancellations: int
    lead_time_minutes: float | None


class ItemBody(FiguresBody):
    """Figures of one part: ``key`` is a date, ``mon`` to ``sun``, an hour from 0 to 23, or the id of a resource or location,
    which have a ``name`` as well.
    """

    key: str | int
    name: str | None
    location_id: int | None


class AnalyticsBody(Told):
    """A report. ``timezone`` is null where its locations have several; each goes by its own days and hours. ``peaks`` are the
    keys of up to three items with the highest utilisation, the highest first.
    """

    from_: dt.date = Field(alias="from")
    to: dt.date
    group_by: Grouping
    location_id: int | None
    timezone: str | None
    items: list[ItemBody]
    totals: FiguresBody
    peaks: list[str | int]


def analytics_endpoints(reports: Reports) -> Endpoints:
    """Reports on what was booked."""
    endpoints = Endpoints("Analytics")

    @endpoints.get(
        "/api/admin/bookings/analytics",
        answer=AnalyticsBody,
        also_as="text/csv",
        summary="What was booked of the time there was",
        faults=(NotFound,),
        example={"location_id": 1, "from": "2027-06-01", "to": "2027-07-01", "group_by": "hour"},
    )
    async def analytics(caller: Principal, query: AnalyticsQuery) -> Answer:
        """Utilisation, peaks, lead times, cancellations and no-shows of local days: at one location, or at all of which the
        caller may know them (staff: where they work). With ``format=csv`` the items are a table in the order of the JSON.
        """
        first, end = query.days()
        report = await reports.report(
            caller, location_id=query.location_id, first=first, end=end, grouping=query.group_by
        )
        if query.format == "csv":
            name = f"baygrid-{query.group_by}-{first}-{end}.csv"
            return Answer(
                body=_table(report, query.group_by),
                media_type=MEDIA_TYPE,
                headers=(("content-disposition", f'attachment; filename="{name}"'),),
            )
        return Answer(body=_body(report, query))

    return endpoints


def _body(report: Report, query: AnalyticsQuery) -> dict[str, Any]:
    return {
        "from": query.from_.isoformat(),
        "to": query.to.isoformat(),
        "group_by": query.group_by,
        "location_id": query.location_id,
        "timezone": report.timezone,
        "items": [
            {
                "key": _key(line.key, query.group_by),
                "name": line.name,
                "location_id": line.location_id,
                **_figures(line),
            }
            for line in report.lines
        ],
        "totals": _figures(report.totals),
        "peaks": [_key(line.key, query.group_by) for line in report.peaks],
    }


_NAMES: Mapping[Grouping, Sequence[str]] = {
    "day": ("day",),
    "weekday": ("weekday",),
    "hour": ("hour",),
    "resource": ("location_id", "location", "resource_id", "resource"),
    "location": ("location_id", "location"),
}


def _table(report: Report, grouping: Grouping) -> bytes:
    figures = list(FiguresBody.model_fields)
    rows = []
    for line in report.lines:
        told = _figures(line)
        rows.append([*_names(line, grouping), *(told[name] for name in figures)])
    return csv_text([*_NAMES[grouping], *figures], rows)


def _names(line: Line, grouping: Grouping) -> list[Cell]:
    match grouping:
        case "resource":
            return [line.location_id, line.location_name, _key(line.key, grouping), line.name]
        case "location":
            return [line.location_id, line.name]
        case _:
            return [_key(line.key, grouping)]


def _key(key: Key, grouping: Grouping) -> str | int:
    if isinstance(key, dt.date):
        return key.isoformat()
    return WEEKDAYS[key] if grouping == "weekday" else key


def _figures(line: Line) -> dict[str, Cell]:
    figures = line.figures
    return {
        "open_minutes": _minutes(line.open_seconds),
        "blocked_minutes": _minutes(figures.blocked_seconds),
        "booked_minutes": _minutes(figures.booked_seconds),
        "no_show_minutes": _minutes(figures.no_show_seconds),
        "utilisation": None if line.utilisation is None else round(line.utilisation, 4),
        "bookings": figures.bookings,
        "no_shows": figures.no_shows,
        "attended": figures.attended,
        "cancellations": figures.cancellations,
        "late_cancellations": figures.late_cancellations,
        "own_cancellations": figures.own_cancellations,
        "lead_time_minutes": None if line.lead_seconds is None else round(line.lead_seconds / 60, 1),
    }


def _minutes(seconds: int) -> float:
    """Whole where they are: nobody books by the second, but nothing keeps an import from it."""
    return seconds // 60 if seconds % 60 == 0 else round(seconds / 60, 2)
