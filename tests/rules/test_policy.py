from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grid_engine.interval import Interval
from rules.evaluate import evaluate
from rules.policy import (
    LocationPolicy,
    Overrides,
    Policy,
    Restriction,
    RestrictionKind,
    Tier,
    denied_locations,
    is_banned,
    policy_for,
)
from rules.policy_values import LESS_IS_MORE, OVERRIDE_KEYS, more_generous
from tests.rules.venues import NOON, POLICIES, create, move, venues

HOUSE = LocationPolicy(
    values=Policy(advance_days=14, concurrent_limit=2, cutoff_minutes=120),
    tiers={Tier.GOLD: Overrides(advance_days=30, cutoff_minutes=60), Tier.BRONZE: Overrides(can_book=False)},
    tags={
        "vip": Overrides(advance_days=21, cutoff_minutes=30, can_book=True),
        "league": Overrides(advance_days=25, cutoff_minutes=90, concurrent_limit=5),
    },
)


def ask(tier=None, tags=(), restrictions=(), now=NOON):
    return policy_for(HOUSE, tier, tags, restrictions, now)


def limit(kind, value, expires_at=None):
    return Restriction(kind=RestrictionKind[kind], value=value, expires_at=expires_at)


def test_r20_a_visitor_is_judged_by_the_locations_own_values():
    assert ask() == HOUSE.values


def test_r20_a_tier_replaces_the_locations_values():
    assert ask(Tier.GOLD) == replace(HOUSE.values, advance_days=30, cutoff_minutes=60)


def test_r20_a_tier_that_the_location_does_not_know_changes_nothing():
    assert ask(Tier.SILVER, ["nobody knows this tag"]) == HOUSE.values


def test_r20_a_tag_replaces_what_the_tier_set_even_by_less():
    assert ask(Tier.GOLD, ["vip"]).advance_days == 21


def test_r20_among_tags_the_most_generous_value_of_each_key_counts():
    for tags in (["vip", "league"], ["league", "vip"]):
        chosen = ask(Tier.BRONZE, tags)
        assert (chosen.advance_days, chosen.cutoff_minutes, chosen.concurrent_limit) == (25, 30, 5)
        assert chosen.can_book


def test_r20_restrictions_tighten_and_never_loosen():
    restrictions = [
        limit("MAX_ADVANCE_DAYS", 7),
        limit("MAX_ADVANCE_DAYS", 20),
        limit("MAX_CONCURRENT", 9),
        limit("BOOKING_BAN", None),
    ]
    assert ask(Tier.GOLD, (), restrictions) == replace(ask(Tier.GOLD), advance_days=7)


def test_r20_a_restriction_ends_at_the_instant_it_expires():
    restrictions = [limit("MAX_CONCURRENT", 0, expires_at=NOON)]
    assert ask(restrictions=restrictions, now=NOON - 1).concurrent_limit == 0
    assert ask(restrictions=restrictions, now=NOON).concurrent_limit == 2


def test_r2_a_ban_holds_until_it_expires():
    assert is_banned([limit("BOOKING_BAN", None, expires_at=NOON + 1)], NOON)
    assert not is_banned([limit("BOOKING_BAN", None, expires_at=NOON)], NOON)
    assert not is_banned([limit("MAX_CONCURRENT", 0)], NOON)


def test_r3_denied_locations_are_those_of_restrictions_in_force():
    restrictions = [
        limit("DENY_LOCATION", 4),
        limit("DENY_LOCATION", 5, expires_at=NOON),
        limit("MAX_ADVANCE_DAYS", 6),
    ]
    assert denied_locations(restrictions, NOON) == {4}


@pytest.mark.parametrize(
    ("kind", "value"), [("BOOKING_BAN", 1), ("MAX_CONCURRENT", None), ("DENY_LOCATION", None)]
)
def test_a_restriction_has_the_value_that_its_kind_needs(kind, value):
    with pytest.raises(ValueError, match=kind):
        limit(kind, value)


@settings(deadline=None)
@given(st.sampled_from(OVERRIDE_KEYS), POLICIES, POLICIES)
def test_r20_the_more_generous_of_two_values_is_one_of_them(key, one, other):
    values = getattr(one, key), getattr(other, key)
    chosen = more_generous(key, *values)
    assert chosen == (min(values) if key in LESS_IS_MORE else max(values))


@settings(deadline=None)
@given(venues(), st.sampled_from(OVERRIDE_KEYS), POLICIES, st.data())
def test_r20_whoever_may_do_something_still_may_under_a_more_generous_value(venue, key, other, data):
    """What "generous" means: no rule refuses more for it."""
    start = data.draw(st.integers(-6, 60)) * 1800 + venue.facts.now // 1800 * 1800
    interval = Interval(start, start + data.draw(st.sampled_from([1800, 3600, 5400, 9000])))
    proposal = data.draw(
        st.sampled_from([create(interval), move(Interval(start + 7200, start + 10800), interval, moves=1)])
    )
    mine = getattr(venue.facts.policy, key)
    generous = replace(venue.facts.policy, **{key: more_generous(key, mine, getattr(other, key))})
    before = {each.code for each in evaluate(proposal, venue.facts).violations}
    after = {each.code for each in evaluate(proposal, replace(venue.facts, policy=generous)).violations}
    assert after <= before


@settings(deadline=None)
@given(POLICIES, st.sampled_from(["MAX_ADVANCE_DAYS", "MAX_CONCURRENT"]), st.integers(0, 20))
def test_r20_a_restriction_never_allows_what_the_policy_refuses(policy, kind, value):
    tightened = policy_for(LocationPolicy(values=policy), None, (), [limit(kind, value)], NOON)
    for key in OVERRIDE_KEYS:
        assert more_generous(key, getattr(policy, key), getattr(tightened, key)) == getattr(policy, key)


def test_policies_are_hashable():
    assert len({Policy(), Policy(), Policy(advance_days=1)}) == 2
