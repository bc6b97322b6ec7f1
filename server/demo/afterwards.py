"""What becomes of a booking once it is made: written on, cancelled, missed, checked in, completed.

Belongs here: steps of a life up to the present. Does not belong here: how likely they are (``demand``).
"""

from collections.abc import Sequence
from random import Random

from grid_engine.interval import HOUR, MINUTE, Instant, Interval
from server.demo import demand
from server.demo.life import Step
from server.storage.stored_booking import StoredBooking


def afterwards(
    random: Random, made: StoredBooking, staff: Sequence[int], now: Instant, *, certain: bool
) -> list[Step]:
    """What happened to a booking until now."""
    start, end = made.interval.start, made.interval.end
    desk = random.choice(staff)
    steps = []
    if random.random() < demand.WRITTEN_ON and made.created_at + HOUR < min(start, now):
        written = Step(
            at=made.created_at + random.randrange(MINUTE, HOUR),
            event_type="updated",
            changes={"internal_note": random.choice(demand.INTERNAL_NOTES)},
            actor_id=desk,
        )
        steps.append(written)
    cancel_by = min(start - (made.judged_by["cutoff_minutes"] + 30) * MINUTE, now)
    if random.random() < demand.CANCELLED and made.created_at + 2 * HOUR < cancel_by and not certain:
        cancelled = Step(
            at=random.randint(made.created_at + 2 * HOUR, cancel_by),
            event_type="cancelled",
            changes={"status": "cancelled", "cancel_reason": random.choice(demand.CANCEL_REASONS)},
            actor_id=made.user_id or desk,
        )
        return [*steps, cancelled]
    if random.random() < demand.NO_SHOW:
        missed_at = start + random.randrange(15 * MINUTE, 30 * MINUTE)
        if end <= now:
            missed = {"status": "no_show"}
            steps.append(Step(at=missed_at, event_type="no_show", changes=missed, actor_id=desk))
            return steps
    if random.random() >= demand.NOT_CHECKED_IN:
        came_at = max(start + random.randrange(-12 * MINUTE, 8 * MINUTE), made.created_at + MINUTE)
        if came_at <= now:
            came = {"attended_at": came_at}
            actor = made.user_id if made.user_id and random.random() < 0.5 else desk
            steps.append(Step(at=came_at, event_type="attended", changes=came, actor_id=actor))
    return [*steps, *completed(made.interval, now)]


def completed(interval: Interval, now: Instant) -> list[Step]:
    """Its completion, once it has ended; all that end at one time are completed together (P4)."""
    if interval.end > now:
        return []
    return [
        Step(
            at=interval.end,
            event_type="completed",
            changes={"status": "completed"},
            actor_id=None,
            cause="completion",
            together="completed",
        )
    ]
