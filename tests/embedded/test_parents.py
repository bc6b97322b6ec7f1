"""Servers end with the process that started them, whoever runs it and whatever ends it; and the next start works."""

import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import asyncpg
import pytest

from server.embedded.processes import waited_for
from tests.embedded.conftest import Running

SCRIPT = Path(__file__).with_name("keep_servers.py")
PROJECT = Path(__file__).parents[2]


def renamed(user: int) -> list[str]:
    """The words that make a process look like one of ``user``, with none of root's powers; none where that is forbidden."""
    namespace = ["unshare", "--user", f"--map-user={user}", f"--map-group={user}"]
    if subprocess.run([*namespace, "true"], capture_output=True, check=False).returncode == 0:
        return namespace
    return ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"] if os.geteuid() == 0 else []


# An ordinary user, and one that has no name, as in many containers: those Postgres runs for only by way of a namespace.
USERS = {"myself": [], "ordinary": renamed(1), "nameless": renamed(54321)}
if USERS["nameless"][:1] != ["unshare"]:
    del USERS["nameless"]

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start(data_dir: Path) -> Iterator[Start]:
    """Starts a process that keeps both servers on ``data_dir``; kills it after the test."""
    with ExitStack() as stack:

        def start(*before: str, **environment: str) -> subprocess.Popen[str]:
            process = subprocess.Popen(
                [*before, sys.executable, SCRIPT, data_dir],
                cwd="/",
                env=os.environ | {"PYTHONPATH": str(PROJECT), "HOME": str(data_dir)} | environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            stack.enter_context(process)
            stack.callback(process.kill)
            return process

        yield start


def urls(parent: subprocess.Popen[str]) -> dict[str, str]:
    """Where the servers are, once they are up."""
    assert parent.stdout is not None
    assert parent.stderr is not None
    line = parent.stdout.readline()
    assert line, parent.stderr.read()
    found: dict[str, str] = json.loads(line)
    return found


@pytest.mark.parametrize(
    ("user", "end"),
    [("myself", signal.SIGINT), ("myself", signal.SIGTERM), *((user, signal.SIGKILL) for user in USERS)],
)
async def test_p1_servers_end_with_their_parent_and_start_again_with_the_data(
    end: signal.Signals, user: str, data_dir: Path, start: Start, running: Running
) -> None:
    parent = start(*USERS[user])
    connection = await asyncpg.connect(urls(parent)["postgres"])
    await connection.execute("CREATE TABLE kept AS SELECT 7 AS number")
    parent.send_signal(end)
    parent.wait()

    # At once, while the old server may still be shutting down.
    second = start(*USERS[user])
    again = await asyncpg.connect(urls(second)["postgres"])
    assert await again.fetchval("SELECT number FROM kept") == 7
    await again.close()
    connection.terminate()

    second.send_signal(end)
    second.wait()
    assert await waited_for(lambda: running() == [], seconds=10), running()


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGKILL])
async def test_parent_ended_while_it_makes_its_first_cluster_leaves_nothing(
    end: signal.Signals, data_dir: Path, start: Start, running: Running
) -> None:
    parent = start()
    assert await waited_for(lambda: any("initdb" in command for command in running()), seconds=10)
    parent.send_signal(end)
    parent.wait()
    assert await waited_for(lambda: running() == [], seconds=10), running()
    assert urls(start())["postgres"]


async def test_second_process_on_one_folder_is_told_who_has_it(data_dir: Path, start: Start) -> None:
    first = start()
    urls(first)
    second = start()
    _, said = second.communicate(timeout=30)
    assert second.returncode == 1
    assert f"in use by another baygrid (process {first.pid})" in said
    assert "Traceback" not in said


async def test_without_namespaces_root_runs_postgres_as_nobody_and_who_cannot_is_told_why(
    data_dir: Path, start: Start, running: Running, tmp_path: Path
) -> None:
    """Containers often forbid namespaces; a PATH without ``unshare`` stands for one here."""
    for name in ("setpriv", "sh", "test"):
        program = shutil.which(name)
        assert program
        (tmp_path / name).symlink_to(program)
    parent = start(PATH=str(tmp_path))
    refusal = reason_without_namespaces()
    if refusal:
        assert refusal in parent.communicate(timeout=30)[1]
        return
    connection = await asyncpg.connect(urls(parent)["postgres"])
    assert await connection.fetchval("SELECT 1") == 1
    await connection.close()
    parent.kill()
    parent.wait()
    assert await waited_for(lambda: running() == [], seconds=10), running()


def reason_without_namespaces() -> str:
    """What the user of this test run is to be told, "" if Postgres can run all the same."""
    if os.geteuid() == 0:
        reachable = all(folder.stat().st_mode & 0o001 for folder in Path(sys.prefix).parents)
        return "" if reachable else "the user `nobody` may not reach"
    try:
        pwd.getpwuid(os.geteuid())
    except KeyError:
        return "a user without a name"
    return ""
