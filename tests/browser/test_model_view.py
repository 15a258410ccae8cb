"""What the model sees, on the canvas: the crop box with its handle, the mask as it is used."""

from __future__ import annotations

import base64
import io
import random
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from pipelines import masks
from pipelines.geometry import Bounds, Extent, crop_region
from tests.browser.canvas import Canvas, open_canvas
from tests.browser.driving import open_page, set_number
from tests.serving import Server

pytestmark = pytest.mark.browser

BOX = (200, 120, 280, 200)

CROP = """async (cases) => {
  const sheet = document.querySelector('link[href*="/canvas/canvas.css"]').href;
  const { cropRegion } = await import(sheet.replace('canvas.css', 'crop.js'));
  return cases.map((each) => cropRegion(...each));
}"""


def region(padding: int) -> Bounds:
    mask = Image.new("L", (512, 512))
    mask.paste(255, BOX)
    box = masks.bounding_box(masks.blur(mask, 4, 4))
    assert box is not None
    return crop_region(box, Extent(512, 512), Extent(128, 192), padding)


def prepared(page: Page, server: Server, photograph: Path) -> Canvas:
    canvas = open_canvas(page, server, "inpaint", photograph)
    page.click("#img2img_inpaint_full_res label:has-text('Only masked')")
    set_number(page, "img2img_width", 128)
    set_number(page, "img2img_height", 192)
    canvas.tool("rectangle")
    canvas.drag((BOX[0], BOX[1]), (BOX[2], BOX[3]))
    says(canvas, region(32))
    return canvas


def says(canvas: Canvas, box: Bounds) -> None:
    line = canvas.page.locator(f"{canvas.root} .opc-model")
    expect(line).to_contain_text(f"{box.extent} around the mask", timeout=180_000)


def test_the_handle_changes_the_padding(page: Page, server: Server, photograph: Path) -> None:
    canvas = prepared(page, server, photograph)
    handle = page.locator(f"{canvas.root} .opc-handle")
    expect(handle).to_have_attribute("aria-valuenow", "32")
    before, drawn = region(32), canvas.drawing()
    start = canvas.at(before.x2, before.y2)
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move(*canvas.at(before.x2 + 5, before.y2 + 41), steps=3)
    page.mouse.up()
    expect(handle).to_have_attribute("aria-valuenow", "72")
    field = page.locator("#img2img_inpaint_full_res_padding input[type=number]")
    expect(field).to_have_value("72")
    says(canvas, region(72))
    handle.focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowDown")
    expect(field).to_have_value("64")
    says(canvas, region(64))
    after = canvas.drawing()
    assert drawn is not None
    assert after is not None
    assert (after == drawn).all(), "the handle paints nothing"


def test_the_box_under_the_hand_is_the_servers(page: Page, server: Server) -> None:
    open_page(page, server)
    Canvas(page, "inpaint").show()
    numbers = random.Random(5)
    cases, expected = [], []
    for _ in range(500):
        width, height = numbers.randint(1, 900), numbers.randint(1, 900)
        x, y = numbers.randrange(width), numbers.randrange(height)
        inner = Bounds(x, y, numbers.randint(x + 1, width), numbers.randint(y + 1, height))
        target = Extent(8 * numbers.randint(8, 256), 8 * numbers.randint(8, 256))
        padding = 4 * numbers.randint(0, 64)
        cases.append([inner, [width, height], target, padding])
        expected.append(list(crop_region(inner, Extent(width, height), target, padding)))
    assert page.evaluate(CROP, cases) == expected


def test_the_mask_as_it_is_used(page: Page, server: Server, photograph: Path) -> None:
    canvas = prepared(page, server, photograph)
    view, stage = page.locator(f"{canvas.root} .opc-seen"), f"{canvas.root} .opc-stage"
    expect(view).to_be_hidden()
    page.select_option(f"{canvas.root} [data-set=shown]", "blurred")
    expect(view).to_be_visible()
    expect(page.locator(f"{canvas.root} .opc-layer")).to_be_hidden()
    mask = Image.new("L", (512, 512))
    mask.paste(255, BOX)
    shown = alpha_of(page, canvas)
    assert (shown == np.asarray(masks.blur(mask, 4, 4))).all()
    blurred = view.evaluate("node => node.style.maskImage")
    page.select_option(f"{canvas.root} [data-set=shown]", "grid")
    page.wait_for_function(
        "([root, old]) => document.querySelector(`${root} .opc-seen`).style.maskImage !== old",
        arg=[canvas.root, blurred],
    )
    cells = alpha_of(page, canvas)
    assert cells.shape == (24, 16)
    assert set(np.unique(cells)) == {0, 255}
    page.locator(stage).scroll_into_view_if_needed()
    page.mouse.move(*canvas.at(300, 300))
    page.mouse.down()
    page.mouse.move(*canvas.at(340, 340))
    expect(page.locator(stage)).not_to_have_class("opc-stage opc-sees")
    page.mouse.up()
    expect(view).to_be_visible()
    page.select_option(f"{canvas.root} [data-set=shown]", "")
    expect(view).to_be_hidden()
    expect(page.locator(f"{canvas.root} .opc-layer")).to_be_visible()


def alpha_of(page: Page, canvas: Canvas) -> np.ndarray:
    """The picture of alpha that the page shows."""
    style: str = page.locator(f"{canvas.root} .opc-seen").evaluate("n => n.style.maskImage")
    data = style.split("base64,", 1)[1].rstrip('")')
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).getchannel("A"))
