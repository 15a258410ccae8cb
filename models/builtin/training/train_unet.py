"""Train the denoiser together with the pre-trained text encoder.

    python -m models.builtin.training.train_unet PICTURES RUN [--steps 9000] [--minutes 85]
    python -m models.builtin.training.train_unet PICTURES RUN --inpainting --steps 2000

Reads RUN/latents.pt, RUN/text_weights.pt and, for every folder after --more, RUN/latents_NAME.pt.
--often objects=2 shows a kind of picture twice as often as it was drawn.
The inpainting variant has 9 input channels (noise, mask, masked latents), begins with
RUN/unet_weights.pt and keeps the text encoder as it is.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from diffusers import UNet2DConditionModel
from diffusers.models.attention_processor import AttnProcessor
from torch import Tensor, nn
from transformers import CLIPTextModel

from models.builtin.training.diffusion import noise_loss, picture_error
from models.builtin.training.emphasis import kind_factors, row_shares
from models.builtin.training.encode import Latents, encode_all, load_latents, load_vae
from models.builtin.training.inpaint_masks import hole_pictures
from models.builtin.training.networks import SIZES, Sizes, build_text, build_unet, fill_text
from models.builtin.training.render import load
from models.builtin.training.run import (
    Machine,
    Run,
    Step,
    add_run_arguments,
    parameter_groups,
    plan_of,
)
from models.builtin.training.vocabulary import Vocabulary, load_vocabulary
from models.builtin.training.warm_start import warm_start_unet, widen_for_inpainting
from models.builtin.training.words import Words, chosen_captions, words_of

_DROPOUT = 0.1
"""Share of captions that are emptied, for classifier-free guidance."""
_TEXT_RATE = 0.3
HELD_OUT = 64


@dataclass(frozen=True, slots=True)
class Source:
    """Latents of one size with the words about them."""

    latents: Latents
    words: Words
    shares: npt.NDArray[np.float64]
    """How probable each row is to be drawn; held-out rows never are."""

    def rows(self, count: int, dice: np.random.Generator) -> Tensor:
        """Rows to train on, int64 [count]."""
        return torch.from_numpy(dice.choice(len(self.shares), count, p=self.shares))


def main(arguments: Sequence[str] | None = None) -> None:
    """Train, say the validation errors, and write RUN/unet_weights.pt or inpainting_weights.pt."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pictures", type=Path)
    parser.add_argument("run", type=Path)
    parser.add_argument("--more", type=Path, nargs="*", default=[], help="folders of other sizes")
    parser.add_argument("--often", nargs="*", default=[], help="kinds with factors: objects=2")
    parser.add_argument("--inpainting", action="store_true")
    parser.add_argument("--sizes", choices=list(SIZES), default="shipped")
    parser.add_argument("--batch", type=int, default=20)
    add_run_arguments(parser, steps=9000, rate=9e-4)
    given = parser.parse_args(arguments)
    machine = Machine(given.device, given.precision)
    torch.manual_seed(given.seed)
    torch.set_flush_denormal(True)
    try:
        (train_inpainting if given.inpainting else train_denoiser)(given, machine)
    finally:
        torch.set_flush_denormal(False)  # it holds for the whole process


def train_denoiser(given: argparse.Namespace, machine: Machine) -> None:
    """The 4-channel UNet and the text encoder."""
    sizes = SIZES[given.sizes]
    sources = _sources(given, machine)
    words = sources[0].words
    unet = build_unet(sizes)
    warm_start_unet(unet)
    text = load_text(given.run / "text_weights.pt", sizes, words.vocabulary)
    _use_explicit_attention(unet, machine)
    for module in (unet, text):
        module.to(machine.device).train()
    run = Run(
        plan_of(given, given.run / "unet.pt", warm_up=150),
        {"unet": unet, "text": text},
        parameter_groups([unet, text], [1.0, _TEXT_RATE], 0.01),
        machine,
    )

    def losses(step: Step) -> dict[str, Tensor]:
        other = len(sources) > 1 and step.dice.random() < 0.1 * (len(sources) - 1)
        source = sources[int(step.dice.integers(1, len(sources)))] if other else sources[0]
        wide = source.latents.mean.shape[-1] / sources[0].latents.mean.shape[-1]
        rows = source.rows(max(1, int(given.batch / wide**2)), step.dice).to(machine.device)
        latents = source.latents.sample(rows, step.generator)
        ids = _captions(source.words, rows, step)

        def denoise(mixed: Tensor, times: Tensor) -> Tensor:
            with machine.autocast():
                states = text(ids.to(mixed.device)).last_hidden_state
                found: Tensor = unet(mixed, times, states).sample
            return found

        return {"loss": noise_loss(denoise, latents, step.generator)}

    run.train(losses)
    print(f"weights: {run.finished(given.run)}")
    run.swap_averages()
    _report(unet, text, sources[0], machine)


