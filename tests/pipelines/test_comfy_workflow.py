"""ComfyUI workflows to settings: both formats, step semantics, what is left out (6.6)."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from pipelines.comfy_workflow import WorkflowError, apply_workflow, find_workflow
from pipelines.picture_text import read_metadata
from pipelines.request import Emphasis, Img2ImgRequest, NoiseSource, StepSemantics
from pipelines.steps import executed_steps
from tests.pipelines.pixels import noise
from tests.pipelines.run_doubles import INIT, run_on
from tests.pipelines.toy_family import ToyFamily, toy_pipeline

DATA = Path(__file__).parents[1] / "data"
SIMPLE = (DATA / "comfyui_sd15_image2image_ksampler.json").read_text(encoding="utf-8")
ADVANCED = (DATA / "comfyui_sd15_image2image_ksampler_advanced.json").read_text(encoding="utf-8")
BASE = Img2ImgRequest(init_images=(INIT,), width=64, height=64)
TEXT = "high quality, cute clay figure of a small humanoid character"


def api(**sampler: Any) -> dict[str, Any]:
    """A txt2img workflow in the API's format; `sampler` changes inputs of its KSampler."""
    inputs = {
        "model": ["4", 0],
        "positive": ["6", 0],
        "negative": ["7", 0],
        "latent_image": ["5", 0],
        "seed": 8,
        "steps": 12,
        "cfg": 5.5,
        "sampler_name": "dpmpp_2m",
        "scheduler": "karras",
        "denoise": 1,
        **sampler,
    }
    return {
        "3": {"class_type": "KSampler", "inputs": inputs},
        "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "x.safetensors"}},
        "5": {
            "class_type": "EmptyLatentImage",
            "inputs": {"width": 640, "height": 448, "batch_size": 1},
        },
        "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "a cat", "clip": ["4", 1]}},
        "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "bad", "clip": ["4", 1]}},
        "8": {"class_type": "VAEDecode", "inputs": {"samples": ["3", 0], "vae": ["4", 2]}},
        "9": {"class_type": "SaveImage", "inputs": {"images": ["8", 0]}},
    }


def applied(graph: dict[str, Any], base: Img2ImgRequest | None = None) -> Any:
    return apply_workflow(json.dumps(graph), base or Img2ImgRequest())


@pytest.mark.parametrize(
    ("text", "steps"), [(SIMPLE, 20), (ADVANCED, 14)], ids=["KSampler", "KSampler (Advanced)"]
)
def test_the_two_workflows_import_and_run(text: str, steps: int) -> None:
    found = apply_workflow(text, BASE)
    request = found.request
    assert found.is_img2img
    assert found.image_name == "vivi (1).png"
    assert found.model_name == "v1-5-pruned-emaonly-fp16.safetensors"
    assert found.vae_name == "vae-ft-mse-840000-ema-pruned.safetensors"
    assert found.problems == ()
    assert request.prompt.startswith(TEXT)
    assert request.negative_prompt == "text, watermark"
    assert (request.sampling.sampler, request.sampling.scheduler) == ("Euler", "Normal")
    assert (request.sampling.steps, request.sampling.cfg_scale) == (20, 8)
    assert (request.seeds.seed, request.seeds.source) == (123, NoiseSource.CPU)
    assert request.init_images == (INIT,)
    assert executed_steps(request.sampling, txt2img=False) == steps
    family = ToyFamily()
    done = run_on(toy_pipeline(family), request, {INIT: noise(64, 64)})
    assert done.report.executed_steps == len(family.levels) == steps


def test_behaviour_6_6_semantics() -> None:
    simple, advanced = (apply_workflow(t, BASE).request.sampling for t in (SIMPLE, ADVANCED))
    assert (simple.semantics, simple.denoising_strength) == (StepSemantics.EXACT, 0.7)
    assert advanced.semantics is StepSemantics.START_AT_STEP
    assert (advanced.start_at_step, advanced.end_at_step) == (6, 20)
    assert (advanced.add_noise, advanced.return_with_leftover_noise) == (True, True)


@pytest.mark.parametrize("key", ["prompt", "workflow"])
def test_the_picture_that_carries_it(key: str) -> None:
    chunks, out = PngInfo(), io.BytesIO()
    chunks.add_text(key, SIMPLE)
    Image.new("RGB", (8, 8)).save(out, "PNG", pnginfo=chunks)
    text = find_workflow(read_metadata(out.getvalue()))
    assert text is not None
    assert apply_workflow(text, BASE) == apply_workflow(SIMPLE, BASE)


