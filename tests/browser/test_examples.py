"""One click on an example: its tab, its picture and its settings are there, and a result comes."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.driving import fetch, open_page
from tests.serving import Server
from ui.examples import EXAMPLES
from ui.tabs import find_tab

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.id)
def test_one_click_shows_the_tab_and_makes_a_picture(page: Page, server: Server, example) -> None:
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    open_page(page, server)
    before = page.get_attribute(".op-stage img", "src")
    page.click(f"#op_example_{example.id}")
    page.wait_for_function(
        "before => { const now = document.querySelector('.op-stage img')?.getAttribute('src');"
        " return now && now !== before; }",
        arg=before,
        timeout=180_000,
    )
    page.wait_for_selector("#img2img_generate", state="visible", timeout=180_000)
    tab = find_tab(example.tab)
    expect(page.locator(f"#{tab.elem_id}")).to_be_visible()
    expect(page.locator("#img2img_prompt textarea")).to_have_value(example.prompt)
    expect(page.locator("#img2img_seed input")).to_have_value(str(example.settings["seed"]))
    made = fetch(page, page.get_attribute(".op-stage img", "src") or "")
    assert made.size == (256, 256)
    assert example.prompt in made.info["parameters"]
    assert f"Denoising strength: {example.settings['denoise']}" in made.info["parameters"]
    assert errors == []
