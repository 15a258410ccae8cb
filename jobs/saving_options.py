"""How pictures are kept: format, names, what is written beside (behaviour 10.5, 10.6)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final, Literal

from pydantic import Field

from pipelines.events import FinishedPicture
from pipelines.filenames import (
    DEFAULT_FOLDER_PATTERN,
    DEFAULT_PATTERN,
    DEFAULT_PATTERN_FLAT,
    NameFacts,
)
from pipelines.infotext_parse import parse_infotext
from pipelines.request import Frozen, Img2ImgRequest

EXTENSIONS: Final[Mapping[str, str]] = {
    "png": "png",
    "jpeg": "jpg",
    "webp": "webp",
    "avif": "avif",
}
_FORMATS: Final[Mapping[str, str]] = {
    "png": "png",
    "jpg": "jpeg",
    "jpeg": "jpeg",
    "webp": "webp",
    "avif": "avif",
}
_LONGEST_PATTERN = 500


class SavingOptions(Frozen):
    """A1111's settings for saved pictures, as one job uses them.

    Empty patterns are A1111's own. Existing files are never replaced, whatever the setting.
    """

    format: Literal["png", "jpeg", "webp", "avif"] = "png"
    quality: Annotated[int, Field(ge=1, le=100)] = 80
    lossless_webp: bool = False
    infotext: bool = True
    text_file: bool = False
    add_number: bool = True
    file_pattern: Annotated[str, Field(max_length=_LONGEST_PATTERN)] = ""
    use_folders: bool = True
    folder_pattern: Annotated[str, Field(max_length=_LONGEST_PATTERN)] = ""

    @property
    def names(self) -> str:
        """The pattern of file names."""
        return self.file_pattern or (DEFAULT_PATTERN if self.use_folders else DEFAULT_PATTERN_FLAT)

    @property
    def folders(self) -> str:
        """The pattern of sub-folders; empty for none."""
        return (self.folder_pattern or DEFAULT_FOLDER_PATTERN) if self.use_folders else ""


def saving_options(options: Mapping[str, Any]) -> SavingOptions:
    """The part of `OptionStore.all()` that concerns saved pictures; unknown formats are PNG."""
    return SavingOptions.model_validate(
        {
            "format": _FORMATS.get(str(options["samples_format"]).strip().lower(), "png"),
            "quality": options["jpeg_quality"],
            "lossless_webp": options["webp_lossless"],
            "infotext": options["enable_pnginfo"],
            "text_file": options["save_txt"],
            "add_number": options["save_images_add_number"],
            "file_pattern": str(options["samples_filename_pattern"])[:_LONGEST_PATTERN],
            "use_folders": options["save_to_dirs"],
            "folder_pattern": str(options["directories_filename_pattern"])[:_LONGEST_PATTERN],
        }
    )


def name_facts(request: Img2ImgRequest, picture: FinishedPicture, now: datetime) -> NameFacts:
    """What a file name can tell of a picture; models and samplers as its infotext names them."""
    told = parse_infotext(picture.infotext, fill_defaults=False).params
    seeds, size = request.all_seeds(), request.batch_size
    batch = picture.position // size
    of_batch = seeds[batch * size : (batch + 1) * size] or (picture.seed,)
    has_strength = not request.is_txt2img or request.hires is not None
    return NameFacts(
        seed=picture.seed,
        now=now,
        prompt=picture.prompt,
        negative_prompt=request.negative_prompt,
        steps=request.sampling.steps,
        cfg=request.sampling.cfg_scale,
        width=picture.image.width,
        height=picture.image.height,
        sampler=told.get("Sampler", request.sampling.sampler),
        scheduler=told.get("Schedule type", request.sampling.scheduler),
        denoising=request.sampling.denoising_strength if has_strength else None,
        clip_skip=request.clip_skip,
        model_name=told.get("Model", ""),
        model_hash=told.get("Model hash", ""),
        vae_filename=told.get("VAE", "None"),
        batch_number=picture.position % size + 1,
        batch_size=size,
        generation_number=picture.position + 1,
        generation_count=request.picture_count,
        seed_first=of_batch[0],
        seed_last=of_batch[-1],
        job_timestamp=now.strftime("%Y%m%d%H%M%S"),
    )
