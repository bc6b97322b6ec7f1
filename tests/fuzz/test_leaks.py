"""What is somebody's reaches nobody else (A3, A4): every byte that strangers receive is searched for it.

The strangers ask at every door that the document of the API names, with the ids of what is not theirs, and at the socket,
while staff of the place change things. That the search sees anything at all is proved by staff of the place, who receive
nearly all of it by the same requests.
"""

import itertools
import random
import secrets
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx2
import msgpack
import pytest
import pytest_asyncio
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from server.commands import BODIES, Operation
from server.embedded import EmbeddedPostgres
from server.service.access import SCOPES
from server.wire.arguments import TARGETS
from tests.acceptance.conftest import CHEAP_HASH, PASSWORD, copied_database, span
from tests.document_requests import METHODS, Names, Request, requests_of
from tests.fuzz.http_attempts import JUNE_2
from tests.fuzz.node_doors import NOW
from tests.fuzz.tainted_venue import HOUR, LARGE_ID, TaintedVenue, Taints, tainted_venue
from tests.node_process import NodeProcess
from tests.venues import Town

ENDS_THE_SESSION = "/api/auth/logout"
STRANGERS = ("anonymous", "customer", "staff elsewhere", "kiosk", "kiosk elsewhere", "key for elsewhere")
OUTSIDERS = ("anonymous", "kiosk elsewhere", "key for elsewhere")
"""Those of them who cannot watch the venue."""
PLACES = ("location_id", "resource_id", "resource_ids")
"""What everybody knows of, but outsiders."""
NO_ID = 2_000_000_000
"""Nothing has it, or a UUID of this number."""
SERVED = {"anonymous": 3, "kiosk": 10, "kiosk elsewhere": 5, "key for elsewhere": 5}
"""How many answers they are given at least, so that the search has something to look through; others, 15."""


@dataclass
class Scene:
    """A node, the venue with the words, and a token for each of those who ask."""

    node: NodeProcess
    town: Town
    tainted: TaintedVenue
    document: dict[str, Any]
    tokens: dict[str, str | None]
    hours: Iterator[int] = field(default_factory=lambda: itertools.count(40, 2))
    """Free times for bookings that are made while others watch."""

    def client(self, who: str) -> httpx2.AsyncClient:
        token = self.tokens[who]
        headers = {} if token is None else {"authorization": f"Bearer {token}"}
        return httpx2.AsyncClient(base_url=self.node.address, timeout=30.0, headers=headers)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def scene(
    postgres_server: EmbeddedPostgres, template_database: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Scene]:
    url = await copied_database(postgres_server, template_database, "fuzz_leaks")
    town = Town(url)
    venue = await town.venue(policy={"concurrent_limit": 1000, "cutoff_minutes": 0})
    elsewhere = await town.venue(bays=2)
    people = {
        "admin": await town.person("Admin", "admin", password_hash=CHEAP_HASH),
        "staff": await town.person("Staff", "staff", [venue], password_hash=CHEAP_HASH),
        "staff elsewhere": await town.person("Elsewhere", "staff", [elsewhere], password_hash=CHEAP_HASH),
        "customer": await town.person("Customer", "customer", password_hash=CHEAP_HASH),
    }
    await town.fetch(f"ALTER TABLE users ALTER COLUMN id RESTART WITH {LARGE_ID}")
    log = tmp_path_factory.mktemp("leaks") / "node.log"
    async with AsyncExitStack() as stack:
        node = await stack.enter_async_context(NodeProcess(url, log=log, now=NOW, log_format="json"))
        tokens: dict[str, str | None] = {"anonymous": None}
        for who, person in people.items():
            caller = await node.sign_in(f"{person.name.lower()}@example.com", PASSWORD)
            await caller.close()
            tokens[who] = caller.token
        document = httpx2.get(f"{node.address}/api/openapi.json").json()
        scene = Scene(node, town, None, document, tokens)  # type: ignore[arg-type]  # made by the admin, below
        async with scene.client("admin") as admin:
            seed = secrets.randbits(32)
            print(f"taints drawn with seed {seed}")
            scene.tainted = await tainted_venue(town, venue, admin, Taints(random.Random(seed)))
            tokens["kiosk"] = await kiosk_token(admin, venue.id)
            tokens["kiosk elsewhere"] = await kiosk_token(admin, elsewhere.id)
            key = {"name": "Help desk", "scopes": list(SCOPES), "location_ids": [elsewhere.id]}
            made = await admin.post("/api/admin/api-keys", json=key)
            assert made.status_code == 201, made.text
            tokens["key for elsewhere"] = made.json()["key"]
        yield scene
        assert_nothing_unexpected(log)


