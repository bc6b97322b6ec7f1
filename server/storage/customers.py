"""What the rules need to know of customers: tier, tags, restrictions, and what they have booked."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from grid_engine.interval import Instant, Interval
from rules.policy import Restriction, RestrictionKind, Tier
from server.storage.database import Connection, Row
from server.storage.refusals import read_favourites
from server.storage.stored_booking import moment, to_instant_or_none


@dataclass(frozen=True, slots=True, kw_only=True)
class ActiveBooking:
    """A held or confirmed booking that counts towards a customer's limit (R11)."""

    id: str
    location_id: int
    interval: Interval
    held: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """An account as the rules see it; ``restrictions`` are those not lifted, expired ones included.

    ``favourites`` are (resource id, minute of the week) of what the customer keeps asking for, most wanted first (R22). They
    are read for verdicts; what is posted and accepted has no use for them.
    """

    id: int
    name: str
    role: str
    active: bool
    tier: Tier | None
    tags: tuple[str, ...]
    restrictions: tuple[Restriction, ...] = ()
    bookings: tuple[ActiveBooking, ...] = ()
    favourites: tuple[tuple[int, int], ...] = ()


_ACCOUNTS = (
    "SELECT id, name, role, active, membership_tier, tags FROM users WHERE id = ANY($1::bigint[]) ORDER BY id"
)

_RESTRICTIONS = """
SELECT user_id, restriction_type, value, expires_at FROM booking_restrictions
WHERE user_id = ANY($1::bigint[]) AND lifted_at IS NULL AND (expires_at IS NULL OR expires_at > $2)
"""

_ACTIVE = """
SELECT user_id, id, location_id, status, extract(epoch FROM start_time)::bigint AS starts,
       extract(epoch FROM end_time)::bigint AS ends
FROM bookings WHERE user_id = ANY($1::bigint[]) AND end_time > $2
  AND status IN ('held', 'confirmed') AND (status = 'confirmed' OR expires_at > $2)
ORDER BY start_time, id
"""


async def lock_accounts(connection: Connection, ids: Collection[int]) -> Mapping[int, Customer]:
    """Locks the accounts in order of their ids, so that what they book is counted by one at a time (R16)."""
    return _accounts(await connection.fetch(f"{_ACCOUNTS} FOR NO KEY UPDATE", sorted(ids)))


async def read_customers(connection: Connection, ids: Collection[int], now: Instant) -> dict[int, Customer]:
    """The customers with restrictions, bookings and favourites, unlocked: good enough for verdicts and listings."""
    accounts = _accounts(await connection.fetch(_ACCOUNTS, sorted(ids)))
    customers = await with_circumstances(connection, accounts, now)
    favourites = await read_favourites(connection, customers, now)
    return {id_: replace(each, favourites=favourites.get(id_, ())) for id_, each in customers.items()}


async def with_circumstances(
    connection: Connection, accounts: Mapping[int, Customer], now: Instant
) -> dict[int, Customer]:
    """The same accounts with their restrictions and the bookings that end after ``now``."""
    if not accounts:
        return {}
    ids = sorted(accounts)
    restrictions: dict[int, list[Restriction]] = {id_: [] for id_ in ids}
    for row in await connection.fetch(_RESTRICTIONS, ids, moment(now)):
        restrictions[row["user_id"]].append(
            Restriction(
                kind=RestrictionKind(row["restriction_type"]),
                value=row["value"],
                expires_at=to_instant_or_none(row["expires_at"]),
            )
        )
    bookings: dict[int, list[ActiveBooking]] = {id_: [] for id_ in ids}
    for row in await connection.fetch(_ACTIVE, ids, moment(now)):
        bookings[row["user_id"]].append(
            ActiveBooking(
                id=str(row["id"]),
                location_id=row["location_id"],
                interval=Interval(row["starts"], row["ends"]),
                held=row["status"] == "held",
            )
        )
    return {
        id_: replace(account, restrictions=tuple(restrictions[id_]), bookings=tuple(bookings[id_]))
        for id_, account in accounts.items()
    }


def _accounts(rows: Collection[Row]) -> dict[int, Customer]:
    return {
        row["id"]: Customer(
            id=row["id"],
            name=row["name"],
            role=row["role"],
            active=row["active"],
            tier=Tier(row["membership_tier"]) if row["membership_tier"] else None,
            tags=tuple(row["tags"]),
        )
        for row in rows
    }
