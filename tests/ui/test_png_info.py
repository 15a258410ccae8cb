"""PNG Info: pictures, workflow files and text files; what is told and what fills a form."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from pipelines.comfy_workflow import WorkflowError
from pipelines.request import Img2ImgRequest, StepSemantics
from ui.png_info import apply_text, read_picture, read_text_file

DATA = Path(__file__).parents[1] / "data"
SIMPLE = DATA / "comfyui_sd15_image2image_ksampler.json"
ADVANCED = DATA / "comfyui_sd15_image2image_ksampler_advanced.json"
INFOTEXT = "a cat\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1, Size: 512x768"


def picture(path: Path, **texts: str) -> Path:
    info = PngInfo()
    for key, text in texts.items():
        info.add_text(key, text)
    Image.new("RGB", (8, 8)).save(path, pnginfo=info)
    return path


@pytest.mark.parametrize(
    ("file", "steps", "semantics"),
    [
        pytest.param(SIMPLE, "20; 20 run", StepSemantics.EXACT, id="KSampler"),
        pytest.param(ADVANCED, "20; 14 run", StepSemantics.START_AT_STEP, id="Advanced"),
    ],
)
def test_workflow_files(file: Path, steps: str, semantics: StepSemantics) -> None:
    found = read_text_file(file)
    assert steps in found.html
    assert "Everything was taken over." in found.html
    applied = apply_text(found.text, Img2ImgRequest())
    assert applied.request.sampling.semantics is semantics
    assert applied.request.vae == "vae-ft-mse-840000-ema-pruned.safetensors"
    assert applied.model_name == "v1-5-pruned-emaonly-fp16.safetensors"
    assert "vivi (1).png" in " ".join(applied.problems)


def test_a_picture_that_carries_a_workflow(tmp_path: Path) -> None:
    text = SIMPLE.read_text(encoding="utf-8")
    found = read_picture(picture(tmp_path / "a.png", workflow=text))
    assert "ComfyUI workflow" in found.html
    assert "<details" in found.html
    assert found.text == text.lstrip()


def test_nodes_that_are_not_read_are_named(tmp_path: Path) -> None:
    graph = json.loads(SIMPLE.read_text(encoding="utf-8"))
    graph["nodes"].append({"id": 999, "type": "FaceDetailer", "inputs": [], "outputs": []})
    path = tmp_path / "w.json"
    path.write_text(json.dumps(graph), encoding="utf-8")
    found = read_text_file(path)
    assert "Not taken over" in found.html
    assert "The node FaceDetailer is not read." in found.html
    assert "The node FaceDetailer is not read." in apply_text(found.text, Img2ImgRequest()).problems


def test_an_infotext_wins_over_a_workflow(tmp_path: Path) -> None:
    path = picture(tmp_path / "a.png", parameters=INFOTEXT, workflow=SIMPLE.read_text("utf-8"))
    assert read_picture(path).text == INFOTEXT


def test_a_text_file_beside_a_picture(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text(INFOTEXT, encoding="utf-8")
    found = read_text_file(path)
    assert found.text == INFOTEXT
    assert apply_text(found.text, Img2ImgRequest()).request.height == 768


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        pytest.param(b"\xff\xfe\x00", "cannot be read as text", id="no text"),
        pytest.param(b'{"a": 1}', "workflow", id="other JSON"),
        pytest.param(b'{"nodes": [', "workflow", id="cut off"),
    ],
)
def test_files_that_are_neither(tmp_path: Path, content: bytes, sentence: str) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(content)
    assert sentence in read_text_file(path).html


def test_a_workflow_without_a_sampler_is_refused_with_a_sentence() -> None:
    with pytest.raises(WorkflowError, match="KSampler"):
        apply_text('{"1": {"class_type": "LoadImage", "inputs": {}}}', Img2ImgRequest())


def test_texts_of_others_are_shown_as_text(tmp_path: Path) -> None:
    path = picture(tmp_path / "a.png", parameters="<script>alert(1)</script>")
    assert "<script>" not in read_picture(path).html
