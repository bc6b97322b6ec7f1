"""What support waits for a customer's context (X1), with a year of bookings of 50 locations in the database.

``python -m bench.context [--bookings 1000000] [--asks 500]`` measures, on one embedded Postgres and in one run, one question
after the other, each about another customer:

- *floor*: the customer's row by its primary key, through the same pool: the least that any answer from Postgres costs;
- *Baygrid*: the use case by each of the four ways to name a customer, of a customer with thousands of bookings, and with a
  thread, which commits a row; then the whole request, from ASGI to JSON, without a socket.

The contract is 20 ms. Caveats first: client and server share the machine's cores; the embedded Postgres keeps fsync on, so that
the disk is part of the figure with a thread. Compare ratios within a run.
"""

import argparse
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import httpx2
import uvloop

from server.app import Node, create_app
from server.clock import ManualClock
from server.embedded import embedded_postgres
from server.principal import Principal
from server.service.context import Context
from server.settings import Settings
from server.storage import migrate
from server.storage.accounts import Account

NOW = 1_811_851_200
LOCATIONS = 50
BAYS = 40
CUSTOMERS = 20_000
REGULAR = 1
"""The customer with one booking in a hundred."""
LIMIT_MS = 20.0

Ask = Callable[[int], Awaitable[object]]


def main(bookings: int, asks: int) -> None:
    """Prints a table."""
    with tempfile.TemporaryDirectory(prefix="baygrid-bench-") as folder:
        Path(folder).chmod(0o755)
        uvloop.run(_measure(Path(folder), bookings, asks))


async def _measure(folder: Path, bookings: int, asks: int) -> None:
    async with embedded_postgres(folder) as url:
        await migrate(url)
        await _furnish(url, bookings)
        node = Node(Settings(database_url=url), ManualClock(NOW))
        app = create_app(node)
        async with node.running():
            operator = Principal(user_id=CUSTOMERS + 1, role="operator", name="Olga")
            context = Context(node.database, node.clock)
            token = (await node.identity.begin(await _account(node, CUSTOMERS + 1))).access_token
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
                ("by email", lambda n: context.ask(operator, "email", f"C{n}@example.com", None)),
                ("by phone", lambda n: context.ask(operator, "phone", f"+1555{n:07}", None)),
                ("a regular of many years", lambda _: context.ask(operator, "customer_id", REGULAR, None)),
                ("in a thread", lambda n: context.ask(operator, "customer_id", n, f"t{n}")),
                (
                    "over ASGI, in a thread",
                    lambda n: client.get("/api/context", params={"customer_id": n, "thread_id": f"t{n}"}),
                ),
            )
            print(f"{'':28}{'median ms':>12}{'p99 ms':>10}{'× floor':>10}{'of 20 ms':>10}")
            least = None
            for name, ask in measured:
                median, slowest = await _waits(ask, asks)
                least = least or median
                print(
                    f"{name:28}{median:>12.2f}{slowest:>10.2f}{median / least:>10.1f}{slowest / LIMIT_MS:>9.0%}"
                )


async def _account(node: Node, user_id: int) -> Account:
    account = await node.accounts.account(user_id)
    assert account is not None
    return account


async def _waits(ask: Ask, asks: int) -> tuple[float, float]:
    """(median, 99th of a hundred) in milliseconds, after some that warm up."""
    waits: list[float] = []
    for n in range(asks + 20):
        number = n * 7_919 % CUSTOMERS + 1
        begun = time.perf_counter()
        await ask(number)
        waits.append(time.perf_counter() - begun)
    waits = sorted(waits[20:])
    return waits[len(waits) // 2] * 1000, waits[int(len(waits) * 0.99)] * 1000


async def _furnish(url: str, bookings: int) -> None:
    begun = time.perf_counter()
    connection = await asyncpg.connect(url)
    moment = datetime.fromtimestamp(NOW, UTC)
    await connection.execute(
        "INSERT INTO locations (name, timezone, slot_minutes, policy, active, epoch, version, config_version, created_at, "
        "updated_at) SELECT 'L' || n, 'UTC', 30, '{}', true, 'e', 0, 0, $1, $1 FROM generate_series(1, $2::int) n",
        moment,
        LOCATIONS,
    )
    await connection.execute(
        "INSERT INTO resources (location_id, name, position, active) SELECT l, 'Bay ' || n, n, true "
        "FROM generate_series(1, $1::int) l, generate_series(1, $2::int) n ORDER BY l, n",
        LOCATIONS,
        BAYS,
    )
    await connection.execute(
        "INSERT INTO users (name, email, phone, hubspot_id, role, language, sms_consent, active, tokens_after, created_at) "
        "SELECT 'C' || n, 'c' || n || '@example.com', '+1555' || lpad(n::text, 7, '0'), 'h' || n, "
        "CASE WHEN n > $2 THEN 'operator' ELSE 'customer' END, 'en', false, true, $1, $1 "
        "FROM generate_series(1, $2::int + 1) n",
        moment,
        CUSTOMERS,
    )
    # Bay by bay, hour by hour, one in 25 ahead: the regular has every hundredth, the others what falls to them.
    await connection.execute(
        """
        INSERT INTO bookings (id, grid_id, code, location_id, resource_id, user_id, type, status, start_time, end_time,
                              note, internal_note, reschedule_count, created_at, updated_at, judged_by, version)
        SELECT gen_random_uuid(), 'g' || n, 'c' || n, (n % $2) / $3 + 1, n % $2 + 1,
               CASE WHEN n % 100 = 0 THEN $4 ELSE (n * 7919::bigint) % $5 + 1 END,
               'CUSTOMER', CASE WHEN start_time > $1 THEN 'confirmed' WHEN n % 7 = 0 THEN 'cancelled' ELSE 'completed' END,
               start_time, start_time + interval '1 hour', 'Two guests', 'Paid in cash', 0, $1, $1, '{}', 1
        FROM (
            SELECT n, $1::timestamptz + ($6 / $2 / 25 - n / $2) * interval '1 hour' AS start_time
            FROM generate_series(0, $6::int - 1) n
        ) placed
        """,
        moment,
        LOCATIONS * BAYS,
        BAYS,
        REGULAR,
        CUSTOMERS,
        bookings,
        timeout=1800,
    )
    await connection.execute("VACUUM ANALYZE")
    await connection.close()
    print(f"{bookings} bookings of {CUSTOMERS} customers, written in {time.perf_counter() - begun:.0f} s")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--bookings", type=int, default=1_000_000, help="in the database")
    parser.add_argument("--asks", type=int, default=500, help="of each measurement")
    arguments = parser.parse_args()
    main(arguments.bookings, arguments.asks)
