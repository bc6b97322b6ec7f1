"""Keeping what the rules refused, off the write path (R22).

Whoever is refused is answered first; what is left is a note in memory, which a task writes now and then. A command never
waits for it, and never fails by it. What is not written when a process is killed is lost: patterns are statistics, and no
promise rests on one.

Belongs here: what of a refusal is kept, and the memory between the answer and Postgres. Does not belong here: which
patterns follow (``server.storage.refusals``), or who reads them (``learning``).
"""

import asyncio
from datetime import date
from typing import Any

import structlog
from prometheus_client import Counter

from grid_engine.interval import Instant
from rules.learning import minute_of_week
from rules.model import Action, Facts, Proposal
from server.clock import Clock
from server.errors import Unavailable
from server.service.orders import Rejected
from server.storage.database import ContentionError, Database
from server.storage.refusals import Refusals, Wish, write_refusals

WRITE_SECONDS = 2.0
MOST_WAITING = 5_000
"""Different wishes that wait to be written; one that already waits takes no more room when it is refused again."""

LOST = Counter(
    "baygrid_refusals_lost", "Refusals that were not kept for patterns: too many waited to be written"
)

log = structlog.get_logger(__name__)


class RefusalLog:
    """One for each node."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._waiting: dict[tuple[Wish, date], Refusals] = {}
        self._lost = 0
        self._writing = asyncio.Lock()

    def note(self, rejected: Rejected) -> None:
        """Remembers the refusal until it is written. O(1); neither waits nor raises."""
        try:
            self.keep(refusal_of(rejected, self._clock.now()))
        except Exception:
            log.exception("A refusal could not be noted")

    async def run(self) -> None:
        """Writes what waits, every other second, until cancelled."""
        while True:
            await asyncio.sleep(WRITE_SECONDS)
            await self.write()

    async def write(self) -> None:
        """Writes what waits; while Postgres is away it goes on waiting."""
        async with self._writing:
            taken, self._waiting = self._waiting, {}
            if self._lost:
                log.warning("Refusals were not kept", number=self._lost, most=MOST_WAITING)
                self._lost = 0
            if not taken:
                return
            try:
                async with self._database.transaction() as connection:
                    await write_refusals(connection, list(taken.values()))
            except (Unavailable, ContentionError, asyncio.CancelledError) as error:
                for refusals in taken.values():
                    self.keep(refusals)
                if isinstance(error, asyncio.CancelledError):
                    raise
            except Exception:
                # One that cannot be written must not keep all others from it for ever.
                log.exception("Refusals could not be written", number=len(taken))

    def keep(self, refusals: Refusals) -> None:
        """Remembers them until they are written, if there is room."""
        key = refusals.wish, refusals.day
        known = self._waiting.get(key)
        if known is not None:
            self._waiting[key] = known.joined(refusals)
        elif len(self._waiting) < MOST_WAITING:
            self._waiting[key] = refusals
        else:
            self._lost += refusals.times
            LOST.inc(refusals.times)


def refusal_of(rejected: Rejected, now: Instant) -> Refusals:
    """What is kept of a refusal: enough to tell what was asked for, and to judge it again (R23)."""
    proposal, facts = rejected.proposal, rejected.facts
    return Refusals(
        wish=Wish(
            location_id=facts.location_id,
            user_id=facts.standing.user_id,
            subject=_subject(proposal, facts),
            resource_id=proposal.resource_id,
            interval=proposal.interval,
            minute_of_week=minute_of_week(proposal.interval.start, facts.timezone),
            action=proposal.action.value,
            role=proposal.role.value,
            codes=tuple(each.code for each in rejected.verdict.violations),
        ),
        first_at=now,
        last_at=now,
        context=_context(rejected),
    )


def _subject(proposal: Proposal, facts: Facts) -> str:
    if facts.standing.user_id is not None:
        return "customer"
    return "nobody" if proposal.action in (Action.BLOCK, Action.RESTORE) else "visitor"


def _context(rejected: Rejected) -> dict[str, Any]:
    existing = rejected.proposal.existing
    return {
        "violations": [
            {"code": each.code, "params": dict(each.params), "overridable": each.overridable}
            for each in rejected.verdict.violations
        ],
        "existing": None
        if existing is None
        else {
            "id": existing.id,
            "resource_id": existing.resource_id,
            "start_time": existing.interval.start,
            "end_time": existing.interval.end,
            "reschedule_count": existing.reschedule_count,
        },
        "new_customer": rejected.proposal.new_customer,
        "active_bookings": rejected.facts.standing.active_bookings,
    }
