"""Who may not book at all."""

from rules.checks.not_permitted import RULE
from rules.policy import Policy
from tests.rules.venues import at, create, facts_of, told


def test_r1_who_may_not_book_is_refused():
    assert told(RULE, create(at(1)), facts_of(policy=Policy(can_book=False))) == {}
    assert told(RULE, create(at(1)), facts_of()) is None


def test_r1_is_told():
    assert RULE.wording({}) == "This account may not book here."
