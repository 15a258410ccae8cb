"""Write what ships: a diffusers folder in float16 with tokenizer, schedule and facts.

    python -m models.builtin.training.write_checkpoint RUN FOLDER --pictures PICTURES
    python -m models.builtin.training.write_checkpoint RUN FOLDER --inpainting

Reads RUN/vae_weights.pt, RUN/scale.json, RUN/vocabulary.json and RUN/unet_weights.pt. The
inpainting variant is RUN/inpainting_weights.pt alone: FOLDER takes all other parts from the folder
`checkpoint` beside it.
"""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from diffusers import UNet2DConditionModel
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor
from transformers import CLIPTextModel

from models.builtin.training.encode import load_scale, load_vae
from models.builtin.training.latent_rgb import main as fit_latent_rgb
from models.builtin.training.networks import (
    BEGIN_TOKEN,
    END_TOKEN,
    SIZES,
    VOCABULARY_SIZE,
    Sizes,
    build_unet,
    fill_text,
    text_config,
)
from models.builtin.training.photographs import photographs
from models.builtin.training.render import load
from models.builtin.training.run import Machine
from models.builtin.training.vocabulary import Vocabulary, load_tokenizer, load_vocabulary
from models.facts import FACTS_FILE

_SHIPPED = Path(__file__).parents[1] / "checkpoint"
_COPIED = ("model_index.json", "scheduler", "tokenizer")
_TABLE = "embeddings.token_embedding.weight"
_FITTED = 64
"""Drawings that the colours of previews are fitted on, beside the photographs."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the folder; one that exists is completed and overwritten file by file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--pictures", type=Path, help="what render.py wrote")
    parser.add_argument("--inpainting", action="store_true")
    parser.add_argument("--sizes", choices=list(SIZES), default="shipped")
    given = parser.parse_args(arguments)
    sizes = SIZES[given.sizes]
    if given.inpainting:
        _write_variant(given.run, given.folder, sizes)
    else:
        if given.pictures is None:
            parser.error("--pictures is needed: the colours of previews are fitted to them")
        _write_whole(given.run, given.folder, given.pictures, sizes)
    print(f"{given.folder}: {_megabytes(given.folder):.1f} MB")


def _write_whole(run: Path, folder: Path, pictures: Path, sizes: Sizes) -> None:
    _copy_what_is_the_same(folder, _COPIED)
    vae = load_vae(run, sizes, Machine("cpu"))
    vae.register_to_config(scaling_factor=load_scale(run))
    vae.to(torch.float16).save_pretrained(folder / "vae")
    state = torch.load(run / "unet_weights.pt", map_location="cpu", weights_only=True)
    text = full_text_encoder(state["text"], load_vocabulary(run / "vocabulary.json"), sizes)
    save_text_encoder(text, folder / "text_encoder")
    _unet(state["unet"], sizes, 4).to(torch.float16).save_pretrained(folder / "unet")
    _write_facts(folder, pictures)


def _write_variant(run: Path, folder: Path, sizes: Sizes) -> None:
    _copy_what_is_the_same(folder, ("model_index.json",))
    path = run / "inpainting_weights.pt"
    state = torch.load(path, map_location="cpu", weights_only=True)
    _unet(state["unet"], sizes, 9).to(torch.float16).save_pretrained(folder / "unet")
    shared = {"shares_with": _SHIPPED.name}
    (folder / FACTS_FILE).write_text(json.dumps(shared) + "\n", encoding="utf-8")


def full_text_encoder(
    state: dict[str, Tensor], vocabulary: Vocabulary, sizes: Sizes
) -> CLIPTextModel:
    """The text encoder with all 49408 tokens, from one with a compact table."""
    table = next(name for name in state if name.endswith(_TABLE))
    full = {**state, table: vocabulary.expanded(state[table], load_tokenizer())}
    text = CLIPTextModel(text_config(sizes, VOCABULARY_SIZE, BEGIN_TOKEN, END_TOKEN))
    return fill_text(text, full).half()


def save_text_encoder(text: CLIPTextModel, folder: Path) -> None:
    """Config and weights; names carry the prefix that every version of transformers reads."""
    folder.mkdir(parents=True, exist_ok=True)
    text.config.architectures = ["CLIPTextModel"]
    text.config.save_pretrained(folder)
    prefix = "text_model."
    state = {
        prefix + name.removeprefix(prefix): value.contiguous()
        for name, value in text.state_dict().items()
        if not name.endswith("position_ids")
    }
    save_file(state, folder / "model.safetensors", metadata={"format": "pt"})


def _unet(state: dict[str, Tensor], sizes: Sizes, channels: int) -> UNet2DConditionModel:
    unet = build_unet(sizes, in_channels=channels)
    unet.load_state_dict(state)
    return unet


def _copy_what_is_the_same(folder: Path, names: Sequence[str]) -> None:
    """Tokenizer, schedule and index do not depend on weights."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        source = _SHIPPED / name
        if folder.resolve() == _SHIPPED.resolve():
            continue
        if source.is_dir():
            shutil.copytree(source, folder / name, dirs_exist_ok=True)
        else:
            shutil.copyfile(source, folder / name)


def _write_facts(folder: Path, pictures: Path) -> None:
    """Working size, CFG scale and preview colours, which are fitted to the VAE just written."""
    facts = {"default_width": 256, "default_height": 256, "default_cfg": 5.0}
    (folder / FACTS_FILE).write_text(json.dumps(facts), encoding="utf-8")
    some = folder / "fitted"
    some.mkdir(exist_ok=True)
    drawings = load(pictures).pixels[:_FITTED]
    for number, pixels in enumerate([*drawings, *photographs(side=256)]):
        Image.fromarray(np.asarray(pixels)).save(some / f"{number}.png")
    fit_latent_rgb([str(some), "--checkpoint", str(folder), "--write"])
    shutil.rmtree(some)


def _megabytes(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


if __name__ == "__main__":
    main()
