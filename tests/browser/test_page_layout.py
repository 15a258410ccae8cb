"""A page that its owner has arranged: tabs, settings at the top, samplers, sizes, gallery."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, Request, expect

from tests.browser.driving import choose_picture, open_page, set_number, write_prompt
from tests.browser.keeping import eventually
from tests.browser.test_page_load import EVENTS
from tests.serving import Server, serve

pytestmark = pytest.mark.browser

TOP = (
    "n_rows",
    "sd_model_checkpoint",
    "samples_filename_pattern",
    "show_progress_type",
    "send_seed",
    "infotext_skip_pasting",
    "outdir_save",
)

SETTINGS = {
    "hidden_tabs": ["Extras", "Train"],
    "ui_tab_order": ["PNG Info", "Settings"],
    "quicksettings_list": [*TOP, "nonsense"],
    "hide_samplers": ["Euler a", "DPM++ 2M"],
    "samplers_in_dropdown": False,
    "dimensions_and_batch_together": False,
    "gallery_height": "210",
    "do_not_show_images": True,
}


@pytest.fixture(scope="module")
def arranged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("arranged")
    (folder / "data").mkdir()
    (folder / "data" / "config.json").write_text(json.dumps(SETTINGS), encoding="utf-8")
    with serve(folder) as running:
        yield running


def kept(server: Server, key: str) -> object:
    return server.get_json("/sdapi/v1/options")[key]


def test_tabs_stand_in_order_and_some_not_at_all(page: Page, arranged: Server) -> None:
    open_page(page, arranged)
    tabs = page.locator("#tabs button[role=tab][id^=tab_]:visible")
    expect(tabs.first).to_be_visible()
    assert tabs.all_inner_texts() == ["PNG Info", "Settings", "txt2img", "img2img"]
    expect(page.locator("#tab_img2img-button")).to_have_attribute("aria-selected", "true")
    expect(page.locator("#img2img_send_to_img2img")).to_be_visible()
    expect(page.locator("#img2img_send_to_extras")).to_have_count(0)


def test_what_is_sent_finds_its_tab_wherever_it_stands(
    page: Page, arranged: Server, tmp_path: Path
) -> None:
    open_page(page, arranged)
    page.click("#tab_pnginfo-button")
    file = tmp_path / "a.txt"
    file.write_text("a hen\nSteps: 7, Sampler: Euler a, CFG scale: 5, Seed: 3, Size: 256x256")
    with page.expect_file_chooser() as chooser:
        page.click("#pnginfo_file")
    chooser.value.set_files(file)
    expect(page.locator("#pnginfo_html")).to_contain_text("a hen")
    page.click("#pnginfo_send_to_txt2img")
    expect(page.locator("#tab_txt2img-button")).to_have_attribute("aria-selected", "true")
    expect(page.locator("#txt2img_steps input[type=number]").first).to_have_value("7")
    expect(page.locator("#txt2img_sampling input:checked")).to_have_value("DPM++ SDE")
    expect(page.locator("body")).to_contain_text("Euler a is not among the choices of this page")


def test_settings_at_the_top_are_kept_for_everybody(page: Page, arranged: Server) -> None:
    asked: list[Request] = []
    page.on("request", lambda request: asked.append(request))  # noqa: PLW0108  no builtins here
    open_page(page, arranged)
    row = page.locator("#quicksettings")
    for key in TOP:
        expect(row.locator(f"#setting_{key}")).to_be_visible()
    expect(row.locator("#setting_sd_vae")).to_be_hidden()
    expect(row.locator("#setting_CLIP_stop_at_last_layers")).to_be_hidden()
    expect(
        row.locator("#setting_outdir_save textarea, #setting_outdir_save input")
    ).to_be_disabled()
    assert 0 < sum("queue/join" in one.url for one in asked) <= EVENTS
    page.fill("#setting_n_rows input[type=number]", "3")
    page.press("#setting_n_rows input[type=number]", "Tab")
    eventually(lambda: kept(arranged, "n_rows") == 3, "a number is kept")
    page.fill("#setting_samples_filename_pattern :is(input, textarea)", "[seed]")
    page.press("#setting_samples_filename_pattern :is(input, textarea)", "Enter")
    eventually(lambda: kept(arranged, "samples_filename_pattern") == "[seed]", "a text is kept")
    page.uncheck("#setting_send_seed input")
    eventually(lambda: kept(arranged, "send_seed") is False, "a switch is kept")
    page.click("#setting_show_progress_type input")
    page.click("[role=option]:has-text('TAESD')")
    eventually(lambda: kept(arranged, "show_progress_type") == "TAESD", "a choice is kept")
    open_page(page, arranged)
    expect(page.locator("#setting_n_rows input[type=number]")).to_have_value("3")
    page.click("#tab_settings-button")
    page.wait_for_selector("#settings_page_n_rows", state="visible")
    page.fill("#settings_page_n_rows", "5")
    page.click("#settings_submit")
    expect(page.locator("#settings_result")).to_have_text("1 setting(s) saved.")
    expect(page.locator("#setting_n_rows input[type=number]")).to_have_value("5")


def test_samplers_are_buttons_without_the_hidden_ones(page: Page, arranged: Server) -> None:
    open_page(page, arranged)
    names = page.eval_on_selector_all(
        "#img2img_sampling input[type=radio]", "all => all.map(one => one.value)"
    )
    assert names[:3] == ["DPM++ SDE", "DPM++ 2M SDE", "DPM++ 2M SDE Heun"]
    assert not {"Euler a", "DPM++ 2M"} & set(names)


def test_batch_stands_below_the_seed(page: Page, arranged: Server) -> None:
    open_page(page, arranged)
    places = {
        name: page.locator(f"#img2img_{name}").bounding_box()
        for name in ("width", "cfg_scale", "seed", "batch_count")
    }
    tops = [box["y"] for box in places.values() if box is not None]
    assert len(tops) == 4
    assert tops == sorted(tops)


def test_results_are_made_and_not_shown(page: Page, arranged: Server, photograph: Path) -> None:
    open_page(page, arranged)
    choose_picture(page, photograph)
    write_prompt(page, "a hen")
    set_number(page, "img2img_steps", 2)
    page.click("#img2img_sampling label:has-text('DDIM CFG++')")
    page.click("#img2img_generate")
    expect(page.locator("#html_log_img2img")).to_contain_text("1 picture(s) in")
    expect(page.locator("#img2img_gallery .op-empty")).to_contain_text("do_not_show_images")
    expect(page.locator("#img2img_gallery .op-stage img")).to_be_hidden()
    box = page.locator("#img2img_gallery .op-stage").bounding_box()
    assert box is not None
    assert box["height"] == 210
    (file,) = (arranged.folder / "outputs").rglob("*.png")
    assert file.name.split("-", 1)[0] == "00000"


def test_the_settings_page_says_what_needs_a_restart(page: Page, arranged: Server) -> None:
    open_page(page, arranged)
    page.click("#tab_settings-button")
    row = page.locator(".op-set-row:has(#setting_hidden_tabs)")
    expect(row).to_contain_text("Takes effect when the server is started again.")
    assert row.locator("label input").evaluate_all("all => all.map(one => one.value)") == [
        "txt2img",
        "img2img",
        "Extras",
        "PNG Info",
    ]
    page.check(".op-set-toggle:has-text('without effect') input")
    gamepad = page.locator(".op-set-row:has(#setting_js_modal_lightbox_gamepad)")
    expect(gamepad).to_contain_text("The viewer knows keys, mouse and touch only.")
