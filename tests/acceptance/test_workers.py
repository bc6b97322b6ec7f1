"""``baygrid serve --workers 2`` on embedded servers, as a stranger starts it: one address, one grid, and a clean end."""

import asyncio
import os
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.acceptance.conftest import City, Person, soon, span, until
from tests.live_client import Screen
from tests.node_process import NodeProcess
from tests.venues import Town


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """Where others may look: as root, Postgres runs as another user."""
    with tempfile.TemporaryDirectory(prefix="baygrid-workers-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@dataclass
class Served:
    """The processes of one ``serve``."""

    process: asyncio.subprocess.Process
    node: NodeProcess
    """Its address, for clients."""


@pytest.fixture
async def served(data_dir: Path) -> AsyncIterator[Served]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("BAYGRID_")}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "server", "serve", "--workers", "2"),
        env=kept
        | {
            "BAYGRID_DATA_DIR": str(data_dir),
            "BAYGRID_PORT": "0",
            "BAYGRID_ENV": "test",
            "BAYGRID_LOGIN_RATE": "1000/minute",
            "BAYGRID_SOCKETS_PER_ACCOUNT": "1000",
        },
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,  # a terminal's: Ctrl-C goes to all that is in it
    )
    assert process.stdout is not None
    node = NodeProcess("")
    try:
        async with asyncio.timeout(60):
            while not node.address:
                line = (await process.stdout.readline()).decode()
                assert line, "it ended instead"
                if line.startswith("Baygrid is at "):
                    node.address = line.split()[-1]
        yield Served(process, node)
    finally:
        if process.returncode is None:
            process.terminate()
            await asyncio.wait_for(process.wait(), 30)


def embedded_url(data_dir: Path) -> str:
    """The embedded Postgres's database, found as somebody would who looks into the folder."""
    folder = data_dir / "postgres"
    port = (folder / "data" / "postmaster.pid").read_text().splitlines()[3]
    password = (folder / "password").read_text().strip()
    return f"postgresql://baygrid:{password}@127.0.0.1:{port}/baygrid"


def descendants(pid: int) -> dict[int, str]:
    """All processes below this one, by id, with when each began: ids are used again."""
    found: dict[int, str] = {}
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        began = began_at(int(child))
        if began is not None:
            found |= {int(child): began} | descendants(int(child))
    return found


def began_at(pid: int) -> str | None:
    """When the process began, in ticks since the machine did; None if it has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] == "Z" else fields[19]


def server_process_of(screen: Screen, candidates: list[int]) -> int:
    """Which of the processes holds the other end of the screen's socket."""
    assert screen._socket is not None
    mine = screen._socket.transport.get_extra_info("sockname")[1]
    theirs = urlsplit(screen.node.address).port
    inode = None
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text().splitlines()[1:]:
            fields = line.split()
            ports = [int(fields[n].rpartition(":")[2], 16) for n in (1, 2)]
            if ports == [theirs, mine]:
                inode = fields[9]
    for pid in candidates:
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            try:
                if str(descriptor.readlink()) == f"socket:[{inode}]":
                    return pid
            except OSError:
                continue
    raise AssertionError("nobody has the other end")


async def test_two_workers_serve_one_grid_and_ctrl_c_leaves_nothing_behind(
    served: Served, data_dir: Path
) -> None:
    async with AsyncExitStack() as stack:
        city = City(Town(embedded_url(data_dir)), stack)
        venue = await city.town.venue()
        node = served.node
        # The address is there before the first worker is: whoever comes early waits.
        sam = await city.person(node, "Sam Staff", "staff", [venue])
        ann = await city.person(node, "Ann Able")
        workers = [pid for pid in descendants(served.process.pid) if "spawn_main" in command_line(pid)]
        assert len(workers) == 2
        # Whichever worker is free takes a connection: open sockets until each has some.
        by_worker: dict[int, list[Screen]] = {}
        screens: list[tuple[Screen, Person]] = []
        while len(by_worker) < 2 or min(map(len, by_worker.values())) < 2:
            assert len(screens) < 200, "one worker takes all connections"
            who = (sam, ann)[len(screens) % 2]
            screen = await city.screen(node, who, venue)
            by_worker.setdefault(server_process_of(screen, workers), []).append(screen)
            screens.append((screen, who))

        first, second = (by_worker[pid] for pid in workers)
        for hour, (from_, to) in enumerate(((first, second), (second, first))):
            place = {"resource_id": venue.bays[hour], **span(soon())}
            answer = await from_[0].command("create", place)
            assert answer["t"] == "ack", answer
            for screen in to:
                await screen.until(lambda screen=screen: screen.grid.version == answer["version"], 2)  # type: ignore[misc]  # bound now  # noqa: B023 -- awaited in this turn
        await city.settled(venue, screens, [node])
        for screen, _ in screens:
            await screen.close()

    processes = descendants(served.process.pid) | {served.process.pid: began_at(served.process.pid) or ""}
    names = " ".join(command_line(pid) for pid in processes)
    assert "postgres" in names
    assert "valkey" in names
    os.killpg(served.process.pid, signal.SIGINT)
    assert await asyncio.wait_for(served.process.wait(), 20) == 0

    async def nothing_is_left() -> bool:
        return not [pid for pid, began in processes.items() if began_at(pid) == began]

    await until(nothing_is_left, 5, "all its processes have ended")
    assert not (data_dir / "postgres" / "data" / "postmaster.pid").exists()


def command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""
