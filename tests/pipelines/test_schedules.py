"""Noise schedules and sigma lists (behaviour 0.2, 7.3)."""

from __future__ import annotations

import pytest
import torch

from pipelines.request import SamplerTuning
from pipelines.sampler_names import SCHEDULERS, effective_scheduler, resolve_sampler
from pipelines.schedules import (
    NoiseSchedule,
    build_sigmas,
    schedule_for,
    sigmas_for,
    timesteps_for,
)
from pipelines.steps import sigma_count

SD1 = NoiseSchedule.from_betas()
DEFAULT = SamplerTuning()


def sigmas(
    name: str, n: int, tuning: SamplerTuning = DEFAULT, is_sdxl: bool = False
) -> list[float]:
    return build_sigmas(name, n, SD1, tuning, is_sdxl=is_sdxl).tolist()


def test_base_table() -> None:
    """Behaviour 0.2 [T]."""
    assert SD1.alphas_cumprod is not None
    assert len(SD1.sigmas) == 1000
    assert SD1.sigmas.dtype == torch.float32
    assert SD1.sigma_min == pytest.approx(0.0291675329, abs=1e-10)
    assert SD1.sigma_max == pytest.approx(14.6146421, abs=1e-6)
    assert float(SD1.alphas[0]) == pytest.approx(0.9991499782, abs=1e-9)
    assert float(SD1.alphas[999]) == pytest.approx(0.0046600983, abs=1e-9)
    assert float(SD1.alphas[999]) ** 0.5 == pytest.approx(0.0682649, abs=1e-7)
    assert (1 - float(SD1.alphas[999])) ** 0.5 == pytest.approx(0.9976673, abs=1e-7)


TEN = {
    "uniform": "14.6146 7.8399 4.6092 2.9183 1.9502 1.3449 0.9324 0.6250 0.3687 0.0292 0",
    "normal": "14.6146 7.8399 4.6092 2.9183 1.9502 1.3449 0.9324 0.6250 0.3687 0.0292 0",
    "karras": "14.6146 9.1029 5.4784 3.1686 1.7494 0.9141 0.4469 0.2014 0.0819 0.0292 0",
    "exponential": "14.6146 7.3249 3.6712 1.8400 0.9222 0.4622 0.2317 0.1161 0.0582 0.0292 0",
    "polyexponential": "14.6146 7.3249 3.6712 1.8400 0.9222 0.4622 0.2317 0.1161 0.0582 0.0292 0",
    "sgm_uniform": "14.6146 8.3072 5.0924 3.3251 2.2797 1.6156 1.1629 0.8319 0.5712 0.3437 0",
    "kl_optimal": "14.6146 4.5650 2.6329 1.7864 1.2948 0.9616 0.7116 0.5094 0.3356 0.1783 0.0292",
    "align_your_steps": "14.6150 6.1135 3.5651 2.3939 1.6500 1.1358 0.7425 0.4450 0.1692 0.0290 0",
    "simple": "14.6146 8.3028 5.0878 3.3211 2.2765 1.6129 1.1606 0.8299 0.5693 0.3417 0",
    "ddim": "8.3907 5.1344 3.3478 2.2929 1.6237 1.1682 0.8357 0.5741 0.3462 0.0413 0",
    "beta": "14.6146 13.9278 12.4910 10.5976 8.4424 6.2014 4.0462 2.1528 0.7160 0.0292 0",
}

TWENTY = {
    "karras": "14.6146 11.7254 9.3402 7.3836 5.7894 4.4998 3.4648 2.6408 1.9909 1.4832 1.0908 "
    "0.7909 0.5647 0.3964 0.2730 0.1842 0.1213 0.0779 0.0485 0.0292 0",
    "uniform": "14.6146 10.7468 8.0815 6.2049 4.8557 3.8654 3.1238 2.5572 2.1157 1.7648 1.4806 "
    "1.2458 1.0481 0.8784 0.7297 0.5964 0.4736 0.3555 0.2322 0.0292 0",
}


@pytest.mark.parametrize("name", TEN)
def test_ten_steps(name: str) -> None:
    """Behaviour 7.3 [T]."""
    assert sigmas(name, 10) == pytest.approx([float(v) for v in TEN[name].split()], abs=5.1e-5)


@pytest.mark.parametrize("name", TWENTY)
def test_twenty_steps(name: str) -> None:
    """Behaviour 7.3 [T]."""
    assert sigmas(name, 20) == pytest.approx([float(v) for v in TWENTY[name].split()], abs=5.1e-5)


def test_align_your_steps_knows_sdxl() -> None:
    """Behaviour 7.3 [T]."""
    expected = "14.6150 5.9634 3.3390 1.8550 1.1023 0.6750 0.4311 0.2606 0.1225 0.0290 0"
    values = sigmas("align_your_steps", 10, is_sdxl=True)
    assert values == pytest.approx([float(v) for v in expected.split()], abs=5.1e-5)


