"""Weights and order of prompt parts by keys (ui 14.2): the rules, and the keys on the page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.driving import open_page
from tests.serving import Server

pytestmark = pytest.mark.browser
MODULE = Path(__file__).parents[2] / "ui" / "static" / "attention.js"
STEPS = {"attention": 0.1, "network": 0.05}
DELIMITERS = r".,\/!?%^*;:{}=`~() []<>"


@pytest.fixture(scope="module")
def rules(browser: Browser) -> Iterator[Page]:
    page = browser.new_page()
    page.add_script_tag(content=MODULE.read_text(encoding="utf-8").replace("export ", ""))
    yield page
    page.close()


def parted(marked: str) -> tuple[str, int, int]:
    """A text with its selection between bars, or one bar for the cursor."""
    start = marked.index("|")
    end = marked.rindex("|")
    text = marked.replace("|", "")
    return text, start, end - 1 if end != start else start


def shown(text: str, change: dict[str, Any] | None) -> str | None:
    if change is None:
        return None
    made = text[: change["from"]] + change["text"] + text[change["to"] :]
    start, end = change["start"], change["end"]
    if start == end:
        return f"{made[:start]}|{made[start:]}"
    return f"{made[:start]}|{made[start:end]}|{made[end:]}"


@pytest.mark.parametrize(
    ("before", "up", "after"),
    [
        pytest.param("a c|at sits", True, "a (c|at:1.1) sits", id="word"),
        pytest.param("a c|at sits", False, "a (c|at:0.9) sits", id="word down"),
        pytest.param("a |red cat| sits", True, "a (|red cat|:1.1) sits", id="selection"),
        pytest.param("a | red cat | sits", True, "a  (|red cat|:1.1)  sits", id="blanks stay out"),
        pytest.param("a (|red cat|:1.1) sits", True, "a (|red cat|:1.2) sits", id="again"),
        pytest.param("a |(red cat:1.1)| sits", True, "a (|red cat|:1.2) sits", id="whole block"),
        pytest.param("a (red c|at:1.2)", True, "a (red c|at:1.3)", id="cursor in a block"),
        pytest.param("a (c|at:1.1)", False, "a c|at", id="weight 1 has no brackets"),
        pytest.param("a (c|at)", True, "a (c|at:1.2)", id="bare brackets are 1.1"),
        pytest.param("a ((c|at))", True, "a (c|at:1.31)", id="double brackets are 1.21"),
        pytest.param("a [c|at]", True, "a (c|at:1.0091)", id="square brackets are 1 / 1.1"),
        pytest.param("a [dog:c|at:0.5]", True, "a [dog:(c|at:1.1):0.5]", id="editing stays"),
        pytest.param("a \\(c|at\\)", True, "a \\((c|at:1.1)\\)", id="escaped brackets are text"),
        pytest.param("(a:1.1), c|at", True, "(a:1.1), (c|at:1.1)", id="beside a block"),
        pytest.param("(a (b|c:1.2) d)", True, "(a (b|c:1.3) d)", id="the innermost block"),
        pytest.param("(x:0.1|)", False, "(x|:0)", id="down to 0"),
        pytest.param("x <lora:hat:|1>", True, "x <lora:hat:|1.05>", id="network"),
        pytest.param("x <lora:h|at:0.8>", False, "x <lora:h|at:0.75>", id="network by its name"),
        pytest.param("x <lora:h|at>", True, "x <lora:h|at:1.05>", id="network without a weight"),
        pytest.param("a | b", True, None, id="nothing there"),
    ],
)
def test_weights(rules: Page, before: str, up: bool, after: str | None) -> None:
    text, start, end = parted(before)
    change = rules.evaluate(
        "([text, start, end, up, steps, ends]) => editAttention(text, start, end, up, steps, ends)",
        [text, start, end, up, STEPS, DELIMITERS],
    )
    assert shown(text, change) == after


@pytest.mark.parametrize(
    ("before", "left", "after"),
    [
        pytest.param("one, t|wo, three", True, "|two|, one, three", id="left"),
        pytest.param("one, t|wo, three", False, "one, three, |two|", id="right"),
        pytest.param("a, b|, c|, d", True, "|b, c|, a, d", id="several"),
        pytest.param("(a, b:1.2), |c", True, "|c|, (a, b:1.2)", id="commas in brackets"),
        pytest.param("o|ne, two", True, None, id="at the start"),
        pytest.param("one, tw|o", False, None, id="at the end"),
    ],
)
def test_moving_parts(rules: Page, before: str, left: bool, after: str | None) -> None:
    text, start, end = parted(before)
    change = rules.evaluate(
        "([text, start, end, left]) => movePart(text, start, end, left)", [text, start, end, left]
    )
    assert shown(text, change) == after


def test_keys_on_the_page(page: Page, server: Server) -> None:
    open_page(page, server)
    box = page.locator("#img2img_prompt textarea")
    box.fill("a red cat")
    for key in ("Control+ArrowUp", "Control+ArrowUp", "Control+ArrowDown"):
        box.press(key)
    expect(box).to_have_value("a red (cat:1.1)")
    box.press("Control+z")
    expect(box).to_have_value("a red (cat:1.2)")
    box.fill("one, two")
    box.press("Alt+ArrowLeft")
    expect(box).to_have_value("two, one")
    page.click("#img2img_styles_edit_button")
    expect(page.locator("#img2img_styles_dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#img2img_styles_dialog")).to_be_hidden()
