"""Records and how to draw them, for the engine's tests."""

from collections.abc import Iterable
from typing import Any

from hypothesis import strategies as st

from grid_engine.interval import Interval
from grid_engine.records import Block, Booking, Hold, Record

MINUTE = 60


def booking(record_id: str, start: int, end: int, resource_id: int = 1, **fields: Any) -> Booking:
    """A booking from minute ``start`` to minute ``end``; known as ``shown-<id>``."""
    interval = Interval(start * MINUTE, end * MINUTE)
    return Booking(
        id=record_id, grid_id=f"shown-{record_id}", resource_id=resource_id, interval=interval, **fields
    )


def hold(record_id: str, start: int, end: int, resource_id: int = 1, **fields: Any) -> Hold:
    """A hold of user 5, as `booking`."""
    interval = Interval(start * MINUTE, end * MINUTE)
    return Hold(
        id=record_id,
        grid_id=f"shown-{record_id}",
        resource_id=resource_id,
        interval=interval,
        **{"user_id": 5, "expires_at": 0} | fields,
    )


def block(record_id: str, start: int, end: int, resource_id: int = 1, **fields: Any) -> Block:
    """A block for training, as `booking`."""
    interval = Interval(start * MINUTE, end * MINUTE)
    return Block(
        id=record_id,
        grid_id=f"shown-{record_id}",
        resource_id=resource_id,
        interval=interval,
        **{"type": "TRAINING"} | fields,
    )


def minutes(start: int, end: int) -> Interval:
    return Interval(start * MINUTE, end * MINUTE)


@st.composite
def intervals(draw: st.DrawFn, span: int = 40, longest: int = 40) -> Interval:
    """An interval of whole minutes that begins within the first ``span``; short as a rule."""
    start = draw(st.integers(0, span))
    length = draw(st.one_of(st.integers(1, 4), st.integers(1, longest)))
    return minutes(start, start + length)


@st.composite
def records(draw: st.DrawFn, ids: st.SearchStrategy[str] | None = None, span: int = 40) -> Record:
    """A booking, hold or block on one of three resources, with an id of few, so that ids meet again."""
    record_id = draw(ids if ids is not None else st.integers(0, 60).map(lambda number: f"r{number:02}"))
    interval = draw(intervals(span=span))
    common: dict[str, Any] = {
        "id": record_id,
        "grid_id": f"shown-{record_id}",
        "resource_id": draw(st.integers(1, 3)),
        "interval": interval,
        "created_by": draw(st.none() | st.integers(1, 9)),
    }
    match draw(st.sampled_from(("booking", "booking", "hold", "block"))):
        case "booking":
            return Booking(
                **common, user_id=draw(st.none() | st.integers(1, 9)), note=draw(st.none() | st.just("note"))
            )
        case "hold":
            return Hold(**common, user_id=draw(st.integers(1, 9)), expires_at=draw(st.integers(0, 99)))
        case _:
            return Block(**common, type=draw(st.sampled_from(("MAINTENANCE", "TRAINING"))))


def in_order(some: Iterable[Record]) -> list[Record]:
    return sorted(some, key=lambda record: (record.interval.start, record.interval.end, record.id))


def overlapping(some: Iterable[Record], interval: Interval, resource_id: int | None = None) -> list[Record]:
    """The oracle of every index: look at each record."""
    return in_order(
        [
            record
            for record in some
            if record.interval.start < interval.end
            and interval.start < record.interval.end
            and resource_id in (None, record.resource_id)
        ]
    )
