"""The database: can it be reached, is it what this release needs, and do its rows agree."""

from collections.abc import AsyncIterator, Iterator, Sequence

from server.clock import Clock
from server.doctor.findings import Finding, failed, ok, warning
from server.errors import ConfigurationError, Unavailable
from server.service.tokens import SigningKeys
from server.settings import Settings
from server.storage import Database
from server.storage.accounts import Accounts
from server.storage.database import Connection, why_away
from server.storage.inspection import (
    OLDEST_MAJOR,
    admins,
    database_time,
    guards,
    kept_keys,
    records,
    server_version,
)
from server.storage.migrations import newest_revision, revision_of

SKEW_TOLD_SECONDS = 5.0
SKEW_BORNE_SECONDS = 60.0
"""Tokens are refused between machines whose clocks differ by more (T7)."""


async def look_at_database(url: str, settings: Settings, clock: Clock) -> AsyncIterator[Finding]:
    """Each of its parts; of a database that cannot be used, only that."""
    database = Database(url, pool_size=2)
    await database.open()
    try:
        try:
            async with database.connection() as connection:
                major, version = await server_version(connection)
        except Unavailable as error:
            yield failed(
                "database",
                f"cannot be reached: {why_away(error)}",
                "check BAYGRID_DATABASE_URL, and that Postgres runs and lets this machine in",
            )
            return
        if major < OLDEST_MAJOR:
            yield failed("database", f"Postgres {version}", f"use Postgres {OLDEST_MAJOR} or newer")
            return
        yield ok("database", f"Postgres {version}")
        migrated = await _migrated(url)
        yield migrated
        if migrated.mend:
            return
        async with database.connection() as connection:
            async for finding in _parts(connection, clock):
                yield finding
            yield await _keys(connection, settings, Accounts(database), clock)
    finally:
        await database.close()


async def _migrated(url: str) -> Finding:
    there, newest = await revision_of(url), newest_revision()
    if there is None:
        return warning("tables", "there are none yet", "baygrid migrate, or the first start of a node")
    if there < newest:
        return failed("tables", f"at revision {there} of {newest}", "baygrid migrate")
    if there > newest:
        return failed(
            "tables",
            f"at revision {there}, which is newer than this release's {newest}",
            "install the release that migrated it",
        )
    return ok("tables", f"at revision {newest}")


async def _parts(connection: Connection, clock: Clock) -> AsyncIterator[Finding]:
    in_place = await guards(connection)
    if in_place.missing_extensions:
        names = ", ".join(in_place.missing_extensions)
        yield failed("extensions", f"{names} missing", f"as the database's owner: CREATE EXTENSION {names};")
    else:
        yield ok("extensions", "all there")
    if in_place.constraint:
        yield ok("double bookings", "Postgres refuses them")
    else:
        yield failed(
            "double bookings",
            "the constraint ex_bookings_occupancy is missing or not valid: nothing refuses them",
            "restore a backup, or make it again as the first revision does, after mending the bookings that overlap",
        )
    if in_place.unguarded:
        names = ", ".join(in_place.unguarded)
        yield failed(
            "audit",
            f"{names} can be changed: the triggers append_only are missing or disabled",
            f"ALTER TABLE {in_place.unguarded[0]} ENABLE TRIGGER USER; or restore a backup",
        )
    else:
        yield ok("audit", "append-only")
    yield _skew(await database_time(connection) - Clock().now_precise())
    for finding in await _records(connection, clock):
        yield finding
    if await admins(connection):
        yield ok("admins", "there is one")
    else:
        yield warning("admins", "nobody administers", "baygrid user create --role admin --email …")


def _skew(seconds: float) -> Finding:
    told = f"the database's clock is {abs(seconds):.1f} s {'ahead' if seconds > 0 else 'behind'}"
    mend = "keep the clocks of all machines by NTP"
    if abs(seconds) > SKEW_BORNE_SECONDS:
        return failed("clocks", told, mend)
    return warning("clocks", told, mend) if abs(seconds) > SKEW_TOLD_SECONDS else ok("clocks", told)


async def _records(connection: Connection, clock: Clock) -> Sequence[Finding]:
    found = await records(connection, clock.now())
    return list(
        _told(
            (
                "bookings",
                found.overlaps,
                "share time with an earlier one on their resource",
                "move or cancel one of each pair",
            ),
            (
                "bookings",
                found.misplaced,
                "are on a resource of another location",
                "cancel them and book them again",
            ),
            (
                "versions",
                len(found.ahead),
                "locations have records newer than their own version",
                "restore the backup whole, then baygrid new-epoch",
            ),
            warnings=(
                (
                    "diffs",
                    len(found.gaps),
                    "locations have gaps in their diffs: whoever is behind is sent snapshots",
                    "nothing: they close as time passes",
                ),
                (
                    "sweeping",
                    found.unswept,
                    "lapsed holds or ended bookings wait for a node to see to them",
                    "start a node; if one runs, read its log",
                ),
            ),
        )
    ) or [ok("records", "bookings, versions and diffs agree")]


_Counted = tuple[str, int, str, str]


def _told(*faults: _Counted, warnings: Sequence[_Counted]) -> Iterator[Finding]:
    for part, count, told, mend in faults:
        if count:
            yield failed(part, f"{count:,} {told}", mend)
    for part, count, told, mend in warnings:
        if count:
            yield warning(part, f"{count:,} {told}", mend)


async def _keys(connection: Connection, settings: Settings, accounts: Accounts, clock: Clock) -> Finding:
    if settings.secret_keys is None:
        kept = await kept_keys(connection)
        return ok("signing keys", "kept in the database" if kept else "made at the first start")
    try:
        SigningKeys(accounts, clock, settings.secret_keys.get_secret_value())
    except ConfigurationError as error:
        return failed("signing keys", str(error), "correct BAYGRID_SECRET_KEYS")
    return ok("signing keys", "configured, and good")
