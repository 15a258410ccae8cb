"""Save and Zip under the gallery: files on the server, and the same files as downloads (ui 9)."""

from __future__ import annotations

import csv
import io
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.driving import choose_picture, generate, open_page, set_number, write_prompt
from tests.serving import Server

pytestmark = pytest.mark.browser


def downloaded(page: Page, name: str) -> bytes:
    """A file of the list, fetched as a click would."""
    link = page.locator(f"#download_files_img2img a[download$='{name}']")
    address = link.get_attribute("href") or ""
    answer = page.request.get(address if "://" in address else page.url.rstrip("/") + address)
    assert answer.status == 200
    data: bytes = answer.body()
    return data


def test_results_are_saved_and_packed(page: Page, server: Server, photograph: Path) -> None:
    open_page(page, server)
    choose_picture(page, photograph)
    write_prompt(page, "a hen")
    set_number(page, "img2img_steps", 2)
    address = generate(page)
    folder = server.folder / "outputs" / "log" / "images"
    page.click("#save_img2img")
    files = page.locator("#download_files_img2img")
    expect(files).to_contain_text(".png")
    (picture,) = folder.glob("*.png")
    assert picture.read_bytes() == page.request.get(page.url.rstrip("/") + address).body()
    assert downloaded(page, ".png") == picture.read_bytes()
    page.click("#save_zip_img2img")
    expect(files).to_contain_text(".zip")
    (archive,) = folder.glob("*.zip")
    with zipfile.ZipFile(io.BytesIO(downloaded(page, ".zip"))) as packed:
        (name,) = packed.namelist()
        assert packed.read(name) == picture.read_bytes()
    assert archive.stem == Path(name).stem
    with (folder / "log.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["prompt"], row["filename"]) for row in rows] == [
        ("a hen", picture.name),
        ("a hen", name),
    ]
