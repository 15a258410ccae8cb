"""A checkpoint as a diffusers folder: which files belong to it and what kind it is. No torch.

Only JSON is read and only fixed file names are used: neither a `pipeline.py` in the folder nor a
class of its own can ever be run from here. A part that is missing may come from the folder beside
it that `overpaint.json` names.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from models.errors import BadModelFile, UnsupportedModel
from models.facts import Facts, facts_of_folder
from models.identify import Family, ModelKind, Prediction, Variant
from models.noise_schedule import NoiseSchedule

INDEX_FILE = "model_index.json"
JSON_LIMIT = 1024 * 1024
"""Longest config file in bytes."""

_CLASSES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "unet": ("UNet2DConditionModel",),
        "vae": ("AutoencoderKL",),
        "text_encoder": ("CLIPTextModel",),
        "tokenizer": ("CLIPTokenizer", "CLIPTokenizerFast"),
    }
)
_LIBRARIES = ("diffusers", "transformers")
_FAMILIES: tuple[tuple[str, Family], ...] = (
    ("StableDiffusionXL", "sdxl"),
    ("StableDiffusion3", "sd3"),
    ("StableUnCLIP", "unclip"),
    ("Flux", "flux"),
    ("AltDiffusion", "altdiffusion"),
)
_MODEL_STEMS: Mapping[str, str] = MappingProxyType(
    {
        "unet": "diffusion_pytorch_model",
        "vae": "diffusion_pytorch_model",
        "text_encoder": "model",
    }
)


@dataclass(frozen=True, slots=True)
class DiffusersFolder:
    """The parts of an SD 1.x folder: configs as plain tables, weight files, tokenizer folder."""

    root: Path
    kind: ModelKind
    facts: Facts
    schedule: NoiseSchedule
    configs: Mapping[str, Mapping[str, Any]]
    weights: Mapping[str, Path]
    tokenizer: Path


def is_folder_checkpoint(path: Path) -> bool:
    """True if this directory is a diffusers folder (it has a model_index.json)."""
    return (path / INDEX_FILE).is_file()


def identify_folder(root: Path) -> ModelKind:
    """The kind of a diffusers folder, from its model_index.json and configs.

    Raises BadModelFile if a config is missing or damaged, UnsupportedModel if the folder wants
    classes of its own.
    """
    index = _read_json(root / INDEX_FILE)
    name = index.get("_class_name")
    if not isinstance(name, str):
        raise UnsupportedModel(
            f"{root.name} was refused: its {INDEX_FILE} names code of its own as pipeline. "
            "Use a folder with a plain Stable Diffusion pipeline."
        )
    for prefix, family in _FAMILIES:
        if name.startswith(prefix) or ("text_encoder_2" in index and family == "sdxl"):
            return ModelKind(family, "base", None, 1024, 4)
    _check_classes(root, index)
    return _identify_unet(root, _read_json(part_folder(root, "unet") / "config.json"))


def read_folder(root: Path) -> DiffusersFolder:
    """All parts of an SD 1.x diffusers folder, checked to be there.

    Raises BadModelFile or UnsupportedModel (see `identify_folder`), also for missing weights.
    """
    kind = identify_folder(root)
    scheduler = _read_json(part_folder(root, "scheduler") / "scheduler_config.json")
    return DiffusersFolder(
        root=root,
        kind=kind,
        facts=facts_of_folder(root),
        schedule=_schedule(root, scheduler),
        configs={
            part: _read_json(part_folder(root, part) / "config.json") for part in _MODEL_STEMS
        },
        weights={part: _weights(root, part) for part in _MODEL_STEMS},
        tokenizer=_tokenizer(root),
    )


def part_folder(root: Path, part: str) -> Path:
    """Where a part lies: in the folder itself, or in the one beside it that it shares with."""
    if (root / part).is_dir():
        return root / part
    other = facts_of_folder(root).shares_with
    return root / part if other is None else root.parent / other / part


def weight_files(root: Path) -> tuple[Path, ...]:
    """The weight files that loading this folder would read, sorted by name; absent ones left out.

    They are what the folder's hash is made of.
    """
    found = [file for part in _MODEL_STEMS for file in _candidates(root, part)[:1]]
    return tuple(sorted(found))


def _check_classes(root: Path, index: Mapping[str, Any]) -> None:
    for part, classes in _CLASSES.items():
        given = index.get(part)
        library, name = given if isinstance(given, list) and len(given) == 2 else (None, None)
        if library in _LIBRARIES and name in classes:
            continue
        raise UnsupportedModel(
            f"{root.name}: its {part.replace('_', ' ')} is {name or 'missing'} from "
            f"{library or 'nowhere'}; {' or '.join(classes)} is needed. "
            "Overpaint can load SD 1.x folders so far and runs no code from a model folder."
        )


def _identify_unet(root: Path, unet: Mapping[str, Any]) -> ModelKind:
    channels, context = unet.get("in_channels"), unet.get("cross_attention_dim")
    if not isinstance(channels, int) or not isinstance(context, int):
        raise UnsupportedModel(
            f"{root.name}: its U-Net config is of another kind than SD 1.x "
            "(in_channels and cross_attention_dim are needed as plain numbers)."
        )
    family: Family = "sdxl" if unet.get("addition_embed_type") else "sd1"
    if family == "sd1" and context == 1024:
        family = "sd2"
    variants: dict[int, Variant] = {9: "inpaint", 8: "instruct-pix2pix"}
    size = unet.get("sample_size")
    return ModelKind(
        family,
        variants.get(channels, "base"),
        _prediction(root),
        size * 8 if isinstance(size, int) and 8 <= size <= 512 else 512,
        channels,
        context,
    )


def _prediction(root: Path) -> Prediction:
    config = part_folder(root, "scheduler") / "scheduler_config.json"
    value = _read_json(config).get("prediction_type")
    if value in (None, "epsilon"):
        return "epsilon"
    if value == "v_prediction":
        return "v_prediction"
    raise UnsupportedModel(
        f"{root.name}: its network predicts {str(value)[:40]!r}; "
        "epsilon and v_prediction are known."
    )


def _schedule(root: Path, config: Mapping[str, Any]) -> NoiseSchedule:
    spacing = config.get("beta_schedule", "scaled_linear")
    start, end = config.get("beta_start", 0.00085), config.get("beta_end", 0.012)
    steps = config.get("num_train_timesteps", 1000)
    numbers = isinstance(start, float) and isinstance(end, float) and isinstance(steps, int)
    if (
        spacing not in ("scaled_linear", "linear")
        or config.get("trained_betas") is not None
        or not numbers
        or not (0 < start <= end < 1 and 1 <= steps <= 10_000)
    ):
        raise UnsupportedModel(
            f"{root.name}: its noise schedule is not one of SD 1.x "
            "(scaled_linear or linear betas between 0 and 1 are needed)."
        )
    return NoiseSchedule(
        start, end, steps, spacing, config.get("rescale_betas_zero_snr", False) is True
    )


def _candidates(root: Path, part: str) -> list[Path]:
    stem = _MODEL_STEMS[part]
    pickled = "pytorch_model.bin" if part == "text_encoder" else f"{stem}.bin"
    names = (f"{stem}.safetensors", f"{stem}.fp16.safetensors", pickled)
    folder = part_folder(root, part)
    return [folder / name for name in names if (folder / name).is_file()]


def _weights(root: Path, part: str) -> Path:
    found = _candidates(root, part)
    if not found:
        raise BadModelFile(
            f"{root.name} is incomplete: {part}/{_MODEL_STEMS[part]}.safetensors is missing. "
            "Download the folder again."
        )
    return found[0]


def _tokenizer(root: Path) -> Path:
    folder = part_folder(root, "tokenizer")
    if (folder / "vocab.json").is_file() and (folder / "merges.txt").is_file():
        return folder
    if (folder / "tokenizer.json").is_file():
        return folder
    raise BadModelFile(
        f"{root.name} is incomplete: tokenizer/vocab.json and merges.txt are missing. "
        "Download the folder again."
    )


def _read_json(path: Path) -> Mapping[str, Any]:
    where = f"{path.parent.name}/{path.name}"
    if not path.is_file():
        raise BadModelFile(f"{where} is missing. Download the folder again.")
    if path.stat().st_size > JSON_LIMIT:
        raise BadModelFile(f"{where} is too long for a config. Download the folder again.")
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise BadModelFile(f"{where} is not valid JSON. Download the folder again.") from error
    if not isinstance(value, dict):
        raise BadModelFile(f"{where} is not a table. Download the folder again.")
    return value
