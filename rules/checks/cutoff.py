"""R13: changes too shortly before the start."""

from collections.abc import Iterator

from grid_engine.interval import MINUTE
from rules.model import Facts, Proposal, Violation


def check_cutoff(proposal: Proposal, facts: Facts) -> Iterator[Violation]:
    """R13: refuses to cancel or move less than so many minutes before the present start, or after it.

    Params: ``minutes``, and ``until_time``, the last instant at which it was allowed.
    """
    minutes = facts.policy.cutoff_minutes
    assert proposal.existing is not None, "moves and cancellations are about a booking"
    until = proposal.existing.interval.start - minutes * MINUTE
    if facts.now - facts.grace > until:
        yield Violation(code="cutoff", params={"minutes": minutes, "until_time": until})
