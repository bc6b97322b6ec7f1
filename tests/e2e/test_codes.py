"""Codes at the sign-in page: asked for, read in the outbox by an admin, and used, in a real browser."""

import re

import httpx2
from playwright.async_api import Browser, expect

from server.service.passwords import Passwords
from tests.e2e.conftest import StartNode
from tests.e2e.front_desk import PASSWORD, FrontDesk
from tests.venues import Town

NEW_PASSWORD = "a wholly new password"


async def test_n6_a_forgotten_password_is_set_anew_by_the_code_that_lies_in_the_outbox(
    browser: Browser, start_node: StartNode, database_url: str
) -> None:
    town = Town(database_url)
    passwords = Passwords()
    kept = await passwords.hash(PASSWORD)
    passwords.close()
    venue = await town.venue()
    await town.person("Dana", "staff", [venue], password_hash=kept)
    await town.person("Ada", "admin", password_hash=kept)
    node = await start_node(now="2027-06-01T13:00:00Z")
    page = await (await browser.new_context(viewport={"width": 390, "height": 844})).new_page()
    await page.goto(node.address)

    await page.get_by_label("Email").fill("dana@example.com")
    await page.get_by_role("button", name="Forgot password?").click()
    await expect(page.get_by_role("heading", name="Set a new password")).to_be_visible()
    await expect(page.get_by_label("Email")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("textbox", name="Code")).to_be_focused()
    await expect(page.get_by_text("on its way to dana@example.com")).to_be_visible()

    async with httpx2.AsyncClient(base_url=node.address) as admin:
        body = {"email": "ada@example.com", "password": PASSWORD}
        token = (await admin.post("/api/auth/login", json=body)).json()["access_token"]
        answer = await admin.get(
            "/api/admin/notifications",
            params={"kind": "reset_code"},
            headers={"authorization": f"Bearer {token}"},
        )
    (message,) = answer.json()["items"]
    assert message["recipient"] == "dana@example.com"
    code = re.findall(r"\b[0-9]{6}\b", message["body"])[0]

    await page.get_by_role("textbox", name="Code").fill(f"{(int(code) + 1) % 10**6:06}")
    await page.get_by_role("textbox", name="New password").fill(NEW_PASSWORD)
    await page.get_by_role("button", name="Set password and sign in").click()
    await expect(page.get_by_role("alert")).to_contain_text("wrong or too old")
    await page.get_by_role("textbox", name="Code").fill(f"{code[:3]} {code[3:]}")
    await page.get_by_role("button", name="Set password and sign in").click()
    desk = FrontDesk(page)
    await desk.be_live()

    async with httpx2.AsyncClient(base_url=node.address) as client:
        for password, status in ((PASSWORD, 401), (NEW_PASSWORD, 200)):
            body = {"email": "dana@example.com", "password": password}
            assert (await client.post("/api/auth/login", json=body)).status_code == status
