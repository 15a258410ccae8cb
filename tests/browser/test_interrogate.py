"""Interrogators on the page: the buttons beside Generate and the panel, with a tiny tagger."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.driving import choose_picture, open_page, write_prompt
from tests.interrogate.networks import tiny_tagger, write_pt
from tests.serving import Server, serve

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def tagging_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose tagger finds everything; half of BLIP was copied."""
    folder = tmp_path_factory.mktemp("tagging")
    write_pt(folder / "weights" / "deepbooru" / "model-resnet_custom_v3.pt", tiny_tagger())
    half = folder / "weights" / "BLIP" / "half"
    half.mkdir(parents=True)
    (half / "config.json").write_text('{"model_type": "blip"}')
    (half / "model.safetensors").touch()
    with serve(folder) as running:
        running.post_json("/sdapi/v1/options", {"interrogate_deepbooru_score_threshold": 0.0})
        yield running


@pytest.fixture
def tab(browser: Browser, tagging_server: Server, photograph: Path) -> Iterator[Page]:
    """The page with a picture."""
    context = browser.new_context(viewport={"width": 1440, "height": 1000})
    page = context.new_page()
    open_page(page, tagging_server)
    choose_picture(page, photograph)
    yield page
    context.close()


TAGS = r"1girl, back\\slash, long hair, sky, smile \(face\)"


def test_the_button_writes_tags_into_the_prompt(tab: Page) -> None:
    tab.click("#img2img_deepbooru")
    expect(tab.locator("#img2img_prompt textarea")).to_have_value(TAGS, timeout=180_000)


def test_half_a_model_is_said_and_the_prompt_stays(tab: Page) -> None:
    write_prompt(tab, "my own words")
    tab.click("#img2img_interrogate")
    warning = tab.locator(".toast-wrap")
    expect(warning).to_contain_text("half has no tokenizer", timeout=180_000)
    assert tab.input_value("#img2img_prompt textarea") == "my own words"


def test_ticked_tags_are_appended(tab: Page) -> None:
    write_prompt(tab, "my own words")
    tab.click("#img2img_interrogate_panel button >> nth=0")
    expect(tab.locator("#interrogate_who")).to_contain_text("WD14 tagger (not available)")
    tab.click("#interrogate_describe")
    parts = tab.locator("#interrogate_parts")
    expect(parts).to_contain_text("long hair", timeout=180_000)
    expect(tab.locator("#interrogate_results h4")).to_have_text("DeepBooru")
    parts.get_by_text("long hair").click()
    parts.get_by_text("sky").click()
    tab.click("#interrogate_append")
    prompt = tab.locator("#img2img_prompt textarea")
    expect(prompt).to_have_value("my own words, long hair, sky")
