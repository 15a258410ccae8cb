"""Train a judge: a small classifier of attributes that sees drawings only, never samples.

    python -m models.builtin.training.train_judge PICTURES RUN [--steps 4000] [--minutes 15]

It serves benchmarks/builtin_quality.py, which asks it about samples, and it does not ship. Blur,
noise and changes of colour while training keep it from judging by the drawing's sharp edges.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from models.builtin.training.render import Pictures, load
from models.builtin.training.run import (
    Machine,
    Run,
    Step,
    add_run_arguments,
    parameter_groups,
    plan_of,
)
from models.builtin.training.words import UNSEEN, words_of
from models.builtin.training.world.attributes import ATTRIBUTES

SIDE = 128
_WIDTHS = tuple(len(values) for values in ATTRIBUTES.values())
HELD_OUT = 256


class Judge(nn.Module):
    """Convolutions to 8 x 8 and one linear head over all attributes' values."""

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = 3
        for factor in (1, 2, 4, 4):
            layers += [
                nn.Conv2d(channels, factor * width, 3, stride=2, padding=1),
                nn.GroupNorm(4, factor * width),
                nn.SiLU(),
                nn.Conv2d(factor * width, factor * width, 3, padding=1),
                nn.GroupNorm(4, factor * width),
                nn.SiLU(),
            ]
            channels = factor * width
        self.features = nn.Sequential(*layers)
        self.head = nn.Sequential(
            nn.Linear(channels * 64, 4 * width), nn.SiLU(), nn.Linear(4 * width, sum(_WIDTHS))
        )

    def forward(self, pictures: Tensor) -> Tensor:
        """Scores [b, values] of pictures [b, 3, 128, 128] in -1..1."""
        scores: Tensor = self.head(self.features(pictures).flatten(1))
        return scores


def main(arguments: Sequence[str] | None = None) -> None:
    """Train, say how well held-out drawings are judged, and write RUN/judge_weights.pt."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pictures", type=Path)
    parser.add_argument("run", type=Path)
    parser.add_argument("--width", type=int, default=32)
    parser.add_argument("--batch", type=int, default=32)
    add_run_arguments(parser, steps=4000, rate=1e-3)
    given = parser.parse_args(arguments)
    machine = Machine(given.device, given.precision)
    pictures = load(given.pictures)
    targets = words_of(pictures.words, given.run / "tokens.npy").targets
    held_out = min(HELD_OUT, len(targets) // 4)
    torch.manual_seed(given.seed)
    judge = Judge(given.width).to(machine.device)
    run = Run(
        plan_of(given, given.run / "judge.pt"),
        {"judge": judge},
        parameter_groups([judge], [1.0], 0.02),
        machine,
    )

    def losses(step: Step) -> dict[str, Tensor]:
        rows = step.dice.integers(held_out, len(targets), given.batch)
        seen = np.stack([_disturbed(pictures.pixels[row], step.dice) for row in rows])
        with machine.autocast():
            scores = judge(as_input(seen).to(machine.device)).float()
        return {"loss": _loss(scores, targets[torch.from_numpy(rows)].to(machine.device))}

    run.train(losses)
    print(f"weights: {run.finished(given.run)}")
    run.swap_averages()
    for name, share in _accuracies(judge, pictures, targets[:held_out], machine).items():
        print(f"{name}: {share:.3f}")


def as_input(pixels: npt.NDArray[np.uint8]) -> Tensor:
    """Pictures uint8 [b, h, w, 3] of any size as the judge wants them."""
    small = [cv2.resize(one, (SIDE, SIDE), interpolation=cv2.INTER_AREA) for one in pixels]
    return torch.from_numpy(np.stack(small)).permute(0, 3, 1, 2).float() / 127.5 - 1


@torch.no_grad()
def judge_attribute(judge: Judge, pixels: npt.NDArray[np.uint8], name: str) -> list[str]:
    """The judge's word for one attribute of each picture [b, h, w, 3]."""
    column = list(ATTRIBUTES).index(name)
    scores = judge(as_input(pixels)).split_with_sizes(_WIDTHS, -1)[column]
    return [ATTRIBUTES[name][int(index)] for index in scores.argmax(-1)]


def _loss(scores: Tensor, targets: Tensor) -> Tensor:
    total = scores.new_zeros(())
    for column, part in enumerate(scores.split_with_sizes(_WIDTHS, -1)):
        wanted = targets[:, column]
        if bool((wanted != UNSEEN).any()):
            total = total + functional.cross_entropy(part, wanted, ignore_index=UNSEEN)
    return total


def _disturbed(picture: npt.NDArray[np.uint8], dice: np.random.Generator) -> npt.NDArray[np.uint8]:
    """At the judge's size: a little blur, noise, another brightness, a shift of a few pixels."""
    small = cv2.resize(np.asarray(picture), (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    seen: npt.NDArray[Any] = np.asarray(small, np.float32)
    if dice.random() < 0.5:
        seen = np.asarray(cv2.GaussianBlur(seen, (0, 0), dice.uniform(0.25, 1.25)))
    seen = seen * dice.uniform(0.9, 1.08) + dice.normal(0, dice.uniform(0, 8), seen.shape)
    x, y = dice.integers(-4, 5, 2)
    moved = np.array([[1, 0, x], [0, 1, y]], np.float32)
    seen = cv2.warpAffine(seen, moved, (SIDE, SIDE), borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(np.clip(seen, 0, 255), np.uint8)


@torch.no_grad()
def _accuracies(
    judge: Judge, pictures: Pictures, targets: Tensor, machine: Machine
) -> dict[str, float]:
    seen = as_input(np.array(pictures.pixels[: len(targets)])).to(machine.device)
    scores = torch.cat([judge(seen[i : i + 64]) for i in range(0, len(seen), 64)]).cpu()
    found = {}
    for column, (name, part) in enumerate(
        zip(ATTRIBUTES, scores.split_with_sizes(_WIDTHS, -1), strict=True)
    ):
        known = targets[:, column] != UNSEEN
        if int(known.sum()) >= 10:
            right = part.argmax(-1) == targets[:, column]
            found[name] = float(right[known].float().mean())
    return found


if __name__ == "__main__":
    main()
