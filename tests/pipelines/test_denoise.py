"""The denoise loop: where masks are blended, what is previewed, how it ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from pipelines.denoise import Denoised, DenoiseJob, Interrupted, See, denoise
from pipelines.events import PreviewContent
from pipelines.families.base import ModelOutputError
from pipelines.inpaint import LatentMask
from pipelines.noise import ImageNoise
from pipelines.prompt.conditioning import Conditioning
from pipelines.request import SamplerTuning, Sampling, Seeds
from pipelines.sampler_types import StepInfo
from pipelines.samplers import plan_course
from pipelines.samplers_timestep import predicted_x0
from tests.pipelines.toy_family import ToyFamily

K, TIMESTEP = ["Euler", "Heun", "DPM++ 2M", "DPM++ SDE"], ["DDIM", "DDIM CFG++", "PLMS", "UniPC"]
SHAPE = (192, 4, 5)
REPAINT = torch.zeros(1, 1, 4, 5)
REPAINT[..., 1:3, 1:4] = 1.0
KEPT = (REPAINT == 0).expand(2, *SHAPE)


def init() -> Tensor:
    return torch.rand(2, *SHAPE, generator=torch.Generator().manual_seed(9)) * 2 - 1


@dataclass
class Loop:
    """One batch of two on the toy family, with everything `on_step` got."""

    result: Denoised
    steps: list[StepInfo]
    previews: list[Tensor]
    sides: list[dict[PreviewContent, Tensor]]
    family: ToyFamily


def loop(
    sampler: str,
    *,
    mask: bool = True,
    steps: int = 8,
    cfg: float = 7.0,
    family: ToyFamily | None = None,
    prompt: str = "hen",
    on_step: Callable[[StepInfo], None] = lambda _: None,
) -> Loop:
    family = family or ToyFamily()
    sampling = Sampling(sampler=sampler, steps=steps)
    total = steps * 2 if sampler in ("Heun", "DPM++ SDE") else steps
    conditioning = Conditioning.build(family.text_encoder, [prompt] * 2, ["fog"] * 2, steps=total)
    request_seeds = Seeds(seed=1, subseed=1)
    noise = ImageNoise(SHAPE, (1, 2), (1, 2), request_seeds)
    course = plan_course(sampling, SamplerTuning(), family.schedule, txt2img=False)
    x = course.noised(init(), noise.first())
    job = DenoiseJob(
        family, course, conditioning, cfg, total, LatentMask(init(), REPAINT) if mask else None
    )
    infos: list[StepInfo] = []
    previews: list[Tensor] = []
    sides: list[dict[PreviewContent, Tensor]] = []

    def heard(info: StepInfo, see: See) -> None:
        infos.append(info)
        previews.append(see(PreviewContent.PROMPT))
        sides.append({content: see(content) for content in PreviewContent})
        on_step(info)

    return Loop(denoise(job, x, noise, heard), infos, previews, sides, family)


@pytest.mark.parametrize("sampler", K + TIMESTEP)
def test_the_result_is_the_init_latent_outside_the_mask(sampler: str) -> None:
    """Behaviour 5.3: to the last bit."""
    latents = loop(sampler).result.latents
    assert torch.equal(latents[KEPT], init()[KEPT])
    assert not torch.isclose(latents[~KEPT], init()[~KEPT]).any(dim=0).all()


@pytest.mark.parametrize("sampler", K)
def test_k_samplers_get_a_blended_prediction(sampler: str) -> None:
    """Behaviour 5.2: D is blended at every call, with the clean latent."""
    done = loop(sampler)
    for info in done.steps:
        assert torch.equal(info.denoised[KEPT], init()[KEPT])
        assert not torch.equal(info.denoised[~KEPT], init()[~KEPT])


@pytest.mark.parametrize("sampler", TIMESTEP)
def test_timestep_samplers_go_their_way_outside_the_mask(sampler: str) -> None:
    """Behaviour 5.2: their state is not touched, so their prediction differs from the picture."""
    done = loop(sampler)
    assert not torch.equal(done.steps[0].denoised[KEPT], init()[KEPT])
    for seen in done.family.inputs:
        assert torch.equal(seen[:2][KEPT], init()[KEPT])


@pytest.mark.parametrize("sampler", K + TIMESTEP)
def test_without_a_mask_everything_is_repainted(sampler: str) -> None:
    latents = loop(sampler, mask=False).result.latents
    assert (latents != init()).float().mean() > 0.99


@pytest.mark.parametrize("sampler", K + TIMESTEP)
@pytest.mark.parametrize("mask", [True, False], ids=["mask", "plain"])
def test_an_interrupt_gives_the_last_prediction(sampler: str, mask: bool) -> None:
    def stop(info: StepInfo) -> None:
        if info.index == 2:
            raise Interrupted

    done = loop(sampler, mask=mask, on_step=stop)
    assert done.result.incomplete
    expected = done.steps[-1].denoised
    expected = LatentMask(init(), REPAINT).blend(expected) if mask else expected
    assert torch.equal(done.result.latents, expected)
    assert len(done.steps) == 3


def test_other_exceptions_pass_through() -> None:
    def fail(_: StepInfo) -> None:
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="disk"):
        loop("Euler", on_step=fail)


@pytest.mark.parametrize("sampler", ["Euler", "DDIM"])
@pytest.mark.parametrize("interrupted", [True, False], ids=["interrupted", "to the end"])
def test_nan_is_never_a_picture(sampler: str, interrupted: bool) -> None:
    def stop(_: StepInfo) -> None:
        if interrupted:
            raise Interrupted

    with pytest.raises(ModelOutputError, match="the model gave NaN"):
        loop(sampler, family=ToyFamily(nan_from_call=0), on_step=stop)


@pytest.mark.parametrize("mask", [True, False], ids=["mask", "plain"])
@pytest.mark.parametrize("sampler", [*K, *TIMESTEP])
def test_the_preview_is_what_the_prompt_alone_predicts(sampler: str, mask: bool) -> None:
    """Behaviour 14.2: with CFG 1 that is the prediction itself, with 7 it is still that."""
    one, seven = loop(sampler, mask=mask, cfg=1.0), loop(sampler, mask=mask, cfg=7.0)
    if sampler != "DDIM CFG++":  # its scale is 12.5 times smaller
        expected = one.steps[0].denoised
        expected = LatentMask(init(), REPAINT).blend(expected) if mask else expected
        assert torch.allclose(one.previews[0], expected, atol=1e-5)
    assert torch.allclose(seven.previews[0], one.previews[0], atol=1e-5)
    assert not torch.allclose(seven.steps[0].denoised, one.steps[0].denoised, atol=1e-3)


@pytest.mark.parametrize("mask", [True, False], ids=["mask", "plain"])
@pytest.mark.parametrize("sampler", ["Euler", "DDIM"])
def test_previews_of_either_side_and_of_both(sampler: str, mask: bool) -> None:
    """Guidance is linear: the combined one lies beyond the prompt's by (CFG - 1) differences."""
    done = loop(sampler, mask=mask, cfg=7.0)
    first = done.sides[0]
    prompt, negative, combined = (first[content] for content in PreviewContent)
    assert torch.allclose(combined, negative + 7.0 * (prompt - negative), atol=1e-4)
    assert not torch.allclose(prompt, negative, atol=1e-3)
    expected = done.steps[0].denoised
    expected = LatentMask(init(), REPAINT).blend(expected) if mask else expected
    assert torch.allclose(combined, expected, atol=1e-5)


