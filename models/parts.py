"""The parts of a checkpoint on their way from files to a LoadedCheckpoint."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from transformers import CLIPTextModel

from models.facts import Facts
from models.identify import ModelKind
from models.noise_schedule import NoiseSchedule


@dataclass(frozen=True, slots=True)
class Parts:
    """What a diffusers folder and a single file both give.

    `stored_alphas` is the schedule that a single file carries as a tensor, if it has one.
    """

    kind: ModelKind
    facts: Facts
    schedule: NoiseSchedule
    unet: UNet2DConditionModel
    vae: AutoencoderKL
    text_encoder: CLIPTextModel
    tokenizer_dir: Path
    stored_alphas: torch.Tensor | None = None
