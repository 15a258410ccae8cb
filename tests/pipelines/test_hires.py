"""The second pass of txt2img: sizes, latents, steps, prompts and noise (behaviour 16)."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from PIL import Image as Pillow
from torch.nn import functional

from pipelines.events import BEFORE_HIRES, PreviewWish, StopKind
from pipelines.geometry import Extent
from pipelines.hires import HiresSize, enlarged, hires_size
from pipelines.noise import ImageNoise
from pipelines.pipeline import Pipeline
from pipelines.request import HiresFix, Img2ImgRequest, Refiner
from pipelines.run import run
from pipelines.upscalers import LATENT_MODES, PIXEL_UPSCALERS
from tests.pipelines.pixels import array
from tests.pipelines.run_doubles import Ran, Recorder, request_for, run_on, stop_at
from tests.pipelines.toy_family import ToyFamily, toy_pipeline


def hires_request(hires: dict[str, Any] | None = None, **fields: Any) -> Img2ImgRequest:
    sampling = {"denoising_strength": 0.5, **fields.pop("sampling", {})}
    return request_for(init_images=(), hires=HiresFix(**(hires or {})), sampling=sampling, **fields)


def ran(request: Img2ImgRequest, family: ToyFamily | None = None, **more: Any) -> Ran:
    return run_on(toy_pipeline(family), request, {}, **more)


SIZES = {
    "scale": ((64, 96), {"scale": 2.0}, HiresSize(Extent(128, 192), 0, 0)),
    "scale is cut": ((100, 64), {"scale": 1.33}, HiresSize(Extent(133, 85), 0, 0)),
    "width alone": ((512, 384), {"resize_x": 1000}, HiresSize(Extent(1000, 750), 0, 0)),
    "height alone": ((512, 384), {"resize_y": 500}, HiresSize(Extent(666, 500), 0, 0)),
    "wider": (
        (512, 512),
        {"resize_x": 1024, "resize_y": 512},
        HiresSize(Extent(1024, 1024), 0, 64),
    ),
    "taller": (
        (512, 512),
        {"resize_x": 512, "resize_y": 900},
        HiresSize(Extent(900, 900), 48, 0),
    ),
    "same shape": (
        (512, 256),
        {"resize_x": 1024, "resize_y": 512},
        HiresSize(Extent(1024, 512), 0, 0),
    ),
}


@pytest.mark.parametrize(("first", "hires", "expected"), SIZES.values(), ids=SIZES)
def test_behaviour_16_sizes(
    first: tuple[int, int], hires: dict[str, Any], expected: HiresSize
) -> None:
    request = Img2ImgRequest(width=first[0], height=first[1], hires=HiresFix(**hires))
    assert request.hires is not None
    assert hires_size(request, request.hires) == expected


@pytest.mark.parametrize(
    ("hires", "size"),
    [
        ({}, (128, 128)),
        ({"scale": 1.5, "upscaler": "Lanczos"}, (96, 96)),
        ({"resize_x": 128, "resize_y": 64}, (128, 64)),
        ({"resize_x": 64, "resize_y": 120, "upscaler": "None"}, (64, 120)),
    ],
    ids=str,
)
def test_the_picture_has_the_second_size_the_infotext_the_first(
    hires: dict[str, Any], size: tuple[int, int]
) -> None:
    done = ran(hires_request(hires))
    assert done.image.size == size
    assert "Size: 64x64" in done.heard.pictures[0].infotext


@pytest.mark.parametrize("mode", LATENT_MODES, ids=lambda mode: mode.name)
def test_behaviour_16_latent_modes(mode: Any) -> None:
    latents = torch.randn(2, 4, 8, 8, generator=torch.Generator().manual_seed(1))
    request = hires_request({"upscaler": mode.name, "scale": 1.5})
    assert request.hires is not None
    family = ToyFamily()
    result = enlarged(latents, request.hires, hires_size(request, request.hires), family, family)
    smooth = {"align_corners": False, "antialias": mode.antialias} if "bi" in mode.mode else {}
    expected = functional.interpolate(latents, size=(12, 12), mode=mode.mode, **smooth)
    assert torch.equal(result, expected)


def test_behaviour_16_the_crop_takes_the_odd_cell_from_the_far_side() -> None:
    """truncate = (upscaled - target) // 8; half of it (rounded down) at the left and the top."""
    columns = torch.arange(64.0).expand(1, 1, 64, 64)
    hires = HiresFix(resize_x=488, resize_y=512, upscaler="Latent (nearest)")
    size = hires_size(Img2ImgRequest(hires=hires), hires)
    assert size == HiresSize(Extent(512, 512), 3, 0)
    result = enlarged(columns, hires, size, ToyFamily(), ToyFamily())
    assert result.shape == (1, 1, 64, 61)
    assert result[0, 0, 0, [0, -1]].tolist() == [1.0, 61.0]


