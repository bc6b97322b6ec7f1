"""Child processes that never outlive their parent, and the folder that only one parent uses at a time.

Belongs here: what Postgres and Valkey have in common as processes. Does not belong here: their options or protocols.

A child gets its own session, so that Ctrl-C at the terminal reaches only the parent, which still has work to finish. It is
tied to the parent by the kernel: ``setpriv --pdeathsig`` makes the parent's end, ``kill -9`` included, a signal to the child.
The tie is to the *thread* that started the child, so start servers from one that lives as long as they shall: the main one,
never an executor's. Where there is no ``setpriv`` (other systems than Linux) a server that was left behind is stopped by the next
start on its folder.
"""

import asyncio
import contextlib
import fcntl
import functools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from server.errors import ConfigurationError

__all__ = [
    "EmbeddedServerError",
    "as_ordinary_user",
    "command_line",
    "free_port",
    "locked_folder",
    "owner_of_data",
    "run_to_end",
    "spawn",
    "stop",
    "tail",
    "tied_to_parent",
    "waited_for",
]

NOBODY = 65534
POLL_SECONDS = 0.01
HURRIED_SECONDS = 5.0

# The parent may have died before the kernel was told to watch it: then nobody would ever send the signal.
UNLESS_ORPHANED = 'parent=$1; shift; [ "$PPID" = "$parent" ] || exit 1; exec "$@"'


class EmbeddedServerError(ConfigurationError):
    """A bundled server cannot be started; the message says why, and what to do about it."""


def tied_to_parent(death_signal: str) -> list[str]:
    """The words to put before a command so that its process gets ``death_signal`` ("INT", "TERM") when this one ends."""
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        return []
    return [setpriv, "--pdeathsig", death_signal, "/bin/sh", "-c", UNLESS_ORPHANED, "sh", str(os.getpid())]


@functools.cache
def as_ordinary_user() -> tuple[str, ...]:
    """The words to put before a command that refuses to run as root, or as a user without a name, as Postgres does.

    None for an ordinary user. Else a user namespace in which this user goes by the name of nobody is best: the files stay
    the user's own, and may lie where only that one may look. Where containers forbid namespaces, root becomes the real nobody
    (see ``owner_of_data``).
    """
    if os.geteuid() != 0 and _has_name(os.geteuid()):
        return ()
    namespace = ("unshare", "--user", f"--map-user={NOBODY}", f"--map-group={NOBODY}")
    with_namespace = shutil.which("unshare") and subprocess.run(
        [*namespace, "true"], capture_output=True, check=False
    )
    if with_namespace and with_namespace.returncode == 0:
        return namespace
    if os.geteuid() == 0 and shutil.which("setpriv"):
        return ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")
    raise EmbeddedServerError(
        f"Postgres does not run as root or as a user without a name (this one is {os.geteuid()}), and `unshare` and `setpriv`, "
        "which could start it as somebody else, are missing or forbidden here. Install util-linux, run as an ordinary user, or "
        "point BAYGRID_DATABASE_URL at a Postgres of your own."
    )


def _has_name(user: int) -> bool:
    try:
        pwd.getpwuid(user)
    except KeyError:
        return False
    return True


def owner_of_data() -> int | None:
    """The user who must own the data where that is not the user of this process."""
    return NOBODY if as_ordinary_user()[:1] == ("setpriv",) else None


def spawn(command: Sequence[str | Path], *, log: Path, said: bytes = b"") -> subprocess.Popen[bytes]:
    """Start ``command`` in a session of its own, given ``said`` as its standard input (a few KiB at the most).

    All it says is added to the end of ``log``. It sees no variables of this process's environment but the PATH: ``PGOPTIONS``
    and the like are meant for other servers.
    """
    with tempfile.TemporaryFile() as given, log.open("ab") as output:
        given.write(said)
        given.seek(0)
        return subprocess.Popen(
            [os.fspath(word) for word in command],
            stdin=given,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"},
            cwd="/",  # no folder of the caller's is kept busy, or need be one that nobody may enter
            start_new_session=True,
        )


async def run_to_end(command: Sequence[str | Path], *, log: Path) -> int:
    """Run ``command`` and return its exit status; if the waiting is cancelled, the command is killed first."""
    process = spawn(command, log=log)
    try:
        await waited_for(lambda: process.poll() is not None, seconds=None)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    return process.returncode


async def stop(process: subprocess.Popen[bytes], *signals: tuple[signal.Signals, float]) -> None:
    """End ``process``: each signal in turn, with its patience in seconds, and SIGKILL after the last. Idempotent."""
    try:
        for number, patience in signals:
            if process.poll() is not None:
                return
            process.send_signal(number)
            if await waited_for(lambda: process.poll() is not None, seconds=patience):
                return
    except asyncio.CancelledError:
        # A second Ctrl-C, say. The signal is sent; a server that is let finish need not recover at its next start.
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(HURRIED_SECONDS)
        raise
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


async def waited_for(condition: Callable[[], bool], *, seconds: float | None) -> bool:
    """Wait until ``condition`` holds, looking every 10 ms, for ``seconds`` at the most (None: for ever). Whether it held."""
    loop = asyncio.get_running_loop()
    deadline = None if seconds is None else loop.time() + seconds
    while not condition():
        if deadline is not None and loop.time() >= deadline:
            return False
        await asyncio.sleep(POLL_SECONDS)
    return True


def free_port() -> int:
    """A loopback TCP port that nobody listened on just now. Somebody else may still take it: be ready to ask again."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def locked_folder(folder: Path) -> Iterator[None]:
    """Hold ``folder`` for this process alone, making it (0700) if need be; the kernel lets go however the process ends.

    Raises ``EmbeddedServerError`` naming the process that holds it, at once.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        holder = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise EmbeddedServerError(
            f"{folder} cannot be used for data ({error.strerror}). Make it writable, or set BAYGRID_DATA_DIR to another folder."
        ) from error
    try:
        try:
            fcntl.flock(holder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pid = os.read(holder, 32).decode(errors="replace").strip() or "unknown"
            raise EmbeddedServerError(
                f"{folder} is in use by another baygrid (process {pid}). Stop that one, or set BAYGRID_DATA_DIR to another folder."
            ) from None
        os.ftruncate(holder, 0)
        os.pwrite(holder, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(holder)


def tail(log: Path, lines: int = 15) -> str:
    """The last lines of a log, for an error message."""
    try:
        return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
    except OSError:
        return "(no log)"


def command_line(pid: int) -> str:
    """The command line of a process, "" when there is none of that id (any more)."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        if Path("/proc/self").exists():
            return ""
    listed = subprocess.run(
        ["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return listed.stdout
