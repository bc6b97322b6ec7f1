"""Postgres stopped, killed or hung under load: what is watched goes on from memory, and all recovers by itself (P1, P2)."""

import asyncio
import os
import signal
import tempfile
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx2
import pytest

from grid_engine.interval import HOUR
from server.embedded import EmbeddedPostgres
from server.storage import migrate
from tests.acceptance.conftest import City, Person, soon, span, today_at, until
from tests.live_client import Screen
from tests.node_process import NodeProcess
from tests.venues import Town, Venue

RECOVERED = 5.0
ANSWERED = 4.0
"""Seconds within which a read from memory, or a refusal, has to be there, however Postgres is gone."""


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that the user may enter that Postgres runs as: pytest's own is closed."""
    with tempfile.TemporaryDirectory(prefix="baygrid-postgres-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture
async def postgres(open_folder: Path) -> AsyncIterator[EmbeddedPostgres]:
    """A Postgres to be stopped."""
    server = EmbeddedPostgres(open_folder, durable=False)
    await server.start()
    await server.ensure_database("baygrid")
    yield server
    await server.stop()


@pytest.fixture
async def here(postgres: EmbeddedPostgres) -> AsyncIterator[City]:
    """People and screens on that Postgres."""
    async with AsyncExitStack() as stack:
        yield City(Town(postgres.url("baygrid")), stack)


def family(pid: int) -> list[int]:
    """The process and its children."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(int(child) for child in children)]


class Booker:
    """Books hour after hour with a key each, and repeats it until it is answered."""

    def __init__(self, person: Person, node: NodeProcess, bay: int) -> None:
        self._person, self._node, self._bay = person, node, bay
        self.acknowledged: dict[str, str] = {}
        self.unavailable = 0
        self.stopping = False

    async def write(self) -> None:
        hour = 0
        while not self.stopping:
            key = str(uuid.uuid4())
            body = {"resource_id": self._bay, "note": key, **span(soon(24) + hour * HOUR)}
            while (answer := await self._post(body)).status_code == 503:
                self.unavailable += 1
                assert int(answer.headers["retry-after"]) >= 1
                await asyncio.sleep(0.1)  # as a client would, if more patiently
            assert answer.status_code == 201, answer.text
            self.acknowledged[key] = answer.json()["id"]
            hour += 1

    async def _post(self, body: dict[str, Any]) -> httpx2.Response:
        return await self._person.at(self._node).post(
            "/api/bookings", json=body, headers={"Idempotency-Key": body["note"]}
        )


async def reads_go_on(person: Person, node: NodeProcess, venue: Venue, held: Screen) -> None:
    """The grid and what is free, from memory and marked stale; lists of bookings are not there."""
    http, day = person.at(node), today_at(venue).isoformat()
    window: dict[str, Any] = {"location_id": venue.id, "from": held.first.isoformat(), "days": held.days}
    async with asyncio.timeout(ANSWERED):
        grid, free, locations, resources, listed = await asyncio.gather(
            http.get("/api/grid", params=window),
            http.get("/api/availability", params={"location_id": venue.id, "date": day, "duration": 60}),
            http.get("/api/locations"),
            http.get("/api/resources", params={"location_id": venue.id}),
            http.get("/api/bookings", params={"location_id": venue.id}),
        )
    told = {"grid": grid, "availability": free, "locations": locations, "resources": resources}
    assert {name: answer.status_code for name, answer in told.items()} == dict.fromkeys(told, 200)
    assert (grid.json()["version"], len(grid.json()["records"])) == (
        held.grid.version,
        len(held.grid.records),
    )
    assert [answer.json()["stale"] for answer in (grid, free, locations, resources)] == [True] * 4
    assert venue.id in {each["id"] for each in locations.json()["items"]}
    assert [each["id"] for each in resources.json()["items"]] == list(venue.bays)
    assert listed.status_code == 503
    assert listed.json()["code"] == "unavailable"
    assert int(listed.headers["retry-after"]) >= 1


async def writes_are_refused(person: Person, node: NodeProcess, venue: Venue, screen: Screen) -> None:
    """503 over HTTP and by the socket, in time; verdicts are still given, from memory."""
    place = {"resource_id": venue.bays[-1], **span(soon(48))}
    async with asyncio.timeout(ANSWERED):
        posted, told, verdict = await asyncio.gather(
            person.at(node).post("/api/bookings", json=place),
            screen.command("create", place),
            screen.judge("create", place),
        )
    assert (posted.status_code, posted.json()["code"]) == (503, "unavailable")
    assert int(posted.headers["retry-after"]) >= 1
    assert (told["t"], told["status"], told["code"]) == ("nak", 503, "unavailable")
    assert (verdict["t"], verdict["allowed"]) == ("verdict", True)
    await screen.ping()


@pytest.mark.parametrize("how", ["stopped", "killed", "hung"])
async def test_p2_with_postgres_away_reads_go_on_marked_stale_writes_get_503_and_all_recovers_in_5_s(
    here: City, postgres: EmbeddedPostgres, how: str
) -> None:
    await migrate(postgres.url("baygrid"))
    async with NodeProcess(postgres.url("baygrid")) as node:
        venue = await here.town.venue(bays=6, policy={"concurrent_limit": 10_000})
        never_watched = await here.town.venue()
        desk = await here.person(node, "Sam Staff", "staff", [venue])
        ann = await here.person(node, "Ann Able")
        screens = [(await here.screen(node, who, venue, days=14), who) for who in (desk, ann)]
        for person in (desk, ann):  # each is known to the node, and what they ask for was read before
            assert (await person.at(node).get("/api/locations")).status_code == 200
            answer = await person.at(node).get("/api/resources", params={"location_id": venue.id})
            assert answer.status_code == 200
        bookers = [Booker(who, node, venue.bays[n]) for n, who in enumerate((desk, ann, desk, ann))]
        work = [asyncio.create_task(booker.write()) for booker in bookers]

        async def busy() -> bool:
            for task in work:
                if task.done():
                    task.result()
            return all(len(booker.acknowledged) >= enough for booker in bookers)

        enough = 8
        await until(busy, 30, "there is load")
        frozen: list[int] = []
        if how == "stopped":
            await postgres.stop()
        elif how == "killed":
            os.kill(postgres.pid, signal.SIGKILL)
            await postgres.stop()  # waits for what is left of it
        else:
            frozen = family(postgres.pid)
            for pid in frozen:
                os.kill(pid, signal.SIGSTOP)
        try:
            for screen, _ in screens:
                await screen.until(lambda screen=screen: screen.stale, 6)  # type: ignore[misc]  # bound now
            if how != "hung":
                # All that was committed has been told, or will be: nothing is written meanwhile.
                for screen, who in screens:
                    await reads_go_on(who, node, venue, screen)
                    await writes_are_refused(who, node, venue, screen)
                unknown = await ann.at(node).get(
                    "/api/grid", params={"location_id": never_watched.id, "from": "2027-06-05", "days": 1}
                )
                assert unknown.status_code == 503
            else:
                await reads_go_on_while_hung(screens, node, venue)
        finally:
            for pid in frozen:
                os.kill(pid, signal.SIGCONT)
        if how != "hung":
            await postgres.start()
        loop = asyncio.get_running_loop()
        back = loop.time()
        enough = max(len(booker.acknowledged) for booker in bookers) + 1

        async def told() -> bool:
            return not any(screen.stale for screen, _ in screens)

        async def listed() -> bool:
            answer = await ann.at(node).get("/api/bookings", params={"location_id": venue.id})
            return answer.status_code == 200

        for condition, what in (
            (told, "screens are fresh"),
            (listed, "lists are back"),
            (busy, "writes are back"),
        ):
            await until(condition, RECOVERED - (loop.time() - back), what)
        for booker in bookers:
            booker.stopping = True
        await asyncio.gather(*work)

        kept = {note: id_ for booker in bookers for note, id_ in booker.acknowledged.items()}
        rows = await here.town.fetch("SELECT id::text, note FROM bookings")
        assert {row["note"]: row["id"] for row in rows} == kept
        assert len(rows) == len(kept), "a retry made a second booking"
        assert how == "hung" or sum(booker.unavailable for booker in bookers) > 0
        await here.settled(venue, screens, [node])
        assert {screen.received["snapshot"] for screen, _ in screens} == {1}, "open sockets went on"


async def reads_go_on_while_hung(
    screens: list[tuple[Screen, Person]], node: NodeProcess, venue: Venue
) -> None:
    """The grid, what is free, verdicts and sockets do not wait for a Postgres that says nothing."""
    for screen, who in screens:
        http = who.at(node)
        window: dict[str, Any] = {
            "location_id": venue.id,
            "from": screen.first.isoformat(),
            "days": screen.days,
        }
        async with asyncio.timeout(ANSWERED):
            grid = await http.get("/api/grid", params=window)
        assert (grid.status_code, grid.json()["stale"]) == (200, True)
        async with asyncio.timeout(ANSWERED):
            free = await http.get(
                "/api/availability",
                params={"location_id": venue.id, "date": today_at(venue).isoformat(), "duration": 60},
            )
        assert (free.status_code, free.json()["stale"]) == (200, True)
        await screen.ping()
