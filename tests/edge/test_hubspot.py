"""HubSpot's webhooks through HTTP: what becomes of accounts, whatever is told how often and in whatever order (H1, H3)."""

import itertools
import json
from dataclasses import replace

import pytest
from pydantic import SecretStr
from starlette.applications import Starlette

from server.edge.authentication import Doorkeeper
from server.edge.routes.hubspot import hubspot_endpoints
from server.edge.serving import EXCEPTION_HANDLERS, routes_of
from server.edge.signatures import HubSpotSignature
from server.errors import Duplicate
from server.integrations import hubspot
from server.service.hubspot.contacts import Contacts
from tests.conftest import NOON
from tests.edge.test_administration import book, make_location, make_resource, versions

SECRET = "app-secret"
ADDRESS = "http://baygrid.test/api/webhooks/hubspot"
CONTACT = 1246965


class HubSpot:
    """HubSpot as far as it calls us; every event is a second later than the one before."""

    def __init__(self, edge, users=None):
        self.edge = edge
        endpoints = hubspot_endpoints(
            Contacts(edge.database, users or edge.users),
            HubSpotSignature(SecretStr(SECRET), edge.clock, None),
            tags_property="baygrid_tags",
            tier_property="membership_tier",
        )
        app = Starlette(
            routes=routes_of(endpoints, Doorkeeper(edge.identity, edge.limits)),
            exception_handlers=EXCEPTION_HANDLERS,
        )
        self.client = replace(edge, app=app).client()
        self._numbers = itertools.count(1)

    def event(self, happening, *, contact=CONTACT, **more):
        number = next(self._numbers)
        return {
            "eventId": number,
            "subscriptionId": 7,
            "portalId": 62515,
            "appId": 54321,
            "occurredAt": NOON * 1000 + number * 1000,
            "subscriptionType": happening,
            "attemptNumber": 0,
            "objectId": contact,
            "changeSource": "CRM_UI",
            "sourceId": "userId:12345",
        } | more

    def change(self, name, value, **more):
        return self.event("contact.propertyChange", propertyName=name, propertyValue=value, **more)

    async def tell(self, *events, status=204):
        raw = json.dumps(events).encode()
        timestamp = str(self.edge.clock.now() * 1000)
        headers = {
            "content-type": "application/json",
            hubspot.SIGNATURE_HEADER: hubspot.signature(SECRET, "POST", ADDRESS, raw, timestamp),
            hubspot.TIMESTAMP_HEADER: timestamp,
        }
        answer = await self.client.post("/api/webhooks/hubspot", content=raw, headers=headers)
        assert answer.status_code == status, answer.text
        return answer


@pytest.fixture
def crm(edge):
    return HubSpot(edge)


@pytest.fixture
async def ada(edge):
    return await edge.account("customer", name="Ada Lovelace", hubspot_id=str(CONTACT), phone="+15551230000")


async def now(edge, account):
    [row] = await edge.fetch(
        "SELECT name, email, phone, tags, membership_tier, hubspot_id FROM users WHERE id = $1", account.id
    )
    return row


async def audits(edge, account):
    return await edge.fetch(
        "SELECT * FROM audit_events WHERE subject_type = 'user' AND subject_id = $1 AND event_type = 'updated' ORDER BY id",
        str(account.id),
    )


async def test_h1_tags_tier_and_profile_follow_the_contact(edge, crm, ada):
    await crm.tell(
        crm.change("baygrid_tags", "league; founder;;league"),
        crm.change("membership_tier", "gold", changeSource="AUTOMATION_PLATFORM"),
        crm.change("lastname", "King"),
        crm.change("phone", "+1 (555) 123-9999"),
        crm.change("email", "ada@king.example"),
    )
    assert await now(edge, ada) == {
        "name": "Ada King",
        "email": "ada@king.example",
        "phone": "+15551239999",
        "tags": ["league", "founder"],
        "membership_tier": "GOLD",
        "hubspot_id": str(CONTACT),
    }
    [event] = await audits(edge, ada)
    assert (event["actor_id"], event["metadata"]["cause"]) == (None, "hubspot")
    assert event["metadata"]["before"]["membership_tier"] is None
    assert event["metadata"]["after"]["membership_tier"] == "GOLD"

    await crm.tell(
        crm.change("baygrid_tags", ""), crm.change("membership_tier", None), crm.change("phone", "")
    )
    after = await now(edge, ada)
    assert (after["tags"], after["membership_tier"], after["phone"]) == ([], None, None)


