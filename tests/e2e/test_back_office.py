"""The back office as those who work there use it: figures, support, messages and refusals, in a real browser."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from grid_engine.interval import HOUR
from server.clock import ManualClock
from server.commands import format_instant
from server.principal import Principal
from tests.acceptance.conftest import CHEAP_HASH, PASSWORD
from tests.conftest import NOON
from tests.running_node import RunningNode, running_node
from tests.venues import Town, Venue

START = NOON + 2 * HOUR


@dataclass(frozen=True)
class Office:
    """A node, its venue, and a page on which somebody is signed in."""

    node: RunningNode
    venue: Venue
    people: dict[str, Principal]
    page: Page


@pytest.fixture
async def office(browser: Browser, database_url: str, clock: ManualClock) -> AsyncIterator[Office]:
    town = Town(database_url)
    venue = await town.venue()
    people = {
        "staff": await town.person("Dana Desk", "staff", [venue], password_hash=CHEAP_HASH),
        "customer": await town.person("Ada Guest", tier="GOLD"),
    }
    async with running_node(database_url, clock) as node:
        page = await browser.new_page(viewport={"width": 1280, "height": 900})
        await page.goto(f"{node.address}/admin")
        await page.get_by_label("Email").fill("dana.desk@example.com")
        await page.get_by_label("Password").fill(PASSWORD)
        await page.get_by_role("button", name="Sign in", exact=True).click()
        await expect(page.get_by_role("navigation", name="Sections")).to_be_visible()
        yield Office(node, venue, people, page)
        await page.close()


async def book(office: Office, hours: int = 0) -> None:
    times = {
        "start_time": format_instant(START + hours * HOUR),
        "end_time": format_instant(START + (hours + 1) * HOUR),
    }
    async with office.node.http(office.people["staff"]) as staff:
        place = {"resource_id": office.venue.bays[0], "user_id": office.people["customer"].user_id, **times}
        booked = await staff.post("/api/bookings", json=place)
        assert booked.status_code == 201, booked.text


async def test_x1_support_sees_a_customers_booking_and_the_thread_keeps_what_was_asked(
    office: Office,
) -> None:
    await book(office)
    page = office.page
    await page.get_by_role("link", name="Support").click()
    await page.locator("input[name=value]").fill("ada.guest@example.com")
    await page.locator("input[name=thread]").fill("case-4711")
    await page.get_by_role("button", name="Look up").click()
    card = page.get_by_test_id("context")
    await expect(card).to_contain_text("Ada Guest")
    await expect(card).to_contain_text("GOLD")
    await expect(card).to_contain_text("Begins in 2 h")
    await expect(card).to_contain_text("Fairway, Bay 1")
    await page.locator("input[name=value]").fill("nobody@example.com")
    await page.get_by_role("button", name="Look up").click()
    await expect(page.get_by_role("alert")).to_be_visible()
    await page.get_by_role("complementary").get_by_role("link", name="case-4711").click()
    await expect(page.get_by_role("heading", name="Conversation case-4711")).to_be_visible()
    entries = page.get_by_test_id("entry")
    await expect(entries).to_have_count(2)
    await expect(entries.first).to_contain_text("Dana Desk asked for Email ada.guest@example.com")
    await expect(entries.first).to_contain_text("1 Jun 2027")
    await expect(entries.last).to_contain_text("There was no such customer")


async def test_r22_staff_see_what_customers_keep_being_refused(office: Office) -> None:
    await book(office)
    async with office.node.http(office.people["customer"]) as customer:
        place = {
            "resource_id": office.venue.bays[0],
            "start_time": format_instant(START),
            "end_time": format_instant(START + HOUR),
        }
        for _ in range(3):
            refused = await customer.post("/api/bookings", json=place)
            assert refused.status_code == 409, refused.text
    await office.node.node.refusals.write()
    await office.page.get_by_role("link", name="Refusals").click()
    pattern = office.page.get_by_test_id("pattern")
    await expect(pattern).to_have_count(1)
    await expect(pattern).to_contain_text("3")
    await expect(pattern).to_contain_text("already taken")
    await expect(pattern).to_contain_text("R14")


async def test_n6_staff_read_the_messages_about_bookings_at_their_place(office: Office) -> None:
    await book(office)
    async with office.node.http(office.people["staff"]) as staff:
        [booking] = (await staff.get("/api/bookings")).json()["items"]
        sent = await staff.post(f"/api/bookings/{booking['id']}/notifications", json={"kind": "confirmation"})
        assert sent.status_code == 202, sent.text
    await office.page.get_by_role("link", name="Messages").click()
    message = office.page.get_by_test_id("message")
    await expect(message).to_have_count(1)
    await expect(message).to_contain_text("To ada.guest@example.com")
    await expect(message).to_contain_text("nobody is configured to deliver it")


async def test_y2_analytics_are_drawn_and_told_and_downloaded(office: Office) -> None:
    await book(office)
    await book(office, hours=5)
    page = office.page
    await page.get_by_role("link", name="Analytics").click()
    form = page.get_by_role("form", name="What to report on")
    await form.get_by_label("From").fill("2027-06-01")
    await form.get_by_label("Until").fill("2027-06-01")
    await page.get_by_test_id("grouping").select_option("hour")
    async with office.node.http(office.people["staff"]) as staff:
        asked = {"from": "2027-06-01", "to": "2027-06-02", "group_by": "hour"}
        report = (await staff.get("/api/admin/bookings/analytics", params=asked)).json()
    shares = {str(item["key"]): item["utilisation"] for item in report["items"]}
    assert sorted(set(shares.values())) == [0, 0.25]
    await expect(page.get_by_test_id("bar")).to_have_count(24)
    await expect(page.get_by_test_id("figures")).to_have_count(24)
    for bar in await page.get_by_test_id("bar").all():
        key = await bar.get_attribute("data-key")
        assert float(await bar.get_attribute("data-share") or "nan") == shares[key or ""]
    await expect(page.get_by_test_id("tile").filter(has_text="Bookings")).to_contain_text("2")
    async with page.expect_download() as starting:
        await page.get_by_test_id("csv").click()
    table = await asyncio.to_thread(Path(await (await starting.value).path()).read_text)
    assert table.splitlines()[0].startswith("hour,open_minutes")
    assert len(table.splitlines()) == 25
