"""Who is banned."""

from rules.checks.booking_ban import RULE
from rules.model import Standing
from tests.rules.venues import at, create, facts_of, told


def test_r2_who_is_banned_is_refused():
    assert told(RULE, create(at(1)), facts_of(standing=Standing(banned=True))) == {}
    assert told(RULE, create(at(1)), facts_of()) is None


def test_r2_is_told():
    assert RULE.wording({}) == "A ban on booking is in force for this account."
