"""``kill -9`` of a node under load: what was acknowledged is there, what was not can be retried, all screens agree (P1)."""

import asyncio
import uuid
from dataclasses import dataclass, field

import httpx2

from grid_engine.interval import HOUR
from tests.acceptance.conftest import City, Pair, Person, soon, span, until
from tests.live_client import Message, Screen, Unanswered
from tests.node_process import NodeProcess
from tests.venues import Venue


@dataclass
class Writer:
    """Somebody who books hour after hour, and repeats each booking with its key until it is answered.

    ``acknowledged`` are the ids of what was answered, by key; ``retried`` counts what had to be asked again.
    """

    person: Person
    nodes: list[NodeProcess]
    venue: Venue
    bay: int
    first: int
    screen: Screen | None = None
    acknowledged: dict[str, str] = field(default_factory=dict)
    retried: int = 0
    stopping: bool = False

    async def write(self) -> None:
        """Books until told to stop; hours that others have are passed over."""
        hour = 0
        while not self.stopping:
            key = str(uuid.uuid4())
            body: Message = {"resource_id": self.bay, "note": key, **span(self.first + hour * HOUR)}
            if self.person.principal.role == "staff":
                body["visitor"] = {"name": "Vic"}
            hour += 1
            while True:
                try:
                    booked = await self._once(body, key)
                except (Unanswered, httpx2.TransportError):
                    self.retried += 1
                    await asyncio.sleep(0.02)  # as a client would, rather than spinning
                    continue
                if booked is not None:
                    self.acknowledged[key] = booked["id"]
                break

    async def _once(self, body: Message, key: str) -> Message | None:
        """The booking, or None if somebody else has the time. Raises where no answer comes."""
        if self.screen is not None:
            if not self.screen.connected:
                await self._reconnect(self.screen)
            answer = await self.screen.command("create", body, key=key)
            if answer["t"] == "ack":
                result: Message = answer["result"]
                return result
            assert answer["status"] in (409, 503), answer
            if answer["status"] == 503:
                raise Unanswered
            return None
        # The node of its choice first, then the other, as behind a balancer.
        node = self.nodes[self.retried % len(self.nodes)]
        answered = await self.person.at(node).post(
            "/api/bookings", json=body, headers={"Idempotency-Key": key}
        )
        assert answered.status_code in (201, 409, 503), answered.text
        if answered.status_code == 503:
            raise Unanswered
        return answered.json() if answered.status_code == 201 else None

    async def _reconnect(self, screen: Screen) -> None:
        screen.node = self.nodes[self.retried % len(self.nodes)]
        try:
            await screen.open()
        except OSError as error:
            raise Unanswered from error