@pytest.mark.parametrize(
    ("name", "resample"),
    [
        ("None", Pillow.Resampling.LANCZOS),
        ("Lanczos", Pillow.Resampling.LANCZOS),
        ("Nearest", Pillow.Resampling.NEAREST),
    ],
)
def test_behaviour_16_pixel_upscalers(name: str, resample: Pillow.Resampling) -> None:
    """Decoded to bytes, resized, encoded again."""
    family = ToyFamily()
    latents = torch.rand(1, 192, 8, 8, generator=torch.Generator().manual_seed(2)) * 2 - 1
    hires = HiresFix(upscaler=name)
    request = Img2ImgRequest(width=64, height=64, hires=hires)
    upscale = PIXEL_UPSCALERS[name]
    result = enlarged(latents, hires, hires_size(request, hires), family, family, upscale)
    (decoded,) = family.decode(latents)
    expected = family.encode(decoded.resize((128, 128), resample))
    assert torch.equal(result[0], expected)


STEPS = {
    "as the first": ({"sampling": {"steps": 4}}, {}, 4, 4),
    "own": ({"sampling": {"steps": 4}}, {"steps": 7}, 4, 7),
    "second order": ({"sampling": {"steps": 4}}, {"sampler": "Heun", "steps": 3}, 4, 5),
    "strength 0": ({"sampling": {"steps": 4, "denoising_strength": 0.0}}, {}, 4, 0),
    "strength 1": ({"sampling": {"steps": 4, "denoising_strength": 1.0}}, {}, 4, 4),
    "own sampler": ({"sampling": {"steps": 4}}, {"sampler": "DDIM", "steps": 6}, 4, 4),
}


@pytest.mark.parametrize(("fields", "hires", "first", "second"), STEPS.values(), ids=STEPS)
def test_behaviour_16_the_second_pass_runs_exactly_its_steps(
    fields: dict[str, Any], hires: dict[str, Any], first: int, second: int
) -> None:
    """Behaviour 6.1: always fix-steps. Heun calls twice but for the last; DDIM skips two (6.4)."""
    family = ToyFamily()
    ran(hires_request(hires, **fields), family)
    small = [x for x in family.inputs if x.shape[-1] == 8]
    large = [x for x in family.inputs if x.shape[-1] == 16]
    assert (len(small), len(large)) == (first, second)


def test_progress_counts_both_passes() -> None:
    done = ran(hires_request({"steps": 6}))
    assert [event.step for event in done.heard.steps] == list(range(1, 11))
    assert {event.steps for event in done.heard.steps} == {10}
    assert done.report.executed_steps == 10
    assert done.heard.steps[-1].preview(PreviewWish()).size == (128, 128)


