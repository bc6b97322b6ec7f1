"""The customers of the demo."""

import re
from collections import Counter

from rules.policy import Tier
from server.demo.blueprint import ADMIN, OPERATOR, VENUES
from server.demo.people import CUSTOMERS, customers

FICTION = re.compile(r"\+1\d{3}55501\d{2}|\+447700900\d{3}")


def test_they_are_the_same_every_time():
    assert customers() == customers()
    assert len(customers()) == CUSTOMERS


def test_nobody_shares_an_address_or_phone():
    workers = [ADMIN, OPERATOR, *(worker for venue in VENUES for worker in venue.staff)]
    people = customers()
    emails = [each.email for each in people] + [each.email for each in workers]
    phones = [each.phone for each in people if each.phone] + [each.phone for each in workers]
    assert len(set(emails)) == len(emails)
    assert len(set(phones)) == len(phones)


def test_addresses_and_phones_are_nobodys():
    assert all(re.fullmatch(r"[a-z.\-]+@example\.com", each.email) for each in customers())
    assert all(FICTION.fullmatch(each.phone) for each in customers() if each.phone)


def test_all_tiers_and_both_venues_are_there():
    assert {each.tier for each in customers()} == {None, *Tier.__members__}
    homes = Counter(each.home for each in customers())
    assert set(homes) == {venue.key for venue in VENUES}
    assert min(homes.values()) > 100
    assert {tag for each in customers() for tag in each.tags} >= {"league", "academy", "corporate"}
