"""Editing a series of blocks and ending it: whole, from one occurrence on, or one alone (B6).

Each is one order and one change, like the request that made the series. What is over stays as it was.
"""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import cast

from grid_engine.interval import Interval, gaps
from grid_engine.records import BlockType
from server.errors import Fault, Malformed, NotActive
from server.live.desk import Done
from server.service.blocks.blocking import require_few, told_spans
from server.service.blocks.occurrences import WallSpan, apart, interval_on, require_apart, wall_span
from server.service.blocks.pieces import Label, Pieces
from server.service.blocks.placing import Placed, Wanted, place
from server.service.blocks.reaching import Standing, over, reached, standing_occurrences
from server.service.blocks.requests import EditSeries, EndSeries, SeriesChanges
from server.service.bookings.times import interval_of
from server.service.deliberation import Deliberation
from server.service.orders import Decision, Order, Rejected
from server.storage.series import SeriesChange, StoredOccurrence, StoredSeries
from server.storage.stored_booking import StoredBooking


@dataclass(frozen=True, slots=True, kw_only=True)
class _Edited:
    """An occurrence on its way: as it stands, what it is to want, and when that is; None where the clocks leave nothing.

    ``replaced`` are the resources on which it is placed anew, ``kept`` those on which its blocks stay where they are.
    """

    standing: Standing
    wanted: StoredOccurrence
    interval: Interval | None
    replaced: Sequence[int]
    kept: Sequence[int]

    @property
    def label(self) -> Label:
        """What is written on its blocks."""
        return Label(type=cast("BlockType", self.wanted.type), reason=self.wanted.reason)


def edit_series(order: Order, deliberation: Deliberation) -> Decision:
    """200 with what became of the blocks; where nothing differs nothing is changed."""
    body = order.body(EditSeries)
    whole = deliberation.series(order.target)
    occurrences = standing_occurrences(whole, deliberation.state.timezone)
    concerned = reached(occurrences, body.which, deliberation.now)
    if not concerned:
        return NotActive("What of the series is meant is over, or was deleted")
    edited = _edited(body, concerned, deliberation)
    wanted = list(_wanted(edited, deliberation))
    require_few(len(wanted))
    vacating = {block.id for each in edited for block in _vacated(each, deliberation)}
    placed: Placed | Rejected = place(
        wanted,
        body.changes.on_conflict,
        deliberation.facts(None),
        role=order.role,
        override_reason=body.changes.override_reason,
        excluding=vacating,
    )
    if isinstance(placed, Rejected):
        return placed

    pieces = Pieces(
        order,
        deliberation,
        whole.series.id,
        waived=placed.waived,
        override_reason=body.changes.override_reason,
    )
    cancelled = pieces.cancel(placed.cancelled)
    for each in edited:
        _apply(each, placed, pieces, deliberation)
    _stage_series(body, whole.series, edited, deliberation)
    return Done(
        status=200,
        body={
            "series_id": whole.series.id,
            "created": pieces.created,
            "changed": pieces.changed,
            "removed": pieces.removed,
            "skipped": told_spans(placed.skipped),
            "cancelled": [booking.id for booking in cancelled],
        },
        version=deliberation.version_being_made,
    )


def end_series(order: Order, deliberation: Deliberation) -> Decision:
    """200 with how many blocks were taken away; what is gone already is none."""
    body = order.body(EndSeries)
    whole = deliberation.series(order.target)
    occurrences = standing_occurrences(whole, deliberation.state.timezone)
    concerned = reached(occurrences, body.which, deliberation.now)
    named = next((each for each in occurrences if each.number == body.which.number), None)
    if body.which.scope == "one" and named is not None and not concerned:
        return NotActive("The occurrence is over")
    pieces = Pieces(order, deliberation, whole.series.id, waived={}, override_reason=None)
    for each in concerned:
        for block in each.all_blocks():
            if not over(block, deliberation.now):
                pieces.end(block)
    if concerned:
        deliberation.stage_series(
            SeriesChange(
                series=replace(whole.series, updated_at=deliberation.now),
                ended=[each.number for each in concerned],
            )
        )
    return Done(
        status=200,
        body={"series_id": whole.series.id, "removed": pieces.removed},
        version=deliberation.version_being_made,
    )


def _edited(body: EditSeries, concerned: Sequence[Standing], deliberation: Deliberation) -> list[_Edited]:
    """The occurrences as they are to be.

    Raises:
        Malformed: if one would end before it begins, or overlap another.
        Refused: if a wall time that was given does not exist or occurs twice (T3).
        NotFound: if a resource that was given is none of the location's.
    """
    changes = body.changes
    given = tuple(dict.fromkeys(changes.resource_ids)) if changes.resource_ids else None
    for resource_id in given or ():
        deliberation.require_resource(resource_id)
    moves = changes.start_time is not None or changes.end_time is not None
    walls, intervals = _times(body, concerned, deliberation) if moves else _as_they_are(concerned)
    edited = []
    for standing, wall, interval in zip(concerned, walls, intervals, strict=True):
        before = standing.wanted
        resource_ids = before.resource_ids if given is None else given
        # A resource that was closed since keeps its blocks where they are, unless it is not wanted any more.
        open_ones = [each for each in resource_ids if deliberation.is_open(each)]
        replaced = [each for each in open_ones if moves or each not in before.resource_ids]
        edited.append(
            _Edited(
                standing=standing,
                wanted=replace(
                    before,
                    type=changes.type or before.type,
                    reason=changes.reason or before.reason,
                    start_wall=wall.start,
                    end_wall=wall.end,
                    resource_ids=resource_ids,
                ),
                interval=interval,
                replaced=replaced,
                kept=[each for each in resource_ids if each not in replaced],
            )
        )
    return edited


