"""The rules are whole and complete: each has its file, its place in the list, its tests and its line in the specification."""

import re
from pathlib import Path

import pytest

import rules.checks
from grid_engine.interval import HOUR, Interval
from grid_engine.records import Blackout
from rules.evaluate import EVERYTHING, RULES, rules_for, violations_of
from rules.model import Action, Standing
from rules.policy import Policy
from rules.rule import ADMINS, NOBODY, STAFF, Rule, Scope
from tests.rules.venues import NOON, at, booked, create, facts_of, move

PROJECT = Path(__file__).parents[2]
CHECKS = Path(rules.checks.__path__[0])


def test_every_file_of_checks_is_in_the_list_and_nothing_else():
    files = {path.stem for path in CHECKS.glob("*.py")} - {"__init__"}
    assert {rule.code for rule in RULES} == files
    assert len(RULES) == len(files)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_each_rule_is_declared_in_the_file_of_its_code(rule):
    assert rule.check.__module__ == f"rules.checks.{rule.code}"


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_each_rule_has_a_test_file_whose_tests_name_it(rule):
    tests = PROJECT / "tests" / "rules" / "checks" / f"test_{rule.code}.py"
    assert re.search(rf"^ *def test_{rule.id.lower()}_", tests.read_text(), re.MULTILINE)


def test_the_list_is_the_table_of_the_specification():
    waivers = {"yes": STAFF, "admins only": ADMINS, "never": NOBODY}
    rows = re.findall(
        r"^\| (R\d+) \| `(\w+)` \|.*\| ([\w ]+) \|$", (PROJECT / "docs/spec.md").read_text(), re.MULTILINE
    )
    assert [(rule.id, rule.code, rule.waived_by) for rule in RULES] == [
        (id_, code, waivers[override]) for id_, code, override in rows
    ]


def test_each_rule_tells_its_own_code():
    records = [booked(at(2))]
    facts = facts_of(
        records,
        blackouts=(Blackout(id=1, interval=at(2)),),
        policy=Policy(can_book=False, advance_days=0, min_duration_minutes=300, opening_hours=((),) * 7),
        standing=Standing(banned=True, denied_locations=frozenset({1}), active_bookings=2),
    )
    found = [each.code for each in violations_of(move(at(-1), at(2.25), moves=2), facts)]
    assert found == [rule.code for rule in RULES if rule.code not in ("past_start", "max_duration")]


@pytest.mark.parametrize(
    ("code", "scope"), [("blackout", Scope.TIME), ("closed", Scope.PLACE)], ids=["no place", "no taking"]
)
def test_a_rule_says_what_it_takes_exactly_if_it_depends_on_the_place(code, scope):
    rule = next(rule for rule in RULES if rule.code == code)
    with pytest.raises(ValueError, match=code):
        Rule(
            id=rule.id,
            code=code,
            scope=scope,
            actions=rule.actions,
            waived_by=rule.waived_by,
            check=rule.check,
            wording=rule.wording,
            takes=rule.takes,
        )


def test_rules_for_an_action_and_a_scope_keep_their_order():
    assert [rule.code for rule in rules_for(Action.BLOCK)] == ["off_grid", "conflict"]
    assert [rule.code for rule in rules_for(Action.MOVE, Scope.PLACE)] == ["blackout", "conflict"]
    assert rules_for(Action.MOVE, EVERYTHING) == RULES


@pytest.mark.parametrize("rule", rules_for(Action.CREATE, Scope.PLACE), ids=lambda rule: rule.code)
def test_what_a_rule_takes_is_what_it_refuses(rule):
    facts = facts_of(
        [booked(at(2)), booked(at(5.25), record_id="another")],
        blackouts=(Blackout(id=1, interval=at(7), resource_ids=frozenset({7})),),
        policy=Policy(buffer_minutes=20),
    )
    window = Interval(NOON, NOON + 12 * HOUR)
    probe = create(at(0))
    taken = [
        Interval(start, end)
        for resource_id, start, end in rule.takes(window, probe, facts)
        if resource_id == 7
    ]
    for quarter in range(4 * 11):
        asked = at(quarter / 4)
        refused = any(rule.check(create(asked), facts))
        assert refused is any(asked.overlaps(each) for each in taken)
