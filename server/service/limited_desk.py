"""The desk as sockets reach it: each command counts towards its account's rate of writes, as a request does at its door."""

from collections.abc import Callable
from typing import Any

from server.commands import Command
from server.errors import Problem
from server.live.desk import Answer, JudgedMove, Wish
from server.principal import Principal
from server.service.desk import BookingDesk
from server.service.rate_limits import RateLimits


class LimitedDesk:
    """Adapts ``server.live.desk.Desk``; verdicts do not count."""

    def __init__(self, desk: BookingDesk, limits: RateLimits) -> None:
        self._desk = desk
        self._limits = limits

    async def execute(
        self, principal: Principal, command: Command, answered: Callable[[Answer], None]
    ) -> None:
        """As ``BookingDesk.execute``; raises ``TooMany`` too."""
        await self._limits.write(principal)
        await self._desk.execute(principal, command, answered)

    async def judge(self, principal: Principal, command: Command) -> JudgedMove:
        """As ``BookingDesk.judge``."""
        return await self._desk.judge(principal, command)

    def admit(self, principal: Principal, wish: Wish, location_id: int) -> None:
        """As ``BookingDesk.admit``."""
        self._desk.admit(principal, wish, location_id)

    def describe(self, problem: Problem) -> dict[str, Any]:
        """As ``BookingDesk.describe``."""
        return self._desk.describe(problem)