def test_behaviour_16_fresh_noise_from_the_same_seeds_at_the_new_shape() -> None:
    family = ToyFamily()
    request = hires_request({"upscaler": "Latent (nearest)"}, tuning={"extra_noise": 0.25})
    ran(request, family)
    large = next(k for k, x in enumerate(family.inputs) if x.shape[-1] == 16)
    noise = ImageNoise((192, 16, 16), (1,), (1,), request.seeds).first()
    first = ran(request.model_copy(update={"hires": None}), other := ToyFamily())
    assert first.image.size == (64, 64)
    assert torch.equal(other.inputs[0], family.inputs[0])
    state = family.inputs[large][:1]
    clean = state - noise * (family.levels[large] + 0.25)
    cells = clean.unfold(2, 2, 2).unfold(3, 2, 2)
    assert torch.allclose(cells, cells[..., :1, :1].expand_as(cells), atol=1e-4)


def test_the_noise_multiplier_is_img2imgs() -> None:
    """Behaviour 5.4 and api 2.2."""
    plain, changed = ToyFamily(), ToyFamily()
    ran(hires_request(), plain)
    ran(hires_request(tuning={"initial_noise_multiplier": 0.5}), changed)
    for one, other in zip(plain.inputs, changed.inputs, strict=True):
        assert torch.equal(one, other)


def test_strength_0_only_enlarges() -> None:
    request = hires_request({"upscaler": "Nearest"}, sampling={"denoising_strength": 0.0})
    small = ran(request.model_copy(update={"hires": None})).image
    doubled = small.resize((128, 128), Pillow.Resampling.NEAREST)
    assert (array(ran(request).image) == array(doubled)).all()


def texts_of(request: Img2ImgRequest) -> tuple[set[tuple[int, ...]], set[tuple[int, ...]]]:
    """Token rows that were encoded before and in the second pass."""
    family = ToyFamily()
    split: list[int] = []
    heard = Recorder()
    pipeline = toy_pipeline(family)
    original = heard.on_note

    def on_note(text: str) -> None:
        if text == "Upscaling":
            split.append(len(family.text_encoder.rows))
        original(text)

    heard.on_note = on_note  # type: ignore[method-assign]
    run(request, pipeline, lambda ref: Pillow.new("RGB", (1, 1)), heard)
    rows = family.text_encoder.rows
    return set(rows[: split[0]]), set(rows[split[0] :])


@pytest.mark.parametrize(
    ("hires", "is_new"),
    [({}, False), ({"prompt": "fox"}, True), ({"negative_prompt": "fog"}, True)],
    ids=["same", "prompt", "negative prompt"],
)
def test_behaviour_16_own_prompts(hires: dict[str, Any], is_new: bool) -> None:
    first, second = texts_of(hires_request(hires, prompt="hen", negative_prompt="mud"))
    assert len(first) == 2
    assert bool(second) is is_new


def test_behaviour_9_3_prompt_editing_addresses_both_passes() -> None:
    """1 to 2 is the second pass: `[hen:fox:1.5]` never shows the fox in the first."""
    first, second = texts_of(hires_request(prompt="[hen:fox:1.5]", sampling={"steps": 10}))
    assert len(first) == 2  # hen, and the empty negative prompt
    assert len(second) == 1  # fox; hen is remembered


@pytest.mark.parametrize("kind", [StopKind.NOW, StopKind.SKIP])
@pytest.mark.parametrize("step", [2, 4], ids=["within", "at the end of"])
def test_a_stop_in_the_first_pass_gives_its_picture(kind: StopKind, step: int) -> None:
    done = ran(hires_request(), stop=stop_at(step, kind))
    assert done.image.size == (64, 64)
    assert done.heard.pictures[0].incomplete
    assert done.report.interrupted is (kind is StopKind.NOW)


def test_a_stop_in_the_second_pass_gives_a_large_picture() -> None:
    done = ran(hires_request(), stop=stop_at(6, StopKind.NOW))
    assert done.image.size == (128, 128)
    assert done.heard.pictures[0].incomplete


