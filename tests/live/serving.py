"""A node for tests: real uvicorn on loopback, our own ports in memory behind it, and a client that speaks the wire."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, nullcontext
from typing import Any

import msgpack
import uvicorn
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from server.bus.memory import MemoryBus
from server.bus.port import Bus
from server.edge.websocket import WebSocketEndpoint
from server.live.connections import Connections
from server.live.protocol import websocket_options
from server.live.rooms import Rooms
from tests.live.doubles import MemoryDesk, MemoryIdentity, MemoryStore, everybody, manual_clock, until


class Node:
    """One server process, as far as the live layer goes."""

    def __init__(
        self,
        store: MemoryStore,
        bus: Bus | None = None,
        identity: MemoryIdentity | None = None,
        **limits: int,
    ) -> None:
        self.store = store
        self.bus: Bus = bus or MemoryBus()
        self.clock = manual_clock()
        self.identity = identity or everybody()
        self.rooms = Rooms(store=store, bus=self.bus, clock=self.clock)
        self.desk = MemoryDesk(store, self.rooms)
        self.connections = Connections(
            rooms=self.rooms,
            desk=self.desk,
            identity=self.identity,
            clock=self.clock,
            bus=self.bus,
            **limits,
        )
        self.port = 0
        self.server: uvicorn.Server | None = None

    @asynccontextmanager
    async def serving(self, **options: Any) -> AsyncIterator["Node"]:
        endpoint = WebSocketEndpoint(self.connections, allowed_origins={"https://friend.example"})

        async def app(
            scope: Any, receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]
        ) -> None:
            if scope["type"] == "websocket":
                await endpoint(scope, receive, send)

        listening = socket.create_server(("127.0.0.1", 0), backlog=2048)
        self.port = listening.getsockname()[1]
        config = uvicorn.Config(
            app,
            lifespan="off",
            log_level="error",
            timeout_graceful_shutdown=2,
            **websocket_options() | options,
        )
        server = self.server = _Server(config)
        tasks = [
            asyncio.create_task(server.serve(sockets=[listening])),
            asyncio.create_task(self.rooms.run()),
            asyncio.create_task(self.connections.run()),
        ]
        await until(lambda: server.started)
        try:
            yield self
        finally:
            server.should_exit = True
            await tasks[0]
            for task in tasks[1:]:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            listening.close()

    @asynccontextmanager
    async def client(self, token: str | None = None, **options: Any) -> AsyncIterator["Client"]:
        """A socket; greeted if a token is given."""
        async with open_socket(self.port, token, **options) as client:
            yield client


class _Server(uvicorn.Server):
    """Signals are pytest's."""

    def capture_signals(self) -> Any:
        return nullcontext()


@asynccontextmanager
async def open_socket(port: int, token: str | None = None, **options: Any) -> AsyncIterator["Client"]:
    """A socket to the server at a port of this machine; greeted if a token is given."""
    options = {"subprotocols": ["baygrid.v1"], "compression": None, "max_size": None} | options
    async with connect(f"ws://127.0.0.1:{port}/ws", **options) as raw:
        client = Client(raw)
        if token is not None:
            await client.send(t="hello", proto=1, token=token)
            assert (await client.next())["t"] == "welcome"
        yield client


class Client:
    """Speaks the wire, strictly: messages are binary, and ``t`` comes first."""

    def __init__(self, raw: ClientConnection) -> None:
        self.raw = raw

    async def send(self, **message: Any) -> None:
        await self.raw.send(msgpack.packb({name.rstrip("_"): value for name, value in message.items()}))

    async def next(self) -> dict[str, Any]:
        async with asyncio.timeout(10):
            data = await self.raw.recv()
        assert isinstance(data, bytes)
        message: dict[str, Any] = msgpack.unpackb(data, strict_map_key=False)
        assert next(iter(message)) == "t"
        return message

    async def next_of(self, kind: str) -> dict[str, Any]:
        while True:
            message = await self.next()
            if message["t"] == kind:
                return message

    async def subscribe(
        self, location: int = 1, date: str = "2027-06-01", days: int = 1, **more: Any
    ) -> dict[str, Any]:
        await self.send(t="subscribe", location=location, from_=date, days=days, **more)
        return await self.next()

    async def end(self) -> tuple[list[dict[str, Any]], int]:
        """What still comes, and the code that the server closes with."""
        told: list[dict[str, Any]] = []
        try:
            while True:
                told.append(await self.next())
        except ConnectionClosed as closed:
            return told, closed.rcvd.code if closed.rcvd else 1006
