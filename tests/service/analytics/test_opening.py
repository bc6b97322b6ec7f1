"""When a location is open by day and hour: the quick count of days that are alike, and the pieces that all is cut into."""

import datetime as dt
import random
from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise

import pytest

from grid_engine.calendar_day import calendar_day
from grid_engine.interval import DAY, HOUR, MINUTE, Interval, merged
from grid_engine.records import Blackout
from rules.policy import LocationPolicy
from server.service.analytics.opening import NEVER, Opening, Timeline
from server.service.analytics.rolling import runs

HOURS = LocationPolicy.from_json(
    {"opening_hours": {"mon": [["00:00", "00:45"], ["09:10", "24:00"]], "fri": [["12:00", "13:00"]]}}
).values.opening_hours

WEEKS = {
    "an hour is skipped": ("America/New_York", dt.date(2027, 3, 10)),
    "a midnight is skipped": ("Asia/Beirut", dt.date(2027, 3, 25)),
    "a midnight comes twice": ("America/Havana", dt.date(2027, 11, 4)),
    "the clocks go from one past midnight to the day before": ("America/St_Johns", dt.date(2010, 11, 3)),
    "half an hour comes twice": ("Australia/Lord_Howe", dt.date(2027, 4, 1)),
    "a day is skipped": ("Pacific/Apia", dt.date(2011, 12, 27)),
    "the clocks are at odd seconds": ("Europe/Amsterdam", dt.date(1937, 6, 28)),
    "the calendar begins": ("Asia/Tokyo", dt.date(1, 1, 1)),
    "the calendar ends": ("America/Los_Angeles", dt.date(9999, 12, 23)),
}


def _openings(timezone: str, first: dt.date, chance: random.Random) -> Iterator[Opening]:
    start = calendar_day(first, timezone, 30).start
    third = first + dt.timedelta(days=2)
    yield Opening(timezone=timezone, hours=Timeline(None), resources={1: Timeline(True)})
    yield Opening(timezone=timezone, hours=Timeline(HOURS), resources={1: Timeline(True), 2: Timeline(True)})
    yield Opening(
        timezone=timezone,
        hours=Timeline(NEVER, ((third, HOURS), (third + dt.timedelta(days=3), None))),
        resources={
            1: Timeline(True, ((third, False),)),
            2: Timeline(False),
            3: Timeline(False, ((third, True),)),
        },
    )
    for _ in range(3):
        blackouts = []
        for _ in range(4):
            begin = start + chance.randrange(-DAY, 6 * DAY, 7 * MINUTE)
            blackouts.append(
                Blackout(
                    id=1,
                    interval=Interval(begin, begin + chance.choice((5 * MINUTE, HOUR, 30 * HOUR))),
                    resource_ids=chance.choice((None, frozenset({1}), frozenset({1, 2, 9}))),
                )
            )
        yield Opening(
            timezone=timezone,
            hours=Timeline(chance.choice((None, HOURS))),
            resources={1: Timeline(True), 2: Timeline(True, ((third, False),)), 3: Timeline(True)},
            blackouts=blackouts,
        )


@pytest.mark.parametrize(("timezone", "first"), WEEKS.values(), ids=WEEKS)
def test_y1_days_are_as_long_as_their_pieces_together(timezone: str, first: dt.date) -> None:
    end = first + dt.timedelta(days=8)
    for opening in _openings(timezone, first, random.Random(first.toordinal())):
        expected: defaultdict[tuple[dt.date, int, int], int] = defaultdict(int)
        pieces = list(opening.pieces(first, end))
        shut: dict[int, list[Interval]] = {id_: [] for id_ in opening.resources}
        for resource_id, span in opening.shut(first, end):
            shut[resource_id].append(span)
        for piece in pieces:
            assert 0 < piece.end - piece.start <= HOUR
            assert piece.start // HOUR == (piece.end - 1) // HOUR
            whole = Interval(piece.start, piece.end)
            for resource_id, spans in shut.items():
                assert spans == merged(spans)
                closed = sum(part.seconds for span in spans if (part := span.intersection(whole)))
                if piece.open and whole.seconds > closed:
                    expected[piece.day, piece.hour, resource_id] += whole.seconds - closed
        for one, other in pairwise(pieces):
            assert one.end == other.start
        bounds = [calendar_day(first, timezone, 30).start, calendar_day(_before(end), timezone, 30).end]
        assert [pieces[0].start, pieces[-1].end] == bounds

        found: defaultdict[tuple[dt.date, int, int], int] = defaultdict(int)
        for alike in opening.open_days(first, end):
            for day in alike.days:
                for hour, seconds in enumerate(alike.hours):
                    for resource_id in alike.resource_ids:
                        found[day, hour, resource_id] += seconds
        assert {key: seconds for key, seconds in found.items() if seconds} == expected


def test_openings_that_differ_have_other_digests() -> None:
    openings = [
        opening
        for _, first in WEEKS.values()
        for opening in _openings("UTC", first, random.Random(first.toordinal()))
    ]
    # The first two are the same everywhere.
    assert len({opening.digest for opening in openings}) == 2 + len(WEEKS) * 4
    again = next(_openings("UTC", dt.date(2027, 1, 1), random.Random(0)))
    assert again.digest == openings[0].digest


def test_runs_are_days_that_follow_each_other() -> None:
    days = [dt.date(2027, 5, day) for day in (1, 2, 3, 5, 7, 8)]
    assert [[day.day for day in run] for run in runs(days)] == [[1, 2, 3], [5], [7, 8]]
    assert [[day.day for day in run] for run in runs(days, 2)] == [[1, 2], [3], [5], [7, 8]]
    assert list(runs([])) == []


def _before(day: dt.date) -> dt.date:
    return day - dt.timedelta(days=1)
