"""What a report must say, found by looking at every five minutes of every bay, one after the other.

It knows nothing of how reports are made: it reads the tables, and asks Python's own time zones what a clock on the wall
shows. Times in its data are multiples of five minutes.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any
from zoneinfo import ZoneInfo

from server.storage.rollup import Grouping, Key
from tests.venues import Town

STEP = 300
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass
class Expected:
    """Figures as a report names them, in seconds and counts."""

    open_seconds: int = 0
    booked_seconds: int = 0
    no_show_seconds: int = 0
    blocked_seconds: int = 0
    bookings: int = 0
    no_shows: int = 0
    attended: int = 0
    cancellations: int = 0
    late_cancellations: int = 0
    own_cancellations: int = 0
    lead_seconds: int = 0


@dataclass
class Oracle:
    """The tables as they are, and what opening hours and bays in use were on each day, told by the test."""

    bookings: Sequence[Mapping[str, Any]]
    events: Mapping[Any, Mapping[str, Any]]
    locations: Mapping[int, Mapping[str, Any]]
    resources: Sequence[Mapping[str, Any]]
    blackouts: Sequence[Mapping[str, Any]]
    hours: Mapping[tuple[int, dt.date], Any] = field(default_factory=dict)
    """(location, day) → the opening hours of that day, where they are not the present ones."""
    used: Mapping[tuple[int, dt.date], bool] = field(default_factory=dict)
    """(resource, day) → whether it was in use on that day, where that is not as it is now."""

    cells: dict[tuple[int, int, dt.date, int], Expected] = field(default_factory=dict)
    """(location, resource, day, hour) → its figures."""

    @classmethod
    async def read(cls, town: Town, first: dt.date, end: dt.date, **told: Any) -> "Oracle":
        """The days from ``first`` up to ``end``."""
        events = await town.fetch(
            "SELECT * FROM booking_events WHERE event_type IN ('cancelled', 'released') ORDER BY id"
        )
        oracle = cls(
            bookings=[dict(row) for row in await town.fetch("SELECT * FROM bookings")],
            events={row["booking_id"]: dict(row) for row in events},
            locations={row["id"]: dict(row) for row in await town.fetch("SELECT * FROM locations")},
            resources=[dict(row) for row in await town.fetch("SELECT * FROM resources")],
            blackouts=[dict(row) for row in await town.fetch("SELECT * FROM blackouts")],
            **told,
        )
        found: defaultdict[tuple[int, int, dt.date, int], Expected] = defaultdict(Expected)
        for resource in oracle.resources:
            location = oracle.locations[resource["location_id"]]
            zone = ZoneInfo(location["timezone"])
            oracle._minutes(found, resource, location, zone, first, end)
            oracle._counts(found, resource, zone, first, end)
        oracle.cells = dict(found)
        return oracle

    def report(self, location_ids: Sequence[int], grouping: Grouping) -> dict[Key, Expected]:
        """What there is to tell, by key; keys of which there is nothing are left out."""
        found: defaultdict[Key, Expected] = defaultdict(Expected)
        for (location_id, resource_id, day, hour), cell in self.cells.items():
            keys: dict[Grouping, Key] = {
                "day": day,
                "weekday": day.weekday(),
                "hour": hour,
                "resource": resource_id,
                "location": location_id,
            }
            if location_id in location_ids:
                figures = found[keys[grouping]]
                for each in fields(cell):
                    setattr(figures, each.name, getattr(figures, each.name) + getattr(cell, each.name))
        return {key: figures for key, figures in found.items() if figures != Expected()}

    def _minutes(self, found, resource, location, zone, first, end):
        mine = [row for row in self.bookings if row["resource_id"] == resource["id"]]
        start = int(dt.datetime.combine(first, dt.time(), dt.UTC).timestamp()) - 86_400
        stop = int(dt.datetime.combine(end, dt.time(), dt.UTC).timestamp()) + 86_400
        for instant in range(start, stop, STEP):
            moment = dt.datetime.fromtimestamp(instant, zone)
            day = moment.date()
            if not first <= day < end:
                continue
            figures = found[location["id"], resource["id"], day, moment.hour]
            is_open = self._open(resource, location, day, moment)
            now = [row for row in mine if row["start_time"] <= moment < row["end_time"]]
            taken = [row for row in now if row["status"] in ("confirmed", "completed")]
            if is_open:
                figures.open_seconds += STEP
            if any(row["type"] == "CUSTOMER" for row in taken):
                figures.booked_seconds += STEP
            elif any(row["type"] != "CUSTOMER" for row in taken):
                figures.blocked_seconds += STEP if is_open else 0
            elif any(row["status"] == "no_show" for row in now):
                figures.booked_seconds += STEP
                figures.no_show_seconds += STEP

    def _open(self, resource, location, day, moment):
        if not self.used.get((resource["id"], day), resource["active"]):
            return False
        for blackout in self.blackouts:
            concerned = blackout["resource_ids"] is None or resource["id"] in blackout["resource_ids"]
            here = blackout["location_id"] == location["id"] and concerned
            if here and blackout["start_time"] <= moment < blackout["end_time"]:
                return False
        if not location["active"]:
            return False
        hours = self.hours.get((location["id"], day), location["policy"].get("opening_hours"))
        if hours is None:
            return True
        shown = f"{moment:%H:%M}"
        return any(opens <= shown < closes for opens, closes in hours.get(WEEKDAYS[moment.weekday()], ()))

    def _counts(self, found, resource, zone, first, end):
        for row in self.bookings:
            begun = row["start_time"].astimezone(zone)
            if row["resource_id"] != resource["id"] or row["type"] != "CUSTOMER":
                continue
            if not first <= begun.date() < end:
                continue
            figures = found[resource["location_id"], resource["id"], begun.date(), begun.hour]
            if row["status"] in ("confirmed", "completed", "no_show"):
                figures.bookings += 1
                figures.no_shows += row["status"] == "no_show"
                figures.attended += row["status"] != "no_show" and row["attended_at"] is not None
                figures.lead_seconds += max(0, int((row["start_time"] - row["created_at"]).total_seconds()))
            elif row["status"] == "cancelled":
                event = self.events.get(row["id"])
                if event is not None and event["metadata"]["before"]["status"] == "held":
                    continue
                figures.cancellations += 1
                figures.late_cancellations += row["updated_at"] > row["start_time"] - dt.timedelta(hours=24)
                figures.own_cancellations += (
                    event is not None and event["actor_id"] == row["user_id"] is not None
                )
