"""The full-page viewer by keys and pointer, and the settings about it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.driving import fetch, open_page, set_number
from tests.serving import Server

pytestmark = pytest.mark.browser

GALLERY = "#txt2img_gallery"
VIEWER = f"{GALLERY} .op-viewer"


@pytest.fixture
def settings(server: Server) -> Iterator[Any]:
    """Sets settings of the server; they are as before when the test is over."""
    before = server.get_json("/sdapi/v1/options")
    changed: dict[str, Any] = {}

    def change(**values: Any) -> None:
        changed.update({key: before[key] for key in values})
        server.post_json("/sdapi/v1/options", values)

    yield change
    server.post_json("/sdapi/v1/options", changed)


def text_page(page: Page, server: Server, *, steps: int, count: int) -> None:
    open_page(page, server)
    page.click("#tab_txt2img-button")
    page.wait_for_selector("#txt2img_generate", state="visible")
    set_number(page, "txt2img_steps", steps)
    set_number(page, "txt2img_batch_count", count)


def with_pictures(page: Page, server: Server, count: int) -> Locator:
    """The viewer of a page that has made so many pictures."""
    text_page(page, server, steps=2, count=count)
    page.click("#txt2img_generate")
    expect(page.locator(f"{GALLERY} .op-thumb")).to_have_count(max(1, count))
    page.wait_for_selector(f"{GALLERY} .op-stage img[src]")
    page.wait_for_selector("#txt2img_generate", state="visible")
    return page.locator(VIEWER)


def place(page: Page) -> Locator:
    return page.locator(f"{VIEWER} .op-viewer-place")


def picture(page: Page) -> Locator:
    return page.locator(f"{VIEWER} .op-viewer-stage img")


def act(page: Page, name: str) -> Locator:
    return page.locator(f"{VIEWER} [data-do={name}]")


def test_pictures_are_walked_through_by_keys_and_buttons(page: Page, server: Server) -> None:
    viewer = with_pictures(page, server, 3)
    page.click(f"{GALLERY} .op-stage")
    expect(viewer).to_be_visible()
    seen = [picture(page).get_attribute("src")]
    for key, said in (("ArrowRight", "2 / 3"), ("ArrowRight", "3 / 3"), ("ArrowRight", "1 / 3")):
        page.keyboard.press(key)
        expect(place(page)).to_contain_text(f"{said} · 256×256")
        seen.append(picture(page).get_attribute("src"))
    assert len(set(seen)) == 3
    assert seen[0] == seen[3]
    page.keyboard.press("ArrowLeft")
    expect(place(page)).to_contain_text("3 / 3")
    act(page, "next").click()
    expect(place(page)).to_contain_text("1 / 3")
    act(page, "previous").click()
    act(page, "previous").click()
    expect(place(page)).to_contain_text("2 / 3")
    page.keyboard.press("Escape")
    expect(viewer).to_be_hidden()
    expect(page.locator(f"{GALLERY} .op-caption")).to_contain_text("2 / 3")
    expect(page.locator(f"{GALLERY} .op-stage")).to_be_focused()


def test_zoom_tiles_and_download(page: Page, server: Server) -> None:
    viewer = with_pictures(page, server, 2)
    page.keyboard.press("Tab")
    page.click(f"{GALLERY} .op-stage")
    wide = picture(page).bounding_box()
    expect(act(page, "zoom")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("z")
    expect(act(page, "zoom")).to_have_attribute("aria-pressed", "false")
    narrow = picture(page).bounding_box()
    assert wide is not None
    assert narrow is not None
    assert (wide["width"], wide["height"]) == (1440, 1000)
    assert (narrow["width"], narrow["height"]) == (256, 256)
    act(page, "tile").click()
    expect(picture(page)).to_be_hidden()
    stage = page.locator(f"{VIEWER} .op-viewer-stage")
    assert (picture(page).get_attribute("src") or "-") in stage.evaluate(
        "node => getComputedStyle(node).backgroundImage"
    )
    page.keyboard.press("t")
    expect(picture(page)).to_be_visible()
    with page.expect_download() as caught:
        page.keyboard.press("s")
    with page.expect_download() as again:
        act(page, "save").click()
    assert caught.value.suggested_filename == again.value.suggested_filename
    expected = fetch(page, picture(page).get_attribute("src") or "")
    assert caught.value.path().stat().st_size > 1000
    assert expected.size == (256, 256)
    stage.click(position={"x": 20, "y": 300})
    expect(viewer).to_be_hidden()


def test_all_its_buttons_are_named_and_reached_by_tab(page: Page, server: Server) -> None:
    with_pictures(page, server, 2)
    page.click(f"{GALLERY} .op-stage")
    names = page.eval_on_selector_all(
        f"{VIEWER} button", "all => all.map(one => one.getAttribute('aria-label'))"
    )
    assert names == [
        "Fill the window (Z)",
        "Show as tiles (T)",
        "Show live previews here (L)",
        "Download (S)",
        "Close (Esc)",
        "Previous picture (Left)",
        "Next picture (Right)",
    ]
    act(page, "zoom").focus()
    for name in ("tile", "live", "save", "close"):
        page.keyboard.press("Tab")
        expect(act(page, name)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(VIEWER)).to_be_hidden()


def test_the_middle_button_opens_a_tab(page: Page, server: Server) -> None:
    with_pictures(page, server, 2)
    address = page.get_attribute(f"{GALLERY} .op-stage img", "src")
    with page.context.expect_page() as opened:
        page.click(f"{GALLERY} .op-stage", button="middle")
    opened.value.wait_for_url(f"**{address}")


def test_it_can_open_unzoomed_or_not_at_all(page: Page, server: Server, settings: Any) -> None:
    settings(js_modal_lightbox_initially_zoomed=False)
    viewer = with_pictures(page, server, 2)
    page.click(f"{GALLERY} .op-stage")
    expect(act(page, "zoom")).to_have_attribute("aria-pressed", "false")
    settings(js_modal_lightbox=False)
    open_page(page, server)
    page.click("#tab_txt2img-button")
    page.wait_for_selector("html.op-no-viewer")
    page.wait_for_selector(f"{GALLERY} .op-stage img[src]")
    page.click(f"{GALLERY} .op-stage")
    page.keyboard.press("ArrowRight")
    expect(page.locator(f"{GALLERY} .op-caption")).to_contain_text("2 / 2")
    expect(viewer).to_be_hidden()


def test_a_running_job_is_seen_in_it(page: Page, server: Server, settings: Any) -> None:
    settings(js_live_preview_in_modal_lightbox=True, live_previews_image_format="webp")
    text_page(page, server, steps=150, count=1)
    page.click("#txt2img_generate")
    page.wait_for_selector("#html_log_txt2img .op-active img[src]")
    page.click(f"{GALLERY} .op-stage")
    expect(act(page, "live")).to_have_attribute("aria-pressed", "true")
    expect(place(page)).to_have_text("Live preview")
    assert (picture(page).get_attribute("src") or "").startswith("data:image/webp;base64,")
    page.keyboard.press("Escape")
    expect(page.locator(VIEWER)).to_be_hidden()
    page.keyboard.press("Escape")
    page.wait_for_selector("#txt2img_generate", state="visible")
    page.click(f"{GALLERY} .op-stage")
    expect(place(page)).to_contain_text("1 / 1")
