"""Workers behind one socket: served by all, started again when they die, ended with the parent however it ends."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from server.embedded.processes import command_line, waited_for
from server.errors import ConfigurationError
from server.supervisor import bind

SCRIPT = Path(__file__).with_name("supervised_workers.py")
PROJECT = Path(__file__).parents[1]

Start = Callable[..., Awaitable["Supervised"]]


class Supervised:
    """A parent process with two workers; each answers a connection with its number and process id."""

    def __init__(self, parent: subprocess.Popen[str], port: int) -> None:
        self.parent = parent
        self.port = port

    async def ask(self, said: str = "hello") -> tuple[int, int]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(f"{said}\n".encode())
            number, pid = (await asyncio.wait_for(reader.readline(), 10)).split()
            return int(number), int(pid)
        finally:
            writer.close()

    async def pids(self) -> dict[int, int]:
        """Worker number → process id, once both have answered."""
        found: dict[int, int] = {}
        async with asyncio.timeout(20):
            while len(found) < 2:
                found.update(await asyncio.gather(*(self.ask() for _ in range(8))))
        return found


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    parents: list[subprocess.Popen[str]] = []

    async def start(drain_seconds: float = 10.0) -> Supervised:
        parent = subprocess.Popen(
            [sys.executable, SCRIPT, str(drain_seconds)],
            env=os.environ | {"PYTHONPATH": str(PROJECT)},
            stdout=subprocess.PIPE,
            text=True,
        )
        parents.append(parent)
        assert parent.stdout is not None
        return Supervised(parent, int(await asyncio.to_thread(parent.stdout.readline)))

    yield start
    for parent in parents:
        parent.kill()
        parent.communicate()


def gone(pids: dict[int, int]) -> Callable[[], bool]:
    return lambda: not any(command_line(pid) for pid in pids.values())


async def test_both_workers_serve_the_one_socket(start: Start) -> None:
    supervised = await start()
    assert sorted(await supervised.pids()) == [0, 1]


async def test_worker_that_is_killed_is_started_again_while_the_other_serves(start: Start) -> None:
    supervised = await start()
    before = await supervised.pids()
    os.kill(before[0], signal.SIGKILL)
    assert await supervised.ask() == (1, before[1])
    after = await supervised.pids()
    assert after[0] != before[0]
    assert after[1] == before[1]


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
async def test_signal_lets_workers_finish_and_then_ends_all(start: Start, end: signal.Signals) -> None:
    supervised = await start()
    pids = await supervised.pids()
    reader, writer = await asyncio.open_connection("127.0.0.1", supervised.port)
    writer.write(b"slow\n")
    assert await reader.readline() == b"begun\n"
    supervised.parent.send_signal(end)
    assert int((await reader.readline()).split()[1]) in pids.values()
    writer.close()
    assert await asyncio.to_thread(supervised.parent.wait, 15) == 0
    assert gone(pids)()


async def test_worker_that_does_not_finish_is_killed_when_its_time_is_up(start: Start) -> None:
    supervised = await start(drain_seconds=0.2)
    pids = await supervised.pids()
    for _ in range(2):
        assert await supervised.ask("deaf")
    supervised.parent.send_signal(signal.SIGTERM)
    assert await asyncio.to_thread(supervised.parent.wait, 15) == 0
    assert gone(pids)()


async def test_second_signal_does_not_wait(start: Start) -> None:
    supervised = await start(drain_seconds=300)
    pids = await supervised.pids()
    deaf: set[int] = set()
    while len(deaf) < 2:
        deaf.add((await supervised.ask("deaf"))[0])
    supervised.parent.send_signal(signal.SIGTERM)
    await asyncio.to_thread(supervised.parent.stdout.readline)  # type: ignore[union-attr]  # opened as a pipe
    supervised.parent.send_signal(signal.SIGTERM)
    assert await asyncio.to_thread(supervised.parent.wait, 15) == 0
    assert gone(pids)()


async def test_workers_of_a_killed_parent_end(start: Start) -> None:
    supervised = await start()
    pids = await supervised.pids()
    supervised.parent.kill()
    assert await waited_for(gone(pids), seconds=10)


def test_port_in_use_is_an_error_that_names_the_setting() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        pytest.raises(ConfigurationError, match="BAYGRID_PORT"),
    ):
        bind("127.0.0.1", taken.getsockname()[1])


def test_unknown_host_is_an_error_that_names_the_setting() -> None:
    with pytest.raises(ConfigurationError, match="BAYGRID_HOST"):
        bind("203.0.113.1", 0)


def test_port_zero_takes_a_free_one() -> None:
    with bind("127.0.0.1", 0) as listening:
        assert listening.getsockname()[1] > 0
