"""run(): batches, seeds, resuming, stopping, notes and masked content, on the toy family.

What it promises about unmasked pixels is in test_run_exact.py, real weights are in
test_run_builtin.py.
"""

from __future__ import annotations

from typing import Any

import pytest
import torch
from PIL import Image as Pillow
from PIL.Image import Image
from torch import Tensor

from pipelines.events import PreviewKind, PreviewWish, StopKind
from pipelines.families.base import ModelOutputError
from pipelines.fill import fill
from pipelines.geometry import Extent
from pipelines.masks import fingerprint, latent_mask
from pipelines.noise import ImageNoise
from pipelines.prepare import PrepareError
from pipelines.request import Img2ImgRequest, MaskedContent, ResizeMode, Seeds
from pipelines.run import ENCODED_KEPT
from tests.pipelines.pixels import array, box_mask, gradient, noise
from tests.pipelines.run_doubles import INIT, INIT_2, MASK, Ran, request_for, run_on, stop_at
from tests.pipelines.toy_family import ToyFamily, toy_pipeline

PICTURES = {INIT: noise(64, 64), MASK: box_mask(64, 64, (16, 16, 48, 48))}
SAMPLERS = ["Euler", "Euler a", "DPM++ 2M", "DPM++ SDE", "DPM2 a", "LCM", "DDIM", "PLMS", "UniPC"]


def ran(request: Img2ImgRequest, family: ToyFamily | None = None, **more: Any) -> Ran:
    return run_on(toy_pipeline(family), request, more.pop("pictures", PICTURES), **more)


def same(one: Image, other: Image) -> bool:
    return one.size == other.size and bool((array(one) == array(other)).all())


# ---------------------------------------------------------------- how many steps


@pytest.mark.parametrize(
    ("sampling", "steps", "calls"),
    [
        ({"sampler": "Euler"}, 16, 16),
        ({"sampler": "Euler", "semantics": "exact"}, 20, 20),
        ({"sampler": "Euler", "semantics": "diffusers"}, 15, 15),
        ({"sampler": "Euler", "semantics": "start_at_step", "start_at_step": 5}, 15, 15),
        ({"sampler": "Euler", "denoising_strength": 1.0}, 20, 20),
        ({"sampler": "Euler", "denoising_strength": 0.0}, 1, 1),
        ({"sampler": "Heun"}, 16, 31),
        ({"sampler": "DPM2"}, 16, 31),
        ({"sampler": "DPM++ SDE"}, 16, 31),
        ({"sampler": "DPM++ 2M", "scheduler": "KL Optimal"}, 16, 16),
        ({"sampler": "DDIM"}, 14, 14),
        ({"sampler": "DDIM", "denoising_strength": 1.0}, 18, 18),
        ({"sampler": "PLMS"}, 14, 15),
        ({"sampler": "UniPC"}, 15, 15),
    ],
    ids=lambda value: "-".join(map(str, value.values())) if isinstance(value, dict) else None,
)
def test_executed_steps_and_network_calls(sampling: dict[str, Any], steps: int, calls: int) -> None:
    """20 steps at 0.75 (behaviour 6.2, 6.4 [T], 6.6). CFG's two sides share a call."""
    family = ToyFamily()
    done = ran(request_for(sampling={"steps": 20, "denoising_strength": 0.75, **sampling}), family)
    assert done.report.executed_steps == steps
    assert len(family.levels) == calls
    assert [event.step for event in done.heard.steps] == list(range(1, steps + 1))
    assert {event.steps for event in done.heard.steps} == {steps}


def test_txt2img_runs_all_steps_from_noise_alone() -> None:
    family = ToyFamily()
    request = request_for(init_images=(), sampling={"steps": 6, "denoising_strength": 0.2})
    done = ran(request, family, pictures={})
    noise_ = first_noise([1], (64, 64))
    assert torch.equal(family.inputs[0][:1], noise_ * family.levels[0])
    assert family.levels[0] == pytest.approx(14.6146, rel=1e-4)
    assert (done.report.executed_steps, family.encoded) == (6, 0)
    assert "Denoising strength" not in done.heard.pictures[0].infotext


