"""run() with real weights: the built-in checkpoint on photographs (behaviour 20 C and F)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import skimage.data
import torch
from diffusers import EulerDiscreteScheduler, UNet2DConditionModel
from PIL import Image as Pillow
from PIL.Image import Image

from models.load import LoadedCheckpoint
from pipelines.colour import match_colours
from pipelines.events import BEFORE_COLOURS, StopKind
from pipelines.families.sd1 import StableDiffusion1
from pipelines.infotext_apply import apply_infotext
from pipelines.noise import ImageNoise
from pipelines.request import Img2ImgRequest, Inpaint, InpaintArea, MaskedContent, ResizeMode
from pipelines.run import Pipeline
from tests.pipelines.conftest import BUILTIN
from tests.pipelines.pixels import array, box_mask, gradient, noise
from tests.pipelines.run_doubles import INIT, MASK, request_for, run_on, stop_at

PROMPT = "a portrait of a (girl:1.2) with pink hair, [sea|sky]"


def photograph(width: int, height: int) -> Image:
    return (
        Pillow.fromarray(skimage.data.astronaut()).crop((100, 0, 400, 300)).resize((width, height))
    )


PICTURES = {INIT: photograph(96, 80), MASK: box_mask(96, 80, (24, 16, 72, 56))}


def off(one: Image, other: Image) -> int:
    """The largest difference of any byte."""
    assert one.size == other.size
    return int(np.abs(array(one).astype(int) - array(other)).max())


# ---------------------------------------------------------------- the same picture again


@dataclass(frozen=True)
class Case:
    """Settings of one round trip."""

    fields: dict[str, Any]
    masked: bool = False


CASES = {
    "plain": Case({}),
    "ancestral": Case({"sampling": {"sampler": "Euler a"}, "tuning": {"eta_ancestral": 0.7}}),
    "sde with ensd": Case({"sampling": {"sampler": "DPM++ 2M SDE"}, "seeds": {"ensd": 31337}}),
    "exact steps, NV noise": Case(
        {"sampling": {"semantics": "exact", "denoising_strength": 0.3}, "seeds": {"source": "NV"}}
    ),
    "part of the steps": Case(
        {
            "sampling": {
                "semantics": "start_at_step",
                "start_at_step": 1,
                "end_at_step": 3,
                "return_with_leftover_noise": True,
            }
        }
    ),
    "variation and seed resize": Case(
        {
            "seeds": {
                "subseed": 9,
                "subseed_strength": 0.25,
                "resize_from_width": 64,
                "resize_from_height": 128,
            }
        }
    ),
    "text settings": Case(
        {
            "prompt": "(sea:1.3) AND a [red|blue] boat :0.7, BREAK, evening\nwith a comma",
            "negative_prompt": "fog, (rain)",
            "clip_skip": 2,
            "emphasis": "No norm",
        }
    ),
    "schedule settings": Case(
        {
            "sampling": {"sampler": "DPM++ 2M", "scheduler": "Beta", "cfg_scale": 4.5},
            "tuning": {"beta_alpha": 0.7, "ngms": 2.0, "skip_early_cfg": 0.2, "extra_noise": 0.1},
        }
    ),
    "ddim": Case({"sampling": {"sampler": "DDIM", "steps": 6}, "tuning": {"eta_ddim": 0.5}}),
    "crop and resize": Case({"resize_mode": ResizeMode.CROP_AND_RESIZE, "width": 64}),
    "latent upscale": Case({"resize_mode": ResizeMode.LATENT_UPSCALE, "width": 104}),
    "mask": Case({"inpaint": {"blur_x": 4, "blur_y": 4}}, masked=True),
    "only masked, filled": Case(
        {
            "inpaint": {
                "area": InpaintArea.ONLY_MASKED,
                "content": MaskedContent.LATENT_NOISE,
                "padding": 8,
                "invert": True,
                "blur_x": 2,
            },
            "color_correction": True,
        },
        masked=True,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_the_infotext_makes_the_identical_picture_again(name: str, builtin: Pipeline) -> None:
    """Promise 1; behaviour 20 F."""
    case = CASES[name]
    request = request_for(**{"prompt": PROMPT, "width": 96, "height": 80, **case.fields})
    first = run_on(builtin, request, PICTURES)
    base = Img2ImgRequest(init_images=(INIT,), inpaint=Inpaint(mask=MASK) if case.masked else None)
    applied = apply_infotext(first.heard.pictures[0].infotext, base)
    assert (applied.problems, applied.unknown) == ((), {})
    again = run_on(builtin, applied.request, PICTURES)
    assert off(first.image, again.image) == 0
    assert again.heard.pictures[0].infotext == first.heard.pictures[0].infotext


def test_colours_can_be_those_of_another_picture(builtin: Pipeline) -> None:
    """Behaviour 12.3: Loopback keeps to the first picture's colours, of whatever size it is."""
    reference = "c" * 64
    pictures = {**PICTURES, reference: gradient(33, 21)}
    plain = run_on(builtin, request_for(prompt=PROMPT), pictures)
    fields: dict[str, Any] = {"color_correction": True, "color_reference": reference}
    corrected = run_on(builtin, request_for(prompt=PROMPT, **fields), pictures)
    assert off(corrected.image, match_colours(plain.image, gradient(33, 21))) == 0
    assert off(corrected.image, plain.image) > 0
    before = corrected.heard.pictures[0].stages[BEFORE_COLOURS]()  # behaviour 10.6
    assert off(before, plain.image) == 0
    assert plain.heard.pictures[0].stages == {}


