"""A whole node with its providers configured: callbacks and questions go through the doors that it is really served by."""

import json

import httpx2

from server.integrations import hubspot, twilio
from tests.claude_server import claude_server, said
from tests.running_node import running_node
from tests.venues import Town


async def test_h1_n4_c1_a_node_is_called_by_its_providers_and_asks_claude(database_url, clock):
    town = Town(database_url)
    admin, ada = await town.person("Admin", "admin"), await town.person("Ada")
    await town.fetch("UPDATE users SET hubspot_id = '7' WHERE id = $1", ada.user_id)
    async with (
        claude_server() as claude,
        running_node(
            database_url,
            clock,
            public_url="https://grid.example.com/",
            hubspot_client_secret="app-secret",
            hubspot_tier_property="level",
            twilio_auth_token="token",
            anthropic_api_key="sk",
            anthropic_base_url=claude.url,
        ) as node,
        node.http(admin) as caller,
        httpx2.AsyncClient(base_url=node.address) as provider,
    ):
        change = {
            "subscriptionType": "contact.propertyChange",
            "objectId": 7,
            "propertyName": "level",
            "propertyValue": "PLATINUM",
            "occurredAt": clock.now() * 1000,
        }
        raw, timestamp = json.dumps([change]).encode(), str(clock.now() * 1000)
        address = "https://grid.example.com/api/webhooks/hubspot"
        headers = {
            "content-type": "application/json",
            hubspot.TIMESTAMP_HEADER: timestamp,
            hubspot.SIGNATURE_HEADER: hubspot.signature("app-secret", "POST", address, raw, timestamp),
        }
        told = await provider.post("/api/webhooks/hubspot", content=raw, headers=headers)
        assert told.status_code == 204, told.text
        seen = await caller.get(f"/api/admin/users/{ada.user_id}")
        assert seen.json()["membership_tier"] == "PLATINUM"

        fields = {"MessageSid": "SM1", "From": "+15551230000", "Body": "STOP"}
        address = "https://grid.example.com/api/webhooks/twilio/inbound"
        headers = {twilio.SIGNATURE_HEADER: twilio.signature("token", address, fields.items())}
        texted = await provider.post("/api/webhooks/twilio/inbound", data=fields, headers=headers)
        assert texted.status_code == 200, texted.text
        assert await town.value("SELECT choice FROM sms_choices") == "stop"

        claude.script = lambda _: said("I would rather not.", stop_reason="refusal")
        asked = await caller.post("/api/admin/insights/cancellation-pattern", json={"user_id": ada.user_id})
        assert asked.json()["state"] == "refused", asked.text
        assert len(claude.asked) == 1
