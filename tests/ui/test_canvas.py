"""The canvas component: only uploads are read, values survive the way to the browser and back."""

from __future__ import annotations

from pathlib import Path

import gradio as gr
import pytest
from gradio.data_classes import FileData

from ui.canvas import CanvasData, PaintCanvas, PictureCanvas
from ui.painting import Painting


@pytest.fixture
def uploads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "uploads"
    folder.mkdir()
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(folder))
    return folder


@pytest.fixture
def canvas(uploads: Path) -> PaintCanvas:
    return PaintCanvas(
        "/static", "inpaint", kind="mask", height=400, colour="#ff0000", render=False
    )


def test_uploads_become_paths(canvas: PaintCanvas, uploads: Path) -> None:
    picture, drawing = uploads / "a.png", uploads / "b.png"
    data = CanvasData(
        canvas="inpaint",
        image=FileData(path=str(picture)),
        drawing=FileData(path=str(drawing)),
        width=64,
        height=32,
    )
    assert canvas.preprocess(data) == Painting(str(picture), str(drawing), 64, 32)


@pytest.mark.parametrize("name", ["../secret.png", "/etc/passwd", "x/../../secret.png"])
def test_other_files_of_the_machine_are_refused(
    canvas: PaintCanvas, uploads: Path, name: str
) -> None:
    inside, outside = FileData(path=str(uploads / "a.png")), FileData(path=str(uploads / name))
    for image, drawing in ((outside, None), (inside, outside)):
        with pytest.raises(gr.Error, match="not uploaded here"):
            canvas.preprocess(CanvasData(canvas="inpaint", image=image, drawing=drawing))


def test_a_link_out_of_the_uploads_is_refused(canvas: PaintCanvas, uploads: Path) -> None:
    secret = uploads.parent / "secret.png"
    secret.write_text("secret")
    (uploads / "link.png").symlink_to(secret)
    with pytest.raises(gr.Error, match="not uploaded here"):
        canvas.preprocess(CanvasData(image=FileData(path=str(uploads / "link.png"))))


@pytest.mark.parametrize("data", [None, CanvasData(canvas="inpaint")], ids=["none", "no picture"])
def test_empty_canvas_is_none(canvas: PaintCanvas, data: CanvasData | None) -> None:
    assert canvas.preprocess(data) is None


def test_picture_from_elsewhere_is_copied_to_where_it_may_be_served(
    canvas: PaintCanvas, uploads: Path, tmp_path: Path
) -> None:
    picture = tmp_path / "result.png"
    picture.write_bytes(b"picture")
    first, second = canvas.postprocess(str(picture)), canvas.postprocess(str(picture))
    assert first.image is not None
    assert Path(first.image.path).is_relative_to(canvas.GRADIO_CACHE)
    assert Path(first.image.path).read_bytes() == b"picture"
    assert first.rev != second.rev, "the browser must notice the same picture sent again"


def test_an_emptied_canvas_still_has_its_name(canvas: PaintCanvas) -> None:
    empty = canvas.postprocess(None)
    assert (empty.canvas, empty.image, empty.drawing) == ("inpaint", None, None)


def test_a_picture_field_hands_over_the_path_of_the_file(uploads: Path) -> None:
    field = PictureCanvas("/static", "img2img", label="Image", height=300, render=False)
    data = CanvasData(canvas="img2img", image=FileData(path=str(uploads / "a.png")), width=4)
    assert field.preprocess(data) == str(uploads / "a.png")
    assert field.preprocess(None) is None
    with pytest.raises(gr.Error, match="not uploaded here"):
        field.preprocess(CanvasData(image=FileData(path="/etc/passwd")))


def test_what_comes_from_our_store_need_not_be_kept_again(
    canvas: PaintCanvas, uploads: Path
) -> None:
    (uploads / "a.png").write_bytes(b"picture")
    kept = canvas.postprocess(Painting(str(uploads / "a.png"), is_kept=True))
    assert kept.rev.startswith("kept-")
    assert not canvas.postprocess(Painting(str(uploads / "a.png"))).rev.startswith("kept-")
