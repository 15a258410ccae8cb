"""Train a small CLIP whose two sides agree on what is in a picture, for ranking words.

    python -m models.builtin.training.train_clip PICTURES RUN [--steps 6000] [--minutes 20]

Writes RUN/clip/ in transformers' folder layout (CLIPModel) with CLIP's own tokenizer.
"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional
from transformers import CLIPConfig, CLIPModel

from models.builtin.training.networks import BEGIN_TOKEN, END_TOKEN, TOKENS, VOCABULARY_SIZE
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
from models.builtin.training.vocabulary import TOKENIZER, Vocabulary, load_tokenizer
from models.builtin.training.words import Words, chosen_captions, words_of

SIDE, PATCH = 128, 16
HELD_OUT = 256
_TABLE = "text_model.embeddings.token_embedding.weight"


def main(arguments: Sequence[str] | None = None) -> None:
    """Train, say how often the right caption of 64 is found, and write the folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pictures", type=Path)
    parser.add_argument("run", type=Path)
    parser.add_argument("--width", type=int, default=128)
    parser.add_argument("--batch", type=int, default=64)
    add_run_arguments(parser, steps=6000, rate=6e-4)
    given = parser.parse_args(arguments)
    machine = Machine(given.device, given.precision)
    pictures = load(given.pictures)
    given.run.mkdir(parents=True, exist_ok=True)
    words = words_of(pictures.words, given.run / "tokens.npy")
    held_out = min(HELD_OUT, len(words.ids) // 4)
    torch.manual_seed(given.seed)
    known = words.vocabulary
    clip = CLIPModel(_config(given.width, len(known.used), known.begin, known.end))
    clip.to(machine.device).train()
    run = Run(
        plan_of(given, given.run / "clip.pt", warm_up=200),
        {"clip": clip},
        parameter_groups([clip], [1.0], 0.05),
        machine,
    )

    def losses(step: Step) -> dict[str, Tensor]:
        rows = step.dice.integers(held_out, len(words.ids), given.batch)
        seen = clip_normalised(picture_batch(pictures, rows, SIDE, step.dice))
        ids = chosen_captions(words.ids, torch.from_numpy(rows), step.dice)
        return {"loss": _contrast(_similarities(clip, seen, ids, machine))}

    run.train(losses)
    run.swap_averages()
    write_folder(clip, known, given.width, given.run / "clip")
    print(f"weights: {given.run / 'clip'}")
    print(f"right caption of 64: {_retrieval(clip, pictures, words, held_out, machine):.3f}")


def _config(width: int, vocabulary: int, begin: int, end: int) -> CLIPConfig:
    common = {
        "hidden_size": width,
        "intermediate_size": 4 * width,
        "num_attention_heads": max(1, width // 32),
        "hidden_act": "quick_gelu",
        "projection_dim": width,
    }
    text = common | {
        "vocab_size": vocabulary,
        "bos_token_id": begin,
        "eos_token_id": end,
        "pad_token_id": end,
        "num_hidden_layers": 3,
        "max_position_embeddings": TOKENS,
    }
    vision = common | {"image_size": SIDE, "patch_size": PATCH, "num_hidden_layers": 5}
    return CLIPConfig(
        text_config=text,
        vision_config=vision,
        projection_dim=width,
        attn_implementation="eager",
    )


def _similarities(clip: CLIPModel, seen: Tensor, ids: Tensor, machine: Machine) -> Tensor:
    """Scaled cosines [pictures, captions]."""
    with machine.autocast():
        pooled = clip.vision_model(pixel_values=seen.to(machine.device)).pooler_output
        read = clip.text_model(input_ids=ids.to(machine.device)).pooler_output
        images, texts = clip.visual_projection(pooled), clip.text_projection(read)
    images, texts = (functional.normalize(one.float(), dim=-1) for one in (images, texts))
    found: Tensor = clip.logit_scale.exp().clamp(max=100) * images @ texts.T
    return found


def _contrast(similarities: Tensor) -> Tensor:
    """The mean of both directions' cross-entropies (Radford et al. 2021)."""
    right = torch.arange(len(similarities), device=similarities.device)
    rows = functional.cross_entropy(similarities, right)
    return (rows + functional.cross_entropy(similarities.T, right)) / 2


def write_folder(clip: CLIPModel, vocabulary: Vocabulary, width: int, folder: Path) -> None:
    """The model with the whole vocabulary, in float16, with its tokenizer."""
    state = {name: value.cpu() for name, value in clip.state_dict().items()}
    state[_TABLE] = vocabulary.expanded(state[_TABLE], load_tokenizer())
    full = CLIPModel(_config(width, VOCABULARY_SIZE, BEGIN_TOKEN, END_TOKEN))
    full.load_state_dict(state)
    full.to(torch.float16).save_pretrained(folder)
    for name in ("vocab.json", "merges.txt", "tokenizer_config.json", "special_tokens_map.json"):
        shutil.copyfile(TOKENIZER / name, folder / name)


@torch.no_grad()
def _retrieval(
    clip: CLIPModel, pictures: Pictures, words: Words, held_out: int, machine: Machine
) -> float:
    right = []
    for start in range(0, held_out, 64):
        rows = np.arange(start, min(start + 64, held_out))
        seen = clip_normalised(picture_batch(pictures, rows, SIDE, None))
        found = _similarities(clip, seen, words.ids[torch.from_numpy(rows), 0], machine)
        right.append((found.argmax(1).cpu() == torch.arange(len(rows))).float())
    return float(torch.cat(right).mean())


if __name__ == "__main__":
    main()
