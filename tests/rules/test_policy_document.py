import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.policy import LocationPolicy, Overrides, Policy, PolicyError, Tier, write_values
from tests.rules.venues import POLICIES

OVERRIDES = st.builds(
    Overrides,
    can_book=st.none() | st.booleans(),
    advance_days=st.none() | st.integers(0, 1_000_000),
    max_duration_minutes=st.none() | st.integers(240, 1_000_000),
    min_duration_minutes=st.none() | st.integers(0, 75),
)


def faults_of(document):
    with pytest.raises(PolicyError) as caught:
        LocationPolicy.from_json(document)
    assert all(fault.pointer in str(caught.value) for fault in caught.value.faults)
    return [fault.pointer for fault in caught.value.faults]


def test_keys_left_out_take_the_defaults():
    assert LocationPolicy.from_json({}) == LocationPolicy(values=Policy())


def test_r20_a_policy_with_everything_is_read():
    policy = LocationPolicy.from_json(
        {
            "can_book": False,
            "min_duration_minutes": 0,
            "max_duration_minutes": 1_000_000,
            "advance_days": 1,
            "concurrent_limit": 3,
            "reschedule_limit": 4,
            "cutoff_minutes": 5,
            "buffer_minutes": 6,
            "hold_seconds": 7,
            "opening_hours": {
                "mon": [["09:00", "12:30"], ["12:30", "24:00"]],
                "sun": [["00:00", "02:00"]],
                "tue": [],
            },
            "tiers": {"GOLD": {"advance_days": 30}, "BRONZE": {}},
            "tags": {"a/b~c": {"can_book": True}},
        }
    )
    assert policy.values == Policy(
        can_book=False,
        min_duration_minutes=0,
        max_duration_minutes=1_000_000,
        advance_days=1,
        concurrent_limit=3,
        reschedule_limit=4,
        cutoff_minutes=5,
        buffer_minutes=6,
        hold_seconds=7,
        opening_hours=(((540, 750), (750, 1440)), (), (), (), (), (), ((0, 120),)),
    )
    assert policy.tiers == {Tier.GOLD: Overrides(advance_days=30), Tier.BRONZE: Overrides()}
    assert policy.tags == {"a/b~c": Overrides(can_book=True)}


def test_r9_no_opening_hours_are_around_the_clock_and_no_days_are_closed():
    assert LocationPolicy.from_json({"opening_hours": None}).values.opening_hours is None
    assert LocationPolicy.from_json({"opening_hours": {}}).values.opening_hours == ((),) * 7


@settings(deadline=None)
@given(
    POLICIES,
    st.dictionaries(st.sampled_from(Tier), OVERRIDES),
    st.dictionaries(st.text(min_size=1).filter(str.strip), OVERRIDES, max_size=3),
)
def test_what_is_written_is_read_as_the_same(values, tiers, tags):
    policy = LocationPolicy(values=values, tiers=tiers, tags=tags)
    assert LocationPolicy.from_json(json.loads(json.dumps(policy.to_json()))) == policy


def test_r20_values_in_force_are_written_for_the_booking_they_judged():
    assert json.loads(json.dumps(write_values(Policy()))) == {
        "can_book": True,
        "min_duration_minutes": 60,
        "max_duration_minutes": 240,
        "advance_days": 14,
        "concurrent_limit": 2,
        "reschedule_limit": 2,
        "cutoff_minutes": 120,
        "buffer_minutes": 0,
        "hold_seconds": 120,
        "opening_hours": None,
    }


@pytest.mark.parametrize(
    ("document", "pointers"),
    [
        (None, [""]),
        ([], [""]),
        ("x", [""]),
        ({"advance_day": 1}, ["/advance_day"]),
        ({"advance_days": True}, ["/advance_days"]),
        ({"advance_days": 1.0}, ["/advance_days"]),
        ({"advance_days": "1"}, ["/advance_days"]),
        ({"advance_days": None}, ["/advance_days"]),
        ({"advance_days": -1, "hold_seconds": 1_000_001}, ["/advance_days", "/hold_seconds"]),
        ({"can_book": 1}, ["/can_book"]),
        ({"tiers": []}, ["/tiers"]),
        ({"tiers": {"gold": {}}}, ["/tiers/gold"]),
        ({"tiers": {"GOLD": 1}}, ["/tiers/GOLD"]),
        ({"tiers": {"GOLD": {"buffer_minutes": 1}}}, ["/tiers/GOLD/buffer_minutes"]),
        ({"tiers": {"GOLD": {"opening_hours": None}}}, ["/tiers/GOLD/opening_hours"]),
        ({"tags": {"a/b~": {"hold_seconds": 1}}}, ["/tags/a~1b~0/hold_seconds"]),
        ({"tags": {" ": {}}}, ["/tags/ "]),
        ({"opening_hours": []}, ["/opening_hours"]),
        ({"opening_hours": {"monday": []}}, ["/opening_hours/monday"]),
        ({"opening_hours": {"mon": {}}}, ["/opening_hours/mon"]),
        ({"opening_hours": {"mon": ["09:00"]}}, ["/opening_hours/mon/0"]),
        ({"opening_hours": {"mon": [["09:00"]]}}, ["/opening_hours/mon/0"]),
        (
            {"opening_hours": {"mon": [["9:00", "24:01"]]}},
            ["/opening_hours/mon/0/0", "/opening_hours/mon/0/1"],
        ),
        ({"opening_hours": {"mon": [[540, "25:00"]]}}, ["/opening_hours/mon/0/0", "/opening_hours/mon/0/1"]),
        ({"opening_hours": {"mon": [["09:00", "23:60\n"]]}}, ["/opening_hours/mon/0/1"]),
        ({"opening_hours": {"mon": [["22:00", "02:00"]]}}, ["/opening_hours/mon/0"]),
        ({"opening_hours": {"mon": [["24:00", "24:00"]]}}, ["/opening_hours/mon/0"]),
        ({"opening_hours": {"mon": [["09:00", "12:00"], ["11:59", "13:00"]]}}, ["/opening_hours/mon/1"]),
        ({"opening_hours": {"mon": [["12:00", "13:00"], ["09:00", "10:00"]]}}, ["/opening_hours/mon/1"]),
        ({"min_duration_minutes": 300}, ["/min_duration_minutes"]),
        ({"tiers": {"GOLD": {"max_duration_minutes": 30}}}, ["/tiers/GOLD"]),
        ({"tags": {"short": {"max_duration_minutes": 30}}}, ["/tags/short"]),
        (
            {
                "tiers": {"GOLD": {"min_duration_minutes": 120}, "SILVER": {"max_duration_minutes": 0}},
                "tags": {"short": {"max_duration_minutes": 90}, "long": {"max_duration_minutes": 600}},
            },
            ["/tiers/SILVER", "/tags/short"],
        ),
    ],
)
def test_every_fault_of_a_policy_is_pointed_at(document, pointers):
    assert faults_of(document) == pointers
