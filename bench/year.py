"""What is asked of a year of 50 locations, some 1.5 million bookings: reports (Y2), lists, context, what is free.

``python -m bench.year [--locations 50] [--days 365] [--rounds 7]`` makes the year (``bench/made_year.py``), has it rolled up, and
measures whole requests, from ASGI to the last byte of JSON or CSV, without a socket, on one embedded Postgres and in one run:

- *raw*, the floor of reports that are not rolled up: the least that bookings can be added up by, in Postgres, without a byte of it
  going anywhere: minutes booked by local day, nothing cut at midnight, no blocks, no opening hours;
- each report, at all locations and at one, as JSON and as CSV: cold, right after the server was started again, so that it has
  read nothing yet (the machine may have), and warm, the median;
- the same with days that have just been changed and are not rolled up, as many as a second of business leaves;
- lists by day, week, name and code, a customer's context, and what is free on a day.

Caveats first: client and server share the machine's cores; the year is made up (see there). Compare ratios within a run.
"""

import argparse
import asyncio
import datetime as dt
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

import asyncpg
import httpx2
import uvloop

from bench.made_year import Made, MadeYear, make_year
from server.app import Node, create_app
from server.clock import ManualClock
from server.embedded import EmbeddedPostgres
from server.service.administration.users import new_account
from server.service.analytics.rolling import roll_up_what_is_due
from server.settings import Settings
from server.storage import migrate
from server.storage.administration import insert_account
from server.storage.rollup import Grouping

GROUPINGS: tuple[Grouping, ...] = get_args(Grouping)
LIMIT_MS = 300.0
REPORTS = "/api/admin/bookings/analytics"

_RAW = """
SELECT (b.start_time AT TIME ZONE l.timezone)::date AS day, count(*), sum(b.end_time - b.start_time)
FROM bookings b JOIN locations l ON l.id = b.location_id
WHERE b.type = 'CUSTOMER' AND b.status IN ('confirmed', 'completed', 'no_show') AND b.start_time >= $1 AND b.start_time < $2
AND b.location_id = ANY($3::int[]) GROUP BY 1
"""


def main(year: MadeYear, rounds: int) -> None:
    """Prints tables."""
    with tempfile.TemporaryDirectory(prefix="baygrid-bench-") as folder:
        Path(folder).chmod(0o755)
        uvloop.run(_measure(Path(folder), year, rounds))


async def _measure(folder: Path, year: MadeYear, rounds: int) -> None:
    server = EmbeddedPostgres(folder)
    await server.start()
    try:
        await server.ensure_database("year")
        url = server.url("year")
        made = await _make(url, year)
        desk = await _Desk.at(url, year, made, rounds)
        await desk.tell_of_reports(server)
        await desk.tell_of_the_rest()
    finally:
        await server.stop()


async def _make(url: str, year: MadeYear) -> Made:
    await migrate(url)
    connection = await asyncpg.connect(url, command_timeout=3600)
    begun = time.perf_counter()
    made = await make_year(connection, year, in_bulk=True)
    written = time.perf_counter()
    node = Node(Settings(database_url=url), ManualClock(year.now.timestamp()))
    await node.database.open()
    await roll_up_what_is_due(node.database, node.clock)
    await node.database.close()
    rolled = time.perf_counter()
    await connection.execute("VACUUM ANALYZE")
    await connection.close()
    print(
        f"{made.bookings} bookings of {year.locations} locations: written in {written - begun:.0f} s, "
        f"rolled up in {rolled - written:.0f} s"
    )
    return made


