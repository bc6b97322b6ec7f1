"""Diffs, and how they join."""

import pytest

from grid_engine.diff import Diff, Put, Reload, Remove, join
from tests.grid_engine.making import booking

PUT = Put(2, booking("a", 0, 1))
REMOVE = Remove(3, "a", "shown-a", 5)
RELOAD = Reload(5)


def test_w2_a_diff_does_not_run_backwards():
    with pytest.raises(ValueError, match="backwards"):
        Diff(2, 1, ())


def test_w2_diffs_join_where_one_begins_at_the_others_end():
    joined = join([Diff(1, 2, (PUT,)), Diff(2, 3, (REMOVE,)), Diff(3, 5, (RELOAD,))])
    assert joined == Diff(1, 5, (PUT, REMOVE, RELOAD))


def test_w2_diffs_with_a_gap_do_not_join():
    with pytest.raises(ValueError, match="gap"):
        join([Diff(1, 2, (PUT,)), Diff(3, 5, (RELOAD,))])


def test_nothing_does_not_join():
    with pytest.raises(ValueError, match="nothing to join"):
        join([])


def test_w2_what_is_left_of_a_diff_begins_at_the_version_given():
    diff = Diff(1, 5, (PUT, REMOVE, RELOAD))
    assert diff.after(1) == diff
    assert diff.after(2) == Diff(2, 5, (REMOVE, RELOAD))
    assert diff.after(5) == Diff(5, 5, ())


@pytest.mark.parametrize("version", [0, 6])
def test_w2_nothing_is_left_of_a_diff_for_versions_it_does_not_span(version):
    with pytest.raises(ValueError, match="not within"):
        Diff(1, 5, ()).after(version)
