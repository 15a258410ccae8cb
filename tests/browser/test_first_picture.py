"""The path everything hangs on: a photograph in, a repainted picture out, in a real browser."""

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import Page, expect

from tests.browser.driving import (
    PROMPT,
    choose_picture,
    distance,
    fetch,
    generate,
    open_page,
    set_number,
    write_prompt,
)
from tests.serving import Server

pytestmark = pytest.mark.browser


def prepare(page: Page, server: Server, photograph: Path, denoise: float = 0.5) -> None:
    open_page(page, server)
    choose_picture(page, photograph)
    write_prompt(page, PROMPT)
    set_number(page, "img2img_seed", 1234)
    set_number(page, "img2img_denoising_strength", denoise)


def test_page_asks_nobody_outside_and_reports_no_errors(page: Page, server: Server) -> None:
    foreign: list[str] = []
    errors: list[str] = []
    page.on(
        "request",
        lambda request: (
            foreign.append(request.url)
            if not request.url.startswith((server.url, "data:", "blob:"))
            else None
        ),
    )
    page.on("pageerror", lambda error: errors.append(str(error)))
    open_page(page, server)
    page.click("button[role=tab]:has-text('PNG Info')")
    page.wait_for_timeout(500)
    assert (foreign, errors) == ([], [])


def test_defaults_follow_the_builtin_checkpoint(page: Page, server: Server) -> None:
    open_page(page, server)
    for elem_id, value in (
        ("img2img_width", "256"),
        ("img2img_height", "256"),
        ("img2img_cfg_scale", "5"),
        ("img2img_steps", "20"),
        ("img2img_denoising_strength", "0.75"),
        ("img2img_seed", "-1"),
    ):
        expect(page.locator(f"#{elem_id} input[type=number]").first).to_have_value(value)
    expect(page.locator("#op_notice")).to_contain_text("built-in")


def test_distance_to_the_photograph_grows_with_denoising_strength(
    page: Page, server: Server, photograph: Path
) -> None:
    prepare(page, server, photograph)
    distances = []
    for strength in (0.2, 0.5, 0.8):
        set_number(page, "img2img_denoising_strength", strength)
        distances.append(distance(fetch(page, generate(page)), photograph))
    assert distances[0] < distances[1] < distances[2]
    assert distances[2] > 2 * distances[0]


def test_prompt_is_followed(page: Page, server: Server, photograph: Path) -> None:
    """Pink hair on blue at strength 0.9: the upper corners turn blue, whatever they were."""
    prepare(page, server, photograph, denoise=0.9)
    pixels = np.asarray(fetch(page, generate(page)).convert("RGB"), float)
    corner = pixels[:40, -40:].mean(axis=(0, 1))
    assert corner[2] > corner[0] + 20


def test_infotext_makes_the_identical_picture_again(
    page: Page, server: Server, photograph: Path
) -> None:
    prepare(page, server, photograph, denoise=0.6)
    set_number(page, "img2img_steps", 12)
    first = fetch(page, generate(page))
    open_page(page, server)  # everything back to its defaults
    write_prompt(page, first.info["parameters"])
    page.click("#img2img_paste")
    expect(page.locator("#img2img_seed input")).to_have_value("1234")
    expect(page.locator("#img2img_steps input[type=number]").first).to_have_value("12")
    expect(page.locator("#img2img_prompt textarea")).to_have_value(PROMPT)
    choose_picture(page, photograph)
    second = fetch(page, generate(page))
    assert second.info["parameters"] == first.info["parameters"]
    assert second.convert("RGB").tobytes() == first.convert("RGB").tobytes()


def test_png_info_shows_and_sends_parameters(
    page: Page, server: Server, photograph: Path, tmp_path: Path
) -> None:
    prepare(page, server, photograph, denoise=0.3)
    address = generate(page)
    saved = tmp_path / "result.png"
    saved.write_bytes(page.request.get(server.url.rstrip("/") + address).body())
    open_page(page, server)
    page.click("button[role=tab]:has-text('PNG Info')")
    choose_picture(page, saved, "pnginfo_image")
    expect(page.locator("#pnginfo_html")).to_contain_text("Denoising strength: 0.3")
    page.click("#pnginfo_send_to_img2img")
    expect(page.locator("#img2img_image img")).to_be_visible()
    expect(page.locator("#img2img_seed input")).to_have_value("1234")
    expect(page.locator("#img2img_prompt textarea")).to_have_value(PROMPT)


def test_interrupt_ends_the_job_and_the_server_goes_on(
    page: Page, server: Server, photograph: Path
) -> None:
    prepare(page, server, photograph)
    set_number(page, "img2img_steps", 150)
    page.click("#img2img_generate")
    page.wait_for_selector("#img2img_interrupt", state="visible")
    page.wait_for_function("/step/i.test(document.querySelector('.op-bar-text')?.innerText)")
    page.click("#img2img_interrupt")
    page.wait_for_selector("#img2img_generate", state="visible")
    expect(page.locator(".op-message")).to_contain_text("interrupted")
    expect(page.locator(".op-caption")).to_contain_text("not finished")
    set_number(page, "img2img_steps", 5)
    assert fetch(page, generate(page)).size == (256, 256)