async def test_h1_events_of_the_newer_kind_are_understood_too(edge, crm, ada):
    tier = crm.change("membership_tier", "SILVER") | {"subscriptionType": "object.propertyChange"}
    await crm.tell(tier | {"objectTypeId": "0-2"}, tier)
    assert (await now(edge, ada))["membership_tier"] is None
    await crm.tell(tier | {"objectTypeId": "0-1"})
    assert (await now(edge, ada))["membership_tier"] == "SILVER"


async def test_h1_what_came_before_or_comes_late_changes_nothing(edge, crm, ada):
    silver, gold = crm.change("membership_tier", "SILVER"), crm.change("membership_tier", "GOLD")
    await crm.tell(gold)
    await crm.tell(silver)
    assert (await now(edge, ada))["membership_tier"] == "GOLD"
    admin = await edge.signed_in("admin")
    await admin.patch(f"/api/admin/users/{ada.id}", json={"membership_tier": "BRONZE"})
    await crm.tell(gold | {"attemptNumber": 3})
    await crm.tell(silver, gold, silver)
    assert (await now(edge, ada))["membership_tier"] == "BRONZE"
    # Ids are not unique, HubSpot says: another event of the very millisecond is another event.
    await crm.tell(gold | {"propertyValue": "PLATINUM"})
    assert (await now(edge, ada))["membership_tier"] == "PLATINUM"


async def test_h1_events_of_one_call_are_taken_in_the_order_in_which_they_happened(edge, crm, ada):
    first, second = crm.change("membership_tier", "SILVER"), crm.change("membership_tier", "GOLD")
    await crm.tell(second, first)
    assert (await now(edge, ada))["membership_tier"] == "GOLD"
    assert len(await audits(edge, ada)) == 1


async def test_h1_a_new_name_is_a_new_version_of_the_grids_that_show_it(edge, crm, ada):
    admin = await edge.signed_in("admin")
    location = await make_location(admin)
    resource = await make_resource(admin, location)
    await book(edge, location, resource, ada.id)
    before = await versions(edge, location)
    edge.announced.clear()
    await crm.tell(crm.change("firstname", "Augusta Ada"))
    assert (await now(edge, ada))["name"] == "Augusta Ada Lovelace"
    assert await versions(edge, location) == before + 1
    assert edge.announced == [location["id"]]


async def test_h1_a_half_of_a_name_is_found_where_hubspot_told_both(edge, crm, ada):
    await crm.tell(crm.change("firstname", "Mary Ann"), crm.change("lastname", "de la Cruz"))
    assert (await now(edge, ada))["name"] == "Mary Ann de la Cruz"
    await crm.tell(crm.change("firstname", "Marianne"))
    assert (await now(edge, ada))["name"] == "Marianne de la Cruz"
    await crm.tell(crm.change("lastname", "Cruz"))
    assert (await now(edge, ada))["name"] == "Marianne Cruz"
    await crm.tell(crm.change("lastname", ""), crm.change("firstname", ""))
    assert (await now(edge, ada))["name"] == "Marianne"


async def test_h3_what_a_person_signs_in_by_is_taken_from_people_alone(edge, crm, ada):
    before = await now(edge, ada)
    for source in ("FORM", "CONVERSATIONS", "INTEGRATION", "API", "", "anything"):
        await crm.tell(
            crm.change("email", "thief@example.com", changeSource=source),
            crm.change("phone", "+15550006666", changeSource=source),
            crm.change("firstname", "Thief", changeSource=source),
        )
    assert await now(edge, ada) == before
    assert await audits(edge, ada) == []


async def test_h3_of_staff_nothing_but_tags_and_tier_is_taken(edge, crm):
    admin = await edge.account("admin", name="Grace Hopper", hubspot_id=str(CONTACT))
    await crm.tell(
        crm.change("email", "thief@example.com"),
        crm.change("phone", "+15550006666"),
        crm.change("lastname", "Thief"),
        crm.change("baygrid_tags", "navy"),
    )
    after = await now(edge, admin)
    assert (after["name"], after["email"], after["phone"]) == ("Grace Hopper", admin.email, None)
    assert after["tags"] == ["navy"]


