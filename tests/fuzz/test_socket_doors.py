"""Bytes that are no message, and messages at the wrong time, at the socket of a real node: the documented close code.

Belongs here: what ends a socket. Does not belong here: what is answered by a ``nak`` (``test_socket_arguments``), what the
decoder does with each of them (``tests/wire``), and what is legal when (``tests/live``). A well-behaved screen watches the
same location on the same node beside every test (``bystander``).
"""

import datetime as dt
import random
from typing import Any

import msgpack
import pytest
from websockets.exceptions import ConnectionClosed

from tests.fuzz.node_doors import Doors
from tests.fuzz.raw_sockets import (
    MALFORMED,
    PROTOCOL,
    SIGN_IN_AGAIN,
    TOO_BIG,
    TOO_MANY,
    Message,
    Raw,
    all_at_once,
    command,
    hello,
    raw_socket,
    subscribe,
)

pytestmark = pytest.mark.usefixtures("bystander")


# What cannot be read


async def closes_4400(raw: Raw, data: bytes | str) -> None:
    assert await raw.end() == MALFORMED, data


async def test_a_message_cut_off_at_any_length_closes_4400(doors: Doors) -> None:
    for role, message in ((None, hello(doors)), ("staff", subscribe(doors)), ("staff", command(doors))):
        whole = msgpack.packb(message)
        lengths = (
            range(len(whole))
            if len(whole) < 150
            else [*range(100), *range(100, len(whole), 40), len(whole) - 1]
        )
        await all_at_once(doors, role, [whole[:length] for length in lengths], closes_4400)


async def test_random_bytes_close_4400(doors: Doors) -> None:
    chance = random.Random(20270601)
    noise = [chance.randbytes(chance.choice((1, 2, 5, 40, 500, 20_000))) for _ in range(60)]
    await all_at_once(doors, None, [*noise[:20]], closes_4400)
    await all_at_once(doors, "staff", [*noise[20:]], closes_4400)


async def test_a_message_with_a_byte_changed_is_answered_or_closes_and_never_more(doors: Doors) -> None:
    """Whatever it means then: an answer to a message, a ``nak``, or the end."""
    chance = random.Random(20270602)
    sent = []
    for _ in range(60):
        data = bytearray(msgpack.packb(chance.choice((subscribe(doors), {"t": "ping", "n": 5}))))
        data[chance.randrange(len(data))] = chance.randrange(256)
        sent.append(bytes(data))

    async def answered_or_closed(raw: Raw, data: bytes | str) -> None:
        try:
            told = await raw.next_of("snapshot", "nak", "pong", "bye")
        except ConnectionClosed as closed:
            raise AssertionError(f"closed without a bye on {data!r}") from closed
        if told["t"] == "bye":
            assert told["code"] == MALFORMED
            assert await raw.end(told) == MALFORMED
        else:
            assert told["t"] != "nak" or told["status"] in (400, 404)
            await raw.alive()

    await all_at_once(doors, "staff", [*sent], answered_or_closed)


def unreadable() -> list[bytes | str]:
    deep: Any = 1
    for _ in range(400):
        deep = [deep]
    nested: Any = {}
    for _ in range(20):
        nested = {"x": nested}
    ping = msgpack.packb({"t": "ping", "n": 1})
    return [
        "text",
        '{"t": "ping", "n": 1}',
        "",
        b"",
        b"\xc1",
        b"\xc0",
        ping + b"\x00",
        ping + ping,
        msgpack.packb([ping]),
        msgpack.packb({"n": 1, "t": "ping"}),
        msgpack.packb({"t": "shout"}),
        msgpack.packb({"t": "PING", "n": 1}),
        msgpack.packb({"t": 5}),
        msgpack.packb({"t": None}),
        msgpack.packb({"t": ["ping"]}),
        msgpack.packb({"t": "welcome"}),
        msgpack.packb({"t": "snapshot", "location": 1}),
        msgpack.packb({"t": "ping", "n": 1, 5: 6}),
        msgpack.packb({"t": "ping", "n": 1, "x": deep}),
        msgpack.packb({"t": "ping", "n": 1, "x": nested}),
        msgpack.packb({"t": "ping", "n": 1, "x": b"bytes"}),
        msgpack.packb({"t": "ping", "n": 1, "x": float("nan")}),
        msgpack.packb({"t": "ping", "n": float("inf")}),
        msgpack.packb({"t": "ping", "n": 1, "x": dt.datetime(2027, 6, 1, tzinfo=dt.UTC)}, datetime=True),
        msgpack.packb({"t": "ping", "n": 1, "x": msgpack.ExtType(7, b"x")}),
        b"\x83\xa1t\xa4ping\xa1n\x01\xa1n\x02",  # a key twice
        b"\x82\xa1t\xa4ping\xa1n\xd9\x02\xff\xfe",  # text that is not UTF-8
        b"\x82\xa1t\xa4ping\xa1n\xa3\xed\xa0\x80",  # a lone surrogate
        b"\xdf\xff\xff\xff\xff" + b"\x00" * 20,  # a map of four thousand million keys
        b"\xdd\xff\xff\xff\xff",
        b"\xdb\xff\xff\xff\xff",
        b"\x91" * 60_000,
        b"\x81\xa1x" * 20_000,
    ]