def train_inpainting(given: argparse.Namespace, machine: Machine) -> None:
    """The 9-channel UNet: holes are parts of drawings, boxes and strokes."""
    sizes = SIZES[given.sizes]
    pictures = load(given.pictures)
    source = _sources(given, machine)[0]
    trained = torch.load(given.run / "unet_weights.pt", map_location="cpu", weights_only=True)
    narrow = build_unet(sizes)
    narrow.load_state_dict(trained["unet"])
    unet = widen_for_inpainting(narrow, build_unet(sizes, in_channels=9))
    _use_explicit_attention(unet, machine)
    unet.to(machine.device).train()
    text = load_text(given.run / "unet_weights.pt", sizes, source.words.vocabulary)
    text.to(machine.device).eval()
    vae = load_vae(given.run, sizes, machine)
    run = Run(
        plan_of(given, given.run / "inpainting.pt", warm_up=100, hold=0.2),
        {"unet": unet},
        parameter_groups([unet], [1.0], 0.01),
        machine,
    )

    def losses(step: Step) -> dict[str, Tensor]:
        chosen = step.dice.integers(HELD_OUT, len(pictures.words), given.batch)
        rows = torch.from_numpy(chosen).to(machine.device)
        masks, masked = hole_pictures(pictures, chosen, step.dice)
        means, _ = encode_all(vae, masked, machine)
        seen = (means.float() * source.latents.scale).to(machine.device)
        holes = torch.from_numpy(masks).to(machine.device)[:, None]
        ids = _captions(source.words, rows, step).to(machine.device)

        def denoise(mixed: Tensor, times: Tensor) -> Tensor:
            with machine.autocast():
                states = text(ids).last_hidden_state
                found: Tensor = unet(torch.cat([mixed, holes, seen], 1), times, states).sample
            return found

        latents = source.latents.sample(rows, step.generator)
        return {"loss": noise_loss(denoise, latents, step.generator)}

    run.train(losses)
    print(f"weights: {run.finished(given.run)}")


def _use_explicit_attention(unet: UNet2DConditionModel, machine: Machine) -> None:
    """Products and softmax train faster than fused attention on CPUs (tiny-model 2.4)."""
    if machine.device.type == "cpu":
        unet.set_attn_processor(AttnProcessor())


def load_text(path: Path, sizes: Sizes, vocabulary: Vocabulary) -> CLIPTextModel:
    """The text encoder that a weights file holds, for the compact vocabulary."""
    text = build_text(sizes, len(vocabulary.used), vocabulary.begin, vocabulary.end)
    return fill_text(text, torch.load(path, map_location="cpu", weights_only=True)["text"])


def _sources(given: argparse.Namespace, machine: Machine) -> list[Source]:
    """The folder of the main size first. All share the text encoder's vocabulary."""
    known = load_vocabulary(given.run / "vocabulary.json")
    factors = kind_factors(given.often)
    found = []
    for folder in (given.pictures, *given.more):
        ending = "" if folder == given.pictures else f"_{folder.name}"
        described = load(folder).words
        words = words_of(described, given.run / f"tokens{ending}.npy", known)
        latents = load_latents(given.run / f"latents{ending}.pt", machine)
        found.append(Source(latents, words, row_shares(described, factors, HELD_OUT)))
    return found


def _captions(words: Words, rows: Tensor, step: Step) -> Tensor:
    """One caption of each row, a tenth of them emptied."""
    ids = chosen_captions(words.ids, rows.cpu(), step.dice).clone()
    ids[torch.from_numpy(step.dice.random(len(ids)) < _DROPOUT)] = words.empty
    return ids


@torch.no_grad()
def _report(unet: UNet2DConditionModel, text: nn.Module, source: Source, machine: Machine) -> None:
    """Errors with and without captions: the gap shows how much the text is used."""
    held = slice(0, min(HELD_OUT, len(source.words.ids)))
    latents = source.latents.mean[held].float() * source.latents.scale
    captions = source.words.ids[held, 0].to(machine.device)
    nothing = source.words.empty.to(machine.device).expand_as(captions)
    for time in (950, 800, 600, 400, 200):
        found = []
        for ids in (captions, nothing):

            def denoise(mixed: Tensor, times: Tensor, ids: Tensor = ids) -> Tensor:
                with machine.autocast():
                    guess: Tensor = unet(mixed, times, text(ids).last_hidden_state).sample
                return guess

            found.append(picture_error(denoise, latents, time))
        print(f"time {time}: error {found[0]:.4f}, without caption {found[1]:.4f}")


if __name__ == "__main__":
    main()
