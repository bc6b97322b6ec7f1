"""Who is shown what."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grid_engine.audience import Audience, own_record, project_diff, project_record
from grid_engine.diff import Diff, Put, Reload, Remove
from grid_engine.grid import Grid
from grid_engine.interval import Interval
from grid_engine.records import Block, Booking, Hold
from tests.grid_engine.making import booking

PUBLIC_KEYS = ["id", "resource_id", "start", "end", "kind", "status"]
STAFF_KEYS = [
    *PUBLIC_KEYS,
    "type",
    "user_id",
    "who",
    "note",
    "series_id",
    "attended_at",
    "reschedule_count",
    "reason",
    "created_by",
]  # fmt: skip

BOOKING = Booking(
    id="secret-booking",
    grid_id="shown-1",
    resource_id=7,
    interval=Interval(1000, 4600),
    status="completed",
    user_id=987654,
    who="secret Ada",
    note="secret note",
    attended_at=987655,
    reschedule_count=987656,
    created_by=987657,
)
HOLD = Hold(
    id="secret-hold",
    grid_id="shown-2",
    resource_id=7,
    interval=Interval(1000, 4600),
    user_id=987654,
    who="secret Ada",
    expires_at=987658,
    created_by=987657,
)
BLOCK = Block(
    id="secret-block",
    grid_id="shown-3",
    resource_id=7,
    interval=Interval(1000, 4600),
    type="MAINTENANCE",
    reason="secret reason",
    series_id="secret-series",
    created_by=987657,
)


def test_a4_staff_are_shown_a_booking_whole():
    assert list(project_record(BOOKING, Audience.STAFF).items()) == list(
        zip(
            STAFF_KEYS,
            [
                "secret-booking", 7, 1000, 4600, "booking", "completed", "CUSTOMER", 987654, "secret Ada", "secret note",
                None, 987655, 987656, None, 987657,
            ],
            strict=True,
        )
    )  # fmt: skip


def test_g5_staff_are_shown_a_hold_as_held():
    assert list(project_record(HOLD, Audience.STAFF).items()) == list(
        zip(
            STAFF_KEYS,
            [
                "secret-hold", 7, 1000, 4600, "hold", "held", "CUSTOMER", 987654, "secret Ada", None,
                None, None, None, None, 987657,
            ],
            strict=True,
        )
    )  # fmt: skip


def test_b6_staff_are_shown_a_blocks_reason_and_who_created_it():
    assert list(project_record(BLOCK, Audience.STAFF).items()) == list(
        zip(
            STAFF_KEYS,
            [
                "secret-block", 7, 1000, 4600, "block", "confirmed", "MAINTENANCE", None, None, None,
                "secret-series", None, None, "secret reason", 987657,
            ],
            strict=True,
        )
    )  # fmt: skip


@pytest.mark.parametrize("record", [BOOKING, HOLD, BLOCK], ids=lambda record: type(record).__name__)
def test_a4_the_public_is_shown_no_more_than_that_time_is_taken(record):
    shown = project_record(record, Audience.PUBLIC)
    assert list(shown.items()) == list(
        zip(PUBLIC_KEYS, [record.grid_id, 7, 1000, 4600, "booking", "busy"], strict=True)
    )
    told = json.dumps([shown, project_diff(Diff(0, 1, (Put(1, record),)), Audience.PUBLIC)])
    assert "secret" not in told
    assert "98765" not in told
    assert "MAINTENANCE" not in told


def test_a4_a_customers_own_record_is_whole_and_names_its_place_on_the_shared_grid():
    own = own_record(BOOKING)
    assert list(own) == [*STAFF_KEYS[:-1], "grid_id"]
    assert (own["id"], own["grid_id"], own["note"]) == ("secret-booking", "shown-1", "secret note")


def test_a4_a_diff_names_records_as_each_audience_knows_them():
    diff = Diff(3, 7, (Put(4, HOLD), Remove(6, "secret-booking", "shown-1", 987654), Reload(7)))
    assert project_diff(diff, Audience.STAFF) == [
        [4, "put", project_record(HOLD, Audience.STAFF)],
        [6, "remove", "secret-booking"],
        [7, "reload"],
    ]
    assert project_diff(diff, Audience.PUBLIC) == [
        [4, "put", project_record(HOLD, Audience.PUBLIC)],
        [6, "remove", "shown-1"],
        [7, "reload"],
    ]


def test_a4_a_change_that_the_public_may_not_see_has_no_operations_for_it():
    before = Grid(1, "epoch", 0, [booking("a", 0, 10)])
    noted, moved = booking("a", 0, 10, note="noted"), booking("a", 0, 20, note="noted")
    diff = Diff(0, 4, (Put(1, noted), Put(2, moved), Put(3, moved), Put(4, booking("b", 30, 40))))
    assert [operation[0] for operation in project_diff(diff, Audience.PUBLIC, before)] == [2, 4]
    assert [operation[0] for operation in project_diff(diff, Audience.STAFF, before)] == [1, 2, 3, 4]
    assert [operation[0] for operation in project_diff(diff, Audience.PUBLIC)] == [1, 2, 4]


def test_a4_a_record_that_comes_back_is_shown_again():
    before = Grid(1, "epoch", 0, [booking("a", 0, 10)])
    diff = Diff(0, 2, (Remove(1, "a", "shown-a"), Put(2, booking("a", 0, 10))))
    assert [operation[1] for operation in project_diff(diff, Audience.PUBLIC, before)] == ["remove", "put"]


@given(st.sampled_from((BOOKING, HOLD, BLOCK)), st.sampled_from(Audience))
def test_w1_what_is_sent_is_plain_data(record, audience):
    shown = project_record(record, audience)
    assert json.loads(json.dumps(shown)) == shown
