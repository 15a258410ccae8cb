"""Token merging: self-attention over fewer tokens (Bolya & Hoffman 2023, CVPRW; behaviour 17).

Before the attention the tokens that are most alike become one, afterwards each gets what that one
got. It is meant to save time on large pictures, and blurs fine detail.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True)
class Merge:
    """Which tokens become one (section 4.2 of the paper).

    `kept` and `targets` are token numbers: sources that stay, (N, kept), and destinations,
    (targets,), which everything can be merged into. `merged` (N, r) are the sources that go, `into`
    (N, r) the places of their destinations in `targets`. N is the batch.
    """

    targets: Tensor
    kept: Tensor
    merged: Tensor
    into: Tensor

    def merge(self, x: Tensor) -> Tensor:
        """(N, tokens, width) -> (N, kept + targets, width): destinations are means."""
        stay = _taken(x, self.kept)
        gone = _taken(x, self.merged)
        into = self.into[..., None].expand_as(gone)
        means = x[:, self.targets].scatter_reduce(1, into, gone, "mean", include_self=True)
        return torch.cat([stay, means], dim=1)

    def unmerge(self, x: Tensor) -> Tensor:
        """The way back: a merged token gets a copy of what its destination became."""
        count = self.kept.shape[1]
        stay, means = x[:, :count], x[:, count:]
        tokens = count + self.targets.shape[0] + self.merged.shape[1]
        whole = x.new_empty(x.shape[0], tokens, x.shape[2])
        whole[:, self.targets] = means
        _put(whole, self.kept, stay)
        _put(whole, self.merged, _taken(means, self.into))
        return whole


def most_alike(x: Tensor, height: int, width: int, ratio: float) -> Merge | None:
    """How to merge `ratio` of the tokens x (N, height * width, C), or None where none goes.

    One token of each 2 x 2 square, its upper left one, is a destination; the others are sources,
    so that at most three quarters can go. Each source belongs to the destination that points the
    same way (cosine), and those that are nearest to theirs go. Pictures of a batch go their own
    ways.
    """
    cells = torch.arange(height * width, device=x.device).view(height, width)
    whole = cells[: height // 2 * 2, : width // 2 * 2]
    is_target = torch.zeros(height * width, dtype=torch.bool, device=x.device)
    is_target[whole[::2, ::2].flatten()] = True
    targets, sources = is_target.nonzero()[:, 0], (~is_target).nonzero()[:, 0]
    count = min(int(height * width * ratio), sources.shape[0])
    if count == 0 or targets.shape[0] == 0:
        return None
    directions = functional.normalize(x.float(), dim=-1)
    nearness = directions[:, sources] @ directions[:, targets].transpose(1, 2)
    best, place = nearness.max(dim=-1)
    order = best.argsort(dim=-1, descending=True, stable=True)
    gone, stay = order[:, :count], order[:, count:]
    return Merge(targets, sources[stay], sources[gone], place.gather(1, gone))


def _taken(x: Tensor, rows: Tensor) -> Tensor:
    """Rows (N, k) of x (N, tokens, width)."""
    return x.gather(1, rows[..., None].expand(-1, -1, x.shape[2]))


def _put(x: Tensor, rows: Tensor, values: Tensor) -> None:
    x.scatter_(1, rows[..., None].expand_as(values), values)
