"""Several worker processes behind one listening socket.

Belongs here: binding, starting workers, starting those again that die, and ending them all. Does not belong here: what a
worker does; it is handed the socket and serves until SIGTERM, which it takes as a request to finish what it has begun.

    starting ──▶ running ──▶ draining ──▶ ended
       ▲            │ died
       └─ back-off ◀┘

A worker is a fresh process, not a fork: it shares no event loop, connection pool or lock with the parent. When the parent
dies, ``kill -9`` included, each worker notices by a pipe and gets the SIGTERM that the parent can no longer send.
"""

import asyncio
import multiprocessing
import os
import signal
import socket
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from typing import Any, TypeAlias

import structlog

from server.errors import ConfigurationError

__all__ = ["Worker", "bind", "run_workers"]

Worker: TypeAlias = Callable[[int, socket.socket], None]
"""What runs in a worker process: given its number and the listening socket, serves until SIGTERM. Must be picklable."""

FIRST_DELAY_SECONDS = 0.5
LONGEST_DELAY_SECONDS = 10.0
STEADY_SECONDS = 10.0
"""A worker that ran this long before it died is started again after the first delay."""

log = structlog.get_logger(__name__)


def bind(host: str, port: int) -> socket.socket:
    """A listening TCP socket; port 0 takes a free one. Raises ``ConfigurationError`` that says why it cannot be had."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listening = socket.create_server(
            (host, port),
            family=family,
            backlog=2048,
            dualstack_ipv6=host == "::" and socket.has_dualstack_ipv6(),
        )
    except OSError as error:
        raise ConfigurationError(
            f"Cannot listen on {host} port {port} ({error.strerror or error}). Stop what uses it, or set BAYGRID_HOST and "
            "BAYGRID_PORT to another address."
        ) from error
    listening.setblocking(False)
    return listening


@dataclass
class _Slot:
    """The place of one worker: its process comes and goes, its number stays."""

    number: int
    process: BaseProcess | None = None
    started_at: float = 0.0
    delay: float = field(default=FIRST_DELAY_SECONDS)


async def run_workers(
    count: int, worker: Worker, listening: socket.socket, *, drain_seconds: float = 30.0
) -> None:
    """Run ``count`` workers on ``listening`` until SIGINT or SIGTERM, or until cancelled, then end them.

    A worker that dies is started again after half a second, and after twice as long each time it dies young, up to ten
    seconds; the others serve meanwhile. On the signal each worker gets SIGTERM and ``drain_seconds`` to finish, then
    SIGKILL; a second signal kills at once. Must run in the main thread.
    """
    supervisor = _Supervisor(worker, listening, drain_seconds)
    await supervisor.run([_Slot(number) for number in range(count)])


class _Supervisor:
    def __init__(self, worker: Worker, listening: socket.socket, drain_seconds: float) -> None:
        self._worker = worker
        self._listening = listening
        self._drain_seconds = drain_seconds
        self._context = multiprocessing.get_context("spawn")
        self._stopping = asyncio.Event()
        self._hurry = asyncio.Event()

    async def run(self, slots: list[_Slot]) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._on_signal)
        try:
            async with asyncio.TaskGroup() as tasks:
                for slot in slots:
                    tasks.create_task(self._keep(slot))
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)

    def _on_signal(self) -> None:
        if self._stopping.is_set():
            self._hurry.set()
        self._stopping.set()

    async def _keep(self, slot: _Slot) -> None:
        """Keep one worker running until we stop, then see it end."""
        loop = asyncio.get_running_loop()
        try:
            while not self._stopping.is_set():
                slot.process = self._start(slot.number)
                slot.started_at = loop.time()
                await _first(self._stopping.wait(), _ended(slot.process))
                if self._stopping.is_set():
                    break
                lived = loop.time() - slot.started_at
                slot.delay = (
                    FIRST_DELAY_SECONDS
                    if lived >= STEADY_SECONDS
                    else min(slot.delay * 2, LONGEST_DELAY_SECONDS)
                )
                log.error(
                    "worker died", number=slot.number, exit_code=slot.process.exitcode, again_in=slot.delay
                )
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._stopping.wait(), slot.delay)
            await self._drain(slot)
        finally:
            # Reached early when the caller is cancelled: there is no time to drain then.
            if slot.process is not None and slot.process.is_alive():
                slot.process.kill()
                slot.process.join()

    def _start(self, number: int) -> BaseProcess:
        process = self._context.Process(
            target=_work, args=(self._worker, number, self._listening), name=f"baygrid-worker-{number}"
        )
        process.start()
        return process

    async def _drain(self, slot: _Slot) -> None:
        if slot.process is None or not slot.process.is_alive():
            return
        slot.process.terminate()
        try:
            async with asyncio.timeout(self._drain_seconds):
                await _first(self._hurry.wait(), _ended(slot.process))
        except TimeoutError:
            log.warning("worker did not finish in time", number=slot.number, seconds=self._drain_seconds)


async def _ended(process: BaseProcess) -> None:
    """Return when ``process`` has ended."""
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    loop.add_reader(process.sentinel, ended.set)
    try:
        await ended.wait()
    finally:
        loop.remove_reader(process.sentinel)
    process.join()


async def _first(*waits: Coroutine[Any, Any, object]) -> None:
    """Return when the first of ``waits`` has; the others are cancelled."""
    tasks = [asyncio.ensure_future(one) for one in waits]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _work(worker: Worker, number: int, listening: socket.socket) -> None:
    """The main function of a worker process."""
    # Ctrl-C goes to every process of the terminal; the parent decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, name="end-with-parent", daemon=True).start()
    worker(number, listening)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os.kill(os.getpid(), signal.SIGTERM)
