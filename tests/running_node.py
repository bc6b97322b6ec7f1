"""A whole node in the test's own process: the real app on loopback, for tests that want all doors and no process.

Belongs here: serving it, and signing in. Does not belong here: what is asked of it. Tests that kill nodes, or want several
processes, take ``tests.node_process``.
"""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from typing import Any

import httpx2
import uvicorn

from server.app import Node, create_app
from server.clock import Clock
from server.live.protocol import websocket_options
from server.principal import Principal
from server.settings import Settings
from tests.live.serving import Client, open_socket

START_SECONDS = 20.0


class RunningNode:
    """A node with its doors open at ``address``."""

    def __init__(self, node: Node, port: int) -> None:
        self.node = node
        self.port = port
        self.address = f"http://127.0.0.1:{port}"

    async def token(self, person: Principal) -> str:
        """An access token of somebody with an account."""
        assert person.user_id is not None
        account = await self.node.accounts.account(person.user_id)
        assert account is not None
        return (await self.node.identity.begin(account)).access_token

    @asynccontextmanager
    async def http(self, person: Principal | None = None) -> AsyncIterator[httpx2.AsyncClient]:
        """A client, signed in as somebody."""
        headers = {} if person is None else {"authorization": f"Bearer {await self.token(person)}"}
        async with httpx2.AsyncClient(base_url=self.address, headers=headers, timeout=20.0) as client:
            yield client

    @asynccontextmanager
    async def socket(self, person: Principal) -> AsyncIterator[Client]:
        """A socket, greeted."""
        async with open_socket(self.port, await self.token(person)) as client:
            yield client


class _Server(uvicorn.Server):
    """Signals are pytest's."""

    def capture_signals(self) -> Any:
        return nullcontext()


@asynccontextmanager
async def running_node(database_url: str, clock: Clock, **settings: Any) -> AsyncIterator[RunningNode]:
    """Serves a node until the context ends; ``settings`` are fields of ``Settings``."""
    given = {"env": "test", "login_rate": "10000/minute", "write_rate": "100000/minute"} | settings
    node = Node(Settings(database_url=database_url, **given), clock)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        config = uvicorn.Config(
            create_app(node),
            lifespan="on",
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=5,
            **websocket_options(),
        )
        server = _Server(config)
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        async with asyncio.timeout(START_SECONDS):
            while not server.started:
                if serving.done():
                    serving.result()
                await asyncio.sleep(0.005)  # uvicorn sets no event
        try:
            yield RunningNode(node, listening.getsockname()[1])
        finally:
            server.should_exit = True
            await serving