def test_align_your_steps_table_is_used_as_it_is() -> None:
    values = sigmas("align_your_steps", 11)
    assert values[:3] == pytest.approx([14.615, 6.475, 3.861])
    assert len(values) == 12


@pytest.mark.parametrize(("n", "count"), [(7, 9), (15, 17), (20, 21), (24, 26), (30, 32)])
def test_ddim_lengths(n: int, count: int) -> None:
    """Behaviour 7.3 [T]."""
    assert len(sigmas("ddim", n)) == count


@pytest.mark.parametrize("name", [info.name for info in SCHEDULERS])
@pytest.mark.parametrize("n", [1, 2, 3, 7, 20, 999, 1500])
def test_lists_are_sane_and_as_long_as_planned(name: str, n: int) -> None:
    values = build_sigmas(name, n, SD1, DEFAULT)
    assert values.dtype == torch.float32
    assert len(values) == sigma_count(name, n)
    assert bool((values[:-1] >= values[1:]).all())
    assert bool(torch.isfinite(values).all())
    assert (values[-1] == 0) == (name != "kl_optimal")


@pytest.mark.parametrize("name", ["karras", "uniform"])
def test_one_step_and_none(name: str) -> None:
    """Behaviour 7.3 [T]."""
    assert sigmas(name, 1) == pytest.approx([14.6146421, 0.0], abs=1e-6)
    assert sigmas(name, 0) == [0.0]


def test_flow_schedule() -> None:
    """Behaviour 7.3 [T], SD3."""
    flow = NoiseSchedule.flow()
    values = build_sigmas("uniform", 5, flow, DEFAULT).tolist()
    assert values == pytest.approx([1.0, 0.90012, 0.75037, 0.50100, 0.002994, 0.0], abs=5.1e-6)
    assert flow.is_flow
    with pytest.raises(ValueError, match="flow models have no alphas_cumprod"):
        flow.with_zero_terminal_snr()


def test_zero_terminal_snr() -> None:
    """Behaviour 7.3 [T]."""
    zero = SD1.with_zero_terminal_snr()
    assert zero.sigma_max == pytest.approx(4518.76, abs=0.01)
    assert zero.sigma_min == pytest.approx(SD1.sigma_min, rel=1e-4)
    assert float(zero.alphas[999]) == pytest.approx(4.8973451890853435e-08)


def test_downcast_alphas() -> None:
    """Behaviour 7.3 [T]."""
    assert SD1.with_downcast_alphas().sigma_max == pytest.approx(14.6094, abs=5e-5)


VARIANTS = {
    "zero SNR": ({"trained_noise": "Zero Terminal SNR"}, 4518.76, 0.02917),
    "downcast": ({"downcast_alphas": True}, 14.6094, 0.03125),
    "neither": ({}, 14.6146, 0.02917),
}


@pytest.mark.parametrize(("settings", "largest", "smallest"), VARIANTS.values(), ids=VARIANTS)
def test_settings_choose_the_noise_levels(
    settings: dict[str, object], largest: float, smallest: float
) -> None:
    """Behaviour 7.3 [T]."""
    tuning = SamplerTuning.model_validate(settings)
    names = resolve_sampler("Euler", "Karras")
    own = schedule_for(names.sampler, SD1, tuning)
    sigmas = sigmas_for(names.sampler, names.scheduler, 10, own, tuning).tolist()
    assert sigmas[0] == pytest.approx(largest, rel=1e-5)
    assert sigmas[-2] == pytest.approx(smallest, rel=1e-3)


def test_the_old_range_of_sigmas() -> None:
    """Behaviour 7.3: the legacy option forces 0.1 and 10; explicit ends still win."""
    old = SamplerTuning(old_sigma_range=True)
    for name in ("karras", "exponential", "normal"):
        values = sigmas(name, 10, old)
        assert (values[0], values[-2]) == pytest.approx((10.0, 0.1), rel=1e-4)
    both = SamplerTuning(old_sigma_range=True, sigma_max=5.0)
    assert sigmas("karras", 10, both)[0] == pytest.approx(5.0)


def test_lcm_knows_fifty_timesteps() -> None:
    """Behaviour 7.4 [T]."""
    lcm = SD1.for_lcm()
    values = build_sigmas("automatic", 4, lcm, DEFAULT)
    expected = [14.6146, 2.9911, 0.9728, 0.1345, 0.0]
    assert values.tolist() == pytest.approx(expected, abs=5.1e-5)
    assert lcm.sigma_to_t(values[:-1]).tolist() == [999, 679, 339, 19]
    assert len(lcm.sigmas) == 50


