"""The way into all samplers: courses, starts, batches, interrupts (behaviour 5.4, 6, 7)."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from pipelines.brownian import BrownianNoise
from pipelines.noise import ImageNoise
from pipelines.request import NoiseSource, SamplerTuning, Sampling, Seeds
from pipelines.sampler_names import SAMPLERS, find_sampler
from pipelines.sampler_types import StepInfo
from pipelines.samplers import _K_SAMPLERS, _TIMESTEP_SAMPLERS, Course, plan_course, run_sampler
from pipelines.schedules import NoiseSchedule

from .sampler_toys import SCHEDULE, ToyDenoiser, ToyEps, course_for, step_log

NAMES = [info.name for info in SAMPLERS]
SHAPE = (4, 6, 5)


def image_noise(seeds: list[int]) -> ImageNoise:
    return ImageNoise(SHAPE, seeds, [0] * len(seeds), Seeds())


def sampled(course: Course, seeds: list[int], x0: Tensor | None = None) -> Tensor:
    noise = image_noise(seeds)
    model: ToyDenoiser | ToyEps = ToyEps()
    if course.sampler.family == "k":
        model = ToyDenoiser(course.schedule)
    x = course.noised(x0, noise.first())
    return run_sampler(course, model, x, noise=noise, on_step=step_log()[1])


def test_every_name_has_a_function() -> None:
    k_names = {info.name for info in SAMPLERS if info.family == "k"}
    assert set(_K_SAMPLERS) == k_names
    assert set(_TIMESTEP_SAMPLERS) == set(NAMES) - k_names


@pytest.mark.parametrize("txt2img", [True, False], ids=["txt2img", "img2img"])
@pytest.mark.parametrize("name", [name for name in NAMES if name != "DPM adaptive"])
def test_batch_of_three_is_three_singles(name: str, txt2img: bool) -> None:
    """Acceptance test C of behaviour 20."""
    course = course_for(name, txt2img=txt2img, steps=10)
    x0 = torch.linspace(-1, 1, math.prod(SHAPE)).view(1, *SHAPE)
    batch = sampled(course, [4, 9, 2], None if txt2img else x0.expand(3, -1, -1, -1))
    singles = [sampled(course, [seed], None if txt2img else x0) for seed in (4, 9, 2)]
    assert torch.allclose(batch, torch.cat(singles), atol=1e-5)
    assert bool(torch.isfinite(batch).all())


@pytest.mark.parametrize("d", [0.0, 0.01, 0.05, 0.5, 0.75, 1.0])
@pytest.mark.parametrize("semantics", ["a1111", "exact", "diffusers"])
@pytest.mark.parametrize("name", NAMES)
def test_executed_steps_are_as_planned(name: str, semantics: str, d: float) -> None:
    """Acceptance test D of behaviour 20: every strength runs, and runs what the page said."""
    course = course_for(name, denoising_strength=d, semantics=semantics)
    if course.plan.identity:
        with pytest.raises(ValueError, match="nothing to run"):
            sampled(course, [1], torch.zeros(1, *SHAPE))
        return
    noise = image_noise([1])
    log, on_step = step_log()
    model = ToyDenoiser(course.schedule) if course.sampler.family == "k" else ToyEps()
    x = course.noised(torch.zeros(1, *SHAPE), noise.first())
    result = run_sampler(course, model, x, noise=noise, on_step=on_step)
    assert bool(torch.isfinite(result).all())
    if name == "DPM fast":  # reports its larger steps, the plan counts model calls
        assert len(model.timesteps) == course.plan.executed
    elif name == "Restart" and course.plan.executed >= 20 and float(course.sigmas[0]) < 0.1:
        assert len(log) < course.plan.executed  # nothing to restart from
    elif name != "DPM adaptive":
        assert len(log) == course.plan.executed


class TestStart:
    """The state samplers start from (behaviour 5.4, 6.2, 6.4-6.6)."""

    noise = torch.full((1, *SHAPE), 2.0)
    x0 = torch.full((1, *SHAPE), 3.0)

    def value(self, course: Course, x0: Tensor | None) -> float:
        return float(course.noised(x0, self.noise)[0, 0, 0, 0])

    @pytest.mark.parametrize(("scheduler", "sigma"), [("Karras", 5.7894), ("Uniform", 4.8557)])
    def test_img2img(self, scheduler: str, sigma: float) -> None:
        """Behaviour 6.2 [T]."""
        course = course_for("Euler", scheduler=scheduler)
        assert self.value(course, self.x0) == pytest.approx(3 + 2 * sigma, abs=1e-4)

    def test_full_strength_keeps_the_picture(self) -> None:
        """Behaviour 6.5: 0.0683 of x0 in network units."""
        course = course_for("Euler", denoising_strength=1.0)
        scale = math.sqrt(1 + 14.6146421**2)
        expected = 3 * 0.0682649 + 2 * 0.9976673
        assert self.value(course, self.x0) / scale == pytest.approx(expected, abs=1e-5)

    def test_txt2img(self) -> None:
        course = course_for("Euler", txt2img=True)
        assert self.value(course, None) == pytest.approx(2 * 14.6146421)

    def test_sgm_multiplier_is_for_txt2img(self) -> None:
        tuning = SamplerTuning(sgm_noise_multiplier=True)
        wide = math.sqrt(1 + 14.6146421**2)
        text = course_for("Euler", txt2img=True, tuning=tuning)
        assert self.value(text, None) == pytest.approx(2 * wide)
        image = course_for("Euler", tuning=tuning, denoising_strength=1.0)
        assert self.value(image, self.x0) == pytest.approx(3 + 2 * 14.6146421)

    def test_extra_noise(self) -> None:
        tuning = SamplerTuning(extra_noise=0.25)
        plain, more = course_for("Euler"), course_for("Euler", tuning=tuning)
        assert self.value(more, self.x0) - self.value(plain, self.x0) == pytest.approx(0.5)

    def test_extra_noise_of_timestep_samplers(self) -> None:
        tuning = SamplerTuning(extra_noise=0.25)
        plain, more = course_for("DDIM"), course_for("DDIM", tuning=tuning)
        root = float(SCHEDULE.alphas[751]) ** 0.5
        change = self.value(more, self.x0) - self.value(plain, self.x0)
        assert change == pytest.approx(0.5 * root, rel=1e-4)

    def test_ddim_txt2img_is_pure_noise(self) -> None:
        assert self.value(course_for("DDIM", txt2img=True), None) == 2.0

    @pytest.mark.parametrize(
        ("d", "t"), [(0.75, 751), (1.0, 951), (0.2, 201), (0.05, 51), (0.0, 1)], ids=str
    )
    def test_ddim_img2img(self, d: float, t: int) -> None:
        """Behaviour 6.4 [T]."""
        course = course_for("DDIM", denoising_strength=d)
        alpha = float(SCHEDULE.alphas[t])
        assert course.start_timestep == t
        expected = 3 * alpha**0.5 + 2 * (1 - alpha) ** 0.5
        assert self.value(course, self.x0) == pytest.approx(expected, rel=1e-5)

    def test_comfyui_max_denoise(self) -> None:
        """Behaviour 6.6: from the very top, noise is scaled by sqrt(1 + sigma^2)."""
        course = course_for("Euler", semantics="start_at_step")
        wide = math.sqrt(1 + 14.6146421**2)
        assert self.value(course, self.x0) == pytest.approx(3 + 2 * wide)
        later = course_for("Euler", semantics="start_at_step", start_at_step=1)
        assert self.value(later, self.x0) == pytest.approx(3 + 2 * 10.7468, abs=1e-3)

    def test_without_added_noise(self) -> None:
        course = course_for("Euler", semantics="start_at_step", start_at_step=5, add_noise=False)
        assert self.value(course, self.x0) == 3.0

    def test_flow(self) -> None:
        course = plan_course(
            Sampling(sampler="Euler"), SamplerTuning(), NoiseSchedule.flow(), txt2img=False
        )
        sigma = float(course.sigmas[0])
        assert self.value(course, self.x0) == pytest.approx(3 * (1 - sigma) + 2 * sigma)


class TestDdimCourse:
    """Behaviour 6.4 [T]."""

    @pytest.mark.parametrize(
        ("fields", "calls", "first", "last"),
        [
            ({"txt2img": True}, 19, 951, 51),
            ({"txt2img": True, "steps": 30}, 30, 991, 34),
            ({"denoising_strength": 0.75}, 14, 701, 51),
            ({"denoising_strength": 1.0}, 18, 901, 51),
            ({"denoising_strength": 0.2}, 3, 151, 51),
        ],
        ids=str,
    )
    def test_evaluations(self, fields: dict[str, Any], calls: int, first: int, last: int) -> None:
        course = course_for("DDIM", **fields)
        model, noise = ToyEps(), image_noise([1])
        x = course.noised(torch.zeros(1, *SHAPE), noise.first())
        run_sampler(course, model, x, noise=noise, on_step=step_log()[1])
        assert (len(model.timesteps), model.timesteps[0], model.timesteps[-1]) == (
            calls,
            first,
            last,
        )

    def test_flow_models_are_refused(self) -> None:
        with pytest.raises(ValueError, match="DDIM does not work with flow models: use Euler"):
            plan_course(
                Sampling(sampler="DDIM"), SamplerTuning(), NoiseSchedule.flow(), txt2img=False
            )


def evaluated(name: str, **fields: Any) -> list[float]:
    """Return the timesteps a sampler asks the model for."""
    course = course_for(name, **fields)
    model, noise = ToyEps(), image_noise([1])
    x = course.noised(torch.zeros(1, *SHAPE), noise.first())
    run_sampler(course, model, x, noise=noise, on_step=step_log()[1])
    return model.timesteps


class TestUniPcCourse:
    """Behaviour 6.4, 7.4, 0.5 [T]."""

    def test_txt2img(self) -> None:
        times = evaluated("UniPC", txt2img=True)
        assert len(times) == 20
        assert [*times[:3], times[-1]] == pytest.approx([999, 949.05, 899.1, 49.95])

    def test_img2img(self) -> None:
        times = evaluated("UniPC", denoising_strength=0.75)
        assert len(times) == 15
        assert [*times[:2], times[-1]] == pytest.approx([701, 654.267, 46.733], abs=5e-4)

    @pytest.mark.parametrize(("n", "calls"), [(7, 8), (30, 31)])
    def test_odd_grids(self, n: int, calls: int) -> None:
        assert len(evaluated("UniPC", txt2img=True, steps=n)) == calls

    def test_noise_level(self) -> None:
        assert course_for("UniPC", denoising_strength=0.75).start_timestep == 751


def test_plms_evaluates_once_more() -> None:
    """Behaviour 6.4 [T]."""
    assert evaluated("PLMS", denoising_strength=0.75)[:3] == [701, 651, 651]
    assert len(evaluated("PLMS", denoising_strength=0.75)) == 15


class TestStrengthZero:
    """Behaviour 0.5, 6.3: where a run at strength 0 starts."""

    @pytest.mark.parametrize(("name", "t"), [("DPM2", 5.4), ("DPM2 a", 5.4), ("LCM", 19.0)])
    def test_first_timestep(self, name: str, t: float) -> None:
        course = course_for(name, denoising_strength=0.0, steps=10)
        start = course.schedule.sigma_to_t(course.sigmas[:1])
        assert float(start) == pytest.approx(t, abs=0.05)


@pytest.mark.parametrize("name", [info.name for info in SAMPLERS if info.brownian])
def test_brownian_paths_span_the_whole_schedule(name: str) -> None:
    """Behaviour 8.6: img2img must not shorten the interval."""
    course = course_for(name, steps=12)
    noise = image_noise([3])
    x = course.noised(torch.zeros(1, *SHAPE), noise.first())
    actual = run_sampler(course, ToyDenoiser(), x, noise=noise, on_step=step_log()[1])
    wide = BrownianNoise(SHAPE, [3], course.full_sigmas, NoiseSource.GPU)
    function = _K_SAMPLERS[name]
    knobs = {"on_step": step_log()[1], "tuning": course.tuning}
    assert torch.equal(actual, function(ToyDenoiser(), x, course.sigmas, noise=wide, **knobs))
    narrow = BrownianNoise(SHAPE, [3], course.sigmas, NoiseSource.GPU)
    assert not torch.allclose(
        actual, function(ToyDenoiser(), x, course.sigmas, noise=narrow, **knobs)
    )


@pytest.mark.parametrize("name", ["DPM fast", "DPM adaptive"])
def test_ends_of_txt2img_are_the_models(name: str) -> None:
    """Behaviour 7.4: whatever the schedule, down to the model's smallest sigma."""
    course = course_for(name, txt2img=True, scheduler="SGM Uniform")
    ends = (float(course.sigmas[0]), float(course.sigmas[-2]))
    assert ends == pytest.approx((14.6146421, 0.0291675), abs=1e-6)
    image = course_for(name, scheduler="SGM Uniform")
    assert float(image.sigmas[-2]) > 0.1


