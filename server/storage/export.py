"""Reading everything, row by row, for an export.

Belongs here: queries through cursors, in a transaction of the caller's. Does not belong here: what is told of a row.
"""

from collections.abc import AsyncIterator
from typing import Final

from server.storage.database import Connection, Row

_AT_ONCE: Final = 1_000

_LOCATIONS = "SELECT name, timezone, slot_minutes, policy, active FROM locations ORDER BY name, id"

_RESOURCES = """
SELECT l.name AS location, r.name, r.position, r.active FROM resources r JOIN locations l ON l.id = r.location_id
ORDER BY l.name, l.id, r.position, r.id
"""

_USERS = """
SELECT u.email, u.phone, u.name, u.role, u.tags, u.membership_tier, u.hubspot_id, u.language, u.sms_consent, u.active,
       u.email_proven, u.phone_proven, u.created_at,
       ARRAY(SELECT l.name FROM user_locations w JOIN locations l ON l.id = w.location_id WHERE w.user_id = u.id
             ORDER BY l.name) AS locations
FROM users u WHERE u.email IS NOT NULL OR u.phone IS NOT NULL ORDER BY lower(u.email), u.phone
"""

# A booking goes by its id, unless the system that it was imported from has another name for it.
_BOOKINGS = """
SELECT coalesce(o.external_id, b.id::text) AS external_id, l.name AS location, r.name AS resource, b.start_time, b.end_time,
       coalesce(u.email, u.phone) AS customer, u.name AS customer_name, v.name AS visitor_name, v.phone AS visitor_phone,
       b.type, b.status, b.code, b.note, b.internal_note, b.reason, b.reschedule_count, b.attended_at, b.cancel_reason,
       b.created_at
FROM bookings b
JOIN locations l ON l.id = b.location_id
JOIN resources r ON r.id = b.resource_id
LEFT JOIN users u ON u.id = b.user_id
LEFT JOIN visitors v ON v.id = b.visitor_id
LEFT JOIN LATERAL (
    SELECT external_id FROM booking_origins WHERE booking_id = b.id AND external_id NOT LIKE '=%'
    ORDER BY external_id LIMIT 1
) o ON true
WHERE b.status NOT IN ('held', 'expired')
ORDER BY l.name, l.id, b.start_time, r.position, r.id, b.created_at, external_id
"""


def locations(connection: Connection) -> AsyncIterator[Row]:
    """All locations by name."""
    return _rows(connection, _LOCATIONS)


def resources(connection: Connection) -> AsyncIterator[Row]:
    """All resources by location and column."""
    return _rows(connection, _RESOURCES)


def users(connection: Connection) -> AsyncIterator[Row]:
    """All accounts that have an address or a phone, open or closed."""
    return _rows(connection, _USERS)


def bookings(connection: Connection) -> AsyncIterator[Row]:
    """All bookings and blocks but holds, by location and start."""
    return _rows(connection, _BOOKINGS)


async def _rows(connection: Connection, query: str) -> AsyncIterator[Row]:
    async for row in connection.cursor(query, prefetch=_AT_ONCE, timeout=600):
        yield row
