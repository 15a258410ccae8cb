"""Generate forever: the menu by mouse and keyboard, the loop, and what ends it."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.driving import open_page, set_number
from tests.serving import Server

pytestmark = pytest.mark.browser

MENU = "#context-menu"


def choose(page: Page, tab: str, text: str) -> None:
    """By the right mouse button on whatever of Generate and Interrupt is there."""
    page.locator(f"#{tab}_generate_box button").first.click(button="right")
    page.click(f"{MENU} button:text-is('{text}')")
    expect(page.locator(MENU)).to_have_count(0)


def next_picture(page: Page, before: str) -> str:
    page.wait_for_function(
        "before => { const now = document.querySelector('#txt2img_gallery .op-stage img')"
        "?.getAttribute('src'); return now && now !== before; }",
        arg=before,
    )
    return page.get_attribute("#txt2img_gallery .op-stage img", "src") or ""


def test_it_generates_until_it_is_cancelled(page: Page, server: Server) -> None:
    open_page(page, server)
    page.click("#tab_txt2img-button")
    page.wait_for_selector("#txt2img_generate", state="visible")
    set_number(page, "txt2img_steps", 2)
    choose(page, "txt2img", "Generate forever")
    expect(page.locator("#txt2img_generate.op-forever")).to_have_count(1)
    seen = ""
    for _ in range(3):
        seen = next_picture(page, seen)
    page.click("#tab_img2img-button")
    page.wait_for_selector("#img2img_generate", state="visible")
    seen = next_picture(page, seen)
    page.click("#tab_txt2img-button")
    choose(page, "txt2img", "Cancel generate forever")
    expect(page.locator("#txt2img_generate.op-forever")).to_have_count(0)
    page.wait_for_selector("#txt2img_interrupt", state="detached")
    page.wait_for_selector("#txt2img_interrupting", state="detached")
    assert server.get_json("/internal/pending-tasks")["size"] == 0


def test_it_ends_with_an_error(page: Page, server: Server) -> None:
    open_page(page, server)
    choose(page, "img2img", "Generate forever")
    expect(page.locator("#html_log_img2img")).to_contain_text("There is no picture to paint over")
    expect(page.locator("#img2img_generate.op-forever")).to_have_count(0)
    choose(page, "img2img", "Generate forever")
    expect(page.locator("#img2img_generate.op-forever")).to_have_count(0)


def test_the_menu_by_keys(page: Page, server: Server) -> None:
    open_page(page, server)
    generate = page.locator("#img2img_generate")
    generate.focus()
    page.keyboard.press("Shift+F10")
    expect(page.locator(f"{MENU} [role=menuitem]:enabled")).to_be_focused()
    expect(page.locator(f"{MENU} [role=menuitem]:disabled")).to_have_text("Cancel generate forever")
    page.keyboard.press("Escape")
    expect(page.locator(MENU)).to_have_count(0)
    generate.click(button="right")
    expect(page.locator(MENU)).to_be_visible()
    page.mouse.click(20, 700)
    expect(page.locator(MENU)).to_have_count(0)
