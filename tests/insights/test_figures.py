"""What is reckoned of bookings, by hand-made ones whose figures are plain to see."""

from dataclasses import replace

from grid_engine.interval import DAY, HOUR, Interval
from rules.policy import LocationPolicy
from server.service.analytics.reports import Line, Report
from server.service.insights.cancellations import cancellation_figures, named_bookings
from server.service.insights.conflicts import Claimant, conflict_figures, contested
from server.service.insights.figures import hours_between, middle, policy_figures, rate
from server.service.insights.schedules import lost_bookings, schedule_figures
from server.service.insights.tokens import Tokens
from server.storage.histories import BusyHour, PastBooking
from server.storage.rollup import Figures
from tests.conftest import NOON

ZONE = "America/New_York"
OWNER, STAFF = 5, 6


def booking(number, *, start, status="completed", ahead=48.0, notice=None, by=OWNER, reason=None, **more):
    return PastBooking(
        id=f"018f0000-0000-7000-8000-{number:012}",
        location_id=1,
        resource_id=2,
        timezone=ZONE,
        user_id=OWNER,
        visitor_id=None,
        name="Ada Lovelace",
        tier="GOLD",
        member_since=NOON - 100 * DAY,
        interval=Interval(start, start + HOUR),
        status=status,
        created_at=int(start - ahead * HOUR),
        reschedule_count=more.pop("moved", 0),
        attended=status == "completed",
        cancelled_at=None if notice is None else int(start - notice * HOUR),
        cancelled_by=by if notice is not None else None,
        cancel_reason=reason,
        **more,
    )


FRIDAY_7_PM = NOON + 3 * DAY + 11 * HOUR
"""2027-06-04T23:00:00Z, 19:00 in New York."""
HISTORY = [
    booking(1, start=FRIDAY_7_PM - 21 * DAY, ahead=24),
    booking(2, start=FRIDAY_7_PM - 14 * DAY, status="no_show", ahead=72),
    booking(
        3, start=FRIDAY_7_PM - 10 * DAY, status="cancelled", notice=1.5, reason="rain", ahead=100, moved=2
    ),
    booking(4, start=FRIDAY_7_PM - 9 * DAY, status="no_show"),
    booking(5, start=FRIDAY_7_PM - 7 * DAY, status="cancelled", notice=30, by=STAFF, reason="rain"),
    booking(6, start=FRIDAY_7_PM - 6 * DAY, ahead=8 * 24),
    booking(7, start=FRIDAY_7_PM, status="confirmed"),
]


def test_c1_how_a_customer_cancels():
    figures = cancellation_figures(HISTORY, now=NOON)
    assert figures["bookings"] == 7
    assert figures["upcoming"] == 1
    assert (figures["cancelled"], figures["cancelled_by_themselves"], figures["cancelled_by_others"]) == (
        2,
        1,
        1,
    )
    assert (figures["cancellation_rate"], figures["no_show_rate"]) == (0.333, 0.333)
    assert (figures["no_shows"], figures["longest_run_of_no_shows"]) == (2, 2)
    assert figures["moved"] == 2
    assert figures["notice_hours"] == {"median": 15.8, "shortest": 1.5, "longest": 30.0}
    assert figures["notice"] == {
        "under_2_hours": 1,
        "2_to_24_hours": 0,
        "24_to_72_hours": 1,
        "over_72_hours": 0,
    }
    assert figures["by_weekday"]["fri"] == {"bookings": 4, "cancelled": 1, "no_shows": 1}
    assert figures["by_hour"] == {"19": {"bookings": 7, "cancelled": 2, "no_shows": 2}}
    assert figures["booked_ahead_hours"] == {"of_cancelled": 74.0, "of_kept": 48.0}
    assert figures["same_reason_given"] == 2
    assert figures["last_90_days"] == {"cancelled": 2, "no_shows": 2}


def test_c1_who_books_again_within_a_day_of_cancelling_is_counted():
    cancelled = booking(1, start=NOON, status="cancelled", notice=30)
    assert cancelled.cancelled_at is not None
    again = replace(booking(2, start=NOON + DAY), created_at=cancelled.cancelled_at + 3 * HOUR)
    later = replace(again, created_at=cancelled.cancelled_at + 25 * HOUR)
    assert cancellation_figures([cancelled, again], now=NOON)["booked_again_within_a_day"] == 1
    assert cancellation_figures([cancelled, later], now=NOON)["booked_again_within_a_day"] == 0


def test_c1_of_nothing_there_are_figures_too():
    figures = cancellation_figures([], now=NOON)
    assert figures["bookings"] == 0
    assert figures["cancellation_rate"] is None
    assert figures["notice_hours"] == {"median": None, "shortest": None, "longest": None}
    assert (rate(1, 0), middle([]), hours_between(5, 1)) == (None, None, 0.0)


