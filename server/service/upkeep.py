"""What happens because time passes: holds lapse, bookings are completed, old answers are forgotten.

Every node does it; the locks of the locations make sure that each thing is done once.
"""

import asyncio

import structlog

from grid_engine.interval import HOUR
from server.clock import Clock
from server.errors import Unavailable
from server.service.desk import BookingDesk
from server.storage.database import Database
from server.storage.retention import forget_old

SWEEP_SECONDS = 0.5
"""Often enough for an expired hold to be gone from every screen within two seconds (G5)."""

log = structlog.get_logger()


async def keep_up(desk: BookingDesk, database: Database, clock: Clock) -> None:
    """Runs until cancelled; a fault is logged and the next turn tries again."""
    forgotten_at = 0
    while True:
        try:
            await desk.sweep()
            if clock.now() - forgotten_at > HOUR:
                await forget_old(database, clock.now())
                forgotten_at = clock.now()
        except Unavailable:
            pass  # said once by the rooms; nothing can be swept meanwhile
        except Exception:
            log.exception("Sweeping failed")
        await asyncio.sleep(SWEEP_SECONDS)
