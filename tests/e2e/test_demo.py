"""What somebody sees who types ``make run``."""

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

START_SECONDS = 60.0


@pytest.fixture
async def demo(node_logs: Path) -> AsyncIterator[str]:
    """The address that a demo on embedded servers prints."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("BAYGRID_")}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "server",
        "demo",
        env=kept | {"BAYGRID_DATA_DIR": str(node_logs / "data"), "BAYGRID_PORT": "0"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert process.stdout is not None
    try:
        found = None
        async with asyncio.timeout(START_SECONDS):
            while line := (await process.stdout.readline()).decode():
                if found := re.search(r"http://localhost:\d+", line):
                    break
        assert found, "the demo printed no address"
        yield found.group()
    finally:
        process.send_signal(signal.SIGINT)
        assert await asyncio.wait_for(process.wait(), 30) == 0


async def test_the_demo_opens_on_a_week_of_bookings_that_can_be_gone_through(
    browser: Browser, demo: str
) -> None:
    page = await browser.new_page(viewport={"width": 1440, "height": 900})
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    await page.goto(demo)
    await page.locator("input[type=email]").fill("dana@example.com")
    await page.locator("input[type=password]").fill("baygrid-demo")
    await page.keyboard.press("Enter")
    await expect(page.get_by_test_id("connection")).to_have_attribute("data-link", "live", timeout=15_000)
    await expect(page.locator("[data-record-id]").first).to_be_visible()
    await expect(page.locator("[role=columnheader]").filter(has_text="Bay 12")).to_have_count(1)
    first = await page.get_by_test_id("day").get_attribute("data-date")
    await page.get_by_role("button", name=re.compile("next", re.IGNORECASE)).first.click()
    await expect(page.get_by_test_id("day")).not_to_have_attribute("data-date", first or "")
    await expect(page.locator("[data-record-id]").first).to_be_visible()
    assert faults == []
