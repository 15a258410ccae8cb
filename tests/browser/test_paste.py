"""An infotext from elsewhere, pasted: what it names is filled in, what is missing is said."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.driving import open_page, write_prompt
from tests.pipelines.test_infotext_apply import GUIDE
from tests.serving import Server

pytestmark = pytest.mark.browser


def test_a_picture_of_another_machine_fills_the_form(page: Page, server: Server) -> None:
    open_page(page, server)
    write_prompt(page, GUIDE)
    page.click("#img2img_paste")
    said = page.locator(".toast-wrap")
    expect(said).to_contain_text(
        "The checkpoint CounterfeitV30_v30 [cbfba64e66] is not here; overpaint-tiny is used."
    )
    expect(said).to_contain_text("'dongwm-nt' in the negative prompt looks like an embedding")
    expect(page.locator("#img2img_neg_prompt textarea")).to_have_value(
        "dongwm-nt,bad finger, bad body"
    )
    for name, value in (
        ("steps", "20"),
        ("cfg_scale", "8"),
        ("seed", "2345567052"),
        ("width", "512"),
        ("height", "512"),
        ("denoising_strength", "0.65"),
    ):
        field = page.locator(f"#img2img_{name} input[type=number]").first
        expect(field).to_have_value(value)
    expect(page.locator("#img2img_sampling input")).to_have_value("DPM++ 2M")
    expect(page.locator("#img2img_scheduler input")).to_have_value("Automatic")
    expect(page.locator("#img2img_override_settings")).to_contain_text("Clip skip: 2")
