"""What a person does on the page, step by step."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Page

from tests.serving import Server

PROMPT = "portrait of a girl with pink hair, blue background"


def open_page(page: Page, server: Server) -> None:
    page.goto(server.url)
    page.wait_for_selector("#img2img_generate", state="visible")
    page.wait_for_selector("html[data-overpaint=ready]")
    # All that a load reads comes in one answer, the owner's pictures with the settings.
    page.wait_for_function("document.querySelector('#settings_json textarea')?.value")


def choose_picture(page: Page, path: Path, field: str = "img2img_image") -> None:
    if page.locator(f"#{field} .opc").count():
        page.wait_for_selector(f"#{field} .opc[data-ready]")
    page.set_input_files(f"#{field} input[type=file]", path)
    page.wait_for_selector(f"#{field} img")
    if page.locator(f"#{field} .opc").count():
        page.wait_for_function(
            "field => document.querySelector(`#${field} .opc-stage img`)?.naturalWidth", arg=field
        )


def set_number(page: Page, elem_id: str, value: float) -> None:
    box = page.locator(f"#{elem_id} input[type=number]").first
    box.fill(str(value))
    box.press("Tab")


def write_prompt(page: Page, text: str) -> None:
    page.fill("#img2img_prompt textarea", text)


def generate(page: Page) -> str:
    """Press Generate, wait for the end, return the address of the first picture."""
    before = page.get_attribute(".op-stage img", "src")
    page.click("#img2img_generate")
    page.wait_for_function(
        "before => { const now = document.querySelector('.op-stage img')?.getAttribute('src');"
        " return now && now !== before; }",
        arg=before,
        timeout=180_000,
    )
    page.wait_for_selector("#img2img_generate", state="visible", timeout=180_000)
    return page.get_attribute(".op-stage img", "src") or ""


def fetch(page: Page, address: str) -> Image.Image:
    """The picture as the server gives it to this browser."""
    answer = page.request.get(page.url.split("?", maxsplit=1)[0].rstrip("/") + address)
    assert answer.status == 200, answer.status
    return Image.open(io.BytesIO(answer.body()))


def distance(picture: Image.Image, path: Path) -> float:
    """Mean absolute difference to a file, both at the picture's size, in 8-bit levels."""
    reference = Image.open(path).convert("RGB").resize(picture.size, Image.Resampling.LANCZOS)
    difference = np.asarray(picture.convert("RGB"), float) - np.asarray(reference, float)
    return float(np.abs(difference).mean())
