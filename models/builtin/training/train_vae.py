"""Train the autoencoder on drawings and photographs.

    python -m models.builtin.training.train_vae PICTURES RUN [--steps 12000] [--minutes 20]

PICTURES is a folder that render.py filled, RUN where the run is kept. Resumes by default.
Small crops for 62 % of the steps, then twice as large ones, half as many; L1 + L2 + gradients + a
weak KL term. The larger crops take twice as long: --fit-minutes 20 takes 28.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from diffusers import AutoencoderKL
from torch import Tensor

from models.builtin.training.networks import SIZES, build_vae
from models.builtin.training.photographs import photographs
from models.builtin.training.render import load
from models.builtin.training.run import (
    Machine,
    Run,
    Step,
    add_run_arguments,
    parameter_groups,
    plan_of,
)
from models.builtin.training.warm_start import warm_start_vae

_SMALL, _LARGE = 64, 128
_SWITCH = 0.62
_KL = 8e-4
_EDGES = 0.35
_PHOTOGRAPHS = 0.35
"""Share of the crops that come from photographs: they are harder than drawings."""

HELD_OUT = 24
"""Pictures at the beginning of the folder that measure and never train."""


class Crops:
    """Random crops of the drawings and of the photographs."""

    def __init__(self, drawings: npt.NDArray[np.uint8], machine: Machine) -> None:
        self.drawings, self.machine = drawings, machine
        self.photographs = photographs()

    def batch(self, step: Step, count: int, side: int) -> Tensor:
        """float32 [count, 3, side, side] in -1..1."""
        made = np.stack([self._crop(step.dice, side) for _ in range(count)])
        return _to_tensor(made, self.machine)

    def _crop(self, dice: np.random.Generator, side: int) -> npt.NDArray[np.uint8]:
        if self.photographs and dice.random() < _PHOTOGRAPHS:
            source = self.photographs[dice.integers(len(self.photographs))]
        else:
            source = self.drawings[dice.integers(HELD_OUT, len(self.drawings))]
        y = dice.integers(0, source.shape[0] - side + 1)
        x = dice.integers(0, source.shape[1] - side + 1)
        crop = source[y : y + side, x : x + side]
        return np.asarray(crop[:, ::-1] if dice.random() < 0.5 else crop)


def main(arguments: Sequence[str] | None = None) -> None:
    """Train, measure, and write RUN/vae_weights.pt."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pictures", type=Path)
    parser.add_argument("run", type=Path)
    parser.add_argument("--sizes", choices=list(SIZES), default="shipped")
    parser.add_argument("--batch", type=int, default=10, help="crops of 64 pixels per step")
    add_run_arguments(parser, steps=12000, rate=1.4e-3)
    given = parser.parse_args(arguments)
    machine = Machine(given.device, given.precision)
    torch.manual_seed(given.seed)
    vae = build_vae(SIZES[given.sizes])
    warm_start_vae(vae)
    vae.to(machine.device, memory_format=torch.channels_last).train()
    run = Run(
        plan_of(given, given.run / "vae.pt"),
        {"vae": vae},
        parameter_groups([vae], [1.0], 1e-3),
        machine,
        betas=(0.9, 0.99),
    )
    drawings = load(given.pictures).pixels
    crops = Crops(drawings, machine)

    def losses(step: Step) -> dict[str, Tensor]:
        late = step.share >= _SWITCH
        count = max(1, given.batch // 2) if late else given.batch
        wanted = crops.batch(step, count, _LARGE if late else _SMALL)
        return vae_losses(vae, wanted, step, machine)

    run.train(losses)
    print(f"weights: {run.finished(given.run)}")
    run.swap_averages()
    print(f"drawings: {psnr(vae, list(drawings[:HELD_OUT]), machine):.2f} dB")
    print(f"photographs: {psnr(vae, photographs(held_out=True, side=256), machine):.2f} dB")


def vae_losses(
    vae: AutoencoderKL, wanted: Tensor, step: Step, machine: Machine
) -> dict[str, Tensor]:
    """How far the reconstruction of `wanted` (-1..1) is off, and the parts of that."""
    with machine.autocast():
        posterior = vae.encode(wanted).latent_dist
        mean, spread = posterior.mean.float(), posterior.logvar.float().clamp(-20, 10)
        noise = torch.randn(mean.shape, generator=step.generator, device=mean.device)
        painted = vae.decode(mean + torch.exp(0.5 * spread) * noise).sample
    error = painted.float() - wanted
    absolute, squared = error.abs().mean(), (error**2).mean()
    edges = error.diff(dim=2).abs().mean() + error.diff(dim=3).abs().mean()
    kl = 0.5 * (mean**2 + spread.exp() - 1 - spread).mean()
    soft = min(1.0, step.number / 300)
    loss = absolute + squared + _EDGES * soft * edges + _KL * soft * kl
    return {"loss": loss, "squared": squared, "kl": kl}


@torch.no_grad()
def psnr(vae: AutoencoderKL, pictures: Sequence[npt.NDArray[np.uint8]], machine: Machine) -> float:
    """Mean PSNR in dB over whole pictures, cut to multiples of 8, encoded without noise."""
    found = []
    for picture in pictures:
        height, width = (side // 8 * 8 for side in picture.shape[:2])
        wanted = _to_tensor(picture[None, :height, :width], machine)
        with machine.autocast():
            painted = vae.decode(vae.encode(wanted).latent_dist.mean).sample
        error = ((painted.float().clamp(-1, 1) - wanted) ** 2).mean()
        found.append(float(10 * torch.log10(4 / error)))
    return float(np.mean(found)) if found else float("nan")


def _to_tensor(pictures: npt.NDArray[np.uint8], machine: Machine) -> Tensor:
    planes = torch.from_numpy(np.array(pictures)).to(machine.device)
    planes = planes.permute(0, 3, 1, 2).float() / 127.5 - 1
    return planes.contiguous(memory_format=torch.channels_last)


if __name__ == "__main__":
    main()
