"""Pieces of the sentences that rules say to people.

Belongs here: how numbers are said in English. Does not belong here: what any rule says (``checks``).
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

Params: TypeAlias = Mapping[str, Any]
"""The parameters of a violation. One that is missing makes a sentence shorter, never an error: documents tell codes
without any.
"""

Wording: TypeAlias = Callable[[Params], str]
"""One or two plain sentences for a violation."""


def always(sentence: str) -> Wording:
    """The wording of a rule that has nothing particular to say."""
    return lambda _: sentence


def counted(number: int, one: str) -> str:
    """``1 booking``, ``2 bookings``."""
    return f"{number} {one}" if number == 1 else f"{number} {one}s"


def minutes_in_words(minutes: int) -> str:
    """``90`` as ``1 hour 30 minutes``."""
    hours, rest = divmod(minutes, 60)
    parts = [counted(hours, "hour")] * (hours > 0) + [counted(rest, "minute")] * (rest > 0 or hours == 0)
    return " ".join(parts)
