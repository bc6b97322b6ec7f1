"""Rows of accounts that an import looks at before it writes them, in a temporary table of one connection.

Belongs here: that table, and writing many accounts at once. Does not belong here: what is wrong with a row in words
(``service.importing``).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from grid_engine.interval import Instant
from server.storage.accounts import SELECT_ACCOUNT, Account, account_of
from server.storage.database import Connection
from server.storage.stored_booking import moment

PATIENCE_SECONDS: Final = 600.0
"""Statements over all rows of a large file take longer than a caller would wait for one."""

_TABLE = """
CREATE TEMP TABLE IF NOT EXISTS staged_users (
    number int PRIMARY KEY, file text NOT NULL, line int NOT NULL, email text, phone text, hubspot_id text,
    fields text NOT NULL, user_id int, refused boolean NOT NULL DEFAULT false
)
"""
_INDEXES = """
CREATE INDEX IF NOT EXISTS ix_staged_users_email ON staged_users (lower(email));
CREATE INDEX IF NOT EXISTS ix_staged_users_phone ON staged_users (phone) WHERE phone IS NOT NULL;
ANALYZE staged_users;
"""
_COLUMNS = ("number", "file", "line", "email", "phone", "hubspot_id", "fields")

_REPEATED = """
SELECT number, file, line, first_file, first_line FROM (
    SELECT number, file, line, row_number() OVER same AS place,
           first_value(file) OVER same AS first_file, first_value(line) OVER same AS first_line
    FROM staged_users WHERE {column} IS NOT NULL AND NOT refused WINDOW same AS (PARTITION BY {key} ORDER BY number)
) repeated WHERE place > 1 ORDER BY number
"""
_KEYS = {"email": "lower(email)", "phone": "phone", "hubspot_id": "hubspot_id"}

# Whoever only claims an address is not whom a row means that knows it to be somebody's: they would be given whatever it gives.
_CLAIMED = "(NOT u.{column}_proven AND (s.fields::jsonb ->> '{column}_proven') IS DISTINCT FROM 'false')"
_EMAIL_CLAIMED, _PHONE_CLAIMED = (_CLAIMED.format(column=column) for column in ("email", "phone"))
_MATCHES = (
    f"""
    UPDATE staged_users s SET user_id = u.id FROM users u
    WHERE s.email IS NOT NULL AND lower(u.email) = lower(s.email) AND NOT {_EMAIL_CLAIMED}
    """,  # noqa: S608 -- of constants alone
    f"""
    UPDATE staged_users s SET user_id = u.id FROM users u
    WHERE s.email IS NULL AND u.phone = s.phone AND NOT {_PHONE_CLAIMED}
    """,  # noqa: S608 -- of constants alone
)
_TAKEN = {
    "phone": f"""
    SELECT s.number, s.file, s.line FROM staged_users s JOIN users u ON u.phone = s.phone
    WHERE u.id IS DISTINCT FROM s.user_id AND NOT s.refused AND NOT {_PHONE_CLAIMED} ORDER BY s.number
    """,  # noqa: S608 -- of constants alone
    "hubspot_id": """
    SELECT s.number, s.file, s.line FROM staged_users s JOIN users u ON u.hubspot_id = s.hubspot_id
    WHERE u.id IS DISTINCT FROM s.user_id AND NOT s.refused ORDER BY s.number
    """,
}

_INSERT = """
INSERT INTO users (name, email, phone, role, tags, membership_tier, hubspot_id, language, sms_consent, active,
                   email_proven, phone_proven, tokens_after, created_at)
SELECT name, email, phone, role, tags, membership_tier, hubspot_id, language, sms_consent, active, email_proven, phone_proven,
       $2, created_at
FROM ROWS FROM (jsonb_to_recordset($1::jsonb) AS (
    name text, email text, phone text, role text, tags text[], membership_tier text, hubspot_id text, language text,
    sms_consent bool, active bool, email_proven bool, phone_proven bool, created_at timestamptz
)) WITH ORDINALITY AS a(name, email, phone, role, tags, membership_tier, hubspot_id, language, sms_consent, active,
                        email_proven, phone_proven, created_at, place)
