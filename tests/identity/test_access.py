"""Who may do what (A1 to A3): the whole table, and sentences of the contract by themselves."""

import ast
import itertools
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest

import server
from server.edge.routes.api_keys import Scope
from server.errors import Forbidden, NotFound
from server.principal import Mode, Principal
from server.service.access import (
    GRANTS,
    SCOPES,
    SWITCHED_ON_FROM,
    Action,
    Decision,
    Standing,
    allows,
    decide,
    places_of,
    require,
    standing_of,
)

HERE, THERE = 1, 2
ADMIN = Principal(user_id=1, role="admin")
OPERATOR = Principal(user_id=2, role="operator")
STAFF = Principal(user_id=3, role="staff", location_ids=frozenset({HERE}))
CUSTOMER = Principal(user_id=4, role="customer")
KIOSK = Principal(user_id=None, device_id=1, role="kiosk", location_ids=frozenset({HERE}))
KEY = Principal(user_id=None, api_key_id=1, role="operator", scopes=frozenset(SCOPES))
KEY_HERE = replace(KEY, location_ids=frozenset({HERE}))
EVERYBODY = (ADMIN, OPERATOR, STAFF, CUSTOMER, KIOSK)

ON_A_BOOKING = {
    Action.READ_BOOKING,
    Action.CREATE_BOOKING_FOR,
    Action.CHANGE_BOOKING,
    Action.CHECK_IN,
    Action.MARK_NO_SHOW,
    Action.OVERRIDE,
    Action.UNDO,
    Action.READ_AUDIT,
    Action.SEND_MESSAGE,
}


def allowed(principal, **object_):
    return {action for action in Action if allows(principal, action, **object_)}


def test_every_action_is_decided_for_everybody():
    assert set(GRANTS) == set(Action)
    for decisions in GRANTS.values():
        assert set(decisions) == set(Standing)


@pytest.mark.parametrize(
    ("principal", "location_id", "owner_id", "standing"),
    [
        (ADMIN, HERE, 4, Standing.ADMIN),
        (OPERATOR, THERE, 4, Standing.OPERATOR),
        (STAFF, HERE, 4, Standing.STAFF),
        (STAFF, HERE, 3, Standing.STAFF),
        (STAFF, THERE, 4, Standing.CUSTOMER),
        (STAFF, THERE, 3, Standing.OWNER),
        (STAFF, None, None, Standing.STAFF),
        (Principal(user_id=9, role="staff"), None, None, Standing.CUSTOMER),
        (CUSTOMER, HERE, 4, Standing.OWNER),
        (CUSTOMER, HERE, 5, Standing.CUSTOMER),
        (CUSTOMER, HERE, None, Standing.CUSTOMER),
        (KIOSK, HERE, None, Standing.KIOSK),
        (KIOSK, THERE, None, Standing.STRANGER),
        (KIOSK, None, None, Standing.KIOSK),
    ],
)
def test_what_a_caller_is_to_an_object(principal, location_id, owner_id, standing):
    assert standing_of(principal, location_id, owner_id) is standing


def test_a1_an_admin_may_everything():
    for location_id, owner_id in itertools.product((None, HERE, THERE), (None, 1, 4)):
        assert allowed(ADMIN, location_id=location_id, owner_id=owner_id) == set(Action)


def test_a1_an_operator_sees_what_staff_see_and_never_overrides_undoes_or_blocks():
    assert allowed(OPERATOR, location_id=THERE, owner_id=4) == {
        Action.READ_LOCATION,
        Action.READ_SETUP,
        Action.READ_GRID,
        Action.READ_RECORDS,
        Action.READ_ANALYTICS,
        Action.SHOW_DRAG,
        Action.READ_BOOKING,
        Action.LIST_BOOKINGS,
        Action.READ_FREE_FOR,
        Action.CREATE_BOOKING_FOR,
        Action.CHANGE_BOOKING,
        Action.READ_AUDIT,
        Action.READ_MESSAGES,
        Action.KEEP_OWN_ACCOUNT,
        Action.READ_PATTERNS,
        Action.SEARCH_CUSTOMERS,
        Action.READ_CONTEXT,
    }


