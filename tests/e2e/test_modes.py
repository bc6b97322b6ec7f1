"""A desk on which not everything is switched on yet: what is off is not offered, and is said to be off."""

from playwright.async_api import Browser, expect

from tests.e2e.conftest import StartNode
from tests.e2e.front_desk import FrontDesk
from tests.e2e.test_live_grid import NOW, Scene, scene

__all__ = ["scene"]


async def test_a_grid_to_be_looked_at_offers_no_changes_and_the_next_mode_no_new_bookings(
    browser: Browser, start_node: StartNode, scene: Scene
) -> None:
    first, last = scene.rows[22], scene.rows[23]
    free, bay = scene.venue.bays[2], scene.venue.bays[1]
    full = await start_node(now=NOW)
    desk = await FrontDesk.open(browser, full.address, "dana@example.com")
    await desk.book(bay, first, last, "Grace Walkin")
    await expect(desk.cards("Grace Walkin")).to_have_count(1)

    view = await start_node(now=NOW, mode="view")
    desk = await FrontDesk.open(browser, view.address, "dana@example.com")
    await expect(desk.page.get_by_text("View only")).to_be_visible()
    await desk.drag(desk.cards("Grace Walkin"), desk.cell(free, last))
    await desk.cards("Grace Walkin").click()
    panel = desk.page.get_by_test_id("panel")
    await expect(panel).to_be_visible()
    await expect(panel.get_by_test_id("attend")).to_have_count(0)
    await expect(panel.get_by_test_id("save")).to_be_disabled()
    await desk.cell(free, first).click()
    await expect(desk.page.get_by_text("Changes are not switched on yet.")).to_be_visible()
    await expect(desk.page.get_by_test_id("book")).to_have_count(0)
    [row] = await scene.town.fetch("SELECT resource_id FROM bookings")
    assert row["resource_id"] == bay

    operate = await start_node(now=NOW, mode="operate")
    desk = await FrontDesk.open(browser, operate.address, "dana@example.com")
    await desk.cell(free, first).click()
    await expect(desk.page.get_by_text("new ones are not switched on yet")).to_be_visible()
    await desk.drag(desk.cards("Grace Walkin"), desk.cell(free, last))
    await expect(desk.page.locator(f'[data-column="{free}"] [data-record-id]')).to_have_count(1)
