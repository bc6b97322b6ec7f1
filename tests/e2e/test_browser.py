"""The browser itself: that what the tests look through is there, and draws text."""

from playwright.async_api import Browser


async def test_browser_draws_a_page(browser: Browser) -> None:
    page = await browser.new_page()
    await page.set_content("<h1 style='display: inline'>Bay 7</h1>")
    heading = page.get_by_role("heading", name="Bay 7")
    box = await heading.bounding_box()
    assert box is not None
    assert box["width"] > 40
