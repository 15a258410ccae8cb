"""Make weights files to begin with from a checkpoint that ships, so that training can go on.

    python -m models.builtin.training.from_checkpoint FOLDER RUN

Writes RUN/start_vae.pt and RUN/start_unet.pt for --start-from. The text encoder is not among them:
its compact vocabulary belongs to the captions, and it is trained anew in minutes.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors.torch import load_file

_WEIGHTS = "diffusion_pytorch_model.safetensors"


def main(arguments: Sequence[str] | None = None) -> None:
    """Write both files in float32."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("run", type=Path)
    given = parser.parse_args(arguments)
    given.run.mkdir(parents=True, exist_ok=True)
    for part in ("vae", "unet"):
        state = load_file(given.folder / part / _WEIGHTS)
        path = given.run / f"start_{part}.pt"
        torch.save({part: {name: value.float() for name, value in state.items()}}, path)
        print(f"weights: {path}")


if __name__ == "__main__":
    main()
