"""What one person does on the grid, another sees: in real browsers, over one node and two, with Redis and without."""

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from grid_engine.calendar_day import calendar_day
from server.embedded import EmbeddedValkey
from server.principal import Principal
from server.service.passwords import Passwords
from tests.e2e.conftest import StartNode
from tests.e2e.front_desk import PASSWORD, FrontDesk
from tests.venues import Town, Venue

NOW = "2027-06-01T13:00:00Z"
"""Nine in the morning in New York."""


@dataclass(frozen=True, kw_only=True)
class Scene:
    """A venue with two people at its desk."""

    town: Town
    venue: Venue
    rows: tuple[int, ...]
    dana: Principal
    luis: Principal


@pytest.fixture
async def scene(database_url: str) -> Scene:
    town = Town(database_url)
    passwords = Passwords()
    kept = await passwords.hash(PASSWORD)
    passwords.close()
    venue = await town.venue(bays=8)
    dana = await town.person("Dana", "staff", [venue], password_hash=kept)
    luis = await town.person("Luis", "staff", [venue], password_hash=kept)
    rows = calendar_day(dt.date(2027, 6, 1), venue.timezone, 30).rows
    return Scene(town=town, venue=venue, rows=rows, dana=dana, luis=luis)


async def test_a_drag_in_one_browser_is_on_the_others_screen_and_in_postgres(
    browser: Browser, start_node: StartNode, scene: Scene
) -> None:
    node = await start_node(now=NOW)
    dana = await FrontDesk.open(browser, node.address, "dana@example.com")
    luis = await FrontDesk.open(browser, node.address, "luis@example.com")
    bay = scene.venue.bays[1]

    await dana.book(bay, scene.rows[22], scene.rows[24], "Grace Walkin")

    await expect(luis.cards("Grace Walkin")).to_have_count(1)
    await expect(dana.cards("Grace Walkin")).to_have_attribute("data-state", "confirmed")
    [row] = await scene.town.fetch("SELECT * FROM bookings")
    assert (row["resource_id"], int(row["start_time"].timestamp())) == (bay, scene.rows[22])
    assert int(row["end_time"].timestamp()) == scene.rows[25]

    card = luis.cards("Grace Walkin")
    await luis.drag(card, luis.cell(scene.venue.bays[3], scene.rows[26]))
    moved = dana.page.locator(f'[data-column="{scene.venue.bays[3]}"] [data-record-id]')
    await expect(moved).to_have_count(1)
    [row] = await scene.town.fetch("SELECT * FROM bookings")
    assert row["resource_id"] == scene.venue.bays[3]


async def test_g9_a_colleagues_drag_is_seen_while_it_lasts(
    browser: Browser, start_node: StartNode, scene: Scene
) -> None:
    node = await start_node(now=NOW)
    dana = await FrontDesk.open(browser, node.address, "dana@example.com")
    luis = await FrontDesk.open(browser, node.address, "luis@example.com")
    bay = scene.venue.bays[2]
    await dana.cell(bay, scene.rows[24]).scroll_into_view_if_needed()
    await dana.press_and_move(dana.cell(bay, scene.rows[24]), dana.cell(bay, scene.rows[26]))
    ghost = luis.page.get_by_test_id("ghost")
    await expect(ghost).to_contain_text("Dana")
    await dana.page.keyboard.press("Escape")
    await dana.page.mouse.up()
    await expect(ghost).to_have_count(0)


async def test_g8_a_drag_over_taken_time_is_red_and_says_why(
    browser: Browser, start_node: StartNode, scene: Scene
) -> None:
    node = await start_node(now=NOW)
    dana = await FrontDesk.open(browser, node.address, "dana@example.com")
    bay = scene.venue.bays[0]
    await dana.book(bay, scene.rows[24], scene.rows[25], "First Come")
    await expect(dana.cards("First Come")).to_have_attribute("data-state", "confirmed")
    await dana.press_and_move(dana.cell(bay, scene.rows[22]), dana.cell(bay, scene.rows[24]))
    draft = dana.page.get_by_test_id("draft")
    await expect(draft).to_have_attribute("data-verdict", "refused")
    await expect(dana.page.get_by_test_id("verdict")).to_contain_text("taken")
    await dana.page.keyboard.press("Escape")
    await dana.page.mouse.up()


async def test_p3_two_nodes_show_each_others_changes_with_redis_and_after_it_was_killed(
    browser: Browser, start_node: StartNode, scene: Scene, node_logs: Path
) -> None:
    valkey = EmbeddedValkey(node_logs / "valkey")
    await valkey.start()
    try:
        one = await start_node(now=NOW, redis_url=valkey.url)
        two = await start_node(now=NOW, redis_url=valkey.url)
        dana = await FrontDesk.open(browser, one.address, "dana@example.com")
        luis = await FrontDesk.open(browser, two.address, "luis@example.com")
        await dana.book(scene.venue.bays[0], scene.rows[22], scene.rows[23], "Across Nodes")
        await expect(luis.cards("Across Nodes")).to_have_count(1)
    finally:
        await valkey.stop()
    await luis.book(scene.venue.bays[1], scene.rows[22], scene.rows[23], "Without Redis")
    await expect(dana.cards("Without Redis")).to_have_count(1)
    await dana.book(scene.venue.bays[2], scene.rows[22], scene.rows[23], "And Back")
    await expect(luis.cards("And Back")).to_have_count(1)