@pytest.mark.parametrize(
    ("size", "given"), [((71, 69), (64, 64)), ((64, 100), (64, 96)), ((72, 64), (72, 64))], ids=str
)
def test_latents_have_whole_cells_only(size: tuple[int, int], given: tuple[int, int]) -> None:
    """Behaviour 1.4."""
    request = request_for(init_images=(), width=size[0], height=size[1])
    done = ran(request, pictures={})
    assert done.image.size == given
    assert (done.report.width, done.report.height) == size


# ---------------------------------------------------------------- batches and seeds


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("masked", [False, True], ids=["plain", "masked"])
def test_a_batch_of_three_equals_three_singles(sampler: str, masked: bool) -> None:
    """Behaviour 8.2 and 20 C; exactly, as the toy network works on each value alone."""
    common: dict[str, Any] = {
        "sampling": {"sampler": sampler},
        "inpaint": {"content": MaskedContent.LATENT_NOISE} if masked else None,
        "prompt": "a (hen:1.2) AND [fox|cat] :0.5",
    }
    batch = ran(request_for(batch_size=3, seeds={"seed": 7}, **common))
    singles = [ran(request_for(seeds={"seed": 7 + k}, **common)) for k in range(3)]
    assert [picture.seed for picture in batch.heard.pictures] == [7, 8, 9]
    for image, single in zip(batch.images, singles, strict=True):
        assert same(image, single.image)
    assert not same(batch.images[0], batch.images[1])


def test_batch_count_gives_the_pictures_of_one_big_batch() -> None:
    counted = ran(request_for(n_iter=3, batch_size=2))
    whole = ran(request_for(batch_size=6))
    assert [picture.position for picture in counted.heard.pictures] == list(range(6))
    for one, other in zip(counted.images, whole.images, strict=True):
        assert same(one, other)


@pytest.mark.parametrize("first", [1, 2, 3])
def test_a_resumed_job_makes_the_rest_as_it_would_have_been(first: int) -> None:
    request = request_for(
        n_iter=3,
        batch_size=2,
        sampling={"sampler": "Euler a"},
        inpaint={"content": MaskedContent.LATENT_NOISE},
    )
    whole, rest = ran(request), ran(request, first_batch=first)
    assert [picture.position for picture in rest.heard.pictures] == list(range(2 * first, 6))
    for one, other in zip(whole.images[2 * first :], rest.images, strict=True):
        assert same(one, other)


def test_variations_keep_the_seed_and_count_the_subseed() -> None:
    """Behaviour 8.1."""
    request = request_for(batch_size=2, seeds={"subseed": 5, "subseed_strength": 0.3})
    done = ran(request)
    assert [(p.seed, p.subseed) for p in done.heard.pictures] == [(1, 5), (1, 6)]
    assert "Variation seed: 6" in done.heard.pictures[1].infotext
    assert not same(*done.images)


@pytest.mark.parametrize("seed", [0, 1, 2**32 - 1, 2**32, 2**63, 2**64 - 1])
@pytest.mark.parametrize("source", ["CPU", "GPU", "NV"])
@pytest.mark.parametrize("sampler", ["Euler a", "DPM++ SDE"])
def test_every_seed_works(seed: int, source: str, sampler: str) -> None:
    """The second picture's seed may lie beyond 64 bits; ENSD goes there, too."""
    request = request_for(
        batch_size=2,
        seeds={"seed": seed, "source": source, "ensd": 2**31 - 1},
        sampling={"sampler": sampler, "steps": 2},
    )
    done = ran(request)
    assert [picture.seed for picture in done.heard.pictures] == [seed, seed + 1]
    assert not same(*done.images)


@pytest.mark.parametrize("seed", [-2, 2**64], ids=str)
def test_other_seeds_are_refused(seed: int) -> None:
    with pytest.raises(ValueError, match="seed"):
        Seeds(seed=seed)


# ---------------------------------------------------------------- several init images


