"""Train a small BLIP that says in a sentence what is in a picture.

    python -m models.builtin.training.train_captioner PICTURES RUN [--steps 8000] [--minutes 25]

Writes RUN/captioner/ in transformers' folder layout (BlipForConditionalGeneration) with vocab.txt.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional
from transformers import BlipConfig, BlipForConditionalGeneration

from models.builtin.training.emphasis import kind_factors, row_shares
from models.builtin.training.picture_batches import clip_normalised, picture_batch
from models.builtin.training.render import Pictures, load
from models.builtin.training.run import (
    Machine,
    Run,
    Step,
    add_run_arguments,
    parameter_groups,
    plan_of,
)
from models.builtin.training.word_pieces import WordPieces, word_pieces_of
from models.builtin.training.world.descriptions import description

PROMPT = "a picture of "
SIDE, PATCH, LENGTH = 128, 16, 64
HELD_OUT = 256
_IGNORED = -100


def main(arguments: Sequence[str] | None = None) -> None:
    """Train, say how often hair colour or scene are named, and write the folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pictures", type=Path)
    parser.add_argument("run", type=Path)
    parser.add_argument("--width", type=int, default=128)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--often", nargs="*", default=[], help="kinds with factors: objects=2")
    add_run_arguments(parser, steps=8000, rate=6e-4)
    given = parser.parse_args(arguments)
    machine = Machine(given.device, given.precision)
    pictures = load(given.pictures)
    sentences = [description(words["attributes"]) for words in pictures.words]
    pieces = word_pieces_of([PROMPT, *sentences])
    held_out = min(HELD_OUT, len(sentences) // 4)
    torch.manual_seed(given.seed)
    blip = BlipForConditionalGeneration(_config(given.width, pieces)).to(machine.device).train()
    run = Run(
        plan_of(given, given.run / "captioner.pt", warm_up=200),
        {"captioner": blip},
        parameter_groups([blip], [1.0], 0.05),
        machine,
    )

    shares = row_shares(pictures.words, kind_factors(given.often), held_out)

    def losses(step: Step) -> dict[str, Tensor]:
        rows = step.dice.choice(len(sentences), given.batch, p=shares)
        seen = clip_normalised(picture_batch(pictures, rows, SIDE, step.dice))
        ids = _ids([sentences[row] for row in rows], pieces)
        return {"loss": _loss(blip, seen.to(machine.device), ids.to(machine.device), machine)}

    run.train(losses)
    run.swap_averages()
    folder = given.run / "captioner"
    blip.eval()
    share = named_right(blip, pictures, held_out, pieces, machine)
    blip.to(torch.float16).save_pretrained(folder)
    pieces.write(folder)
    print(f"weights: {folder}")
    print(f"hair colour, sky or object named: {share:.3f}")


def _config(width: int, pieces: WordPieces) -> BlipConfig:
    common = {
        "hidden_size": width,
        "intermediate_size": 4 * width,
        "num_attention_heads": max(1, width // 32),
    }
    special = {
        "bos_token_id": pieces.number("[DEC]"),
        "sep_token_id": pieces.number("[SEP]"),
        "eos_token_id": pieces.number("[SEP]"),
        "pad_token_id": pieces.number("[PAD]"),
    }
    text: dict[str, Any] = common | special
    text |= {
        "vocab_size": len(pieces.pieces),
        "encoder_hidden_size": width,
        "num_hidden_layers": 3,
        "max_position_embeddings": LENGTH,
        "projection_dim": width,
        "hidden_dropout_prob": 0.0,
        "attention_probs_dropout_prob": 0.0,
    }
    vision = common | {"image_size": SIDE, "patch_size": PATCH, "num_hidden_layers": 5}
    return BlipConfig(
        text_config=text,
        vision_config=vision,
        projection_dim=width,
        image_text_hidden_size=width,
        attn_implementation="eager",
    )


def _ids(sentences: Sequence[str], pieces: WordPieces) -> Tensor:
    """[DEC] a picture of ... [SEP], padded to the longest."""
    rows = [
        [pieces.number("[DEC]"), *pieces.encoded(PROMPT + sentence), pieces.number("[SEP]")]
        for sentence in sentences
    ]
    longest = max(map(len, rows))
    pad = pieces.number("[PAD]")
    return torch.tensor([row + [pad] * (longest - len(row)) for row in rows])


def _loss(
    blip: BlipForConditionalGeneration, seen: Tensor, ids: Tensor, machine: Machine
) -> Tensor:
    """Cross-entropy of each next word, the prompt's and the padding's left out."""
    with machine.autocast():
        states = blip.vision_model(pixel_values=seen).last_hidden_state
        scores = blip.text_decoder(
            input_ids=ids[:, :-1],
            attention_mask=(ids[:, :-1] != 0).long(),
            encoder_hidden_states=states,
        ).logits
    wanted = ids[:, 1:].clone()
    wanted[wanted == 0] = _IGNORED
    wanted[:, : len(PROMPT.split())] = _IGNORED
    flat = scores.float().reshape(-1, scores.shape[-1])
    return functional.cross_entropy(flat, wanted.reshape(-1), ignore_index=_IGNORED)


@torch.no_grad()
def captions(blip: BlipForConditionalGeneration, seen: Tensor, pieces: WordPieces) -> list[str]:
    """Greedy captions of at least 24 and at most 48 tokens, as the interrogator asks for them."""
    start = torch.tensor(
        [[pieces.number("[CLS]"), *pieces.encoded(PROMPT), pieces.number("[SEP]")]]
    )
    prompt = start.repeat(len(seen), 1).to(seen.device)
    rows = blip.generate(
        pixel_values=seen,
        input_ids=prompt,
        attention_mask=torch.ones_like(prompt),
        num_beams=1,
        do_sample=False,
        min_length=24,
        max_length=48,
    )
    known = pieces.pieces
    return [
        " ".join(known[i] for i in row[prompt.shape[1] - 1 :] if not known[i].startswith("["))
        for row in rows.tolist()
    ]


def named_right(
    blip: BlipForConditionalGeneration,
    pictures: Pictures,
    count: int,
    pieces: WordPieces,
    machine: Machine,
) -> float:
    """Share of held-out pictures whose hair colour, sky or first object the caption names."""
    right = []
    for start in range(0, count, 32):
        rows = np.arange(start, min(start + 32, count))
        seen = clip_normalised(picture_batch(pictures, rows, SIDE, None)).to(machine.device)
        for row, told in zip(rows, captions(blip, seen, pieces), strict=True):
            right.append(_key_words(pictures.words[row]["attributes"]) in told)
    return float(np.mean(right))


def _key_words(seen: dict[str, str]) -> str:
    """What a caption of the picture must say."""
    if seen["kind"] == "landscape":
        return {"day": "blue sky", "sunset": "sunset", "night": "night", "cloudy": "gray sky"}[
            seen["sky"]
        ]
    if seen["kind"] == "objects":
        place = next(p for p in ("center", "left", "right", "top", "bottom")
                     if seen[f"{p}_kind"] != "none")  # fmt: skip
        return f"{seen[f'{place}_colour']} {seen[f'{place}_kind']}"
    return f"{seen['hair']} hair"


if __name__ == "__main__":
    main()
