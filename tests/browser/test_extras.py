"""The Extras tab: one picture, a folder, a result sent there, and what is said of mistakes."""

from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.driving import choose_picture, fetch, open_page, set_number
from tests.models.upscaler_nets import compact_shapes, random_weights, write_upscaler
from tests.serving import Server

pytestmark = pytest.mark.browser

LOG = "#html_log_extras .op-message"
RESULT = "#extras_gallery .op-stage img"


def open_extras(page: Page, server: Server) -> None:
    """With one upscaler of a file, `2x-tiny`."""
    weights = random_weights(compact_shapes(scale=2, convs=0))
    write_upscaler(server.folder / "weights" / "ESRGAN" / "2x-tiny.pth", weights)
    open_page(page, server)
    page.get_by_role("tab", name="Extras").click()
    page.wait_for_selector("#extras_generate", state="visible")


def choose(page: Page, elem_id: str, name: str) -> None:
    page.click(f"#{elem_id} input")
    page.get_by_role("option", name=name, exact=True).click()


def small(path: Path, size: tuple[int, int] = (96, 64)) -> Path:
    Image.effect_noise(size, 90).convert("RGB").save(path)
    return path


def test_a_picture_is_enlarged_with_the_upscaler_of_a_file(
    page: Page, server: Server, tmp_path: Path
) -> None:
    open_extras(page, server)
    choose_picture(page, small(tmp_path / "cat.png"), "extras_image")
    set_number(page, "extras_upscaling_resize", 2)
    choose(page, "extras_upscaler_1", "2x-tiny")
    expect(page.locator("#extras_size_line")).to_contain_text("From 96x64 to 192x128")
    page.click("#extras_generate")
    caption = page.locator("#extras_gallery .op-caption")
    expect(caption).to_contain_text("192×128", timeout=180_000)
    expect(page.locator("#html_info_extras")).to_contain_text(
        "Postprocess upscale by: 2, Postprocess upscaler: 2x-tiny"
    )
    address = page.get_attribute(RESULT, "src") or ""
    assert fetch(page, address).size == (192, 128)
    assert list((server.folder / "outputs" / "extras-images").glob("*.png"))
    page.reload()
    page.get_by_role("tab", name="Extras").click()
    expect(page.locator(RESULT)).to_have_attribute("src", address, timeout=180_000)
    page.click("#extras_send_to_img2img")
    expect(page.locator("#img2img_image img")).to_be_visible()


def test_a_folder_goes_where_it_is_told(page: Page, server: Server, tmp_path: Path) -> None:
    small(tmp_path / "a.png")
    small(tmp_path / "b.webp")
    (tmp_path / "c.png").write_text("no picture")
    open_extras(page, server)
    page.get_by_role("tab", name="Batch from Directory").click()
    page.fill("#extras_batch_input_dir textarea, #extras_batch_input_dir input", str(tmp_path))
    target = tmp_path / "out"
    page.fill("#extras_batch_output_dir textarea, #extras_batch_output_dir input", str(target))
    page.get_by_role("tab", name="Scale to").click()
    set_number(page, "extras_upscaling_resize_w", 128)
    set_number(page, "extras_upscaling_resize_h", 128)
    page.click("#extras_generate")
    expect(page.locator(LOG)).to_contain_text("c.png: ", timeout=180_000)
    expect(page.locator("#extras_gallery .op-thumb")).to_have_count(2)
    assert sorted(path.name for path in target.iterdir()) == ["a.png", "b.png"]
    with Image.open(target / "b.png") as made:
        assert made.size == (128, 128)


def test_mistakes_are_said_and_pictures_arrive_from_png_info(
    page: Page, server: Server, tmp_path: Path
) -> None:
    open_extras(page, server)
    page.click("#extras_generate")
    expect(page.locator(LOG)).to_contain_text("There is no picture to enlarge")
    page.get_by_role("tab", name="PNG Info").click()
    choose_picture(page, small(tmp_path / "big.png", (2000, 2000)), "pnginfo_image")
    page.click("#pnginfo_send_to_extras")
    expect(page.locator("#extras_image img")).to_be_visible()
    set_number(page, "extras_upscaling_resize", 8)
    page.click("#extras_generate")
    expect(page.locator(LOG)).to_contain_text("the limit is 64000000: choose a smaller factor")
