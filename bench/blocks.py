"""How long an admin waits for a block of 52 weeks on 40 bays, a quarter of which is taken.

``python -m bench.blocks [--weeks 52] [--bays 40]`` measures, on one embedded Postgres and in one run:

- *floor*: a bare ``INSERT`` of as many rows of ``bookings``, exclusion constraint and all, in one transaction: the least that
  such a block costs, with no rule, audit, diff or answer;
- *Baygrid*: the request at the app's door, without a socket under it, from JSON to JSON: a rehearsal, the block with each way
  to meet what is there, an edit of the whole series, and its deletion. Each is one version, and one diff for those who watch:
  its size is told, and a subscriber's frame of it is encoded within the time.

The contract is two seconds. Caveats first: client and server share the machine's cores; the embedded Postgres keeps fsync on,
so that the disk is part of the figure. Compare ratios within a run.
"""

import argparse
import json
import secrets
import tempfile
import time
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import httpx2
import uvloop

from server.app import Node, create_app
from server.clock import ManualClock
from server.embedded import embedded_postgres
from server.settings import Settings
from server.storage import migrate

NOW = datetime(2027, 6, 1, 12, tzinfo=UTC)
WEEK = timedelta(days=7)
MODES = ("skip", "book_around", "cancel")


@dataclass
class Venue:
    """A location with so many bays, and who blocks them."""

    url: str
    weeks: int
    bays: int
    connection: asyncpg.Connection
    admin: httpx2.AsyncClient

    async def book(self) -> None:
        """An hour, in the middle of the block, on every fourth bay of every week; by hand, and then the replica is told."""
        await self.connection.execute(
            """
            INSERT INTO bookings (id, grid_id, code, location_id, resource_id, user_id, type, status, start_time, end_time,
                                  reschedule_count, created_at, updated_at, judged_by, version)
            SELECT gen_random_uuid(), gen_random_uuid(), left(gen_random_uuid()::text, 13), 1, bay, 2, 'CUSTOMER', 'confirmed',
                   $1::timestamptz + week * interval '7 days' + interval '3 hours',
                   $1::timestamptz + week * interval '7 days' + interval '4 hours', 0, $1, $1, '{}', 0
            FROM generate_series(0, $2 - 1) week, generate_series(1, $3, 4) bay
            """,
            NOW,
            self.weeks,
            self.bays,
        )
        await self.reload()

    async def clear(self) -> None:
        """Nothing is booked or blocked any more."""
        await self.connection.execute("UPDATE bookings SET status = 'cancelled' WHERE status <> 'cancelled'")
        await self.reload()

    async def reload(self) -> None:
        """What was done by hand is known after this."""
        await self.connection.execute("UPDATE locations SET epoch = $1", secrets.token_urlsafe(9))

    def request(self, **more: Any) -> dict[str, Any]:
        """A day a week, on all bays."""
        return {
            "location_id": 1,
            "resource_ids": list(range(1, self.bays + 1)),
            "type": "MAINTENANCE",
            "reason": "New turf",
            "start_time": NOW.isoformat().replace("+00:00", "Z"),
            "end_time": (NOW + timedelta(hours=8)).isoformat().replace("+00:00", "Z"),
            "recurrence": f"FREQ=WEEKLY;COUNT={self.weeks}",
            **more,
        }


def main(weeks: int, bays: int) -> None:
    """Prints a table."""
    with tempfile.TemporaryDirectory(prefix="baygrid-bench-") as folder:
        Path(folder).chmod(0o755)
        uvloop.run(_measure(Path(folder), weeks, bays))


async def _measure(folder: Path, weeks: int, bays: int) -> None:
    async with embedded_postgres(folder) as url:
        await migrate(url)
        connection = await asyncpg.connect(url)
        await _furnish(connection, bays)
        clock = ManualClock(NOW.timestamp())
        node = Node(Settings(database_url=url, write_rate="100000/minute"), clock)
        app = create_app(node)
        async with node.running():
            account = await node.accounts.account(1)
            assert account is not None
            token = (await node.identity.begin(account)).access_token
            async with httpx2.AsyncClient(
                transport=httpx2.ASGITransport(app),
                base_url="http://bench.test",
                headers={"authorization": f"Bearer {token}"},
                timeout=120,
            ) as admin:
                venue = Venue(url, weeks, bays, connection, admin)
                await _run(venue)
        await connection.close()


