from datetime import datetime

import pytest

from grid_engine.interval import DAY, HOUR, MINUTE, Interval
from rules.local_time import UnknownTimes, resolve, resolve_times
from rules.model import Violation
from tests.rules.venues import NEW_YORK, NOON, local

SPRING_JUMP = local(2027, 3, 14, 3, 0)
"""The clocks in New York jump from 02:00 to 03:00."""
AUTUMN_ONE = local(2026, 11, 1, 0, 0) + HOUR
"""The first 01:00 of the night in which it is 01:00 twice."""


def wall(*when):
    return datetime(*when)  # noqa: DTZ001  # a wall time has no zone of its own


def test_t3_a_wall_time_that_occurs_once_is_that_instant():
    assert resolve(wall(2027, 6, 1, 12), NEW_YORK) == NOON


def test_t3_a_time_that_does_not_exist_names_the_next_that_does():
    assert resolve(wall(2027, 3, 14, 2, 30), NEW_YORK) == Violation(
        code="nonexistent_time",
        params={"times": [{"field": "start_time", "wall": "2027-03-14T02:30:00", "next_time": SPRING_JUMP}]},
    )


def test_t3_a_time_that_occurs_twice_names_both_readings_earliest_first():
    assert resolve(wall(2026, 11, 1, 1, 30), NEW_YORK, "end_time") == Violation(
        code="ambiguous_time",
        params={
            "times": [
                {
                    "field": "end_time",
                    "wall": "2026-11-01T01:30:00",
                    "reading_times": [AUTUMN_ONE + HOUR // 2, AUTUMN_ONE + HOUR + HOUR // 2],
                }
            ]
        },
    )


def test_t3_known_times_are_passed_on_whatever_their_order():
    assert resolve_times(wall(2027, 6, 1, 12), NOON - 1, NEW_YORK) == (NOON, NOON - 1)
    assert resolve_times(NOON, wall(2027, 6, 1, 13), NEW_YORK) == (NOON, NOON + HOUR)


@pytest.mark.parametrize(
    ("start", "end", "codes", "readings"),
    [
        pytest.param(
            wall(2027, 3, 14, 2, 30),
            wall(2027, 3, 14, 3, 30),
            ["nonexistent_time"],
            [(SPRING_JUMP, SPRING_JUMP + HOUR)],
            id="a start put off takes its end along",
        ),
        pytest.param(
            wall(2027, 3, 14, 2, 0),
            wall(2027, 3, 14, 2, 30),
            ["nonexistent_time"],
            [(SPRING_JUMP, SPRING_JUMP + HOUR // 2)],
            id="neither exists",
        ),
        pytest.param(
            wall(2027, 3, 14, 1, 0),
            wall(2027, 3, 14, 2, 30),
            ["nonexistent_time"],
            [(SPRING_JUMP - HOUR, SPRING_JUMP)],
            id="an end that does not exist",
        ),
        pytest.param(
            wall(2027, 3, 14, 2, 30),
            SPRING_JUMP + 20 * MINUTE,
            ["nonexistent_time"],
            [(SPRING_JUMP, SPRING_JUMP + 20 * MINUTE)],
            id="an end given as an instant stays",
        ),
        pytest.param(
            wall(2027, 3, 14, 2, 30), SPRING_JUMP, ["nonexistent_time"], [], id="nothing is left of it"
        ),
        pytest.param(
            wall(2026, 11, 1, 1, 30),
            wall(2026, 11, 1, 2, 30),
            ["ambiguous_time"],
            [
                (AUTUMN_ONE + HOUR // 2, AUTUMN_ONE + 2 * HOUR + HOUR // 2),
                (AUTUMN_ONE + HOUR + HOUR // 2, AUTUMN_ONE + 2 * HOUR + HOUR // 2),
            ],
            id="an ambiguous start",
        ),
        pytest.param(
            wall(2026, 11, 1, 0, 30),
            wall(2026, 11, 1, 1, 30),
            ["ambiguous_time"],
            [
                (AUTUMN_ONE - HOUR // 2, AUTUMN_ONE + HOUR // 2),
                (AUTUMN_ONE - HOUR // 2, AUTUMN_ONE + HOUR + HOUR // 2),
            ],
            id="an ambiguous end",
        ),
        pytest.param(
            wall(2026, 11, 1, 1, 0),
            wall(2026, 11, 1, 1, 30),
            ["ambiguous_time"],
            [
                (AUTUMN_ONE, AUTUMN_ONE + HOUR // 2),
                (AUTUMN_ONE, AUTUMN_ONE + HOUR + HOUR // 2),
                (AUTUMN_ONE + HOUR, AUTUMN_ONE + HOUR + HOUR // 2),
            ],
            id="both are ambiguous, and one reading would end before it starts",
        ),
        pytest.param(
            wall(2026, 11, 1, 1, 0),
            wall(2027, 3, 14, 2, 30),
            ["ambiguous_time", "nonexistent_time"],
            [(AUTUMN_ONE, SPRING_JUMP), (AUTUMN_ONE + HOUR, SPRING_JUMP)],
            id="one of each",
        ),
    ],
)
def test_t3_unknown_times_are_told_once_per_code_with_all_that_they_may_mean(start, end, codes, readings):
    unknown = resolve_times(start, end, NEW_YORK)
    assert isinstance(unknown, UnknownTimes)
    assert [each.code for each in unknown.violations] == codes
    assert not any(each.overridable for each in unknown.violations)
    assert unknown.readings == tuple(Interval(*reading) for reading in readings)


def test_t3_the_times_that_are_unknown_are_named():
    unknown = resolve_times(wall(2026, 11, 1, 1, 0), wall(2026, 11, 1, 1, 30), NEW_YORK)
    assert isinstance(unknown, UnknownTimes)
    (violation,) = unknown.violations
    assert [each["field"] for each in violation.params["times"]] == ["start_time", "end_time"]


def test_t3_a_start_put_off_moves_an_end_on_a_later_day_as_well():
    unknown = resolve_times(wall(2027, 3, 14, 2, 30), wall(2027, 3, 15, 2, 30), NEW_YORK)
    assert isinstance(unknown, UnknownTimes)
    assert unknown.readings == (Interval(SPRING_JUMP, SPRING_JUMP + DAY),)
