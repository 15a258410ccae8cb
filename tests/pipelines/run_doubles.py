"""Running a request in tests: pictures by name, a listener that remembers, small requests."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from PIL.Image import Image

from pipelines.events import FinishedPicture, PreviewKind, RunReport, StepEvent, StopKind
from pipelines.request import Img2ImgRequest, Inpaint, SamplerTuning, Sampling, Seeds
from pipelines.run import Pipeline, run

INIT, INIT_2, MASK = "a" * 64, "b" * 64, "c" * 64


@dataclass
class Recorder:
    """A listener that keeps everything; `stop` is asked like a user, after each step."""

    stop: Callable[[Recorder], StopKind | None] = lambda _: None
    notes: list[str] = field(default_factory=list)
    steps: list[StepEvent] = field(default_factory=list)
    pictures: list[FinishedPicture] = field(default_factory=list)
    drawn_as: PreviewKind | None = None

    def on_note(self, text: str) -> None:
        self.notes.append(text)

    def on_step(self, event: StepEvent) -> None:
        self.steps.append(event)

    def on_picture(self, picture: FinishedPicture) -> None:
        self.pictures.append(picture)

    def stop_asked(self) -> StopKind | None:
        return self.stop(self)

    def interrupted_as(self) -> PreviewKind | None:
        return self.drawn_as

    @property
    def images(self) -> list[Image]:
        return [picture.image for picture in self.pictures]


def stop_at(step: int, kind: StopKind, batch: int = 0) -> Callable[[Recorder], StopKind | None]:
    """Press the button once during a step; "skip" is forgotten when it was seen, as in a worker."""
    pressed: list[StopKind] = []

    def ask(seen: Recorder) -> StopKind | None:
        last = seen.steps[-1] if seen.steps else None
        if last is None or (last.batch, last.step) < (batch, step):
            return None
        if kind is StopKind.SKIP and pressed:
            return None
        pressed.append(kind)
        return kind

    return ask


@dataclass(frozen=True)
class Ran:
    """What a run gave."""

    report: RunReport
    heard: Recorder

    @property
    def images(self) -> list[Image]:
        return self.heard.images

    @property
    def image(self) -> Image:
        return self.heard.images[0]


def run_on(
    pipeline: Pipeline,
    request: Img2ImgRequest,
    pictures: Mapping[str, Image],
    *,
    stop: Callable[[Recorder], StopKind | None] | None = None,
    first_batch: int = 0,
    interrupted_as: PreviewKind | None = None,
) -> Ran:
    """Run a request; `pictures` maps INIT and MASK to what they name."""
    heard = Recorder(stop) if stop else Recorder()
    heard.drawn_as = interrupted_as
    report = run(request, pipeline, pictures.__getitem__, heard, first_batch=first_batch)
    return Ran(report, heard)


def request_for(
    *,
    inpaint: Mapping[str, Any] | None = None,
    sampling: Mapping[str, Any] | None = None,
    seeds: Mapping[str, Any] | None = None,
    tuning: Mapping[str, Any] | None = None,
    **fields: Any,
) -> Img2ImgRequest:
    """A small request: 64x64, 4 Euler steps at 0.75 of a picture named INIT, seed 1."""
    values: dict[str, Any] = {"init_images": (INIT,), "width": 64, "height": 64, **fields}
    return Img2ImgRequest(
        sampling=Sampling.model_validate({"sampler": "Euler", "steps": 4, **(sampling or {})}),
        seeds=Seeds.model_validate({"seed": 1, "subseed": 1, **(seeds or {})}),
        tuning=SamplerTuning.model_validate(tuning or {}),
        inpaint=None
        if inpaint is None
        else Inpaint.model_validate({"mask": MASK, "blur_x": 0, "blur_y": 0, **inpaint}),
        **values,
    )
