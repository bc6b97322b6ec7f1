"""Telling callers what the rules refused: with suggestions from the grid as it stands by then, and what is learned (R18, R22).

Belongs here: what follows a refusal once the locks are gone. Does not belong here: judging (``deliberation``), or the
words (``server.edge.wording``).
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace

import structlog

from grid_engine.interval import Instant
from rules.model import Action, Proposal, Role, Standing, Verdict, Violation
from rules.suggest import suggest
from server.clock import Clock
from server.errors import Problem, Refused, Unavailable
from server.live.room import Room
from server.service.changes import Change
from server.service.circumstances import as_offered, existing_of, facts_for, with_favourites
from server.service.orders import Asked, Rejected
from server.service.refusals import RefusalLog
from server.storage.database import Database
from server.storage.refusals import read_favourites

log = structlog.get_logger(__name__)


class Refusing:
    """One for each node; every refusal of a command goes through here, whatever its door."""

    def __init__(self, *, database: Database, clock: Clock, refusals: RefusalLog) -> None:
        self._database = database
        self._clock = clock
        self._refusals = refusals
        self._answering: set[asyncio.Task[None]] = set()

    def answer(self, rejected: Sequence[tuple[Asked, Rejected]], rooms: Mapping[int, Room]) -> None:
        """Has the orders answered, without holding up whoever decided them; ``rooms`` by the id of their location."""
        if rejected:
            task = asyncio.create_task(self._answer(rejected, rooms), name="refusals")
            self._answering.add(task)
            task.add_done_callback(self._answering.discard)

    async def idle(self) -> None:
        """Waits until all are answered: for shutting down."""
        while self._answering:
            await asyncio.wait(self._answering)

    def note(self, rejected: Rejected) -> None:
        """Has a refusal remembered that is told elsewhere, without suggestions."""
        self._refusals.note(rejected)

    async def _answer(self, rejected: Sequence[tuple[Asked, Rejected]], rooms: Mapping[int, Room]) -> None:
        favourites = await self._favourites([each for _, each in rejected])
        for asked, each in rejected:
            try:
                answer: Problem = _told(each, rooms, favourites)
            except Exception:
                # Whoever asked must be told something, or would wait for ever.
                log.exception("A refusal could not be told", location=asked.location_id)
                answer = Problem()
            asked.answered(answer)
            self._refusals.note(each)

    async def _favourites(self, rejected: Sequence[Rejected]) -> Mapping[int, tuple[tuple[int, int], ...]]:
        """What the customers among them keep asking for; nothing while that cannot be read."""
        standings = (each.facts.standing for each in rejected)
        customers = {standing.user_id for standing in standings if standing.user_id is not None}
        if not customers:
            return {}
        try:
            async with self._database.connection() as connection:
                return await read_favourites(connection, customers, self._clock.now())
        except Unavailable:
            return {}


def _told(
    rejected: Rejected, rooms: Mapping[int, Room], favourites: Mapping[int, tuple[tuple[int, int], ...]]
) -> Refused:
    facts = as_offered(rejected.facts, rooms[rejected.facts.location_id].grid)
    user_id = facts.standing.user_id
    if user_id is not None and user_id in favourites:
        facts = replace(facts, standing=with_favourites(facts.standing, favourites[user_id], facts.resources))
    return Refused(
        rejected.verdict.violations,
        suggest(rejected.proposal, facts) if rejected.suggests else (),
        [(record.resource_id, record.interval) for record in rejected.verdict.conflicts],
    )


def refused_by_constraint(
    change: Change, role: Role, violation: Violation, room: Room, now: Instant
) -> Rejected:
    """The refusal of a change that the rules allowed and Postgres did not (G1), as one of theirs."""
    before, after = change.before, change.after
    action = Action.CREATE if before is None or before.status == "held" else Action.MOVE
    facts = facts_for(room.state, room.grid, None, now)
    return Rejected(
        verdict=Verdict(violations=(violation,)),
        proposal=Proposal(
            action=Action.BLOCK if after.is_block else action,
            role=role,
            resource_id=after.resource_id,
            interval=after.interval,
            existing=existing_of(before) if before else None,
        ),
        facts=replace(facts, standing=Standing(user_id=after.user_id)),
    )
