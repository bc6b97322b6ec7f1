"""How busy a venue is, and what people do with their bookings.

Belongs here: shares, likelihoods and words. Does not belong here: laying bookings out (``planning``).
"""

from random import Random

from grid_engine.interval import DAY, HOUR, MINUTE

#            0     1     2     3     4     5     6     7     8     9    10    11
WEEKDAY = (0.10, 0.05, 0.03, 0.02, 0.02, 0.05, 0.14, 0.20, 0.20, 0.22, 0.26, 0.32,
           0.42, 0.38, 0.28, 0.30, 0.44, 0.64, 0.84, 0.88, 0.84, 0.68, 0.42, 0.24)  # fmt: skip
WEEKEND = (0.26, 0.15, 0.06, 0.03, 0.02, 0.03, 0.10, 0.18, 0.32, 0.50, 0.66, 0.74,
           0.80, 0.84, 0.86, 0.86, 0.84, 0.82, 0.84, 0.82, 0.76, 0.66, 0.52, 0.40)  # fmt: skip
"""The share of bays in use by local hour."""

AHEAD = (0.95, 0.82, 0.70, 0.60, 0.50, 0.42, 0.36, 0.30, 0.26, 0.22, 0.20)
"""What of the demand has been booked so many days before."""

DURATIONS = ((60, 0.46), (90, 0.22), (120, 0.32))
MEAN_DURATION = sum(minutes * share for minutes, share in DURATIONS)

_LEADS = ((6 * HOUR, 0.30), (1 * DAY, 0.26), (3 * DAY, 0.24), (7 * DAY, 0.14), (13 * DAY, 0.06))

CANCELLED = 0.06
NO_SHOW = 0.05
NOT_CHECKED_IN = 0.06
WALK_IN = 0.14
BOOKED_BY_STAFF = 0.18
NOTED = 0.12
WRITTEN_ON = 0.05

NOTES = (
    "Left-handed clubs, please",
    "Birthday: a candle on the dessert at half past",
    "First time here, would like a short introduction",
    "Wheelchair access",
    "Bringing two children",
    "Practising with driver only",
    "Team night, will order food",
    "Pebble Beach on the screen, please",
    "Needs an invoice",
)
INTERNAL_NOTES = (
    "Paid in advance",
    "Regular: likes the lights dimmed",
    "Called twice about the screen last time, check it before",
    "Voucher used for the first hour",
    "Asked for Sam to say hello",
)
CANCEL_REASONS = ("Feeling ill", "Running late at work", "Change of plans", "Booked twice by mistake", None)


def in_use(hour: int, weekday: int) -> float:
    """The share of bays in use at that local hour of that day (Monday is 0)."""
    late_friday = weekday == 4 and hour >= 17
    return (WEEKEND if weekday >= 5 or late_friday else WEEKDAY)[hour]


def likelihood_of_start(share: float, slot_minutes: int, turnover_minutes: int) -> float:
    """How likely a free row begins a booking, so that in the long run that share of the time is booked.

    Busy and idle spells alternate; idle ones are geometric with mean (1 - p) / p rows, and a turnover is idle anyway.
    """
    busy = MEAN_DURATION / slot_minutes
    idle = busy * (1 - share) / share - turnover_minutes / slot_minutes
    return 1 / (1 + max(idle, 0.0))


def booked_ahead(days: int) -> float:
    """What of the demand is booked so many days before; all of it for days gone by."""
    return 1.0 if days < 0 else AHEAD[min(days, len(AHEAD) - 1)]


def duration(random: Random) -> int:
    """In seconds."""
    lengths, shares = zip(*DURATIONS, strict=True)
    return int(random.choices(lengths, shares)[0]) * MINUTE


def lead(random: Random) -> int:
    """How long before its start somebody books, in seconds."""
    longest, shares = zip(*_LEADS, strict=True)
    return random.randrange(10 * MINUTE, int(random.choices(longest, shares)[0]))
