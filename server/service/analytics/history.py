"""A location's opening as it was and is, from its configuration and the audit of its changes.

What an admin changed counts from the day on which it was changed, so that last year is measured by last year's hours. What
stood when the day ended on which the location was made counts for all days before as well: setting up is no change, and
bookings that were imported lie before it.
"""

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from grid_engine.calendar_day import day_of
from grid_engine.interval import Instant
from rules.policy import LocationPolicy
from rules.policy_values import OpeningHours
from server.service.analytics.opening import NEVER, Opening, Timeline
from server.storage.configuration_history import ConfigurationEvent, ConfiguredLocation

Value = TypeVar("Value")


def opening_of(location: ConfiguredLocation) -> Opening:
    """The opening of the location; its resources are all that it ever had, in column order."""
    founded = next((event.at for event in location.events if event.before is None), None)
    made_on = dt.date.min if founded is None else day_of(founded, location.timezone)

    def timeline(
        events: Sequence[ConfigurationEvent], read: Callable[[Mapping[str, Any] | None], Value], now: Value
    ) -> Timeline[Value]:
        return _timeline(
            [(read(event.before), event.at, read(event.after)) for event in events],
            now,
            timezone=location.timezone,
            made_on=made_on,
        )

    return Opening(
        timezone=location.timezone,
        hours=timeline(
            location.events, _hours, _hours({"policy": location.policy, "active": location.active})
        ),
        resources={
            resource.id: timeline(resource.events, _used, resource.active) for resource in location.resources
        },
        blackouts=location.blackouts,
    )


def _timeline(
    changes: Iterable[tuple[Value, Instant, Value]], now: Value, *, timezone: str, made_on: dt.date
) -> Timeline[Value]:
    """What (before, when, after) in order of time come to; the last is as it is now, whatever the audit says."""
    changes = list(changes)
    if not changes:
        return Timeline(now)
    changes[-1] = (*changes[-1][:2], now)
    first, known = changes[0][0], dict[dt.date, Value]()
    for _, at, after in changes:
        day = day_of(at, timezone)
        if day <= made_on:
            first = after
        else:
            known[day] = after
    kept: list[tuple[dt.date, Value]] = []
    for day, value in known.items():
        if value != (kept[-1][1] if kept else first):
            kept.append((day, value))
    return Timeline(first, tuple(kept))


def _hours(state: Mapping[str, Any] | None) -> OpeningHours | None:
    if state is None or not _used(state):
        return NEVER
    policy = state.get("policy") or {}
    return LocationPolicy.from_json({"opening_hours": policy.get("opening_hours")}).values.opening_hours


def _used(state: Mapping[str, Any] | None) -> bool:
    return state is not None and bool(state.get("active", True))
