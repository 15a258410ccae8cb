"""How fast the canvas is in headless Chromium: `python -m benchmarks.canvas`.

Prints a table against the limits that were set for it. Starts a server of its own; needs Chromium
(`OVERPAINT_BROWSER` names one) and the test requirements. Beside the seconds that passed stand
those that the main thread of the page worked: on a machine that does other things only these mean
anything, though decoding, encoding for the upload and the server are not in them.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Page, sync_playwright

from tests.browser.canvas import Canvas
from tests.browser.conftest import FLAGS
from tests.browser.driving import open_page
from tests.serving import Server, serve

SIDES = ((512, 384), (1024, 768), (2048, 1536), (4096, 3072))


@dataclass(frozen=True)
class Figure:
    """One measurement. `limit` is None where none was set; `worked` is the main thread's share."""

    name: str
    value: float
    unit: str
    limit: float | None = None
    worked: float | None = None

    @property
    def line(self) -> str:
        """For the table."""
        verdict = "" if self.limit is None else f"limit {self.limit:g}"
        if self.limit is not None and self.value > self.limit:
            verdict += "  OVER"
        worked = "" if self.worked is None else f"{self.worked:.2f} worked"
        return f"{self.name:<42}{self.value:>9.2f} {self.unit:<3} {worked:<12} {verdict}"


class Watch:
    """Seconds since it was made: passed, and worked by the page's main thread."""

    def __init__(self, page: Page) -> None:
        self._session = page.context.new_cdp_session(page)
        self._session.send("Performance.enable", {"timeDomain": "threadTicks"})
        self._worked = self._metric("TaskDuration")
        self._begun = time.perf_counter()

    def stop(self) -> tuple[float, float]:
        """Both; ends the watch."""
        passed = time.perf_counter() - self._begun
        worked = self._metric("TaskDuration") - self._worked
        self._session.detach()
        return passed, worked

    def _metric(self, name: str) -> float:
        metrics = self._session.send("Performance.getMetrics")["metrics"]
        return float(next(entry["value"] for entry in metrics if entry["name"] == name))


def noisy(folder: Path, width: int, height: int) -> Path:
    """A picture that PNG compresses badly."""
    path = folder / f"{width}.png"
    noise = np.random.default_rng(0).integers(0, 60, (height, width, 3), np.uint8)
    Image.fromarray(noise + np.linspace(0, 190, width, dtype=np.uint8)[None, :, None]).save(
        path, compress_level=1
    )
    return path


def load(page: Page, server: Server) -> list[Figure]:
    """Page load, and requests to anybody else."""
    foreign: list[str] = []
    page.on(
        "request",
        lambda request: (
            foreign.append(request.url)
            if not request.url.startswith((server.url, "data:", "blob:"))
            else None
        ),
    )
    watch = Watch(page)
    page.goto(server.url, wait_until="commit")
    page.wait_for_selector("#img2img_generate", state="visible")
    seconds, worked = watch.stop()
    return [
        Figure("page load", seconds, "s", 2.0, worked),
        Figure("external requests", len(foreign), "", 0),
    ]


def size_figures(canvas: Canvas, picture: Path, side: int) -> list[Figure]:
    """Upload to usable, a stroke, click to handler with a new and an unchanged mask."""
    page = canvas.page
    if page.locator(f"{canvas.root} .opc:not(.opc-empty)").count():
        canvas.act("remove")
    watch = Watch(page)
    page.set_input_files(f"{canvas.root} input[type=file]", picture)
    page.wait_for_selector(f"{canvas.root} .opc:not(.opc-empty)")
    usable = watch.stop()
    page.locator(f"{canvas.root} .opc-viewport").scroll_into_view_if_needed()
    page.wait_for_timeout(1500)
    stroke = stroke_seconds(canvas, side)
    new, sent = click_seconds(page)
    page.wait_for_timeout(1500)
    unchanged, again = click_seconds(page)
    at_2048 = side == 2048

    def figure(name: str, took: tuple[float, float], limit: float) -> Figure:
        return Figure(f"{side}: {name}", took[0], "s", limit if at_2048 else None, took[1])

    return [
        figure("upload to usable", usable, 0.3),
        figure("stroke of 12 moves", stroke, 0.4),
        figure("click to handler, new mask", new, 0.25),
        Figure(f"{side}: uploads for it", sent, "", 1),
        figure("click to handler, unchanged", unchanged, 0.1),
        Figure(f"{side}: uploads for it", again, "", 0),
    ]


def stroke_seconds(canvas: Canvas, side: int) -> tuple[float, float]:
    """Twelve mouse moves across the middle, until the browser has drawn them."""
    mouse = canvas.page.mouse
    places = [canvas.at(side * (0.2 + 0.05 * i), side * 0.3) for i in range(13)]
    mouse.move(*places[0])
    watch = Watch(canvas.page)
    mouse.down()
    for place in places[1:]:
        mouse.move(*place)
    mouse.up()
    canvas.page.evaluate("() => new Promise(requestAnimationFrame)")
    return watch.stop()


def click_seconds(page: Page) -> tuple[tuple[float, float], int]:
    """From the click on Generate until the server has taken the event; and the uploads it took."""
    uploads: list[str] = []

    def note(request: object) -> None:
        if "/upload" in getattr(request, "url", ""):
            uploads.append("")

    page.on("request", note)
    button = page.locator("#img2img_generate")
    watch = Watch(page)
    with page.expect_response(lambda answer: "queue/join" in answer.url):
        button.dispatch_event("click")
    seconds = watch.stop()
    page.remove_listener("request", note)
    page.wait_for_selector("#img2img_interrupt", state="visible")
    page.click("#img2img_interrupt")
    page.wait_for_selector("#img2img_generate", state="visible", timeout=120_000)
    return seconds, len(uploads)


def heap(canvas: Canvas, side: int) -> Figure:
    """JS heap after fifty strokes on the picture that is open."""
    rng = np.random.default_rng(1)
    for _ in range(50):
        points = rng.uniform(0.1, 0.7, (4, 2)) * side
        canvas.drag(*((float(x), float(y)) for x, y in points))
    session = canvas.page.context.new_cdp_session(canvas.page)
    session.send("Performance.enable")
    metrics = session.send("Performance.getMetrics")["metrics"]
    used = next(entry["value"] for entry in metrics if entry["name"] == "JSHeapUsedSize")
    return Figure(f"{side}: JS heap after 50 strokes", used / 1e6, "MB", 300)


def main() -> int:
    """Measure everything; the exit code tells whether a limit was broken."""
    path = os.environ.get("OVERPAINT_BROWSER") or shutil.which("chromium")
    figures: list[Figure] = []
    with (
        tempfile.TemporaryDirectory() as name,
        serve(Path(name)) as server,
        sync_playwright() as playwright,
    ):
        folder = Path(name)
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        page = browser.new_page(viewport={"width": 1440, "height": 1000})
        figures += load(page, server)
        open_page(page, server)
        canvas = Canvas(page, "inpaint").show()
        for width, height in SIDES:
            figures += size_figures(canvas, noisy(folder, width, height), width)
        figures.append(heap(canvas, SIDES[-1][0]))
        browser.close()
    print("\n".join(figure.line for figure in figures))
    return int(any(figure.limit is not None and figure.value > figure.limit for figure in figures))


if __name__ == "__main__":
    sys.exit(main())