class TestConversion:
    def test_whole_timesteps_return(self) -> None:
        t = torch.arange(1000.0)
        assert torch.allclose(SD1.sigma_to_t(SD1.t_to_sigma(t)), t, atol=2e-3)

    def test_table_entries_are_hit(self) -> None:
        assert torch.allclose(SD1.t_to_sigma(torch.tensor([0.0, 999.0])), SD1.sigmas[[0, 999]])

    def test_between_two_entries_log_linear(self) -> None:
        middle = (SD1.sigmas[400] * SD1.sigmas[401]).sqrt()
        assert float(SD1.sigma_to_t(middle)) == pytest.approx(400.5, abs=1e-3)
        assert float(SD1.t_to_sigma(torch.tensor(400.5))) == pytest.approx(float(middle), rel=1e-6)

    def test_outside_the_table_the_ends_count(self) -> None:
        assert SD1.sigma_to_t(torch.tensor([0.001, 100.0])).tolist() == [0.0, 999.0]

    def test_quantised(self) -> None:
        names = resolve_sampler("Euler")
        tuning = SamplerTuning(quantize_timesteps=True)
        whole = schedule_for(names.sampler, SD1, tuning)
        middle = SD1.t_to_sigma(torch.tensor([400.3, 400.8]))
        assert whole.sigma_to_t(middle).tolist() == [400.0, 401.0]
        assert whole.to("cpu").quantize

    def test_shape_is_kept(self) -> None:
        assert SD1.sigma_to_t(torch.ones(2, 3)).shape == (2, 3)
        assert SD1.sigma_to_t(torch.tensor(1.0)).shape == ()


class TestTuning:
    """Options of behaviour 7.3."""

    def test_sigma_range(self) -> None:
        values = sigmas("karras", 5, SamplerTuning(sigma_min=0.1, sigma_max=10.0))
        assert (values[0], values[4]) == pytest.approx((10.0, 0.1))

    def test_rho(self) -> None:
        linear = sigmas("karras", 3, SamplerTuning(rho=1.0, sigma_min=1.0, sigma_max=3.0))
        assert linear == pytest.approx([3.0, 2.0, 1.0, 0.0])
        squared = sigmas("polyexponential", 3, SamplerTuning(rho=2.0))
        low, high = 0.0291675329, 14.6146421
        assert squared[1] == pytest.approx(low * (high / low) ** 0.25, rel=1e-5)

    def test_beta_shape(self) -> None:
        flat = sigmas("beta", 3, SamplerTuning(beta_alpha=1.0, beta_beta=1.0))
        assert flat[1] == pytest.approx((14.6146421 + 0.0291675329) / 2, rel=1e-5)

    def test_empty_range_is_refused(self) -> None:
        with pytest.raises(ValueError, match="min sigma 20 must be below max sigma 14"):
            sigmas("karras", 5, SamplerTuning(sigma_min=20.0))

    def test_unknown_schedule_is_refused(self) -> None:
        with pytest.raises(ValueError, match="unknown schedule type 'foo'"):
            sigmas("foo", 5)


class TestSigmasFor:
    """Preferred schedules and the discard trick (behaviour 7.1, 7.2)."""

    def test_preference(self) -> None:
        names = resolve_sampler("DPM++ 2M")
        values = sigmas_for(names.sampler, names.scheduler, 10, SD1, DEFAULT)
        assert values.tolist() == sigmas("karras", 10)

    def test_no_preference_means_uniform(self) -> None:
        names = resolve_sampler("Euler a")
        values = sigmas_for(names.sampler, names.scheduler, 10, SD1, DEFAULT)
        assert values.tolist() == sigmas("uniform", 10)

    @pytest.mark.parametrize("scheduler", [info.label for info in SCHEDULERS])
    @pytest.mark.parametrize("n", [1, 7, 20])
    def test_discard_trick(self, scheduler: str, n: int) -> None:
        names = resolve_sampler("DPM2", scheduler)
        values = sigmas_for(names.sampler, names.scheduler, n, SD1, DEFAULT)
        asked = build_sigmas(
            effective_scheduler(names.sampler, names.scheduler).name, n + 1, SD1, DEFAULT
        )
        assert values.tolist() == [*asked[:-2].tolist(), float(asked[-1])]
        assert len(values) == sigma_count(names.scheduler.name, n, discard=True)

    def test_discard_option(self) -> None:
        names = resolve_sampler("Euler", "Karras")
        tuning = SamplerTuning(discard_penultimate_sigma=True)
        values = sigmas_for(names.sampler, names.scheduler, 10, SD1, tuning).tolist()
        assert values == [*sigmas("karras", 11)[:10], 0.0]


def test_timesteps_with_the_discard_option() -> None:
    assert len(timesteps_for(20)) == 20
    assert timesteps_for(20, discard_penultimate=True) == timesteps_for(21)
