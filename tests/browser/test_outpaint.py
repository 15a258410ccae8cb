"""Outpainting as a resize mode on the page: the anchors, what is said, and the picture kept."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.driving import (
    PROMPT,
    choose_picture,
    fetch,
    generate,
    open_page,
    set_number,
    write_prompt,
)
from tests.serving import Server

pytestmark = pytest.mark.browser


def test_a_photograph_grows_and_stays_as_it_is(page: Page, server: Server, tmp_path: Path) -> None:
    from skimage import data

    pixels = data.astronaut()[0:200, 100:300]
    path = tmp_path / "crop.png"
    Image.fromarray(pixels).save(path)
    open_page(page, server)
    choose_picture(page, path)
    write_prompt(page, PROMPT)
    blur = page.locator("#img2img_mask_blur")
    expect(blur).to_be_hidden()
    page.get_by_role("radio", name="Outpaint", exact=True).check()
    page.get_by_role("radio", name="Bottom right", exact=True).check()
    expect(blur).to_be_visible()
    expect(page.locator("#img2img_mask_mode")).to_be_hidden()
    page.get_by_role("radio", name="fill", exact=True).check()
    set_number(page, "img2img_mask_blur", 0)
    set_number(page, "img2img_steps", 4)
    set_number(page, "img2img_width", 192)
    expect(page.locator("#outpaint_line")).to_contain_text("choose at least 200x256")
    set_number(page, "img2img_width", 256)
    expect(page.locator("#outpaint_line")).to_contain_text("The picture keeps its size, 200x200")
    made = np.asarray(fetch(page, generate(page)).convert("RGB"))
    assert made.shape == (256, 256, 3)
    assert (made[56:, 56:] == pixels).all()
    page.get_by_role("radio", name="Just resize", exact=True).check()
    expect(blur).to_be_hidden()
    expect(page.locator("#outpaint_anchor")).to_be_hidden()