def test_each_init_image_gives_its_own_picture() -> None:
    pictures = {INIT: noise(64, 64, seed=1), INIT_2: noise(64, 64, seed=2)}
    request = request_for(init_images=(INIT, INIT_2), batch_size=2)
    both = ran(request, pictures=pictures)
    first = ran(request_for(), pictures=pictures)
    second = ran(request_for(init_images=(INIT_2,), seeds={"seed": 2}), pictures=pictures)
    assert same(both.images[0], first.image)
    assert same(both.images[1], second.image)


def test_init_images_are_taken_in_turn_by_a_larger_batch() -> None:
    pictures = {INIT: noise(64, 64, seed=1), INIT_2: noise(64, 64, seed=2)}
    request = request_for(init_images=(INIT, INIT_2), batch_size=3)
    done = ran(request, pictures=pictures)
    third = ran(request_for(seeds={"seed": 3}), pictures=pictures)
    assert same(done.images[2], third.image)


def test_init_images_of_several_sizes_meet_in_latents() -> None:
    pictures = {INIT: noise(80, 72, seed=1), INIT_2: noise(40, 96, seed=2)}
    mode = ResizeMode.LATENT_UPSCALE
    request = request_for(init_images=(INIT, INIT_2), batch_size=2, resize_mode=mode)
    both = ran(request, pictures=pictures)
    first = ran(request_for(resize_mode=mode), pictures=pictures)
    assert same(both.images[0], first.image)


# ---------------------------------------------------------------- masked content


