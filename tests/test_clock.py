"""T7: one clock, which starts where it is told and runs at normal speed."""

import pickle
import time

import pytest

from server.clock import Clock, ManualClock


def test_t7_clock_is_the_systems_unless_told_otherwise() -> None:
    before = time.time()
    read = Clock.starting_at(None).now_precise()
    assert before <= read <= time.time()


def test_t7_clock_starts_where_it_is_told_and_runs_at_normal_speed() -> None:
    began = time.monotonic()
    clock = Clock.starting_at(1_000_000_000)
    first = clock.now_precise()
    while clock.now_precise() - first < 0.05:
        pass
    assert first == pytest.approx(1_000_000_000, abs=0.05)
    assert clock.now_precise() - first == pytest.approx(time.monotonic() - began, abs=0.05)


def test_t7_worker_that_gets_the_clock_later_tells_the_same_time() -> None:
    clock = Clock.starting_at(1_000_000_000)
    copied = pickle.loads(pickle.dumps(clock))
    assert copied.now_precise() == pytest.approx(clock.now_precise(), abs=0.01)


@pytest.mark.parametrize(("instant", "whole"), [(10.999, 10), (-0.5, -1), (0.0, 0)])
def test_t7_whole_seconds_are_rounded_down_before_1970_too(instant: float, whole: int) -> None:
    assert ManualClock(instant).now() == whole


def test_manual_clock_stands_still_until_moved_and_never_runs_backwards() -> None:
    clock = ManualClock(100)
    assert clock.now() == clock.now() == 100
    clock.advance(1.5)
    assert clock.now_precise() == 101.5
    with pytest.raises(ValueError, match="backwards"):
        clock.advance(-1)