def test_other_pictures_carry_none() -> None:
    assert find_workflow({}) is None
    assert find_workflow({"prompt": "a cat", "parameters": "{"}) is None


def test_the_apis_format() -> None:
    found = applied(api())
    request = found.request
    assert not found.is_img2img
    assert (request.prompt, request.negative_prompt) == ("a cat", "bad")
    assert (request.width, request.height, request.batch_size) == (640, 448, 1)
    assert (request.sampling.sampler, request.sampling.scheduler) == ("DPM++ 2M", "Karras")
    assert (request.sampling.steps, request.sampling.cfg_scale) == (12, 5.5)
    assert (found.model_name, found.vae_name, found.image_name) == ("x.safetensors", None, None)
    assert request.tuning.quantize_timesteps
    assert request.emphasis is Emphasis.NO_NORM
    assert executed_steps(request.sampling, txt2img=True) == 12
    assert found.problems == ()


def test_behaviour_6_6_txt2img_noise_is_scaled_as_comfyui_does() -> None:
    """sqrt(1 + sigma^2): "max denoise"."""
    graph = api()
    graph["5"]["inputs"] = {"width": 64, "height": 64, "batch_size": 1}
    request = applied(graph).request
    family = ToyFamily()
    run_on(toy_pipeline(family), request, {})
    own = ToyFamily()
    plain = request.sampling.model_copy(update={"semantics": StepSemantics.A1111})
    run_on(toy_pipeline(own), request.model_copy(update={"sampling": plain}), {})
    sigma = own.levels[0]
    ratio = float((family.inputs[0] / own.inputs[0]).median())
    assert ratio == pytest.approx((1 + sigma**2) ** 0.5 / sigma, rel=1e-6)


def picture_graph(**sampler: Any) -> dict[str, Any]:
    graph = api(latent_image=["11", 0], **sampler)
    graph["10"] = {"class_type": "LoadImage", "inputs": {"image": "in.png"}}
    graph["11"] = {"class_type": "VAEEncode", "inputs": {"pixels": ["10", 0], "vae": ["4", 2]}}
    return graph


DENOISE = {
    "0": (0, StepSemantics.EXACT, 0),
    "0.5": (0.5, StepSemantics.EXACT, 12),
    "0.9999": (0.9999, StepSemantics.EXACT, 12),
    "1": (1, StepSemantics.START_AT_STEP, 12),
}


@pytest.mark.parametrize(("denoise", "semantics", "steps"), DENOISE.values(), ids=DENOISE)
def test_behaviour_6_6_denoise(denoise: float, semantics: StepSemantics, steps: int) -> None:
    sampling = applied(picture_graph(denoise=denoise), BASE).request.sampling
    assert sampling.semantics is semantics
    assert executed_steps(sampling, txt2img=False) == steps


def test_loras_clip_skip_and_brackets() -> None:
    graph = api(model=["13", 0])
    graph["12"] = {
        "class_type": "LoraLoader",
        "inputs": {
            "model": ["4", 0],
            "clip": ["4", 1],
            "lora_name": "sub/first.safetensors",
            "strength_model": 0.5,
            "strength_clip": 0.25,
        },
    }
    graph["13"] = {
        "class_type": "LoraLoaderModelOnly",
        "inputs": {"model": ["12", 0], "lora_name": "second.pt", "strength_model": 1},
    }
    graph["14"] = {
        "class_type": "CLIPSetLastLayer",
        "inputs": {"clip": ["12", 1], "stop_at_clip_layer": -2},
    }
    graph["6"]["inputs"] = {"text": "[a] embedding:x", "clip": ["14", 0]}
    found = applied(graph)
    assert found.request.prompt == "\\[a\\] x <lora:first:0.25:0.5> <lora:second:0:1>"
    assert found.request.clip_skip == 2
    assert found.model_name == "x.safetensors"


def test_a_scaled_picture_gives_the_size() -> None:
    graph = picture_graph()
    graph["15"] = {
        "class_type": "ImageScale",
        "inputs": {"image": ["10", 0], "width": 768, "height": 512, "crop": "disabled"},
    }
    graph["11"]["inputs"]["pixels"] = ["15", 0]
    found = applied(graph, BASE)
    assert (found.request.width, found.request.height) == (768, 512)
    assert found.image_name == "in.png"


def test_the_sampler_before_the_output_counts() -> None:
    graph = api(steps=7)
    graph["2"] = {"class_type": "KSampler", "inputs": {**api()["3"]["inputs"], "steps": 99}}
    assert applied(dict(sorted(graph.items()))).request.sampling.steps == 7
    graph["3"]["inputs"]["latent_image"] = ["2", 0]
    found = applied(graph)
    assert found.request.sampling.steps == 7
    assert any("earlier sampler" in problem for problem in found.problems)


