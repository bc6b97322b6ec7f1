"""Which event loops the tests run on.

Those over real sockets run on the standard library's and on uvloop, whose transports behave differently; the simulation on
one whose time stands still.
"""

import asyncio
from collections.abc import Callable, Mapping

import pytest
import uvloop

from tests.live.simulation import StillLoop

LoopFactory = Callable[[], asyncio.AbstractEventLoop]


def pytest_asyncio_loop_factories(config: pytest.Config, item: pytest.Item) -> Mapping[str, LoopFactory]:
    if item.path.name == "test_simulation.py":
        return {"still": StillLoop}
    factories: dict[str, LoopFactory] = {"asyncio": asyncio.new_event_loop}
    if item.path.name in ("test_sockets.py", "test_slow_clients.py"):
        factories["uvloop"] = uvloop.new_event_loop
    return factories