def first_noise(seeds: list[int], size: tuple[int, int]) -> Tensor:
    shape = (192, size[1] // 8, size[0] // 8)
    return ImageNoise(shape, seeds, seeds, Seeds(seed=seeds[0]), "cpu").first()


def starts(content: MaskedContent, n_iter: int = 1) -> tuple[ToyFamily, list[Tensor]]:
    """The states that sampling started from, one per batch."""
    family = ToyFamily()
    ran(request_for(inpaint={"content": content}, n_iter=n_iter), family)
    calls = len(family.levels) // n_iter
    return family, [family.inputs[batch * calls][:1] for batch in range(n_iter)]


def inside() -> Tensor:
    grid = latent_mask(PICTURES[MASK], Extent(8, 8), round=True)
    return torch.from_numpy(grid).bool().expand(1, 192, 8, 8)


def test_latent_noise_is_the_sampling_noise_of_the_first_batch() -> None:
    """Behaviour 4.2 and trap 10: later batches keep it, whatever their own noise."""
    family, (first, second) = starts(MaskedContent.LATENT_NOISE, n_iter=2)
    sigma = family.levels[0]
    own, other = first_noise([1], (64, 64)), first_noise([2], (64, 64))
    assert torch.allclose(first[inside()], (own + own * sigma)[inside()], atol=1e-6)
    assert torch.allclose(second[inside()], (own + other * sigma)[inside()], atol=1e-6)
    clean = family.encode(PICTURES[INIT])[None] + own * sigma
    assert torch.equal(first[~inside()], clean[~inside()])


def test_latent_nothing_starts_from_noise_alone() -> None:
    """Behaviour 4."""
    family, (first,) = starts(MaskedContent.LATENT_NOTHING)
    own = first_noise([1], (64, 64)) * family.levels[0]
    assert torch.equal(first[inside()], own[inside()])
    clean = family.encode(PICTURES[INIT])[None] + own
    assert torch.equal(first[~inside()], clean[~inside()])


@pytest.mark.parametrize("content", [MaskedContent.FILL, MaskedContent.ORIGINAL])
def test_pixel_contents_start_from_their_picture(content: MaskedContent) -> None:
    """Behaviour 4."""
    family, (first,) = starts(content)
    picture = PICTURES[INIT]
    if content is MaskedContent.FILL:
        picture = fill(picture, PICTURES[MASK])
    clean = family.encode(picture)[None] + first_noise([1], (64, 64)) * family.levels[0]
    assert torch.equal(first, clean)


@pytest.mark.parametrize("sampler", ["DDIM", "PLMS", "UniPC"])
def test_timestep_samplers_show_the_network_the_clean_picture_outside(sampler: str) -> None:
    """Behaviour 5.2 and trap 11: un-noised, at every call."""
    family = ToyFamily()
    ran(request_for(inpaint={}, sampling={"sampler": sampler, "steps": 8}), family)
    clean = family.encode(PICTURES[INIT])[None]
    assert len(family.inputs) >= 4
    for seen in family.inputs:
        assert torch.equal(seen[:1][~inside()], clean[~inside()])
        assert not torch.equal(seen[:1][inside()], clean[inside()])


@pytest.mark.parametrize("sampler", ["Euler", "DPM++ 2M", "Heun"])
def test_k_samplers_show_the_network_the_noisy_picture_outside(sampler: str) -> None:
    """Behaviour 5.2: there the prediction is blended, not the input."""
    family = ToyFamily()
    ran(request_for(inpaint={}, sampling={"sampler": sampler}), family)
    clean = family.encode(PICTURES[INIT])[None]
    own = first_noise([1], (64, 64))
    for seen, sigma in zip(family.inputs, family.levels, strict=True):
        assert torch.allclose(
            seen[:1][~inside()], (clean + own * sigma)[~inside()], atol=1e-4 * (1 + sigma)
        )


# ---------------------------------------------------------------- stopping


@pytest.mark.parametrize(
    ("kind", "step", "made", "incomplete", "interrupted"),
    [
        (StopKind.NOW, 2, 1, [True], True),
        (StopKind.NOW, 4, 1, [False], True),
        (StopKind.SKIP, 2, 3, [True, False, False], False),
        (StopKind.SKIP, 4, 3, [False, False, False], False),
        (StopKind.AFTER_CURRENT, 2, 1, [False], True),
    ],
    ids=["now", "now at the last step", "skip", "skip at the last step", "after this batch"],
)
def test_stopping_in_the_first_of_three_batches(
    kind: StopKind, step: int, made: int, incomplete: list[bool], interrupted: bool
) -> None:
    request = request_for(n_iter=3)
    done = ran(request, stop=stop_at(step, kind))
    assert [picture.incomplete for picture in done.heard.pictures] == incomplete
    assert done.report.interrupted == interrupted
    last = sum(event.batch == 0 for event in done.heard.steps)
    assert last == (4 if kind is StopKind.AFTER_CURRENT else step)
    assert len(done.images) == made
    for image, whole, cut in zip(done.images, ran(request).images, incomplete, strict=False):
        assert same(image, whole) != cut


@pytest.mark.parametrize("kind", [StopKind.NOW, StopKind.AFTER_CURRENT], ids=str)
def test_stopping_before_the_first_step_makes_nothing(kind: StopKind) -> None:
    done = ran(request_for(n_iter=2), stop=lambda _: kind)
    assert (done.images, done.report.interrupted) == ([], True)


def test_stopping_after_the_last_batch_is_no_interruption() -> None:
    done = ran(request_for(n_iter=2), stop=stop_at(1, StopKind.AFTER_CURRENT, batch=1))
    assert (len(done.images), done.report.interrupted) == (2, False)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_an_interrupted_picture_keeps_what_is_outside_the_mask(sampler: str) -> None:
    request = request_for(inpaint={}, sampling={"sampler": sampler, "steps": 8})
    done = ran(request, stop=stop_at(2, StopKind.NOW))
    outside = array(PICTURES[MASK]) == 0
    assert done.heard.pictures[0].incomplete
    assert (array(done.image)[outside] == array(PICTURES[INIT])[outside]).all()


# ---------------------------------------------------------------- what the listener hears


def test_progress_counts_over_batches() -> None:
    done = ran(request_for(n_iter=2))
    assert [(event.batch, event.batches, event.step) for event in done.heard.steps] == [
        (batch, 2, step) for batch in (0, 1) for step in (1, 2, 3, 4)
    ]
    assert done.heard.notes == ["Encoding", "Decoding", "Decoding"]


def test_previews_have_the_working_size_and_follow_the_picture() -> None:
    request = request_for(width=72, height=64, sampling={"denoising_strength": 0.3})
    done = ran(request, pictures={INIT: box_mask(72, 64, (0, 0, 36, 64)).convert("RGB")})
    preview = done.heard.steps[-1].preview(PreviewWish())
    assert (preview.size, preview.mode) == ((72, 64), "RGB")
    shown = array(preview).mean(axis=(0, 2))
    assert shown[:24].mean() > shown[48:].mean() + 50


def test_previews_show_the_first_picture_or_the_batch_as_a_grid() -> None:
    event = ran(request_for(batch_size=3, width=72, height=64)).heard.steps[-1]
    alone = event.preview(PreviewWish(whole_batch=False))
    grid = event.preview(PreviewWish())
    assert (alone.size, grid.size) == ((72, 64), (144, 128))
    assert same(grid.crop((0, 0, 72, 64)), alone)
    assert not same(grid.crop((72, 0, 144, 64)), alone)
    assert array(grid.crop((72, 64, 144, 128))).min() == 255


@pytest.mark.parametrize("inpaint", [None, {}], ids=["whole", "mask"])
def test_a_stopped_picture_can_be_its_preview(inpaint: dict[str, Any] | None) -> None:
    request = request_for(inpaint=inpaint, sampling={"steps": 8})
    stop = stop_at(2, StopKind.NOW)
    exact = ran(request, stop=stop_at(2, StopKind.NOW))
    quick = ran(request, stop=stop, interrupted_as=PreviewKind.APPROX_NN)
    assert (quick.heard.pictures[0].incomplete, quick.image.size) == (True, exact.image.size)
    assert not same(quick.image, exact.image)
    outside = array(PICTURES[MASK]) == 0
    kept = array(quick.image)[outside] == array(PICTURES[INIT])[outside]
    assert kept.all() == (inpaint is not None)


def test_finished_pictures_are_decoded_whatever_stopped_ones_are() -> None:
    plain = ran(request_for())
    assert same(ran(request_for(), interrupted_as=PreviewKind.APPROX_NN).image, plain.image)


def test_the_infotext_tells_this_pictures_seed_and_this_model() -> None:
    request = request_for(
        prompt="# two\na hen", batch_size=2, sampling={"sampler": "Euler a"}, negative_prompt="fog"
    )
    picture = ran(request).heard.pictures[1]
    assert picture.prompt == "\na hen"
    assert picture.infotext.startswith(
        "a hen\nNegative prompt: fog\nSteps: 4, Sampler: Euler a, Schedule type: Automatic, "
        "CFG scale: 7, Seed: 2, Size: 64x64, Model hash: 0123456789, Model: toy, "
        "Denoising strength: 0.75"
    )


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"prompt": "<lora:paint:1> hen"}, "Lora not found: paint"),
        ({"sampling": {"sampler": "Nobody's"}}, 'Unknown sampler "Nobody\'s"'),
        ({"sampling": {"scheduler": "Nobody's"}}, 'Unknown schedule type "Nobody\'s"'),
    ],
    ids=["network", "sampler", "schedule"],
)
def test_what_was_left_out_or_replaced_is_said_once(fields: dict[str, Any], said: str) -> None:
    done = ran(request_for(n_iter=2, **fields))
    assert [note for note in done.report.notes if said in note] == list(done.report.notes)
    assert len(done.report.notes) == 1