def test_ddim_cfgpp_goes_back_along_the_negative_prompt_with_a_small_scale() -> None:
    """Behaviour 7.4: CFG times 1/12.5; at CFG 12.5 the first prediction is the prompt's own."""
    plain = loop("DDIM", mask=False, cfg=1.0)
    scaled = loop("DDIM CFG++", mask=False, cfg=12.5)
    assert torch.allclose(plain.steps[0].denoised, scaled.steps[0].denoised, atol=1e-5)
    assert not torch.allclose(plain.result.latents, scaled.result.latents, atol=1e-3)


def test_timesteps_and_sigmas_mean_the_same_noise_level() -> None:
    """D(x, sigma) of the k world is x0 of the timestep world (behaviour 7.5)."""
    family = ToyFamily()
    context = torch.full((1, 77, 2), 0.3)
    x0_scale = torch.randn(1, *SHAPE, generator=torch.Generator().manual_seed(4))
    for t in (1, 51, 500, 951):
        sigma, alpha = family.schedule.sigmas[t], float(family.schedule.alphas[t])
        level, step = sigma.view(1), torch.tensor([float(t)])
        denoised = family.denoised(x0_scale * sigma, level, step, context)
        vp = x0_scale * sigma * alpha**0.5
        assert torch.allclose(
            denoised, predicted_x0(vp, family.epsilon(vp, step, context), alpha), atol=2e-4
        )


@pytest.mark.parametrize("sampler", ["Heun", "DPM++ SDE"])
def test_second_order_samplers_count_calls_for_prompt_editing(sampler: str) -> None:
    """Behaviour 7.1: total steps are doubled, so 0.5 switches after half of the calls."""
    switched, plain = loop(sampler, prompt="[hen:fox:0.5]", cfg=1.0), loop(sampler, cfg=1.0)
    same = [
        torch.equal(one, other)
        for one, other in zip(switched.family.inputs, plain.family.inputs, strict=True)
    ]
    assert sum(same) == 8 + 1 + 1  # calls 0 to 8 use hen; call 9 sees a state made with hen
