"""The state of one run: what is decided and prepared once, before the first batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from PIL import Image
from torch import Tensor

from pipelines.events import RunListener
from pipelines.families.base import LATENT_SCALE
from pipelines.inpaint import LatentBlend
from pipelines.pipeline import Pipeline
from pipelines.prepare import PreparedJob
from pipelines.request import Img2ImgRequest
from pipelines.samplers import Course

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
    originals: Sequence[Image.Image] = ()
    """The init images on the background colour, at their own size."""
    init: Tensor | None = None
    mask: LatentBlend | None = None
    extra: Tensor | None = None
    """Further input channels of the network, (batch, K, h, w)."""
    used_embeddings: dict[str, str] = field(default_factory=dict)
    """Hashes of textual inversions by name, in the order of use."""
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

    def note(self, sentence: str) -> None:
        """Tell the user something, once."""
        if sentence not in self.notes:
            self.notes.append(sentence)