ORDER BY place RETURNING id
"""
_AUDIT = """
INSERT INTO audit_events (subject_type, subject_id, event_type, actor_id, metadata, created_at)
SELECT 'user', id::text, 'created', NULL, metadata, $3
FROM unnest($1::int[], $2::jsonb[]) WITH ORDINALITY AS e(id, metadata, place) ORDER BY place
"""


@dataclass(frozen=True, slots=True)
class StagedUser:
    """A row; ``user_id`` is the account that it is about, where there is one."""

    number: int
    file: str
    line: int
    fields: Mapping[str, Any]
    user_id: int | None = None


class StagedUsers:
    """The rows of one import, on the connection that holds them."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def create(self) -> None:
        """Makes the table, or empties it; it goes with the connection."""
        await self._connection.execute(_TABLE)
        await self._connection.execute("TRUNCATE staged_users")

    async def add(self, rows: Sequence[StagedUser]) -> None:
        """Stages rows."""
        await self._connection.copy_records_to_table(
            "staged_users",
            columns=_COLUMNS,
            records=[
                (
                    row.number,
                    row.file,
                    row.line,
                    row.fields.get("email"),
                    row.fields.get("phone"),
                    row.fields.get("hubspot_id"),
                    json.dumps(row.fields),
                )
                for row in rows
            ],
        )

    async def match(self) -> None:
        """Finds the account that each row is about: by its address, or by its phone where it gives no address."""
        await self._connection.execute(_INDEXES, timeout=PATIENCE_SECONDS)
        await self.match_again()

    async def match_again(self) -> None:
        """As ``match``, once rows were written."""
        for statement in _MATCHES:
            await self._connection.execute(statement, timeout=PATIENCE_SECONDS)

    async def repeated(self, column: str) -> Sequence[tuple[int, str, int, str, int]]:
        """(number, file, line, the first's file, the first's line) of rows whose email, phone or HubSpot id came before."""
        query = _REPEATED.format(column=column, key=_KEYS[column])
        return [tuple(row) for row in await self._connection.fetch(query, timeout=PATIENCE_SECONDS)]

    async def taken(self, column: str) -> Sequence[tuple[int, str, int]]:
        """(number, file, line) of rows whose phone or HubSpot id is another account's."""
        return [tuple(row) for row in await self._connection.fetch(_TAKEN[column], timeout=PATIENCE_SECONDS)]

    async def refuse(self, numbers: Sequence[int]) -> None:
        """Leaves rows out from now on."""
        await self._connection.execute(
            "UPDATE staged_users SET refused = true WHERE number = ANY($1::int[])", list(numbers)
        )

    async def batch(self, after: int, limit: int) -> Sequence[tuple[StagedUser, Account | None]]:
        """The next rows that are not left out, in order, each with its account as it is now."""
        rows = await self._connection.fetch(
            "SELECT number, file, line, fields, user_id FROM staged_users WHERE number > $1 AND NOT refused "
            "ORDER BY number LIMIT $2",
            after,
            limit,
        )
        found = await self._connection.fetch(
            f"{SELECT_ACCOUNT} WHERE u.id = ANY($1::int[])",
            [row["user_id"] for row in rows if row["user_id"] is not None],
        )
        accounts = {row["id"]: account_of(row) for row in found}
        return [
            (
                StagedUser(
                    row["number"], row["file"], row["line"], json.loads(row["fields"]), row["user_id"]
                ),
                accounts.get(row["user_id"]),
            )
            for row in rows
        ]


async def insert_accounts(
    connection: Connection, accounts: Sequence[Account], events: Sequence[Mapping[str, Any]], now: Instant
) -> None:
    """Keeps new accounts without passwords, with their locations and one event of the audit each.

    Raises:
        Duplicate: if somebody has one of the addresses, phones or HubSpot ids; nothing is written then.
    """
    rows = await connection.fetch(
        _INSERT,
        [
            {
                "name": account.name,
                "email": account.email,
                "phone": account.phone,
                "role": account.role,
                "tags": list(account.tags),
                "membership_tier": account.membership_tier,
                "hubspot_id": account.hubspot_id,
                "language": account.language,
                "sms_consent": account.sms_consent,
                "active": account.active,
                "email_proven": account.email_proven,
                "phone_proven": account.phone_proven,
                "created_at": account.created_at.isoformat(),
            }
            for account in accounts
        ],
        moment(now),
    )
    ids = [row["id"] for row in rows]
    places = [
        (id_, location_id)
        for id_, account in zip(ids, accounts, strict=True)
        for location_id in account.location_ids
    ]
    await connection.execute(
        "INSERT INTO user_locations (user_id, location_id) SELECT * FROM unnest($1::int[], $2::int[])",
        [id_ for id_, _ in places],
        [location_id for _, location_id in places],
    )
    await connection.execute(_AUDIT, ids, list(events), moment(now))
