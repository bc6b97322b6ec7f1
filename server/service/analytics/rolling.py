"""Rolling up: which days of a location are not, or no longer, rolled up as they are, and doing it.

Belongs here: from marks to days, and the transaction that rolls them up. Does not belong here: when it is done (``upkeep``),
or what a report makes of it (``reports``).
"""

import asyncio
import datetime as dt
from collections.abc import Iterable, Iterator, Sequence

import structlog

from grid_engine.calendar_day import FIRST_INSTANT, calendar_day, day_of, days_touched, window_of
from grid_engine.interval import DAY, Instant, Interval
from server.clock import Clock
from server.errors import Unavailable
from server.service.analytics.history import opening_of
from server.service.analytics.opening import Opening
from server.storage.configuration_history import read_configured
from server.storage.database import Database
from server.storage.rollup import Measured, blocked_days, forget_rolled_up, roll_up
from server.storage.rollup_marks import (
    RolledUpBy,
    due_locations,
    lock_rolled_up_by,
    mark_all,
    put_marks,
    take_marks,
    write_rolled_up_by,
)

EVERY_SECONDS = 1.0
"""Often enough for few days to be left to whoever asks."""
AHEAD = 800 * DAY
"""What lies further ahead waits: a block without end must not be rolled up to the end of time."""
MOST_DAYS = 400
"""Days of a location that are rolled up in one transaction."""
RUN = 31
"""Days that are measured by one statement."""

log = structlog.get_logger()


async def keep_rolled_up(database: Database, clock: Clock) -> None:
    """Runs until cancelled; a fault is logged and the next turn tries again. Any number of nodes may do it."""
    while True:
        try:
            await roll_up_what_is_due(database, clock)
        except Unavailable:
            pass  # said once by the rooms; whoever asks meanwhile is answered from what was rolled up and what was not
        except Exception:
            log.exception("Rolling up failed")
        await asyncio.sleep(EVERY_SECONDS)


async def roll_up_what_is_due(database: Database, clock: Clock) -> None:
    """Rolls up every day that is not rolled up as it is, but for what somebody else is at."""
    horizon = clock.now() // DAY * DAY + AHEAD
    async with database.connection() as connection:
        # What is left of a mark beyond the horizon begins there, by some clock on a wall, and is not due again today.
        due = await due_locations(connection, horizon - 2 * DAY)
    for location_id in due:
        while await _roll_up(database, location_id, horizon):
            pass


async def _roll_up(database: Database, location_id: int, horizon: Instant) -> bool:
    """Some of the location's days; whether there are more."""
    async with database.transaction() as connection:
        by = await lock_rolled_up_by(connection, location_id)
        if by is None:
            return False
        found = await read_configured(connection, [location_id])
        if not found:
            return False
        opening = opening_of(found[0])
        if by.timezone not in ("", opening.timezone):
            await forget_rolled_up(connection, location_id)
            await mark_all(connection, [location_id])
        until = calendar_day(day_of(horizon, opening.timezone), opening.timezone, 60).start
        marks = await take_marks(connection, location_id, until)
        days = days_marked(marks, opening.timezone, Interval(FIRST_INSTANT, until))
        if by.timezone == opening.timezone and by.opening != opening.digest:
            days = sorted({*days, *await blocked_days(connection, location_id)})
        for run in runs(days[:MOST_DAYS], RUN):
            await roll_up(connection, measured(location_id, opening, run), run)
        left = days[MOST_DAYS:]
        await put_marks(
            connection,
            location_id,
            [
                *(_span(run, opening.timezone) for run in runs(left)),
                *(Interval(until, mark.end) for mark in marks if mark.end > until),
            ],
        )
        await write_rolled_up_by(
            connection,
            RolledUpBy(
                location_id=location_id,
                timezone=opening.timezone,
                opening=opening.digest,
                config_version=found[0].config_version,
            ),
        )
        return bool(left)


def days_marked(marks: Iterable[Interval], timezone: str, within: Interval) -> list[dt.date]:
    """The local days that share an instant with any of the marks, in order; of marks only what lies within."""
    parts = (mark.intersection(within) for mark in marks)
    return sorted({day for part in parts if part is not None for day in days_touched(part, timezone)})


def runs(days: Sequence[dt.date], longest: int | None = None) -> Iterator[list[dt.date]]:
    """The days, which are in order, by such as follow each other; at most ``longest`` together."""
    run: list[dt.date] = []
    for day in days:
        if run and ((day - run[-1]).days != 1 or len(run) == longest):
            yield run
            run = []
        run.append(day)
    if run:
        yield run


def measured(location_id: int, opening: Opening, run: Sequence[dt.date]) -> Measured:
    """What it takes to measure days that follow each other."""
    first, end = run[0], run[-1] + dt.timedelta(days=1)
    return Measured(
        location_id=location_id,
        resource_ids=sorted(opening.resources),
        interval=_span(run, opening.timezone),
        pieces=[
            (piece.start, piece.end, piece.day, piece.hour, piece.open)
            for piece in opening.pieces(first, end)
        ],
        shut=list(opening.shut(first, end)),
    )


def _span(run: Sequence[dt.date], timezone: str) -> Interval:
    return window_of(run[0], (run[-1] - run[0]).days + 1, timezone)
