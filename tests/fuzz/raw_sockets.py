"""A socket to a real node that says whatever it is told to, and messages that are right.

Belongs here: sending and waiting. Does not belong here: what is wrong (the tests).
"""

import asyncio
import datetime as dt
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgpack
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.acceptance.conftest import span
from tests.fuzz.http_attempts import JUNE_2
from tests.fuzz.node_doors import Doors

PATIENCE = 15.0
FIRST = dt.date(2027, 6, 1)
MALFORMED, SIGN_IN_AGAIN, TOO_BIG, TOO_MANY, PROTOCOL = 4400, 4401, 1009, 4429, 4409

numbers = itertools.count()

Message = dict[str, Any]


class Raw:
    """A socket that says whatever it is told to."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket

    async def send(self, *messages: Message | bytes | str) -> None:
        """Each as it is, or as msgpack; what is sent into a socket that was closed meanwhile is lost."""
        try:
            for message in messages:
                await self.socket.send(msgpack.packb(message) if isinstance(message, dict) else message)
        except ConnectionClosed:
            pass

    async def next(self) -> Message:
        async with asyncio.timeout(PATIENCE):
            return dict(msgpack.unpackb(await self.socket.recv(), strict_map_key=False))

    async def next_of(self, *kinds: str) -> Message:
        while (message := await self.next())["t"] not in kinds:
            assert message["t"] in ("tick", "diff", "own", "presence"), message
        return message

    async def end(self, last: Message | None = None) -> int:
        """The close code; a ``bye`` with the same comes before it (``last``), unless the protocol itself was broken."""
        last = last or {}
        code = None
        while code is None:
            try:
                last = await self.next()
            except ConnectionClosed as closed:
                code = closed.rcvd.code if closed.rcvd else 1006
        assert code == TOO_BIG or (last.get("t"), last.get("code")) == ("bye", code), (code, last)
        return code

    async def alive(self) -> None:
        """It still answers."""
        number = next(numbers)
        await self.send({"t": "ping", "n": number})
        assert (await self.next_of("pong"))["n"] == number


@asynccontextmanager
async def raw_socket(doors: Doors, role: str | None = None) -> AsyncIterator[Raw]:
    """A socket, said hello to as the role unless it is None."""
    subprotocols: Any = ["baygrid.v1"]
    async with connect(
        doors.node.socket_address, subprotocols=subprotocols, compression=None, proxy=None
    ) as socket:
        raw = Raw(socket)
        if role is not None:
            await raw.send({"t": "hello", "proto": 1, "token": doors.tokens[role]})
            assert (await raw.next())["t"] == "welcome"
        yield raw


def hello(doors: Doors) -> Message:
    return {"t": "hello", "proto": 1, "token": doors.tokens["staff"]}


def subscribe(doors: Doors, **other: Any) -> Message:
    return {"t": "subscribe", "location": doors.venue.id, "from": FIRST.isoformat(), "days": 7} | other


def command(doors: Doors, **other: Any) -> Message:
    place = {"resource_id": doors.venue.bays[1], **span(JUNE_2)}
    return {"t": "command", "id": f"key-{next(numbers)}", "op": "create", "args": place} | other


async def all_at_once(
    doors: Doors,
    role: str | None,
    sent: list[bytes | str],
    check: Callable[[Raw, bytes | str], Awaitable[None]],
) -> None:
    """Sends each on a socket of its own, some at a time."""
    gate = asyncio.Semaphore(16)

    async def one(data: bytes | str) -> None:
        async with gate, raw_socket(doors, role) as raw:
            await raw.send(data)
            await check(raw, data)

    await asyncio.gather(*map(one, sent))


async def expect_nak(raw: Raw, message: Message, status: int, **named: Any) -> Message:
    await raw.send(message)
    told = await raw.next_of("nak", "ack", "verdict", "snapshot", "pong", "bye", "resync")
    assert (told["t"], told.get("status")) == ("nak", status), (message, told)
    assert {name: told.get(name) for name in named} == named, (message, told)
    return told


async def expect_told(raw: Raw, message: Message) -> Message:
    await raw.send(message)
    return await raw.next_of("nak", "ack", "verdict")
