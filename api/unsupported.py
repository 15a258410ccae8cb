"""What A1111's API can and ours cannot yet: said before the job, never silently left out."""

from __future__ import annotations

from fastapi import HTTPException

from api.errors import crash
from api.generation_schemas import (
    GenerationRequest,
    StableDiffusionProcessingImg2Img,
    StableDiffusionProcessingTxt2Img,
)
from models.upscaler_files import UpscalerFiles
from pipelines.upscalers import UnknownUpscaler, find_upscaler

_OFF = frozenset({"", "none"})
SOFT_INPAINTING = "soft inpainting"
"""Title of the one always-on script that acts, in lower case."""


def refuse_unsupported(wire: GenerationRequest, upscalers: UpscalerFiles) -> None:
    """Stop a call whose result would not be what it asks for.

    Raises HTTPException: 422 for always-on scripts that do not exist here (api 2.6), and for a
    second mask without the first. The selectable script is `api.script_calls`' business.
    """
    is_img2img = isinstance(wire, StableDiffusionProcessingImg2Img)
    for title in wire.alwayson_scripts:
        if not is_img2img or title.strip().lower() != SOFT_INPAINTING:
            raise HTTPException(422, f"Script '{title}' not found")
    if isinstance(wire, StableDiffusionProcessingTxt2Img) and wire.enable_hr:
        try:
            if upscalers.find(wire.hr_upscaler or "") is None:
                find_upscaler(wire.hr_upscaler or "", upscalers.names)
        except UnknownUpscaler as error:
            raise crash("AssertionError", str(error)) from error
    if isinstance(wire, StableDiffusionProcessingImg2Img) and wire.latent_mask and not wire.mask:
        raise HTTPException(422, "latent_mask: it works beside a `mask`; send both")


def warn_unsupported(wire: GenerationRequest, *, restore_faces: bool) -> list[str]:
    """A sentence for each wish that the result is made without.

    `restore_faces` is what the call and the settings together ask for.
    """
    warnings = []
    if restore_faces:
        warnings.append("restore_faces: no face restorer is installed; faces are as generated")
    return warnings
