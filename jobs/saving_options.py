"""How pictures are kept: format, names, what is written beside (behaviour 10.5, 10.6)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import PurePosixPath
from typing import Annotated, Any, Final, Literal

from pydantic import Field

from jobs.grid_options import GridOptions, grid_options, storable
from pipelines.events import FinishedPicture
from pipelines.filenames import (
    DEFAULT_FOLDER_PATTERN,
    DEFAULT_PATTERN,
    DEFAULT_PATTERN_FLAT,
    NameFacts,
    expand_folder_pattern,
)
from pipelines.infotext_parse import parse_infotext
from pipelines.request import Frozen, Img2ImgRequest

EXTENSIONS: Final[Mapping[str, str]] = {
    "png": "png",
    "jpeg": "jpg",
    "webp": "webp",
    "avif": "avif",
}
_LONGEST_PATTERN = 500


class SavingOptions(Frozen):
    """A1111's settings for saved pictures, as one job uses them.

    Empty patterns are A1111's own. Existing files are never replaced, whatever the setting.
    """

    samples: bool = True
    """False: pictures stay in the data folder, unless a `directory` was named for them."""
    incomplete: bool = False
    """Save pictures that an interrupt cut short like others, not in the data folder."""
    init_image: bool = False
    """Keep what an img2img picture was made from, and tell its hash (5.7)."""
    before_color_correction: bool = False
    before_highres_fix: bool = False
    """Save the picture as it was then beside it (10.6)."""
    grid: GridOptions = GridOptions()
    format: Literal["png", "jpeg", "webp", "avif"] = "png"
    quality: Annotated[int, Field(ge=1, le=100)] = 80
    lossless_webp: bool = False
    infotext: bool = True
    text_file: bool = False
    add_number: bool = True
    file_pattern: Annotated[str, Field(max_length=_LONGEST_PATTERN)] = ""
    use_folders: bool = True
    folder_pattern: Annotated[str, Field(max_length=_LONGEST_PATTERN)] = ""
    prompt_words: Annotated[int, Field(ge=1, le=20)] = 8
    """Words of `[prompt_words]`."""
    directory: Annotated[str, Field(max_length=4096)] = ""
    """An absolute folder in place of the output folder's; empty for that one."""
    basename: Annotated[str, Field(max_length=_LONGEST_PATTERN)] = ""
    """What `[basename]` stands for: the name of the input file, without its extension."""
    mask: bool = False
    mask_composite: bool = False
    """Inpainting: write the mask, and what was painted cut out, beside each picture (5.7)."""
    return_mask: bool = False
    return_mask_composite: bool = False
    """The same, given back after the job's pictures; only where a job says so itself."""
    second_jpeg: bool = True
    second_jpeg_from_mb: Annotated[float, Field(ge=0.0, le=1000.0)] = 4.0
    second_jpeg_side: Annotated[int, Field(ge=1, le=65535)] = 4000
    """A JPEG beside files of more megabytes or of a longer side, which it keeps to (10.5)."""
    libraries: bool = False
    """Write library versions and the device into the infotext."""
    user: bool = False
    """Write the user's name into the infotext."""
    styles: Annotated[tuple[str, ...], Field(max_length=1000)] = ()
    prompt_no_styles: Annotated[str, Field(max_length=100_000)] = ""
    """For file names: the styles that are in the prompt, and the prompt without them."""

    @property
    def names(self) -> str:
        """The pattern of file names."""
        return self.file_pattern or (DEFAULT_PATTERN if self.use_folders else DEFAULT_PATTERN_FLAT)

    @property
    def folders(self) -> str:
        """The pattern of sub-folders; empty for none."""
        return self.sub_folders if self.use_folders else ""

    @property
    def sub_folders(self) -> str:
        """The same where there are to be some."""
        return self.folder_pattern or DEFAULT_FOLDER_PATTERN


def saving_options(
    options: Mapping[str, Any], styles: Sequence[str] = (), prompt_no_styles: str = ""
) -> SavingOptions:
    """The part of `OptionStore.all()` that concerns saved pictures; unknown formats are PNG."""
    return SavingOptions.model_validate(
        {
            "samples": options["samples_save"],
            "incomplete": options["save_incomplete_images"],
            "init_image": options["save_init_img"],
            "before_color_correction": options["save_images_before_color_correction"],
            "before_highres_fix": options["save_images_before_highres_fix"],
            "grid": grid_options(options),
            "format": storable(options["samples_format"]),
            "quality": options["jpeg_quality"],
            "lossless_webp": options["webp_lossless"],
            "infotext": options["enable_pnginfo"],
            "text_file": options["save_txt"],
            "add_number": options["save_images_add_number"],
            "file_pattern": str(options["samples_filename_pattern"])[:_LONGEST_PATTERN],
            "use_folders": options["save_to_dirs"],
            "folder_pattern": str(options["directories_filename_pattern"])[:_LONGEST_PATTERN],
            "prompt_words": options["directories_max_prompt_words"],
            "mask": options["save_mask"],
            "mask_composite": options["save_mask_composite"],
            "return_mask": options["return_mask"],
            "return_mask_composite": options["return_mask_composite"],
            "second_jpeg": options["export_for_4chan"],
            "second_jpeg_from_mb": options["img_downscale_threshold"],
            "second_jpeg_side": options["target_side_length"],
            "libraries": options["add_library_versions_to_infotext"],
            "user": options["add_user_name_to_info"],
            "styles": tuple(styles),
            "prompt_no_styles": prompt_no_styles,
        }
    )


def name_facts(
    request: Img2ImgRequest,
    picture: FinishedPicture,
    now: datetime,
    saving: SavingOptions | None = None,
    user: str = "",
) -> NameFacts:
    """What a file name can tell of a picture; models and samplers as its infotext names them.

    `image_hash` is the SHA-256 of the pixels' bytes, where a pattern asks for it.
    """
    saving = saving or SavingOptions()
    hashed = "[image_hash" in (saving.names + saving.folders).lower()
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
        model_name=told.get("Model", picture.model_name),
        model_hash=told.get("Model hash", picture.model_hash),
        vae_filename=told.get("VAE", picture.vae_name or "None"),
        batch_number=picture.position % size + 1,
        batch_size=size,
        generation_number=picture.position + 1,
        generation_count=request.picture_count,
        seed_first=of_batch[0],
        seed_last=of_batch[-1],
        job_timestamp=now.strftime("%Y%m%d%H%M%S"),
        max_prompt_words=saving.prompt_words,
        styles=saving.styles,
        prompt_no_styles=saving.prompt_no_styles,
        user=user,
        basename=saving.basename,
        image_hash=hashlib.sha256(picture.image.tobytes()).hexdigest() if hashed else "",
    )


def sub_folder(
    request: Img2ImgRequest, picture: FinishedPicture, saving: SavingOptions, user: str = ""
) -> PurePosixPath:
    """The sub-folder, by the pattern of the settings, of what is composed from a job's pictures.

    Relative, and without a way upwards. `picture` lends its pixels, infotext, prompt and seed.
    """
    facts = name_facts(request, picture, datetime.now().astimezone(), saving, user)
    return expand_folder_pattern(saving.sub_folders, facts)