def test_network_tags_are_no_text() -> None:
    plain = ran(request_for(prompt="hen"))
    assert same(ran(request_for(prompt="hen<lora:paint:1>")).image, plain.image)


# ---------------------------------------------------------------- what is remembered


def test_the_same_picture_is_encoded_once_over_all_jobs() -> None:
    family = ToyFamily()
    pipeline = toy_pipeline(family)
    for seed in (1, 2):
        run_on(pipeline, request_for(seeds={"seed": seed}), PICTURES)
    assert family.encoded == 1
    for seed in range(ENCODED_KEPT):
        run_on(pipeline, request_for(), {INIT: noise(64, 64, seed=100 + seed)})
    run_on(pipeline, request_for(), PICTURES)
    assert family.encoded == 1 + ENCODED_KEPT + 1


def test_pictures_of_equal_bytes_and_other_shape_are_not_mixed_up() -> None:
    family = ToyFamily()
    pipeline = toy_pipeline(family)
    for size in ((64, 128), (128, 64)):
        request = request_for(width=size[0], height=size[1])
        done = run_on(pipeline, request, {INIT: Pillow.new("RGB", size, "red")})
        assert done.image.size == size
    assert family.encoded == 2


def test_a_remembered_latent_is_not_changed_by_a_job() -> None:
    pipeline = toy_pipeline()
    request = request_for(inpaint={"content": MaskedContent.ORIGINAL})
    before = run_on(pipeline, request, PICTURES).image
    run_on(pipeline, request_for(inpaint={"content": MaskedContent.LATENT_NOTHING}), PICTURES)
    assert same(run_on(pipeline, request, PICTURES).image, before)