async def test_h3_an_address_that_another_account_has_is_never_taken(edge, crm, ada):
    grace = await edge.account("customer", name="Grace", phone="+15557770000")
    await crm.tell(
        crm.change("email", "GRACE@example.com"),
        crm.change("phone", "+15557770000"),
        crm.change("membership_tier", "GOLD"),
    )
    after = await now(edge, ada)
    assert (after["email"], after["phone"], after["membership_tier"]) == (ada.email, ada.phone, "GOLD")
    assert (await now(edge, grace))["email"] == "grace@example.com"


async def test_h1_values_that_no_account_can_hold_are_passed_over(edge, crm, ada):
    before = await now(edge, ada)
    await crm.tell(
        crm.change("membership_tier", "DIAMOND"),
        crm.change("membership_tier", 5),
        crm.change("email", "no address"),
        crm.change("email", ""),
        crm.change("phone", "ask reception"),
        crm.change("phone", "5551239999"),
        crm.change("firstname", "x" * 500),
        crm.change("baygrid_tags", ";".join("x" * 300 for _ in range(3))),
        crm.change("baygrid_tags", ";".join(map(str, range(200)))),
        crm.change("favourite_colour", "blue"),
    )
    assert await now(edge, ada) == before


async def test_h1_a_contact_is_linked_to_the_customer_who_has_its_address(edge, crm):
    ada = await edge.account("customer", name="Ada")
    await crm.tell(
        crm.event("contact.creation"),
        crm.change("membership_tier", "GOLD"),
        crm.change("email", "ADA@example.com", changeSource="FORM"),
    )
    after = await now(edge, ada)
    assert (after["hubspot_id"], after["membership_tier"]) == (str(CONTACT), "GOLD")
    assert after["email"] == "ada@example.com"


async def test_h3_an_address_from_hubspot_is_not_proven_by_that(edge, crm, ada):
    await crm.tell(crm.change("email", "Ada.Lovelace@example.com"), crm.change("phone", "+15551239999"))
    [row] = await edge.fetch("SELECT email_proven, phone_proven FROM users WHERE id = $1", ada.id)
    assert (row["email_proven"], row["phone_proven"]) == (True, False)  # the same mailbox, and another phone
    await crm.tell(crm.change("email", "other@example.com"))
    [row] = await edge.fetch("SELECT email, email_proven FROM users WHERE id = $1", ada.id)
    assert (row["email"], row["email_proven"]) == ("other@example.com", False)


async def test_h3_whoever_but_claims_an_address_is_not_linked_to_its_contact(edge, crm):
    eve = await edge.account("customer", name="Eve")
    await edge.users.follow(eve.id, _to(email="rich@example.com"), cause="test")
    await crm.tell(crm.change("email", "rich@example.com"), crm.change("membership_tier", "PLATINUM"))
    assert (await now(edge, eve))["hubspot_id"] is None
    assert (await now(edge, eve))["membership_tier"] is None


async def test_h3_linking_takes_over_no_account(edge, crm):
    staff = await edge.account("staff", name="Stan")
    closed = await edge.account("customer", name="Cleo")
    await edge.users.follow(closed.id, _to(active=False), cause="test")
    linked = await edge.account("customer", name="Lin", hubspot_id="99")
    for number, account in enumerate((staff, closed, linked)):
        await crm.tell(
            crm.change("email", account.email, contact=number + 1),
            crm.change("membership_tier", "GOLD", contact=number + 1),
        )
        assert (await now(edge, account))["membership_tier"] is None
        assert (await now(edge, account))["hubspot_id"] == account.hubspot_id


def _to(**fields):
    async def changes(connection, account):
        return fields

    return changes


