"""Folders for servers that a test starts itself, and a look at what still runs on them."""

import asyncio
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from server.embedded import EmbeddedPostgres
from server.embedded.processes import command_line

Running = Callable[[], list[str]]


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """An empty folder that any user may use; pytest's own are closed to all but one."""
    with tempfile.TemporaryDirectory(prefix="baygrid-embedded-") as folder:
        Path(folder).chmod(0o777)
        yield Path(folder)


@pytest.fixture(scope="session")
def made_once() -> Iterator[Path]:
    """A folder with a cluster in it, to be copied: making one takes a second of work."""
    with tempfile.TemporaryDirectory(prefix="baygrid-embedded-") as folder:
        Path(folder).chmod(0o755)  # root's Postgres may have to run as nobody
        server = EmbeddedPostgres(Path(folder), durable=False)
        asyncio.run(server.start())
        asyncio.run(server.stop())
        yield Path(folder)


@pytest.fixture
def made(data_dir: Path, made_once: Path) -> Path:
    """The ``data_dir`` of a Postgres that has been started and stopped before."""
    subprocess.run(["cp", "--archive", made_once / "postgres", data_dir], check=True)
    return data_dir


@pytest.fixture
def running(data_dir: Path) -> Running:
    """What runs on ``data_dir`` now: the command lines of all processes that work in it or name it."""

    def look() -> list[str]:
        return [
            command
            for process in Path("/proc").iterdir()
            if process.name.isdecimal()
            and (command := command_line(int(process.name)))
            and (str(data_dir) in command or str(data_dir) in working_folder(process))
        ]

    return look


def working_folder(process: Path) -> str:
    try:
        return str((process / "cwd").readlink())
    except OSError:
        return ""
