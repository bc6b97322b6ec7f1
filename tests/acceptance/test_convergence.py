"""Everybody's screen through a long day: whatever was lost, slow or late, in the end all show the same (W1, W2, W3)."""

import asyncio
import datetime as dt
import random
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from grid_engine.interval import HOUR, MINUTE
from tests.acceptance.conftest import City, Pair, Person, soon, span, today_at
from tests.live_client import Message, Screen, Unanswered
from tests.node_process import NodeProcess
from tests.venues import Venue

POLICY = {
    "concurrent_limit": 1_000,
    "reschedule_limit": 1_000,
    "cutoff_minutes": 0,
    "buffer_minutes": 0,
    "hold_seconds": 900,
}
EXPECTED = {400, 403, 404, 409, 412, 422}
"""How a script may be refused that asks for what it cannot know to be possible."""


@dataclass
class Script:
    """A seeded day: what people do, and what happens to their screens. Refusals are part of it; faults are not."""

    chance: random.Random
    pair: Pair
    venue: Venue
    first: int
    staff: list[tuple[Person, Screen]]
    customers: list[tuple[Person, Screen]]
    admin: Person
    known: list[str] = field(default_factory=list)
    """Bookings and holds that were made."""
    holds: dict[int, tuple[str, Message]] = field(default_factory=dict)
    """Each person's hold: its id, and the body to confirm it with."""
    done: int = 0

    @property
    def everybody(self) -> list[tuple[Person, Screen]]:
        return self.staff + self.customers

    async def play(self, steps: int) -> None:
        """Some steps at once, again and again; afterwards nobody is slow or away."""
        for _ in range(steps):
            happening = [self._someone_does() for _ in range(self.chance.randint(1, 6))]
            if self.chance.random() < 0.5:
                happening.append(self._something_happens(*self.chance.choice(self.everybody)))
            if self.chance.random() < 0.04:
                happening.append(self._configure())
            await asyncio.gather(*happening)
        for _, screen in self.everybody:
            screen.resume()
        for _, screen in self.everybody:
            if not screen.connected:
                await screen.open()

    # What people do

    def _someone_does(self) -> Awaitable[None]:
        person, screen = self.chance.choice(self.everybody)
        acts: list[Callable[[Person], tuple[str, Message]]] = [
            *([self._create] * 6),
            *([self._reschedule] * 4),
            *([self._update] * 3),
            *([self._cancel] * 2),
            *([self._hold] * 2),
            self._confirm_hold,
            self._release,
            self._undo,
        ]
        op, args = self.chance.choice(acts)(person)
        node = self.chance.choice(self.pair)
        over_http = not screen.connected or not screen.reading or self.chance.random() < 0.3
        return self._do(person, None if over_http else screen, node, op, args)

    async def _do(
        self, person: Person, screen: Screen | None, node: NodeProcess, op: str, args: Message
    ) -> None:
        """By the socket or, without one, over HTTP. A socket that is lost meanwhile is made up for with the same key."""
        key = str(uuid.uuid4())
        if screen is not None:
            try:
                answer = await screen.command(op, args, key=key)
            except Unanswered:
                pass
            else:
                if answer["t"] == "ack":
                    return self._note(person, op, args, answer["result"])
                assert answer["status"] in EXPECTED, answer
                return None
        answer_ = await self._over_http(person, node, op, dict(args), key)
        if answer_.status_code < 300:
            return self._note(person, op, args, answer_.json())
        assert answer_.status_code in EXPECTED, answer_.text
        return None

    async def _over_http(self, person: Person, node: NodeProcess, op: str, args: Message, key: str) -> Any:
        http, headers = person.at(node), {"Idempotency-Key": key}
        target = args.pop("booking_id", None)
        match op:
            case "create":
                return await http.post("/api/bookings", json=args, headers=headers)
            case "hold":
                return await http.post("/api/holds", json=args, headers=headers)
            case "release":
                return await http.delete(f"/api/holds/{args['hold_id']}", headers=headers)
            case "update":
                return await http.patch(f"/api/bookings/{target}", json=args, headers=headers)
            case "cancel":
                return await http.delete(f"/api/bookings/{target}", headers=headers)
            case _:
                return await http.post(f"/api/bookings/{target}/{op}", json=args or None, headers=headers)

    def _note(self, person: Person, op: str, args: Message, body: Message) -> None:
        self.done += 1
        if op == "create":
            self.known.append(body["id"])
        elif op == "hold":
            self.holds[person.id] = (body["id"], {"resource_id": args["resource_id"], **self._times(body)})

    @staticmethod
    def _times(body: Message) -> Message:
        return {"start_time": body["start_time"], "end_time": body["end_time"]}

    def _place(self) -> Message:
        start = self.first + self.chance.randrange(0, 96) * 30 * MINUTE
        minutes = self.chance.choice((60, 60, 90, 120, 240))
        return {"resource_id": self.chance.choice(self.venue.bays), **span(start, minutes)}

    def _booking(self) -> str:
        return self.chance.choice(self.known) if self.known else str(uuid.uuid4())

    def _create(self, person: Person) -> tuple[str, Message]:
        args = self._place()
        note = "n" * self.chance.choice((0, 10, 2_000))
        if person.principal.role == "staff":
            customer = self.chance.choice(self.customers)[0]
            args |= self.chance.choice(({"user_id": customer.id}, {"visitor": {"name": "Vic Visitor"}}))
        return "create", args | ({"note": note} if note else {})

    def _reschedule(self, person: Person) -> tuple[str, Message]:
        return "reschedule", {"booking_id": self._booking(), **self._place()}

    def _update(self, person: Person) -> tuple[str, Message]:
        args: Message = {"booking_id": self._booking()}
        if person.principal.role == "staff" and self.chance.random() < 0.4:
            return "update", args | {"user_id": self.chance.choice(self.customers)[0].id}
        return "update", args | {
            "note": f"note {self.chance.random()} " + "x" * self.chance.choice((0, 1_500))
        }

    def _cancel(self, person: Person) -> tuple[str, Message]:
        return "cancel", {"booking_id": self._booking()}

    def _hold(self, person: Person) -> tuple[str, Message]:
        return "hold", self._place()

    def _confirm_hold(self, person: Person) -> tuple[str, Message]:
        held = self.holds.get(person.id)
        return self._create(person) if held is None else ("create", {"hold_id": held[0], **held[1]})

    def _release(self, person: Person) -> tuple[str, Message]:
        held = self.holds.pop(person.id, None)
        return self._hold(person) if held is None else ("release", {"hold_id": held[0]})

    def _undo(self, person: Person) -> tuple[str, Message]:
        return "undo", {"booking_id": self._booking()}

    # What happens to screens, and to the venue

    async def _something_happens(self, person: Person, screen: Screen) -> None:
        if not screen.reading:
            screen.resume()
            return
        if not screen.connected:
            screen.node = self.chance.choice(self.pair)
            await screen.open()
            assert screen.close_code is None, screen.bye
            return
        match self.chance.randrange(6):
            case 0 | 1:
                await screen.cut()  # with whatever it has under way
            case 2 | 3:
                screen.pause()
            case 4:
                await screen.leave_and_return()
            case _:
                first = today_at(self.venue) + dt.timedelta(days=self.chance.randrange(3))
                await screen.watch(first, self.chance.randint(1, 5))

    async def _configure(self) -> None:
        bay = self.chance.choice(self.venue.bays)
        answer = await self.admin.at(self.chance.choice(self.pair)).patch(
            f"/api/admin/resources/{bay}", json={"name": f"Bay {self.chance.randrange(1_000)}"}
        )
        assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_w1_w2_every_screen_ends_as_a_fresh_snapshot_after_a_day_of_drops_delays_and_reconnects(
    shared_city: City, pair: Pair, seed: int
) -> None:
    city, chance = shared_city, random.Random(seed)
    venue = await city.town.venue(bays=5, policy=POLICY)
    staff = [await city.person(pair[n % 2], f"Staff {n}", "staff", [venue]) for n in range(3)]
    customers = [await city.person(pair[n % 2], f"Customer {n}") for n in range(4)]
    script = Script(
        chance=chance,
        pair=pair,
        venue=venue,
        first=soon(12),
        staff=[
            # Small buffers: these are slow as soon as they do not read.
            (person, await city.screen(pair[n % 2], person, venue, receive_buffer=2_048 if n else None))
            for n, person in enumerate(staff)
        ],
        customers=[
            (person, await city.screen(pair[n % 2], person, venue)) for n, person in enumerate(customers)
        ],
        admin=await city.person(pair[0], "Ada Admin", "admin"),
    )
    # Two who only look on, from beginning to end.
    watching = [(staff[0], await city.screen(pair[1], staff[0], venue, days=14))]
    watching += [(customers[0], await city.screen(pair[1], customers[0], venue, days=14))]
    await script.play(70)
    assert script.done > 60
    everybody = [(screen, person) for person, screen in script.everybody + watching]
    await city.settled(venue, everybody, pair)
    assert await city.town.overlaps() == 0
    # A new screen of each audience, over the socket, is no different.
    for person, screen in watching:
        fresh = await city.screen(pair[0], person, venue, days=14)
        await fresh.ping()
        assert fresh.grid.digest() == screen.grid.digest()
        assert fresh.own == screen.own
        assert fresh.snapshot["rows"] == screen.snapshot["rows"]


