"""Half-open intervals."""

import pytest
from hypothesis import given

from grid_engine.interval import Interval, gaps, merged
from tests.grid_engine.making import intervals, minutes


@pytest.mark.parametrize(("start", "end"), [(5, 5), (6, 5)])
def test_t1_an_interval_ends_after_it_starts(start, end):
    with pytest.raises(ValueError, match="must end after it starts"):
        Interval(start, end)


def test_t1_an_interval_holds_its_start_but_not_its_end():
    interval = Interval(10, 20)
    assert interval.contains(10)
    assert interval.contains(19)
    assert not interval.contains(20)
    assert not interval.contains(9)


def test_t4_a_length_is_elapsed_time():
    assert Interval(100, 3700).seconds == 3600
    assert Interval(100, 3700).moved_to(0) == Interval(0, 3600)


def test_g2_touching_intervals_do_not_overlap():
    assert not minutes(0, 10).overlaps(minutes(10, 20))
    assert not minutes(10, 20).overlaps(minutes(0, 10))
    assert minutes(0, 11).overlaps(minutes(10, 20))
    assert minutes(0, 10).intersection(minutes(10, 20)) is None


@given(intervals(), intervals())
def test_two_intervals_share_what_their_intersection_tells(one, other):
    shared = one.intersection(other)
    assert (shared is not None) == one.overlaps(other) == other.overlaps(one)
    if shared is not None:
        assert one.covers(shared)
        assert other.covers(shared)
        assert one.overlaps(other)
    assert one.widened(60).covers(one)


def test_intervals_merge_where_they_touch_or_overlap():
    some = [minutes(5, 6), minutes(0, 4), minutes(1, 2), minutes(6, 7)]
    assert merged(some) == [minutes(0, 4), minutes(5, 7)]
    assert merged([]) == []


def test_gaps_are_what_nothing_covers():
    assert list(gaps(minutes(0, 10), [minutes(2, 3), minutes(3, 5), minutes(8, 12)])) == [
        minutes(0, 2),
        minutes(5, 8),
    ]
    assert list(gaps(minutes(5, 10), [minutes(0, 6), minutes(10, 12), minutes(20, 30)])) == [minutes(6, 10)]
    assert list(gaps(minutes(5, 10), [minutes(0, 20)])) == []
