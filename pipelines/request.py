"""What a picture depends on: frozen models that hold every setting of one job, and nothing else.

One declaration gives validation, JSON (job store, API), the ranges shown in the UI and the values
of the infotext. Pictures are named by the SHA-256 of their file; who stores the bytes is not known
here.
"""

from __future__ import annotations

import random
from enum import IntEnum, StrEnum
from typing import Annotated, Any, Self

from pydantic import Field, StringConstraints, model_validator

from pipelines.computing import Computing
from pipelines.frozen import Frozen
from pipelines.outpaint import Anchor
from pipelines.soft_settings import SoftInpaint
from pipelines.telling import Telling
from pipelines.text_rules import TextRules
from pipelines.tuning import SamplerTuning

__all__ = [
    "MAX_BLUR",
    "MAX_PIXELS",
    "MAX_SIDE",
    "MIN_SIDE",
    "SEED_LIMIT",
    "Computing",
    "Emphasis",
    "Frozen",
    "HiresFix",
    "Img2ImgRequest",
    "Inpaint",
    "InpaintArea",
    "Inversion",
    "MaskedContent",
    "NoiseSource",
    "PictureRef",
    "Refiner",
    "RefinerPass",
    "ResizeMode",
    "SamplerTuning",
    "Sampling",
    "Seeds",
    "SoftInpaint",
    "StepSemantics",
    "Telling",
    "TextRules",
]

SEED_LIMIT = 4294967294
"""Random seeds are drawn from [0, SEED_LIMIT), as A1111 does (spec behaviour 8.1)."""

MIN_SIDE = 64
MAX_SIDE = 8192
MAX_PIXELS = 4096 * 4096
"""The largest working picture of one job, in pixels; larger ones are made by tiled scripts."""

MAX_BLUR = 256
"""Largest mask blur, pixels: outpainting uses four times what the page's sliders allow."""

PictureRef = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
"""SHA-256 (hex) of a picture file's bytes."""


class ResizeMode(IntEnum):
    """How the init image meets the working size (behaviour 1.2)."""

    JUST_RESIZE = 0
    CROP_AND_RESIZE = 1
    RESIZE_AND_FILL = 2
    LATENT_UPSCALE = 3

    @property
    def label(self) -> str:
        """The name A1111's page shows."""
        return (
            "Just resize",
            "Crop and resize",
            "Resize and fill",
            "Just resize (latent upscale)",
        )[self]


class MaskedContent(IntEnum):
    """What the masked area starts from (behaviour 4)."""

    FILL = 0
    ORIGINAL = 1
    LATENT_NOISE = 2
    LATENT_NOTHING = 3

    @property
    def label(self) -> str:
        """The name A1111's page and infotext use."""
        return ("fill", "original", "latent noise", "latent nothing")[self]


class InpaintArea(IntEnum):
    """Work on the whole picture, or on the mask's surroundings at full resolution (behaviour 3)."""

    WHOLE_PICTURE = 0
    ONLY_MASKED = 1

    @property
    def label(self) -> str:
        """The name A1111's page and infotext use."""
        return ("Whole picture", "Only masked")[self]


class StepSemantics(StrEnum):
    """What "20 steps at denoising strength 0.75" means; see pipelines/steps.py."""

    A1111 = "a1111"
    EXACT = "exact"
    START_AT_STEP = "start_at_step"
    DIFFUSERS = "diffusers"


class NoiseSource(StrEnum):
    """Where noise comes from (behaviour 8.2). The names are A1111's `randn_source` values."""

    GPU = "GPU"
    CPU = "CPU"
    NV = "NV"


class Emphasis(StrEnum):
    """How `(word:1.2)` acts on the text embedding (behaviour 9.7)."""

    NONE = "None"
    IGNORE = "Ignore"
    ORIGINAL = "Original"
    NO_NORM = "No norm"