async def test_a_browser_that_lost_its_node_says_so_and_resumes(
    browser: Browser, start_node: StartNode, scene: Scene
) -> None:
    node = await start_node(now=NOW)
    dana = await FrontDesk.open(browser, node.address, "dana@example.com")
    await dana.book(scene.venue.bays[0], scene.rows[22], scene.rows[23], "Still There")
    await expect(dana.cards("Still There")).to_have_attribute("data-state", "confirmed")
    await node.kill()
    await expect(dana.page.get_by_test_id("connection")).not_to_have_attribute("data-link", "live")
    await node.start()
    await dana.be_live()
    await expect(dana.cards("Still There")).to_have_count(1)
    await dana.book(scene.venue.bays[1], scene.rows[22], scene.rows[23], "After That")
    await expect(dana.cards("After That")).to_have_attribute("data-state", "confirmed")


async def test_a_booking_is_edited_and_cancelled_in_the_panel(
    browser: Browser, start_node: StartNode, scene: Scene
) -> None:
    node = await start_node(now=NOW)
    dana = await FrontDesk.open(browser, node.address, "dana@example.com")
    luis = await FrontDesk.open(browser, node.address, "luis@example.com")
    await dana.book(scene.venue.bays[0], scene.rows[30], scene.rows[31], "Pat Panel")
    await expect(dana.cards("Pat Panel")).to_have_attribute("data-state", "confirmed")
    await dana.cards("Pat Panel").click()
    panel = dana.page.get_by_test_id("panel")
    await panel.locator("[name=note]").fill("left-handed")
    await panel.get_by_test_id("save").click()
    await expect(luis.cards("Pat Panel")).to_have_count(1)
    await panel.get_by_test_id("cancel-booking").click()
    await dana.page.get_by_test_id("confirm-cancel").click()
    await expect(luis.cards("Pat Panel")).to_have_count(0)
    [row] = await scene.town.fetch("SELECT status, note FROM bookings")
    assert (row["status"], row["note"]) == ("cancelled", "left-handed")


async def test_a_note_that_is_being_written_survives_a_colleagues_move(
    browser: Browser, start_node: StartNode, scene: Scene
) -> None:
    node = await start_node(now=NOW)
    dana = await FrontDesk.open(browser, node.address, "dana@example.com")
    luis = await FrontDesk.open(browser, node.address, "luis@example.com")
    await dana.book(scene.venue.bays[0], scene.rows[30], scene.rows[31], "Nora Note")
    await expect(luis.cards("Nora Note")).to_have_attribute("data-state", "confirmed")
    await dana.cards("Nora Note").click()
    panel = dana.page.get_by_test_id("panel")
    await panel.locator("[name=note]").fill("brings a guest")
    await luis.drag(luis.cards("Nora Note"), luis.cell(scene.venue.bays[2], scene.rows[34]))
    await expect(panel.locator("[name=resource]")).to_have_value(str(scene.venue.bays[2]))
    await panel.get_by_test_id("save").click()
    await expect(dana.page.get_by_test_id("toast").filter(has_text="saved")).to_have_count(1)
    [row] = await scene.town.fetch("SELECT resource_id, note FROM bookings")
    assert (row["resource_id"], row["note"]) == (scene.venue.bays[2], "brings a guest")
    await dana.page.get_by_label("Sign out").click()
    await expect(dana.page.locator("input[type=password]")).to_be_visible()
    await expect(dana.page.get_by_role("alert")).to_have_count(0)


@pytest.mark.parametrize(
    ("zone", "date", "now", "rows"),
    [
        ("America/New_York", "2027-03-14", "2027-03-14T05:30:00Z", 46),
        ("America/New_York", "2027-11-07", "2027-11-07T05:30:00Z", 50),
        ("Australia/Lord_Howe", "2027-10-03", "2027-10-02T14:00:00Z", 47),
        ("Australia/Lord_Howe", "2027-04-04", "2027-04-03T14:00:00Z", 49),
        ("Africa/Cairo", "2027-04-30", "2027-04-29T22:30:00Z", 46),
        ("Africa/Cairo", "2027-10-28", "2027-10-27T22:00:00Z", 50),
    ],
)
async def test_t2_the_day_the_clocks_change_has_its_rows_on_the_screen(
    browser: Browser, start_node: StartNode, database_url: str, zone: str, date: str, now: str, rows: int
) -> None:
    town = Town(database_url)
    passwords = Passwords()
    venue = await town.venue(bays=2, timezone=zone)
    await town.person("Dana", "staff", [venue], password_hash=await passwords.hash(PASSWORD))
    passwords.close()
    node = await start_node(now=now)
    dana = await FrontDesk.open(browser, node.address, "dana@example.com", height=2000)
    await expect(dana.page.get_by_test_id("day")).to_have_attribute("data-date", date)
    await expect(dana.page.locator(f'[data-resource-id="{venue.bays[0]}"][data-row-start]')).to_have_count(
        rows
    )
