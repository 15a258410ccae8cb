"""No click is lost in a slow network: what is sent while a stream ends is answered, too."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.driving import open_page
from tests.serving import Server

pytestmark = pytest.mark.browser

SLOW = """
const quick = window.fetch.bind(window);
window.fetch = async (input, init) => {
  const answer = await quick(input, init);
  if (!(input.url ?? `${input}`).includes("/queue/data") || !answer.body) return answer;
  const late = new TransformStream({
    transform: (chunk, to) => new Promise((done) => setTimeout(() => done(to.enqueue(chunk)), 400)),
  });
  return new Response(answer.body.pipeThrough(late), { status: answer.status });
};
"""
"""Messages of the stream arrive 400 ms late, as from far away."""


def test_what_is_sent_while_a_stream_ends_is_answered(page: Page, server: Server) -> None:
    page.add_init_script(SLOW)
    open_page(page, server)
    dialog = page.locator("#img2img_styles_dialog")
    for delay in (0, 60, 150, 300):
        page.wait_for_timeout(1000)  # all streams have ended
        page.fill("#img2img_prompt textarea", f"cat {delay}")  # its tokens are counted
        page.wait_for_timeout(delay)
        page.click("#img2img_styles_edit_button")
        expect(dialog).to_be_visible(timeout=20_000)
        page.keyboard.press("Escape")
        expect(dialog).to_be_hidden(timeout=20_000)