def test_a_batch_of_three_equals_three_singles() -> None:
    batch = ran(hires_request({"upscaler": "Lanczos"}, batch_size=3, seeds={"seed": 7}))
    for k, image in enumerate(batch.images):
        single = ran(hires_request({"upscaler": "Lanczos"}, seeds={"seed": 7 + k}))
        assert (array(image) == array(single.image)).all()


def test_the_hires_checkpoint_makes_the_second_pass() -> None:
    first, second = ToyFamily(), ToyFamily()
    other = Pipeline(second, "other", "9876543210")
    heard = Recorder()
    run(
        hires_request({"checkpoint": "other", "upscaler": "Lanczos"}),
        toy_pipeline(first),
        lambda ref: Pillow.new("RGB", (1, 1)),
        heard,
        load={"other": other}.__getitem__,
    )
    assert {x.shape[-1] for x in first.inputs} == {8}
    assert {x.shape[-1] for x in second.inputs} == {16}
    assert "Model: toy" in heard.pictures[0].infotext
    assert "Hires checkpoint: other" in heard.pictures[0].infotext


@pytest.mark.parametrize("field", ["hires", "refiner"])
def test_latents_of_another_scale_cannot_go_on(field: str) -> None:
    companion: dict[str, Any] = {
        "hires": HiresFix(checkpoint="other"),
        "refiner": Refiner(checkpoint="other"),
    }
    request = request_for(init_images=(), **{field: companion[field]})
    other = Pipeline(ToyFamily(latent_scale=0.5), "other", "")
    with pytest.raises(ValueError, match="other has other latents than toy"):
        run(
            request,
            toy_pipeline(),
            lambda ref: Pillow.new("RGB", (1, 1)),
            Recorder(),
            load=lambda _: other,
        )


def test_the_infotext_in_a1111s_words() -> None:
    """Behaviour 10.2."""
    hires = {
        "resize_x": 128,
        "resize_y": 96,
        "steps": 3,
        "upscaler": "Latent (bicubic)",
        "sampler": "Euler a",
        "scheduler": "Karras",
        "prompt": "a, b",
        "negative_prompt": "c",
    }
    text = ran(hires_request(hires)).heard.pictures[0].infotext
    assert (
        "Denoising strength: 0.5, Hires resize: 128x96, Hires steps: 3, "
        "Hires upscaler: Latent (bicubic), Hires sampler: Euler a, Hires schedule type: Karras, "
        'Hires prompt: "a, b", Hires negative prompt: c, Version'
    ) in text
    scaled = ran(hires_request()).heard.pictures[0].infotext
    assert "Denoising strength: 0.5, Hires upscale: 2, Hires upscaler: Latent, Version" in scaled


@pytest.mark.parametrize(
    "fields",
    [
        {"init_images": ("a" * 64,), "hires": HiresFix()},
        {"hires": HiresFix(scale=8.0), "width": 2048, "height": 2048},
        {"hires": HiresFix(resize_x=8, resize_y=8)},
    ],
    ids=["img2img", "too large", "too small"],
)
def test_impossible_second_passes_are_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="hires"):
        Img2ImgRequest(**fields)


def test_behaviour_10_6_the_first_pass_can_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """`save_images_before_highres_fix`: decoded when asked for, once for a batch."""
    family, decoded = ToyFamily(), list[int]()
    decode = family.decode

    def counted(latents: torch.Tensor) -> Any:
        decoded.append(len(latents))
        return decode(latents)

    monkeypatch.setattr(family, "decode", counted)
    done = ran(hires_request(batch_size=2), family)
    assert decoded == [2]
    drawn = [one.stages[BEFORE_HIRES]() for one in done.heard.pictures]
    assert decoded == [2, 2]
    plain = run_on(toy_pipeline(), request_for(init_images=(), batch_size=2), {})
    for first, alone in zip(drawn, plain.images, strict=True):
        assert (array(first) == array(alone)).all()
    assert plain.heard.pictures[0].stages == {}
