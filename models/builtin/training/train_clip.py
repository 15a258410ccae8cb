"""Train a small CLIP whose two sides agree on what is in a picture, for ranking words.

    python -m models.builtin.training.train_clip PICTURES RUN [--steps 6000] [--minutes 20]

Half of the texts are single phrases, because phrases are what is ranked. Such a text is right for
every picture of the batch that has these phrases. Writes RUN/clip/ in transformers' folder layout
(CLIPModel) with CLIP's tokenizer, reduced to the entries that the world's captions need.
"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional
from transformers import CLIPConfig, CLIPModel

from models.builtin.training.compact_tokenizer import compact_tokenizer
from models.builtin.training.networks import TOKENS
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
from models.builtin.training.vocabulary import TOKENIZER, Vocabulary, load_tokenizer, token_ids
from models.builtin.training.words import Words, chosen_captions, words_of
from models.builtin.training.world.palette import HAIR
from models.builtin.training.world.phrases import LOOK_PHRASES, QUALITY
from models.builtin.training.world.scene import COLOUR_NAMES

SIDE, PATCH = 128, 16
HELD_OUT = 256
RANKED = {
    "look": {look: texts[0] for look, texts in LOOK_PHRASES.items()},
    "hair": {name: f"{name} hair" for name in HAIR},
    "background": {name: f"{name} background" for name in COLOUR_NAMES},
}
"""Phrases that held-out pictures are ranked by, by attribute and value."""
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

    phrases, tokenizer = phrases_of(pictures), load_tokenizer()

    def losses(step: Step) -> dict[str, Tensor]:
        rows = step.dice.integers(held_out, len(words.ids), given.batch)
        seen = clip_normalised(picture_batch(pictures, rows, SIDE, step.dice))
        ids = chosen_captions(words.ids, torch.from_numpy(rows), step.dice)
        here = [phrases[row] for row in rows]
        chosen = chosen_phrases(here, step.dice)
        short = [place for place, text in enumerate(chosen) if text]
        texts = [", ".join(chosen[place]) for place in short]
        ids[short] = known.compact(token_ids(texts, tokenizer))
        right = torch.from_numpy(matches(here, chosen)).to(machine.device)
        return {"loss": _contrast(_similarities(clip, seen, ids, machine), right)}

    run.train(losses)
    run.finished(given.run)
    run.swap_averages()
    write_folder(clip, known, given.width, given.run / "clip")
    print(f"weights: {given.run / 'clip'}")
    print(f"right caption of 64: {_retrieval(clip, pictures, words, held_out, machine):.3f}")
    for name, share in _phrase_ranking(clip, pictures, words, held_out, machine).items():
        print(f"{name} by a phrase: {share:.3f}")


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


def _contrast(similarities: Tensor, right: Tensor) -> Tensor:
    """The mean of both directions' cross-entropies (Radford et al. 2021).

    `right` [pictures, texts] is 1 where a text is true of a picture; several right ones share.
    """
    rows = functional.cross_entropy(similarities, right / right.sum(1, keepdim=True))
    columns = functional.cross_entropy(similarities.T, (right / right.sum(0, keepdim=True)).T)
    return (rows + columns) / 2


def phrases_of(pictures: Pictures) -> list[tuple[str, ...]]:
    """What can be said of each picture in few words, sorted, by picture.

    The parts of its captions, its tags, and the names of its look; no words of habit.
    """
    found = []
    for described in pictures.words:
        parts = {part.strip() for text in described["captions"] for part in text.split(",")}
        parts |= {tag.replace("_", " ") for tag in described["tags"]}
        parts |= set(LOOK_PHRASES[described["attributes"]["look"]])
        found.append(tuple(sorted(parts - {"", *QUALITY})))
    return found


def chosen_phrases(
    phrases: Sequence[tuple[str, ...]], dice: np.random.Generator
) -> list[tuple[str, ...]]:
    """For half of the pictures one or two of their phrases, for the others none."""
    chosen: list[tuple[str, ...]] = []
    for own in phrases:
        count = int(dice.integers(1, 3)) if dice.random() < 0.5 else 0
        places = dice.permutation(len(own))[:count]
        chosen.append(tuple(own[place] for place in places))
    return chosen


def matches(
    phrases: Sequence[tuple[str, ...]], chosen: Sequence[tuple[str, ...]]
) -> npt.NDArray[np.float32]:
    """1 where the text of a column is true of the picture of a row, else 0.

    The diagonal is 1. A text without chosen phrases, a whole caption, is true of its own alone.
    """
    found = np.eye(len(phrases), dtype=np.float32)
    for column, wanted in enumerate(chosen):
        if wanted:
            for row, own in enumerate(phrases):
                found[row, column] = set(wanted) <= set(own)
    return found


def write_folder(clip: CLIPModel, vocabulary: Vocabulary, width: int, folder: Path) -> None:
    """The model in float16 with its tokenizer; tokens that were never trained get the mean row."""
    tokenizer = compact_tokenizer(vocabulary.used)
    state = {name: value.cpu() for name, value in clip.state_dict().items()}
    table = state[_TABLE]
    unknown = table.mean(0, keepdim=True).repeat(len(tokenizer.tokens) - len(table), 1)
    state[_TABLE] = torch.cat([table, unknown])
    full = CLIPModel(_config(width, len(tokenizer.tokens), vocabulary.begin, vocabulary.end))
    full.load_state_dict(state)
    full.to(torch.float16).save_pretrained(folder)
    tokenizer.write(folder)
    for name in ("tokenizer_config.json", "special_tokens_map.json"):
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


@torch.no_grad()
def _phrase_ranking(
    clip: CLIPModel, pictures: Pictures, words: Words, held_out: int, machine: Machine
) -> dict[str, float]:
    """How often the right one of an attribute's phrases fits a held-out picture best."""
    tokenizer = load_tokenizer()
    shares = {}
    for name, texts in RANKED.items():
        rows = [
            row for row in range(held_out) if pictures.words[row]["attributes"].get(name) in texts
        ]
        if not rows:
            continue
        ids = words.vocabulary.compact(token_ids(list(texts.values()), tokenizer))
        seen = clip_normalised(picture_batch(pictures, np.array(rows), SIDE, None))
        best = _similarities(clip, seen, ids, machine).argmax(1).tolist()
        wanted = [pictures.words[row]["attributes"][name] for row in rows]
        names = list(texts)
        right = [names[place] == want for place, want in zip(best, wanted, strict=True)]
        shares[name] = sum(right) / len(right)
    return shares


if __name__ == "__main__":
    main()