class Inpaint(Frozen):
    """A job's mask, white (1) = repaint, and its use; without one it outpaints. Page's defaults."""

    mask: PictureRef | None = None
    latent_mask: Annotated[
        PictureRef | None, Field(description="another mask for latents and fill; not blurred")
    ] = None
    blur_x: Annotated[int, Field(ge=0, le=MAX_BLUR, description="Gaussian sigma along x")] = 4
    blur_y: Annotated[int, Field(ge=0, le=MAX_BLUR, description="Gaussian sigma along y")] = 4
    invert: Annotated[bool, Field(description="True repaints what the mask leaves out")] = False
    content: MaskedContent = MaskedContent.ORIGINAL
    area: InpaintArea = InpaintArea.WHOLE_PICTURE
    padding: Annotated[
        int, Field(ge=0, le=2048, description="Only masked: context around the mask, pixels")
    ] = 32
    round: Annotated[
        bool, Field(description="Round the mask to 0/1 on the latent grid (off: soft)")
    ] = True
    soft: SoftInpaint | None = None

    @property
    def masks(self) -> tuple[PictureRef, ...]:
        """The pictures that it names."""
        return tuple(ref for ref in (self.mask, self.latent_mask) if ref is not None)

    @property
    def rounds(self) -> bool:
        """Whether the mask is rounded: soft inpainting turns it off everywhere (behaviour 3.9)."""
        return self.round and self.soft is None


class Sampling(Frozen):
    """Sampler, schedule and step count. Names are A1111's labels."""

    sampler: str = "DPM++ 2M"
    scheduler: str = "Automatic"
    steps: Annotated[int, Field(ge=1, le=1000)] = 20
    cfg_scale: Annotated[float, Field(ge=0.0, le=100.0)] = 7.0
    denoising_strength: Annotated[float, Field(ge=0.0, le=1.0)] = 0.75
    semantics: StepSemantics = StepSemantics.A1111
    start_at_step: Annotated[int, Field(ge=0, description="start_at_step semantics only")] = 0
    end_at_step: Annotated[int, Field(ge=0, description="start_at_step semantics only")] = 10000
    add_noise: bool = True
    return_with_leftover_noise: bool = False
    image_cfg_scale: Annotated[
        float, Field(ge=0.0, le=24.0, description="InstructPix2Pix checkpoints only")
    ] = 1.5


class HiresFix(Frozen):
    """The second, larger pass of txt2img (behaviour 16). Empty names and texts mean "the same".

    Its denoising strength is that of `Sampling`, as in A1111.
    """

    scale: Annotated[
        float, Field(ge=1.0, le=8.0, description="used when both sides below are 0")
    ] = 2.0
    resize_x: Annotated[int, Field(ge=0, le=MAX_SIDE, description="target width; 0 = free")] = 0
    resize_y: Annotated[int, Field(ge=0, le=MAX_SIDE, description="target height; 0 = free")] = 0
    upscaler: Annotated[str, Field(max_length=200)] = "Latent"
    steps: Annotated[int, Field(ge=0, le=1000, description="0 = as many as the first pass")] = 0
    checkpoint: Annotated[str, Field(max_length=1000)] = ""
    sampler: Annotated[str, Field(max_length=200)] = ""
    scheduler: Annotated[str, Field(max_length=200)] = ""
    prompt: Annotated[str, Field(max_length=100_000)] = ""
    negative_prompt: Annotated[str, Field(max_length=100_000)] = ""

    def upscaled(self, width: int, height: int) -> tuple[int, int]:
        """The size the first pass is brought to, before the crop to both wanted sides (16)."""
        x, y = self.resize_x, self.resize_y
        if not x and not y:
            return int(width * self.scale), int(height * self.scale)
        if not y:
            return x, height * x // width
        if not x or x * height < y * width:  # the height decides, the width is cropped or free
            return width * y // height, y
        return x, height * x // width

    def problem(self, width: int, height: int) -> str | None:
        """Why a first pass of this size cannot have this second one, as a sentence, or None."""
        x, y = self.upscaled(width, height)
        if min(x, y) >= MIN_SIDE and max(x, y) <= MAX_SIDE and x * y <= MAX_PIXELS:
            return None
        return (
            f"the hires pass would be {x}x{y}; its sides must be {MIN_SIDE} to {MAX_SIDE} and its "
            f"pixels at most {MAX_PIXELS}: choose another scale or size"
        )


