"""Masks as documents: kept by name, in files, over a restart, and compared with what an infotext
says."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from pipelines.masks import fingerprint
from tests.browser.canvas import Canvas, open_canvas
from tests.browser.driving import choose_picture, generate, open_page, write_prompt
from tests.browser.keeping import eventually, kept
from tests.serving import Server, serve

pytestmark = pytest.mark.browser

BOX = (180, 20, 330, 171)


def paint_box(canvas: Canvas, box: tuple[int, int, int, int] = BOX) -> None:
    canvas.tool("rectangle")
    canvas.drag((box[0], box[1]), (box[2], box[3]))


def open_panel(page: Page) -> None:
    page.click("#img2img_masks > button")
    page.wait_for_selector("#img2img_mask_name input")


def name_mask(page: Page, name: str) -> None:
    field = page.locator("#img2img_mask_name input")
    field.fill(name)
    field.press("Enter")


def draw_and_keep(page: Page, server: Server, picture: Path) -> Canvas:
    """A box on the Inpaint tab, kept as "hair"; the panel stays open."""
    canvas = open_canvas(page, server, "inpaint", picture)
    paint_box(canvas)
    open_panel(page)
    name_mask(page, "hair")
    page.click("#img2img_mask_save")
    expect(page.locator("body")).to_contain_text("The mask is kept as hair")
    return canvas


def shown_now(canvas: Canvas) -> list[list[int]]:
    drawing = canvas.drawing()
    return [] if drawing is None else drawing.tolist()


def teal(folder: Path, width: int, height: int) -> Path:
    path = folder / f"teal-{width}x{height}.png"
    Image.new("RGB", (width, height), "teal").save(path)
    return path


def test_a_kept_mask_is_used_on_a_picture_of_another_size(
    page: Page, server: Server, photograph: Path, tmp_path: Path
) -> None:
    canvas = draw_and_keep(page, server, photograph)
    canvas.choose(teal(tmp_path, 1024, 512))
    assert canvas.box() is None
    page.click("#img2img_mask_load")
    expect(page.locator("body")).to_contain_text("The mask is 512x512 and the picture 1024x512")
    expect(page.locator(f"{canvas.root} [data-act=undo]")).to_be_enabled()
    mask = canvas.drawing()
    assert mask is not None
    assert mask.shape == (512, 1024)
    solid = Image.fromarray(np.where(mask > 127, 255, 0).astype(np.uint8)).getbbox()
    assert solid == (2 * BOX[0], BOX[1], 2 * BOX[2], BOX[3])
    canvas.act("undo")
    assert canvas.box() is None
    page.click("#img2img_mask_delete")
    expect(page.locator("#img2img_mask_name input")).to_have_value("")


def test_a_mask_goes_to_a_file_and_back(
    page: Page, server: Server, photograph: Path, tmp_path: Path
) -> None:
    canvas = open_canvas(page, server, "inpaint", photograph)
    canvas.set("opacity", "60")
    paint_box(canvas)
    drawn = canvas.drawing()
    assert drawn is not None
    open_panel(page)
    name_mask(page, "soft hair")
    with page.expect_download() as download:
        page.click("#img2img_mask_download")
    assert download.value.suggested_filename == "soft hair.png"
    download.value.save_as(tmp_path / "mask.png")
    with Image.open(tmp_path / "mask.png") as file:
        assert file.mode == "L"
        assert (np.asarray(file) == drawn).all()
    canvas.act("clear")
    canvas.set("opacity", "100")
    with page.expect_file_chooser() as chooser:
        page.click("#img2img_mask_upload")
    chooser.value.set_files(tmp_path / "mask.png")
    wanted = drawn.tolist()
    eventually(lambda: shown_now(canvas) == wanted, "the mask of the file is there")


def test_a_restart_loses_neither_canvas_nor_kept_masks(
    browser: Browser, photograph: Path, tmp_path: Path
) -> None:
    context = browser.new_context(viewport={"width": 1440, "height": 1000})
    page = context.new_page()
    with serve(tmp_path, ready=False) as server:
        canvas = open_canvas(page, server, "inpaint", photograph)
        paint_box(canvas)
        open_panel(page)
        name_mask(page, "hair")
        page.click("#img2img_mask_save")
        expect(page.locator("body")).to_contain_text("The mask is kept as hair")
        kept(canvas, server)
        server.kill()
    with serve(tmp_path, ready=False) as server:
        open_page(page, server)
        canvas = Canvas(page, "inpaint").show()
        assert canvas.box() == BOX
        canvas.act("clear")
        open_panel(page)
        page.click("#img2img_mask_name input")
        page.click("#img2img_mask_name ul li:has-text('hair (512x512)')")
        page.click("#img2img_mask_load")
        eventually(lambda: canvas.box() == BOX, "the kept mask is there")
    context.close()


def test_the_used_mask_is_named_in_the_infotext_and_compared(
    page: Page, server: Server, photograph: Path
) -> None:
    canvas = open_canvas(page, server, "inpaint", photograph)
    paint_box(canvas)
    write_prompt(page, "pink hair")
    generate(page)
    mask = Image.new("L", (512, 512))
    mask.paste(255, BOX)
    expect(page.locator("#html_info_img2img")).to_contain_text(f"Mask hash: {fingerprint(mask)}")
    infotext = page.inner_text("#html_info_img2img")
    write_prompt(page, infotext)
    page.click("#img2img_paste")
    expect(page.locator("#img2img_prompt textarea")).to_have_value("pink hair")
    assert page.locator("text=Another mask").count() == 0
    paint_box(canvas, (10, 10, 60, 60))
    write_prompt(page, infotext)
    page.click("#img2img_paste")
    expect(page.locator("body")).to_contain_text(
        f"Another mask: the picture was made with {fingerprint(mask)}"
    )


def test_a_kept_mask_serves_every_tab_with_a_mask_and_the_regions(
    page: Page, server: Server, photograph: Path
) -> None:
    canvas = draw_and_keep(page, server, photograph)
    page.click("#img2img_regions > button")
    page.click("#img2img_region_kept input")
    page.click("#img2img_region_kept ul li:has-text('hair')")
    page.click("#img2img_region_add_kept")
    expect(page.locator("#img2img_region_list li")).to_have_count(1)
    assert canvas.box() == BOX, "only a drawn mask moves into the list"
    page.click("#img2img_copy_inpaint_to_inpaint_sketch")
    sketch = Canvas(page, "inpaint_sketch")
    page.wait_for_selector(f"{sketch.root} .opc:not(.opc-empty)")
    sketch.set("colour", "#00ff80")
    page.click("#img2img_mask_load")
    expect(page.locator(f"{sketch.root} [data-act=undo]")).to_be_enabled()
    painted = sketch.drawing()
    assert painted is not None
    assert sketch.box() == BOX
    assert painted[BOX[1], BOX[0]].tolist() == [0, 255, 128, 255]
    page.click("#img2img_inpaint_upload_tab-button")
    expect(page.locator("#img2img_mask_files")).to_be_hidden()
    choose_picture(page, photograph, "img_inpaint_base")
    page.click("#img2img_mask_load")
    page.wait_for_selector("#img_inpaint_mask .opc:not(.opc-empty)")
    shown = page.get_attribute("#img_inpaint_mask .opc-stage img", "src") or ""
    answer = page.request.get(shown)
    assert Image.open(io.BytesIO(answer.body())).getbbox() == BOX
    page.click("#img2img_img2img_tab-button")
    expect(page.locator("#img2img_mask_panel")).to_be_hidden()
