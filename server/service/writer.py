"""The writer of a location: it commits this node's commands in batches, in the order in which they came.

While one batch is being committed the next one gathers; a command alone is never held back to wait for others. Belongs
here: the queue, what is tried again, and answering. Does not belong here: the transaction (``attempt``).
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from typing import TypeAlias

import structlog

from grid_engine.interval import Interval
from rules.checks import conflict
from rules.model import Violation
from server.clock import Clock
from server.commands import SERIES_OPERATIONS
from server.errors import Duplicate, Problem, Refused, Unavailable
from server.live.room import Room
from server.live.rooms import Rooms
from server.service.attempt import Attempt, Committed, MoreConcernedError
from server.service.changes import Change
from server.service.notifications.outbox import Deliverer
from server.service.orders import Asked, Bulk, Describe, Order, Rejected
from server.service.refusing import Refusing, refused_by_constraint
from server.service.sweeping import Sweep
from server.storage.bookings import read_occupants
from server.storage.database import ContentionError, Database, OccupancyTakenError

MOST_IN_A_BATCH = 64
ATTEMPTS = 5
"""How often a command is tried alone before its caller is told to try again."""

Task: TypeAlias = Asked | Sweep

log = structlog.get_logger()


class Writer:
    """The queue of one location on one node; it works while there is anything in it, and costs nothing otherwise."""

    def __init__(
        self,
        location_id: int,
        *,
        rooms: Rooms,
        database: Database,
        clock: Clock,
        refusing: Refusing,
        deliverer: Deliverer,
        describe: Describe,
    ) -> None:
        self._location_id = location_id
        self._refusing = refusing
        self._deliverer = deliverer
        self._describe = describe
        self._rooms = rooms
        self._database = database
        self._clock = clock
        self._queue: deque[Task] = deque()
        self._working: asyncio.Task[None] | None = None

    def submit(self, task: Task) -> None:
        """Queues the order; its ``answered`` is called when it is decided. Sweeps that already wait are not doubled."""
        if isinstance(task, Sweep) and task in self._queue:
            return
        self._queue.append(task)
        if self._working is None:
            self._working = asyncio.create_task(self._work(), name=f"writer-{self._location_id}")

    async def idle(self) -> None:
        """Waits until nothing is queued or being committed: for shutting down."""
        if self._working is not None:
            await self._working

    async def _work(self) -> None:
        try:
            while self._queue:
                await self._commit(self._next_batch())
        finally:
            self._working = None

    def _next_batch(self) -> list[Task]:
        """What waits, up to the most in a batch. What may change several locations stands alone, and so do blocks and bulks:
        nobody else's booking is to be written again because of thousands of them.
        """
        batch = [self._queue.popleft()]
        while self._queue and len(batch) < MOST_IN_A_BATCH and not _stands_alone(batch[-1]):
            if _stands_alone(self._queue[0]):
                break
            batch.append(self._queue.popleft())
        return batch

    async def _commit(self, batch: list[Task]) -> None:
        try:
            await self._try(batch)
        except (OccupancyTakenError, ContentionError, Duplicate):
            # One of them spoils the batch: alone, only that one fails (G3).
            for task in batch:
                await self._commit_alone(task)
        except Problem as problem:
            _answer_all(batch, problem)
        except Exception:
            # A fault of ours in one of them is no reason to fail the others.
            log.exception("A batch failed", location=self._location_id)
            for task in batch:
                await self._commit_alone(task)

    async def _commit_alone(self, task: Task) -> None:
        try:
            for _ in range(ATTEMPTS):
                try:
                    return await self._try([task])
                except MoreConcernedError as error:
                    if not isinstance(task, Sweep):
                        task = task.concerning(error.customer_ids, error.location_ids)
                except (ContentionError, Duplicate) as error:
                    # A duplicate here is a code that happened to be drawn twice: the next attempt draws another.
                    log.info("Trying a command again", location=self._location_id, because=str(error))
            _answer_all([task], Unavailable("Too many others are changing the same thing"))
        except Problem as problem:
            _answer_all([task], problem)
        except Exception:
            log.exception("A command failed", location=self._location_id)
            _answer_all([task], Problem())

    async def _try(self, batch: list[Task]) -> None:
        asked = [task for task in batch if not isinstance(task, Sweep)]
        location_ids = {self._location_id}.union(*(each.location_ids for each in asked))
        rooms = [await self._rooms.open(location_id) for location_id in sorted(location_ids)]
        attempt = Attempt(
            rooms=rooms,
            asked=asked,
            sweeps=len(asked) < len(batch),
            database=self._database,
            clock=self._clock,
            deliverer=self._deliverer,
            describe=self._describe,
        )
        try:
            with ExitStack() as committing:
                for room in rooms:
                    committing.enter_context(room.committing())
                committed = await attempt.commit()
                self._settle(rooms, asked, committed)
        except OccupancyTakenError:
            if len(batch) > 1:
                raise
            raise await self._taken(attempt) from None
        for location_id, (epoch, diff) in committed.diffs.items():
            await self._rooms.publish(location_id, epoch, diff)

    def _settle(self, rooms: Sequence[Room], asked: list[Asked], committed: Committed) -> None:
        """Answers and shows what was committed on this node, so that callers read their own writes.

        Those who were refused are answered on the side: nobody else waits for what is suggested to them.
        """
        room_of = {room.id: room for room in rooms}
        answers: list[Callable[[], None]] = []
        refused: list[tuple[Asked, Rejected]] = []
        for each, decision in zip(asked, committed.decisions, strict=True):
            if isinstance(decision, Rejected):
                refused.append((each, decision))
            else:
                answers.append(partial(each.answered, decision))
        for location_id, (_, diff) in committed.diffs.items():
            # All answers come before any diff that they tell of.
            room_of[location_id].advance(diff, answers=answers)
            answers = []
        for answer in answers:
            answer()
        self._refusing.answer(refused, room_of)
        for rejected in committed.refused:
            self._refusing.note(rejected)

    async def _taken(self, attempt: Attempt) -> Refused:
        """The conflict that only the constraint saw: with something too old, or too far away, for the replica."""
        change, busy = await self._intruded_on(attempt)
        booking = change.after
        spans = [{"start_time": each.start, "end_time": each.end} for each in busy]
        violation = Violation(code=conflict.RULE.code, params={"busy": spans})
        for asked in attempt.asked:
            room = next(room for room in attempt.rooms if room.id == booking.location_id)
            role = asked.principal.role_at(booking.location_id)
            self._refusing.note(refused_by_constraint(change, role, violation, room, self._clock.now()))
        return Refused([violation], conflicts=[(booking.resource_id, each) for each in busy])

    async def _intruded_on(self, attempt: Attempt) -> tuple[Change, list[Interval]]:
        """A change that takes time of what the attempt does not change, and that time; the last one, if none is found."""
        taking = [change for change in attempt.changes if change.after.is_active]
        changed = [change.after.id for change in attempt.changes]
        async with self._database.connection() as connection:
            for change in reversed(taking):
                booking = change.after
                busy = await read_occupants(
                    connection, booking.resource_id, booking.interval, excluding=changed
                )
                if busy:
                    return change, busy
        return taking[-1], []


def _stands_alone(task: Task) -> bool:
    match task:
        case Bulk():
            return True
        case Order():
            return bool(task.elsewhere) or task.command.op in SERIES_OPERATIONS
        case Sweep():
            return False


def _answer_all(batch: list[Task], problem: Problem) -> None:
    for task in batch:
        if not isinstance(task, Sweep):
            task.answered(problem)