def test_any_picture_of_a_job_can_be_made_alone(builtin: Pipeline) -> None:
    request = request_for(prompt=PROMPT, n_iter=2, sampling={"sampler": "Euler a"})
    done = run_on(builtin, request, PICTURES)
    base = Img2ImgRequest(init_images=(INIT,))
    applied = apply_infotext(done.heard.pictures[1].infotext, base)
    assert off(run_on(builtin, applied.request, PICTURES).image, done.images[1]) == 0


def test_a_new_pipeline_without_caches_makes_the_same(
    builtin: Pipeline, builtin_checkpoint: LoadedCheckpoint
) -> None:
    fresh = Pipeline(StableDiffusion1(builtin_checkpoint), "overpaint-tiny", "0123456789")
    request = request_for(prompt=PROMPT, inpaint={})
    runs = [run_on(pipeline, request, PICTURES) for pipeline in (builtin, builtin, fresh)]
    assert off(runs[0].image, runs[1].image) == 0
    assert off(runs[0].image, runs[2].image) == 0


@pytest.mark.parametrize("sampler", ["Euler", "DPM++ SDE", "DDIM"])
def test_a_batch_of_three_is_three_singles_but_for_rounding(
    sampler: str, builtin: Pipeline
) -> None:
    """Matrix products of other shapes add up in another order: one level at most."""
    sampling = {"sampler": sampler, "steps": 4}
    request = request_for(prompt=PROMPT, batch_size=3, sampling=sampling)
    batch = run_on(builtin, request, PICTURES)
    for k, image in enumerate(batch.images):
        single = request_for(prompt=PROMPT, seeds={"seed": 1 + k}, sampling=sampling)
        assert off(image, run_on(builtin, single, PICTURES).image) <= 1
    assert off(batch.images[0], batch.images[1]) > 20


# ---------------------------------------------------------------- the picture that was asked for


def test_the_distance_to_the_photograph_grows_with_the_strength(builtin: Pipeline) -> None:
    photo = photograph(128, 128)
    distances = []
    for strength in (0.0, 0.2, 0.5, 0.8):
        request = request_for(
            prompt=PROMPT,
            width=128,
            height=128,
            sampling={"denoising_strength": strength, "steps": 12, "cfg_scale": 5},
        )
        image = run_on(builtin, request, {INIT: photo}).image
        distances.append(float(np.abs(array(image).astype(int) - array(photo)).mean()))
    assert distances == sorted(distances)
    assert distances[3] > distances[1] * 1.3


