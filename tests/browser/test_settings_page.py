"""The settings page and the styles editor in a real browser."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from pipelines.styles import Style, read_styles
from tests.browser.driving import open_page, write_prompt
from tests.serving import Server

pytestmark = pytest.mark.browser


def open_settings(page: Page, server: Server) -> None:
    open_page(page, server)
    page.click("#tabs button[role=tab]:has-text('Settings')")
    page.wait_for_selector("#setting_samples_format", state="visible")


def search(page: Page, words: str) -> None:
    page.fill("#settings_search", words)
    page.wait_for_timeout(250)


def test_settings_are_found_checked_saved_and_reset(page: Page, server: Server) -> None:
    open_settings(page, server)
    search(page, "churn infotext")
    expect(page.locator("#setting_samples_format")).to_be_hidden()
    churn = page.locator("#setting_s_churn")
    expect(churn).to_be_visible()
    churn.fill("200")
    page.click("#settings_submit")
    expect(page.locator(".op-set-problem:not(:empty)")).to_contain_text("at most 100")
    assert server.get_json("/sdapi/v1/options")["s_churn"] == 0
    churn.fill("3")
    page.click("#settings_submit")
    expect(page.locator("#settings_result")).to_have_text("1 setting(s) saved.")
    assert server.get_json("/sdapi/v1/options")["s_churn"] == 3
    open_settings(page, server)
    expect(page.locator("#setting_s_churn")).to_have_value("3")
    page.click(".op-set-row:has(#setting_s_churn) .op-set-reset")
    expect(page.locator("#setting_s_churn")).to_have_value("0")
    page.click("#settings_submit")
    expect(page.locator("#settings_result")).to_have_text("1 setting(s) saved.")
    assert server.get_json("/sdapi/v1/options")["s_churn"] == 0


def test_settings_without_effect_are_shown_on_demand(page: Page, server: Server) -> None:
    open_settings(page, server)
    expect(page.locator("#setting_fp8_storage")).to_be_hidden()
    page.check(".op-set-toggle:has-text('without effect') input")
    expect(page.locator("#setting_fp8_storage")).to_be_visible()


def test_a_style_is_made_chosen_and_applied(page: Page, server: Server) -> None:
    open_page(page, server)
    page.click("#img2img_styles_edit_button")
    page.fill("#img2img_styles_edit_select input", "film")
    page.keyboard.press("Enter")
    page.fill("#img2img_edit_style_prompt textarea", "35mm film of {prompt}")
    page.fill("#img2img_edit_style_neg_prompt textarea", "digital")
    page.click("#img2img_edit_style_save")
    expect(page.locator("#img2img_styles_note")).to_contain_text("The style film is saved.")
    file = server.folder / "data" / "styles.csv"
    assert read_styles(file) == (Style("film", "35mm film of {prompt}", "digital"),)
    page.keyboard.press("Escape")
    expect(page.locator("#img2img_styles_dialog")).to_be_hidden()
    write_prompt(page, "a cat")
    page.click("#img2img_styles input")
    page.click("[role=option]:has-text('film')")
    page.keyboard.press("Escape")
    page.click("#img2img_style_apply")
    expect(page.locator("#img2img_prompt textarea")).to_have_value("35mm film of a cat")
    expect(page.locator("#img2img_neg_prompt textarea")).to_have_value("digital")
    page.click("#img2img_styles_edit_button")
    page.click("#img2img_styles_edit_select input")
    page.click("[role=option]:has-text('film')")
    page.click("#img2img_edit_style_delete")
    expect(page.locator("#img2img_styles_note")).to_contain_text("is deleted")
    assert read_styles(file) == ()