async def test_what_is_no_message_closes_4400_before_and_after_hello(doors: Doors) -> None:
    await all_at_once(doors, None, unreadable(), closes_4400)
    await all_at_once(doors, "staff", unreadable(), closes_4400)


async def test_a_message_over_64_kib_closes_1009_and_one_just_within_is_read(doors: Doors) -> None:
    async with raw_socket(doors, "staff") as raw:
        empty = len(msgpack.packb({"t": "ping", "n": 1, "x": "x" * 60_000})) - 60_000
        await raw.send(msgpack.packb({"t": "ping", "n": 1, "x": "x" * (65_536 - empty)}))
        assert (await raw.next_of("pong"))["n"] == 1
        await raw.send(b"x" * 65_537)
        assert await raw.end() == TOO_BIG
    async with raw_socket(doors) as raw:
        await raw.send(b"x" * 1_000_000)
        assert await raw.end() == TOO_BIG


# What comes at the wrong time


async def test_before_hello_only_hello_is_heard(doors: Doors) -> None:
    early = (
        subscribe(doors),
        command(doors),
        command(doors, t="judge"),
        {"t": "unsubscribe", "location": doors.venue.id},
        {"t": "presence", "location": doors.venue.id},
        {"t": "auth", "token": doors.tokens["staff"]},
        {"t": "ping", "n": 1},
        {"t": "subscribe"},
    )
    await all_at_once(doors, None, [msgpack.packb(message) for message in early], closes_4400)


async def test_a_hello_that_is_none_closes_with_its_code(doors: Doors) -> None:
    token = doors.tokens["staff"]
    greetings: list[tuple[Message, int]] = [
        ({"t": "hello", "proto": 2, "token": token}, PROTOCOL),
        ({"t": "hello", "proto": -1, "token": token}, PROTOCOL),
        ({"t": "hello", "proto": 2**62, "token": token}, PROTOCOL),
        ({"t": "hello", "proto": 2**64 - 1, "token": token}, MALFORMED),
        ({"t": "hello", "proto": 1.0, "token": token}, MALFORMED),
        ({"t": "hello", "proto": True, "token": token}, MALFORMED),
        ({"t": "hello", "token": token}, MALFORMED),
        ({"t": "hello", "proto": 1, "token": ""}, MALFORMED),
        ({"t": "hello", "proto": 1, "token": 5}, MALFORMED),
        ({"t": "hello", "proto": 1, "token": "\x00"}, MALFORMED),
        ({"t": "hello", "proto": 1}, SIGN_IN_AGAIN),
        ({"t": "hello", "proto": 1, "token": "x"}, SIGN_IN_AGAIN),
        ({"t": "hello", "proto": 1, "token": token[:-2]}, SIGN_IN_AGAIN),
        ({"t": "hello", "proto": 1, "token": "\U0001f40d" * 5_000}, SIGN_IN_AGAIN),
        ({"t": "hello", "proto": 1, "token": "a.b.c"}, SIGN_IN_AGAIN),
    ]
    for greeting, code in greetings:
        async with raw_socket(doors) as raw:
            await raw.send(greeting)
            assert await raw.end() == code, greeting


async def test_a_second_hello_closes_4400_and_a_rubbish_or_foreign_token_ends_the_session(
    doors: Doors,
) -> None:
    async with raw_socket(doors, "staff") as raw:
        await raw.send(hello(doors))
        assert await raw.end() == MALFORMED
    for token, code in (("x", SIGN_IN_AGAIN), (doors.tokens["admin"], 1008)):
        async with raw_socket(doors, "staff") as raw:
            await raw.send({"t": "auth", "token": token})
            assert await raw.end() == code


async def test_messages_behind_the_end_are_not_heard(doors: Doors) -> None:
    """What was sent in one go with what closes it is not done."""
    before = await doors.town.value("SELECT count(*) FROM bookings")
    async with raw_socket(doors, "staff") as raw:
        await raw.send(b"\xc1", *(command(doors) for _ in range(10)))
        assert await raw.end() == MALFORMED
    assert await doors.town.value("SELECT count(*) FROM bookings") == before


async def test_more_than_200_messages_in_a_second_close_4429_whatever_they_are(doors: Doors) -> None:
    floods: tuple[Message, ...] = (
        {"t": "ping", "n": 1},
        {"t": "subscribe"},
        {"t": "presence", "location": doors.venue.id},
        command(doors, op="shout"),
    )
    for message in floods:
        async with raw_socket(doors, "staff") as raw:
            await raw.send(*([message] * 450))
            assert await raw.end() == TOO_MANY, message
