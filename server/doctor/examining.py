"""All checks, in the order in which one rests on another.

Belongs here: that order, and that no check's own fault keeps the others from being made.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

from server.clock import Clock
from server.doctor.database import look_at_database
from server.doctor.findings import Finding, failed
from server.doctor.integrations import look_at_integrations
from server.doctor.machine import look_at_machine
from server.doctor.servers import find_database, look_at_bus
from server.settings import Settings


async def examine(settings: Settings) -> AsyncIterator[Finding]:
    """What is found, part by part, as it is found. Changes nothing that anybody keeps."""
    for finding in look_at_machine(settings):
        yield finding
    clock = Clock.starting_at(settings.clock_start)
    async with AsyncExitStack() as stack:
        url, embedded = await find_database(settings, stack)
        if embedded is not None:
            yield embedded
        if url is not None:
            async for finding in _guarded("database", look_at_database(url, settings, clock)):
                yield finding
    async for finding in _guarded("Redis", look_at_bus(settings)):
        yield finding
    for finding in look_at_integrations(settings):
        yield finding


async def _guarded(part: str, findings: AsyncIterator[Finding]) -> AsyncIterator[Finding]:
    try:
        async for finding in findings:
            yield finding
    except Exception as error:  # noqa: BLE001  # whatever it is, the parts after it are looked at
        # The text of a database's error may hold a value; its name does not.
        yield failed(part, f"could not be looked at: {type(error).__name__}", "report it, with what is above")
