"""The live wire over real sockets: uvicorn, its event loop, and a client of another library."""

import asyncio
from dataclasses import replace

import msgpack
import pytest

from grid_engine.interval import HOUR
from server.bus.memory import Exchange, MemoryBus
from server.errors import NotFound
from server.principal import Principal
from tests.live.doubles import NOON, MemoryStore, booking, manual_clock, put, remove, until
from tests.live.serving import Node

CREATE = {"resource_id": 1, "start_time": "2027-06-01T18:00:00Z", "end_time": "2027-06-01T19:00:00Z"}
DRAG = {"resource_id": 2, "start_time": "2027-06-01T18:00:00Z", "end_time": "2027-06-01T19:00:00Z"}


@pytest.fixture
def store():
    return MemoryStore(manual_clock(), 1, 2)


@pytest.fixture
async def node(store):
    async with Node(store).serving() as node:
        yield node


def advance(node: Node, *changes) -> None:
    room = node.rooms.loaded(1)
    assert room is not None
    room.advance(node.store.commit(1, *changes))


async def test_w1_a_change_reaches_every_audience_as_it_may_see_it(node):
    async with node.client("staff") as staff, node.client("kiosk") as kiosk:
        for client in (staff, kiosk):
            assert (await client.subscribe())["records"] == []
        advance(node, put(booking("a")))
        seen = await staff.next()
        assert (seen["base"], seen["version"]) == (0, 1)
        assert seen["ops"][0][2]["who"] == "customer 7"
        shown = await kiosk.next()
        assert shown["ops"] == [
            [
                1,
                "put",
                {
                    "id": "shown-a",
                    "resource_id": 1,
                    "start": NOON + HOUR,
                    "end": NOON + 2 * HOUR,
                    "kind": "booking",
                    "status": "busy",
                },
            ]
        ]


async def test_g6_an_ack_comes_before_the_diff_of_its_version(node):
    async with node.client("staff") as client:
        await client.subscribe()
        for n in range(20):
            await client.send(t="command", id=f"key-{n}", op="create", args=CREATE)
        told = [await client.next() for _ in range(21)]
        acked: set[int] = set()
        for message in told:
            if message["t"] == "ack":
                acked.add(message["version"])
            else:
                assert set(range(message["base"] + 1, message["version"] + 1)) <= acked


async def test_a_customer_is_told_of_its_own_records_after_the_diff_of_their_version(node):
    async with node.client("customer") as own, node.client("other") as other:
        await own.subscribe()
        await other.subscribe()
        advance(node, put(booking("a", note="left-handed")))
        assert (await own.next())["t"] == "diff"
        told = await own.next()
        assert (told["t"], told["version"]) == ("own", 1)
        assert told["records"][0]["grid_id"] == "shown-a"
        assert told["records"][0]["note"] == "left-handed"
        assert "created_by" not in told["records"][0]
        advance(node, put(booking("b", NOON + 4 * HOUR, user_id=8)))
        assert (await own.next())["t"] == "diff"
        assert [(await other.next())["t"] for _ in range(3)] == ["diff", "diff", "own"]
        advance(node, remove(booking("a")))
        assert (await own.next())["t"] == "diff"
        assert (await own.next())["records"] == []


async def test_a_customer_that_comes_back_is_told_what_became_of_its_records(node):
    async with node.client("customer") as client:
        snapshot = await client.subscribe()
        since = {"epoch": snapshot["epoch"], "version": snapshot["version"]}
    advance(node, put(booking("a")))
    async with node.client("customer") as client:
        answer = await client.subscribe(since=since)
        assert (answer["t"], answer["base"], answer["version"]) == ("diff", 0, 1)
        assert [record["id"] for record in (await client.next())["records"]] == ["a"]
    advance(node, remove(booking("a")))
    async with node.client("customer") as client:
        assert (await client.subscribe(since={"epoch": "epoch-1", "version": 1}))["version"] == 2
        assert (await client.next())["records"] == []