@pytest.mark.parametrize(
    "fields", [{"start_at_step": 5}, {"end_at_step": 12}, {"start_at_step": 19}], ids=str
)
@pytest.mark.parametrize("name", NAMES)
def test_every_sampler_starts_and_ends_anywhere(name: str, fields: dict[str, Any]) -> None:
    course = course_for(name, semantics="start_at_step", **fields)
    if course.plan.identity:  # DDIM has 19 steps
        assert fields == {"start_at_step": 19}
        return
    result = sampled(course, [1], torch.ones(1, *SHAPE))
    assert bool(torch.isfinite(result).all())


def test_lcm_refuses_flow_models() -> None:
    with pytest.raises(ValueError, match="LCM does not work with flow models: use Euler"):
        plan_course(Sampling(sampler="LCM"), SamplerTuning(), NoiseSchedule.flow(), txt2img=False)


# Multistep samplers forget their history between the stages.
STAGES = {"Euler": 1e-5, "Heun": 1e-5, "DPM2": 1e-5, "DDIM": 1e-5, "LMS": 0.05, "DPM++ 2M": 0.05}


@pytest.mark.parametrize("name", STAGES)
def test_two_stages_equal_one_run(name: str) -> None:
    """Behaviour 6.6: 0..k with leftover noise, then k.. without added noise."""
    fields: dict[str, Any] = {"semantics": "start_at_step", "scheduler": "Karras"}
    one = sampled(course_for(name, **fields), [1], torch.zeros(1, *SHAPE))
    stage1 = course_for(name, end_at_step=8, return_with_leftover_noise=True, **fields)
    half = sampled(stage1, [1], torch.zeros(1, *SHAPE))
    stage2 = course_for(name, start_at_step=8, add_noise=False, **fields)
    rest = sampled(stage2, [1], half)
    tolerance = STAGES[name]
    assert torch.allclose(rest, one, rtol=tolerance, atol=tolerance)


