"""What admins ask of blocks: the bodies of the orders that come of it, told apart as commands are (G7)."""

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from grid_engine.records import BlockType
from server.commands import Body, Id, Reason, Text, Time
from server.service.blocks.recurrence import LONGEST_TEXT

OnConflict: TypeAlias = Literal["fail", "skip", "book_around", "cancel"]
"""What becomes of a block that something is in the way of (B3): all is refused, it is left out, it is split round what is
there, or the bookings that are there are cancelled.
"""
ResourceIds: TypeAlias = Annotated[tuple[Id, ...], Field(min_length=1, max_length=1000)]
Rule: TypeAlias = Annotated[
    Text,
    Field(
        max_length=LONGEST_TEXT,
        description="An RFC 5545 RRULE in wall time at the location. It must end: COUNT or UNTIL, within two years and 1,000 "
        "occurrences.",
        examples=["FREQ=WEEKLY;BYDAY=MO,WE;COUNT=20"],
    ),
]
Reach: TypeAlias = Literal["all", "from", "one"]


class Block(Body):
    """Take time out of use on some resources of a location, once or again and again."""

    location_id: Id
    resource_ids: ResourceIds
    type: BlockType
    reason: Reason
    start_time: Time
    end_time: Time
    recurrence: Rule | None = None
    on_conflict: OnConflict = "fail"
    dry_run: bool = False
    override_reason: Reason | None = None


class SeriesChanges(Body):
    """What is to change; what is left out stays as it is.

    ``start_time`` and ``end_time`` are for the occurrence that is named or, with none named, the first that is not over. The
    others are put off by as much on the clocks.
    """

    type: BlockType | None = None
    reason: Reason | None = None
    resource_ids: ResourceIds | None = None
    start_time: Time | None = None
    end_time: Time | None = None
    on_conflict: OnConflict = "fail"
    override_reason: Reason | None = None


class Occurrences(Body):
    """Which occurrences of a series are meant, never those that are over: ``number`` is the one for ``from`` and ``one``."""

    scope: Reach = "all"
    number: int | None = None


class EditSeries(Body):
    """Change occurrences of a series."""

    which: Occurrences
    changes: SeriesChanges


class EndSeries(Body):
    """Delete occurrences of a series."""

    which: Occurrences