async def test_subscriptions_are_answered_by_a_diff_only_where_it_continues_what_is_held(node):
    advance_to_three = [put(booking("a")), put(booking("b", NOON + 3 * HOUR)), remove(booking("a"))]
    async with node.client("staff") as client:
        await client.subscribe()
        advance(node, *advance_to_three)
        assert (await client.next())["version"] == 3
        epoch = "epoch-1"
        assert (await client.subscribe(since={"epoch": epoch, "version": 1}))["base"] == 1
        empty = await client.subscribe(since={"epoch": epoch, "version": 3})
        assert (empty["t"], empty["base"], empty["version"], empty["ops"]) == ("diff", 3, 3, [])
        assert (await client.subscribe(since={"epoch": "another", "version": 3}))["t"] == "snapshot"
        assert (await client.subscribe(since={"epoch": epoch, "version": 99}))["t"] == "snapshot"
        assert (await client.subscribe(days=2, since={"epoch": epoch, "version": 3}))["t"] == "snapshot"
        assert (await client.subscribe(days=2, since={"epoch": epoch, "version": 3}))["t"] == "diff"


async def test_what_cannot_be_watched_is_refused_by_its_location(node):
    async with node.client("staff") as client:
        refused = await client.subscribe(location=99)
        assert {name: refused[name] for name in ("t", "location", "status", "code")} == {
            "t": "nak",
            "location": 99,
            "status": 404,
            "code": "not_found",
        }
        for location in (0, -1, 2**31, 2**62):
            assert (await client.subscribe(location=location))["status"] == 404
        assert (await client.subscribe(days=32))["status"] == 400
        assert (await client.subscribe(date="2027-02-30"))["status"] == 400
    async with node.client("kiosk") as kiosk:
        assert (await kiosk.subscribe(location=2))["status"] == 404
        assert (await kiosk.subscribe())["t"] == "snapshot"


async def test_any_date_can_be_looked_at(node):
    async with node.client("staff") as client:
        for date in ("0001-01-01", "9999-12-31", "9999-12-20", "1970-01-01"):
            answer = await client.subscribe(date=date, days=31)
            assert (answer["t"], answer["from"]) == ("snapshot", date)


async def test_one_location_does_not_hear_of_another(node):
    async with node.client("admin") as client:
        await client.subscribe(1)
        await client.subscribe(2)
        await client.send(t="unsubscribe", location=1)
        await client.send(t="ping", n=1)
        assert (await client.next())["t"] == "pong"
        advance(node, put(booking("a")))
        room = node.rooms.loaded(2)
        room.advance(node.store.commit(2, put(booking("b"))))
        assert (await client.next())["location"] == 2


async def test_g8_only_the_last_verdict_is_given(node):
    async with node.client("staff") as client:
        node.desk.verdicts.clear()
        for n in range(10):
            await client.send(t="judge", id=f"j{n}", op="create", args=CREATE)
        await client.send(t="ping", n=5)
        assert (await client.next())["t"] == "pong"
        node.desk.verdicts.set()
        verdict = await client.next()
        assert verdict == {
            "t": "verdict",
            "id": "j9",
            "allowed": True,
            "overridable": False,
            "violations": [],
            "suggestions": [],
        }
        assert len(node.desk.judged) <= 2


async def test_g9_staff_see_each_others_drags_and_nobody_else_does(node):
    async with (
        node.client("staff") as staff,
        node.client("colleague") as colleague,
        node.client("customer") as customer,
        node.client("kiosk") as kiosk,
    ):
        for client in (staff, colleague, customer, kiosk):
            await client.subscribe()
        await staff.send(t="presence", location=1, drag=DRAG)
        seen = await colleague.next()
        assert (seen["t"], seen["who"], seen["drag"]) == ("presence", "Sam", DRAG)
        await staff.send(t="presence", location=1)
        ended = await colleague.next()
        assert ended == {"t": "presence", "location": 1, "session": seen["session"], "who": "Sam"}
        for client in (staff, customer, kiosk):
            await client.send(t="ping", n=1)
            assert (await client.next())["t"] == "pong"
        await customer.send(t="presence", location=1, drag=DRAG)
        assert (await customer.next())["status"] == 403


