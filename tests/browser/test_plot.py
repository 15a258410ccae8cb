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
    expect(page.locator("#xyz_told")).to_contain_text("2 of 2 cells", timeout=180_000)
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


def test_a_cell_is_made_again_and_the_table_sorts(
    page: Page, server: Server, photograph: Path
) -> None:
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    open_plot(page, server, photograph)
    set_values(page, "0.3, 0.9")
    page.click("text=Include Sub Images")
    page.click("#xyz_run")
    expect(page.locator("#xyz_told")).to_contain_text("2 of 2 cells", timeout=180_000)
    expect(page.locator("#xyz_grid img")).to_have_count(3)
    page.reload()
    page.click("#img2img_xyz_plot button.label-wrap")
    cells = page.locator("#xyz_cells td img")
    expect(cells).to_have_count(2)
    before = cells.last.get_attribute("src")
    page.locator("#xyz_cells td").last.hover()
    page.locator("#xyz_cells .op-plot-redo").last.click()
    expect(cells.last).not_to_have_attribute("src", before or "", timeout=180_000)
    expect(page.locator("#xyz_told")).to_contain_text("Plot done: 2 of 2 cells", timeout=180_000)
    heads = page.locator("#xyz_table th button")
    heads.first.click()
    heads.first.click()
    expect(page.locator("#xyz_table tbody tr").first).to_contain_text("0.9")
    assert faults == []


def choose_axis(page: Page, letter: str, label: str) -> None:
    page.click(f"#xyz_{letter}_type input")
    page.get_by_role("option", name=label, exact=True).click()
    expect(page.get_by_role("option")).to_have_count(0)


def test_fill_takes_all_choices_and_swap_turns_the_axes_round(
    page: Page, server: Server, photograph: Path
) -> None:
    open_plot(page, server, photograph)
    choose_axis(page, "x", "Outpaint anchor")
    choose_axis(page, "y", "Steps")
    page.fill("#xyz_y_values textarea, #xyz_y_values input", "4, 5")
    chosen = page.locator("#xyz_x_chosen")
    expect(chosen).to_be_visible()
    page.click("#xyz_x_fill")
    expect(chosen).to_contain_text("bottom right")
    page.click("text=Swap X/Y axes")
    expect(page.locator("#xyz_y_chosen")).to_contain_text("bottom right")
    expect(page.locator("#xyz_x_type input")).to_have_value("Steps")
    expect(page.locator("#xyz_x_values textarea, #xyz_x_values input")).to_have_value("4, 5")
    set_number(page, "img2img_width", 576)
    set_number(page, "img2img_height", 576)
    page.click("#xyz_check")
    expect(page.locator("#xyz_told")).to_contain_text("2 x 9 x 1 = 18 cells")
    set_number(page, "img2img_width", 256)
    page.click("#xyz_check")
    expect(page.locator("#xyz_told")).to_contain_text("choose at least 512x576")
