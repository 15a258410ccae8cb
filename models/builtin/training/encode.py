"""Encode rendered pictures once, so that the UNet trains on stored latents.

    python -m models.builtin.training.encode PICTURES RUN [--name latents]

Reads RUN/vae_weights.pt and writes RUN/NAME.pt: mean and spread (float16), and RUN/scale.json.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from diffusers import AutoencoderKL
from torch import Tensor

from models.builtin.training.networks import SIZES, Sizes, build_vae
from models.builtin.training.render import load
from models.builtin.training.run import Machine


@dataclass(frozen=True, slots=True)
class Latents:
    """float16 [n, 4, s, s] means and spreads as the encoder gives them, and the scale factor."""

    mean: Tensor
    spread: Tensor
    scale: float

    def sample(self, rows: Tensor, generator: torch.Generator) -> Tensor:
        """Scaled float32 latents of the rows, drawn from their posteriors."""
        mean, spread = self.mean[rows].float(), self.spread[rows].float()
        noise = torch.randn(mean.shape, generator=generator, device=mean.device)
        return (mean + spread * noise) * self.scale


def main(arguments: Sequence[str] | None = None) -> None:
    """Encode a folder; a first encoding sets the scale, others take it over."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pictures", type=Path)
    parser.add_argument("run", type=Path)
    parser.add_argument("--name", default="latents")
    parser.add_argument("--sizes", choices=list(SIZES), default="shipped")
    parser.add_argument("--device", default="auto")
    given = parser.parse_args(arguments)
    vae = load_vae(given.run, SIZES[given.sizes], Machine(given.device))
    means, spreads = encode_all(vae, load(given.pictures).pixels, Machine(given.device))
    scale = load_scale(given.run) if given.name != "latents" else _scale(means, spreads)
    (given.run / "scale.json").write_text(json.dumps(scale), encoding="utf-8")
    state = {"mean": means, "spread": spreads, "scale": scale}
    torch.save(state, given.run / f"{given.name}.pt")
    print(f"{len(means)} latents, scale {scale:.4f}")


def load_vae(run: Path, sizes: Sizes, machine: Machine) -> AutoencoderKL:
    """The trained VAE of a run, in evaluation mode on the machine's device."""
    vae = build_vae(sizes)
    state = torch.load(run / "vae_weights.pt", map_location="cpu", weights_only=True)
    vae.load_state_dict(state["vae"])
    return vae.to(machine.device, memory_format=torch.channels_last).eval()


def load_scale(run: Path) -> float:
    """The factor that latents of the run's VAE are multiplied by."""
    return float(json.loads((run / "scale.json").read_text(encoding="utf-8")))


def load_latents(path: Path, machine: Machine) -> Latents:
    """Stored latents on the machine's device."""
    state = torch.load(path, map_location=machine.device, weights_only=True)
    return Latents(state["mean"], state["spread"], float(state["scale"]))


@torch.no_grad()
def encode_all(
    vae: AutoencoderKL, pixels: npt.NDArray[np.uint8], machine: Machine
) -> tuple[Tensor, Tensor]:
    """Posterior means and spreads of all pictures, float16 on the CPU."""
    size = 8 if machine.device.type == "cpu" else 256
    means, spreads = [], []
    for start in range(0, len(pixels), size):
        part = torch.from_numpy(np.array(pixels[start : start + size])).to(machine.device)
        planes = (part.permute(0, 3, 1, 2).float() / 127.5 - 1).contiguous(
            memory_format=torch.channels_last
        )
        with machine.autocast():
            posterior = vae.encode(planes).latent_dist
        means.append(posterior.mean.half().cpu())
        spreads.append(posterior.std.half().cpu())
    return torch.cat(means), torch.cat(spreads)


def _scale(means: Tensor, spreads: Tensor) -> float:
    """The factor that gives sampled latents unit variance."""
    some = slice(0, 4000)
    variance = means[some].float().var() + (spreads[some].float() ** 2).mean()
    return round(float(variance.rsqrt()), 6)


if __name__ == "__main__":
    main()
