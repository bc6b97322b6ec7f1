"""What a violation says to a person.

A rule brings its own sentences (``rules.checks``). Belongs here: finding them, and the sentences of what is refused before
any rule is asked (T3). Does not belong here: which violations there are, or how they are rendered (``problems``).
"""

from collections.abc import Mapping

from rules.evaluate import RULES
from rules.wording import Params, Wording


def violation_message(code: str, params: Params) -> str:
    """One or two plain sentences; for a code this release does not know, a general one.

    A parameter that is missing makes a sentence shorter, never an error.
    """
    wording = _WORDINGS.get(code)
    return wording(params) if wording else "This is not possible."


def violation_codes() -> tuple[str, ...]:
    """The codes that have a wording, in the order of the rules."""
    return tuple(_WORDINGS)


def _nonexistent(params: Params) -> str:
    return f"{_walls(params)} does not exist there: the clocks skip it on that day."


def _ambiguous(params: Params) -> str:
    return f"{_walls(params)} occurs twice there, as the clocks go back: say which by its offset from UTC."


def _walls(params: Params) -> str:
    walls = [str(each["wall"]).replace("T", " ")[:16] for each in params.get("times", ()) if "wall" in each]
    return " or ".join(walls) or "This time"


_WORDINGS: Mapping[str, Wording] = {rule.code: rule.wording for rule in RULES} | {
    "nonexistent_time": _nonexistent,
    "ambiguous_time": _ambiguous,
}
