"""The browser of extra networks: search, write a tag at the cursor, take it out, paint with it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from PIL import Image
from playwright.sync_api import Page, expect
from safetensors.torch import save_file

from tests.browser.driving import choose_picture, generate, open_page, set_number
from tests.models.extra_networks.make import both_sides, write_lora
from tests.serving import Server

pytestmark = pytest.mark.browser

PROMPT = "#img2img_prompt textarea"
NEGATIVE = "#img2img_neg_prompt textarea"


@pytest.fixture
def weights(server: Server) -> Iterator[Path]:
    root = server.folder / "weights"
    write_lora(root / "Lora" / "style" / "test-paint.safetensors", both_sides(size=0.6))
    write_lora(root / "Lora" / "test-ink.safetensors")
    Image.new("RGB", (64, 64), "teal").save(root / "Lora" / "test-ink.preview.png")
    (root / "embeddings").mkdir(exist_ok=True)
    save_file({"emb_params": torch.ones(1, 96)}, root / "embeddings" / "test-word.safetensors")
    yield root
    for path in root.rglob("test-*"):
        path.unlink()


def open_browser(page: Page, server: Server) -> None:
    open_page(page, server)
    page.click("#img2img_extra_networks button.label-wrap")
    expect(card(page, "test-ink")).to_be_visible()


def card(page: Page, name: str):
    return page.locator("#img2img_networks .op-network-card", has_text=name)


def show(page: Page, kind: str) -> None:
    page.click(f"#img2img_networks [data-kind={kind}]")


def test_a_click_writes_the_tag_at_the_cursor_and_a_second_one_removes_it(
    page: Page, server: Server, weights: Path, photograph: Path
) -> None:
    open_browser(page, server)
    page.fill(PROMPT, "a cat, a dog")
    page.locator(PROMPT).evaluate("area => area.setSelectionRange(5, 5)")
    card(page, "test-paint").click()
    expect(page.locator(PROMPT)).to_have_value("a cat <lora:test-paint:1>, a dog")
    expect(card(page, "test-paint")).to_have_attribute("aria-pressed", "true")
    page.fill(PROMPT, "a cat <lora:test-paint:0.5:1>, a dog")
    card(page, "test-paint").click()
    expect(page.locator(PROMPT)).to_have_value("a cat, a dog")
    expect(card(page, "test-paint")).to_have_attribute("aria-pressed", "false")
    card(page, "test-paint").click()
    choose_picture(page, photograph)
    set_number(page, "img2img_steps", 4)
    generate(page)
    expect(page.locator("#html_info_img2img")).to_contain_text('Lora hashes: "test-paint:')


def test_search_previews_and_embeddings_in_the_negative_prompt(
    page: Page, server: Server, weights: Path
) -> None:
    open_browser(page, server)
    page.fill("#img2img_networks input[type=search]", "style pai")
    expect(card(page, "test-ink")).to_have_count(0)
    expect(card(page, "test-paint")).to_be_visible()
    page.fill("#img2img_networks input[type=search]", "")
    picture = card(page, "test-ink").locator("img")
    expect(picture).to_be_visible()
    page.wait_for_function("image => image.naturalWidth === 64", arg=picture.element_handle())
    show(page, "embedding")
    page.fill(NEGATIVE, "blurry")
    card(page, "test-word").click()
    expect(page.locator(NEGATIVE)).to_have_value("blurry, test-word")
    card(page, "test-word").click()
    expect(page.locator(NEGATIVE)).to_have_value("blurry")


def test_a_click_selects_a_checkpoint(page: Page, server: Server, weights: Path) -> None:
    open_browser(page, server)
    show(page, "checkpoint")
    builtin = card(page, "overpaint-tiny").last  # its inpainting variant comes before
    expect(builtin).to_contain_text("selected")
    builtin.click()
    title = re.compile(r"overpaint-tiny( \[[0-9a-f]{10}\])?")  # once it is known, with its hash
    expect(page.locator("#setting_sd_model_checkpoint input")).to_have_value(title)
