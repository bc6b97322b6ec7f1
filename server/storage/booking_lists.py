"""Lists of bookings by what somebody looks for, so that each is found by an index.

Belongs here: the conditions of a list as SQL that Postgres can answer without reading a location's whole history. Does not
belong here: who may see what (``server.service``).
"""

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from grid_engine.interval import Instant
from server.storage.database import Connection
from server.storage.stored_booking import StoredBooking, from_row, moment, overlapping, select_booking

_MOST_PEOPLE = 500
"""A name that more people bear is found soon enough by reading bookings in their order."""
_TRIGRAM = 3
"""Shorter texts no index of parts of words can find."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BookingFilter:
    """Which bookings are listed: all that meet every condition that is not None, overlapping ``[starts, ends)``.

    ``visible_to`` limits the list to what somebody may see: bookings of that account, and all at the locations
    ``visible_at`` (None means at every location).
    """

    location_id: int | None = None
    resource_id: int | None = None
    user_id: int | None = None
    status: str | None = None
    type: str | None = None
    ends_after: Instant | None = None
    starts_before: Instant | None = None
    search: str | None = None
    visible_to: int | None = None
    visible_at: Collection[int] | None = None


async def list_bookings(
    connection: Connection,
    condition: BookingFilter,
    *,
    after: tuple[Instant, uuid.UUID] | None,
    limit: int,
) -> list[StoredBooking]:
    """At most ``limit`` bookings in order of start and id, beginning behind ``after``."""
    where = _Conditions()
    _seen(where, condition)
    if condition.search is not None:
        await _search(connection, where, condition.search)
    if condition.status is not None:
        where.add("b.status = {}", condition.status)
    if condition.type is not None:
        where.add("b.type = {}", condition.type)
    if condition.starts_before is not None:
        where.add("b.start_time < {}", moment(condition.starts_before))
    if after is not None:
        where.add("(b.start_time, b.id) > ({}, {}::uuid)", moment(after[0]), after[1])
    first = f"ORDER BY b.start_time, b.id LIMIT {int(limit)}"
    source = "bookings"
    if condition.ends_after is not None:
        start = where.value(moment(condition.ends_after))
        source, where.clauses = overlapping(str(where), start, None, first=first), []
    rows = await connection.fetch(f"{select_booking(source)} WHERE {where} {first}", *where.values)
    return [from_row(row) for row in rows]


class _Conditions:
    """Conditions that are all to be met, and the values of their parameters."""

    def __init__(self) -> None:
        self.clauses: list[str] = []
        self.values: list[Any] = []

    def value(self, given: Any) -> str:
        """A parameter of that value."""
        self.values.append(given)
        return f"${len(self.values)}"

    def add(self, clause: str, *given: Any) -> None:
        """One more condition, with ``{}`` in place of each value."""
        self.clauses.append(clause.format(*(self.value(each) for each in given)))

    def __str__(self) -> str:
        return " AND ".join(self.clauses) or "true"


def _seen(where: _Conditions, condition: BookingFilter) -> None:
    """Where and whose they are, and of those what somebody may see."""
    if condition.location_id is not None:
        where.add("b.location_id = {}::bigint", condition.location_id)
    if condition.resource_id is not None:
        where.add("b.resource_id = {}::bigint", condition.resource_id)
        if condition.location_id is None:
            # Of a location bookings are read in their order; of a resource there is no such index.
            where.add(
                "b.location_id = (SELECT location_id FROM resources WHERE id = {}::bigint)",
                condition.resource_id,
            )
    if condition.user_id is not None:
        where.add("b.user_id = {}::bigint", condition.user_id)
    if condition.visible_at is None or condition.location_id in condition.visible_at:
        return
    if condition.visible_at and condition.location_id is None:
        where.add(
            "(b.user_id = {}::bigint OR b.location_id = ANY({}::bigint[]))",
            condition.visible_to,
            list(condition.visible_at),
        )
    else:
        where.add("b.user_id = {}::bigint", condition.visible_to)


_USER = "(u.name ILIKE {0} OR u.email ILIKE {0} OR u.phone ILIKE {0})"
_VISITOR = "(v.name ILIKE {0} OR v.phone ILIKE {0})"


async def _search(connection: Connection, where: _Conditions, text: str) -> None:
    """The code, or part of the note or of what is known of the customer.

    A few people are looked up first, and their bookings found by them; of many it is asked of one booking after the other
    whether it is one of theirs, which ends when the page is full.
    """
    pattern = "%" + text.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_") + "%"
    user_ids, visitor_ids = await _people(connection, text, pattern)
    ways = [f"b.code = upper({where.value(text)})"]
    likeness = where.value(pattern)
    ways.append(f"b.note ILIKE {likeness}")
    if user_ids is None or visitor_ids is None:
        ways += [
            # Not EXISTS, for which Postgres would look at everybody first.
            f"(SELECT {_USER.format(likeness)} FROM users u WHERE u.id = b.user_id)",  # noqa: S608 -- of constants alone
            f"(SELECT {_VISITOR.format(likeness)} FROM visitors v WHERE v.id = b.visitor_id)",  # noqa: S608 -- of constants alone
        ]
    else:
        ways += [
            f"b.user_id = ANY({where.value(user_ids)}::int[])",
            f"b.visitor_id = ANY({where.value(visitor_ids)}::int[])",
        ]
    where.add(f"({' OR '.join(ways)})")


async def _people(
    connection: Connection, text: str, pattern: str
) -> tuple[list[int] | None, list[int] | None]:
    """The ids of accounts and of visitors that the pattern fits; None where they are many."""
    if len(text) < _TRIGRAM:
        return None, None
    found = []
    for table, condition in (("users u", _USER), ("visitors v", _VISITOR)):
        rows = await connection.fetch(
            f"SELECT id FROM {table} WHERE {condition.format('$1')} LIMIT {_MOST_PEOPLE + 1}",  # noqa: S608 -- of constants alone
            pattern,
        )
        found.append([row["id"] for row in rows] if len(rows) <= _MOST_PEOPLE else None)
    return found[0], found[1]
