"""The connection to Postgres: pools, transactions, and the translation of its faults into ours.

Belongs here: how a connection is had, and what each of its failures means. Does not belong here: any query.

    asyncpg                         becomes
    ├── exclusion violation          OccupancyTakenError
    ├── deadlock, serialisation      ContentionError
    ├── unique violation             errors.Duplicate
    └── connection lost or refused   errors.Unavailable; ``why_away`` says more
"""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, TypeAlias

import asyncpg

from server.errors import BaygridError, Duplicate, Unavailable

CONNECT_SECONDS = 2.0
STATEMENT_SECONDS = 15.0
WAIT_FOR_CONNECTION_SECONDS = 5.0

Row: TypeAlias = asyncpg.Record
"""A row of a raw query, its columns by name."""

Connection: TypeAlias = (
    "asyncpg.Connection[asyncpg.Record] | asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"
)


class OccupancyTakenError(BaygridError):
    """The exclusion constraint refused a row: somebody else has part of that time on that resource (G1)."""


class ContentionError(BaygridError):
    """Postgres gave this transaction up for another; the same work may succeed when tried again."""


_LOST = (
    OSError,
    asyncio.TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # a connection used between the server's farewell and its end
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.QueryCanceledError,
    asyncpg.InvalidAuthorizationSpecificationError,  # to whoever waits it is all one why it does not let us in
    asyncpg.InvalidCatalogNameError,
)


@contextmanager
def translated() -> Iterator[None]:
    """Turns what the database libraries raise inside into this project's errors."""
    try:
        yield
    except (asyncpg.PostgresError, *_LOST) as error:
        _raise_ours(error)
        raise


def _raise_ours(error: Exception) -> None:
    match error:
        case asyncpg.ExclusionViolationError():
            raise OccupancyTakenError(error.constraint_name) from error
        case asyncpg.DeadlockDetectedError() | asyncpg.SerializationError():
            raise ContentionError(str(error)) from error
        case asyncpg.UniqueViolationError():
            raise Duplicate(f"{error.constraint_name} holds this value already") from error
        case asyncpg.DataError():
            raise error  # a value that no column takes: a fault of ours, and no outage
        case _ if isinstance(error, _LOST):
            raise Unavailable("The database is away") from error


def why_away(error: Unavailable) -> str:
    """What somebody who can mend it should know of why the database is away; nothing that is a secret."""
    match error.__cause__:
        case asyncpg.InvalidAuthorizationSpecificationError():
            return "it refuses this user and password"
        case asyncpg.InvalidCatalogNameError():
            return "it has no database of this name"
        case asyncpg.TooManyConnectionsError():
            return "it has no connection left"
        case asyncpg.CannotConnectNowError():
            return "it is starting or stopping"
        case _:
            return "nobody answers there"


class Database:
    """A pool of connections to one Postgres, named by its libpq URL; opened by ``open`` and closed by ``close``."""

    def __init__(self, url: str, *, pool_size: int = 10) -> None:
        self._url = url
        self._pool_size = pool_size
        self._pool: asyncpg.Pool[asyncpg.Record] | None = None

    async def open(self) -> None:
        """Makes the pool; connects to nothing yet, so that a node can start while Postgres is away."""
        self._pool = asyncpg.create_pool(
            self._url,
            min_size=0,
            max_size=self._pool_size,
            timeout=CONNECT_SECONDS,
            command_timeout=STATEMENT_SECONDS,
            init=_prepare,
            reset=_leave_as_it_is,
            server_settings={"timezone": "UTC", "application_name": "baygrid"},
            max_inactive_connection_lifetime=60.0,
        )
        await self._pool

    async def close(self) -> None:
        """Closes every connection; those still busy are cut after a moment."""
        if self._pool is not None:
            try:
                await asyncio.wait_for(self._pool.close(), CONNECT_SECONDS)
            except TimeoutError:
                self._pool.terminate()
            self._pool = None

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """A connection, each statement a transaction of its own.

        Raises:
            Unavailable: if none can be had in time, or it is lost.
        """
        if self._pool is None:
            raise Unavailable("The database is not open")
        with translated():
            async with self._pool.acquire(timeout=WAIT_FOR_CONNECTION_SECONDS) as connection:
                try:
                    yield connection
                except (asyncio.CancelledError, TimeoutError):
                    # Whoever waited has given up. To give the connection back in good order would be to wait again, for
                    # a server that may have fallen silent.
                    connection.terminate()
                    raise

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """A connection inside a READ COMMITTED transaction: committed at the end, rolled back on any exception.

        Raises:
            OccupancyTakenError, ContentionError, Duplicate: nothing was written.
            Unavailable: the connection was lost; if that was during the commit, whether it happened is not known.
        """
        async with self._in_transaction() as connection:
            yield connection

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Connection]:
        """A connection whose reads all see the database as of one instant."""
        async with self._in_transaction(isolation="repeatable_read", readonly=True) as connection:
            yield connection

    @asynccontextmanager
    async def _in_transaction(self, **how: Any) -> AsyncIterator[Connection]:
        async with self.connection() as connection:
            transaction = connection.transaction(**how)
            await transaction.start()
            try:
                yield connection
            except (asyncio.CancelledError, TimeoutError):
                raise  # the connection ends with this, and the transaction with the connection
            except BaseException:
                await transaction.rollback()
                raise
            await transaction.commit()


async def _prepare(connection: Any) -> None:
    await connection.set_type_codec("jsonb", encoder=json.dumps, decoder=json.loads, schema="pg_catalog")


async def _leave_as_it_is(_: Any) -> None:
    """In place of the pool's own reset, which costs a round trip: nothing here leaves anything behind in a session."""
