"""Seeds to noise (behaviour 8.2, 8.3)."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.noise import ImageNoise, noise_stream, slerp
from pipelines.request import NoiseSource, Seeds

SMALL = (4, 8, 8)


def noise(
    seeds: list[int],
    subseeds: list[int] | None = None,
    shape: tuple[int, int, int] = SMALL,
    source: str = "CPU",
    **fields: Any,
) -> ImageNoise:
    parts = Seeds.model_validate({"source": source} | fields)
    return ImageNoise(shape, seeds, subseeds or [0] * len(seeds), parts)


def head(tensor: torch.Tensor, count: int = 4) -> list[float]:
    values: list[float] = tensor.flatten()[:count].tolist()
    return values


def close(*values: float) -> object:
    return pytest.approx(list(values), abs=1.1e-6)


class TestCpuVectors:
    """Behaviour 8.3 [T]."""

    def test_first_draw(self) -> None:
        first = noise([10]).first()
        assert first.shape == (1, *SMALL)
        assert first.dtype == torch.float32
        assert head(first) == close(-0.817334, -0.555569, -0.826690, -1.296954)
        assert float(first.sum()) == pytest.approx(-28.5818, abs=1e-4)

    def test_batch(self) -> None:
        source = noise([10, 11])
        assert head(source.first()[1]) == close(-0.510798, 1.028272, -0.353152, 0.122991)
        assert head(source.next()[0]) == close(0.514869, -1.958451, -0.688522, 0.828847)

    def test_ensd_replaces_the_generators_after_the_first_draw(self) -> None:
        source = noise([10], ensd=31337)
        assert head(source.first()) == close(-0.817334, -0.555569, -0.826690, -1.296954)
        assert head(source.next()) == close(-1.254473, -0.866233, 1.454181, -0.162549)

    def test_variation(self) -> None:
        first = noise([10], [99], subseed_strength=0.25).first()
        assert head(first) == close(-0.647762, -1.320400, -0.509578, -0.814383)

    def test_seed_resize_from_smaller(self) -> None:
        source = noise([10], shape=(4, 8, 12), resize_from_width=64, resize_from_height=64)
        assert source.first()[0, 0, 0].tolist() == close(
            *(-0.817334, -0.555569),
            *(-0.817334, -0.555569, -0.826690, -1.296954),
            *(-0.197379, -0.964334, -0.513299, 2.627785),
            *(-0.256839, 0.476493),
        )

    def test_seed_resize_from_larger(self) -> None:
        source = noise([10], resize_from_width=96, resize_from_height=96)
        assert source.first()[0, 0, 0].tolist() == close(
            *(0.953498, 0.355340, 0.212094, -0.337771),
            *(-0.353610, -0.272908, 1.329029, 1.197377),
        )

    def test_torch_reference(self) -> None:
        """Behaviour 8.4 [T], CPU."""
        source = noise([1234], shape=(4, 64, 64))
        assert head(source.first(), 8) == close(
            *(-0.1117186, -0.4965901, 0.1630737, -0.8816878),
            *(0.0539002, 0.6683737, -0.0596576, -0.4674979),
        )
        assert head(source.next()) == close(-0.8784564, -0.2883182, -0.2201535, -0.0402986)


def test_nv_variation() -> None:
    """Behaviour 8.3 [T]: slerp of the NV noises of seeds 1 and 2."""
    device = torch.device("cpu")
    a, b = (noise_stream(seed, NoiseSource.NV, device).draw(SMALL) for seed in (1, 2))
    assert head(a, 3) == close(-0.2962778, 2.6764481, -0.1408465)
    assert head(b, 3) == close(0.0223412, -0.5777389, 0.7052560)
    mixed = close(-0.2566190, 2.4003198, 0.1965627, -0.8875370)
    assert head(slerp(0.3, a, b)) == mixed
    assert head(noise([1], [2], source="NV", subseed_strength=0.3).first()) == mixed


class TestSlerp:
    def test_ends(self) -> None:
        a, b = torch.randn(2, *SMALL, generator=torch.Generator().manual_seed(1)).unbind()
        assert torch.allclose(slerp(0.0, a, b), a, atol=1e-6)
        assert torch.allclose(slerp(1.0, a, b), b, atol=1e-6)

    def test_parallel_inputs_are_mixed_with_swapped_weights(self) -> None:
        a = torch.ones(SMALL)
        assert torch.allclose(slerp(0.25, a, 2 * a), 1.75 * a)


def test_gpu_without_a_card_is_the_cpu() -> None:
    assert torch.equal(noise([10], source="GPU").first(), noise([10]).first())


@pytest.mark.parametrize("source", ["CPU", "NV"])
def test_batch_of_three_is_three_singles(source: str) -> None:
    fields: dict[str, Any] = {"source": source, "subseed_strength": 0.4, "resize_from_width": 96}
    fields |= {"resize_from_height": 40, "ensd": 7}
    batch = noise([5, 6, 9], [1, 2, 3], **fields)
    singles = [noise([seed], [sub], **fields) for seed, sub in ((5, 1), (6, 2), (9, 3))]
    assert torch.equal(batch.first(), torch.cat([single.first() for single in singles]))
    for _ in range(2):
        assert torch.equal(batch.next(), torch.cat([single.next() for single in singles]))


def test_the_global_generator_is_neither_read_nor_written() -> None:
    torch.manual_seed(1)
    state = torch.get_rng_state()
    source = noise([10], [3], subseed_strength=0.5, resize_from_width=96, resize_from_height=96)
    first = source.first()
    source.next()
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(2)
    again = noise([10], [3], subseed_strength=0.5, resize_from_width=96, resize_from_height=96)
    assert torch.equal(again.first(), first)


def test_seed_resize_needs_both_sides() -> None:
    assert torch.equal(noise([10], resize_from_width=96).first(), noise([10]).first())


@settings(deadline=None, max_examples=60)
@given(width=st.integers(8, 160), height=st.integers(8, 160), w=st.integers(1, 20))
def test_seed_resize_fits_any_pair_of_sizes(width: int, height: int, w: int) -> None:
    source = noise([3], shape=(4, 9, w), resize_from_width=width, resize_from_height=height)
    assert source.first().shape == (1, 4, 9, w)


def test_odd_difference_rounds_down() -> None:
    """Behaviour 8.3, step 5: floor division also where the source is larger."""
    source = noise([3], shape=(4, 8, 8), resize_from_width=88, resize_from_height=64)
    large = noise_stream(3, NoiseSource.CPU, "cpu").draw((4, 8, 11))
    base = noise_stream(3, NoiseSource.CPU, "cpu").draw((4, 8, 8))
    first = source.first()[0]
    assert torch.equal(first[:, :, :7], large[:, :, 2:9])
    assert torch.equal(first[:, :, 7], base[:, :, 7])


@pytest.mark.parametrize("source", ["CPU", "NV"])
@pytest.mark.parametrize("seed", [2**64 - 1, 2**63, 0])
def test_all_seeds_work_with_any_ensd(source: str, seed: int) -> None:
    drawn = noise([seed], source=source, ensd=-31337)
    drawn.first()
    assert bool(torch.isfinite(drawn.next()).all())


def test_initial_noise_comes_once() -> None:
    source = noise([1])
    source.first()
    with pytest.raises(RuntimeError, match="drawn already"):
        source.first()


@pytest.mark.parametrize(("seeds", "subseeds"), [([], []), ([1, 2], [1])], ids=str)
def test_seed_lists_must_fit(seeds: list[int], subseeds: list[int]) -> None:
    with pytest.raises(ValueError, match="one of each per picture"):
        ImageNoise(SMALL, seeds, subseeds, Seeds())