def test_a1_staff_do_all_with_bookings_at_their_locations_and_are_customers_elsewhere():
    assert allowed(STAFF, location_id=HERE, owner_id=4) >= ON_A_BOOKING
    assert not allows(STAFF, Action.BLOCK, location_id=HERE)
    assert not allows(STAFF, Action.ADMINISTER)
    for action in Action:
        if action not in (Action.SEARCH_CUSTOMERS, Action.READ_CONTEXT, Action.ADMINISTER):
            elsewhere = decide(STAFF, action, location_id=THERE, owner_id=9)
            assert elsewhere is decide(CUSTOMER, action, location_id=THERE, owner_id=9)


def test_a2_an_owner_reads_creates_changes_and_checks_in():
    assert allowed(CUSTOMER, location_id=HERE, owner_id=4) == {
        Action.READ_LOCATION,
        Action.READ_GRID,
        Action.READ_BOOKING,
        Action.LIST_BOOKINGS,
        Action.READ_FREE_FOR,
        Action.CREATE_BOOKING_FOR,
        Action.CHANGE_BOOKING,
        Action.CHECK_IN,
        Action.KEEP_OWN_ACCOUNT,
    }


def test_a3_what_a_customer_may_not_see_does_not_exist():
    for action in ON_A_BOOKING - {Action.CREATE_BOOKING_FOR}:
        assert decide(CUSTOMER, action, location_id=HERE, owner_id=5) is Decision.INVISIBLE
    for action in (Action.MARK_NO_SHOW, Action.OVERRIDE, Action.UNDO, Action.READ_AUDIT, Action.SEND_MESSAGE):
        assert decide(CUSTOMER, action, location_id=HERE, owner_id=4) is Decision.FORBIDDEN
    for owner_id in (None, 5):
        assert (
            decide(CUSTOMER, Action.CREATE_BOOKING_FOR, location_id=HERE, owner_id=owner_id)
            is Decision.FORBIDDEN
        )


def test_a1_a_kiosk_sees_its_own_grid_and_checks_in_there():
    assert allowed(KIOSK, location_id=HERE, owner_id=4) == {
        Action.READ_LOCATION,
        Action.READ_GRID,
        Action.CHECK_IN,
    }
    assert allowed(KIOSK, location_id=THERE, owner_id=4) == set()
    assert decide(KIOSK, Action.READ_GRID, location_id=THERE) is Decision.INVISIBLE


def test_a1_an_api_key_may_what_its_scopes_say_of_what_operators_may():
    for scope, actions in SCOPES.items():
        key = replace(KEY, scopes=frozenset({scope}))
        assert allowed(key, location_id=THERE, owner_id=4) == actions
        assert actions <= allowed(OPERATOR, location_id=THERE, owner_id=4)
    assert allowed(replace(KEY, scopes=frozenset()), location_id=HERE) == set()
    assert allowed(replace(KEY, scopes=frozenset({"of a later release"})), location_id=HERE) == set()
    assert decide(replace(KEY, scopes=frozenset()), Action.READ_GRID, location_id=HERE) is Decision.FORBIDDEN


def test_a1_scopes_are_those_that_can_be_asked_for():
    assert set(get_args(Scope)) == set(SCOPES)


def test_a3_where_an_api_key_is_not_for_there_is_nothing():
    everything = {action for actions in SCOPES.values() for action in actions}
    assert allowed(KEY_HERE, location_id=HERE, owner_id=4) == everything
    assert allowed(KEY_HERE, location_id=THERE, owner_id=4) == set()
    for action in ON_A_BOOKING | {Action.READ_GRID, Action.READ_LOCATION}:
        assert decide(KEY_HERE, action, location_id=THERE, owner_id=4) is Decision.INVISIBLE
    assert allows(KEY_HERE, Action.SEARCH_CUSTOMERS)


@pytest.mark.parametrize(
    ("principal", "places"),
    [(ADMIN, None), (OPERATOR, None), (STAFF, {HERE}), (CUSTOMER, set()), (KIOSK, set()), (KEY, None), (KEY_HERE, {HERE})],
)  # fmt: skip
def test_a1_where_somebody_sees_what_is_others(principal, places):
    assert places_of(principal, Action.READ_RECORDS) == places


