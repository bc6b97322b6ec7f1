"""An import from beginning to end: take rows, look at them all, and only then write.

Belongs here: that order. Does not belong here: what rows come to (``venues``, ``people``, ``bookings``).
"""

from collections.abc import Iterable
from dataclasses import dataclass

from server.clock import Clock
from server.service.administration.configuration import Configuration
from server.service.administration.users import Users
from server.service.importing.bookings import BookingRows
from server.service.importing.people import People
from server.service.importing.report import Progress, Report, Row
from server.service.importing.venues import Venues
from server.service.importing.writing import BookingWriter
from server.storage.database import Connection, Database
from server.storage.origins import only_import

TELL_EVERY = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How an import is done. Without ``skip_faulty`` nothing is written where anything is wrong; ``only_new`` leaves what is
    there as it is.
    """

    dry_run: bool = False
    skip_faulty: bool = False
    only_new: bool = False


class Import:
    """One run."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        configuration: Configuration,
        users: Users,
        progress: Progress,
        options: Options,
    ) -> None:
        self._database = database
        self._clock = clock
        self._configuration = configuration
        self._users = users
        self._progress = progress
        self._options = options

    async def run(self, rows: Iterable[Row], report: Report, total: int | None = None) -> None:
        """Takes the rows, in the order locations, resources, users, bookings, and fills in the report, to which whoever reads
        them adds what cannot be read. ``total`` is how many there will be, if that is known.

        Takes the same memory for any number of bookings and accounts. O(n log n).

        Raises:
            InUse: if another import is at work.
            Unavailable: if Postgres is away; what was written until then is whole, and the same again goes on with it.
        """
        async with self._database.connection() as connection, only_import(connection):
            venues = Venues(report, only_new=self._options.only_new)
            people = People(connection, venues, report, only_new=self._options.only_new)
            now = self._clock.now()
            bookings = BookingRows(connection, venues, report, now, only_new=self._options.only_new)
            await venues.load(connection)
            await people.begin()
            await bookings.begin()
            await self._take(connection, rows, venues, people, bookings, total)
            self._progress.begin("Checking")
            await people.check()
            await bookings.check()
            if self._options.dry_run or (report.faults.count and not self._options.skip_faulty):
                return
            await self._write(connection, venues, people, bookings, report)
            report.written = True

    async def _take(
        self,
        connection: Connection,
        rows: Iterable[Row],
        venues: Venues,
        people: People,
        bookings: BookingRows,
        total: int | None,
    ) -> None:
        self._progress.begin("Reading", total)
        now = self._clock.now()
        for number, row in enumerate(rows, 1):
            match row.noun:
                case "locations":
                    await venues.take_location(connection, row, now)
                case "resources":
                    venues.take_resource(row)
                case "users":
                    await people.take(row)
                case "bookings":
                    await bookings.take(row)
            if number % TELL_EVERY == 0:
                self._progress.advance(TELL_EVERY)

    async def _write(
        self,
        connection: Connection,
        venues: Venues,
        people: People,
        bookings: BookingRows,
        report: Report,
    ) -> None:
        self._progress.begin("Writing locations and resources")
        await venues.write(self._configuration)
        counts = report.counts["users"]
        self._progress.begin("Writing accounts", counts.created + counts.changed + counts.unchanged)
        await people.write(self._configuration, self._users, self._progress)
        await bookings.settle()
        counts = report.counts["bookings"]
        self._progress.begin("Writing bookings", counts.created + counts.changed)
        await BookingWriter(connection, bookings, report, self._clock).write(self._progress)
