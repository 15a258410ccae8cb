"""Train an alternative decoder: the same latents, painted with fuller colours.

    python -m models.builtin.training.train_vae_variant PICTURES RUN [--steps 1500]

Encoder and latents stay those of RUN/vae_weights.pt, so that the file can be put beside any
checkpoint of the run. Writes RUN/vivid.safetensors under diffusers' names, and beside it
vivid.overpaint.json with what shapes do not tell.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from models.builtin.training.encode import load_scale, load_vae
from models.builtin.training.networks import SIZES
from models.builtin.training.render import load
from models.builtin.training.run import (
    Machine,
    Run,
    Step,
    add_run_arguments,
    parameter_groups,
    plan_of,
)
from models.builtin.training.train_vae import Crops
from models.facts import sidecar_path

_FULLER = 1.35
"""How much further from grey the colours lie."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Train the decoder and write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pictures", type=Path)
    parser.add_argument("run", type=Path)
    parser.add_argument("--sizes", choices=list(SIZES), default="shipped")
    parser.add_argument("--batch", type=int, default=8)
    add_run_arguments(parser, steps=1500, rate=5e-4)
    given = parser.parse_args(arguments)
    machine = Machine(given.device, given.precision)
    scale = load_scale(given.run)
    vae = load_vae(given.run, SIZES[given.sizes], machine)
    for module in (vae.encoder, vae.quant_conv):
        module.requires_grad_(False)
    run = Run(
        plan_of(given, given.run / "vae_variant.pt", average=0.99),
        {"vae": vae},
        parameter_groups([vae], [1.0], 1e-3),
        machine,
    )
    crops = Crops(load(given.pictures).pixels, machine)

    def losses(step: Step) -> dict[str, Tensor]:
        seen = crops.batch(step, given.batch, 64)
        with machine.autocast():
            with torch.no_grad():
                latents = vae.encode(seen).latent_dist.mean
            painted = vae.decode(latents).sample
        error = painted.float() - fuller(seen)
        return {"loss": error.abs().mean() + (error**2).mean()}

    run.train(losses)
    run.swap_averages()
    path = given.run / "vivid.safetensors"
    state = {name: value.half().contiguous().cpu() for name, value in vae.state_dict().items()}
    save_file(state, path, metadata={"format": "pt"})
    facts = {"norm_num_groups": SIZES[given.sizes].vae_groups, "scaling_factor": scale}
    sidecar_path(path).write_text(json.dumps({"vae": facts}) + "\n", encoding="utf-8")
    print(f"weights: {path}")


def fuller(pictures: Tensor) -> Tensor:
    """Pictures [b, 3, h, w] in -1..1 with colours further from their grey."""
    weights = torch.tensor([0.299, 0.587, 0.114], device=pictures.device).view(1, 3, 1, 1)
    grey = (pictures * weights).sum(1, keepdim=True)
    return (grey + _FULLER * (pictures - grey)).clamp(-1, 1)


if __name__ == "__main__":
    main()
