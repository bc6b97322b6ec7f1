"""A node as its users have it: a process of its own, started by the command line, on a port of its own.

Belongs here: starting, stopping and killing. Does not belong here: what is asked of it.
"""

import asyncio
import os
import signal
import sys
from contextlib import nullcontext
from pathlib import Path
from types import TracebackType

import httpx2

START_SECONDS = 30.0
STOP_SECONDS = 20.0


class NodeProcess:
    """``baygrid serve`` on a free port, which it keeps when it is started again if ``keeps_port``; an async context manager.
    ``settings`` become ``BAYGRID_*`` variables.

    What it logs goes to the file ``log``, or where the tests' own errors go.
    """

    def __init__(
        self,
        database_url: str,
        *,
        redis_url: str | None = None,
        log: Path | None = None,
        keeps_port: bool = False,
        **settings: str,
    ) -> None:
        self.address = ""
        self._log = log
        self._keeps_port = keeps_port
        self._settings: dict[str, str] = {
            "database_url": database_url,
            "port": "0",
            "log_level": "warning",
            "env": "test",
            "login_rate": "10000/minute",
            "write_rate": "100000/minute",
            "sockets_per_account": "2000",
            "sockets_per_address": "5000",
            **({"redis_url": redis_url} if redis_url else {}),
            **settings,
        }
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> "NodeProcess":
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Starts it and returns once it serves; raises ``RuntimeError`` if it ends instead."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("BAYGRID_")}
        given = {f"BAYGRID_{name.upper()}": value for name, value in self._settings.items()}
        with nullcontext() if self._log is None else self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "server",
                "serve",
                env=kept | given,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
            )
        assert self._process.stdout is not None
        async with asyncio.timeout(START_SECONDS):
            while line := (await self._process.stdout.readline()).decode():
                if line.startswith("Baygrid is at "):
                    self.address = line.split()[-1]
                    if self._keeps_port:
                        self._settings["port"] = self.address.rpartition(":")[2]
                    return
        said = "" if self._log is None else f":\n{self._log.read_text(errors='replace')}"
        raise RuntimeError(f"the node ended with status {await self._process.wait()}{said}")

    async def stop(self) -> None:
        """Ends it as an operator would; kills it if it does not."""
        if self._process is None or self._process.returncode is not None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(self._process.wait(), STOP_SECONDS)
        except TimeoutError:
            await self.kill()
            raise

    async def kill(self) -> None:
        """``kill -9``."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    @property
    def socket_address(self) -> str:
        """Where its WebSocket is."""
        return self.address.replace("http", "ws", 1) + "/ws"

    async def sign_in(self, email: str, password: str) -> "Caller":
        """A client signed in at this node."""
        client = httpx2.AsyncClient(base_url=self.address, timeout=30.0)
        answer = await client.post("/api/auth/login", json={"email": email, "password": password})
        assert answer.status_code == 200, answer.text
        token = answer.json()["access_token"]
        client.headers["authorization"] = f"Bearer {token}"
        client.cookies.clear()
        return Caller(client, token)


class Caller:
    """Somebody signed in: ``http`` sends their token with every request."""

    def __init__(self, http: httpx2.AsyncClient, token: str) -> None:
        self.http = http
        self.token = token

    async def close(self) -> None:
        """Closes its connections."""
        await self.http.aclose()
