"""Train the tagger: DeepDanbooru's residual network in a small width, with the world's tags.

    python -m models.builtin.training.train_tagger PICTURES RUN [--steps 6000] [--minutes 20]

Writes RUN/tagger.safetensors: tensors `n_Conv_0` ..., tags and the pictures' side in its metadata.
Batch normalisation does not appear in that layout, so the network is trained without it, from small
residual branches.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional

from models.builtin.training.picture_batches import picture_batch
from models.builtin.training.render import Pictures, load
from models.builtin.training.run import (
    Machine,
    Run,
    Step,
    add_run_arguments,
    parameter_groups,
    plan_of,
)
from models.builtin.training.world.tags import TAGS

HELD_OUT = 256
_BLOCKS = (2, 2, 2, 2)
_THRESHOLD = 0.5


class TaggerNetwork(nn.Module):
    """Pictures [b, h, w, 3] in 0..1 to scores [b, tags] before the sigmoid (behaviour 13.2)."""

    def __init__(self, width: int, tags: int) -> None:
        super().__init__()
        self.plan: list[str] = []
        self.count = 0
        self._add(3, width, 7, 2)
        channels = width
        for stage, blocks in enumerate(_BLOCKS):
            inner = width * 2**stage
            for block in range(blocks):
                stride = 2 if stage and not block else 1
                if not block:
                    self._add(channels, 4 * inner, 1, stride)
                self.plan.append("widening" if not block else "plain")
                self._add(channels, inner, 1, 1)
                self._add(inner, inner, 3, stride)
                self._add(inner, 4 * inner, 1, 1)
                nn.init.zeros_(self._layer(self.count - 1).weight)
                channels = 4 * inner
        self._add(channels, tags, 1, 1, bias=False)

    def _add(self, inputs: int, outputs: int, kernel: int, stride: int, bias: bool = True) -> None:
        layer = nn.Conv2d(inputs, outputs, kernel, stride, bias=bias)
        nn.init.kaiming_normal_(layer.weight)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
        self.add_module(f"n_Conv_{self.count}", layer)
        self.count += 1

    def _layer(self, number: int) -> nn.Conv2d:
        layer = self.get_submodule(f"n_Conv_{number}")
        assert isinstance(layer, nn.Conv2d)
        return layer

    def forward(self, pictures: Tensor) -> Tensor:
        """See the class."""
        layers = (self._layer(number) for number in range(self.count))
        x = functional.relu(_same(next(layers), pictures.permute(0, 3, 1, 2)))
        x = functional.max_pool2d(functional.pad(x, (0, 1, 0, 1), value=float("-inf")), 3, 2)
        for kind in self.plan:
            shortcut = _same(next(layers), x) if kind == "widening" else x
            y = functional.relu(_same(next(layers), x))
            y = functional.relu(_same(next(layers), y))
            x = functional.relu(_same(next(layers), y) + shortcut)
        return _same(next(layers), x).float().mean((2, 3))


def _same(layer: nn.Conv2d, x: Tensor) -> Tensor:
    """TensorFlow's "same" padding: the odd pixel goes right and below."""
    pads: list[int] = []
    for length in (x.shape[3], x.shape[2]):
        kernel, stride = layer.kernel_size[0], layer.stride[0]
        total = max((-(-length // stride) - 1) * stride + kernel - length, 0)
        pads += [total // 2, total - total // 2]
    found: Tensor = layer(functional.pad(x, pads))
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    """Train, say the mean F1, and write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pictures", type=Path)
    parser.add_argument("run", type=Path)
    parser.add_argument("--width", type=int, default=16)
    parser.add_argument("--side", type=int, default=160, help="of the pictures in training")
    parser.add_argument("--batch", type=int, default=24)
    add_run_arguments(parser, steps=6000, rate=8e-4)
    given = parser.parse_args(arguments)
    machine = Machine(given.device, given.precision)
    pictures = load(given.pictures)
    targets = _targets(pictures)
    held_out = min(HELD_OUT, len(targets) // 4)
    torch.manual_seed(given.seed)
    network = TaggerNetwork(given.width, len(TAGS)).to(machine.device)
    run = Run(
        plan_of(given, given.run / "tagger.pt", warm_up=200),
        {"tagger": network},
        parameter_groups([network], [1.0], 1e-3),
        machine,
    )

    def losses(step: Step) -> dict[str, Tensor]:
        rows = step.dice.integers(held_out, len(targets), given.batch)
        # Users' drawings show things larger and smaller than ours do: vary the side by a third.
        side = int(given.side * step.dice.uniform(0.75, 1.3)) // 8 * 8
        seen = torch.from_numpy(picture_batch(pictures, rows, side, step.dice))
        with machine.autocast():
            scores = network(seen.to(machine.device))
        wanted = targets[torch.from_numpy(rows)].to(machine.device)
        loss = functional.binary_cross_entropy_with_logits(scores, wanted, reduction="sum")
        return {"loss": loss / len(rows)}

    run.train(losses)
    run.swap_averages()
    path = given.run / "tagger.safetensors"
    state = {name: value.contiguous().cpu() for name, value in network.state_dict().items()}
    save_file(state, path, metadata={"tags": json.dumps(list(TAGS)), "side": str(given.side)})
    print(f"weights: {path}")
    print(
        f"mean F1 at {_THRESHOLD}: {mean_f1(network, pictures, targets[:held_out], given.side):.3f}"
    )


def _targets(pictures: Pictures) -> Tensor:
    """float32 [n, tags], 1 where a picture has the tag."""
    place = {tag: number for number, tag in enumerate(TAGS)}
    targets = torch.zeros(len(pictures.words), len(TAGS))
    for row, words in enumerate(pictures.words):
        targets[row, [place[tag] for tag in words["tags"]]] = 1
    return targets


@torch.no_grad()
def mean_f1(network: TaggerNetwork, pictures: Pictures, targets: Tensor, side: int) -> float:
    """F1 of each picture's tags at the threshold, meaned over pictures."""
    device = next(network.parameters()).device
    found = []
    for start in range(0, len(targets), 32):
        rows = np.arange(start, min(start + 32, len(targets)))
        seen = torch.from_numpy(picture_batch(pictures, rows, side, None)).to(device)
        found.append(network(seen).sigmoid().cpu() >= _THRESHOLD)
    told, true = torch.cat(found), targets > 0
    both = (told & true).sum(1).float()
    return float((2 * both / (told.sum(1) + true.sum(1)).clamp(min=1)).mean())


if __name__ == "__main__":
    main()
