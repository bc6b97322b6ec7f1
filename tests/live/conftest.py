"""Tests over real sockets run on the standard library's event loop and on uvloop, whose transports behave differently."""

import asyncio
from collections.abc import Callable, Mapping

import pytest
import uvloop

LoopFactory = Callable[[], asyncio.AbstractEventLoop]


def pytest_asyncio_loop_factories(config: pytest.Config, item: pytest.Item) -> Mapping[str, LoopFactory]:
    factories: dict[str, LoopFactory] = {"asyncio": asyncio.new_event_loop}
    if item.path.name in ("test_sockets.py", "test_slow_clients.py"):
        factories["uvloop"] = uvloop.new_event_loop
    return factories
