"""A real node with people of every role and something to get wrong.

Belongs here: the node, its venue, and what holds after all that is thrown at it. Does not belong here: what is thrown.
"""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from server.principal import AccountRole
from tests.acceptance.conftest import CHEAP_HASH, PASSWORD
from tests.node_process import NodeProcess
from tests.venues import Town, Venue

NOW = "2027-06-01T12:00:00Z"
"""Where the node's clock starts: a Tuesday far from any change of clocks."""
ROLES: tuple[AccountRole, ...] = ("customer", "staff", "operator", "admin")


@dataclass(frozen=True)
class Doors:
    """A node, what is booked at it, and a token for each role of ``ROLES``."""

    node: NodeProcess
    town: Town
    venue: Venue
    elsewhere: Venue
    tokens: Mapping[str, str]
    user_ids: Mapping[str, int]
    log: Path

    def client(self, role: str | None = "admin", **options: Any) -> httpx2.AsyncClient:
        """A client of the node signed in as the role."""
        headers = {} if role is None else {"authorization": f"Bearer {self.tokens[role]}"}
        return httpx2.AsyncClient(base_url=self.node.address, timeout=30.0, headers=headers, **options)

    def errors_logged(self) -> list[str]:
        """Lines that the node logged of what it did not expect."""
        lines = self.log.read_text("utf-8", "replace").splitlines()
        return [line for line in lines if not line.startswith("{") or _level(line) in ("error", "critical")]

    async def check_unharmed(self) -> None:
        """What must hold whatever came through the doors."""
        assert self.errors_logged() == []
        assert await self.town.overlaps() == 0
        ahead = await self.town.value(
            "SELECT count(*) FROM bookings b JOIN locations l ON l.id = b.location_id WHERE b.version > l.version"
        )
        assert ahead == 0
        missing = await self.town.value(
            """
            SELECT count(*) FROM bookings b
            WHERE NOT EXISTS (SELECT FROM booking_events e WHERE e.booking_id = b.id)
            """
        )
        assert missing == 0
        async with self.client(None) as client:
            assert (await client.get("/readyz")).status_code == 200


def _level(line: str) -> str:
    return str(json.loads(line).get("level"))


TABLES = (
    "bookings",
    "booking_events",
    "booking_restrictions",
    "locations",
    "resources",
    "blackouts",
    "devices",
    "api_keys",
    "users",
    "visitors",
    "location_diffs",
)


async def contents(doors: Doors) -> dict[str, str]:
    """A digest of each table."""
    digests = (
        f"SELECT '{table}', md5(coalesce(string_agg(t::text, ',' ORDER BY t::text), '')) FROM {table} t"
        for table in TABLES
    )
    return {row[0]: row[1] for row in await doors.town.fetch(" UNION ALL ".join(digests))}


@asynccontextmanager
async def open_doors(database_url: str, log: Path) -> AsyncIterator[Doors]:
    """A node on an empty database, filled with two venues and somebody of each role; checked when all is done (G1, A8)."""
    town = Town(database_url)
    venue = await town.venue(policy={"concurrent_limit": 1000})
    elsewhere = await town.venue(bays=1, timezone="Australia/Lord_Howe")
    async with NodeProcess(database_url, log=log, now=NOW, log_format="json") as node:
        tokens: dict[str, str] = {}
        user_ids: dict[str, int] = {}
        for role in ROLES:
            at = [venue] if role == "staff" else []
            person = await town.person(role.title(), role, at, password_hash=CHEAP_HASH)
            assert person.user_id is not None
            caller = await node.sign_in(f"{role}@example.com", PASSWORD)
            await caller.close()
            tokens[role], user_ids[role] = caller.token, person.user_id
        for number in range(3):
            await town.person(f"Bystander {number}")
        doors = Doors(node, town, venue, elsewhere, tokens, user_ids, log)
        yield doors
        await doors.check_unharmed()