async def kiosk_token(admin: httpx2.AsyncClient, location_id: int) -> str:
    """The token of a new kiosk at the location."""
    made = await admin.post("/api/admin/devices", json={"location_id": location_id, "name": "Lobby"})
    paired = await admin.post("/api/auth/device", json={"pairing_code": made.json()["pairing_code"]})
    assert paired.status_code == 200, paired.text
    admin.cookies.clear()
    return str(paired.json()["access_token"])


def assert_nothing_unexpected(log: Path) -> None:
    lines = log.read_text("utf-8", "replace").splitlines()
    assert [line for line in lines if '"level": "error"' in line or '"level": "critical"' in line] == []


def names_of(tainted: TaintedVenue) -> Names:
    """The victim's wherever anything is named; lists as wide as they go, and a search by each kind of word."""
    words = tainted.taints.words
    return Names(
        path=tainted.named,
        queries=(
            {
                "location_id": tainted.venue.id,
                "user_id": tainted.victim_id,
                "customer_id": tainted.victim_id,
                "date": "2027-06-02",
                "from": "2027-06-02",
                "days": 7,
                "duration": 60,
                "explain": "true",
                "limit": 200,
            },
            {"from": "2027-06-01T00:00:00Z", "to": "2027-06-09T00:00:00Z", "limit": 200},
            {"q": words["first name"]},
            {"email": f"{words['address']}@example.com"},
            {"phone": words["phone"]},
            {"hubspot_id": words["HubSpot id"]},
        ),
        body={
            "resource_id": tainted.venue.bays[0],
            "location_id": tainted.venue.id,
            "resource_ids": [tainted.venue.bays[0]],
            "user_id": tainted.victim_id,
            **span(JUNE_2),
        },
    )


async def received_by(
    scene: Scene, who: str, methods: tuple[str, ...] = METHODS
) -> tuple[dict[str, bytes], dict[int, int]]:
    """Every answer's head and body, by request, and how many there were of each status."""
    received: dict[str, bytes] = {}
    statuses: dict[int, int] = {}
    async with scene.client(who) as client:
        for request in requests_of(scene.document, names_of(scene.tainted)):
            if request.method not in methods or request.operation.endswith(ENDS_THE_SESSION):
                continue
            answer = await client.request(
                request.method, request.path, params=request.params, json=request.json
            )
            statuses[answer.status_code] = statuses.get(answer.status_code, 0) + 1
            head = "\n".join(f"{name}: {value}" for name, value in answer.headers.items()).encode()
            received[str(request)] = head + b"\n\n" + answer.content
    return received, statuses


async def rows_of_the_victim(scene: Scene) -> list[tuple[Any, ...]]:
    rows = await scene.town.fetch(
        "SELECT id, resource_id, status, start_time, end_time, note, internal_note, attended_at FROM bookings "
        "WHERE location_id = $1 AND (user_id = $2 OR visitor_id IS NOT NULL OR type <> 'CUSTOMER') ORDER BY id",
        scene.tainted.venue.id,
        scene.tainted.victim_id,
    )
    return [tuple(row) for row in rows]


@pytest.mark.parametrize("who", STRANGERS)
async def test_a4_no_door_tells_a_stranger_anything_of_others(scene: Scene, who: str) -> None:
    before = await rows_of_the_victim(scene)
    received, statuses = await received_by(scene, who)
    leaks = {
        asked: found for asked, answer in received.items() if (found := scene.tainted.taints.found_in(answer))
    }
    assert leaks == {}
    assert [status for status in statuses if status >= 500] == []
    assert statuses.get(200, 0) > SERVED.get(who, 15), statuses
    assert await rows_of_the_victim(scene) == before


