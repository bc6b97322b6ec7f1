"""What support waits for a customer's context (X1), with a year of bookings of 50 locations in the database.

``python -m bench.context [--days 365] [--asks 500]`` measures, on one embedded Postgres and in one run, one question after the
other, each about another customer:

- *floor*: the customer's row by its primary key, through the same pool: the least that any answer from Postgres costs;
- *Baygrid*: the use case by each of the four ways to name a customer, of a customer with a thousand bookings, and with a
  thread, which commits a row; then the whole request, from ASGI to JSON, without a socket.

The contract is 20 ms. Caveats first: client and server share the machine's cores; the embedded Postgres keeps fsync on, so that
the disk is part of the figure with a thread. Compare ratios within a run.
"""

import argparse
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import asyncpg
import httpx2
import uvloop

from bench.made_year import MadeYear, make_year
from server.app import Node, create_app
from server.clock import ManualClock
from server.embedded import embedded_postgres
from server.principal import Principal
from server.service.context import Context
from server.settings import Settings
from server.storage import migrate
from server.storage.accounts import Account

MANY = 1_000
"""Bookings that the regular has."""
LIMIT_MS = 20.0

Ask = Callable[[int], Awaitable[object]]


def main(days: int, asks: int) -> None:
    """Prints a table."""
    with tempfile.TemporaryDirectory(prefix="baygrid-bench-") as folder:
        Path(folder).chmod(0o755)
        uvloop.run(_measure(Path(folder), MadeYear(days=days), asks))


async def _measure(folder: Path, year: MadeYear, asks: int) -> None:
    async with embedded_postgres(folder) as url:
        await migrate(url)
        people = await _furnish(url, year)
        node = Node(Settings(database_url=url), ManualClock(int(year.now.timestamp())))
        app = create_app(node)
        async with node.running():
            operator = Principal(user_id=people.operator, role="operator", name="Olga")
            context = Context(node.database, node.clock)
            token = (await node.identity.begin(await _account(node, people.operator))).access_token
            client = httpx2.AsyncClient(
                transport=httpx2.ASGITransport(app),
                base_url="http://baygrid.test",
                headers={"authorization": f"Bearer {token}"},
            )

            async def floor(number: int) -> object:
                async with node.database.connection() as connection:
                    return await connection.fetchrow("SELECT * FROM users WHERE id = $1::bigint", number)

            measured: tuple[tuple[str, Ask], ...] = (
                ("floor: one row by its key", floor),
                ("by customer_id", lambda n: context.ask(operator, "customer_id", n, None)),
                ("by hubspot_id", lambda n: context.ask(operator, "hubspot_id", f"h{n}", None)),
                ("by email", lambda n: context.ask(operator, "email", people.emails[n].upper(), None)),
                ("by phone", lambda n: context.ask(operator, "phone", people.phones[n], None)),
                (
                    "one with many bookings",
                    lambda _: context.ask(operator, "customer_id", people.regular, None),
                ),
                ("in a thread", lambda n: context.ask(operator, "customer_id", n, f"t{n}")),
                (
                    "over ASGI, in a thread",
                    lambda n: client.get("/api/context", params={"customer_id": n, "thread_id": f"t{n}"}),
                ),
            )
            waits = await _waits([ask for _, ask in measured], asks, sorted(people.emails))
        print(f"{'':28}{'median ms':>12}{'p99 ms':>10}{'× floor':>10}{'of 20 ms':>10}")
        for (name, _), (median, slowest) in zip(measured, waits, strict=True):
            ratio = median / waits[0][0]
            print(f"{name:28}{median:>12.2f}{slowest:>10.2f}{ratio:>10.1f}{slowest / LIMIT_MS:>9.0%}")


async def _account(node: Node, user_id: int) -> Account:
    account = await node.accounts.account(user_id)
    assert account is not None
    return account


async def _waits(measured: Sequence[Ask], asks: int, ids: list[int]) -> list[tuple[float, float]]:
    """(median, 99th of a hundred) of each in milliseconds. They take turns, so that whatever else the machine does falls
    on all of them alike; the first twenty turns warm up.
    """
    waits: list[list[float]] = [[] for _ in measured]
    for number in range(asks + 20):
        about = ids[number * 7_919 % len(ids)]
        for ask, its in zip(measured, waits, strict=True):
            begun = time.perf_counter()
            await ask(about)
            its.append(time.perf_counter() - begun)
    ordered = [sorted(its[20:]) for its in waits]
    return [(its[len(its) // 2] * 1000, its[int(len(its) * 0.99)] * 1000) for its in ordered]


@dataclass(frozen=True)
class People:
    """Addresses and phones of customers by id; one of them has many bookings. The operator asks."""

    emails: dict[int, str]
    phones: dict[int, str]
    regular: int
    operator: int


async def _furnish(url: str, year: MadeYear) -> People:
    begun = time.perf_counter()
    connection = await asyncpg.connect(url)
    made = await make_year(connection, year, in_bulk=True)
    await connection.execute("UPDATE users SET hubspot_id = 'h' || id")
    rows = await connection.fetch("SELECT id, email, phone FROM users ORDER BY id")
    operator: int = await connection.fetchval(
        "INSERT INTO users (name, email, role, language, sms_consent, active, tokens_after, created_at) "
        "VALUES ('Olga', 'olga@example.com', 'operator', 'en', false, true, $1, $1) RETURNING id",
        year.now - timedelta(days=1),
    )
    regular: int = rows[0]["id"]
    await connection.execute(
        "UPDATE bookings SET user_id = $1 WHERE id IN (SELECT id FROM bookings WHERE user_id IS NOT NULL LIMIT $2)",
        regular,
        MANY,
    )
    await connection.execute("VACUUM ANALYZE")
    await connection.close()
    print(
        f"{made.bookings} bookings of {len(rows)} customers, written in {time.perf_counter() - begun:.0f} s"
    )
    return People(
        emails={row["id"]: row["email"] for row in rows},
        phones={row["id"]: row["phone"] for row in rows},
        regular=regular,
        operator=operator,
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--days", type=int, default=365, help="of business of 50 locations")
    parser.add_argument("--asks", type=int, default=500, help="of each measurement")
    arguments = parser.parse_args()
    main(arguments.days, arguments.asks)
