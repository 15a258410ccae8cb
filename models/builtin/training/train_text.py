"""Teach the text encoder to read attributes out of captions, before it meets the UNet.

    python -m models.builtin.training.train_text PICTURES RUN [--steps 1600] [--minutes 4]

Without this the UNet learns to ignore colour words (tiny-model 2.3). Linear heads read the end
token and random padding positions, so that even a uniform attention finds the attributes.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import CLIPTextModel

from models.builtin.training.networks import SIZES, TOKENS, build_text
from models.builtin.training.render import load
from models.builtin.training.run import (
    Machine,
    Run,
    Step,
    add_run_arguments,
    parameter_groups,
    plan_of,
)
from models.builtin.training.words import UNSEEN, Words, chosen_captions, words_of
from models.builtin.training.world.attributes import ATTRIBUTES

_WIDTHS = tuple(len(values) for values in ATTRIBUTES.values())
_POSITIONS = 3


def main(arguments: Sequence[str] | None = None) -> None:
    """Train, say how much is read right, and write RUN/text_weights.pt."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pictures", type=Path)
    parser.add_argument("run", type=Path)
    parser.add_argument("--sizes", choices=list(SIZES), default="shipped")
    parser.add_argument("--batch", type=int, default=64)
    add_run_arguments(parser, steps=1600, rate=1.5e-3)
    given = parser.parse_args(arguments)
    machine = Machine(given.device, given.precision)
    given.run.mkdir(parents=True, exist_ok=True)
    words = words_of(load(given.pictures).words, given.run / "tokens.npy")
    words.vocabulary.save(given.run / "vocabulary.json")
    held_out = min(512, len(words.ids) // 4)
    torch.manual_seed(given.seed)
    sizes, known = SIZES[given.sizes], words.vocabulary
    text = build_text(sizes, len(known.used), known.begin, known.end).to(machine.device).train()
    heads = nn.Linear(sizes.text, sum(_WIDTHS)).to(machine.device)
    run = Run(
        plan_of(given, given.run / "text.pt", hold=0.5, average=0.99),
        {"text": text, "heads": heads},
        parameter_groups([text, heads], [1.0, 1.0], 0.01),
        machine,
    )

    def losses(step: Step) -> dict[str, Tensor]:
        rows = torch.from_numpy(step.dice.integers(held_out, len(words.ids), given.batch))
        ids = chosen_captions(words.ids, rows, step.dice)
        places = _positions(ids, words.vocabulary.end, step.dice)
        scores = _scores(text, heads, ids, places, machine)
        return {"loss": _attribute_loss(scores, words.targets[rows].to(machine.device))}

    run.train(losses)
    print(f"weights: {run.finished(given.run)}")
    run.swap_averages()
    for name, share in accuracies(text, heads, words, held_out, machine).items():
        print(f"{name}: {share:.2f}")


def _positions(ids: Tensor, end: int, dice: np.random.Generator) -> Tensor:
    """The first end token of each caption, and random places in the padding after it."""
    first = (ids != end).sum(1)
    later = first[:, None] + torch.from_numpy(
        (dice.random((len(ids), _POSITIONS - 1)) * (TOKENS - first.numpy())[:, None]).astype(int)
    )
    return torch.cat([first[:, None], later], 1)


def _scores(
    text: CLIPTextModel, heads: nn.Module, ids: Tensor, places: Tensor, machine: Machine
) -> Tensor:
    """Scores of all values of all attributes, [batch, positions, values]."""
    ids, places = ids.to(machine.device), places.to(machine.device)
    with machine.autocast():
        states = text(ids).last_hidden_state.float()
    picked = states[torch.arange(len(ids), device=states.device)[:, None], places]
    scores: Tensor = heads(picked)
    return scores


def _attribute_loss(scores: Tensor, targets: Tensor) -> Tensor:
    """Cross-entropy summed over attributes, meaned over captions and positions."""
    total = scores.new_zeros(())
    for column, part in enumerate(scores.split_with_sizes(_WIDTHS, -1)):
        wanted = targets[:, column, None].expand(-1, part.shape[1]).reshape(-1)
        flat = part.reshape(-1, part.shape[-1])
        total = total + functional.cross_entropy(flat, wanted, ignore_index=UNSEEN, reduction="sum")
    return total / (scores.shape[0] * scores.shape[1])


@torch.no_grad()
def accuracies(
    text: CLIPTextModel, heads: nn.Module, words: Words, count: int, machine: Machine
) -> dict[str, float]:
    """Share of held-out captions from which each attribute is read right at the end token.

    No caption names everything, so the best possible value is below 1.
    """
    ids = words.ids[:count, 0]
    places = (ids != words.vocabulary.end).sum(1, keepdim=True)
    scores = _scores(text, heads, ids, places, machine)[:, 0].cpu()
    found = {}
    for column, (name, part) in enumerate(
        zip(ATTRIBUTES, scores.split_with_sizes(_WIDTHS, -1), strict=True)
    ):
        wanted = words.targets[:count, column]
        seen = wanted != UNSEEN
        if int(seen.sum()) >= 10:
            found[name] = float((part.argmax(-1) == wanted)[seen].float().mean())
    return found


if __name__ == "__main__":
    main()
