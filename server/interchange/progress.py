"""How a person sees that long work goes on: a bar on a terminal, a line now and then elsewhere.

Belongs here: drawing, to standard error, so that what a command answers can be piped. Does not belong here: the work.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars

from server.service.importing import Progress

LINE_SECONDS: Final = 2.0
"""No more often is a line written where there is no terminal."""


@contextmanager
def shown() -> Iterator[Progress]:
    """Progress as this process's standard error can show it."""
    console = Console(stderr=True, highlight=False)
    if not console.is_terminal:
        yield _Lines(console)
        return
    bars = Bars(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
    )
    with bars:
        yield _Bar(bars)


class _Bar:
    def __init__(self, bars: Bars) -> None:
        self._bars = bars

    def begin(self, what: str, total: int | None = None) -> None:
        for task in self._bars.tasks:
            self._bars.update(task.id, visible=False)
        self._bars.add_task(what, total=total)

    def advance(self, steps: int = 1) -> None:
        self._bars.advance(self._bars.tasks[-1].id, steps)


class _Lines:
    def __init__(self, console: Console) -> None:
        self._console = console
        self._what = ""
        self._total: int | None = None
        self._done = 0
        self._told_at = 0.0

    def begin(self, what: str, total: int | None = None) -> None:
        self._what, self._total, self._done = what, total, 0
        self._told_at = time.monotonic()

    def advance(self, steps: int = 1) -> None:
        self._done += steps
        now = time.monotonic()
        if now - self._told_at >= LINE_SECONDS:
            self._told_at = now
            of = "" if self._total is None else f" of {self._total:,}"
            self._console.print(f"{self._what}: {self._done:,}{of}", soft_wrap=True)
