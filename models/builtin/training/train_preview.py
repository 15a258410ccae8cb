"""Train a tiny decoder for live previews: scaled latents to pictures at their full size.

    python -m models.builtin.training.train_preview PICTURES RUN [--steps 3000]

The network is models/preview_decoder.py.
Reads RUN/latents.pt; writes RUN/preview.safetensors.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import save_file
from torch import Tensor

from models.builtin.training.encode import load_latents
from models.builtin.training.render import load
from models.builtin.training.run import (
    Machine,
    Run,
    Step,
    add_run_arguments,
    parameter_groups,
    plan_of,
)
from models.builtin.training.train_vae import HELD_OUT
from models.preview_decoder import PREVIEW_FILE, PreviewDecoder

_CROP = 12
"""Latent pixels per side of a crop: 96 pixels."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Train, say the PSNR on held-out drawings, and write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pictures", type=Path)
    parser.add_argument("run", type=Path)
    parser.add_argument("--width", type=int, default=24)
    parser.add_argument("--batch", type=int, default=12)
    add_run_arguments(parser, steps=3000, rate=1e-3)
    given = parser.parse_args(arguments)
    machine = Machine(given.device, given.precision)
    torch.manual_seed(given.seed)
    decoder = PreviewDecoder(given.width).to(machine.device)
    latents = load_latents(given.run / "latents.pt", machine)
    pixels = load(given.pictures).pixels
    run = Run(
        plan_of(given, given.run / "preview.pt"),
        {"preview": decoder},
        parameter_groups([decoder], [1.0], 1e-3),
        machine,
    )

    def losses(step: Step) -> dict[str, Tensor]:
        room = latents.mean.shape[-1] - _CROP
        seen, wanted = [], []
        for row in step.dice.integers(HELD_OUT, len(pixels), given.batch):
            y, x = (int(value) for value in step.dice.integers(0, room + 1, 2))
            seen.append(latents.mean[row, :, y : y + _CROP, x : x + _CROP])
            cut = slice(8 * y, 8 * (y + _CROP)), slice(8 * x, 8 * (x + _CROP))
            wanted.append(np.asarray(pixels[row][cut]))
        # Outside: autocast on the CPU cannot stack half precision.
        crops = torch.stack(seen).float() * latents.scale
        with machine.autocast():
            painted = decoder(crops)
        error = painted.float() - _planes(np.stack(wanted)).to(machine.device)
        return {"loss": error.abs().mean() + (error**2).mean()}

    run.train(losses)
    run.swap_averages()
    path = given.run / PREVIEW_FILE
    state = {name: value.half().contiguous().cpu() for name, value in decoder.state_dict().items()}
    save_file(state, path)
    with torch.no_grad():
        painted = decoder(latents.mean[:HELD_OUT].float() * latents.scale).clamp(-1, 1).cpu()
    error = (painted - _planes(np.array(pixels[:HELD_OUT]))) ** 2
    print(f"weights: {path}, {float((10 * torch.log10(4 / error.mean((1, 2, 3)))).mean()):.2f} dB")


def _planes(pictures: npt.NDArray[np.uint8]) -> Tensor:
    return torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 127.5 - 1


if __name__ == "__main__":
    main()
