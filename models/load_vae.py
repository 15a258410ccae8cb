"""A VAE from a diffusers folder, from inside a single-file checkpoint, or from its own file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import torch
from diffusers import AutoencoderKL

from models.build import empty_vae, fill
from models.compvis import VAE, vae_names
from models.configs import vae_config
from models.errors import BadModelFile
from models.facts import Facts, VaeFacts, facts_of_file
from models.folder import DiffusersFolder
from models.safetensors_header import Header
from models.tensor_file import TensorReader, open_tensors

_OLD_ATTENTION = {
    ".query.": ".to_q.",
    ".key.": ".to_k.",
    ".value.": ".to_v.",
    ".proj_attn.": ".to_out.0.",
}
_DROPPED = ("loss", "model_ema", f"{VAE}loss", f"{VAE}model_ema")
"""Training leftovers inside VAE files (behaviour 15.4)."""


@dataclass(frozen=True, slots=True)
class VaeTarget:
    """Where a VAE goes: device and number format."""

    device: torch.device
    dtype: torch.dtype


def vae_of_folder(folder: DiffusersFolder, name: str, target: VaeTarget) -> AutoencoderKL:
    """The VAE of a diffusers folder. Raises BadModelFile if file and config disagree."""
    vae = empty_vae(folder.configs["vae"], name)
    with open_tensors(folder.weights["vae"]) as (header, read):
        names = {key: key for key in vae.state_dict()} | _by_modern_name(header.tensors)
        return _fill(vae, names, header.tensors, read, target, f"{name}: its VAE")


def vae_in_file(
    header: Header, read: TensorReader, facts: Facts, name: str, target: VaeTarget
) -> AutoencoderKL:
    """The baked-in VAE of a single-file checkpoint. Raises BadModelFile if there is none."""
    vae = empty_vae(vae_config(header, facts, name), name)
    names = {k: VAE + v for k, v in vae_names(vae.state_dict(), _levels(vae)).items()}
    available = _available(header.tensors, VAE)
    return _fill(vae, names, available, read, target, f"{name}: its VAE")


def load_vae_file(path: Path, scaling_factor: float | None, target: VaeTarget) -> AutoencoderKL:
    """A VAE from its own file: LDM or diffusers names, with or without `first_stage_model.`.

    `scaling_factor` is the checkpoint's, which A1111 keeps whatever VAE is chosen; None takes that
    of the VAE's facts or of SD 1.x. Raises BadModelFile.
    """
    with open_tensors(path) as (header, read):
        facts = facts_of_file(path, header.metadata)
        if scaling_factor is not None:
            facts = Facts(vae=VaeFacts(scaling_factor=scaling_factor)).over(facts)
        if "encoder.down_blocks.0.resnets.0.conv1.weight" in header.tensors:
            return _diffusers_file(header, read, facts, path.name, target)
        prefix = VAE if any(key.startswith(VAE) for key in header.tensors) else ""
        vae = empty_vae(vae_config(header, facts, path.name, prefix), path.name)
        names = {k: prefix + v for k, v in vae_names(vae.state_dict(), _levels(vae)).items()}
        available = _available(header.tensors, prefix)
        return _fill(vae, names, available, read, target, path.name)


def _diffusers_file(
    header: Header, read: TensorReader, facts: Facts, name: str, target: VaeTarget
) -> AutoencoderKL:
    """Look at the diffusers names through their LDM names, from which configs are derived."""
    modern = _by_modern_name(header.tensors)
    levels = len({key.split(".")[2] for key in modern if key.startswith("encoder.down_blocks.")})
    ldm = vae_names(modern, levels)
    seen = Header({ldm[key]: header.tensors[spelt] for key, spelt in modern.items()}, {})
    vae = empty_vae(vae_config(seen, facts, name, prefix=""), name)
    names = {key: key for key in vae.state_dict()} | modern
    return _fill(vae, names, header.tensors, read, target, name)


def _fill(
    vae: AutoencoderKL,
    names: dict[str, str],
    available: Iterable[str],
    read: TensorReader,
    target: VaeTarget,
    what: str,
) -> AutoencoderKL:
    return fill(
        vae, names, set(available), read, device=target.device, dtype=target.dtype, what=what
    )


def _by_modern_name(spelt: Iterable[str]) -> dict[str, str]:
    """Present diffusers name -> name in the file; old files call attention layers otherwise."""
    found: dict[str, str] = {}
    for key in spelt:
        modern = key
        for old, new in _OLD_ATTENTION.items():
            if ".attentions." in key:
                modern = modern.replace(old, new)
        if modern in found:
            raise BadModelFile(f"the VAE file has {key} twice under two names. Download it again.")
        found[modern] = key
    return found


def _available(keys: Iterable[str], prefix: str) -> set[str]:
    return {key for key in keys if key.startswith(prefix) and not key.startswith(_DROPPED)}


def _levels(vae: AutoencoderKL) -> int:
    return len(vae.config.block_out_channels)
