"""The ring of recent diffs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grid_engine.diff import Diff, Put, join
from grid_engine.history import STALE, DiffLog
from tests.grid_engine.making import booking


def diff(base: int, version: int) -> Diff:
    """One that puts a record at every version."""
    return Diff(
        base, version, tuple(Put(each, booking(f"r{each}", 0, 1)) for each in range(base + 1, version + 1))
    )


def test_w2_a_history_that_knows_no_version_is_stale():
    assert DiffLog().since(0) is STALE
    assert len(DiffLog()) == 0


def test_w2_a_history_begins_at_the_first_diff_or_where_it_is_told():
    log = DiffLog()
    log.append(diff(7, 8))
    assert log.since(7) == (diff(7, 8),)
    told = DiffLog(version=7)
    assert told.since(7) == ()
    with pytest.raises(ValueError, match="gap"):
        told.append(diff(8, 9))


def test_w2_a_version_not_reached_yet_is_stale():
    log = DiffLog(version=7)
    assert log.since(8) is STALE


def test_w2_after_a_reset_only_the_present_is_known():
    log = DiffLog(version=0)
    log.append(diff(0, 1))
    log.reset(9)
    assert log.since(9) == ()
    assert log.since(1) is STALE
    assert len(log) == 0


@given(st.lists(st.integers(0, 3), max_size=30), st.integers(1, 8), st.integers(-2, 70))
def test_w2_what_a_history_gives_leads_to_the_present_without_a_gap(lengths, capacity, version):
    log, reached, kept = DiffLog(capacity, 0), 0, []
    for length in lengths:
        kept.append(diff(reached, reached + length))
        log.append(kept[-1])
        reached += length
    kept = kept[-capacity:]
    assert len(log) == len(kept)
    oldest = kept[0].base if kept else 0
    given_out = log.since(version)
    if not oldest <= version <= reached:
        assert given_out is STALE
    elif version == reached:
        assert given_out == ()
    else:
        assert given_out is not STALE
        assert join(given_out) == diff(version, reached)
        assert given_out[1:] == tuple(kept[len(kept) - len(given_out) + 1 :])
