"""UniPC's settings against formulas written apart from the code (behaviour 7.4)."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from pipelines.request import SamplerTuning
from pipelines.samplers_unipc import sample_unipc, unipc_path
from pipelines.tuning import UniPcSkip, UniPcVariant
from tests.pipelines.sampler_reference import ALPHAS, Array, toy_eps
from tests.pipelines.sampler_toys import (
    SCHEDULE,
    ListedNoise,
    ToyEps,
    assert_close,
    course_for,
    start64,
    step_log,
)

LOG_ALPHAS = 0.5 * np.log(ALPHAS)
PATH = tuple(np.linspace(0, 999, 13).tolist())


def run(tuning: SamplerTuning, path: tuple[float, ...] = PATH) -> tuple[torch.Tensor, ToyEps]:
    model = ToyEps()
    x = sample_unipc(
        model,
        torch.from_numpy(start64()).float(),
        path,
        alphas=SCHEDULE.alphas,
        noise=ListedNoise(),
        on_step=step_log()[1],
        tuning=tuning,
    )
    return x, model


def orders_of(steps: int, order: int, *, lowered: bool) -> list[int]:
    """Warm-up 1, 2 ...; then the order, lowered towards the end."""
    return [
        i if i < order else min(order, steps + 1 - i) if lowered else order
        for i in range(1, steps + 1)
    ]


def published(variant: str, orders: list[int], path: tuple[float, ...] = PATH) -> Array:
    """Zhao et al. (2023) in float64: equation by equation, with matrices."""
    times = np.asarray(path[::-1])
    logs = np.interp(times, np.arange(1000.0), LOG_ALPHAS)
    alphas, sigmas = np.exp(logs), np.sqrt(1 - np.exp(2 * logs))
    lambdas = np.log(alphas / sigmas)

    def predict(x: Array, i: int) -> Array:
        return np.asarray((x - sigmas[i] * toy_eps(x, times[i])) / alphas[i])

    x = start64()
    known = [predict(x, 0)]
    for i, order in enumerate(orders, start=1):
        hh = -(lambdas[i] - lambdas[i - 1])
        rs = [(lambdas[i - 1 - k] - lambdas[i - 1]) / -hh for k in range(1, order)]
        slopes = [(known[i - 1 - k] - known[i - 1]) / r for k, r in enumerate(rs, start=1)]
        base = sigmas[i] / sigmas[i - 1] * x - alphas[i] * math.expm1(hh) * known[i - 1]
        x = base - alphas[i] * combined(variant, rs, slopes, hh)
        if i < len(orders):
            known.append(predict(x, i))
            new = known[i] - known[i - 1]
            x = base - alphas[i] * combined(variant, rs, slopes, hh, new)
    return x


def h_phi(k: int, hh: float) -> float:
    """hh * phi_k(hh), by its series: no cancellation, nothing in common with a recurrence."""
    return float(sum(hh ** (n + 1) / math.factorial(n + k) for n in range(40)))


def combined(
    variant: str, rs: list[float], slopes: list[Array], hh: float, new: Array | None = None
) -> Array:
    if new is not None:
        rs, slopes = [*rs, 1.0], [*slopes, new]
    size = len(rs)
    if variant == "vary_coeff":
        return varying(rs, slopes, hh, corrects=new is not None)
    b = hh if variant == "bh1" else math.expm1(hh)
    wanted = [h_phi(k + 1, hh) * math.factorial(k) / b for k in range(1, size + 1)]
    matrix = np.array([[r**k for r in rs] for k in range(size)])
    weights = [0.5] if size == 1 else np.linalg.solve(matrix, wanted) if size else []
    return b * sum((w * s for w, s in zip(weights, slopes, strict=True)), np.zeros(()))


def varying(rs: list[float], slopes: list[Array], hh: float, *, corrects: bool) -> Array:
    """As the authors' program has it, where the new slope counts once."""
    size = len(rs)
    total = np.zeros(())
    if not size:
        return total
    inverse = np.linalg.inv(
        np.array([[r**k / math.factorial(k + 1) for k in range(size)] for r in rs])
    )
    older = slopes[:-1] if corrects else slopes
    for k in range(size - corrects):
        for j, slope in enumerate(older):
            total = total + h_phi(k + 2, hh) * inverse[k, j] * slope
    if corrects:
        total = total + h_phi(size + 1, hh) * inverse[max(size - 2, 0), -1] * slopes[-1]
    return total


@pytest.mark.parametrize("order", [1, 2, 3, 4])
@pytest.mark.parametrize("variant", list(UniPcVariant))
def test_variants_and_orders(variant: UniPcVariant, order: int) -> None:
    tuning = SamplerTuning(unipc_variant=variant, unipc_order=order)
    wanted = published(variant.value, orders_of(12, order, lowered=True))
    assert_close(run(tuning)[0], wanted, 2e-5)


@pytest.mark.parametrize("variant", list(UniPcVariant))
def test_full_order_to_the_end(variant: UniPcVariant) -> None:
    tuning = SamplerTuning(unipc_variant=variant, unipc_lower_order_final=False)
    wanted = published(variant.value, orders_of(12, 3, lowered=False))
    assert_close(run(tuning)[0], wanted, 2e-5)


def test_variants_differ() -> None:
    made = [run(SamplerTuning(unipc_variant=variant))[0] for variant in UniPcVariant]
    assert not torch.allclose(made[0], made[1], atol=1e-4)
    assert not torch.allclose(made[0], made[2], atol=1e-4)


def test_an_order_beyond_the_steps_is_lowered() -> None:
    short = PATH[:3]
    assert torch.equal(
        run(SamplerTuning(unipc_order=50), short)[0], run(SamplerTuning(unipc_order=2), short)[0]
    )


class TestSkipTypes:
    """Behaviour 7.4: 1000 * (t - 0.001) of continuous times from 0.001 to 1."""

    def path(self, skip: UniPcSkip) -> list[float]:
        return list(unipc_path((0.0, 999.0), 4, skip, SCHEDULE.alphas))

    def test_time(self) -> None:
        assert self.path(UniPcSkip.TIME_UNIFORM) == pytest.approx([0, 249.75, 499.5, 749.25, 999])

    def test_square_root_of_time(self) -> None:
        roots = np.linspace(math.sqrt(0.001), 1, 5)
        wanted = 1000 * (roots**2 - 0.001)
        assert self.path(UniPcSkip.TIME_QUADRATIC) == pytest.approx(wanted.tolist())

    def test_log_snr(self) -> None:
        path = self.path(UniPcSkip.LOG_SNR)
        logs = np.interp(path, np.arange(1000.0), LOG_ALPHAS)
        lambdas = logs - 0.5 * np.log(-np.expm1(2 * logs))
        assert np.diff(lambdas) == pytest.approx(np.diff(lambdas)[0], rel=1e-4)
        assert (path[0], path[-1]) == (0.0, 999.0)

    @pytest.mark.parametrize("skip", list(UniPcSkip))
    def test_in_a_course(self, skip: UniPcSkip) -> None:
        tuning = SamplerTuning(unipc_skip=skip)
        course = course_for("UniPC", txt2img=True, tuning=tuning, steps=8)
        assert len(course.timesteps) == 9
        assert list(course.timesteps) == sorted(course.timesteps)
        half = course_for("UniPC", tuning=tuning, denoising_strength=0.5, steps=8)
        assert half.timesteps[-1] == 376  # behaviour 6.4: timesteps[t_enc - 1]