async def test_p1_after_kill_9_under_load_nothing_acknowledged_is_lost_and_every_screen_agrees_by_hash(
    city: City, own_pair: Pair
) -> None:
    steady, doomed = own_pair
    venue = await city.town.venue(bays=8, policy={"concurrent_limit": 10_000})
    desk = await city.person(steady, "Sam Staff", "staff", [venue])
    people = [desk, *[await city.person(steady, f"Guest {n}") for n in range(3)]]
    # Writers at the doomed node and at the steady one, over HTTP and by sockets; two for each bay, so that they meet.
    writers = [
        Writer(
            person=people[n % 4],
            nodes=[doomed, steady] if n % 4 < 3 else [steady, doomed],
            venue=venue,
            bay=venue.bays[n // 2],
            first=soon(24) + n % 2 * 30 * 60,
            screen=await city.screen(doomed, people[n % 4], venue, days=14) if n % 2 else None,
        )
        for n in range(12)
    ]
    on_doomed = [(await city.screen(doomed, person, venue, days=14), person) for person in people[:2]]
    on_steady = [(await city.screen(steady, person, venue, days=14), person) for person in people[:2]]
    work = [asyncio.create_task(writer.write()) for writer in writers]

    def acknowledged() -> int:
        for task in work:
            if task.done():
                task.result()
        return sum(len(writer.acknowledged) for writer in writers)

    async def more(number: int) -> None:
        enough = acknowledged() + number

        async def there() -> bool:
            return acknowledged() >= enough

        await until(there, 60, f"{number} more bookings")

    for _ in range(2):
        await more(40)
        before = doomed.address
        await doomed.kill()
        for screen, _ in on_doomed:
            await screen.until(lambda screen=screen: not screen.connected, 5)  # type: ignore[misc]  # bound now
            screen.node = steady
            await screen.open()  # with `since`, at the other node
        await more(40)
        await doomed.start()
        assert doomed.address != before
        for screen, _ in on_doomed:
            screen.node = doomed
            await screen.open()  # and at the one that was started again
    await more(40)
    for writer in writers:
        writer.stopping = True
    await asyncio.gather(*work)

    assert sum(writer.retried for writer in writers) > 0
    rows = await city.town.fetch("SELECT id::text, note, status FROM bookings")
    by_note: dict[str, list[str]] = {}
    for row in rows:
        by_note.setdefault(row["note"], []).append(row["id"])
    assert all(len(ids) == 1 for ids in by_note.values()), "a retry made a second booking"
    kept = {key: id_ for writer in writers for key, id_ in writer.acknowledged.items()}
    assert {key: by_note.get(key) for key in kept} == {key: [id_] for key, id_ in kept.items()}
    assert len(rows) == len(kept), "what was retried until it was answered was answered as it is"
    assert await city.town.overlaps() == 0

    screens = on_doomed + on_steady
    for writer in writers:
        if writer.screen is not None:
            if not writer.screen.connected:
                await writer.screen.open()
            screens.append((writer.screen, writer.person))
    await city.settled(venue, screens, (steady, doomed))
    # Nobody who came back with `since` had to be sent everything again.
    assert {screen.received["snapshot"] for screen, _ in on_steady} == {1}
    assert {screen.received["resync"] for screen, _ in screens} == {0}


async def test_g5_and_g9_the_hold_and_the_drag_of_a_killed_node_go_from_every_screen_in_time(
    city: City, own_pair: Pair
) -> None:
    doomed, steady = own_pair
    venue = await city.town.venue(policy={"hold_seconds": 4})
    sam = await city.person(doomed, "Sam Staff", "staff", [venue])
    sue = await city.person(steady, "Sue Staff", "staff", [venue])
    ann = await city.person(doomed, "Ann Able")
    dragging = await city.screen(doomed, sam, venue)
    watching = await city.screen(steady, sue, venue)
    customer = await city.screen(steady, ann, venue)
    place = {"resource_id": venue.bays[0], **span(soon())}

    held = await ann.at(doomed).post("/api/holds", json=place)
    assert held.status_code == 201, held.text
    await dragging.drag(place)
    await watching.until(lambda: len(watching.ghosts) == 1 and len(watching.grid.records) == 1)
    [(who, drag)] = watching.ghosts.values()
    assert (who, drag) == (sam.principal.name, place)

    loop = asyncio.get_running_loop()
    await doomed.kill()
    killed = loop.time()
    # The hold lapses while only the other node is there, and 2 s later it is gone from all screens (G5).
    await asyncio.gather(
        *(
            screen.until(lambda screen=screen: not screen.grid.records, 4 + 2)  # type: ignore[misc]  # bound now
            for screen in (watching, customer)
        )
    )
    again = await sue.at(steady).post("/api/bookings", json=place | {"visitor": {"name": "Vic"}})
    assert again.status_code == 201, "an overdue hold never refuses anybody"
    # Nobody says that the drag has ended; without being sent again it goes by itself (G9).
    await watching.until(lambda: not watching.ghosts, 10 - (loop.time() - killed))
    assert customer.received["presence"] == 0
    await city.settled(venue, [(watching, sue), (customer, ann)], (steady,))


async def test_g5_a_hold_that_lapsed_while_no_node_ran_is_gone_two_seconds_after_the_start(
    city: City, own_pair: Pair
) -> None:
    first, second = own_pair
    venue = await city.town.venue(policy={"hold_seconds": 2})
    ann, ben = [await city.person(first, name) for name in ("Ann Able", "Ben Bold")]
    place = {"resource_id": venue.bays[0], **span(soon())}
    held = await ann.at(second).post("/api/holds", json=place)
    assert held.status_code == 201, held.text
    await asyncio.gather(first.kill(), second.kill())

    async def overdue() -> bool:
        return bool(await city.town.value("SELECT bool_and(expires_at < now()) FROM bookings"))

    await until(overdue, 5, "the hold is overdue")
    assert await city.town.value("SELECT status FROM bookings") == "held"
    loop = asyncio.get_running_loop()
    await first.start()
    started = loop.time()
    screen = await city.screen(first, ben, venue)
    await screen.until(lambda: not screen.grid.records, max(0.5, 2 - (loop.time() - started)))
    late = await ann.at(first).post("/api/bookings", json=place | {"hold_id": held.json()["id"]})
    assert (late.status_code, late.json()["code"]) == (409, "hold_expired")
    again = await ben.at(first).post("/api/bookings", json=place)
    assert again.status_code == 201, again.text
    await city.settled(venue, [(screen, ben)], (first,))
