"""Folders for servers that a test starts itself, and a look at what still runs on them."""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from server.embedded.processes import command_line

Running = Callable[[], list[str]]


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """An empty folder that any user may use; pytest's own are closed to all but one."""
    with tempfile.TemporaryDirectory(prefix="baygrid-embedded-") as folder:
        Path(folder).chmod(0o777)
        yield Path(folder)


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
