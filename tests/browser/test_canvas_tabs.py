"""Drawings across tabs, pages, reloads and jobs: none is lost, none is used unseen."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from pipelines import masks
from pipelines.geometry import Bounds, Extent, crop_region
from tests.browser.canvas import Canvas, open_canvas
from tests.browser.driving import (
    choose_picture,
    fetch,
    generate,
    open_page,
    set_number,
    write_prompt,
)
from tests.browser.keeping import forgotten, kept
from tests.serving import Server

pytestmark = pytest.mark.browser

BOX = (180, 20, 330, 171)


def paint_box(canvas: Canvas, box: tuple[int, int, int, int] = BOX) -> None:
    canvas.tool("rectangle")
    canvas.drag((box[0], box[1]), (box[2], box[3]))


def test_each_tab_keeps_its_own_picture_and_drawing(
    page: Page, server: Server, photograph: Path, tmp_path: Path
) -> None:
    Image.new("RGB", (300, 200), "teal").save(tmp_path / "teal.png")
    inpaint = open_canvas(page, server, "inpaint", photograph)
    paint_box(inpaint)
    sketch = Canvas(page, "sketch").show().choose(tmp_path / "teal.png")
    paint_box(sketch, (10, 20, 60, 70))
    inpaint.show()
    assert inpaint.box() == BOX
    sketch.show()
    assert sketch.box() == (10, 20, 60, 70)


def test_drawing_survives_a_reload(page: Page, server: Server, photograph: Path) -> None:
    canvas = open_canvas(page, server, "inpaint", photograph)
    canvas.set("opacity", "60")
    paint_box(canvas)
    before = canvas.drawing()
    kept(canvas, server)
    open_page(page, server)
    canvas.show()
    after = canvas.drawing()
    assert before is not None
    assert after is not None
    assert (after == before).all()
    canvas.act("remove")
    forgotten("inpaint", server)
    open_page(page, server)
    canvas.show()
    expect(page.locator(f"{canvas.root} .opc")).to_have_class("opc opc-empty")


def test_two_pages_are_two_canvases(page: Page, server: Server, photograph: Path) -> None:
    first = open_canvas(page, server, "inpaint", photograph)
    second = open_canvas(page.context.new_page(), server, "inpaint", photograph)
    paint_box(first)
    paint_box(second, (300, 300, 400, 420))
    assert first.box() == BOX
    assert second.box() == (300, 300, 400, 420)


def test_a_new_picture_starts_with_an_empty_mask(
    page: Page, server: Server, photograph: Path, tmp_path: Path
) -> None:
    """No old mask acts unseen on a new picture (users B10)."""
    canvas = open_canvas(page, server, "inpaint", photograph)
    paint_box(canvas)
    kept(canvas, server)
    Image.new("RGB", (512, 256), "teal").save(tmp_path / "teal.png")
    page.set_input_files(f"{canvas.root} input[type=file]", tmp_path / "teal.png")
    expect(page.locator(f"{canvas.root} .opc-status")).to_have_text("512 × 256")
    assert canvas.box() is None


def test_sketch_is_copied_flat_and_inpaint_without_its_mask(
    page: Page, server: Server, photograph: Path
) -> None:
    sketch = open_canvas(page, server, "sketch", photograph)
    sketch.set("colour", "#00ff00")
    paint_box(sketch)
    page.click("#img2img_copy_sketch_to_inpaint")
    inpaint = Canvas(page, "inpaint")
    page.wait_for_selector(f"{inpaint.root} .opc[data-ready]:not(.opc-empty) .opc-viewport")
    assert inpaint.box() is None
    colour = page.evaluate(
        """async () => {
          const image = document.querySelector('#img2maskimg .opc-stage img');
          const canvas = new OffscreenCanvas(512, 512);
          canvas.getContext('2d').drawImage(image, 0, 0);
          return [...canvas.getContext('2d').getImageData(200, 100, 1, 1).data];
        }"""
    )
    assert colour == [0, 255, 0, 255]
    paint_box(inpaint)
    page.click("#img2img_copy_inpaint_to_img2img")
    expect(page.locator("#img2img_image img")).to_be_visible()
    page.wait_for_selector("#inpaint_controls", state="hidden")


def test_sending_from_png_info_opens_a_tab_that_was_never_open(
    page: Page, server: Server, photograph: Path
) -> None:
    open_page(page, server)
    page.click("button[role=tab]:has-text('PNG Info')")
    choose_picture(page, photograph, "pnginfo_image")
    page.click("#pnginfo_send_to_inpaint")
    canvas = Canvas(page, "inpaint")
    page.wait_for_selector(f"{canvas.root} .opc:not(.opc-empty) .opc-viewport")
    expect(page.locator("#inpaint_controls")).to_be_visible()
    expect(page.locator(f"{canvas.root} .opc-status")).to_have_text("512 × 512")
    paint_box(canvas)
    assert canvas.box() == BOX


def test_every_id_exists_once(page: Page, server: Server) -> None:
    open_page(page, server)
    for tab in page.locator("#mode_img2img button[role=tab]").all():
        tab.click()
    page.click("#img2img_subseed_show input")
    page.wait_for_timeout(800)
    twice = page.evaluate(
        """() => {
          const ids = [...document.querySelectorAll('[id]')].map(node => node.id).filter(Boolean);
          return ids.filter((id, i) => ids.indexOf(id) !== i);
        }"""
    )
    assert twice == []


def test_the_box_shown_is_the_box_the_job_uses(
    page: Page, server: Server, photograph: Path
) -> None:
    canvas = open_canvas(page, server, "inpaint", photograph)
    page.click("#img2img_inpaint_full_res label:has-text('Only masked')")
    set_number(page, "img2img_width", 128)
    set_number(page, "img2img_height", 192)
    paint_box(canvas)
    mask = Image.new("L", (512, 512))
    mask.paste(255, BOX)
    box = masks.bounding_box(masks.blur(mask, 4, 4))
    assert box is not None
    region = crop_region(box, Extent(512, 512), Extent(128, 192), 32)
    line = page.locator(f"{canvas.root} .opc-model")
    expect(line).to_contain_text(f"{region.extent} around the mask, at 128x192")
    expect(line).to_contain_text("detail will be lost")
    drawn = page.eval_on_selector(
        f"{canvas.root} .opc-crop",
        "node => ['x', 'y', 'width', 'height'].map(name => Number(node.getAttribute(name)))",
    )
    frame = page.eval_on_selector(
        f"{canvas.root} .opc-viewport",
        "node => { const r = node.getBoundingClientRect();"
        " return [r.left + node.clientLeft, r.top + node.clientTop]; }",
    )
    corners = [
        *canvas.at(region.x1, region.y1),
        canvas.at(region.x2, 0)[0] - canvas.at(region.x1, 0)[0],
        canvas.at(0, region.y2)[1] - canvas.at(0, region.y1)[1],
    ]
    assert drawn == pytest.approx(
        [corners[0] - frame[0], corners[1] - frame[1], *corners[2:]], abs=0.5
    )
    set_number(page, "img2img_inpaint_full_res_padding", 0)
    region = crop_region(Bounds(*box), Extent(512, 512), Extent(128, 192), 0)
    expect(line).to_contain_text(f"{region.extent} around the mask")


def test_inpaint_repaints_what_is_masked_and_nothing_else(
    page: Page, server: Server, photograph: Path
) -> None:
    canvas = open_canvas(page, server, "inpaint", photograph)
    paint_box(canvas)
    write_prompt(page, "pink hair")
    page.click("#img2img_inpaint_full_res label:has-text('Only masked')")
    result = np.asarray(fetch(page, generate(page)).convert("RGB"))
    changed = (result != np.asarray(Image.open(photograph).convert("RGB"))).any(axis=2)
    inside = np.zeros((512, 512), bool)
    inside[BOX[1] - 12 : BOX[3] + 12, BOX[0] - 12 : BOX[2] + 12] = True
    assert changed[inside].mean() > 0.5
    assert not changed[~inside].any()
    expect(page.locator(".op-proof")).to_have_text(
        re.compile(r"^0 of \d+ pixels outside the mask changed$")
    )


def test_colours_of_sketch_and_inpaint_sketch_reach_the_picture(
    page: Page, server: Server, photograph: Path
) -> None:
    sketch = open_canvas(page, server, "sketch", photograph)
    sketch.set("colour", "#0000ff")
    paint_box(sketch)
    set_number(page, "img2img_denoising_strength", 0.1)
    flat = np.asarray(fetch(page, generate(page)).convert("RGB"), float)
    half = slice(BOX[1] // 2 + 8, BOX[3] // 2 - 8), slice(BOX[0] // 2 + 8, BOX[2] // 2 - 8)
    assert flat[half].mean(axis=(0, 1))[2] > flat[half].mean(axis=(0, 1))[0] + 60
    mixed = Canvas(page, "inpaint_sketch").show().choose(photograph)
    expect(page.locator("#img2img_mask_alpha")).to_be_visible()
    mixed.set("colour", "#0000ff")
    paint_box(mixed)
    page.click("#img2img_inpaint_full_res label:has-text('Only masked')")
    result = np.asarray(fetch(page, generate(page)).convert("RGB"))
    inside = result[60:130, 220:290].mean(axis=(0, 1))
    assert inside[2] > inside[0] + 60
    original = np.asarray(Image.open(photograph).convert("RGB"))
    assert (result[220:] == original[220:]).all()


@pytest.mark.parametrize(
    ("name", "words"),
    [("inpaint", "The mask is empty"), ("inpaint_sketch", "Nothing is painted")],
)
def test_empty_drawings_are_said(
    page: Page, server: Server, photograph: Path, name: str, words: str
) -> None:
    open_canvas(page, server, name, photograph)
    page.click("#img2img_generate")
    expect(page.locator(".op-message")).to_contain_text(words)


def test_unchanged_drawings_are_not_sent_again(
    page: Page, server: Server, photograph: Path
) -> None:
    canvas = open_canvas(page, server, "inpaint", photograph)
    paint_box(canvas)
    kept(canvas, server)
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url))
    page.click("#img2img_random_seed")
    set_number(page, "img2img_mask_blur", 6)
    page.click("#img2img_generate")
    page.wait_for_selector("#img2img_interrupt", state="visible")
    assert [url for url in sent if "/upload" in url] == []
    page.wait_for_selector("#img2img_generate", state="visible", timeout=180_000)
