"""What a person does with a result: look at it beside its input, open it again, add regions."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.canvas import Canvas, open_canvas
from tests.browser.driving import fetch, generate, open_page, set_number, write_prompt
from tests.browser.keeping import eventually, forgotten, regions
from tests.serving import Server

pytestmark = pytest.mark.browser

BOX = (150, 20, 310, 150)
EXACT = re.compile(r"^0 of \d+ pixels outside the mask changed$")


def only_masked(page: Page) -> None:
    page.click("#img2img_inpaint_full_res label:has-text('Only masked')")


def painted(page: Page, server: Server, photograph: Path) -> Canvas:
    """The Inpaint tab with a photograph, a rectangle over the face, and few steps."""
    canvas = open_canvas(page, server, "inpaint", photograph)
    draw(canvas, BOX)
    set_number(page, "img2img_steps", 5)
    only_masked(page)
    return canvas


def draw(canvas: Canvas, box: tuple[int, int, int, int]) -> None:
    canvas.page.locator(f"{canvas.root} .opc-viewport").scroll_into_view_if_needed()
    canvas.tool("rectangle")
    canvas.drag((box[0], box[1]), (box[2], box[3]))


CUT_OFF = "all => all.filter(one => one.scrollWidth > one.clientWidth).map(one => one.innerText)"
"""Which of some buttons do not show their whole text."""


def test_a_result_is_seen_beside_its_input(page: Page, server: Server, photograph: Path) -> None:
    painted(page, server, photograph)
    address = generate(page)
    expect(page.locator(".op-proof").first).to_have_text(EXACT)
    expect(page.locator("#img2img_gallery .op-seam")).to_contain_text("Seam: ")
    assert page.eval_on_selector_all("#img2img_gallery [data-view]", CUT_OFF) == []
    page.click("#img2img_gallery [data-view=compare]")
    before = page.get_attribute("#img2img_gallery .op-before", "src") or ""
    original = Image.open(photograph).convert("RGB")
    assert fetch(page, before).convert("RGB").tobytes() == original.tobytes()
    slider = page.locator("#img2img_gallery .op-compare input")
    slider.focus()
    page.keyboard.press("ArrowRight")
    expect(slider).to_have_value("51")
    box = page.locator("#img2img_gallery .op-compare-frame").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] * 0.25, box["y"] + box["height"] / 2)
    expect(slider).to_have_value("25")
    page.click("#img2img_gallery [data-view=difference]")
    seen = page.get_attribute("#img2img_gallery .op-stage img", "src") or ""
    difference = np.asarray(fetch(page, seen))
    assert seen != address
    assert not difference[300:].any()
    assert difference[60:120, 190:270].mean() > 20


def test_a_result_is_opened_with_mask_and_settings(
    page: Page, server: Server, photograph: Path
) -> None:
    painted(page, server, photograph)
    write_prompt(page, "portrait of a girl with pink hair")
    set_number(page, "img2img_mask_blur", 7)
    first = fetch(page, generate(page)).convert("RGB")
    page.click("#img2maskimg [data-act=remove]")
    forgotten("inpaint", server)
    open_page(page, server)
    page.click("#img2img_open_result")
    expect(page.locator("#img2img_mask_blur input[type=number]").first).to_have_value("7")
    expect(page.locator("#img2img_steps input[type=number]").first).to_have_value("5")
    canvas = Canvas(page, "inpaint")
    page.wait_for_selector(f"{canvas.root} .opc:not(.opc-empty)")
    assert canvas.box() == BOX
    assert fetch(page, generate(page)).convert("RGB").tobytes() == first.tobytes()


def test_regions_are_painted_in_order_and_one_again_alone(
    page: Page, server: Server, photograph: Path
) -> None:
    canvas = painted(page, server, photograph)
    page.click("#img2img_regions button")
    rows = page.locator(".op-regions li")
    page.click("#img2img_region_add")
    expect(rows).to_have_count(1)
    draw(canvas, (60, 300, 200, 420))
    page.click("#img2img_region_add")
    expect(rows).to_have_count(2)
    rows.nth(0).locator("textarea").fill("pink hair")
    before = ran(page, "#img2img_region_run")
    expect(page.locator("#img2img_gallery .op-proof")).to_have_text(EXACT)
    expect(page.locator("#img2img_gallery .op-caption")).to_contain_text("1 / 2")
    after = ran(page, ".op-regions li:nth-child(2) [data-act=alone]")
    changed = (after != before).any(axis=2)
    box = Image.fromarray(changed).getbbox()
    assert box is not None
    assert (box[0] >= 48, box[1] >= 288, box[2] <= 212, box[3] <= 432) == (True,) * 4
    eventually(
        lambda: [one.get("prompt") for one in regions(server)][:1] == ["pink hair"],
        "the regions are kept",
    )
    open_page(page, server)
    page.click("#img2img_inpaint_tab-button")
    page.click("#img2img_regions button")
    expect(rows).to_have_count(2)
    expect(rows.nth(0).locator("textarea")).to_have_value("pink hair")


def ran(page: Page, button: str) -> np.ndarray:
    """Press a button that makes a picture, and wait for it."""
    before = page.get_attribute("#img2img_gallery .op-stage img", "src")
    page.click(button)
    page.wait_for_function(
        "before => { const now = document.querySelector('#img2img_gallery .op-stage img')"
        "?.getAttribute('src'); return now && now !== before; }",
        arg=before,
        timeout=180_000,
    )
    address = page.get_attribute("#img2img_gallery .op-stage img", "src") or ""
    return np.asarray(fetch(page, address).convert("RGB"))
