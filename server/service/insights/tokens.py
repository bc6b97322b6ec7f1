"""Tokens: what Claude is given in place of people and their words, and the way back (C1).

    Ada Lovelace                     [customer_1]
    "My daughter has a cold"         [reason_1]

The same person, or the same words, have the same token within one analysis and another one in the next, so that Claude can
tell that two are the same and nothing else. Belongs here: pure functions. Does not belong here: what may be given at all.
"""

import re
from collections.abc import Hashable, Mapping
from typing import Literal, TypeAlias

Kind: TypeAlias = Literal["customer", "reason"]

_TOKEN = re.compile(r"\[(?:customer|reason)_[1-9][0-9]{0,5}\]", flags=re.ASCII)


class Tokens:
    """The tokens of one analysis, numbered in the order in which they are first asked for."""

    def __init__(self) -> None:
        self._tokens: dict[tuple[Kind, Hashable], str] = {}
        self._meanings: dict[str, str] = {}

    def of(self, kind: Kind, who: Hashable, meaning: str) -> str:
        """The token that stands for ``meaning``; ``who`` tells people of the same name apart."""
        token = self._tokens.get((kind, who))
        if token is None:
            number = sum(each == kind for each, _ in self._tokens) + 1
            token = self._tokens[kind, who] = f"[{kind}_{number}]"
            self._meanings[token] = meaning
        return token

    @property
    def meanings(self) -> Mapping[str, str]:
        """Token → what it stands for. It stays with us."""
        return dict(self._meanings)


def restored(text: str, meanings: Mapping[str, str]) -> str:
    """The text with what tokens stand for in their place; what is no token of these stays as it is. Once: a meaning that looks
    like a token is left alone.
    """
    return _TOKEN.sub(lambda found: meanings.get(found[0], found[0]), text)
