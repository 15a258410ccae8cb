"""Names that a pasted infotext brings along: checkpoints, upscaler, VAE; which of them are here."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Any, NamedTuple

from models.catalog import Catalog
from models.vae import AUTOMATIC, NONE
from pipelines.infotext_apply import Applied
from pipelines.infotext_networks import Localised, localised
from pipelines.request import Img2ImgRequest
from pipelines.upscalers import LatentMode, UnknownUpscaler, find_upscaler
from ui.texts import LABELS, MESSAGES


class Names(NamedTuple):
    """Values for the controls that hold names, and sentences about those that are not here."""

    values: dict[str, Any]
    problems: list[str]


def known_names(controls: Collection[str], request: Img2ImgRequest, catalog: Catalog) -> Names:
    """The names of refiner and hires pass as the page lists them.

    `controls` are the names of the form's controls: a form without hires fix says so.
    """
    values: dict[str, Any] = {}
    problems: list[str] = []
    if request.refiner is not None:
        title = _title(request.refiner.checkpoint, catalog, problems)
        values |= {"refiner_checkpoint": title or None, "refiner": bool(title)}
    hires = request.hires
    if hires is not None and "hires" not in controls:
        problems.append(MESSAGES["hires_left_out"])
    elif hires is not None:
        if hires.checkpoint:
            values["hr_checkpoint"] = _title(hires.checkpoint, catalog, problems)
        try:
            found = find_upscaler(hires.upscaler, catalog.upscalers.names)
        except UnknownUpscaler as error:
            problems.append(f"{LABELS['hires']}: {error}")
            values["hr_upscaler"] = "Latent"
        else:
            values["hr_upscaler"] = found.name if isinstance(found, LatentMode) else found
    return Names(values, problems)


def missing_vae(applied: Applied, current: str, catalog: Catalog) -> tuple[Applied, list[str]]:
    """Keep the selected VAE when the picture's own is not here, and say so."""
    wanted = applied.request.vae
    if wanted in (current, AUTOMATIC, NONE, *(vae.name for vae in catalog.vaes())):
        return applied, []
    kept = applied.request.model_copy(update={"vae": current})
    said = MESSAGES["vae_missing"].format(vae=wanted, current=current)
    return replace(applied, request=kept), [said]


def local_networks(applied: Applied, catalog: Catalog) -> Localised:
    """The request with its LoRA tags as the files are called here, and what is not here."""
    return localised(applied.request, applied.lora_hashes, catalog.loras, catalog.hypernetworks)


def _title(name: str, catalog: Catalog, problems: list[str]) -> str:
    """The title of a checkpoint; "" and a sentence when it is not here."""
    entry = catalog.find(name)
    if entry is not None:
        return entry.title
    problems.append(MESSAGES["companion_missing"].format(model=name))
    return ""
