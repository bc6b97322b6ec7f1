"""The state of a window."""

from hypothesis import given, settings
from hypothesis import strategies as st

from grid_engine.audience import Audience, project_record
from grid_engine.grid import Grid
from grid_engine.snapshot import project_records, snapshot_of
from tests.grid_engine.making import booking, intervals, minutes, overlapping, records


@settings(deadline=None)
@given(
    st.lists(records(), max_size=20, unique_by=lambda record: record.id),
    intervals(),
    st.sampled_from(Audience),
)
def test_w1_a_snapshot_is_what_the_window_holds(some, window, audience):
    snapshot = snapshot_of(Grid(1, "epoch", 9, some), window, audience)
    assert (snapshot.epoch, snapshot.version, snapshot.window, snapshot.audience) == (
        "epoch",
        9,
        window,
        audience,
    )
    expected = [project_record(record, audience) for record in overlapping(some, window)]
    assert sorted(snapshot.records, key=str) == sorted(expected, key=str)
    keys = [(record["start"], record["end"], record["id"]) for record in snapshot.records]
    assert keys == sorted(keys)


def test_a4_the_order_of_what_the_public_is_shown_tells_nothing_of_ids():
    first, second = booking("1", 0, 10), booking("2", 0, 10, resource_id=2)
    swapped = [booking("2", 0, 10), booking("1", 0, 10, resource_id=2)]
    shown = [record["id"] for record in project_records([second, first], Audience.PUBLIC)]
    assert shown == ["shown-1", "shown-2"]
    assert [record["id"] for record in project_records(swapped, Audience.PUBLIC)] == shown
    assert snapshot_of(Grid(1, "epoch", 0, [first]), minutes(10, 20), Audience.PUBLIC).records == ()