async def test_w3_a_slow_screen_is_served_what_it_missed_and_holds_nobody_up(
    shared_city: City, pair: Pair
) -> None:
    city = shared_city
    venue = await city.town.venue(bays=4, policy=POLICY)
    desk = await city.person(pair[0], "Sam Staff", "staff", [venue])
    slow = await city.screen(pair[0], desk, venue, receive_buffer=2_048)
    quick = await city.screen(pair[0], desk, venue)
    slow.pause()
    # Far more than the buffers of both sides hold.
    made = await asyncio.gather(
        *(
            desk.at(pair[number % 2]).post(
                "/api/bookings",
                json={
                    "resource_id": venue.bays[number % 4],
                    "visitor": {"name": "Vic"},
                    "note": f"{number} " * 400,
                    **span(soon(12) + number // 4 * HOUR),
                },
            )
            for number in range(300)
        )
    )
    assert {answer.status_code for answer in made} == {201}
    version = await city.version(venue)
    await quick.until(lambda: quick.grid.version == version)
    assert slow.grid.version is not None
    assert slow.grid.version < version
    slow.resume()
    await slow.until(lambda: slow.grid.version == version)
    assert slow.received["diff"] < quick.received["diff"], "what was missed comes joined"
    await city.settled(venue, [(slow, desk), (quick, desk)], pair)
