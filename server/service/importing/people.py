"""Accounts of an import: which rows are about whom, what they come to, and their writing.

An account is known by its address, or by its phone where a row gives no address. Belongs here: that. Does not belong here:
bookings, which find accounts in the same table (``storage.staged_bookings``).
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from grid_engine.interval import Instant
from server.errors import Duplicate, InUse, Problem
from server.service.addresses import FIELDS, Address, take_claims
from server.service.administration.configuration import Configuration
from server.service.administration.users import Users
from server.service.importing.report import Place, Progress, Report, Row
from server.service.importing.venues import CAUSE, Venues
from server.service.views import audited_account
from server.storage.accounts import Account
from server.storage.database import Connection
from server.storage.staged_users import StagedUser, StagedUsers, insert_accounts

BATCH = 1_000
_COLUMNS = {"email": "address", "phone": "phone number", "hubspot_id": "HubSpot id"}


class People:
    """The rows of ``users``, on the connection that stages them."""

    def __init__(
        self, connection: Connection, venues: Venues, report: Report, *, only_new: bool = False
    ) -> None:
        self._staged = StagedUsers(connection)
        self._venues = venues
        self._report = report
        self._only_new = only_new
        self._waiting: list[StagedUser] = []
        self._number = 0

    async def begin(self) -> None:
        """Makes room for rows."""
        await self._staged.create()

    async def take(self, row: Row) -> None:
        """Stages a row, with the ids of the locations that it names."""
        fields = dict(row.fields)
        if fields.get("email") is None and fields.get("phone") is None:
            return self._report.refuse(row.place, "users", "email", "or a phone is needed")
        if "locations" in fields:
            ids = []
            for name in fields.pop("locations"):
                location = self._venues.location(name)
                if isinstance(location, str):
                    return self._report.refuse(row.place, "users", "locations", location)
                ids.append(location.id)
            fields["location_ids"] = sorted(set(ids))
        self._number += 1
        self._waiting.append(StagedUser(self._number, row.place.file, row.place.line, fields))
        if len(self._waiting) >= BATCH:
            await self._flush()
        return None

    async def check(self) -> None:
        """Finds out whom the rows are about, and tells what is wrong and what they come to."""
        await self._flush()
        await self._staged.match()
        for column, called in _COLUMNS.items():
            await self._refuse(
                column,
                [
                    (number, Place(file, line), f"the same {called} is given before, at {first}:{first_line}")
                    for number, file, line, first, first_line in await self._staged.repeated(column)
                ],
            )
        for column in ("phone", "hubspot_id"):
            await self._refuse(
                column,
                [
                    (number, Place(file, line), f"another account has this {_COLUMNS[column]}")
                    for number, file, line in await self._staged.taken(column)
                ],
            )
        counts, nameless, after = self._report.counts["users"], [], 0
        while batch := await self._staged.batch(after, BATCH):
            for row, account in batch:
                if account is None and "name" not in row.fields:
                    nameless.append((row.number, Place(row.file, row.line), "is needed for a new account"))
                elif account is None:
                    counts.created += 1
                elif self._changes(row.fields, account):
                    counts.changed += 1
                else:
                    counts.unchanged += 1
            after = batch[-1][0].number
        await self._refuse("name", nameless)

    async def write(self, configuration: Configuration, users: Users, progress: Progress) -> None:
        """Writes the rows that are not left out, new accounts in batches, changes one by one.

        What somebody else took meanwhile is told as a fault.
        """
        after = 0
        while batch := await self._staged.batch(after, BATCH):
            new = [row for row, account in batch if account is None]
            await self._create(configuration, new)
            for row, account in batch:
                changes = {} if account is None else self._changes(row.fields, account)
                if account is not None and changes:
                    try:
                        await users.change(None, account.id, changes, cause=CAUSE)
                    except (Duplicate, InUse) as problem:
                        self._report.counts["users"].changed -= 1
                        self._told_late(row, problem)
            after = batch[-1][0].number
            progress.advance(len(batch))
        await self._staged.match_again()

    async def _create(self, configuration: Configuration, rows: list[StagedUser]) -> None:
        if not rows:
            return None
        now = configuration.clock.now()
        accounts = [self._new(row.fields, now) for row in rows]
        try:
            async with configuration.database.transaction() as connection:
                known = [
                    Address(field, address)
                    for account in accounts
                    for field in FIELDS
                    if (address := getattr(account, field)) and getattr(account, f"{field}_proven")
                ]
                await take_claims(connection, known, keeper=None, by=None, now=now)
                events = [
                    {"before": None, "after": audited_account(account), "cause": CAUSE}
                    for account in accounts
                ]
                await insert_accounts(connection, accounts, events, now)
        except Duplicate as problem:
            if len(rows) == 1:
                self._report.counts["users"].created -= 1
                return self._told_late(rows[0], problem)
            # Somebody signed up since it was looked at: find out who, and do the rest.
            for row in rows:
                await self._create(configuration, [row])
        return None

    def _new(self, fields: Mapping[str, Any], now: Instant) -> Account:
        blank = Account(
            id=0,
            name="",
            email=None,
            phone=None,
            role="customer",
            location_ids=(),
            tags=(),
            membership_tier=None,
            hubspot_id=None,
            language="en",
            sms_consent=False,
            active=True,
            created_at=datetime.fromtimestamp(now, UTC),
        )
        return replace(blank, **self._values(fields))

    def _changes(self, fields: Mapping[str, Any], account: Account) -> dict[str, Any]:
        """What of the account the row would change."""
        if self._only_new:
            return {}
        given = self._values(fields)
        for name in ("created_at", "email_proven", "phone_proven"):
            given.pop(name, None)
        if account.email is not None and (given.get("email") or "").lower() == account.email.lower():
            del given["email"]
        return {name: value for name, value in given.items() if getattr(account, name) != value}

    def _values(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """The row's fields as an account has them."""
        values = dict(fields)
        if "location_ids" in values:
            values["location_ids"] = tuple(sorted(map(self._venues.present_id, values["location_ids"])))
        if "tags" in values:
            values["tags"] = tuple(dict.fromkeys(values["tags"]))
        if "created_at" in values:
            values["created_at"] = datetime.fromtimestamp(values["created_at"], UTC)
        return values

    async def _refuse(self, column: str, rows: list[tuple[int, Place, str]]) -> None:
        for _, place, message in rows:
            self._report.refuse(place, "users", column, message)
        await self._staged.refuse([number for number, _, _ in rows])

    def _told_late(self, row: StagedUser, problem: Problem) -> None:
        self._report.refuse(Place(row.file, row.line), "users", None, problem.detail)

    async def _flush(self) -> None:
        if self._waiting:
            await self._staged.add(self._waiting)
            self._waiting = []
