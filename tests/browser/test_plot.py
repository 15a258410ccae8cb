"""The X/Y/Z plot on the page: checked before it runs, cells as they come, grid and table."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.driving import PROMPT, choose_picture, open_page, set_number, write_prompt
from tests.serving import Server

pytestmark = pytest.mark.browser


def open_plot(page: Page, server: Server, photograph: Path) -> None:
    open_page(page, server)
    choose_picture(page, photograph)
    write_prompt(page, PROMPT)
    set_number(page, "img2img_seed", 5)
    set_number(page, "img2img_steps", 4)
    page.click("#img2img_xyz_plot button.label-wrap")
    page.click("#xyz_x_type input")
    page.click("[role=option]:has-text('Denoising')")


def set_values(page: Page, values: str) -> None:
    page.fill("#xyz_x_values textarea, #xyz_x_values input", values)


def test_denoise_plot_of_a_photograph(page: Page, server: Server, photograph: Path) -> None:
    open_plot(page, server, photograph)
    set_values(page, "0.3, 0.9")
    page.click("#xyz_check")
    expect(page.locator("#xyz_told")).to_contain_text("2 cells")
    page.click("#xyz_run")
    expect(page.locator("#xyz_told")).to_contain_text("2 of 2 cells", timeout=60_000)
    expect(page.locator("#xyz_grid img")).to_be_visible()
    expect(page.locator("#xyz_table")).to_contain_text("0.9")


def test_values_that_make_no_cell_are_refused_before_anything_runs(
    page: Page, server: Server, photograph: Path
) -> None:
    open_plot(page, server, photograph)
    set_values(page, "a lot")
    page.click("#xyz_run")
    expect(page.locator("#xyz_told")).to_contain_text("a lot")
    expect(page.locator("#img2img_generate")).to_be_visible()