def _as_they_are(concerned: Sequence[Standing]) -> tuple[list[WallSpan], list[Interval | None]]:
    return [each.wall for each in concerned], apart([each.interval for each in concerned])


def _times(
    body: EditSeries, concerned: Sequence[Standing], deliberation: Deliberation
) -> tuple[list[WallSpan], list[Interval | None]]:
    """The times of each, put off on the clocks as those of the occurrence that the given times are for."""
    timezone = deliberation.state.timezone
    reference = next((each for each in concerned if each.number == body.which.number), concerned[0])
    given, by = _shift(body.changes, reference, timezone)
    walls = [each.wall.shifted(*by) for each in concerned]
    if any(wall.end <= wall.start for wall in walls):
        raise Malformed(faults=[Fault("/end_time", "must be after start_time for each occurrence")])
    require_apart(walls, "/start_time")
    return walls, apart(
        [
            given if each is reference else interval_on(wall, timezone)
            for each, wall in zip(concerned, walls, strict=True)
        ]
    )


def _shift(
    changes: SeriesChanges, reference: Standing, timezone: str
) -> tuple[Interval, tuple[dt.timedelta, dt.timedelta]]:
    """(the reference's new times, by how much its start and its end are put off on the clocks)."""
    now = reference.interval
    given = interval_of(
        now.start if changes.start_time is None else changes.start_time,
        now.end if changes.end_time is None else changes.end_time,
        reference.wanted.resource_ids[0],
        timezone,
    )
    wall = wall_span(given, timezone)
    nothing = dt.timedelta(0)
    return given, (
        nothing if changes.start_time is None else wall.start - reference.wall.start,
        nothing if changes.end_time is None else wall.end - reference.wall.end,
    )


def _wanted(edited: Iterable[_Edited], deliberation: Deliberation) -> Iterable[Wanted]:
    """What is to be placed anew: all of an occurrence but what is over of it."""
    for each in edited:
        if each.interval is None:
            continue
        for resource_id in each.replaced:
            past = [
                block.interval
                for block in each.standing.blocks.get(resource_id, ())
                if over(block, deliberation.now)
            ]
            for interval in gaps(each.interval, past):
                yield Wanted(each.standing.number, resource_id, interval)


def _vacated(edited: _Edited, deliberation: Deliberation) -> list[StoredBooking]:
    """Its blocks that do not stay where they are."""
    return [
        block
        for resource_id, blocks in edited.standing.blocks.items()
        if resource_id not in edited.kept
        for block in blocks
        if not over(block, deliberation.now)
    ]


def _apply(edited: _Edited, placed: Placed, pieces: Pieces, deliberation: Deliberation) -> None:
    """Has its blocks be the pieces that were placed, changing those that there are before making others."""
    number = edited.standing.number
    for resource_id in edited.kept:
        for block in edited.standing.blocks.get(resource_id, ()):
            if not over(block, deliberation.now):
                pieces.change(block, block.interval, edited.label)
    vacated: dict[int, list[StoredBooking]] = {}
    for block in _vacated(edited, deliberation):
        vacated.setdefault(block.resource_id, []).append(block)
    for resource_id in sorted({*vacated, *edited.replaced}):
        there = placed.of(number, resource_id)
        for piece, had in zip_longest(there, vacated.get(resource_id, ())):
            if piece is None:
                pieces.end(had)
            elif had is None:
                pieces.create(piece, edited.label)
            else:
                pieces.change(had, piece.interval, edited.label)


def _stage_series(
    body: EditSeries, series: StoredSeries, edited: Sequence[_Edited], deliberation: Deliberation
) -> None:
    """Has what the series wants by now be kept; nothing, if that is what it wanted before."""
    different = [each.wanted for each in edited if each.wanted != each.standing.wanted]
    if not different:
        return
    after = replace(series, updated_at=deliberation.now)
    if body.which.scope == "all":
        first, before = edited[0].wanted, edited[0].standing.wanted
        after = replace(
            after,
            type=body.changes.type or series.type,
            reason=body.changes.reason or series.reason,
            resource_ids=first.resource_ids if body.changes.resource_ids else series.resource_ids,
            start_wall=series.start_wall + (first.start_wall - before.start_wall),
            end_wall=series.end_wall + (first.end_wall - before.end_wall),
        )
    deliberation.stage_series(SeriesChange(series=after, occurrences=different))