class RefinerPass(StrEnum):
    """Which pass of a hires job the refiner joins. The values are A1111's."""

    FIRST = "first pass"
    SECOND = "second pass"
    BOTH = "both passes"


class Refiner(Frozen):
    """A second checkpoint that takes over during sampling (behaviour 14.5)."""

    checkpoint: Annotated[str, Field(min_length=1, max_length=1000)]
    switch_at: Annotated[
        float, Field(ge=0.0, le=1.0, description="share of the noise levels, or of the steps")
    ] = 0.8
    by_steps: Annotated[bool, Field(description="count model calls, not noise levels")] = False
    hires_pass: RefinerPass = RefinerPass.SECOND


class Inversion(Frozen):
    """Start from the noise that would have led to the init image, not from random noise (12.6).

    The prompts describe the init image as it is; `randomness` mixes the usual noise in.
    """

    prompt: Annotated[str, Field(max_length=100_000)] = ""
    negative_prompt: Annotated[str, Field(max_length=100_000)] = ""
    steps: Annotated[int, Field(ge=1, le=1000)] = 50
    cfg_scale: Annotated[float, Field(ge=0.0, le=100.0)] = 1.0
    randomness: Annotated[float, Field(ge=0.0, le=1.0)] = 0.0
    adjusted: Annotated[bool, Field(description="sigma adjustment: look one level lower")] = False


class Seeds(Frozen):
    """Seed and its variations (behaviour 8.1, 8.3). -1 stands for random until it is fixed."""

    seed: Annotated[int, Field(ge=-1, lt=2**64)] = -1
    subseed: Annotated[int, Field(ge=-1, lt=2**64)] = -1
    subseed_strength: Annotated[float, Field(ge=0.0, le=1.0)] = 0.0
    resize_from_width: Annotated[int, Field(ge=0, le=MAX_SIDE)] = 0
    resize_from_height: Annotated[int, Field(ge=0, le=MAX_SIDE)] = 0
    source: NoiseSource = NoiseSource.GPU
    ensd: Annotated[int, Field(ge=-(2**31), lt=2**31, description="eta noise seed delta")] = 0


