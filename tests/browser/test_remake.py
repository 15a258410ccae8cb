"""PNG Info: a picture of this server is made again, and is the same to the bit."""

import io
from pathlib import Path

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from playwright.sync_api import Page, expect

from tests.browser.driving import (
    PROMPT,
    choose_picture,
    generate,
    open_page,
    set_number,
    write_prompt,
)
from tests.serving import Server

pytestmark = pytest.mark.browser


def make_again(page: Page, path: Path) -> None:
    page.click("button[role=tab]:has-text('PNG Info')")
    choose_picture(page, path, "pnginfo_image")
    expect(page.locator("#pnginfo_html")).to_contain_text("Steps: 20")
    page.click("#pnginfo_remake")
    page.wait_for_selector("#pnginfo_remake_answer .op-verdict", timeout=180_000)


def test_a_picture_is_made_again_bit_equal(
    page: Page, server: Server, photograph: Path, tmp_path: Path
) -> None:
    """The input picture is taken from the server's own list; a changed pixel is found."""
    open_page(page, server)
    choose_picture(page, photograph)
    write_prompt(page, PROMPT)
    set_number(page, "img2img_seed", 77)
    address = generate(page)
    data = page.request.get(page.url.rstrip("/") + address).body()
    path = tmp_path / "made.png"
    path.write_bytes(data)
    make_again(page, path)
    answer = page.locator("#pnginfo_remake_answer")
    expect(answer).to_contain_text("Bit-equal. The same picture: all 65536 pixels")
    expect(answer).to_contain_text("Found in this server's list of jobs")
    page.reload()
    page.wait_for_selector(".op-stage img")
    assert page.get_attribute(".op-stage img", "src") == address

    picture = Image.open(io.BytesIO(data))
    texts = PngInfo()
    texts.add_text("parameters", picture.info["parameters"])
    red, green, blue = picture.getpixel((9, 9))  # type: ignore[misc]
    picture.putpixel((9, 9), (red ^ 4, green, blue))
    picture.save(path, pnginfo=texts)
    make_again(page, path)
    expect(answer).to_contain_text("Not the same. 1 of 65536 pixels")
    expect(answer.locator("img")).to_have_count(3)