def test_an_operators_locations_mean_nothing_and_an_api_keys_confine_it():
    assert places_of(replace(OPERATOR, location_ids=frozenset({HERE})), Action.READ_RECORDS) is None
    assert (KEY.is_confined, KEY_HERE.is_confined, KIOSK.is_confined) == (False, True, True)


def test_a8_the_audit_is_told_who_did_it_where_no_person_did():
    assert [each.cause for each in (ADMIN, KIOSK, KEY)] == ["command", "device:1", "api_key:1"]
    assert len({each.key for each in (*EVERYBODY, KEY)}) == 6


def test_only_admins_administer_and_block():
    for principal in EVERYBODY:
        for action in (Action.ADMINISTER, Action.ANALYSE, Action.BLOCK):
            assert allows(principal, action, location_id=HERE) is (principal is ADMIN)


def test_whoever_may_do_something_to_a_booking_may_read_it():
    for principal, location_id, owner_id in itertools.product(EVERYBODY, (HERE, THERE), (None, 3, 4)):
        may = allowed(principal, location_id=location_id, owner_id=owner_id) & ON_A_BOOKING
        if may - {Action.CREATE_BOOKING_FOR, Action.CHECK_IN}:
            assert Action.READ_BOOKING in may


@pytest.mark.parametrize(
    ("mode", "first_on"),
    [
        (
            Mode.CONTEXT,
            {
                Action.READ_LOCATION,
                Action.READ_SETUP,
                Action.KEEP_OWN_ACCOUNT,
                Action.SEARCH_CUSTOMERS,
                Action.READ_CONTEXT,
                Action.ADMINISTER,
            },
        ),
        (
            Mode.VIEW,
            {
                Action.READ_GRID,
                Action.READ_RECORDS,
                Action.READ_ANALYTICS,
                Action.READ_BOOKING,
                Action.LIST_BOOKINGS,
                Action.READ_FREE_FOR,
                Action.READ_AUDIT,
                Action.READ_PATTERNS,
                Action.READ_MESSAGES,
                Action.ANALYSE,
                Action.READ_SERIES,
            },
        ),
        (
            Mode.OPERATE,
            {
                Action.SHOW_DRAG,
                Action.CHANGE_BOOKING,
                Action.CHECK_IN,
                Action.MARK_NO_SHOW,
                Action.OVERRIDE,
                Action.UNDO,
                Action.SEND_MESSAGE,
            },
        ),
        (Mode.FULL, {Action.CREATE_BOOKING_FOR, Action.BLOCK}),
    ],
)
def test_each_mode_switches_on_its_actions_and_keeps_those_before(mode, first_on):
    assert {action for action, first in SWITCHED_ON_FROM.items() if first is mode} == first_on
    for action in Action:
        on = allows(replace(ADMIN, mode=mode), action, location_id=HERE)
        assert on is mode.includes(SWITCHED_ON_FROM[action])


def test_a3_a_mode_tells_nobody_of_what_they_may_not_see():
    stranger = replace(CUSTOMER, mode=Mode.CONTEXT)
    assert decide(stranger, Action.READ_BOOKING, location_id=HERE, owner_id=5) is Decision.INVISIBLE
    assert decide(stranger, Action.READ_BOOKING, location_id=HERE, owner_id=4) is Decision.SWITCHED_OFF
    with pytest.raises(Forbidden, match="BAYGRID_MODE is context, and this needs operate"):
        require(stranger, Action.CHANGE_BOOKING, location_id=HERE, owner_id=4)


def test_every_door_hands_the_mode_on():
    """A principal that somebody makes without saying the mode would be let through everywhere."""
    silent = [
        f"{path}:{node.lineno}"
        for path in Path(server.__file__).parent.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and getattr(node.func, "id", "") == "Principal"
        and "mode" not in {keyword.arg for keyword in node.keywords}
    ]
    assert silent == []


def test_require_raises_by_what_may_be_known():
    require(CUSTOMER, Action.READ_BOOKING, location_id=HERE, owner_id=4)
    with pytest.raises(NotFound):
        require(CUSTOMER, Action.READ_BOOKING, location_id=HERE, owner_id=5)
    with pytest.raises(Forbidden):
        require(CUSTOMER, Action.UNDO, location_id=HERE, owner_id=4)