class Img2ImgRequest(Frozen):
    """One job: `n_iter` batches of `batch_size` pictures. Without init images it is txt2img."""

    prompt: Annotated[str, Field(max_length=100_000)] = ""
    negative_prompt: Annotated[str, Field(max_length=100_000)] = ""
    init_images: tuple[PictureRef, ...] = ()
    inpaint: Inpaint | None = None
    resize_mode: ResizeMode = ResizeMode.JUST_RESIZE
    outpaint: Annotated[
        Anchor | None, Field(description="keep the picture's size here; None = resize it")
    ] = None
    width: Annotated[int, Field(ge=MIN_SIDE, le=MAX_SIDE, description="working width, px")] = 512
    height: Annotated[int, Field(ge=MIN_SIDE, le=MAX_SIDE, description="working height, px")] = 512
    sampling: Sampling = Sampling()
    tuning: SamplerTuning = SamplerTuning()
    seeds: Seeds = Seeds()
    batch_size: Annotated[int, Field(ge=1, le=64)] = 1
    n_iter: Annotated[int, Field(ge=1, le=1000, description="batch count")] = 1
    checkpoint: Annotated[
        str, Field(description="title, name or hash; empty = the selected one")
    ] = ""
    vae: Annotated[
        str,
        Field(
            max_length=1000,
            description="file name; Automatic = the one beside the checkpoint, else its own; "
            "None = the checkpoint's own",
        ),
    ] = "Automatic"
    vae_wins: Annotated[
        bool, Field(description="a VAE beside the checkpoint gives way to the chosen one")
    ] = True
    clip_skip: Annotated[int, Field(ge=1, le=12)] = 1
    emphasis: Emphasis = Emphasis.ORIGINAL
    comma_backtrack: Annotated[int, Field(ge=0, le=74)] = 20
    old_prompt_editing: Annotated[
        bool, Field(description="in [a:b:n] n below 1 is a fraction, as A1111 before 1.6")
    ] = False
    pad_conds: Annotated[
        bool, Field(description="prompt and negative prompt of equal length: empty chunks")
    ] = False
    pad_conds_v0: Annotated[
        bool, Field(description="the same by repeating or cutting, as A1111 before 1.6")
    ] = False
    background_color: Annotated[str, StringConstraints(pattern=r"^#[0-9a-fA-F]{6}$")] = "#ffffff"
    color_correction: bool = False
    color_reference: PictureRef | None = None  # whose colours that restores; None = the init image
    overlay_inpaint: Annotated[
        bool, Field(description="paste the original back outside the mask")
    ] = True
    tiling: bool = False
    upscaler: Annotated[
        str, Field(max_length=200, description="enlarges init images; None = LANCZOS")
    ] = "None"
    upscaler_tile: Annotated[
        int, Field(ge=0, le=4096, description="side of an upscaler's tiles, pixels; 0 = no tiles")
    ] = 192
    upscaler_tile_overlap: Annotated[int, Field(ge=0, le=1024, description="pixels")] = 8
    inpainting_mask_weight: Annotated[
        float, Field(ge=0.0, le=1.0, description="inpainting checkpoints: how much is hidden")
    ] = 1.0
    hires: HiresFix | None = None
    refiner: Refiner | None = None
    inversion: Inversion | None = None
    texts: TextRules = TextRules()
    computing: Computing = Computing()
    telling: Telling = Telling()

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.width * self.height > MAX_PIXELS:
            raise ValueError(
                f"{self.width}x{self.height} is {self.width * self.height} pixels; "
                f"one job may have at most {MAX_PIXELS} ({MAX_SIDE // 2}x{MAX_SIDE // 2})"
            )
        if self.inpaint is not None and not self.init_images:
            raise ValueError("a mask needs an init image: give one, or leave the mask out")
        if self.outpaint is None and self.inpaint is not None and self.inpaint.mask is None:
            raise ValueError("inpainting needs a mask: give one, or an anchor to outpaint from")
        if self.outpaint is not None and (self.inpaint is None or self.resize_mode != 0):
            raise ValueError("outpainting needs inpaint settings and resize mode 0: none is used")
        if self.inversion is not None and not self.init_images:
            raise ValueError("there is no init image whose noise could be found: give one")
        if self.hires is not None:
            self._check_hires(self.hires)
        if len(self.init_images) > self.batch_size:
            raise ValueError(
                f"bad number of images passed: {len(self.init_images)}; "
                f"expecting {self.batch_size} or less"
            )
        return self

    def _check_hires(self, hires: HiresFix) -> None:
        if self.init_images:
            raise ValueError("the hires second pass belongs to txt2img: leave the init images out")
        problem = hires.problem(self.width, self.height)
        if problem is not None:
            raise ValueError(problem)

    @property
    def is_txt2img(self) -> bool:
        """True when nothing is painted over."""
        return not self.init_images

    @property
    def picture_count(self) -> int:
        """How many pictures the job makes."""
        return self.batch_size * self.n_iter

    def with_fixed_seeds(self, rng: random.Random) -> Img2ImgRequest:
        """Replace -1 by a drawn seed, so that the stored request makes the same pictures again."""
        seeds = self.seeds
        fixed: dict[str, Any] = {
            name: rng.randrange(SEED_LIMIT)
            for name in ("seed", "subseed")
            if getattr(seeds, name) == -1
        }
        return self.model_copy(update={"seeds": seeds.model_copy(update=fixed)})

    def all_seeds(self) -> tuple[int, ...]:
        """Seed of each picture: they count up only without variation (behaviour 8.1)."""
        step = 1 if self.seeds.subseed_strength == 0 else 0
        return tuple(self.seeds.seed + step * k for k in range(self.picture_count))

    def all_subseeds(self) -> tuple[int, ...]:
        """Variation seed of each picture; they always count up (behaviour 8.1)."""
        return tuple(self.seeds.subseed + k for k in range(self.picture_count))
