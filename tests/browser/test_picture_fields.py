"""Picture fields that work like the canvases: drop anywhere, aspect ratio, kept pictures."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.driving import choose_picture, open_page
from tests.browser.keeping import eventually, of_tab
from tests.serving import Server

pytestmark = pytest.mark.browser

DROP = """async (goal) => {
  const canvas = new OffscreenCanvas(96, 64);
  canvas.getContext('2d').fillRect(0, 0, 9, 9);
  const blob = await canvas.convertToBlob({type: 'image/png'});
  const transfer = new DataTransfer();
  transfer.items.add(new File([blob], 'dropped.png', {type: 'image/png'}));
  const taken = ['dragover', 'drop'].map((kind) => {
    const event = new DragEvent(kind, {dataTransfer: transfer, bubbles: true, cancelable: true});
    document.querySelector(goal).dispatchEvent(event);
    return event.defaultPrevented;
  });
  return taken;
}"""

SLIDE = """(width) => {
  const input = document.querySelector('#img2img_width input[type=number]');
  input.value = width;
  input.dispatchEvent(new Event('input', {bubbles: true}));
}"""


def status(page: Page, field: str, text: str) -> None:
    expect(page.locator(f"#{field} .opc-status")).to_have_text(text)


def test_a_picture_dropped_anywhere_on_the_tab_is_its_picture(page: Page, server: Server) -> None:
    open_page(page, server)
    page.wait_for_selector("#img2img_image .opc[data-ready]")
    assert page.evaluate(DROP, "#img2img_results") == [True, True]
    status(page, "img2img_image", "96 × 64")
    page.click("#img2img_image [data-act=remove]")
    status(page, "img2img_image", "")
    page.evaluate(DROP, "#img2img_prompt textarea")  # which reads its infotext instead
    page.wait_for_timeout(500)
    status(page, "img2img_image", "")


def test_the_aspect_ratio_shows_while_the_size_is_moved(
    page: Page, server: Server, photograph: Path
) -> None:
    open_page(page, server)
    choose_picture(page, photograph)
    page.evaluate(SLIDE, 512)
    rect = page.wait_for_selector("#imageARPreview")
    width, height = (float(rect.get_attribute(name) or 0) for name in ("width", "height"))
    target = int(page.input_value("#img2img_height input[type=number]"))
    assert width / height == pytest.approx(512 / target, rel=0.01)
    page.wait_for_selector("#imageARPreview", state="detached")


def test_pictures_of_fields_survive_a_reload_upright(
    page: Page, server: Server, tmp_path: Path
) -> None:
    phone = Image.new("RGB", (60, 40), "navy")
    exif = phone.getexif()
    exif[0x0112] = 6
    phone.save(tmp_path / "phone.jpg", exif=exif)
    Image.new("L", (32, 24), 255).save(tmp_path / "mask.png")
    open_page(page, server)
    choose_picture(page, tmp_path / "phone.jpg")
    status(page, "img2img_image", "40 × 60")
    page.click("#img2img_inpaint_upload_tab-button")
    choose_picture(page, tmp_path / "phone.jpg", "img_inpaint_base")
    choose_picture(page, tmp_path / "mask.png", "img_inpaint_mask")
    fields = ("img2img", "inpaint_upload", "inpaint_upload_mask")
    eventually(lambda: all(of_tab(server, field) for field in fields), "the fields are kept")
    open_page(page, server)
    status(page, "img2img_image", "40 × 60")
    page.click("#img2img_inpaint_upload_tab-button")
    status(page, "img_inpaint_base", "40 × 60")
    status(page, "img_inpaint_mask", "32 × 24")