def test_closed_tab_finds_its_running_job_again(
    page: Page, server: Server, photograph: Path
) -> None:
    prepare(page, server, photograph)
    set_number(page, "img2img_steps", 120)
    set_number(page, "img2img_batch_count", 20)  # goes on for as long as the second page loads
    page.click("#img2img_generate")
    page.wait_for_function("/step/i.test(document.querySelector('.op-bar-text')?.innerText)")
    context = page.context
    page.close()
    again = context.new_page()
    again.goto(server.url)
    again.click("#img2img_interrupt")  # after the picture in work
    again.click("#img2img_interrupting")  # at once
    again.wait_for_selector("#img2img_generate", state="visible")
    expect(again.locator(".op-infotext")).to_contain_text("Steps: 120")
    third = context.new_page()
    third.goto(server.url)
    expect(third.locator(".op-infotext")).to_contain_text("Steps: 120")


def test_keys_generate_and_interrupt(page: Page, server: Server, photograph: Path) -> None:
    prepare(page, server, photograph)
    set_number(page, "img2img_steps", 150)
    page.focus("#img2img_prompt textarea")
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("#img2img_interrupt", state="visible")
    page.keyboard.press("Escape")
    page.wait_for_selector("#img2img_generate", state="visible")
    expect(page.locator(".op-message")).to_contain_text("interrupted")


def test_small_tools(page: Page, server: Server, photograph: Path) -> None:
    open_page(page, server)
    choose_picture(page, photograph)
    width, height, seed = (
        page.locator(f"#img2img_{name} input[type=number]").first
        for name in ("width", "height", "seed")
    )
    page.click("#img2img_detect_image_size_btn")
    expect(width).to_have_value("512")
    set_number(page, "img2img_width", 320)
    page.click("#img2img_res_switch_btn")
    expect(width).to_have_value("512")
    expect(height).to_have_value("320")
    set_number(page, "img2img_seed", 77)
    page.click("#img2img_random_seed")
    expect(seed).to_have_value("-1")
    set_number(page, "img2img_denoising_strength", 0.4)
    expect(page.locator("#img2img_steps_line")).to_contain_text("Will run 9 of 20 steps")
    page.click("#img2img_tab_resize_by-button")
    expect(page.locator("#img2img_scale_resolution_preview")).to_contain_text("512x512")


def test_inpaint_upload_leaves_the_rest_alone(
    page: Page, server: Server, photograph: Path, tmp_path: Path
) -> None:
    mask = Image.new("L", (512, 512))
    ImageDraw.Draw(mask).rectangle((180, 20, 330, 170), fill=255)
    mask.save(tmp_path / "mask.png")
    open_page(page, server)
    page.click("#img2img_inpaint_upload_tab-button")
    choose_picture(page, photograph, "img_inpaint_base")
    choose_picture(page, tmp_path / "mask.png", "img_inpaint_mask")
    write_prompt(page, "pink hair")
    page.click("#img2img_inpaint_full_res label:has-text('Only masked')")
    result = fetch(page, generate(page)).convert("RGB")
    assert result.size == (512, 512)
    changed = np.asarray(result) != np.asarray(Image.open(photograph).convert("RGB"))
    inside = np.zeros((512, 512), bool)
    inside[20 - 12 : 171 + 12, 180 - 12 : 331 + 12] = True
    assert changed.any(axis=2)[inside].mean() > 0.5
    assert not changed.any(axis=2)[~inside].any()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("truncated.png", "incomplete|damaged|truncated"),
        ("empty.png", "empty"),
        ("bomb.png", "400 ?megapixels|20000x20000|megapixel"),
    ],
)
def test_unusable_pictures_are_refused_with_a_sentence(
    page: Page, server: Server, photograph: Path, tmp_path: Path, name: str, words: str
) -> None:
    path = tmp_path / name
    if name == "truncated.png":
        path.write_bytes(photograph.read_bytes()[:20_000])
    elif name == "empty.png":
        path.write_bytes(b"")
    else:
        Image.new("1", (20_000, 20_000)).save(path)
    open_page(page, server)
    write_prompt(page, PROMPT)
    page.wait_for_selector("#img2img_image .opc[data-ready]")
    page.set_input_files("#img2img_image input[type=file]", path)
    page.click("#img2img_generate")
    expect(page.locator(".op-message")).to_contain_text(re.compile(words, re.IGNORECASE))
    expect(page.locator("#img2img_prompt textarea")).to_have_value(PROMPT)
    expect(page.locator("#img2img_generate")).to_be_visible()


def test_nothing_to_paint_over_is_said(page: Page, server: Server) -> None:
    open_page(page, server)
    page.click("#img2img_generate")
    expect(page.locator(".op-message")).to_contain_text("no picture to paint over")
