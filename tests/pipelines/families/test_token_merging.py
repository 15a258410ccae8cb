"""Token merging: which tokens become one, and what it is in a whole network (behaviour 17)."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from models.load import LoadedCheckpoint
from pipelines.computing import Computing
from pipelines.families.attention import OwnAttention
from pipelines.families.sd1 import StableDiffusion1
from pipelines.families.token_merging import most_alike

# 2 x 4 tokens in the plane; the upper left ones of both squares (0 and 2) are destinations.
#   0: east   1: nearly east   2: north   3: nearly north
#   4: north  5: north-east    6: south   7: east, twice as long
PLANE = torch.tensor([[[1, 0], [1, 0.1], [0, 1], [0.2, 1], [0, 1], [1, 1], [0, -1], [2, 0]]])


def merged(ratio: float, height: int = 2, width: int = 4, x: Tensor = PLANE) -> list[int]:
    """Numbers of the tokens that are gone, those nearest to their destinations first."""
    found = most_alike(x, height, width, ratio)
    return [] if found is None else found.merged[0].tolist()


RATIOS = {
    "none": (0.0, []),
    "less than one token": (0.1, []),
    "a quarter: what points the same way": (0.25, [4, 7]),
    "half": (0.5, [4, 7, 1, 3]),
    "all sources": (0.75, [4, 7, 1, 3, 5, 6]),
    "never a destination": (0.9, [4, 7, 1, 3, 5, 6]),
}


@pytest.mark.parametrize(("ratio", "gone"), RATIOS.values(), ids=list(RATIOS))
def test_the_nearest_go_first(ratio: float, gone: list[int]) -> None:
    assert merged(ratio) == gone


def test_destinations_become_means_and_give_them_back() -> None:
    found = most_alike(PLANE, 2, 4, 0.25)
    assert found is not None
    fewer = found.merge(PLANE)
    # Kept sources (nearest first), then the destinations: 0 with 7, and 2 with 4.
    rows = {tuple(round(v, 1) for v in row) for row in fewer[0].tolist()}
    assert rows == {(1.0, 0.1), (0.2, 1.0), (1.0, 1.0), (0.0, -1.0), (1.5, 0.0), (0.0, 1.0)}
    assert fewer.shape == (1, 6, 2)
    whole = found.unmerge(fewer)
    expected = PLANE.clone()
    expected[0, 0] = expected[0, 7] = torch.tensor([1.5, 0.0])
    assert torch.equal(whole, expected)


SIZES = {
    "odd height: its last row can go": (3, 2, 2),
    "odd width": (2, 3, 2),
    "one row has no square": (1, 6, 0),
}


@pytest.mark.parametrize(("height", "width", "gone"), SIZES.values(), ids=list(SIZES))
def test_sizes_that_are_not_even(height: int, width: int, gone: int) -> None:
    x = torch.randn(1, height * width, 4, generator=torch.Generator().manual_seed(1))
    assert len(merged(0.4, height, width, x)) == gone


def test_pictures_of_a_batch_go_their_own_ways() -> None:
    one = torch.randn(2, 16, 3, generator=torch.Generator().manual_seed(2))
    both = most_alike(one, 4, 4, 0.5)
    assert both is not None
    for k in range(2):
        alone = most_alike(one[k : k + 1], 4, 4, 0.5)
        assert alone is not None
        assert torch.equal(both.merge(one)[k], alone.merge(one[k : k + 1])[0])


def test_equal_tokens_lose_nothing() -> None:
    """Self-attention over copies of one token is that token, merged or not."""
    own = OwnAttention(merging=0.5)
    own.grid = (2, 4)
    same = nn.Identity()
    attn = SimpleNamespace(heads=1, to_q=same, to_k=same, to_v=same, to_out=[same])
    tokens = torch.tensor([1.0, 2, 3]).expand(1, 8, 3)
    assert torch.allclose(own(attn, tokens), tokens)


@pytest.fixture(scope="module")
def family(builtin_checkpoint: LoadedCheckpoint) -> StableDiffusion1:
    return StableDiffusion1(builtin_checkpoint)


def predicted(family: StableDiffusion1, ratio: float, **ways: Any) -> Tensor:
    generator = torch.Generator().manual_seed(3)
    x = torch.randn(2, 4, 14, 18, generator=generator) * 3
    text = torch.randn(2, 77, 96, generator=generator)
    with family.computing(Computing(**ways)), family.merging(ratio):
        return family.denoised(x, torch.tensor([3.0, 3]), torch.tensor([400.0, 400]), text)


def test_a_network_merges_more_and_more_and_leaves_no_trace(family: StableDiffusion1) -> None:
    plain = predicted(family, 0.0)
    off = [float((predicted(family, ratio) - plain).abs().mean()) for ratio in (0.001, 0.25, 0.5)]
    assert off[0] == pytest.approx(0.0, abs=1e-5)  # a thousandth of 63 tokens is none
    assert 1e-4 < off[1] < off[2] < float(plain.abs().mean())
    assert torch.equal(predicted(family, 0.0), plain)


def test_it_goes_with_upcast_attention(family: StableDiffusion1) -> None:
    wide = predicted(family, 0.5, upcast_attention=True)
    assert torch.allclose(wide, predicted(family, 0.5), atol=1e-4)


def test_it_acts_where_the_network_has_most_tokens(
    family: StableDiffusion1, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The built-in network attends at a half and a quarter of the latent: 7 x 9 and 4 x 5."""
    grids: set[tuple[int, int, int]] = set()

    def spy(x: Tensor, height: int, width: int, ratio: float) -> None:
        grids.add((x.shape[1], height, width))

    monkeypatch.setattr("pipelines.families.attention.most_alike", spy)
    predicted(family, 0.5)
    assert grids == {(63, 7, 9)}
