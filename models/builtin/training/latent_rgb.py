"""Fit the linear map from latents to colours of a checkpoint's VAE, for cheap previews.

    python -m models.builtin.training.latent_rgb PICTURES [--checkpoint FOLDER] [--write]

Every picture below PICTURES is cut to a centred square, resized to the checkpoint's native size and
encoded (posterior mean, scaled). The factors are the least-squares solution of latent -> mean RGB
(-1..1) of the 8 x 8 pixels under each latent pixel.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image, ImageOps

from models.catalog import CheckpointEntry
from models.device import DeviceFlags, DevicePolicy
from models.facts import FACTS_FILE
from models.load import LoadedCheckpoint, load_checkpoint

BUILTIN = Path(__file__).parents[1] / "checkpoint"
SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")
Array = npt.NDArray[np.float64]


def main(arguments: Sequence[str] | None = None) -> None:
    """Fit, show the result as JSON, and put it into the folder's facts if asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pictures", type=Path)
    parser.add_argument("--checkpoint", type=Path, default=BUILTIN)
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args(arguments)
    placement = DevicePolicy.detect().choose(DeviceFlags(no_half=True))
    model = load_checkpoint(
        CheckpointEntry(given.checkpoint.name, given.checkpoint, "folder"), placement
    )
    paths = sorted(p for p in given.pictures.rglob("*") if p.suffix.lower() in SUFFIXES)
    pairs = [latents_and_colours(path, model) for path in paths]
    factors, bias, explained = fit([pair[0] for pair in pairs], [pair[1] for pair in pairs])
    found = {"latent_rgb_factors": factors, "latent_rgb_bias": bias}
    sys.stdout.write(json.dumps(found) + f"\n{len(pairs)} pictures, R^2 {explained:.3f}\n")
    if given.write:
        _write(given.checkpoint / FACTS_FILE, found)


def latents_and_colours(path: Path, model: LoadedCheckpoint) -> tuple[Array, Array]:
    """Latent pixels (n x channels, scaled) and the mean RGB (n x 3, -1..1) under each."""
    side = model.kind.native_size
    with Image.open(path) as file:
        picture = ImageOps.fit(file.convert("RGB"), (side, side), Image.Resampling.LANCZOS)
    pixels = torch.from_numpy(np.asarray(picture, np.float32) / 127.5 - 1).permute(2, 0, 1)[None]
    pixels = pixels.to(model.placement.device, model.placement.vae_dtype)
    with torch.inference_mode():
        latents = model.vae.encode(pixels).latent_dist.mean[0] * model.vae_scale
        colours = torch.nn.functional.avg_pool2d(pixels, side // latents.shape[-1])[0]
    return _rows(latents), _rows(colours)


def fit(
    latents: Sequence[Array], colours: Sequence[Array]
) -> tuple[list[list[float]], list[float], float]:
    """Factors (channels x 3), bias (3) and the share of the colours' variance they explain."""
    inputs, wanted = np.concatenate(latents), np.concatenate(colours)
    inputs = np.column_stack([inputs, np.ones(len(inputs))])
    solution = np.linalg.lstsq(inputs, wanted, rcond=None)[0]
    rest = wanted - inputs @ solution
    explained = 1.0 - float(rest.var() / wanted.var())
    rounded = np.round(solution, 4).tolist()
    return rounded[:-1], rounded[-1], explained


def _rows(planes: torch.Tensor) -> Array:
    return planes.flatten(1).T.double().cpu().numpy()


def _write(path: Path, found: dict[str, Any]) -> None:
    facts = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    lines = [f"{json.dumps(key)}: {json.dumps(value)}" for key, value in (facts | found).items()]
    path.write_text("{\n  " + ",\n  ".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
