"""Bookings per second at one hot location, from command to acknowledged commit.

``python -m bench.writes [--seconds 5]`` measures, on one embedded Postgres and in one run:

- *floor*: the least that could be committed for a booking, one transaction at a time by hand: lock the location's row, add
  one to its version, insert the booking (exclusion constraint and all), insert its diff;
- *Baygrid*: commands through the desk, the rules, the audit, the diff and the replica, from 1, 8 and 32 callers at once,
  each of whom waits for the answer before asking again.

Caveats first: client and server share the machine's cores; every booking is on a free slot, so nothing is refused; the
embedded Postgres keeps fsync on, so that the disk is part of the figure. Compare ratios within a run.
"""

import argparse
import asyncio
import itertools
import json
import secrets
import tempfile
import time
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import uvloop

from grid_engine.diff import Remove
from grid_engine.interval import HOUR
from server.bus.memory import MemoryBus
from server.clock import ManualClock
from server.commands import Command, Create
from server.edge.problems import describe
from server.embedded import embedded_postgres
from server.live.rooms import Rooms
from server.principal import Principal
from server.service.customer_cache import CustomerCache
from server.service.desk import BookingDesk
from server.service.refusals import RefusalLog
from server.storage import Database, migrate
from server.storage.locations import Locations
from server.wire.diffs import pack_ops

NOW = 1_811_851_200
CALLERS = (1, 8, 32)
BAYS = 40


@dataclass(frozen=True)
class Rate:
    """Bookings per second, and how long each waited at the median and at the 99th of a hundred, in milliseconds."""

    per_second: float
    median_ms: float
    slowest_ms: float


def main(seconds: float) -> None:
    """Prints a table."""
    with tempfile.TemporaryDirectory(prefix="baygrid-bench-") as folder:
        Path(folder).chmod(0o755)
        uvloop.run(_measure(Path(folder), seconds))


async def _measure(folder: Path, seconds: float) -> None:
    async with embedded_postgres(folder) as url:
        await migrate(url)
        people = await _furnish(url)
        slots = itertools.count()
        floor = await _floor(url, slots, seconds)
        print(f"{'':24}{'bookings/s':>12}{'× floor':>10}{'median ms':>12}{'p99 ms':>10}")
        _print("floor, one at a time", floor, floor)
        for callers in CALLERS:
            rate = await _baygrid(url, people, slots, callers, seconds)
            _print(f"Baygrid, {callers} at once", rate, floor)


def _print(name: str, rate: Rate, floor: Rate) -> None:
    ratio = rate.per_second / floor.per_second
    print(f"{name:24}{rate.per_second:>12.0f}{ratio:>10.2f}{rate.median_ms:>12.2f}{rate.slowest_ms:>10.2f}")


async def _furnish(url: str) -> list[Principal]:
    connection = await asyncpg.connect(url)
    moment = datetime.fromtimestamp(NOW, UTC)
    policy = json.dumps({"advance_days": 100_000, "concurrent_limit": 1_000_000})
    await connection.execute(
        f"""
        INSERT INTO locations (name, timezone, slot_minutes, policy, active, epoch, version, config_version,
                               created_at, updated_at)
        VALUES ('Hot', 'UTC', 30, '{policy}', true, 'e', 0, 0, $1, $1)
        """,
        moment,
    )
    await connection.execute(
        "INSERT INTO resources (location_id, name, position, active) "
        "SELECT 1, 'Bay ' || n, n, true FROM generate_series(1, $1) n",
        BAYS,
    )
    rows = await connection.fetch(
        """
        INSERT INTO users (name, email, role, language, sms_consent, active, tokens_after, created_at)
        SELECT 'C' || n, 'c' || n || '@example.com', 'customer', 'en', false, true, $1, $1
        FROM generate_series(1, 5000) n RETURNING id
        """,
        moment,
    )
    await connection.close()
    return [Principal(user_id=row["id"], role="customer") for row in rows]


def _place(number: int) -> tuple[int, int]:
    """(resource, start) of the booking of this number; no two overlap."""
    return number % BAYS + 1, NOW + HOUR * (number // BAYS + 1)


async def _floor(url: str, slots: "itertools.count[int]", seconds: float) -> Rate:
    connection = await asyncpg.connect(url)
    insert = await connection.prepare(
        """
        INSERT INTO bookings (id, grid_id, code, location_id, resource_id, type, status, start_time, end_time,
                              reschedule_count, created_at, updated_at, judged_by, version)
        VALUES ($1, $2, $3, 1, $4, 'CUSTOMER', 'confirmed', $5, $6, 0, $7, $7, '{}', $8)
        """
    )
    moment = datetime.fromtimestamp(NOW, UTC)
    waits: list[float] = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        begun = time.perf_counter()
        resource_id, start = _place(next(slots))
        async with connection.transaction():
            version = await connection.fetchval(
                "UPDATE locations SET version = version + 1 WHERE id = 1 RETURNING version"
            )
            await insert.fetch(
                uuid.uuid4(),
                secrets.token_urlsafe(16),
                secrets.token_hex(6),
                resource_id,
                datetime.fromtimestamp(start, UTC),
                datetime.fromtimestamp(start + HOUR, UTC),
                moment,
                version,
            )
            await connection.execute(
                "INSERT INTO location_diffs (location_id, version, ops, created_at) VALUES (1, $1, $2, $3)",
                version,
                pack_ops((Remove(version, "x" * 100, "y" * 22),)),  # about as long as a booking's
                moment,
            )
        waits.append(time.perf_counter() - begun)
    await connection.close()
    return _rate(waits, seconds)


async def _baygrid(
    url: str, people: list[Principal], slots: "itertools.count[int]", callers: int, seconds: float
) -> Rate:
    clock = ManualClock(NOW)
    database = Database(url)
    await database.open()
    rooms = Rooms(store=Locations(database, clock), bus=MemoryBus(), clock=clock)
    desk = BookingDesk(
        rooms=rooms,
        database=database,
        clock=clock,
        customers=CustomerCache(database, clock),
        refusals=RefusalLog(database, clock),
        describe=describe,
    )
    await rooms.open(1)
    waits: list[float] = []
    end = time.perf_counter() + seconds

    async def call() -> None:
        while time.perf_counter() < end:
            number = next(slots)
            resource_id, start = _place(number)
            body = Create(
                resource_id=resource_id,
                start_time=_text(start),
                end_time=_text(start + HOUR),
            )
            begun = time.perf_counter()
            await desk.perform(people[number % len(people)], Command(op="create", body=body))
            waits.append(time.perf_counter() - begun)

    await asyncio.gather(*(call() for _ in range(callers)))
    await database.close()
    return _rate(waits, seconds)


def _text(instant: int) -> str:
    return datetime.fromtimestamp(instant, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _rate(waits: list[float], seconds: float) -> Rate:
    waits.sort()
    return Rate(
        per_second=len(waits) / seconds,
        median_ms=waits[len(waits) // 2] * 1000,
        slowest_ms=waits[int(len(waits) * 0.99)] * 1000,
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seconds", type=float, default=5.0, help="of each measurement")
    main(parser.parse_args().seconds)
