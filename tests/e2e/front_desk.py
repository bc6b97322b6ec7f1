"""A front desk as a person uses it: a browser window, signed in, with a mouse."""

from dataclasses import dataclass

from playwright.async_api import Browser, Locator, Page, expect

PASSWORD = "correct horse battery"
LIVE_MS = 15_000


@dataclass(frozen=True)
class FrontDesk:
    """One window on one node."""

    page: Page

    @classmethod
    async def open(
        cls,
        browser: Browser,
        url: str,
        email: str,
        *,
        width: int = 1280,
        height: int = 1000,
        timezone: str = "Pacific/Auckland",
    ) -> "FrontDesk":
        """Signs in and waits for the grid to be live. The browser stands in a time zone that is nobody's (T2)."""
        context = await browser.new_context(
            viewport={"width": width, "height": height}, timezone_id=timezone, locale="en-GB"
        )
        page = await context.new_page()
        await page.goto(url)
        await page.locator("input[type=email]").fill(email)
        await page.locator("input[type=password]").fill(PASSWORD)
        await page.keyboard.press("Enter")
        desk = cls(page)
        await desk.be_live()
        return desk

    async def be_live(self) -> None:
        """Waits until the connection says so."""
        await expect(self.page.get_by_test_id("connection")).to_have_attribute(
            "data-link", "live", timeout=LIVE_MS
        )

    def cell(self, bay: int, start: int) -> Locator:
        """The cell of a bay at a row's instant."""
        return self.page.locator(f'[data-resource-id="{bay}"][data-row-start="{start}"]')

    def cards(self, who: str) -> Locator:
        """The cards with a name on them."""
        return self.page.locator("[data-record-id]").filter(has_text=who)

    async def drag(self, first: Locator, last: Locator) -> None:
        """Presses on the first, moves to the last in steps, and lets go."""
        await first.scroll_into_view_if_needed()
        await self.press_and_move(first, last)
        await self.page.mouse.up()

    async def press_and_move(self, first: Locator, last: Locator) -> None:
        """The drag without its end."""
        start, end = await first.bounding_box(), await last.bounding_box()
        assert start is not None
        assert end is not None
        mouse = self.page.mouse
        await mouse.move(start["x"] + start["width"] / 2, start["y"] + min(8, start["height"] / 2))
        await mouse.down()
        await mouse.move(end["x"] + end["width"] / 2, end["y"] + min(12, end["height"] * 0.6), steps=8)

    async def book(self, bay: int, first: int, last: int, who: str) -> None:
        """Drags over the rows from ``first`` to ``last`` inclusive and books a walk-in of that name."""
        await self.drag(self.cell(bay, first), self.cell(bay, last))
        await self.page.get_by_test_id("customer").fill(who)
        await self.page.keyboard.press("Escape")
        await self.page.get_by_test_id("book").click()
