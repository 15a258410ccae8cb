"""Drawing with mouse, touch, pen and keys: what is drawn is exactly what is sent."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from tests.browser.canvas import Canvas, open_canvas, pen, touch
from tests.browser.conftest import FLAGS
from tests.browser.driving import open_page
from tests.serving import Server

pytestmark = pytest.mark.browser


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Grey gradients of several sizes, named by their width."""
    folder = tmp_path_factory.mktemp("gradients")
    for width, height in ((512, 512), (1024, 768), (2048, 1536), (4096, 3072)):
        row = np.linspace(0, 255, width).astype(np.uint8)
        Image.fromarray(np.tile(row, (height, 1))).convert("RGB").save(folder / f"{width}.png")
    return folder


@pytest.mark.parametrize("zoomed", [False, True], ids=["fitted", "zoomed and panned"])
@pytest.mark.parametrize("width", [512, 1024, 2048, 4096])
def test_drawn_rectangle_is_the_masks_box(
    page: Page, server: Server, pictures: Path, width: int, zoomed: bool
) -> None:
    canvas = open_canvas(page, server, "inpaint", pictures / f"{width}.png")
    step = width // 64
    box = (step * 20, step * 12, step * 33, step * 29)
    if zoomed:
        page.mouse.move(*canvas.at(box[0], box[1]))
        page.keyboard.down("Alt")
        page.mouse.wheel(0, -100)
        page.mouse.wheel(0, -100)
        page.keyboard.up("Alt")
        page.keyboard.down("f")
        page.mouse.move(*canvas.at(box[0] - step, box[1] - step))
        page.keyboard.up("f")
    canvas.tool("rectangle")
    canvas.drag((box[0], box[1]), (box[2], box[3]))
    mask = canvas.drawing()
    assert mask is not None
    assert mask.shape == (width * (1 if width == 512 else 0.75), width)
    assert canvas.box() == box
    assert (mask[box[1] : box[3], box[0] : box[2]] == 255).all()
    assert np.count_nonzero(mask) == (box[2] - box[0]) * (box[3] - box[1])


def test_brush_is_round_sharp_and_does_not_add_up(
    page: Page, server: Server, pictures: Path
) -> None:
    canvas = open_canvas(page, server, "inpaint", pictures / "512.png")
    canvas.set("opacity", "50")
    canvas.drag((150, 200), (350, 200), (150, 200))
    mask = canvas.drawing()
    assert mask is not None
    assert mask[200, 250] == 128
    assert set(np.unique(mask[:, 250])) <= {*range(129)}
    rows = np.flatnonzero(mask[:, 250])
    diameter = rows[-1] - rows[0] + 1
    assert abs(diameter - 512 / 12) <= 2
    assert mask.max() == 128


def test_soft_brush_falls_off(page: Page, server: Server, pictures: Path) -> None:
    canvas = open_canvas(page, server, "inpaint", pictures / "512.png")
    canvas.set("hardness", "0")
    canvas.drag((150, 200), (350, 200))
    mask = canvas.drawing()
    assert mask is not None
    below = mask[200:225, 250].astype(int)
    assert below[0] > 250
    assert (np.diff(below) <= 0).all()
    assert 90 < below[10] < 160


def test_undo_redo_and_clear_by_buttons_and_keys(
    page: Page, server: Server, pictures: Path
) -> None:
    canvas = open_canvas(page, server, "inpaint", pictures / "512.png")
    canvas.tool("rectangle")
    canvas.drag((10, 10), (50, 60))
    canvas.drag((100, 100), (200, 180))
    assert canvas.box() == (10, 10, 200, 180)
    canvas.act("undo")
    assert canvas.box() == (10, 10, 50, 60)
    page.mouse.move(*canvas.at(300, 300))
    page.keyboard.press("Control+z")
    assert canvas.box() is None
    page.keyboard.press("Control+y")
    page.keyboard.press("Control+y")
    assert canvas.box() == (10, 10, 200, 180)
    canvas.act("clear")
    assert canvas.box() is None
    canvas.act("undo")
    assert canvas.box() == (10, 10, 200, 180)


def test_shapes_eraser_and_alt(page: Page, server: Server, pictures: Path) -> None:
    canvas = open_canvas(page, server, "inpaint", pictures / "512.png")
    canvas.tool("ellipse")
    canvas.drag((100, 100), (300, 200))
    mask = canvas.drawing()
    assert mask is not None
    assert canvas.box() == (100, 100, 300, 200)
    assert abs(np.count_nonzero(mask > 127) - np.pi * 100 * 50) < 150
    canvas.tool("rectangle")
    page.keyboard.down("Alt")
    canvas.drag((100, 100), (300, 200))
    page.keyboard.up("Alt")
    assert canvas.box() is None
    canvas.tool("lasso")
    canvas.drag((50, 50), (250, 50), (50, 250))
    mask = canvas.drawing()
    assert mask is not None
    assert mask[100, 100] == 255
    assert mask[240, 240] == 0
    assert abs(np.count_nonzero(mask > 127) - 200 * 200 / 2) < 400
    canvas.tool("eraser")
    canvas.drag((0, 60), (511, 60))
    mask = canvas.drawing()
    assert mask is not None
    assert (mask[60] == 0).all()


