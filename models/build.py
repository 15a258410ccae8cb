"""Modules from configs and weights: built without memory, then given their tensors, strictly.

Nothing is ever initialised at random: a missing, unexpected or misshapen tensor is an error.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeVar

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel

from models.errors import BadModelFile, UnsupportedModel
from models.tensor_file import TensorReader

ModuleT = TypeVar("ModuleT", bound=torch.nn.Module)

_SIZE_LIMIT = 65_536
_TEXT_KEYS = (
    "vocab_size",
    "hidden_size",
    "intermediate_size",
    "projection_dim",
    "num_hidden_layers",
    "num_attention_heads",
    "max_position_embeddings",
    "hidden_act",
    "layer_norm_eps",
    "attention_dropout",
    "pad_token_id",
    "bos_token_id",
    "eos_token_id",
)


def empty_unet(config: Mapping[str, Any], name: str) -> UNet2DConditionModel:
    """A U-Net without weights (on torch's meta device). Raises BadModelFile, UnsupportedModel."""
    return _empty(UNet2DConditionModel, config, f"{name}: its U-Net")


def empty_vae(config: Mapping[str, Any], name: str) -> AutoencoderKL:
    """A VAE without weights (on torch's meta device). Raises BadModelFile, UnsupportedModel."""
    return _empty(AutoencoderKL, config, f"{name}: its VAE")


def empty_text_encoder(config: Mapping[str, Any], name: str) -> CLIPTextModel:
    """A CLIP text encoder without weights (meta device). Raises BadModelFile."""
    what = f"{name}: its text encoder"
    _check_sizes(config, what)
    known = {key: config[key] for key in _TEXT_KEYS if key in config}
    return _on_meta(lambda: CLIPTextModel(CLIPTextConfig(**known)), what)


def fill(
    module: ModuleT,
    names: Mapping[str, str],
    available: Collection[str],
    read: TensorReader,
    *,
    device: torch.device,
    dtype: torch.dtype,
    what: str,
) -> ModuleT:
    """Give a module from `empty_*` its weights, on `device` in `dtype`, ready for inference.

    `names` says for every tensor of the module what it is called in the file, `available` lists all
    the file's tensors that belong to this module. A 1x1 convolution in the file may stand for a
    linear layer (LDM's VAE attention). Raises BadModelFile if the two do not agree exactly.
    """
    wanted = module.state_dict()
    _check_names({names[key] for key in wanted}, set(available), what)
    state: dict[str, torch.Tensor] = {}
    for key, empty in wanted.items():
        tensor = read(names[key])
        if tensor.shape != empty.shape and tensor.shape == (*empty.shape, 1, 1):
            tensor = tensor.reshape(empty.shape)
        if tensor.shape != empty.shape:
            raise BadModelFile(
                f"{what} does not fit: {names[key]} is {list(tensor.shape)}, "
                f"{list(empty.shape)} is needed. Choose another file."
            )
        state[key] = _placed(tensor, device, dtype)
    module.load_state_dict(state, strict=True, assign=True)
    _fill_buffers(module, device, what)
    return module.eval().requires_grad_(False)


def _empty(cls: Callable[..., ModuleT], config: Mapping[str, Any], what: str) -> ModuleT:
    """Build from the known settings of a config; an unknown one that is switched on is refused."""
    _check_sizes(config, what)
    known = inspect.signature(cls).parameters
    given = {key: value for key, value in config.items() if not key.startswith("_")}
    strange = [key for key, value in given.items() if key not in known and value]
    if strange:
        raise UnsupportedModel(
            f"{what} uses the setting {strange[0]!r}, which this version does not know. "
            "Choose another checkpoint."
        )
    return _on_meta(lambda: cls(**{k: v for k, v in given.items() if k in known}), what)


def _on_meta(make: Callable[[], ModuleT], what: str) -> ModuleT:
    try:
        with torch.device("meta"):
            return make()
    except Exception as error:  # a stranger's config can fail anywhere inside the libraries
        first_line = (str(error).splitlines() or ["?"])[0][:200]
        raise BadModelFile(f"{what} has an impossible config: {first_line}") from error


def _check_sizes(config: Mapping[str, Any], what: str) -> None:
    """Refuse numbers that would only make the machine busy: configs come from strangers."""
    for key, value in config.items():
        numbers = value if isinstance(value, list | tuple) else [value]
        few = len(numbers) <= 16 and not (key.startswith(("num_hidden", "layers")) and _over(value))
        if not few or any(_over(n, _SIZE_LIMIT) for n in numbers):
            raise BadModelFile(f"{what} has an impossible config: {key} = {str(value)[:80]}.")


def _over(value: object, limit: int = 64) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value > limit


def _placed(tensor: torch.Tensor, device: torch.device, dtype: torch.dtype) -> torch.Tensor:
    """A copy in memory of our own, never the mapped file itself.

    A file can change or vanish under a running server, and its tensors lie at odd addresses, where
    some kernels round otherwise: the same weights would make another picture from another file.
    """
    wanted = dtype if tensor.is_floating_point() else tensor.dtype
    return tensor.to(device=device, dtype=wanted, copy=True)


def _check_names(wanted: set[str], available: set[str], what: str) -> None:
    missing, unexpected = sorted(wanted - available), sorted(available - wanted)
    if missing:
        raise BadModelFile(
            f"{what} is incomplete: {len(missing)} of {len(wanted)} tensors are missing, first "
            f"{missing[0]}. Nothing was loaded. Download the file again."
        )
    if unexpected:
        raise BadModelFile(
            f"{what} has {len(unexpected)} tensors that do not belong there, first "
            f"{unexpected[0][:120]}. Nothing was loaded. Choose another file."
        )


def _fill_buffers(module: torch.nn.Module, device: torch.device, what: str) -> None:
    """Make the buffers that no file stores: CLIP's position numbers."""
    for name, buffer in list(module.named_buffers()):
        if not buffer.is_meta:
            continue
        owner_name, _, leaf = name.rpartition(".")
        if leaf != "position_ids":
            raise BadModelFile(f"{what} needs the buffer {name}, which this version cannot make.")
        positions = torch.arange(buffer.shape[-1], device=device).expand(buffer.shape).clone()
        owner = module.get_submodule(owner_name)
        owner.register_buffer(leaf, positions, persistent=False)
