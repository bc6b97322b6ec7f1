"""The wording of refusals, and problems as they are told; what each rule says is tested with the rule."""

from datetime import datetime

import pytest

from grid_engine.interval import Interval
from rules.local_time import UnknownTimes, resolve_times
from rules.model import Violation
from server.edge.problems import describe, describe_violations
from server.edge.wording import violation_message
from server.errors import Fault, Malformed, Problem, Refused, Stale

CODES = [
    "not_permitted",
    "booking_ban",
    "location_denied",
    "off_grid",
    "past_start",
    "min_duration",
    "max_duration",
    "advance_window",
    "closed",
    "blackout",
    "concurrent_limit",
    "reschedule_limit",
    "cutoff",
    "conflict",
    "nonexistent_time",
    "ambiguous_time",
]


@pytest.mark.parametrize("code", [*CODES, "one_of_a_later_release"])
def test_every_code_has_a_sentence_even_without_parameters(code):
    message = violation_message(code, {})
    assert message.endswith(".")
    assert message[0].isupper()
    assert "None" not in message


def test_a_rule_words_its_own_violation():
    assert describe_violations([Violation(code="min_duration", params={"minimum": 90})]) == [
        {
            "code": "min_duration",
            "message": "A booking here lasts at least 1 hour 30 minutes.",
            "params": {"minimum": 90},
            "overridable": False,
        }
    ]


def test_t3_unknown_times_are_told_with_what_they_may_have_meant():
    gap = resolve_times(
        datetime.fromisoformat("2027-03-14T02:30"),
        datetime.fromisoformat("2027-03-14T04:00"),
        "America/New_York",
    )
    assert isinstance(gap, UnknownTimes)
    assert describe_violations(gap.violations) == [
        {
            "code": "nonexistent_time",
            "message": "2027-03-14 02:30 does not exist there: the clocks skip it on that day.",
            "params": {
                "times": [
                    {
                        "field": "start_time",
                        "wall": "2027-03-14T02:30:00",
                        "next_time": "2027-03-14T07:00:00Z",
                    }
                ]
            },
            "overridable": False,
        }
    ]
    twice = resolve_times(
        datetime.fromisoformat("2027-11-07T01:30"),
        datetime.fromisoformat("2027-11-07T04:00"),
        "America/New_York",
    )
    assert isinstance(twice, UnknownTimes)
    assert describe_violations(twice.violations)[0]["params"]["times"][0]["reading_times"] == [
        "2027-11-07T05:30:00Z",
        "2027-11-07T06:30:00Z",
    ]


def test_parameters_are_plain_and_instants_rfc_3339():
    violation = Violation(
        code="x",
        params={
            "busy": ({"start_time": 0, "end_time": 60},),
            "interval": Interval(0, 60),
            "names": frozenset({"b", "a"}),
            "minutes": 5,
            "yes": True,
        },
    )
    assert describe_violations([violation])[0]["params"] == {
        "busy": [{"start_time": "1970-01-01T00:00:00Z", "end_time": "1970-01-01T00:01:00Z"}],
        "interval": {"start_time": "1970-01-01T00:00:00Z", "end_time": "1970-01-01T00:01:00Z"},
        "names": ["a", "b"],
        "minutes": 5,
        "yes": True,
    }


def test_r15_the_status_is_409_for_a_conflict_alone_and_the_code_the_first_violation():
    alone = describe(Refused([Violation(code="conflict")]))
    both = describe(Refused([Violation(code="off_grid"), Violation(code="conflict")]))
    assert (alone["status"], alone["code"]) == (409, "conflict")
    assert (both["status"], both["code"]) == (422, "off_grid")


def test_only_a_400_lists_errors():
    assert describe(Malformed(faults=[Fault("/a", "is wrong")]))["errors"] == [
        {"pointer": "/a", "message": "is wrong"}
    ]
    assert "errors" not in describe(Stale())
    assert describe(Problem())["status"] == 500