# ---------------------------------------------------------------- what cannot be done


@pytest.mark.parametrize("sampler", ["Euler", "DDIM"])
@pytest.mark.parametrize("masked", [False, True], ids=["plain", "masked"])
@pytest.mark.parametrize("call", [0, 2])
def test_nan_of_the_network_is_an_error_with_a_way_out(
    sampler: str, masked: bool, call: int
) -> None:
    request = request_for(sampling={"sampler": sampler, "steps": 6}, inpaint={} if masked else None)
    with pytest.raises(ModelOutputError, match=r"NaN, so there is no picture; a lower CFG scale"):
        ran(request, ToyFamily(nan_from_call=call))


def test_nan_of_the_vae_reaches_the_caller() -> None:
    with pytest.raises(ModelOutputError, match="the VAE gave NaN"):
        ran(request_for(), ToyFamily(nan_in_vae=True))


def test_a_missing_picture_reaches_the_caller() -> None:
    with pytest.raises(KeyError):
        ran(request_for(), pictures={})


def test_a_picture_too_small_for_the_latent_upscale_is_refused() -> None:
    request = request_for(resize_mode=ResizeMode.LATENT_UPSCALE)
    with pytest.raises(PrepareError, match="at least 8 pixels a side"):
        ran(request, pictures={INIT: noise(7, 64)})


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (300, 1), (7, 9)], ids=str)
def test_tiny_pictures_are_enlarged(size: tuple[int, int]) -> None:
    assert ran(request_for(), pictures={INIT: gradient(*size)}).image.size == (64, 64)


def test_the_infotext_names_the_mask_and_only_with_one() -> None:
    mask = box_mask(64, 64, (8, 8, 24, 24))
    done = ran(request_for(inpaint={}), pictures={INIT: noise(64, 64), MASK: mask})
    assert f"Mask hash: {fingerprint(mask)}" in done.heard.pictures[0].infotext
    assert "Mask hash" not in ran(request_for()).heard.pictures[0].infotext


def test_a_mask_of_another_size_is_stretched_and_that_is_said() -> None:
    pictures = {INIT: noise(64, 64), MASK: box_mask(32, 16, (8, 4, 24, 12))}
    done = ran(request_for(inpaint={}), pictures=pictures)
    assert done.report.notes == (
        "The mask is 32x16 and the picture 64x64; the mask was stretched to the picture.",
    )


def test_an_inpainted_picture_brings_its_overlay_mask() -> None:
    """Behaviour 2.6, 5.7: doubled in the whole-picture mode; none without a mask."""
    mask = Pillow.new("L", (64, 64))
    mask.paste(100, (16, 16, 48, 48))
    request = request_for(inpaint={"blur_x": 0, "blur_y": 0})
    done = ran(request, pictures={INIT: noise(64, 64), MASK: mask})
    found = done.heard.pictures[0].mask
    assert found is not None
    assert (found.size, found.getpixel((20, 20)), found.getpixel((0, 0))) == ((64, 64), 200, 0)
    assert ran(request_for()).heard.pictures[0].mask is None
