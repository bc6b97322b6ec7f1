"""What one socket has asked of the service: commands, and verdicts on a drag.

Belongs here: having them done, and passing the answers on. Does not belong here: doing them (``desk``).
"""

import asyncio
from collections.abc import Callable
from typing import Final

import structlog

from server.errors import Problem
from server.live.desk import Answer, Desk
from server.live.effects import AskVerdict, Effect, Execute
from server.live.session import Session
from server.principal import Principal

MAX_IN_FLIGHT: Final = 32
"""Commands of one socket under way at once; beyond that it is not read from."""

_log = structlog.get_logger()


class Errands:
    """One socket's. ``perform`` does what the session asks; ``keep`` holds on to a task until it is done."""

    def __init__(
        self,
        desk: Desk,
        session: Session,
        perform: Callable[[list[Effect]], None],
        keep: Callable[["asyncio.Task[None]"], None],
    ) -> None:
        self._desk = desk
        self._session = session
        self._perform = perform
        self._keep = keep
        self._commands: set[asyncio.Task[None]] = set()
        self._question: AskVerdict | None = None
        self._judging: asyncio.Task[None] | None = None

    async def caught_up(self) -> None:
        """Wait until few enough commands are under way."""
        while len(self._commands) >= MAX_IN_FLIGHT:
            await asyncio.wait(self._commands, return_when=asyncio.FIRST_COMPLETED)

    def leave(self) -> None:
        """The socket is closed: nobody wants a verdict any more. Commands go on."""
        if self._judging is not None:
            self._judging.cancel()

    def execute(self, effect: Execute) -> None:
        """Have it done, and answered."""
        principal = self._session.principal
        if principal is None:
            return
        task = asyncio.create_task(self._run(principal, effect), name=f"command {effect.command.op}")
        self._commands.add(task)
        task.add_done_callback(self._commands.discard)
        # It is done even if nobody waits for its answer any more: it may be half done already.
        self._keep(task)

    async def _run(self, principal: Principal, effect: Execute) -> None:
        def answered(answer: Answer) -> None:
            self._perform(self._session.answered(effect.id, answer))

        try:
            await self._desk.execute(principal, effect.command, answered)
        except Problem as problem:
            answered(problem)
        except Exception:  # noqa: BLE001 -- whatever went wrong, the client has to be told that it was not done
            _log.exception("a command failed", op=effect.command.op)
            answered(Problem())

    def ask(self, effect: AskVerdict) -> None:
        """Have it judged, unless another question comes before its turn."""
        self._question = effect
        if self._judging is None:
            self._judging = asyncio.create_task(self._judge(), name="verdicts")

    async def _judge(self) -> None:
        """One at a time, and always the latest: those overtaken in between are not even judged (G8). Each is for whom the
        account is by then: while a drag goes on there is always another (A5).
        """
        try:
            while self._question is not None and (principal := self._session.principal) is not None:
                question, self._question = self._question, None
                try:
                    verdict = await self._desk.judge(principal, question.command)
                except Problem as problem:
                    self._perform(self._session.judged(question.number, question.id, problem))
                except Exception:  # noqa: BLE001 -- the next question must still be answered
                    _log.exception("a verdict failed", op=question.command.op)
                    self._perform(self._session.judged(question.number, question.id, Problem()))
                else:
                    self._perform(self._session.judged(question.number, question.id, verdict))
        finally:
            self._judging = None
