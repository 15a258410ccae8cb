"""What a checkpoint's tensors cannot tell: its working size, heads, groups, preview colours.

The facts stand in `overpaint.json` inside a diffusers folder, in `NAME.overpaint.json` or A1111's
`NAME.yaml` beside a single file, or in the "overpaint" entry of a safetensors header. No torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from models.errors import BadModelFile

FACTS_FILE = "overpaint.json"
FACTS_LIMIT = 256 * 1024
"""Longest facts or yaml file in bytes."""

_Rgb = tuple[float, float, float]
_Count = Annotated[int, Field(ge=1, le=4096)]
_Side = Annotated[int, Field(ge=64, le=8192, multiple_of=8)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class UNetFacts(_Part):
    """Attention heads (one number, or one per level from the outermost in) and GroupNorm groups."""

    num_heads: _Count | tuple[_Count, ...] | None = None
    num_head_channels: _Count | None = None
    norm_num_groups: _Count | None = None


class VaeFacts(_Part):
    """GroupNorm groups, and the factor that scales encoded latents to unit variance."""

    norm_num_groups: _Count | None = None
    scaling_factor: Annotated[float, Field(gt=0.0, le=100.0)] | None = None


class TextFacts(_Part):
    """Attention heads and activation of the CLIP text encoder."""

    num_heads: _Count | None = None
    hidden_act: Literal["quick_gelu", "gelu"] | None = None


class ScheduleFacts(_Part):
    """The training schedule: what the network predicts, and the scaled-linear betas."""

    prediction_type: Literal["epsilon", "v_prediction"] | None = None
    beta_start: Annotated[float, Field(gt=0.0, lt=1.0)] | None = None
    beta_end: Annotated[float, Field(gt=0.0, lt=1.0)] | None = None
    num_train_timesteps: Annotated[int, Field(ge=1, le=10_000)] | None = None


class Facts(_Part):
    """All facts about one checkpoint; None means "as the architecture has it".

    `latent_rgb_factors` (latent channels x 3) and `latent_rgb_bias` (3) map a scaled latent to RGB
    in -1..1 for cheap previews (behaviour 14.2).
    """

    shares_with: Annotated[str, Field(pattern=r"^[\w-]{1,64}$")] | None = None
    """A diffusers folder beside this one, whose parts serve where this one has none."""
    default_width: _Side | None = None
    default_height: _Side | None = None
    default_cfg: Annotated[float, Field(ge=0.0, le=100.0)] | None = None
    latent_rgb_factors: tuple[_Rgb, ...] | None = None
    latent_rgb_bias: _Rgb | None = None
    unet: UNetFacts = UNetFacts()
    vae: VaeFacts = VaeFacts()
    text_encoder: TextFacts = TextFacts()
    scheduler: ScheduleFacts = ScheduleFacts()

    def over(self, base: Facts) -> Facts:
        """These facts, completed by those of `base`."""
        return Facts.model_validate(_merge(_given(base), _given(self)))


def sidecar_path(model: Path) -> Path:
    """Where the facts of a single file may stand: `NAME.overpaint.json` beside it."""
    return model.with_name(f"{model.stem}.{FACTS_FILE}")


def yaml_path(model: Path) -> Path | None:
    """The A1111 / LDM config beside the file (same stem, .yaml), if there is one."""
    path = model.with_suffix(".yaml")
    return path if path.is_file() else None


def facts_of_file(model: Path, metadata: Mapping[str, str]) -> Facts:
    """Facts of a single file: its sidecar wins over its yaml, that over the header's metadata.

    Raises BadModelFile if one of them is unreadable or says something impossible.
    """
    facts = parse_facts(metadata["overpaint"], model.name) if "overpaint" in metadata else Facts()
    config = yaml_path(model)
    if config is not None:
        facts = _facts_of_yaml(config).over(facts)
    sidecar = sidecar_path(model)
    if sidecar.is_file():
        facts = parse_facts(_read(sidecar), sidecar.name).over(facts)
    return facts


def facts_of_folder(folder: Path) -> Facts:
    """Facts of a diffusers folder: its `overpaint.json`, over that of the one it shares with."""
    own = _facts_in(folder)
    if own.shares_with is None:
        return own
    return own.over(_facts_in(folder.parent / own.shares_with))


def _facts_in(folder: Path) -> Facts:
    path = folder / FACTS_FILE
    return parse_facts(_read(path), f"{folder.name}/{FACTS_FILE}") if path.is_file() else Facts()


def parse_facts(text: str, source: str) -> Facts:
    """Facts from JSON text. Raises BadModelFile naming `source` and the first thing wrong."""
    try:
        return Facts.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the text"
        raise BadModelFile(
            f"{source} cannot be used: {where}: {first['msg']}. Correct it or remove it."
        ) from error


def _read(path: Path) -> str:
    if path.stat().st_size > FACTS_LIMIT:
        raise BadModelFile(f"{path.name} is longer than {FACTS_LIMIT} bytes: it is no config file.")
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise BadModelFile(f"{path.name} is not UTF-8 text. Correct it or remove it.") from error


def _facts_of_yaml(path: Path) -> Facts:
    """The lines of an LDM config that change the result; all others follow from the weights."""
    try:
        params = _at(yaml.safe_load(_read(path)), "model", "params")
    except (yaml.YAMLError, RecursionError) as error:
        raise BadModelFile(f"{path.name} is not valid YAML. Correct it or remove it.") from error
    unet = _at(params, "unet_config", "params")
    predicts_v = params.get("parameterization") == "v"
    given = {
        "unet": {
            "num_heads": _positive(unet.get("num_heads")),
            "num_head_channels": _positive(unet.get("num_head_channels")),
        },
        "vae": {"scaling_factor": params.get("scale_factor")},
        "scheduler": {
            "prediction_type": "v_prediction" if predicts_v else "epsilon",
            "beta_start": params.get("linear_start"),
            "beta_end": params.get("linear_end"),
            "num_train_timesteps": params.get("timesteps"),
        },
    }
    try:
        return Facts.model_validate(given)
    except ValidationError as error:
        where = ".".join(str(part) for part in error.errors()[0]["loc"])
        raise BadModelFile(
            f"{path.name} cannot be used: {where} is impossible. Correct it or remove it."
        ) from error


def _positive(value: object) -> object:
    """LDM configs write -1 for "not this one"."""
    return None if value == -1 else value


def _at(value: object, *path: str) -> dict[str, Any]:
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def _given(facts: BaseModel) -> dict[str, Any]:
    return facts.model_dump(exclude_none=True)


def _merge(base: dict[str, Any], top: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for name, value in top.items():
        below = merged.get(name)
        nested = isinstance(value, dict) and isinstance(below, dict)
        merged[name] = _merge(below, value) if nested else value  # type: ignore[arg-type]
    return merged