async def _run(venue: Venue) -> None:
    floor = min([await _floor(venue, round_) for round_ in range(3)])
    print(f"{'':34}{'blocks':>8}{'seconds':>9}{'× floor':>9}{'diff, KB':>10}")
    _print("floor: a bare INSERT", venue.weeks * venue.bays, floor, floor)
    await _timed(venue, floor, "warming up", venue.request())
    await venue.clear()
    await venue.book()
    await _timed(venue, floor, "rehearsal", venue.request(dry_run=True))
    await _timed(venue, floor, "fail", venue.request())
    series_id = ""
    for mode in MODES:
        await venue.clear()
        await venue.book()
        series_id = await _timed(venue, floor, mode, venue.request(on_conflict=mode))
    later = (NOW + timedelta(minutes=30)).isoformat().replace("+00:00", "Z")
    path = f"/api/admin/series/{series_id}"
    await _timed(venue, floor, "an edit of all its times", {"start_time": later}, path, "PATCH")
    await _timed(venue, floor, "its deletion", None, path, "DELETE")


async def _timed(
    venue: Venue,
    floor: float,
    name: str,
    body: dict[str, Any] | None,
    path: str = "/api/admin/bookings/block",
    method: str = "POST",
) -> str:
    before = await venue.connection.fetchval("SELECT version FROM locations")
    begun = time.perf_counter()
    answer = await venue.admin.request(method, path, json=body)
    seconds = time.perf_counter() - begun
    assert answer.status_code in (200, 201, 409), answer.text[:500]
    told = answer.json()
    after = await venue.connection.fetchval("SELECT version FROM locations")
    assert after - before == (answer.status_code != 409 and "occurrences" not in told)
    size = await venue.connection.fetchval(
        "SELECT length(ops) FROM location_diffs WHERE version = $1 AND version > $2", after, before
    )
    blocks = sum(told.get(what, 0) for what in ("created", "changed", "removed"))
    _print(name, blocks, seconds, floor, size)
    return str(told.get("series_id"))


def _print(name: str, blocks: int, seconds: float, floor: float, size: int | None = None) -> None:
    kilobytes = "" if size is None else f"{size / 1000:.0f}"
    print(f"{name:34}{blocks:>8}{seconds:>9.2f}{seconds / floor:>9.1f}{kilobytes:>10}")


async def _floor(venue: Venue, round_: int) -> float:
    """The rows alone, elsewhere in time; taken out again."""
    starts = [NOW + timedelta(days=3650) + WEEK * week for week in range(venue.weeks)]
    rows: list[dict[str, Any]] = [
        {
            "id": str(uuid.uuid4()),
            "grid_id": secrets.token_urlsafe(16),
            "code": f"{round_}-{secrets.token_hex(6)}",
            "location_id": 1,
            "resource_id": bay,
            "type": "MAINTENANCE",
            "status": "confirmed",
            "start_time": start.isoformat(),
            "end_time": (start + timedelta(hours=8)).isoformat(),
            "reason": "New turf",
            "series_id": None,
            "reschedule_count": 0,
            "created_at": NOW.isoformat(),
            "updated_at": NOW.isoformat(),
            "judged_by": {},
            "version": 0,
        }
        for start in starts
        for bay in range(1, venue.bays + 1)
    ]
    begun = time.perf_counter()
    await venue.connection.execute(
        "INSERT INTO bookings SELECT * FROM jsonb_populate_recordset(NULL::bookings, $1::jsonb)",
        json.dumps(rows),
    )
    seconds = time.perf_counter() - begun
    await venue.connection.execute("DELETE FROM bookings")
    return seconds


async def _furnish(connection: asyncpg.Connection, bays: int) -> None:
    await connection.execute(
        """
        INSERT INTO locations (name, timezone, slot_minutes, policy, active, epoch, version, config_version, created_at,
                               updated_at)
        VALUES ('Large', 'UTC', 30, '{}', true, 'e', 0, 0, $1, $1)
        """,
        NOW,
    )
    await connection.execute(
        "INSERT INTO resources (location_id, name, position, active) "
        "SELECT 1, 'Bay ' || n, n, true FROM generate_series(1, $1) n",
        bays,
    )
    await connection.execute(
        """
        INSERT INTO users (name, email, role, language, sms_consent, active, tokens_after, created_at)
        SELECT role, role || '@example.com', role, 'en', false, true, $1, $1
        FROM unnest(ARRAY['admin', 'customer']) WITH ORDINALITY u(role, place) ORDER BY place
        """,
        NOW,
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--weeks", type=int, default=52)
    parser.add_argument("--bays", type=int, default=40)
    given = parser.parse_args()
    main(given.weeks, given.bays)