async def test_h1_a_deleted_contact_is_linked_to_nobody(edge, crm, ada):
    tier, address = crm.change("membership_tier", "GOLD"), crm.change("email", ada.email)
    gone = crm.event("contact.deletion")
    await crm.tell(tier, address)
    await crm.tell(gone)
    assert (await now(edge, ada))["hubspot_id"] is None
    assert (await now(edge, ada))["membership_tier"] == "GOLD"
    # Nothing old brings it back.
    await crm.tell(tier, address)
    assert (await now(edge, ada))["hubspot_id"] is None
    # It was restored in HubSpot, where somebody typed its address again.
    await crm.tell(crm.change("email", ada.email))
    assert (await now(edge, ada))["hubspot_id"] == str(CONTACT)
    await crm.tell(gone)
    assert (await now(edge, ada))["hubspot_id"] == str(CONTACT)
    await crm.tell(crm.event("contact.privacyDeletion"))
    assert (await now(edge, ada))["hubspot_id"] is None


def merge(crm, *, primary, merged, new=None):
    return crm.event(
        "contact.merge", contact=primary, primaryObjectId=primary, mergedObjectIds=merged, newObjectId=new
    )


MERGES: tuple[tuple[int | None, dict[str, int], dict[str, str | None]], ...] = (
    (None, {"p": 1, "m": 2}, {"p": "1", "m": None}),
    (9, {"p": 1, "m": 2}, {"p": "9", "m": None}),
    (9, {"m": 2}, {"m": "9"}),
    (1, {"m": 2}, {"m": "1"}),
    (9, {"p": 1, "m": 2, "n": 9}, {"p": None, "m": None, "n": "9"}),
    (None, {}, {}),
)
"""The new contact, who is linked to which, and who is linked to which after 2 was merged into 1."""


async def test_h1_merged_contacts_leave_one_that_one_account_is_linked_to(edge, crm):
    for number, (new, linked, left) in enumerate(MERGES):
        accounts = {
            name: await edge.account("customer", name=f"{name}{number}", hubspot_id=str(contact))
            for name, contact in linked.items()
        }
        event = merge(crm, primary=1, merged=[2], new=new)
        for _ in range(2):
            await crm.tell(event)
            assert {name: (await now(edge, each))["hubspot_id"] for name, each in accounts.items()} == left
        await crm.tell(crm.change("membership_tier", "GOLD", contact=new or 1))
        for name in (name for name, contact in left.items() if contact):
            assert (await now(edge, accounts[name]))["membership_tier"] == "GOLD"
        await edge.fetch("UPDATE users SET hubspot_id = NULL")
        await edge.fetch("DELETE FROM hubspot_changes")


async def test_h1_contacts_that_nobody_is_linked_to_leave_nothing_behind(edge, crm, ada):
    await crm.tell(
        crm.change("email", "stranger@example.com", contact=5),
        crm.event("contact.deletion", contact=5),
        crm.event("company.deletion"),
        crm.event("contact.associationChange"),
        crm.event("contact.propertyChange"),
        crm.event("contact.merge"),
        crm.event("something.else.entirely"),
    )
    await crm.tell()
    assert await edge.fetch("SELECT * FROM hubspot_changes") == []
    assert (await now(edge, ada))["hubspot_id"] == str(CONTACT)


async def test_h1_an_address_taken_in_the_very_moment_is_passed_over_at_the_next_try(edge, ada):
    class Contended:
        def __init__(self):
            self.left = 2

        async def follow(self, *arguments, **named):
            self.left -= 1
            if self.left >= 0:
                raise Duplicate("uq_users_email")
            return await edge.users.follow(*arguments, **named)

    users = Contended()
    crm = HubSpot(edge, users)
    await crm.tell(crm.change("membership_tier", "GOLD"))
    assert (await now(edge, ada))["membership_tier"] == "GOLD"
    users.left = 99
    answer = await crm.tell(crm.change("membership_tier", "SILVER"), status=503)
    assert answer.headers["retry-after"]


async def test_a_signed_body_of_another_shape_is_400(edge, crm):
    timestamp = str(edge.clock.now() * 1000)
    for body in (
        b"{}",
        b"[5]",
        b"[{}]",
        b'[{"subscriptionType": "x", "occurredAt": "now"}]',
        b"[{]",
        b'"x"',
        b"null",
    ):
        headers = {
            "content-type": "application/json",
            hubspot.SIGNATURE_HEADER: hubspot.signature(SECRET, "POST", ADDRESS, body, timestamp),
            hubspot.TIMESTAMP_HEADER: timestamp,
        }
        answer = await crm.client.post("/api/webhooks/hubspot", content=body, headers=headers)
        assert answer.status_code == 400, body
