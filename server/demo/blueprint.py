"""The two venues as they are founded: where they are, how they are run, who works there.

Belongs here: what is fixed. Does not belong here: customers (``people``), and how busy it gets (``demand``).
"""

from dataclasses import dataclass
from typing import Any

PASSWORD = "baygrid-demo"  # noqa: S105  # printed for everybody who starts a demo
"""Everybody's: staff and customers alike."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """An account that is no customer's."""

    name: str
    email: str
    role: str
    phone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """A block that recurs on weekdays (Monday is 0), from ``opens`` to ``closes`` in minutes after local midnight.

    ``series_id`` is fixed, so that days added later belong to the same series.
    """

    series_id: str
    type: str
    reason: str
    weekdays: frozenset[int]
    opens: int
    closes: int
    bays: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Venue:
    """A venue to be. ``bays`` are the names of its resources, in column order; ``key`` names it for good.

    ``busyness`` scales the demand; ``repairs`` are reasons for maintenance.
    """

    key: str
    name: str
    timezone: str
    slot_minutes: int
    bays: tuple[str, ...]
    policy: dict[str, Any]
    staff: tuple[Worker, ...]
    series: Series
    busyness: float
    repairs: tuple[str, ...]
    area_codes: tuple[str, ...]


_TIERS = {
    "SILVER": {"advance_days": 18, "concurrent_limit": 4},
    "GOLD": {"advance_days": 21, "concurrent_limit": 5, "cutoff_minutes": 60},
    "PLATINUM": {"advance_days": 30, "concurrent_limit": 8, "cutoff_minutes": 30, "reschedule_limit": 5},
}

FAIRWAY = Venue(
    key="fairway-social",
    name="Fairway Social",
    timezone="America/New_York",
    slot_minutes=30,
    bays=tuple(f"Bay {number}" for number in range(1, 13)),
    policy={
        "opening_hours": None,
        "concurrent_limit": 3,
        "buffer_minutes": 0,
        "tiers": _TIERS,
        "tags": {
            "league": {"concurrent_limit": 6, "advance_days": 28},
            "corporate": {"concurrent_limit": 8, "max_duration_minutes": 360},
        },
    },
    staff=(
        Worker(name="Dana Whitfield", email="dana@example.com", role="staff", phone="+12125550101"),
        Worker(name="Luis Ortega", email="luis@example.com", role="staff", phone="+12125550102"),
        Worker(name="Priya Raman", email="priya@example.com", role="staff", phone="+12125550103"),
    ),
    series=Series(
        series_id="019b0a5c-2f00-7d3e-9a41-5c0be7d1f2a6",
        type="TRAINING",
        reason="Junior academy",
        weekdays=frozenset({1, 3}),
        opens=9 * 60,
        closes=11 * 60,
        bays=(1, 2),
    ),
    busyness=1.0,
    repairs=(
        "Projector lamp replaced",
        "Launch monitor calibrated",
        "Hitting mat changed",
        "Impact screen changed",
    ),
    area_codes=("+1212555", "+1646555", "+1718555", "+1347555", "+1917555"),
)
"""Open around the clock, bookings may touch."""

SOUTHBANK = Venue(
    key="southbank-swing-house",
    name="Southbank Swing House",
    timezone="Europe/London",
    slot_minutes=30,
    bays=(
        *(f"Bay {number}" for number in range(1, 37)),
        "Coaching studio A",
        "Coaching studio B",
        "Private suite 1",
        "Private suite 2",
    ),
    policy={
        "opening_hours": {
            "mon": [["08:00", "23:00"]],
            "tue": [["08:00", "23:00"]],
            "wed": [["08:00", "23:00"]],
            "thu": [["08:00", "23:00"]],
            "fri": [["08:00", "24:00"]],
            "sat": [["00:00", "01:00"], ["08:00", "24:00"]],
            "sun": [["00:00", "01:00"], ["09:00", "22:00"]],
        },
        "concurrent_limit": 3,
        "max_duration_minutes": 180,
        "buffer_minutes": 15,
        "tiers": _TIERS,
        "tags": {
            "academy": {"cutoff_minutes": 60, "reschedule_limit": 4},
            "corporate": {"concurrent_limit": 8, "max_duration_minutes": 300},
        },
    },
    staff=(
        Worker(name="Amara Nwosu", email="amara@example.com", role="staff", phone="+447700900001"),
        Worker(name="Tom Pritchard", email="tom@example.com", role="staff", phone="+447700900002"),
        Worker(name="Siân Morgan", email="sian@example.com", role="staff", phone="+447700900003"),
        Worker(name="Jakub Zieliński", email="jakub@example.com", role="staff", phone="+447700900004"),
    ),
    series=Series(
        series_id="019b0a5c-2f00-7c18-8b27-31e8d04f9b75",
        type="TRAINING",
        reason="Coaching: beginners' course",
        weekdays=frozenset({0, 2, 4}),
        opens=17 * 60 + 30,
        closes=20 * 60,
        bays=(36, 37),
    ),
    busyness=0.72,
    repairs=(
        "Ball dispenser jammed",
        "Camera realigned",
        "Turf tile replaced",
        "Air conditioning serviced",
        "Screen re-tensioned",
    ),
    area_codes=("+447700900",),
)
"""Open by day and on weekend nights, with a turnover between bookings."""

VENUES = (FAIRWAY, SOUTHBANK)

ADMIN = Worker(name="Robin Castellano", email="admin@example.com", role="admin", phone="+12125550199")
OPERATOR = Worker(name="Noor Haddad", email="operator@example.com", role="operator", phone="+12125550198")