def test_fill_stops_at_like_colours_and_at_what_is_painted(
    page: Page, server: Server, tmp_path: Path
) -> None:
    picture = np.full((256, 256, 3), 255, np.uint8)
    picture[64:192, 64:192] = (200, 0, 0)
    Image.fromarray(picture).save(tmp_path / "square.png")
    canvas = open_canvas(page, server, "inpaint", tmp_path / "square.png")
    canvas.tool("fill")
    page.mouse.click(*canvas.at(100, 100))
    assert canvas.box() == (64, 64, 192, 192)
    canvas.act("invert")
    mask = canvas.drawing()
    assert mask is not None
    assert mask[100, 100] == 0
    assert mask[10, 10] == 255


def test_mask_by_keyboard_and_numbers(page: Page, server: Server, pictures: Path) -> None:
    """A rectangle in numbers, grown, shrunk, inverted; OpenCV agrees on every pixel."""
    canvas = open_canvas(page, server, "inpaint", pictures / "512.png")
    page.focus(f"{canvas.root} .opc-numbers summary")
    page.keyboard.press("Enter")
    for name, value in (("x", 40), ("y", 60), ("width", 100), ("height", 30)):
        page.fill(f"{canvas.root} [data-box={name}]", str(value))
    page.focus(f"{canvas.root} [data-act=add-rectangle]")
    page.keyboard.press("Enter")
    assert canvas.box() == (40, 60, 140, 90)
    expect(page.locator(f"{canvas.root} .opc-status")).to_have_text(
        "512 × 512, painted: 100 × 30 from 40, 60 (1.1 %)"
    )
    page.fill(f"{canvas.root} [data-set=amount]", "7")
    before = canvas.drawing()
    canvas.act("grow")
    grown = canvas.drawing()
    assert before is not None
    assert grown is not None
    assert (grown == cv2.dilate(before, np.ones((15, 15), np.uint8))).all()
    canvas.act("shrink")
    canvas.act("shrink")
    assert canvas.box() == (47, 67, 133, 83)
    canvas.act("feather")
    soft = canvas.drawing()
    assert soft is not None
    assert 60 < soft[67, 90] < 200
    canvas.act("invert")
    inverted = canvas.drawing()
    assert inverted is not None
    assert (inverted == 255 - soft).all()


def test_two_fingers_zoom_and_one_paints(browser: Browser, server: Server, pictures: Path) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True)
    page = context.new_page()
    canvas = open_canvas(page, server, "inpaint", pictures / "512.png")
    session = context.new_cdp_session(page)
    middle = canvas.at(256, 256)
    width = canvas.at(512, 0)[0] - canvas.at(0, 0)[0]

    def pair(gap: float) -> tuple[tuple[float, float], tuple[float, float]]:
        return (middle[0] - gap, middle[1]), (middle[0] + gap, middle[1])

    touch(session, "touchStart", pair(30)[0])
    touch(session, "touchStart", *pair(30))
    for gap in (40, 50, 60):
        touch(session, "touchMove", *pair(gap))
    touch(session, "touchEnd")
    zoomed = canvas.at(512, 0)[0] - canvas.at(0, 0)[0]
    assert zoomed == pytest.approx(2 * width, rel=0.05)
    assert canvas.box() is None, "a pinch paints nothing"
    start, end = canvas.at(220, 256), canvas.at(290, 256)
    touch(session, "touchStart", start)
    touch(session, "touchMove", ((start[0] + end[0]) / 2, start[1]))
    touch(session, "touchMove", end)
    touch(session, "touchEnd")
    box = canvas.box()
    assert box is not None
    radius = 512 / 24
    assert box == pytest.approx((220 - radius, 256 - radius, 290 + radius, 256 + radius), abs=2)
    assert page.evaluate("document.scrollingElement.scrollLeft") == 0
    context.close()


def test_pen_pressure_makes_the_stroke_wider(page: Page, server: Server, pictures: Path) -> None:
    canvas = open_canvas(page, server, "inpaint", pictures / "512.png")
    session = page.context.new_cdp_session(page)
    pen(session, "mouseMoved", canvas.at(100, 250), 0)
    pen(session, "mousePressed", canvas.at(100, 250), 0.2)
    for x, force in ((200, 0.4), (300, 0.7), (400, 1.0)):
        pen(session, "mouseMoved", canvas.at(x, 250), force)
    pen(session, "mouseReleased", canvas.at(400, 250), 0)
    mask = canvas.drawing()
    assert mask is not None
    widths = [np.count_nonzero(mask[:, x] > 127) for x in (110, 250, 390)]
    assert widths[0] < widths[1] < widths[2]
    assert widths[2] == pytest.approx(512 / 12, abs=3)


