"""Lists in pages: ``{items, next_cursor}`` by ``?limit`` and ``?cursor``.

Belongs here: cursors, which name the last item of the page before, so that pages neither repeat nor skip when rows come
and go. Does not belong here: the queries, which take ``after`` and one more than the limit.
"""

import base64
import json
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from server.errors import Fault, Malformed

MAX_LIMIT = 200
_NUMBERS = range(-62_135_596_800, 253_402_300_800)
"""Of the calendar's instants, which no id and no count comes near."""

Item = TypeVar("Item")
Row = TypeVar("Row")


class Page(BaseModel, Generic[Item]):
    """One page of a list; ``next_cursor`` is null on the last. ``stale`` is there, and true, for what comes from memory
    while the database is away (P2).
    """

    items: list[Item]
    next_cursor: str | None
    stale: bool = Field(default=False, exclude_if=lambda stale: not stale)


class PageQuery(BaseModel):
    """The parameters of every list; subclass it to add filters."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    limit: int = Field(default=MAX_LIMIT, ge=1, le=MAX_LIMIT)
    cursor: str | None = Field(default=None, max_length=500)

    def after(self, *kinds: type) -> tuple[Any, ...] | None:
        """The sort key of the last item of the page before, which has values of these types; None for the first page.

        Raises:
            Malformed: if the cursor is none that this list gave.
        """
        if self.cursor is None:
            return None
        try:
            key = json.loads(base64.urlsafe_b64decode(self.cursor.encode("ascii") + b"=="))
        except (ValueError, RecursionError):
            key = None
        if (
            not isinstance(key, list)
            or len(key) != len(kinds)
            or any(type(value) is not kind for value, kind in zip(key, kinds, strict=True))
            or any(isinstance(value, int) and value not in _NUMBERS for value in key)
            or any(isinstance(value, str) and not _sound(value) for value in key)
        ):
            raise Malformed(faults=[Fault("query:cursor", "is not a cursor of this list")])
        return tuple(key)


def _sound(text: str) -> bool:
    return "\x00" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


def page_of(
    rows: Sequence[Row],
    limit: int,
    render: Callable[[Row], Item],
    key: Callable[[Row], Sequence[Any]],
    *,
    stale: bool = False,
) -> Page[Item]:
    """A page from up to ``limit + 1`` rows; ``key`` gives a row's sort key as JSON values, its id last."""
    kept = rows[:limit]
    more = len(rows) > limit
    cursor = (
        base64.urlsafe_b64encode(json.dumps(list(key(kept[-1]))).encode()).decode().rstrip("=")
        if more
        else None
    )
    return Page(items=[render(row) for row in kept], next_cursor=cursor, stale=stale)
