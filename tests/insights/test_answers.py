"""What Claude's answers rest on (C2)."""

import pytest

from server.service.insights.answers import (
    CancellationAnswer,
    ConflictAnswer,
    claims_of,
    paths_of,
    unfounded,
)

FIGURES = {"cancelled": 3, "by_weekday": {"fri": {"cancelled": 2}}, "busiest": [{"hour": "19"}]}
ID = "018f0000-0000-7000-8000-000000000000"


def claim(text="x", figures=("cancelled",), booking_ids=()):
    return {"text": text, "figures": list(figures), "booking_ids": list(booking_ids)}


def cancellation(**parts):
    whole = {
        "summary": claim(),
        "patterns": [claim()],
        "what_to_say": claim(),
        "policy_changes": [{"key": "cutoff_minutes", "value": 180, "why": claim()}],
        "improvements": [],
    }
    return CancellationAnswer.model_validate(whole | parts)


def conflict(**parts):
    whole = {
        "keep": "claim_1",
        "reasons": [claim()],
        "offers": [{"claim": "claim_2", "offer": claim()}],
        "fairness": claim(),
    }
    return ConflictAnswer.model_validate(whole | parts)


def test_c2_figures_are_cited_by_path():
    assert list(paths_of(FIGURES)) == [
        "cancelled",
        "by_weekday",
        "by_weekday.fri",
        "by_weekday.fri.cancelled",
        "busiest",
        "busiest.0",
        "busiest.0.hour",
    ]


def test_c2_every_claim_of_an_answer_is_looked_at():
    assert len(list(claims_of(cancellation()))) == 4
    assert len(list(claims_of(conflict()))) == 3


def test_c2_an_answer_that_rests_on_what_was_given_holds():
    assert unfounded(cancellation(), FIGURES, [ID]) is None
    cited = claim(figures=["by_weekday.fri.cancelled", "busiest.0"], booking_ids=[ID])
    assert unfounded(cancellation(summary=cited), FIGURES, [ID]) is None
    assert unfounded(conflict(), FIGURES, [], ["claim_1", "claim_2"]) is None


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (cancellation(summary=claim(figures=())), "cites nothing"),
        (cancellation(what_to_say=claim(figures=["no_shows"])), "a figure that was not given: no_shows"),
        (
            cancellation(patterns=[claim(), claim(booking_ids=[ID[:-1] + "1"])]),
            "a booking that was not given",
        ),
        (cancellation(improvements=[claim(booking_ids=[ID.upper()])]), "a booking that was not given"),
        (
            cancellation(
                policy_changes=[{"key": "advance_days", "value": 1, "why": claim(figures=["by_hour"])}]
            ),
            "a figure that was not given",
        ),
        (conflict(keep="claim_3"), "a claim that was not given: claim_3"),
        (conflict(offers=[{"claim": "claim_9", "offer": claim()}]), "a claim that was not given: claim_9"),
    ],
)
def test_c2_what_was_not_given_cannot_be_cited(answer, fault):
    told = unfounded(answer, FIGURES, [ID], ["claim_1", "claim_2"])
    assert told is not None
    assert fault in told