def nowhere(names: Names, *, places_too: bool) -> Names:
    """The same names, of nothing that there is; places remain those that there are, unless ``places_too``."""

    def named(name: str, value: Any) -> Any:
        if not name.endswith(("_id", "_ids")) or (name in PLACES and not places_too):
            return value
        if isinstance(value, list):
            return [named(name.removesuffix("s"), each) for each in value]
        return NO_ID if isinstance(value, int) else str(uuid.UUID(int=NO_ID))

    return Names(
        path={name: [named(name, each) for each in ids] for name, ids in names.path.items()},
        queries=[{name: named(name, value) for name, value in query.items()} for query in names.queries],
        body={name: named(name, value) for name, value in names.body.items()},
    )


@pytest.mark.parametrize("who", STRANGERS)
async def test_a3_what_a_stranger_may_not_see_is_answered_as_what_there_is_not(
    scene: Scene, who: str
) -> None:
    hidden = names_of(scene.tainted)
    hidden = replace(hidden, path={name: ids[:1] for name, ids in hidden.path.items()})
    nothing = nowhere(hidden, places_too=who in OUTSIDERS)
    told_apart, compared = {}, 0
    async with scene.client(who) as client:

        async def answer_to(request: Request) -> tuple[int, bytes]:
            sent = {"params": request.params, "json": request.json}
            answer = await client.request(request.method, request.path, **sent)
            return answer.status_code, answer.content

        pairs = zip(requests_of(scene.document, hidden), requests_of(scene.document, nothing), strict=True)
        for theirs, nobodys in pairs:
            if str(theirs) == str(nobodys) or theirs.operation.endswith(ENDS_THE_SESSION):
                continue
            answers = await answer_to(theirs), await answer_to(nobodys)
            compared += 1
            if answers[0] != answers[1]:
                told_apart[str(theirs)] = answers
    assert told_apart == {}
    assert compared > 30


async def test_a4_a_kiosk_learns_nothing_of_the_guest_it_checks_in(scene: Scene) -> None:
    place = {"resource_id": scene.tainted.venue.bays[3], **span(JUNE_2 - 24 * HOUR)}
    async with scene.client("admin") as admin:
        booked = await admin.post(
            "/api/bookings", json={**place, "user_id": scene.tainted.victim_id, "note": "Left-handed"}
        )
        assert booked.status_code == 201, booked.text
    taints = scene.tainted.taints
    taints.known("id of one that came", booked.json()["id"])
    taints.known("code of one that came", booked.json()["code"])
    async with scene.client("kiosk") as kiosk, scene.client("kiosk elsewhere") as elsewhere:
        unknown = await elsewhere.post("/api/check-in", json={"code": booked.json()["code"]})
        answer = await kiosk.post("/api/check-in", json={"code": booked.json()["code"]})
    assert (unknown.status_code, answer.status_code) == (404, 200), answer.text
    for each in (unknown, answer):
        head = "\n".join(f"{name}: {value}" for name, value in each.headers.items()).encode()
        assert taints.found_in(head + each.content) == []
    assert answer.json()["attended_at"] is not None


async def test_a4_the_search_finds_what_staff_of_the_place_are_told(scene: Scene) -> None:
    received, _ = await received_by(scene, "staff", methods=("get",))
    found = {what for answer in received.values() for what in scene.tainted.taints.found_in(answer)}
    everything = scene.tainted.taints.words.keys() | scene.tainted.taints.numbers.keys()
    for_admins = {"restriction's reason"}
    assert everything - found <= for_admins


# The socket


async def said(socket: ClientConnection, message: dict[str, Any]) -> None:
    await socket.send(msgpack.packb(message))


async def heard(socket: ClientConnection, until: str) -> bytes:
    """All bytes up to the first message of a type."""
    everything = b""
    async for data in socket:
        assert isinstance(data, bytes)
        everything += data
        if msgpack.unpackb(data, strict_map_key=False)["t"] == until:
            return everything
    raise AssertionError(f"closed before {until}")


