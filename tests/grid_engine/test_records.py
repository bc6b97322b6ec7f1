"""What a grid holds."""

from grid_engine.records import Blackout
from tests.grid_engine.making import minutes


def test_b4_a_blackout_closes_the_resources_it_names_or_all():
    everywhere = Blackout(id=1, interval=minutes(0, 1))
    somewhere = Blackout(id=2, interval=minutes(0, 1), resource_ids=frozenset({7}))
    assert everywhere.closes(7)
    assert everywhere.closes(8)
    assert somewhere.closes(7)
    assert not somewhere.closes(8)
