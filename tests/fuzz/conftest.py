"""A real node for each file of this folder, with people of every role and something to get wrong.

Belongs here: the node, its venue, and what holds after all that is thrown at it. Does not belong here: what is thrown.
"""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
import pytest_asyncio

from server.embedded import EmbeddedPostgres
from tests.acceptance.conftest import CHEAP_HASH, PASSWORD, copied_database
from tests.node_process import NodeProcess
from tests.venues import Town, Venue

NOW = "2027-06-01T12:00:00Z"
"""Where the node's clock starts: a Tuesday far from any change of clocks."""
WRITE_ROLES = ("customer", "staff", "admin")


@dataclass(frozen=True)
class Doors:
    """A node, what is booked at it, and a token for each role of ``WRITE_ROLES``."""

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


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def doors(
    postgres_server: EmbeddedPostgres,
    template_database: str,
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
) -> AsyncIterator[Doors]:
    """A node of this file's own."""
    name = Path(str(request.node.path)).stem
    url = await copied_database(postgres_server, template_database, f"fuzz_{name}")
    log = tmp_path_factory.mktemp(name) / "node.log"
    town = Town(url)
    venue = await town.venue(policy={"concurrent_limit": 1000})
    elsewhere = await town.venue(bays=1, timezone="Australia/Lord_Howe")
    async with AsyncExitStack() as stack:
        node = await stack.enter_async_context(NodeProcess(url, log=log, now=NOW, log_format="json"))
        tokens, user_ids = {}, {}
        for role in WRITE_ROLES:
            person = await town.person(
                role.title(),
                role,  # type: ignore[arg-type]  # one of them
                [venue] if role == "staff" else [],
                password_hash=CHEAP_HASH,
            )
            assert person.user_id is not None
            caller = await node.sign_in(f"{role}@example.com", PASSWORD)
            await caller.close()
            tokens[role], user_ids[role] = caller.token, person.user_id
        # Whose password is checked with real work is somebody else's test.
        for n in range(3):
            await town.person(f"Bystander {n}", "customer")
        yield Doors(node, town, venue, elsewhere, tokens, user_ids, log)
