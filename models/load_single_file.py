"""The parts of an SD 1.x single file (.safetensors, .ckpt) as modules."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from pathlib import Path

import torch
from diffusers import AutoencoderKL

from models.build import empty_text_encoder, empty_unet, fill
from models.compvis import TEXT, VAE, text_names, unet_names
from models.configs import text_config, unet_config
from models.device import Placement
from models.facts import Facts, facts_of_file
from models.identify import UNET, identify, require_runnable
from models.load_vae import VaeTarget, load_vae_file, vae_in_file
from models.noise_schedule import NoiseSchedule
from models.parts import Parts
from models.safetensors_header import Header
from models.tensor_file import TensorReader, open_tensors

TOKENIZER = Path(__file__).parent / "builtin" / "checkpoint" / "tokenizer"
"""CLIP's vocabulary, on which every SD 1.x single file relies."""

_LEFTOVERS = re.compile(
    r"model_ema|cond_stage_model\.(logit_scale|text_projection)|.*position_ids$"
    r"|(alphas|betas|sqrt_|log_one|posterior_|lvlb_weights|logvar|global_step|scale_factor)"
)
"""Tensors of training and of the noise schedule, which no picture depends on."""

_log = logging.getLogger(__name__)


def load_single_file(path: Path, name: str, placement: Placement, vae: Path | None) -> Parts:
    """Load an SD 1.x checkpoint in the LDM layout; `vae` replaces the baked-in one.

    Raises BadModelFile if the file is damaged or a network in it is incomplete, UnsupportedModel
    if it is of another family. Unknown tensors outside the three networks are logged.
    """
    with open_tensors(path) as (stored, stored_read):
        header, read = _named_as_usual(stored, stored_read)
        facts = facts_of_file(path, header.metadata)
        kind = identify(header, facts, name)
        require_runnable(kind, name)
        unet = empty_unet(unet_config(header, kind, facts, name), name)
        encoder = empty_text_encoder(text_config(header, facts, name), name)
        ignored = _ignored(header)
        if ignored:
            _log.warning("%s: %d unknown tensors are not used: %s", name, len(ignored), ignored[0])
        return Parts(
            kind=kind,
            facts=facts,
            schedule=_schedule(facts),
            vae=_vae(vae, header, read, facts, name, placement),
            unet=fill(
                unet,
                unet_names(unet.state_dict(), unet.config.layers_per_block),
                [key for key in header.tensors if key.startswith(UNET)],
                read,
                device=placement.device,
                dtype=placement.unet_dtype,
                what=f"{name}: its U-Net",
            ),
            text_encoder=fill(
                encoder,
                text_names(encoder.state_dict()),
                [k for k in header.tensors if k.startswith(TEXT) and not _LEFTOVERS.match(k)],
                read,
                device=placement.device,
                dtype=placement.text_dtype,
                what=f"{name}: its text encoder",
            ),
            tokenizer_dir=TOKENIZER,
            stored_alphas=_stored_alphas(header, read),
        )


def _vae(
    external: Path | None,
    header: Header,
    read: TensorReader,
    facts: Facts,
    name: str,
    placement: Placement,
) -> AutoencoderKL:
    target = VaeTarget(placement.device, placement.vae_dtype)
    if external is None:
        return vae_in_file(header, read, facts, name, target)
    return load_vae_file(external, facts.vae.scaling_factor, target)


def _named_as_usual(header: Header, read: TensorReader) -> tuple[Header, TensorReader]:
    """Insert `text_model.` where SD 1 files lack it (behaviour 15.2)."""
    inner = f"{TEXT}text_model."
    short = {
        inner + key.removeprefix(TEXT): key
        for key in header.tensors
        if key.startswith(TEXT) and not key.startswith(inner)
    }
    if not short:
        return header, read
    spelt = set(short.values())
    tensors = {key: info for key, info in header.tensors.items() if key not in spelt}
    tensors |= {key: header.tensors[old] for key, old in short.items()}
    return Header(tensors, header.metadata), _renaming(read, short)


def _renaming(read: TensorReader, old_names: dict[str, str]) -> Callable[[str], torch.Tensor]:
    return lambda key: read(old_names.get(key, key))


def _ignored(header: Header) -> tuple[str, ...]:
    known = (UNET, VAE, TEXT)
    return tuple(
        key for key in header.tensors if not key.startswith(known) and not _LEFTOVERS.match(key)
    )


def _stored_alphas(header: Header, read: TensorReader) -> torch.Tensor | None:
    info = header.tensors.get("alphas_cumprod")
    if info is None or info.dtype not in ("F32", "F64") or len(info.shape) != 1:
        return None
    return read("alphas_cumprod").float().clone()


def _schedule(facts: Facts) -> NoiseSchedule:
    given = facts.scheduler.model_dump(exclude_none=True, exclude={"prediction_type"})
    return NoiseSchedule(**{_FIELDS[key]: value for key, value in given.items()})


_FIELDS = {
    "beta_start": "beta_start",
    "beta_end": "beta_end",
    "num_train_timesteps": "timesteps",
}
