"""The client's rule, clause by clause."""

import pytest

from grid_engine.audience import Audience, project_record
from grid_engine.follower import PATIENCE_SECONDS, ClientGrid, Outcome
from tests.grid_engine.making import booking, minutes

WINDOW = minutes(0, 100)
A, B, OUTSIDE = (
    project_record(record, Audience.PUBLIC)
    for record in (booking("a", 0, 10), booking("b", 10, 20), booking("b", 100, 110))
)


@pytest.fixture
def client() -> ClientGrid:
    """One that has version 5 with one record."""
    client = ClientGrid(WINDOW)
    assert client.take_snapshot("epoch", 5, [A]) is Outcome.APPLIED
    return client


def test_w2_a_client_without_a_snapshot_subscribes_afresh():
    client = ClientGrid(WINDOW)
    assert client.since is None
    assert client.take_diff("epoch", 0, 1, []) is Outcome.SUBSCRIBE_AFRESH
    assert client.take_tick(1, 0.0) is Outcome.SUBSCRIBE_AFRESH


def test_w2_a_diff_that_continues_is_applied(client):
    assert client.take_diff("epoch", 5, 7, [[6, "put", B], [7, "remove", A["id"]]]) is Outcome.APPLIED
    assert client.records == {B["id"]: B}
    assert client.since == ("epoch", 7)


@pytest.mark.parametrize(("base", "version"), [(3, 4), (4, 5), (5, 5)])
def test_w2_a_diff_of_what_it_has_is_ignored(client, base, version):
    assert client.take_diff("epoch", base, version, [[version, "remove", A["id"]]]) is Outcome.IGNORED
    assert client.records == {A["id"]: A}


def test_w2_only_the_newer_operations_of_an_overlapping_diff_are_applied(client):
    operations = [[4, "remove", A["id"]], [5, "remove", A["id"]], [6, "put", B]]
    assert client.take_diff("epoch", 3, 6, operations) is Outcome.APPLIED
    assert set(client.records) == {A["id"], B["id"]}
    assert client.version == 6


def test_w2_a_gap_is_not_applied(client):
    assert client.take_diff("epoch", 6, 7, [[7, "remove", A["id"]]]) is Outcome.SUBSCRIBE_SINCE
    assert (client.since, set(client.records)) == (("epoch", 5), {A["id"]})


def test_w2_an_unknown_epoch_is_not_applied(client):
    assert client.take_diff("restored", 5, 6, [[6, "remove", A["id"]]]) is Outcome.SUBSCRIBE_SINCE
    assert (client.since, set(client.records)) == (("epoch", 5), {A["id"]})


def test_w1_a_put_outside_the_window_is_a_remove(client):
    client.take_diff("epoch", 5, 6, [[6, "put", B]])
    assert client.take_diff("epoch", 6, 8, [[7, "put", OUTSIDE], [8, "remove", "unknown"]]) is Outcome.APPLIED
    assert set(client.records) == {A["id"]}


def test_g6_a_reload_makes_the_client_subscribe_afresh(client):
    assert client.take_diff("epoch", 5, 7, [[6, "reload"], [7, "put", B]]) is Outcome.SUBSCRIBE_AFRESH
    assert set(client.records) == {A["id"], B["id"]}


def test_w2_a_tick_below_what_it_has_makes_the_client_subscribe_afresh(client):
    assert client.take_tick(4, 0.0) is Outcome.SUBSCRIBE_AFRESH
    assert client.take_tick(5, 0.0) is Outcome.IGNORED
    assert not client.overdue(100.0)


def test_w2_a_tick_ahead_for_two_seconds_is_overdue(client):
    assert client.take_tick(7, 10.0) is Outcome.IGNORED
    assert client.take_tick(8, 11.0) is Outcome.IGNORED
    assert not client.overdue(10.0 + PATIENCE_SECONDS - 0.1)
    assert client.overdue(10.0 + PATIENCE_SECONDS)
    client.take_diff("epoch", 5, 6, [])
    assert client.overdue(10.0 + PATIENCE_SECONDS)
    client.take_diff("epoch", 6, 7, [])
    assert not client.overdue(10.0 + PATIENCE_SECONDS)


def test_w2_a_snapshot_replaces_everything(client):
    client.take_tick(9, 0.0)
    assert client.take_snapshot("restored", 2, [B]) is Outcome.APPLIED
    assert (client.since, client.records) == (("restored", 2), {B["id"]: B})
    assert not client.overdue(100.0)


def test_w2_a_client_told_to_resync_holds_nothing(client):
    client.take_tick(9, 0.0)
    client.forget()
    assert (client.since, client.records) == (None, {})
    assert not client.overdue(100.0)


def test_w1_clients_have_the_same_digest_exactly_if_they_hold_the_same(client):
    other = ClientGrid(WINDOW)
    other.take_snapshot("other", 9, [B, A])
    assert other.digest() != client.digest()
    client.take_diff("epoch", 5, 6, [[6, "put", B]])
    assert other.digest() == client.digest()