TOLD = {
    "sampler": ({"sampler_name": "ipndm"}, "'ipndm' does not exist here"),
    "schedule": ({"scheduler": "linear_quadratic"}, "'linear_quadratic' does not exist here"),
    "beta": ({"scheduler": "beta"}, "beta is computed in another way"),
    "steps": ({"steps": 10**30}, "steps 1000000000000000000000000000000 is out of range"),
    "partial": ({"denoise": 0.5}, "on an empty latent cannot be said"),
}


@pytest.mark.parametrize(("sampler", "sentence"), TOLD.values(), ids=TOLD)
def test_what_differs_is_told(sampler: dict[str, Any], sentence: str) -> None:
    assert any(sentence in problem for problem in applied(api(**sampler)).problems)


def editor(mode: int = 0) -> dict[str, Any]:
    """The editor's format with a reroute, a bypassed LoRA and a converted widget."""
    return {
        "nodes": [
            {"id": 1, "type": "CheckpointLoaderSimple", "widgets_values": ["x.ckpt"]},
            {
                "id": 2,
                "type": "LoraLoaderModelOnly",
                "mode": mode,
                "inputs": [{"name": "model", "link": 1}],
                "widgets_values": ["l.pt", 0.5],
            },
            {"id": 3, "type": "Reroute", "inputs": [{"name": "", "link": 2}]},
            {"id": 4, "type": "PrimitiveNode", "widgets_values": [777, "fixed"]},
            {
                "id": 5,
                "type": "KSampler",
                "inputs": [
                    {"name": "model", "link": 3},
                    {"name": "seed", "link": 4, "widget": {"name": "seed"}},
                ],
                "widgets_values": [1, 20, 8, "euler", "normal", 1.0],
            },
        ],
        "links": [
            [1, 1, 0, 2, 0, "MODEL"],
            {"id": 2, "origin_id": 2, "origin_slot": 0},
            [3, 3, 0, 5, 0, "MODEL"],
            [4, 4, 0, 5, 1, "INT"],
        ],
    }


@pytest.mark.parametrize(("mode", "prompt"), [(0, " <lora:l:0:0.5>"), (4, "")])
def test_reroutes_bypasses_and_primitives(mode: int, prompt: str) -> None:
    found = applied(editor(mode))
    assert found.request.seeds.seed == 777
    assert found.request.sampling.steps == 20
    assert found.request.prompt == prompt
    assert found.model_name == "x.ckpt"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not valid JSON"),
        ("{", "not valid JSON"),
        ("[1]", "a JSON object"),
        ("{}", "no nodes"),
        ('{"nodes": []}', "no nodes"),
        ('{"a": {"class_type": "SaveImage"}}', "no KSampler"),
        ("[" * 100_000, "not valid JSON"),
        ('{"nodes": [' + "9" * 5000 + "]}", "not valid JSON"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_what_is_no_workflow(text: str, reason: str) -> None:
    with pytest.raises(WorkflowError, match=reason):
        apply_workflow(text, BASE)


def test_wires_in_a_circle_end() -> None:
    graph = api(model=["20", 0], latent_image=["21", 0], positive=["22", 0])
    graph["20"] = {"class_type": "LoraLoaderModelOnly", "inputs": {"model": ["20", 0]}}
    graph["21"] = {"class_type": "LatentUpscale", "inputs": {"samples": ["21", 0]}}
    graph["22"] = {"class_type": "Reroute", "inputs": {"": ["22", 0]}}
    assert applied(graph).request.sampling.steps == 12


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)


@settings(deadline=None, max_examples=150)
@given(st.dictionaries(st.sampled_from(sorted(api()["3"]["inputs"])), JSON), JSON)
def test_whatever_stands_in_it_the_request_stays_valid(inputs: Any, widgets: Any) -> None:
    for graph in (api(**inputs), {**editor(), "links": widgets}):
        try:
            found = apply_workflow(json.dumps(graph), Img2ImgRequest()).request
        except WorkflowError:
            continue
        assert Img2ImgRequest.model_validate(found.model_dump()) == found


def test_large_workflows_are_read() -> None:
    graph = api()
    for k in range(100, 5000):
        graph[str(k)] = {"class_type": "Note", "inputs": {"a": [str(k - 1), 0]}}
    graph["9"]["inputs"]["more"] = ["4999", 0]
    text = json.dumps(graph)
    assert apply_workflow(text, Img2ImgRequest()).request.init_images == ()
