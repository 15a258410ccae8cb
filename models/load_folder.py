"""The parts of a diffusers folder as modules."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from diffusers import UNet2DConditionModel
from transformers import CLIPTextModel

from models.build import empty_text_encoder, empty_unet, fill
from models.device import Placement
from models.folder import DiffusersFolder, read_folder
from models.identify import require_runnable
from models.load_vae import VaeTarget, load_vae_file, vae_of_folder
from models.parts import Parts
from models.tensor_file import open_tensors


def load_folder(root: Path, name: str, placement: Placement, vae: Path | None) -> Parts:
    """Load a diffusers folder; `vae` replaces its own. Raises BadModelFile, UnsupportedModel."""
    folder = read_folder(root)
    require_runnable(folder.kind, name)
    target = VaeTarget(placement.device, placement.vae_dtype)
    if vae is None:
        autoencoder = vae_of_folder(folder, name, target)
    else:
        scale = folder.configs["vae"].get("scaling_factor")
        autoencoder = load_vae_file(vae, scale if isinstance(scale, float) else None, target)
    return Parts(
        kind=folder.kind,
        facts=folder.facts,
        schedule=folder.schedule,
        unet=_unet(folder, name, placement),
        vae=autoencoder,
        text_encoder=_text_encoder(folder, name, placement),
        tokenizer_dir=folder.tokenizer,
    )


def _unet(folder: DiffusersFolder, name: str, placement: Placement) -> UNet2DConditionModel:
    unet = empty_unet(folder.configs["unet"], name)
    with open_tensors(folder.weights["unet"]) as (header, read):
        return fill(
            unet,
            {key: key for key in unet.state_dict()},
            header.tensors,
            read,
            device=placement.device,
            dtype=placement.unet_dtype,
            what=f"{name}: its U-Net",
        )


def _text_encoder(folder: DiffusersFolder, name: str, placement: Placement) -> CLIPTextModel:
    encoder = empty_text_encoder(folder.configs["text_encoder"], name)
    with open_tensors(folder.weights["text_encoder"]) as (header, read):
        available = [key for key in header.tensors if not key.endswith("position_ids")]
        return fill(
            encoder,
            _spelt(encoder.state_dict(), available),
            available,
            read,
            device=placement.device,
            dtype=placement.text_dtype,
            what=f"{name}: its text encoder",
        )


def _spelt(keys: Iterable[str], available: Iterable[str]) -> dict[str, str]:
    """Names in the file of the text encoder's tensors.

    Versions of transformers differ in whether they write `text_model.` before every name, and in
    what they expect; reading must not depend on either (performance 6).
    """
    prefix = "text_model." if any(key.startswith("text_model.") for key in available) else ""
    return {key: prefix + key.removeprefix("text_model.") for key in keys}