class _Desk:
    """A node, somebody who asks it, and what they ask about."""

    def __init__(self, node: Node, year: MadeYear, made: Made, rounds: int, token: str) -> None:
        self.node = node
        self.year = year
        self.location_ids = made.location_ids
        self.location_id = made.location_ids[len(made.location_ids) // 2]
        self.rounds = rounds
        self.client = httpx2.AsyncClient(
            transport=httpx2.ASGITransport(create_app(node)),
            base_url="http://baygrid.test",
            headers={"authorization": f"Bearer {token}"},
            timeout=60,
        )

    @classmethod
    async def at(cls, url: str, year: MadeYear, made: Made, rounds: int) -> "_Desk":
        node = Node(Settings(database_url=url), ManualClock(year.now.timestamp()))
        await node.database.open()
        async with node.database.transaction() as connection:
            account = new_account(name="Ada", email="ada@example.com", role="admin")
            user_id = await insert_account(connection, account, None, node.clock.now())
        account_ = await node.accounts.account(user_id)
        assert account_ is not None
        token = (await node.identity.begin(account_)).access_token
        return cls(node, year, made, rounds, token)

    async def ask(self, path: str, **query: Any) -> float:
        """Milliseconds until all of the answer is there."""
        begun = time.perf_counter()
        answer = await self.client.get(path, params=query)
        waited = (time.perf_counter() - begun) * 1000
        assert answer.status_code == 200, answer.text
        return waited

    async def warm(self, path: str, **query: Any) -> float:
        """The median of some rounds."""
        waits = sorted([await self.ask(path, **query) for _ in range(self.rounds)])
        return waits[len(waits) // 2]

    async def tell_of_reports(self, server: EmbeddedPostgres) -> None:
        end = self.year.first + dt.timedelta(days=self.year.days)
        span = {"from": self.year.first.isoformat(), "to": end.isoformat()}
        raw = {
            None: await self._raw(self.location_ids),
            self.location_id: await self._raw([self.location_id]),
        }
        print(f"\n{'report':34}{'cold ms':>10}{'warm ms':>10}{'of raw':>9}{'of 300 ms':>11}")
        for location_id, floor in raw.items():
            where = "all" if location_id is None else "one"
            print(f"{f'raw, by day, {where}':34}{'':>10}{floor:>10.0f}{1:>9.0%}{floor / LIMIT_MS:>11.0%}")
            at: Mapping[str, Any] = {} if location_id is None else {"location_id": location_id}
            for grouping in GROUPINGS:
                for form in ("json", "csv"):
                    query = {**span, **at, "group_by": grouping, "format": form}
                    await server.stop()
                    await server.start()
                    await self.warm_up()
                    cold = await self.ask(REPORTS, **query)
                    warm = await self.warm(REPORTS, **query)
                    name = f"by {grouping}, {where}, {form}"
                    print(f"{name:34}{cold:>10.0f}{warm:>10.0f}{warm / floor:>9.1%}{warm / LIMIT_MS:>11.0%}")
        for number in (1, 10, 50):
            changed = await self._change(number)
            warm = await self.warm(REPORTS, **span, group_by="day")
            print(f"{f'by day, all, {changed} days just changed':34}{'':>10}{warm:>10.0f}"
                  f"{warm / raw[None]:>9.1%}{warm / LIMIT_MS:>11.0%}")  # fmt: skip

    async def warm_up(self) -> None:
        """Has the node find the server again, and read what every request does."""
        while True:
            try:
                answer = await self.client.get("/api/me")
            except OSError:
                continue
            if answer.status_code == 200:
                return
            await asyncio.sleep(0.05)

    async def _raw(self, location_ids: list[int]) -> float:
        start = dt.datetime.combine(self.year.first, dt.time(), dt.UTC)
        waits = []
        async with self.node.database.connection() as connection:
            for _ in range(self.rounds):
                begun = time.perf_counter()
                await connection.fetch(
                    _RAW, start, start + dt.timedelta(days=self.year.days), location_ids, timeout=600
                )
                waits.append((time.perf_counter() - begun) * 1000)
        return sorted(waits)[len(waits) // 2]

    async def _change(self, number: int) -> int:
        """Has that many bookings, each on another day or at another location, checked in; how many days are marked."""
        async with self.node.database.connection() as connection:
            await connection.execute(
                """
                UPDATE bookings SET attended_at = CASE WHEN attended_at IS NULL THEN start_time END
                WHERE id IN (SELECT id FROM bookings WHERE status = 'completed' ORDER BY hashtext(id::text) LIMIT $1)
                """,
                number,
            )
            marks: int = await connection.fetchval("SELECT count(*) FROM analytics_marks")
        return marks

    async def tell_of_the_rest(self) -> None:
        day = self.year.first + dt.timedelta(days=self.year.days // 2)
        soon = (self.year.now + dt.timedelta(days=3)).date()

        def window(days: int) -> dict[str, str]:
            return {
                "from": f"{day.isoformat()}T00:00:00Z",
                "to": f"{(day + dt.timedelta(days=days)).isoformat()}T00:00:00Z",
            }

        async with self.node.database.connection() as connection:
            person = await connection.fetchrow(
                "SELECT u.* FROM users u JOIN bookings b ON b.user_id = u.id WHERE b.location_id = $1 LIMIT 1",
                self.location_id,
            )
            code = await connection.fetchval(
                "SELECT code FROM bookings WHERE location_id = $1 LIMIT 1", self.location_id
            )
        assert person is not None
        at = {"location_id": self.location_id, "limit": 50}
        asked: tuple[tuple[str, str, dict[str, Any]], ...] = (
            ("floor: one's own account", "/api/me", {}),
            ("list, one location", "/api/bookings", at),
            ("list of a day", "/api/bookings", at | window(1)),
            ("list of a week", "/api/bookings", at | window(7)),
            ("list of a day, all locations", "/api/bookings", {"limit": 50} | window(1)),
            ("list of a customer", "/api/bookings", {"user_id": person["id"], "limit": 50}),
            ("list by a name", "/api/bookings", at | {"q": person["name"]}),
            ("list by three letters", "/api/bookings", at | {"q": person["name"][:3]}),
            ("list by one letter", "/api/bookings", at | {"q": person["name"][:1]}),
            ("list by a code", "/api/bookings", {"q": code, "limit": 50}),
            ("context by address", "/api/context", {"email": person["email"]}),
            (
                "what is free on a day",
                "/api/availability",
                {"location_id": self.location_id, "date": soon.isoformat(), "duration": 60},
            ),
            (
                "a past day of the grid",
                "/api/grid",
                {"location_id": self.location_id, "from": day.isoformat(), "days": 1},
            ),
        )
        print(f"\n{'':34}{'first ms':>10}{'warm ms':>10}{'of floor':>9}")
        floor = 0.0
        for name, path, query in asked:
            first, warm = await self.ask(path, **query), await self.warm(path, **query)
            floor = floor or warm
            print(f"{name:34}{first:>10.1f}{warm:>10.1f}{warm / floor:>9.1f}")
        await self.client.aclose()
        await self.node.database.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--locations", type=int, default=MadeYear.locations)
    parser.add_argument("--days", type=int, default=MadeYear.days)
    parser.add_argument("--rounds", type=int, default=7, help="of each measurement")
    arguments = parser.parse_args()
    main(MadeYear(locations=arguments.locations, days=arguments.days), arguments.rounds)
