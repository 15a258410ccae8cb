"""The state of one run: what is decided and prepared once, before the first batch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from torch import Tensor

from pipelines.call_memo import RunMemo
from pipelines.events import RunListener, StopKind
from pipelines.families.base import LATENT_SCALE
from pipelines.inpaint import LatentBlend
from pipelines.pipeline import Pipeline
from pipelines.prepare import PreparedJob
from pipelines.request import Img2ImgRequest
from pipelines.resize import Upscale
from pipelines.samplers import Course
from pipelines.upscalers import Filters, PixelUpscalers, Tiles, UpscaleStopped

LoadPipeline = Callable[[str], Pipeline]
"""Checkpoint title, name or hash -> pipeline; raises ValueError when there is none."""


@dataclass
class Job:
    """One request on its way. The second half is filled by the init step."""

    request: Img2ImgRequest
    pipeline: Pipeline
    listener: RunListener
    course: Course
    second_course: Course | None = None
    """The hires pass's."""
    second_pipeline: Pipeline | None = None
    refiner: Pipeline | None = None
    prepared: PreparedJob | None = None
    init: Tensor | None = None
    mask_hash: str | None = None
    """Of the mask as it was handed in (`masks.fingerprint`)."""
    mask: LatentBlend | None = None
    extra: Tensor | None = None
    """Further input channels of the network, (batch, K, h, w)."""
    upscalers: PixelUpscalers = field(default_factory=Filters)
    memo: RunMemo | None = None
    """Network calls of earlier pictures; None without sharing."""
    used_embeddings: dict[str, str] = field(default_factory=dict)
    """Hashes of textual inversions by name, in the order of use."""
    used_loras: dict[str, str] = field(default_factory=dict)
    """Hashes of LoRAs by the names that the prompts gave."""
    used_hypernetworks: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    interrupted: bool = False

    @property
    def latent_shape(self) -> tuple[int, int, int]:
        """(C, h, w) of one picture of the first pass."""
        height = self.request.height // LATENT_SCALE
        return self.pipeline.family.latent_channels, height, self.request.width // LATENT_SCALE

    @property
    def executed_steps(self) -> int:
        """Steps of all passes together."""
        second = 0 if self.second_course is None else self.second_course.plan.executed
        return self.course.plan.executed + second

    def upscale(self, name: str) -> Upscale | None:
        """The upscaler of this name at work: it tells of its tiles and minds the user's stops.

        Raises UnknownUpscaler, and ValueError for a file that cannot be used; what is returned
        raises UpscaleStopped.
        """

        def on_tile(done: int, total: int) -> None:
            asked = self.listener.stop_asked()
            if asked is StopKind.NOW:
                self.interrupted = True
            if asked in (StopKind.NOW, StopKind.SKIP):
                raise UpscaleStopped(asked)
            if total > 1:
                self.listener.on_note(f"Upscaling, tile {done} of {total}")

        tiles = Tiles(self.request.upscaler_tile, self.request.upscaler_tile_overlap)
        return self.upscalers.get(name, tiles, on_tile)

    def note(self, sentence: str) -> None:
        """Tell the user something, once."""
        if sentence not in self.notes:
            self.notes.append(sentence)
