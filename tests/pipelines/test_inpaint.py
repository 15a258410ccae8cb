"""Latent masks as arithmetic (behaviour 4, 5.2, 5.3)."""

from __future__ import annotations

import pytest
import torch

from pipelines.inpaint import LatentMask, with_latent_noise, with_latent_nothing

INIT = torch.tensor([1.0, 2.0, 3.0, 4.0]).view(1, 1, 2, 2)
NEW = torch.tensor([10.0, 20.0, 30.0, 40.0]).view(1, 1, 2, 2)
REPAINT = torch.tensor([0.0, 1.0, 0.5, 0.25]).view(1, 1, 2, 2)


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (LatentMask(INIT, REPAINT).blend(NEW), [1.0, 20.0, 16.5, 13.0]),
        (with_latent_noise(INIT, REPAINT, NEW), [1.0, 20.0, 16.5, 13.0]),
        (with_latent_nothing(INIT, REPAINT), [1.0, 0.0, 1.5, 3.0]),
    ],
    ids=["blend", "latent noise", "latent nothing"],
)
def test_white_is_repainted_black_is_kept(result: torch.Tensor, expected: list[float]) -> None:
    assert result.flatten().tolist() == expected


def test_what_is_kept_is_kept_to_the_last_bit() -> None:
    generator = torch.Generator().manual_seed(3)
    init, new = (torch.randn(2, 4, 9, 7, generator=generator) * 1e3 for _ in range(2))
    repaint = (torch.rand(1, 1, 9, 7, generator=generator) > 0.5).float()
    blended = LatentMask(init, repaint).blend(new)
    kept = (repaint == 0).expand_as(init)
    assert torch.equal(blended[kept], init[kept])
    assert torch.equal(blended[~kept], new[~kept])


def test_one_mask_serves_all_channels_and_pictures() -> None:
    init = torch.zeros(3, 4, 2, 2)
    blended = LatentMask(init, REPAINT).blend(torch.ones(3, 4, 2, 2))
    assert blended.shape == (3, 4, 2, 2)
    assert all(torch.equal(one, REPAINT[0, 0]) for one in blended.flatten(0, 1))
