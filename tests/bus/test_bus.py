"""The contract of the bus: every adapter passes the same suite, each with two nodes' ends."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest

from server.bus.memory import Exchange, MemoryBus
from server.bus.port import Bus
from server.bus.redis import RedisBus
from server.embedded import EmbeddedValkey


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 -- the condition is somebody else's, and sets no event
            await asyncio.sleep(0.005)


@asynccontextmanager
async def running(*buses: Bus) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(bus.run()) for bus in buses]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@pytest.fixture(params=["memory", "redis"])
async def nodes(
    request: pytest.FixtureRequest, valkey_server: EmbeddedValkey
) -> AsyncIterator[tuple[Bus, Bus]]:
    one: Bus
    other: Bus
    if request.param == "memory":
        exchange = Exchange()
        one, other = MemoryBus(exchange), MemoryBus(exchange)
    else:
        one, other = RedisBus(valkey_server.url), RedisBus(valkey_server.url)
    async with running(one, other):
        await until(lambda: one.connected and other.connected)
        yield one, other


async def test_what_one_node_publishes_the_others_and_itself_hear_in_order(nodes):
    one, other = nodes
    heard: dict[str, list[bytes]] = {"one": [], "other": []}
    assert await one.subscribe("location:1", heard["one"].append)
    assert await other.subscribe("location:1", heard["other"].append)
    messages = [bytes([n]) * n for n in range(200)]
    for message in messages:
        one.publish("location:1", message)
    await until(lambda: all(len(each) == len(messages) for each in heard.values()))
    assert heard == {"one": messages, "other": messages}


async def test_channels_are_apart(nodes):
    one, other = nodes
    first: list[bytes] = []
    second: list[bytes] = []
    await other.subscribe("location:1", first.append)
    await other.subscribe("location:2", second.append)
    one.publish("location:2", b"b")
    one.publish("location:3", b"c")
    one.publish("location:1", b"a")
    await until(lambda: bool(first))
    assert (first, second) == ([b"a"], [b"b"])


async def test_a_confirmed_subscription_misses_nothing_published_after(nodes):
    one, other = nodes
    for n in range(50):
        heard: list[bytes] = []
        assert await other.subscribe(f"location:{n}", heard.append)
        one.publish(f"location:{n}", b"x")
        await until(partial(heard.__contains__, b"x"))


async def test_nobody_listens_after_unsubscribing_until_they_subscribe_again(nodes):
    one, other = nodes
    before: list[bytes] = []
    after: list[bytes] = []
    await other.subscribe("a", before.append)
    other.unsubscribe("a")
    other.unsubscribe("a")
    other.unsubscribe("never")
    one.publish("a", b"1")
    await other.subscribe("b", after.append)
    one.publish("b", b"2")
    await until(lambda: after == [b"2"])
    assert before == []
    assert await other.subscribe("a", before.append)
    one.publish("a", b"3")
    await until(lambda: before == [b"3"])


async def test_a_second_subscription_takes_the_place_of_the_first(nodes):
    one, other = nodes
    first: list[bytes] = []
    second: list[bytes] = []
    await other.subscribe("a", first.append)
    assert await other.subscribe("a", second.append)
    one.publish("a", b"x")
    await until(lambda: second == [b"x"])
    assert first == []


async def test_giving_up_and_asking_again_at_once_is_confirmed_by_the_latter(nodes):
    one, other = nodes
    heard: list[bytes] = []
    for n in range(30):
        first = asyncio.create_task(other.subscribe("a", lambda _: None))
        await asyncio.sleep(0)
        other.unsubscribe("a")
        assert await other.subscribe("a", heard.append)
        one.publish("a", bytes([n]))
        await until(partial(heard.__contains__, bytes([n])))
        assert len(heard) == 1
        heard.clear()
        other.unsubscribe("a")
        await first


async def test_bytes_arrive_as_they_are(nodes):
    one, other = nodes
    heard: list[bytes] = []
    await other.subscribe("a", heard.append)
    payloads = [b"", bytes(range(256)), b"x" * 300_000, b"\r\n$5\r\n"]
    for payload in payloads:
        one.publish("a", payload)
    await until(lambda: len(heard) == len(payloads))
    assert heard == payloads


# What only a bus with a server between can suffer


@pytest.fixture
async def valkey(tmp_path: Path) -> AsyncIterator[EmbeddedValkey]:
    server = EmbeddedValkey(tmp_path)
    await server.start()
    yield server
    await server.stop()


async def test_p3_with_redis_away_nothing_waits_and_all_is_restored_after(valkey: EmbeddedValkey):
    one, other = RedisBus(valkey.url), RedisBus(valkey.url)
    restored: list[str] = []
    other.on_restored(lambda: restored.append("other"))
    heard: list[bytes] = []
    async with running(one, other):
        await until(lambda: one.connected and other.connected)
        await other.subscribe("a", heard.append)
        assert restored == ["other"]
        await valkey.stop()
        await until(lambda: not one.connected and not other.connected)
        started = asyncio.get_running_loop().time()
        for _ in range(50_000):
            one.publish("a", b"lost")
        assert await other.subscribe("b", heard.append) is False
        assert asyncio.get_running_loop().time() - started < 1
        await valkey.start()
        await until(lambda: one.connected and other.connected)
        assert restored == ["other", "other"]
        one.publish("a", b"1")
        one.publish("b", b"2")
        await until(lambda: len(heard) == 2)
        assert heard == [b"1", b"2"]


async def test_p3_subscribing_before_there_is_a_connection_is_made_good_later(valkey: EmbeddedValkey):
    bus = RedisBus(valkey.url)
    heard: list[bytes] = []
    assert await bus.subscribe("a", heard.append) is False
    bus.publish("a", b"lost")
    async with running(bus):
        await until(lambda: bus.connected)
        bus.publish("a", b"heard")
        await until(lambda: heard == [b"heard"])


async def test_p3_a_link_that_is_dead_without_a_word_is_noticed(valkey: EmbeddedValkey):
    """A relay that stops relaying, and keeps both its sockets open: what a broken network looks like."""
    port = int(valkey.url.rpartition(":")[2].partition("/")[0])
    flowing = asyncio.Event()
    flowing.set()

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(4096):
                await flowing.wait()
                writer.write(data)
        except OSError:
            pass
        finally:
            writer.close()

    pumps: set[asyncio.Task[None]] = set()

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", port)
        pumps.update({asyncio.create_task(pump(reader, back)), asyncio.create_task(pump(there, writer))})

    server = await asyncio.start_server(relay, "127.0.0.1", 0)
    relay_port = server.sockets[0].getsockname()[1]
    bus = RedisBus(valkey.url.replace(f":{port}/", f":{relay_port}/"))
    heard: list[bytes] = []
    async with running(bus):
        await until(lambda: bus.connected)
        await bus.subscribe("a", heard.append)
        flowing.clear()
        await until(lambda: not bus.connected)
        flowing.set()
        await until(lambda: bus.connected)
        bus.publish("a", b"again")
        await until(lambda: heard == [b"again"])
    server.close()
    await asyncio.gather(*pumps)
    await server.wait_closed()


async def test_installations_with_different_prefixes_do_not_hear_each_other(redis_url: str):
    one, other = RedisBus(redis_url, prefix="one"), RedisBus(redis_url, prefix="other")
    heard: list[bytes] = []
    async with running(one, other):
        await until(lambda: one.connected and other.connected)
        await other.subscribe("a", heard.append)
        one.publish("a", b"x")
        other.publish("a", b"y")
        await until(lambda: bool(heard))
        assert heard == [b"y"]
