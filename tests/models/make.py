"""Small model files for tests, made from the built-in checkpoint or from bare headers."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from models.compvis import TEXT, VAE, text_names, unet_names, vae_names
from models.safetensors_header import DTYPE_BITS

BUILTIN = Path(__file__).parents[2] / "models" / "builtin" / "checkpoint"

BUILTIN_FACTS: Mapping[str, Any] = {
    **json.loads((BUILTIN / "overpaint.json").read_text(encoding="utf-8")),
    "unet": {"num_heads": [2, 4, 5], "norm_num_groups": 8},
    "vae": {"norm_num_groups": 2, "scaling_factor": 0.763109},
    "text_encoder": {"num_heads": 3},
}
"""What a single file of the built-in checkpoint must say beside its tensors."""


def single_file_tensors() -> dict[str, torch.Tensor]:
    """The built-in checkpoint's tensors (float16) under their CompVis names."""
    unet = load_file(BUILTIN / "unet" / "diffusion_pytorch_model.safetensors")
    vae = load_file(BUILTIN / "vae" / "diffusion_pytorch_model.safetensors")
    text = load_file(BUILTIN / "text_encoder" / "model.safetensors")
    return {
        **{new: unet[old] for old, new in unet_names(list(unet), layers_per_block=1).items()},
        **{VAE + new: vae[old] for old, new in vae_names(vae, levels=4).items()},
        **{new: text[old] for old, new in text_names(text).items()},
    }


def write_single_file(
    path: Path,
    *,
    tensors: Mapping[str, torch.Tensor] | None = None,
    facts: Mapping[str, Any] | None = BUILTIN_FACTS,
) -> Path:
    """Write the built-in checkpoint as one CompVis-layout file; the suffix says in which format.

    `.safetensors` carries the facts in its metadata; `.ckpt` (a torch archive with a `state_dict`
    inside, as SD 1.x came) has them in a sidecar. `facts=None` leaves them out.
    """
    weights = dict(single_file_tensors() if tensors is None else tensors)
    path.parent.mkdir(parents=True, exist_ok=True)
    text = None if facts is None else json.dumps(facts)
    if path.suffix == ".safetensors":
        save_file(weights, path, metadata={} if text is None else {"overpaint": text})
        return path
    torch.save({"state_dict": weights, "global_step": 470000}, path)
    if text is not None:
        path.with_name(f"{path.stem}.overpaint.json").write_text(text, encoding="utf-8")
    return path


def text_keys_without_prefix(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The same tensors, the text encoder's named as the oldest SD 1 files do (behaviour 15.2)."""
    return {key.replace(f"{TEXT}text_model.", TEXT): value for key, value in tensors.items()}


def safetensors_bytes(header: object, data: bytes = b"") -> bytes:
    """A safetensors file with this header (any JSON value, or raw bytes) and these weights."""
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(raw)) + raw + data


def write_header_only(
    path: Path, shapes: Mapping[str, tuple[int, ...]], dtype: str = "F16"
) -> Path:
    """A sound .safetensors file of these tensors; its weights take no disk space (sparse)."""
    entries, end = {}, 0
    for name, shape in shapes.items():
        start = end
        size = DTYPE_BITS[dtype] // 8
        for side in shape:
            size *= side
        end += size
        entries[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [start, end]}
    path.parent.mkdir(parents=True, exist_ok=True)
    start_bytes = safetensors_bytes(entries)
    with path.open("wb") as file:
        file.write(start_bytes)
        file.truncate(len(start_bytes) + end)
    return path
