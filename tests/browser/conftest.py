"""One server and one browser for all browser tests; every test gets a page of its own.

They end with the package: Playwright keeps an event loop running, under which asyncio.run of later
tests would fail.
"""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.serving import Server, serve

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
"""Chromium asks for nothing outside, and runs as root in containers."""

PATIENCE = 60_000
"""Milliseconds until something that should happen counts as not happening."""


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=PATIENCE)
    path = os.environ.get("OVERPAINT_BROWSER") or shutil.which("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serve(tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture
def page(browser: Browser, server: Server) -> Iterator[Page]:
    """A page on which nobody has painted yet: all tests are the same owner to the server."""
    shutil.rmtree(server.folder / "data" / "drawings", ignore_errors=True)
    with closing(sqlite3.connect(server.folder / "data" / "jobs.sqlite")) as jobs, jobs:
        jobs.execute(
            "DELETE FROM pictures WHERE job_id IN (SELECT id FROM jobs WHERE finished NOT NULL)"
        )
        jobs.execute("DELETE FROM jobs WHERE finished NOT NULL")
    context = browser.new_context(viewport={"width": 1440, "height": 1000})
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    yield page
    context.close()


@pytest.fixture(scope="session")
def photograph(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real photograph, 512x512."""
    from PIL import Image
    from skimage import data

    path = tmp_path_factory.mktemp("pictures") / "astronaut.png"
    Image.fromarray(data.astronaut()).save(path)
    return path
