"""Noise schedules against the vectors of behaviour 0.2 and 7.3."""

import numpy as np
import pytest

from models.noise_schedule import NoiseSchedule


def test_base_schedule() -> None:
    """[T] of behaviour 0.2."""
    alphas = NoiseSchedule().alphas_cumprod()
    sigmas = np.sqrt((1 - alphas.astype(np.float64)) / alphas)
    assert alphas.dtype == np.float32
    assert alphas.shape == (1000,)
    assert float(alphas[0]) == pytest.approx(0.9991499782, abs=5e-11)
    assert float(alphas[999]) == pytest.approx(0.0046600983, abs=5e-11)
    assert sigmas[0] == pytest.approx(0.0291675329, rel=1e-6)
    assert sigmas[999] == pytest.approx(14.6146421, rel=1e-7)
    assert (np.diff(alphas) < 0).all()


def test_zero_terminal_snr() -> None:
    """Behaviour 7.3: sigma_max becomes 4518.76, the first value stays."""
    alphas = NoiseSchedule(zero_terminal_snr=True).alphas_cumprod()
    assert float(alphas[0]) == pytest.approx(0.9991499782, rel=1e-7)
    assert ((1 - float(alphas[-1])) / float(alphas[-1])) ** 0.5 == pytest.approx(4518.76, abs=0.01)


def test_linear_betas() -> None:
    alphas = NoiseSchedule(0.1, 0.3, 3, "linear").alphas_cumprod()
    np.testing.assert_allclose(alphas, [0.9, 0.9 * 0.8, 0.9 * 0.8 * 0.7], rtol=1e-6)