def test_forced_full_denoise_ends_at_zero() -> None:
    course = course_for("Euler", semantics="start_at_step", end_at_step=8)
    assert (len(course.sigmas), float(course.sigmas[-1])) == (9, 0.0)
    ddim = course_for("DDIM", semantics="start_at_step", end_at_step=8)
    assert ddim.timesteps[0] == 0


def test_repeated_sigmas_are_run_once() -> None:
    """A schedule of more than 1000 values repeats entries of the table."""
    course = course_for("DPM++ 2M", scheduler="Simple", denoising_strength=0.01, semantics="exact")
    assert bool((course.sigmas[:-1] > course.sigmas[1:]).all())
    assert course.plan.executed == len(course.sigmas) - 1 < 20
    assert bool(torch.isfinite(sampled(course, [1], torch.zeros(1, *SHAPE))).all())


class StopSampling(Exception):
    """Stands for the denoise loop's interrupt."""


@pytest.mark.parametrize("name", NAMES)
def test_interrupt_passes_through(name: str) -> None:
    course = course_for(name)
    noise = image_noise([1])
    seen: list[StepInfo] = []

    def on_step(info: StepInfo) -> None:
        seen.append(info)
        if len(seen) == 2:
            raise StopSampling

    model = ToyDenoiser(course.schedule) if course.sampler.family == "k" else ToyEps()
    x = course.noised(torch.zeros(1, *SHAPE), noise.first())
    with pytest.raises(StopSampling):
        run_sampler(course, model, x, noise=noise, on_step=on_step)
    assert len(seen) == 2


def test_unknown_sampler_is_the_first() -> None:
    assert course_for("Foo").sampler is find_sampler("DPM++ 2M")