async def test_g9_a_ghost_goes_with_its_session_and_newcomers_see_those_that_stay(node):
    async with node.client("colleague") as colleague:
        await colleague.subscribe()
        async with node.client("staff") as staff:
            await staff.subscribe()
            await staff.send(t="presence", location=1, drag=DRAG)
            assert (await colleague.next())["drag"] == DRAG
            async with node.client("admin") as admin:
                await admin.subscribe()
                assert (await admin.next())["drag"] == DRAG
        assert "drag" not in await colleague.next()


async def test_g9_drags_cross_nodes(store):
    exchange = Exchange()
    async with (
        Node(store, MemoryBus(exchange)).serving() as one,
        Node(store, MemoryBus(exchange)).serving() as other,
        one.client("staff") as here,
        other.client("colleague") as there,
    ):
        await here.subscribe()
        await there.subscribe()
        await here.send(t="presence", location=1, drag=DRAG)
        assert (await there.next())["drag"] == DRAG
        await here.raw.close()
        assert "drag" not in await there.next()


async def test_changes_cross_nodes(store):
    exchange = Exchange()
    async with (
        Node(store, MemoryBus(exchange)).serving() as one,
        Node(store, MemoryBus(exchange)).serving() as other,
        one.client("staff") as here,
        other.client("kiosk") as there,
    ):
        await here.subscribe()
        await there.subscribe()
        await here.send(t="command", id="k", op="create", args=CREATE)
        assert (await there.next())["ops"][0][1] == "put"
        assert [(await here.next())["t"] for _ in range(2)] == ["ack", "diff"]


async def test_a6_foreign_origins_are_turned_away(node):
    own = f"http://127.0.0.1:{node.port}"
    for origin in (own, "https://friend.example", None):
        async with node.client(origin=origin) as client:
            await client.send(t="hello", proto=1, token="staff")
            assert (await client.next())["t"] == "welcome"
    for origin in (
        "https://evil.example",
        "null",
        "http://[",
        f"http://127.0.0.1:{node.port + 1}",
        "file://",
    ):
        async with node.client(origin=origin) as client:
            told, code = await client.end()
            assert (told[-1]["t"], told[-1]["code"], code) == ("bye", 4403, 4403)


async def test_a_cookie_stands_in_for_the_token(node):
    async with node.client(additional_headers={"cookie": "a=b; baygrid_access=staff"}) as client:
        await client.send(t="hello", proto=1)
        assert (await client.next())["role"] == "staff"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (msgpack.packb({"t": "hello", "proto": 2, "token": "staff"}), 4409),
        (msgpack.packb({"t": "hello", "proto": 1, "token": "nobody"}), 4401),
        (msgpack.packb({"t": "hello", "proto": 1}), 4401),
        (msgpack.packb({"t": "hello", "proto": "1"}), 4400),
        (msgpack.packb({"t": "ping", "n": 1}), 4400),
        (msgpack.packb({"t": "shout"}), 4400),
        (b"\xc1", 4400),
        (b"", 4400),
        ("text", 4400),
        (b"x" * (64 * 1024 + 1), 1009),
    ],
    ids=["proto", "token", "none", "type", "order", "unknown", "bytes", "empty", "text", "size"],
)
async def test_bad_greetings_close_with_their_code(node, data, code):
    async with node.client() as client:
        await client.raw.send(data)
        told, closed = await client.end()
        assert closed == code
        if code != 1009:
            assert (told[-1]["t"], told[-1]["code"]) == ("bye", code)


async def test_a_second_hello_closes(node):
    async with node.client("staff") as client:
        await client.send(t="hello", proto=1, token="staff")
        assert (await client.end())[1] == 4400


async def test_a_subprotocol_that_is_not_spoken_closes(node):
    async with node.client(subprotocols=["baygrid.v9"]) as client:
        assert (await client.end())[1] == 4409


async def test_more_than_200_messages_in_a_second_close(node):
    async with node.client("staff") as client:
        for n in range(400):
            await client.send(t="ping", n=n)
        told, code = await client.end()
        assert code == 4429
        assert sum(message["t"] == "pong" for message in told) == 199  # the greeting counts


