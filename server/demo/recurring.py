"""The series of a demo venue, as if its admin had asked for it: so that it can be read, edited and deleted.

Belongs here: what the series and its occurrences want. Does not belong here: the blocks themselves (``planning``). Each day's
occurrence has the number of the day in the calendar, so that days added later take their places.
"""

import datetime as dt
from collections.abc import Sequence

from grid_engine.interval import Instant
from server.demo.blueprint import Series, Venue
from server.storage.database import Connection
from server.storage.location_state import LocationState
from server.storage.series import (
    SeriesChange,
    StoredOccurrence,
    StoredSeries,
    read_whole_series,
    write_series,
)

_DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_YEARS = dt.timedelta(days=2 * 365)
"""How long a recurrence lasts at most; when it is over, the demo has long been started anew."""


async def keep_series(
    connection: Connection,
    venue: Venue,
    state: LocationState,
    dates: Sequence[dt.date],
    admin_id: int,
    now: Instant,
) -> None:
    """Has the venue's series want its bays on those of the dates, which are in order, that are its weekdays."""
    wanted = venue.series
    mornings = [date for date in dates if date.weekday() in wanted.weekdays]
    if not mornings:
        return
    columns = [resource.id for resource in state.resources]
    resource_ids = tuple(columns[number - 1] for number in wanted.bays if number <= len(columns))
    found = (await read_whole_series(connection, [wanted.series_id])).get(wanted.series_id)
    series = found.series if found else _asked(wanted, mornings[0], resource_ids, state.id, admin_id, now)
    if series.location_id != state.id or not resource_ids:
        return
    occurrences = [
        StoredOccurrence(
            number=date.toordinal(),
            type=wanted.type,
            reason=wanted.reason,
            start_wall=_at(date, wanted.opens),
            end_wall=_at(date, wanted.closes),
            resource_ids=resource_ids,
        )
        for date in mornings
    ]
    await write_series(connection, SeriesChange(series=series, occurrences=occurrences))


def _asked(
    wanted: Series,
    first: dt.date,
    resource_ids: tuple[int, ...],
    location_id: int,
    admin_id: int,
    now: Instant,
) -> StoredSeries:
    weekdays = ",".join(_DAYS[weekday] for weekday in sorted(wanted.weekdays))
    return StoredSeries(
        id=wanted.series_id,
        location_id=location_id,
        type=wanted.type,
        reason=wanted.reason,
        recurrence=f"FREQ=WEEKLY;BYDAY={weekdays};UNTIL={first + _YEARS:%Y%m%d}",
        start_wall=_at(first, wanted.opens),
        end_wall=_at(first, wanted.closes),
        resource_ids=resource_ids,
        created_by=admin_id,
        created_at=now,
        updated_at=now,
    )


def _at(date: dt.date, minutes: int) -> dt.datetime:
    return dt.datetime.combine(date, dt.time.min) + dt.timedelta(minutes=minutes)