def test_colours_picker_and_opacity(page: Page, server: Server, pictures: Path) -> None:
    canvas = open_canvas(page, server, "sketch", pictures / "512.png")
    canvas.set("colour", "#1040c0")
    canvas.tool("rectangle")
    canvas.drag((0, 0), (100, 100))
    drawing = canvas.drawing()
    assert drawing is not None
    assert tuple(drawing[50, 50]) == (0x10, 0x40, 0xC0, 255)
    assert not drawing[200:, 200:].any()
    canvas.tool("picker")
    page.mouse.click(*canvas.at(400, 300))
    grey = round(np.linspace(0, 255, 512)[400] - 0.5)
    picked = page.eval_on_selector(f"{canvas.root} [data-set=colour]", "node => node.value")
    assert abs(int(picked[1:3], 16) - grey) <= 1
    assert picked[1:3] == picked[3:5] == picked[5:7]
    expect(page.locator(f"{canvas.root} [data-tool=brush]")).to_have_attribute(
        "aria-pressed", "true"
    )


def test_blank_canvas_of_a_chosen_colour_and_size(page: Page, server: Server) -> None:
    open_page(page, server)
    canvas = Canvas(page, "sketch").show()
    if page.locator(f"{canvas.root} .opc:not(.opc-empty)").count():
        canvas.act("remove")
    page.fill(f"{canvas.root} [data-blank=width]", "320")
    page.fill(f"{canvas.root} [data-blank=height]", "192")
    canvas.act("blank")
    expect(page.locator(f"{canvas.root} .opc-status")).to_have_text("320 × 192")


def test_phone_photographs_stand_upright(page: Page, server: Server, tmp_path: Path) -> None:
    picture = Image.new("RGB", (600, 400), "navy")
    exif = picture.getexif()
    exif[0x0112] = 6
    picture.save(tmp_path / "phone.jpg", exif=exif)
    canvas = open_canvas(page, server, "inpaint", tmp_path / "phone.jpg")
    expect(page.locator(f"{canvas.root} .opc-status")).to_have_text("400 × 600")
    mask = canvas.drawing()
    assert mask is not None
    assert mask.shape == (600, 400)


def test_paste_goes_into_the_visible_canvas(page: Page, server: Server) -> None:
    open_page(page, server)
    canvas = Canvas(page, "inpaint").show()
    if page.locator(f"{canvas.root} .opc:not(.opc-empty)").count():
        canvas.act("remove")
    page.evaluate(
        """async () => {
          const canvas = new OffscreenCanvas(96, 64);
          canvas.getContext('2d').fillRect(0, 0, 9, 9);
          const blob = await canvas.convertToBlob({type: 'image/png'});
          const transfer = new DataTransfer();
          transfer.items.add(new File([blob], 'clip.png', {type: 'image/png'}));
          document.dispatchEvent(new ClipboardEvent('paste', {clipboardData: transfer}));
        }"""
    )
    expect(page.locator(f"{canvas.root} .opc-status")).to_have_text("96 × 64")


def test_keys_stay_with_the_prompt_while_typing(page: Page, server: Server, pictures: Path) -> None:
    canvas = open_canvas(page, server, "inpaint", pictures / "512.png")
    page.mouse.move(*canvas.at(100, 100))
    page.focus("#img2img_prompt textarea")
    page.keyboard.type("soft brows, few")
    expect(page.locator("#img2img_prompt textarea")).to_have_value("soft brows, few")
    assert page.locator(".opc-full").count() == 0
    page.keyboard.press("Tab")
    page.locator(f"{canvas.root} .opc-viewport").focus()
    page.keyboard.press("s")
    assert page.locator(".opc-full").count() == 1
    page.keyboard.press("Escape")
    assert page.locator(".opc-full").count() == 0


def test_works_without_webgl(server: Server, browser: Browser, pictures: Path) -> None:
    flags = (*FLAGS, "--disable-3d-apis", "--disable-accelerated-2d-canvas")
    path = browser.browser_type.executable_path
    import os
    import shutil

    path = os.environ.get("OVERPAINT_BROWSER") or shutil.which("chromium") or path
    bare = browser.browser_type.launch(executable_path=path, args=list(flags))
    page = bare.new_page(viewport={"width": 1200, "height": 900})
    canvas = open_canvas(page, server, "inpaint", pictures / "1024.png")
    assert page.evaluate("document.createElement('canvas').getContext('webgl')") is None
    canvas.tool("rectangle")
    canvas.drag((100, 200), (600, 500))
    assert canvas.box() == (100, 200, 600, 500)
    bare.close()
