"""The settings a generation call works with: the server's, with the call's overrides (api 2.5)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import HTTPException

from api.generation_schemas import GenerationRequest
from jobs.options import Guard, OptionError, OptionStore, coerce_all, find_option, remarks
from models.catalog import Catalog, CheckpointEntry
from models.vae import AUTOMATIC, NONE

CLIP_SKIP = "CLIP_stop_at_last_layers"
CHECKPOINT = "sd_model_checkpoint"
VAE = "sd_vae"

_TOLD_ELSEWHERE = frozenset({"samples_format", "tiling", "face_restoration"})
"""Overrides that act, or that `api.unsupported` speaks of."""


@dataclass(frozen=True)
class CallOptions:
    """`values` holds every setting, `given` the keys that the call itself set."""

    values: Mapping[str, Any]
    given: frozenset[str]
    checkpoint: CheckpointEntry
    warnings: tuple[str, ...]


def options_of_call(
    wire: GenerationRequest, options: OptionStore, catalog: Catalog, *, is_admin: bool
) -> CallOptions:
    """Work the overrides of a call into the settings.

    Unknown keys, guarded settings and unknown checkpoints are left out with a warning. With
    `override_settings_restore_afterwards` false an administrator's overrides stay until the next
    start; others may not change what concerns everybody. Raises HTTPException 422 for values that a
    setting cannot have.
    """
    wanted = dict(wire.override_settings or {})
    if wire.clip_skip is not None:
        wanted.setdefault(CLIP_SKIP, max(1, wire.clip_skip))
    try:
        read, unknown = coerce_all(wanted)
    except OptionError as error:
        raise HTTPException(422, f"override_settings: {error}") from error
    warnings = [*unknown.values(), *_leave_out(read, catalog)]
    if not wire.override_settings_restore_afterwards and read:
        if is_admin:
            options.set_many(read, keep=False)
        else:
            warnings.append("only administrators may leave settings changed; they were restored")
    warnings += remarks({key: read[key] for key in read if key not in _TOLD_ELSEWHERE})
    values = options.all() | read
    entry = catalog.default(values[CHECKPOINT])
    if values[CHECKPOINT] and catalog.find(values[CHECKPOINT]) is None:
        warnings.append(f"model {values[CHECKPOINT]!r} is gone; {entry.title} was used")
    return CallOptions(values, frozenset(read), entry, tuple(warnings))


def _leave_out(read: dict[str, Any], catalog: Catalog) -> list[str]:
    """Remove overrides that do not count; a sentence for each that asked for something."""
    warnings = []
    for key in list(read):
        option = find_option(key)
        if option is not None and option.guard is not Guard.OPEN:
            del read[key]
            warnings.append(f"the setting {key} cannot be changed by a call")
    vae = read.get(VAE)
    if vae is not None and vae not in (AUTOMATIC, NONE, *(file.name for file in catalog.vaes())):
        del read[VAE]
        warnings.append(f"VAE {vae!r} not found; the selected one was used")
    wanted = read.get(CHECKPOINT)
    if wanted is None:
        return warnings
    entry = catalog.find(wanted)
    if entry is not None:
        read[CHECKPOINT] = entry.title
        return warnings
    del read[CHECKPOINT]
    if wanted:
        warnings.append(f"model {wanted!r} not found; the selected one was used")
    return warnings
