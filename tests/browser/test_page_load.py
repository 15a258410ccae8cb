"""What a load of the page asks of browser and network, and what it reads anew."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, Request, expect

from tests.browser.driving import open_page
from tests.models.test_catalog import fake
from tests.serving import Server

pytestmark = pytest.mark.browser

EVENTS = 12
"""Events of one load: each costs the browser more than the server."""

BYTES = 700_000


def test_a_load_asks_nobody_else_and_little(page: Page, server: Server) -> None:
    asked: list[Request] = []
    sizes: list[int] = []

    def finished(request: Request) -> None:
        sizes.append(request.sizes()["responseBodySize"])

    page.on("request", lambda request: asked.append(request))  # noqa: PLW0108  no builtins here
    page.on("requestfinished", finished)
    open_page(page, server)
    page.wait_for_timeout(3000)
    foreign = [one.url for one in asked if not one.url.startswith((server.url, "data:", "blob:"))]
    assert foreign == []
    assert 0 < sum("queue/join" in one.url for one in asked) <= EVENTS
    assert 100_000 < sum(sizes) < BYTES


def test_no_event_sends_its_progress_to_components(server: Server) -> None:
    events = server.get_json("/config")["dependencies"]
    showing = [
        one["targets"] for one in events if one["backend_fn"] and one["show_progress_on"] != []
    ]
    assert showing == []


def test_the_examples_are_there_while_the_built_in_model_is_alone(
    page: Page, server: Server
) -> None:
    folder = server.folder / "weights" / "Stable-diffusion"
    open_page(page, server)
    row = page.locator("#op_examples")
    expect(row).to_be_visible()
    file = fake(folder / "downloaded.safetensors")
    try:
        page.click("#refresh_sd_model_checkpoint")
        expect(row).to_be_hidden()
        expect(page.locator("#op_notice")).not_to_contain_text("built-in")
        page.reload()
        page.wait_for_selector("#img2img_generate", state="visible")
        expect(row).to_be_hidden()
    finally:
        file.unlink()
    page.click("#refresh_sd_model_checkpoint")
    expect(row).to_be_visible()


def test_how_many_steps_will_run_is_said_from_the_start(page: Page, server: Server) -> None:
    open_page(page, server)
    expect(page.locator("#img2img_steps_line")).to_contain_text("Will run 16 of 20 steps")
    page.click("#tab_txt2img-button")
    expect(page.locator("#txt2img_hr_finalres")).to_contain_text("Hires: from 256x256 to 512x512")