def test_the_prompt_matters_and_so_does_cfg(builtin: Pipeline) -> None:
    def image(prompt: str, cfg: float) -> Image:
        request = request_for(
            prompt=prompt, init_images=(), sampling={"steps": 6, "cfg_scale": cfg}
        )
        return run_on(builtin, request, {}).image

    assert off(image("a red house", 5), image("a blue sea", 5)) > 30
    assert off(image("a red house", 5), image("a red house", 1)) > 30


def test_outside_the_mask_the_photograph_is_untouched(builtin: Pipeline) -> None:
    for area in InpaintArea:
        request = request_for(prompt=PROMPT, width=96, height=80, inpaint={"area": area})
        image = run_on(builtin, request, PICTURES).image
        differs = (array(image) != array(PICTURES[INIT])).any(axis=-1)
        assert differs[array(PICTURES[MASK]) == 0].sum() == 0
        assert differs[array(PICTURES[MASK]) == 255].mean() > 0.9


@pytest.mark.parametrize("size", [(72, 104), (71, 69), (64, 120), (136, 64)], ids=str)
def test_sizes_that_are_no_multiple_of_64(size: tuple[int, int], builtin: Pipeline) -> None:
    request = request_for(prompt=PROMPT, width=size[0], height=size[1], sampling={"steps": 2})
    image = run_on(builtin, request, PICTURES).image
    assert image.size == (size[0] // 8 * 8, size[1] // 8 * 8)


def test_an_interrupted_picture_is_recognisable(builtin: Pipeline) -> None:
    """The last prediction, not the noisy state: much nearer to the end than noise is."""
    request = request_for(
        prompt=PROMPT, width=96, height=80, sampling={"steps": 10, "denoising_strength": 0.6}
    )
    whole = run_on(builtin, request, PICTURES).image
    cut = run_on(builtin, request, PICTURES, stop=stop_at(5, StopKind.NOW))
    assert cut.heard.pictures[0].incomplete
    apart, noise_apart = (
        np.abs(array(image).astype(int) - array(whole)).mean()
        for image in (cut.image, noise(96, 80))
    )
    assert apart < 0.25 * noise_apart


# ---------------------------------------------------------------- a second opinion


@pytest.mark.filterwarnings("ignore:__array__ implementation")  # of the scheduler
def test_txt2img_equals_a_plain_loop_with_diffusers(
    builtin: Pipeline, builtin_checkpoint: LoadedCheckpoint
) -> None:
    """Behaviour 7.6: Euler with the uniform schedule is EulerDiscrete with linspace spacing."""
    cfg, steps = 5.0, 6
    request = request_for(
        prompt="a red house",
        init_images=(),
        sampling={"steps": steps, "cfg_scale": cfg, "scheduler": "Uniform"},
    )
    ours = run_on(builtin, request, {}).image
    unet = UNet2DConditionModel.from_pretrained(BUILTIN / "unet", local_files_only=True).eval()
    scheduler = EulerDiscreteScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        timestep_spacing="linspace",
    )
    scheduler.set_timesteps(steps)
    ids = builtin_checkpoint.tokenizer(
        ["", "a red house"], padding="max_length", max_length=77, return_tensors="pt"
    ).input_ids
    seeds = request.seeds
    x = ImageNoise((4, 8, 8), (1,), (1,), seeds).first() * scheduler.sigmas[0]
    with torch.no_grad():
        text = builtin_checkpoint.text_encoder(ids).last_hidden_state
        for t in scheduler.timesteps:
            both = scheduler.scale_model_input(torch.cat([x, x]), t)
            uncond, cond = unet(both, t, encoder_hidden_states=text).sample.chunk(2)
            x = scheduler.step(uncond + cfg * (cond - uncond), t, x).prev_sample
        pixels = builtin_checkpoint.vae.decode(x / builtin_checkpoint.vae_scale).sample[0]
    bytes_ = (((pixels + 1) / 2).clamp(0, 1) * 255).to(torch.uint8).permute(1, 2, 0)
    assert off(ours, Pillow.fromarray(bytes_.numpy())) <= 1