def arguments_of(op: Operation, tainted: TaintedVenue) -> dict[str, Any]:
    """Arguments of an operation about what is the victim's."""
    place: dict[str, Any] = {"resource_id": tainted.venue.bays[0], **span(JUNE_2)}
    args: dict[Operation, dict[str, Any]] = {
        "create": place,
        "hold": place,
        "reschedule": {**span(JUNE_2 + HOUR)},
        "update": {"note": "x"},
    }
    target = {TARGETS[op]: tainted.named["booking_id"][0]} if op in TARGETS else {}
    return args.get(op, {}) | target


async def change_everything(scene: Scene) -> None:
    """What staff of the place do while others watch: each change goes out as a diff."""
    moving = scene.tainted.moving
    bays = scene.tainted.venue.bays
    async with scene.client("staff") as staff:
        for number, bay in enumerate((bays[2], bays[1])):
            moved = await staff.post(
                f"/api/bookings/{moving}/reschedule",
                json={
                    "resource_id": bay,
                    **span(JUNE_2 + (9 + number) * HOUR),
                    "override_reason": "asked by phone",
                },
            )
            assert moved.status_code == 200, moved.text
        noted = await staff.patch(
            f"/api/bookings/{moving}", json={"note": scene.tainted.taints.word("note of a change")}
        )
        assert noted.status_code == 200, noted.text
        made = await staff.post(
            "/api/bookings",
            json={
                "resource_id": bays[3],
                **span(JUNE_2 + next(scene.hours) * HOUR),
                "visitor": {"name": scene.tainted.taints.word("walk-in of a change")},
            },
        )
        assert made.status_code == 201, made.text


async def watched_by(scene: Scene, who: str) -> bytes:
    """All that a socket is sent: the snapshot, answers to commands about the victim's, and the diffs of changes."""
    token = scene.tokens[who]
    everything = b""
    async with connect(
        scene.node.socket_address,
        subprotocols=["baygrid.v1"],  # type: ignore[list-item]  # a NewType of str
        compression=None,
        max_size=None,
        proxy=None,
    ) as socket:
        await said(socket, {"t": "hello", "proto": 1} | ({} if token is None else {"token": token}))
        try:
            everything += await heard(socket, "welcome")
        except ConnectionClosed:
            return everything
        subscription = {
            "t": "subscribe",
            "location": scene.tainted.venue.id,
            "from": "2027-06-01",
            "days": 14,
        }
        await said(socket, subscription)
        everything += await heard(socket, "snapshot")
        for number, op in enumerate(BODIES):
            asked = {
                "id": f"{who.replace(' ', '-')}-{number}",
                "op": op,
                "args": arguments_of(op, scene.tainted),
            }
            if who != "staff":  # who may do it would do it
                await said(socket, {"t": "command", **asked})
            await said(socket, {"t": "judge", **asked})
        drag = {"resource_id": scene.tainted.venue.bays[0], **span(JUNE_2)}
        await said(socket, {"t": "presence", "location": scene.tainted.venue.id, "drag": drag})
        await change_everything(scene)
        await said(socket, {"t": "ping", "n": 1})
        everything += await heard(socket, "pong")
        await said(socket, {"t": "unsubscribe", "location": scene.tainted.venue.id})
        await said(socket, subscription)
        everything += await heard(socket, "snapshot")
    return everything


@pytest.mark.parametrize("who", [who for who in STRANGERS if who not in OUTSIDERS])
async def test_a4_no_socket_tells_a_stranger_anything_of_others(scene: Scene, who: str) -> None:
    received = await watched_by(scene, who)
    assert b"diff" in received
    assert scene.tainted.taints.found_in(received) == []


async def test_a4_the_search_finds_what_the_socket_tells_staff_of_the_place(scene: Scene) -> None:
    found = scene.tainted.taints.found_in(await watched_by(scene, "staff"))
    assert {"first name", "note", "account's id", "block's reason", "walk-in of a change"} <= set(found)


async def test_a4_a_socket_without_a_token_is_told_nothing(scene: Scene) -> None:
    async with connect(scene.node.socket_address, compression=None, proxy=None) as socket:
        await said(socket, {"t": "hello", "proto": 1})
        bye = await socket.recv()
        with pytest.raises(ConnectionClosed, match="4401"):
            await socket.recv()
    assert isinstance(bye, bytes)
    assert msgpack.unpackb(bye)["t"] == "bye"
    assert scene.tainted.taints.found_in(bye) == []