def test_c1_bookings_are_named_by_id_and_words_by_tokens():
    tokens = Tokens()
    named = named_bookings(HISTORY, tokens)
    assert [each["id"] for each in named] == [each.id for each in HISTORY]
    assert {**named[2], "id": ""} == {
        "id": "",
        "status": "cancelled",
        "starts": "2027-05-25 19:00",
        "weekday": "tue",
        "minutes": 60,
        "booked_ahead_hours": 100.0,
        "moved": 2,
        "attended": False,
        "cancelled_ahead_hours": 1.5,
        "cancelled_by": "customer",
        "reason": "[reason_1]",
    }
    assert (named[4]["cancelled_by"], named[4]["reason"]) == ("venue", "[reason_1]")
    assert len(named_bookings([HISTORY[0]] * 500, tokens)) == 100


def test_c1_how_claimants_kept_to_earlier_bookings():
    tokens = Tokens()
    one = Claimant(
        who=("user", OWNER), name="Ada", user_id=OWNER, tier="GOLD", member_since=NOON - 100 * DAY,
        booking=HISTORY[6], history=HISTORY[:6],
    )  # fmt: skip
    other = Claimant(
        who=("visitor", "v"), name="Ada", user_id=None, tier=None, member_since=None, booking=None, history=(),
    )  # fmt: skip
    figures = conflict_figures([one, other], {"cutoff_minutes": 120}, tokens, now=NOON)
    assert figures == {
        "claim_1": {
            "customer": "[customer_1]",
            "has_account": True,
            "tier": "GOLD",
            "member_for_days": 100,
            "booked_at": "2027-06-02 19:00:00",
            "moved": 0,
            "other_bookings": 6,
            "completed": 2,
            "no_shows": 2,
            "cancelled": 2,
            "cancelled_within_24_hours": 1,
        },
        "claim_2": {
            "customer": "[customer_2]",
            "has_account": False,
            "tier": None,
            "member_for_days": None,
            "booked_at": None,
            "moved": None,
            "other_bookings": 0,
            "completed": 0,
            "no_shows": 0,
            "cancelled": 0,
            "cancelled_within_24_hours": 0,
        },
        "policy": {"cutoff_minutes": 120},
    }
    [named] = contested([one, other])
    assert (named["id"], named["claim"], named["starts"]) == (HISTORY[6].id, "claim_1", "2027-06-04 19:00")


def line(key, booked=0, open_=0, **figures):
    return Line(key=key, figures=Figures(booked_seconds=booked * 60, **figures), open_seconds=open_ * 60)


def report(*lines, totals=None):
    return Report(timezone=ZONE, lines=lines, totals=totals or line(0), peaks=())


def test_c1_a_schedules_figures_are_those_of_its_reports():
    totals = line(
        0, 105, 360, blocked_seconds=90 * 60, no_show_seconds=900, bookings=7, no_shows=1, cancellations=3,
        late_cancellations=2, own_cancellations=1, lead_seconds=7 * 30 * HOUR,
    )  # fmt: skip
    figures = schedule_figures(
        by_weekday=report(line(4, 90, 180), line(5, 15), totals=totals),
        by_hour=report(line(3, 15, 60), line(19, 90, 300)),
        by_resource=report(line(8, 105, 360)),
        busiest=[BusyHour(weekday=4, hour=9, booked_minutes=60)],
    )
    assert figures["total"] == {
        "open_minutes": 360,
        "blocked_minutes": 90,
        "booked_minutes": 105,
        "no_show_minutes": 15,
        "utilisation": 0.389,
    }
    assert {name: entry["utilisation"] for name, entry in figures["by_weekday"].items()} == {
        "fri": 0.5,
        "sat": None,
    }
    assert {name: entry["booked_minutes"] for name, entry in figures["by_hour"].items()} == {
        "03": 15,
        "19": 90,
    }
    assert figures["by_resource"]["resource_8"]["open_minutes"] == 360
    assert figures["busiest"] == [{"weekday": "fri", "hour": "09", "booked_minutes": 60}]
    assert (figures["bookings"], figures["cancelled"], figures["cancellation_rate"]) == (7, 3, 0.3)
    assert (figures["cancelled_within_24_hours"], figures["cancelled_by_customers"]) == (2, 1)
    assert (figures["no_show_rate"], figures["booked_ahead_hours"], figures["minutes_of_a_booking"]) == (
        0.143,
        30.0,
        15,
    )


def test_c1_a_location_without_bays_or_bookings_has_figures_too():
    figures = schedule_figures(by_weekday=report(), by_hour=report(), by_resource=report(), busiest=[])
    assert figures["total"]["utilisation"] is None
    assert (figures["by_resource"], figures["cancellation_rate"], figures["minutes_of_a_booking"]) == (
        {},
        None,
        None,
    )


def test_c1_lost_bookings_are_named_without_people():
    tokens = Tokens()
    [lost] = lost_bookings([HISTORY[2]], tokens)
    assert "Ada" not in str(lost)
    assert (lost["reason"], lost["resource"], lost["cancelled_ahead_hours"]) == (
        "[reason_1]",
        "resource_2",
        1.5,
    )


def test_c1_the_policy_is_given_in_numbers():
    policy = policy_figures(
        LocationPolicy.from_json({"cutoff_minutes": 60, "tags": {"vip": {"advance_days": 30}}})
    )
    assert policy["cutoff_minutes"] == 60
    assert "vip" not in str(policy)