async def test_sockets_per_account_are_limited(store):
    async with Node(store, per_account=2).serving() as node:
        async with (
            node.client("staff"),
            node.client("staff"),
            node.client("colleague"),
            node.client() as third,
        ):
            await third.send(t="hello", proto=1, token="staff")
            assert (await third.end())[1] == 1008
        async with node.client("staff"):
            pass


async def test_sockets_per_address_are_limited(store):
    async with Node(store, per_address=3).serving() as node:
        async with (
            node.client("staff"),
            node.client("staff"),
            node.client("colleague"),
            node.client() as fourth,
        ):
            told, code = await fourth.end()
            assert (told[-1]["code"], code) == (1008, 1008)
        await until(lambda: len(node.connections) == 0)
        async with node.client("staff"):
            pass


async def test_sockets_of_a_whole_ipv6_network_are_of_one_address(store):
    def client(node, address):
        return node.client(additional_headers={"x-forwarded-for": address})

    async with (
        Node(store, per_address=2).serving() as node,
        client(node, "2001:db8::1") as first,
        client(node, "2001:db8::2"),
        client(node, "2001:db8:0:1::1") as neighbour,
        client(node, "2001:db8::3") as third,
    ):
        assert (await third.end())[1] == 1008
        for each in (first, neighbour):
            await each.send(t="hello", proto=1, token="staff")
            assert (await each.next())["t"] == "welcome"


async def test_a5_revocation_reaches_open_sockets(node):
    async with node.client("staff") as staff, node.client("colleague") as colleague:
        await colleague.subscribe()
        del node.identity.principals["staff"]
        node.connections.accounts_changed()
        assert (await staff.end())[1] == 4401
        # No longer staff of this location: the grid has to be taken again, as the public sees it.
        node.identity.principals["colleague"] = Principal(
            user_id=2, role="staff", location_ids=frozenset({2}), name="Alex", session_id="s2"
        )
        node.connections.accounts_changed()
        assert (await colleague.next())["t"] == "resync"
        advance(node, put(booking("a")))
        assert "who" not in (await colleague.subscribe())["records"][0]
        node.identity.principals["colleague"] = Principal(user_id=2, role="customer", session_id="s2")
        node.connections.accounts_changed()
        assert (await colleague.end())[1] == 4401


async def test_a5_a_subscription_that_waited_is_for_whom_the_account_is_by_then(node):
    kiosk, moved = node.identity.principals["kiosk"], frozenset({2})
    async with node.client("kiosk") as client:
        node.store.gate.clear()
        await client.send(t="subscribe", location=1, from_="2027-06-01", days=1)
        await client.send(t="ping", n=1)
        await client.next_of("pong")
        node.identity.principals["kiosk"] = replace(kiosk, location_ids=moved)
        await node.connections.recheck()
        node.store.gate.set()
        refused = await client.next()
        assert (refused["t"], refused["location"], refused["status"]) == ("nak", 1, 404)


async def test_a5_verdicts_are_for_whom_the_account_is_by_then_however_fast_they_are_asked_for(node):
    asked = {"resource_id": 1, "start_time": "2027-06-01T13:00:00Z", "end_time": "2027-06-01T14:00:00Z"}
    staff = node.identity.principals["staff"]
    async with node.client("staff") as client:
        node.desk.verdicts.clear()
        await client.send(t="judge", id="1", op="create", args=asked)
        await until(lambda: len(node.desk.judged) == 1)
        node.identity.principals["staff"] = replace(staff, location_ids=frozenset())
        await node.connections.recheck()
        await client.send(
            t="judge", id="2", op="create", args=asked
        )  # before there is an answer to the first
        await client.send(t="ping", n=1)
        await client.next_of("pong")
        node.desk.verdicts.set()
        assert (await client.next_of("verdict"))["id"] == "2"
    assert [principal.location_ids for principal in node.desk.judges] == [frozenset({1}), frozenset()]


