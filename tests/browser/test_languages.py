"""The page in other languages: how texts are found, and what a browser of that language sees."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.driving import open_page
from tests.serving import Server

pytestmark = pytest.mark.browser
MODULE = Path(__file__).parents[2] / "ui" / "static" / "translate.js"
CATALOGUE = {
    "Generate": "生成",
    "Step {step}/{steps}": "ステップ {step}/{steps}",
    "{count} picture(s) in {seconds:.1f} s": "{count} 枚、{seconds:.1f} 秒",
    "interrupted": "中断しました",
    "The VAE {vae} is not here; {current} is used.": "{vae} はないので {current} を使います。",
    "{done} of {count} files": "{count} 中 {done}",
    "Batch {state}: {more}.": "一括 {state}：{more}。",
    "running": "実行中",
    "{seconds:.1f} s": "{seconds:.1f} 秒",
}


@pytest.fixture(scope="module")
def rules(browser: Browser) -> Iterator[Page]:
    page = browser.new_page()
    source = MODULE.read_text(encoding="utf-8").replace("export ", "")
    source = source.replace("import.meta.url", "location.href")  # a script is no module
    source = "\n".join(line for line in source.splitlines() if not line.startswith("import "))
    page.add_script_tag(content=source)
    yield page
    page.close()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("Generate", "生成", id="whole text"),
        pytest.param("  Generate ", "  生成 ", id="outer blanks stay"),
        pytest.param("Step 3/20", "ステップ 3/20", id="values"),
        pytest.param("2 picture(s) in 1.5 s", "2 枚、1.5 秒", id="format of a value"),
        pytest.param(
            "The VAE a.pt is not here; None is used.",
            "a.pt はないので None を使います。",
            id="names",
        ),
        pytest.param("Batch running: 1 of 3 files.", "一括 実行中：3 中 1。", id="texts as values"),
        pytest.param("43%  Step 3/20", "43%  ステップ 3/20", id="pieces by two blanks"),
        pytest.param("2 picture(s) in 1.5 s, interrupted", None, id="pieces by commas"),
        pytest.param("Generate a cat", "Generate a cat", id="what users write"),
        pytest.param("512", "512", id="numbers"),
        pytest.param("a: b", "a: b", id="nothing but a colon"),
    ],
)
def test_translation(rules: Page, text: str, expected: str | None) -> None:
    made = rules.evaluate("([texts, text]) => translator(texts)(text)", [CATALOGUE, text])
    assert made == (expected or "2 枚、1.5 秒, 中断しました")


@pytest.mark.parametrize(
    ("chosen", "browser_languages", "language"),
    [
        ("None", ["ja-JP", "en"], "ja"),
        ("None", ["zh-CN"], "zh-Hans"),
        ("None", ["de-DE", "en-GB"], "en"),
        ("None", ["de-DE"], "en"),
        ("English", ["ja-JP"], "en"),
        ("简体中文", ["ja-JP"], "zh-Hans"),
        ("日本語", ["en"], "ja"),
    ],
)
def test_language(rules: Page, chosen: str, browser_languages: list[str], language: str) -> None:
    made = rules.evaluate(
        "([chosen, browser]) => wantedLanguage(chosen, browser)", [chosen, browser_languages]
    )
    assert made == language


def test_the_page_follows_the_browser_and_then_the_setting(
    browser: Browser, server: Server
) -> None:
    context = browser.new_context(locale="ja-JP", viewport={"width": 1440, "height": 1000})
    page = context.new_page()
    page.goto(server.url)
    expect(page.locator("#img2img_generate")).to_have_text("生成", timeout=120_000)
    expect(page.locator("#img2img_steps")).to_contain_text("サンプリングステップ数")
    expect(page.locator("#img2img_prompt textarea")).to_have_attribute(
        "placeholder", "プロンプト（Ctrl+Enter で生成、Alt+Enter でスキップ、Esc で中断）"
    )
    expect(page.locator("#img2img_steps_line")).to_contain_text("20 ステップのうち 16")
    expect(page.locator("html")).to_have_attribute("lang", "ja")
    page.locator("#tabs > .tab-wrapper button[role=tab]").last.click()
    page.fill("#settings_search", "言語")
    page.select_option("#setting_localization", "English")
    page.click("#settings_submit")
    expect(page.locator("#img2img_generate, #settings_submit").last).to_have_text("Apply settings")
    server.post_json("/sdapi/v1/options", {"localization": "None"})
    context.close()


def test_english_browsers_see_english(page: Page, server: Server) -> None:
    open_page(page, server)
    expect(page.locator("#img2img_generate")).to_have_text("Generate")
