"""What A1111's API can and ours cannot yet: said before the job, never silently left out."""

from __future__ import annotations

from fastapi import HTTPException

from api.generation_schemas import (
    GenerationRequest,
    StableDiffusionProcessingImg2Img,
    StableDiffusionProcessingTxt2Img,
)

_OFF = frozenset({"", "none"})
IMAGE_CFG_DEFAULTS = (None, 1.0, 1.5)
"""What clients send as `image_cfg_scale` without meaning anything by it (api 2.2)."""

NO_TILING = "tiling: tileable pictures cannot be made yet; the picture is an ordinary one"


def refuse_unsupported(wire: GenerationRequest) -> None:
    """Stop a call whose result would not be what it asks for.

    Raises HTTPException: 422 for scripts that do not exist here (api 2.6), 501 for features.
    """
    if wire.script_name is not None and wire.script_name.strip().lower() not in _OFF:
        raise HTTPException(422, f"Script '{wire.script_name}' not found")
    for title in wire.alwayson_scripts:
        raise HTTPException(422, f"Script '{title}' not found")
    if wire.refiner_checkpoint is not None and wire.refiner_checkpoint.strip().lower() not in _OFF:
        raise _missing("refiner_checkpoint: there is no refiner yet; send null")
    if isinstance(wire, StableDiffusionProcessingTxt2Img) and wire.enable_hr:
        raise _missing(
            "enable_hr: hires fix is not there yet; send false, and enlarge the result with "
            "/sdapi/v1/img2img"
        )
    if isinstance(wire, StableDiffusionProcessingImg2Img) and wire.latent_mask:
        raise _missing("latent_mask: a second mask is not there yet; send `mask` alone")


def warn_unsupported(wire: GenerationRequest, *, restore_faces: bool, tiling: bool) -> list[str]:
    """A sentence for each wish that the result is made without.

    `restore_faces` and `tiling` are what the call and the settings together ask for.
    """
    warnings = []
    if restore_faces:
        warnings.append("restore_faces: no face restorer is installed; faces are as generated")
    if tiling:
        warnings.append(NO_TILING)
    scale = getattr(wire, "image_cfg_scale", None)
    if scale not in IMAGE_CFG_DEFAULTS:
        warnings.append("image_cfg_scale acts on InstructPix2Pix checkpoints only")
    return warnings


def _missing(text: str) -> HTTPException:
    return HTTPException(501, text)
