"""What a person does on a canvas, and what the server would get of it."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import CDPSession, Page

from tests.browser.driving import open_page
from tests.serving import Server

IDS = {
    "sketch": "img2img_sketch",
    "inpaint": "img2maskimg",
    "inpaint_sketch": "inpaint_sketch",
}
TABS = {
    "sketch": "img2img_img2img_sketch_tab",
    "inpaint": "img2img_inpaint_tab",
    "inpaint_sketch": "img2img_inpaint_sketch_tab",
}

FLUSH = """async (name) => {
  const sheet = document.querySelector('link[href*="/canvas/canvas.css"]').href;
  const registry = await import(sheet.replace('canvas.css', 'registry.js'));
  const value = await registry.find(name).flush();
  return value?.drawing?.url ?? null;
}"""


@dataclass(frozen=True)
class Canvas:
    """One canvas of an open page; `name` is a key of IDS."""

    page: Page
    name: str

    @property
    def root(self) -> str:
        return f"#{IDS[self.name]}"

    def show(self) -> Canvas:
        self.page.click(f"#{TABS[self.name]}-button")
        self.page.wait_for_selector(f"{self.root} .opc[data-ready] .opc-viewport")
        return self

    def choose(self, path: Path) -> Canvas:
        """Choose a picture and wait until it can be painted on."""
        if self.page.locator(f"{self.root} .opc:not(.opc-empty)").count():
            self.act("remove")
        self.page.set_input_files(f"{self.root} input[type=file]", path)
        self.page.wait_for_selector(f"{self.root} .opc:not(.opc-empty)")
        self.page.locator(f"{self.root} .opc-viewport").scroll_into_view_if_needed()
        return self

    def tool(self, name: str) -> None:
        self.page.click(f"{self.root} [data-tool={name}]")

    def act(self, name: str) -> None:
        self.page.click(f"{self.root} [data-act={name}]")

    def set(self, name: str, value: str) -> None:
        self.page.eval_on_selector(
            f"{self.root} [data-set={name}]",
            "(node, value) => { node.value = value;"
            " node.dispatchEvent(new Event('input', {bubbles: true})); }",
            value,
        )

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Where a picture's position is on the screen."""
        place: Any = self.page.eval_on_selector(
            f"{self.root} .opc-layer",
            "node => { const r = node.getBoundingClientRect();"
            " return [r.left, r.top, r.width / node.width]; }",
        )
        return place[0] + x * place[2], place[1] + y * place[2]

    def drag(self, *points: tuple[float, float]) -> None:
        """Press at the first point (picture pixels), move through the others, release."""
        mouse = self.page.mouse
        mouse.move(*self.at(*points[0]))
        mouse.down()
        for point in points[1:]:
            mouse.move(*self.at(*point), steps=4)
        mouse.up()

    def drawing(self) -> NDArray[np.uint8] | None:
        """The drawing as it would be sent now: (H, W) for a mask, (H, W, 4) for colours."""
        address = self.page.evaluate(FLUSH, self.name)
        if address is None:
            return None
        answer = self.page.request.get(address)
        assert answer.status == 200
        return np.asarray(Image.open(io.BytesIO(answer.body())))

    def box(self) -> tuple[int, int, int, int] | None:
        """Bounding box of what is painted, half-open."""
        drawing = self.drawing()
        assert drawing is not None
        painted = drawing if drawing.ndim == 2 else drawing[..., 3]
        return Image.fromarray(painted).getbbox()


def open_canvas(page: Page, server: Server, name: str, picture: Path) -> Canvas:
    page.set_default_timeout(60_000)
    open_page(page, server)
    return Canvas(page, name).show().choose(picture)


def touch(session: CDPSession, kind: str, *points: tuple[float, float]) -> None:
    """A real touch event with fingers at screen positions."""
    fingers = [{"x": x, "y": y, "id": index} for index, (x, y) in enumerate(points)]
    session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": fingers})


def pen(session: CDPSession, kind: str, place: tuple[float, float], force: float) -> None:
    """A real pen event with pressure 0..1."""
    session.send(
        "Input.dispatchMouseEvent",
        {
            "type": kind,
            "x": place[0],
            "y": place[1],
            "button": "left",
            "buttons": 1 if kind != "mouseReleased" else 0,
            "clickCount": 1,
            "pointerType": "pen",
            "force": force,
        },
    )
