"""From a catalog entry to modules on a device, offline and without running anybody's code."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from transformers import CLIPTextModel, CLIPTokenizer

from models.catalog import CheckpointEntry
from models.device import Placement
from models.errors import BadModelFile
from models.identify import ModelKind, Prediction
from models.load_folder import load_folder
from models.load_single_file import load_single_file
from models.noise_schedule import NoiseSchedule
from models.preview_colours import LatentRgb, latent_rgb
from models.preview_decoder import PreviewDecoder, load_preview_decoder

_SCHEDULE_TOLERANCE = 1e-3
"""A stored schedule that differs less is the usual one, perhaps rounded to half precision."""


@dataclass(frozen=True, slots=True)
class LoadedCheckpoint:
    """A checkpoint ready to paint: modules on their device, and what the sampler must know.

    `alphas_cumprod` is float32 [timesteps] on the CPU. `vae_scale` multiplies encoded latents.
    `vae_name` is the file of an external VAE, None for the baked-in one (behaviour 15.4).
    """

    entry: CheckpointEntry
    kind: ModelKind
    placement: Placement
    unet: UNet2DConditionModel
    vae: AutoencoderKL
    text_encoder: CLIPTextModel
    tokenizer: CLIPTokenizer
    tokenizer_dir: Path
    prediction_type: Prediction
    alphas_cumprod: torch.Tensor
    vae_scale: float
    latent_rgb: LatentRgb
    vae_name: str | None = None
    preview: PreviewDecoder | None = None
    """Draws live previews better than `latent_rgb`, on the CPU; few checkpoints bring one."""

    @property
    def nbytes(self) -> int:
        """Memory of all weights in bytes."""
        modules = (self.unet, self.vae, self.text_encoder)
        return sum(p.numel() * p.element_size() for m in modules for p in m.parameters())


def load_checkpoint(
    entry: CheckpointEntry, placement: Placement, vae: Path | None = None
) -> LoadedCheckpoint:
    """Load a diffusers folder or an SD 1.x single file; `vae` replaces the baked-in VAE.

    Needs no network. Raises BadModelFile if files are gone, damaged or incomplete and
    UnsupportedModel if the family cannot be run; then nothing stays loaded.
    """
    if not entry.path.exists():
        raise BadModelFile(f"{entry.name} is not there any more. Refresh the list of models.")
    load = load_folder if entry.path.is_dir() else load_single_file
    parts = load(entry.path, entry.name, placement, vae)
    return LoadedCheckpoint(
        entry=entry,
        kind=parts.kind,
        placement=placement,
        unet=parts.unet,
        vae=parts.vae,
        text_encoder=parts.text_encoder,
        tokenizer=_tokenizer(parts.tokenizer_dir, entry.name),
        tokenizer_dir=parts.tokenizer_dir,
        prediction_type=parts.facts.scheduler.prediction_type or parts.kind.prediction or "epsilon",
        alphas_cumprod=_alphas(parts.schedule, parts.stored_alphas),
        vae_scale=float(parts.vae.config.scaling_factor),
        latent_rgb=latent_rgb(parts.facts),
        vae_name=None if vae is None else vae.name,
        preview=load_preview_decoder(entry.path),
    )


def _tokenizer(folder: Path, name: str) -> CLIPTokenizer:
    """CLIP's tokenizer from local files; the class is named here, never by the folder."""
    try:
        return CLIPTokenizer.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadModelFile(
            f"{name}: its tokenizer is damaged ({type(error).__name__}). Download it again."
        ) from error


def _alphas(schedule: NoiseSchedule, stored: torch.Tensor | None) -> torch.Tensor:
    """The computed schedule, unless the file carries a really different and possible one."""
    computed = torch.from_numpy(schedule.alphas_cumprod())
    if stored is None or stored.shape != computed.shape:
        return computed
    possible = bool((stored.diff() < 0).all() and stored[0] < 1 and stored[-1] > 0)
    different = bool((stored - computed).abs().max() > _SCHEDULE_TOLERANCE)
    return stored if possible and different else computed
