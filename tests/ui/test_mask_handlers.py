"""Masks as documents, without a page: kept, loaded onto other pictures, compared with infotexts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import gradio as gr
import numpy as np
import pytest
from PIL import Image

from jobs.assets import AssetStore
from pipelines.masks import fingerprint
from pipelines.pictures import DEFAULT_LIMITS
from ui.drawings import DrawingStore
from ui.form import Form
from ui.mask_handlers import MaskHandlers
from ui.painting import Painting
from ui.services import Services

BOX = (10, 10, 30, 20)
ANN = cast(gr.Request, "ann")
LINE = "a cat\nSteps: 20, Sampler: Euler, Seed: 1, Mask blur: 4"


@pytest.fixture
def handlers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MaskHandlers:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "served"))
    assets = AssetStore(tmp_path / "assets")
    services = SimpleNamespace(
        assets=assets,
        drawings=DrawingStore(tmp_path / "drawings", assets),
        limits=DEFAULT_LIMITS,
        options={"img2img_background_color": "#ffffff"},
        owner_of=str,
    )
    return MaskHandlers(cast(Services, services), cast(Form, None))


def mask(size: tuple[int, int] = (64, 32)) -> Image.Image:
    made = Image.new("L", size)
    made.paste(255, BOX)
    return made


def painting(folder: Path, drawing: Image.Image | None, size: tuple[int, int]) -> Painting:
    Image.new("RGB", size, "teal").save(folder / "picture.png")
    if drawing is not None:
        drawing.save(folder / "drawing.png")
    path = None if drawing is None else str(folder / "drawing.png")
    return Painting(str(folder / "picture.png"), path, *size)


def on_inpaint(painting: Painting | None) -> dict[str, Any]:
    return {"tab": "inpaint", "inpaint": painting}


def drawn(shown: Any, field: str = "inpaint") -> Image.Image:
    assert list(shown) == [field]
    painted = shown[field]
    with Image.open(painted if isinstance(painted, str) else str(painted.drawing)) as file:
        return file.copy()


def test_a_kept_mask_comes_back_value_for_value(handlers: MaskHandlers, tmp_path: Path) -> None:
    handlers.save(on_inpaint(painting(tmp_path, mask(), (64, 32))), "  hair \n", ANN)
    shown = handlers.load(on_inpaint(painting(tmp_path, None, (64, 32))), "hair", ANN)
    assert (np.asarray(drawn(shown)) == np.asarray(mask())).all()
    assert handlers.names(ANN)["choices"] == [("hair (64x32)", "hair")]
    assert handlers.names(cast(gr.Request, "bob"))["choices"] == []


def test_on_a_picture_of_another_size_it_is_stretched(
    handlers: MaskHandlers, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    handlers.save(on_inpaint(painting(tmp_path, mask(), (64, 32))), "hair", ANN)
    shown = handlers.load(on_inpaint(painting(tmp_path, None, (128, 32))), "hair", ANN)
    assert drawn(shown).size == (128, 32)
    assert "The mask is 64x32 and the picture 128x32: it was stretched." in capsys.readouterr().out


@pytest.mark.parametrize("name", ["", "   ", None, "\x00\n"])
def test_a_mask_needs_a_name(handlers: MaskHandlers, tmp_path: Path, name: str | None) -> None:
    with pytest.warns(UserWarning, match="Give the mask a name"):
        handlers.save(on_inpaint(painting(tmp_path, mask(), (64, 32))), name, ANN)
    assert handlers.names(ANN)["choices"] == []


def test_a_kept_mask_becomes_paint_of_the_brushs_colour_on_inpaint_sketch(
    handlers: MaskHandlers, tmp_path: Path
) -> None:
    handlers.save(on_inpaint(painting(tmp_path, mask(), (64, 32))), "hair", ANN)
    picture = replace(painting(tmp_path, None, (64, 32)), colour="#00ff80")
    shown = handlers.load({"tab": "inpaint_sketch", "inpaint_sketch": picture}, "hair", ANN)
    layer = drawn(shown, "inpaint_sketch")
    assert layer.mode == "RGBA"
    assert layer.getchannel("A").getbbox() == BOX
    assert layer.getpixel((BOX[0], BOX[1])) == (0, 255, 128, 255)
    assert layer.getchannel("A").getpixel((0, 0)) == 0


def test_what_is_painted_on_inpaint_sketch_is_kept_as_a_mask(
    handlers: MaskHandlers, tmp_path: Path
) -> None:
    strokes = Image.new("RGBA", (64, 32))
    strokes.paste((255, 0, 0, 90), BOX)
    handlers.save(
        {"tab": "inpaint_sketch", "inpaint_sketch": painting(tmp_path, strokes, (64, 32))},
        "hat",
        ANN,
    )
    shown = handlers.load(on_inpaint(painting(tmp_path, None, (64, 32))), "hat", ANN)
    assert (np.asarray(drawn(shown)) == np.asarray(mask())).all()


def test_inpaint_uploads_file_is_kept_and_replaced(handlers: MaskHandlers, tmp_path: Path) -> None:
    mask().save(tmp_path / "mask.png")
    base = painting(tmp_path, None, (128, 64)).image
    upload = {"tab": "inpaint_upload", "inpaint_image": base, "inpaint_mask": None}
    with pytest.warns(UserWarning, match="nothing to save"):
        handlers.save(upload, "hair", ANN)
    handlers.save(upload | {"inpaint_mask": str(tmp_path / "mask.png")}, "hair", ANN)
    assert handlers.names(ANN)["choices"] == [("hair (64x32)", "hair")]
    shown = drawn(handlers.load(upload, "hair", ANN), "inpaint_mask")
    assert shown.size == (128, 64)
    assert shown.point([0] * 128 + [255] * 128).getbbox() == tuple(2 * side for side in BOX)


def test_what_cannot_be_done_is_said(handlers: MaskHandlers, tmp_path: Path) -> None:
    empty = painting(tmp_path, Image.new("L", (64, 32)), (64, 32))
    with pytest.warns(UserWarning, match="The mask is empty: there is nothing to save"):
        handlers.save(on_inpaint(empty), "hair", ANN)
    with pytest.warns(UserWarning, match="no mask of the name"):
        handlers.load(on_inpaint(empty), "hat", ANN)
    mask().save(tmp_path / "mask.png")
    with pytest.warns(UserWarning, match="There is no picture on this tab"):
        handlers.upload(on_inpaint(None), str(tmp_path / "mask.png"))
    (tmp_path / "broken.png").write_bytes(b"no picture")
    with pytest.warns(UserWarning):
        handlers.upload(on_inpaint(empty), str(tmp_path / "broken.png"))


def values(folder: Path, drawing: Image.Image | None, tab: str = "inpaint") -> dict[str, Any]:
    return {
        "tab": tab,
        "image": "",
        "inpaint": painting(folder, drawing, (64, 32)),
        "mask_transparency": 0,
    }


def test_the_mask_that_an_infotext_names_passes(handlers: MaskHandlers, tmp_path: Path) -> None:
    line = f"{LINE}, Mask hash: {fingerprint(mask())}"
    handlers.check(line, values(tmp_path, mask()), ANN)
    handlers.check(LINE, values(tmp_path, None), ANN)
    handlers.check("a cat", values(tmp_path, None), ANN)


def test_another_mask_is_said_and_the_kept_one_named(
    handlers: MaskHandlers, tmp_path: Path
) -> None:
    other = Image.new("L", (64, 32), 255)
    handlers.save(on_inpaint(painting(tmp_path, mask(), (64, 32))), "hair", ANN)
    line = f"{LINE}, Mask hash: {fingerprint(mask())}"
    with pytest.warns(UserWarning, match=f"on the canvas is {fingerprint(other)}") as said:
        handlers.check(line, values(tmp_path, other), ANN)
    assert "Your mask &quot;hair&quot; is the one" in str(said[0].message)
    with pytest.warns(UserWarning, match="none is drawn here"):
        handlers.check(line, values(tmp_path, None), ANN)
    with pytest.warns(UserWarning, match="there is no mask here"):
        handlers.check(line, values(tmp_path, mask(), "img2img"), ANN)
