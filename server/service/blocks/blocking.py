"""Blocking many resources at once, once or again and again: one order, one change (B2, B3)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from grid_engine.interval import Interval
from grid_engine.records import Block as BlockRecord
from grid_engine.records import Hold, Record
from server.commands import format_instant
from server.errors import Fault, Malformed
from server.live.desk import Done
from server.service.blocks.occurrences import WallSpan, apart, interval_on, spans_of, wall_span
from server.service.blocks.pieces import Label, Pieces
from server.service.blocks.placing import Placed, Wanted, place
from server.service.blocks.requests import Block
from server.service.bookings.times import interval_of
from server.service.deliberation import Deliberation
from server.service.identifiers import new_booking_id
from server.service.orders import Decision, Order, Rejected
from server.storage.series import SeriesChange, StoredOccurrence, StoredSeries

MOST_BLOCKS = 10_000
"""Of one request: a thousand occurrences on ten bays. They are shown as one change, which every node takes in one go."""


@dataclass(frozen=True, slots=True)
class Planned:
    """An occurrence, on the wall and as the interval that it is there; None where the clocks leave nothing of it."""

    number: int
    wall: WallSpan
    interval: Interval | None


def block(order: Order, deliberation: Deliberation) -> Decision:
    """201 with what was blocked, left out and cancelled; a rehearsal is 200 with what is in the way."""
    body = order.body(Block)
    resource_ids = tuple(dict.fromkeys(body.resource_ids))
    for resource_id in resource_ids:
        deliberation.require_resource(resource_id)
    planned = plan(body, deliberation.state.timezone)
    placed = place(
        [
            Wanted(each.number, resource_id, each.interval)
            for each in planned
            if each.interval is not None
            for resource_id in resource_ids
        ],
        None if body.dry_run else body.on_conflict,
        deliberation.facts(None),
        role=order.role,
        override_reason=body.override_reason,
    )
    if isinstance(placed, Rejected):
        return placed
    if body.dry_run:
        return Done(status=200, body=_rehearsed(planned, placed), stands=False)

    series = _series(order, body, resource_ids, planned[0].wall, deliberation)
    deliberation.stage_series(_as_asked(series, planned))
    pieces = Pieces(
        order, deliberation, series.id, waived=placed.waived, override_reason=body.override_reason
    )
    cancelled = pieces.cancel(placed.cancelled)
    label = Label(type=body.type, reason=body.reason)
    for piece in placed.pieces:
        pieces.create(piece, label)
    return Done(
        status=201,
        body={
            "series_id": series.id,
            "created": pieces.created,
            "skipped": told_spans(placed.skipped),
            "cancelled": [booking.id for booking in cancelled],
        },
        version=deliberation.version_being_made,
    )


def require_few(blocks: int) -> None:
    """Raises ``Malformed`` for more blocks than one change may be about."""
    if blocks > MOST_BLOCKS:
        raise Malformed(faults=[Fault("/resource_ids", f"would make more than {MOST_BLOCKS:,} blocks")])


def told_spans(wanted: Sequence[Wanted]) -> list[dict[str, Any]]:
    """Time on resources, as it is told."""
    return [{"resource_id": each.resource_id, **_times(each.interval)} for each in wanted]


def plan(body: Block, timezone: str) -> list[Planned]:
    """The occurrences, by their wall times; the first with its times as they were given (T3).

    Raises:
        Malformed: if the end is not after the start, the recurrence is no rule that ends in time, or there are too many.
        Refused: if a wall time of the first does not exist or occurs twice.
    """
    given = interval_of(body.start_time, body.end_time, body.resource_ids[0], timezone)
    first = wall_span(given, timezone)
    walls = spans_of(body.recurrence, first, timezone)
    require_few(len(walls) * len(body.resource_ids))
    intervals = apart([given if wall == first else interval_on(wall, timezone) for wall in walls])
    return [
        Planned(number, wall, interval)
        for number, (wall, interval) in enumerate(zip(walls, intervals, strict=True))
    ]


def _series(
    order: Order, body: Block, resource_ids: tuple[int, ...], first: WallSpan, deliberation: Deliberation
) -> StoredSeries:
    return StoredSeries(
        id=new_booking_id(deliberation.clock),
        location_id=order.location_id,
        type=body.type,
        reason=body.reason,
        recurrence=body.recurrence,
        start_wall=first.start,
        end_wall=first.end,
        resource_ids=resource_ids,
        created_by=order.principal.user_id,
        created_at=deliberation.now,
        updated_at=deliberation.now,
    )


def _as_asked(series: StoredSeries, planned: Sequence[Planned]) -> SeriesChange:
    return SeriesChange(
        series=series,
        occurrences=[
            StoredOccurrence(
                number=each.number,
                type=series.type,
                reason=series.reason,
                start_wall=each.wall.start,
                end_wall=each.wall.end,
                resource_ids=series.resource_ids,
            )
            for each in planned
        ],
    )


def _rehearsed(planned: Sequence[Planned], placed: Placed) -> dict[str, Any]:
    return {
        "occurrences": [_times(each.interval) for each in planned if each.interval is not None],
        "collisions": [_collision(record) for record in placed.collisions],
    }


def _collision(record: Record) -> dict[str, Any]:
    return {
        "resource_id": record.resource_id,
        **_times(record.interval),
        "booking_id": record.id,
        "type": record.type if isinstance(record, BlockRecord) else "CUSTOMER",
        "status": "held" if isinstance(record, Hold) else record.status,
        "who": "" if isinstance(record, BlockRecord) else record.who,
    }


def _times(interval: Interval) -> dict[str, str]:
    return {"start_time": format_instant(interval.start), "end_time": format_instant(interval.end)}
