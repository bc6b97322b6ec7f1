"""What to offer in place of what was refused (R18).

There are four classes, told in this order: the same resource at another time, another resource at the same time, another
resource at another time, and a trimmed length. Within a class comes first what starts nearest to the start that was asked
for, then what starts earlier, then what is nearest to the length asked for, then as columns stand (among trimmed lengths
the resource that was asked for goes before the others).

If the first class could fill all places, people would be offered five times on one bay and never the bay next door. So
places are dealt: one to each class in order, one more to the first, and what is left to the classes in order. With five
places that is two other times, another bay, another bay at another time, and a shorter booking, where there are such.

Where the length cannot be had at all (shorter or longer than allowed, or between the grid's lines), the nearest length that
can takes its place, and the time that was asked for, at that length, comes first in the first class.

A customer who keeps asking for a certain time and resource (R22) is offered what is nearest to that: if such a time lies
within twelve hours of the start that was asked for, nearness is counted from there, its resource goes before the other
columns, and all offers are told in that order.

Belongs here: who is offered anything, and how the classes become one list. Does not belong here: finding what would be
accepted (``candidates``).
"""

from dataclasses import replace

from rules.candidates import Search, nearest_favourite, nearest_length
from rules.model import Action, Facts, Proposal, Suggestion

_DEAL = (0, 1, 2, 3, 0)
"""The classes in the order in which they are dealt places."""


def suggest(proposal: Proposal, facts: Facts, limit: int = 5) -> tuple[Suggestion, ...]:
    """At most ``limit`` resources and intervals that the same person could post at once in place of the proposal's.

    Each is allowed by `rules.evaluate.evaluate` without grace and without overriding anything. There are none for a
    cancellation or an undo, none where who asks is what is refused, and none that would change nothing (R17). The module
    says in which order they are told. About 1 ms for 40 resources with 1,000 bookings a week, 3 to 6 where not an hour of
    a fortnight is free.
    """
    if proposal.action not in (Action.CREATE, Action.MOVE, Action.BLOCK):
        return ()
    proposal, facts = replace(proposal, override_reason=None), replace(facts, grace=0)
    seconds = nearest_length(proposal, facts)
    if seconds is None:
        return ()
    favourite = nearest_favourite(proposal, facts)
    search = Search(proposal, facts, limit, seconds, favourite)
    if not search.person_may():
        return ()
    elsewhere = search.elsewhere()
    trimmed = search.trimmed()
    same_resource, both = search.at_other_times(limit - len(elsewhere) - len(trimmed))
    chosen = _dealt((same_resource, elsewhere, both, trimmed), limit)
    return tuple(sorted(chosen, key=search.distance) if favourite else chosen)


def _dealt(classes: tuple[list[Suggestion], ...], limit: int) -> list[Suggestion]:
    """``limit`` of all, each class's first ones, in the order of the classes."""
    places = [0] * len(classes)
    left_over = [place for place, found in enumerate(classes) for _ in found]
    for place in (*_DEAL, *left_over):
        if sum(places) < limit and places[place] < len(classes[place]):
            places[place] += 1
    return [each for found, number in zip(classes, places, strict=True) for each in found[:number]]
