"""Locations denied to a customer."""

from rules.checks.location_denied import RULE
from rules.model import Standing
from tests.rules.venues import at, create, facts_of, told


def test_r3_a_denied_location_refuses_and_others_do_not():
    assert told(RULE, create(at(1)), facts_of(standing=Standing(denied_locations=frozenset({1})))) == {}
    assert told(RULE, create(at(1)), facts_of(standing=Standing(denied_locations=frozenset({2})))) is None


def test_r3_is_told():
    assert RULE.wording({}) == "This account may not book at this location."
