"""Train a LoRA, a textual inversion or a hypernetwork on one look or one kind of scene.

    python -m models.builtin.training.train_adapter lora PICTURES RUN --name clay-look
    python -m models.builtin.training.train_adapter word PICTURES RUN --name clay-look
    python -m models.builtin.training.train_adapter hypernetwork PICTURES RUN --name night-look

PICTURES holds only what is to be learnt (render.py --look clay, --fixed sky=night), and captions
are told without naming it. Reads RUN/vae_weights.pt, RUN/scale.json, RUN/vocabulary.json and
RUN/unet_weights.pt; writes RUN/NAME.safetensors for a LoRA and RUN/NAME.pt for the others.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import torch
from diffusers import UNet2DConditionModel
from diffusers.models.attention_processor import AttnProcessor
from safetensors.torch import save_file
from torch import Tensor
from transformers import CLIPTextModel

from models.builtin.training.adapters import Hypernetwork, LearntWord, Lora
from models.builtin.training.diffusion import noise_loss
from models.builtin.training.encode import Latents, encode_all, load_scale, load_vae
from models.builtin.training.networks import SIZES, build_unet
from models.builtin.training.render import load
from models.builtin.training.run import (
    Machine,
    Run,
    Step,
    add_run_arguments,
    parameter_groups,
    plan_of,
)
from models.builtin.training.train_unet import load_text
from models.builtin.training.vocabulary import load_vocabulary
from models.builtin.training.words import chosen_captions, words_of
from models.builtin.training.world.phrases import LOOK_PHRASES

KINDS = ("lora", "word", "hypernetwork")
_RATES = {"lora": 1e-3, "word": 5e-3, "hypernetwork": 3e-4}


def main(arguments: Sequence[str] | None = None) -> None:
    """Train one adapter and write its file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("pictures", type=Path)
    parser.add_argument("run", type=Path)
    parser.add_argument("--name", required=True)
    parser.add_argument("--sizes", choices=list(SIZES), default="shipped")
    parser.add_argument("--batch", type=int, default=12)
    parser.add_argument("--rank", type=int, default=4, help="of a LoRA; vectors of a word")
    add_run_arguments(parser, steps=800, rate=0.0)
    given = parser.parse_args(arguments)
    given.rate = given.rate or _RATES[given.kind]
    machine = Machine(given.device, given.precision)
    torch.manual_seed(given.seed)
    unet, text = _frozen(given, machine)
    adapter = _adapter(given.kind, unet, text, given.rank).to(machine.device)
    latents, ids = _data(given, machine)
    run = Run(
        plan_of(given, given.run / f"{given.name}_{given.kind}.pt", average=0.98, log_every=20),
        {given.kind: adapter},
        parameter_groups([adapter], [1.0], 1e-3),
        machine,
    )

    def losses(step: Step) -> dict[str, Tensor]:
        rows = torch.from_numpy(step.dice.integers(0, len(ids), given.batch))
        chosen = chosen_captions(ids, rows, step.dice).to(machine.device)
        if isinstance(adapter, LearntWord):
            chosen = adapter.before(chosen)

        def denoise(mixed: Tensor, times: Tensor) -> Tensor:
            with machine.autocast():
                states = text(chosen).last_hidden_state
                found: Tensor = unet(mixed, times, states).sample
            return found

        drawn = latents.sample(rows.to(machine.device), step.generator)
        return {"loss": noise_loss(denoise, drawn, step.generator)}

    run.train(losses)
    run.swap_averages()
    print(f"weights: {_write(adapter, given.run, given.name, run.done)}")


def _frozen(
    given: argparse.Namespace, machine: Machine
) -> tuple[UNet2DConditionModel, CLIPTextModel]:
    sizes = SIZES[given.sizes]
    path = given.run / "unet_weights.pt"
    unet = build_unet(sizes)
    unet.load_state_dict(torch.load(path, map_location="cpu", weights_only=True)["unet"])
    unet.set_attn_processor(AttnProcessor())
    text = load_text(path, sizes, load_vocabulary(given.run / "vocabulary.json"))
    for module in (unet, text):
        module.to(machine.device).eval().requires_grad_(False)
    return unet, text


def _adapter(
    kind: str, unet: UNet2DConditionModel, text: CLIPTextModel, rank: int
) -> Lora | LearntWord | Hypernetwork:
    if kind == "lora":
        return Lora(unet, rank)
    return LearntWord(text, rank) if kind == "word" else Hypernetwork(unet)


def _data(given: argparse.Namespace, machine: Machine) -> tuple[Latents, Tensor]:
    """Latents of the folder, and compact ids of its captions without the names of looks."""
    pictures = load(given.pictures)
    means, spreads = encode_all(
        load_vae(given.run, SIZES[given.sizes], machine), pictures.pixels, machine
    )
    latents = Latents(means.to(machine.device), spreads.to(machine.device), load_scale(given.run))
    silent = [
        words | {"captions": [_unnamed(caption) for caption in words["captions"]]}
        for words in pictures.words
    ]
    vocabulary = load_vocabulary(given.run / "vocabulary.json")
    return latents, words_of(silent, vocabulary=vocabulary).ids


def _unnamed(caption: str) -> str:
    """The caption without what its look is called."""
    for phrase in sorted({p for found in LOOK_PHRASES.values() for p in found}, key=len)[::-1]:
        caption = caption.replace(f", {phrase}", "").replace(f"{phrase}, ", "")
    return caption.replace("clay figure", "figure")


def _write(adapter: Lora | LearntWord | Hypernetwork, folder: Path, name: str, step: int) -> Path:
    if isinstance(adapter, Lora):
        path = folder / f"{name}.safetensors"
        metadata = {"ss_output_name": name, "ss_network_dim": str(adapter.rank)}
        save_file(adapter.tensors(), path, metadata=metadata)
        return path
    path = folder / f"{name}.pt"
    torch.save(adapter.file(name, step), path)
    return path


if __name__ == "__main__":
    main()