async def test_a_token_that_ends_ends_its_socket_unless_a_fresh_one_came(node):
    def staff_until(end: int) -> Principal:
        return Principal(
            user_id=1, role="staff", location_ids=frozenset({1}), session_id="s1", expires_at=end
        )

    node.identity.principals |= {"short": staff_until(NOON + 100), "long": staff_until(NOON + 500)}
    node.identity.principals.pop("staff")
    async with node.client("short") as one, node.client("short") as other:
        await one.send(t="auth", token="long")
        await one.send(t="ping", n=1)
        await one.next_of("pong")
        node.clock.advance(200)
        node.connections.look()
        assert (await other.end())[1] == 4401
        await one.send(t="ping", n=2)
        assert (await one.next_of("pong"))["n"] == 2
        node.clock.advance(400)
        node.connections.look()
        assert (await one.end())[1] == 4401


async def test_p2_a_token_that_ends_while_postgres_is_away_ends_its_socket_when_it_is_back(node):
    node.identity.principals["staff"] = replace(node.identity.principals["staff"], expires_at=NOON + 100)
    async with node.client("staff") as staff:
        await staff.subscribe()
        node.store.away = True
        await node.rooms.check()
        node.clock.advance(200)
        node.connections.look()
        await staff.send(t="ping", n=1)
        assert (await staff.next_of("pong"))["n"] == 1
        node.store.away = False
        await node.rooms.check()
        node.connections.look()
        assert (await staff.end())[1] == 4401


async def test_a_fresh_token_has_to_be_good_and_the_same_accounts(node):
    async with node.client("staff") as client:
        await client.send(t="auth", token="rubbish")
        assert (await client.end())[1] == 4401
    async with node.client("staff") as client:
        await client.send(t="auth", token="colleague")
        assert (await client.end())[1] == 1008


async def test_p2_watchers_are_told_that_postgres_is_away_and_back(node):
    async with node.client("staff") as client:
        await client.subscribe()
        node.store.away = True
        await node.rooms.check()
        assert (await client.next())["stale"] is True
        async with node.client("customer") as late:
            assert (await late.subscribe())["t"] == "snapshot"
            assert (await late.next())["stale"] is True
        assert (await client.subscribe(date="2027-05-01"))["status"] == 503
        assert (await client.subscribe(location=2))["status"] == 503
        node.store.away = False
        await node.rooms.check()
        assert (await client.next_of("stale"))["stale"] is False


async def test_a_server_that_goes_away_says_when_to_come_back(store):
    node = Node(store)
    async with node.serving(), node.client("staff") as one, node.client("colleague") as other:
        await one.subscribe()
        assert node.server is not None
        node.server.should_exit = True
        ends = await asyncio.gather(one.end(), other.end())
    assert [code for _, code in ends] == [1001, 1001]
    byes = [told[-1] for told, _ in ends]
    assert all(bye["code"] == 1001 and 500 <= bye["retry_after_ms"] <= 5_000 for bye in byes)


async def test_commands_that_fail_are_answered(node):
    async with node.client("staff") as client:
        node.desk.refusal = NotFound()
        await client.send(t="command", id="a", op="create", args=CREATE)
        refused = await client.next()
        assert (refused["t"], refused["id"], refused["status"]) == ("nak", "a", 404)
        node.desk.fault = RuntimeError("a fault of ours")
        await client.send(t="command", id="b", op="create", args=CREATE)
        assert (await client.next())["status"] == 500
        await client.send(t="command", id="c", op="cancel", args={"booking_id": "not-an-id"})
        assert (await client.next())["status"] == 404
        await client.send(t="command", id="d", op="create", args={"resource_id": "1"})
        refused = await client.next()
        assert (refused["id"], refused["status"], refused["code"]) == ("d", 400, "invalid_request")


async def test_ticks_name_the_versions_that_were_sent(node):
    async with node.client("staff") as client:
        await client.subscribe()
        advance(node, put(booking("a")))
        await client.next()
        for connection in node.connections:
            connection.tick()
        assert await client.next() == {"t": "tick", "versions": {1: 1}, "server_time": NOON}
