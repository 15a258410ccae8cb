"""Several regions in one go: inpaints of one picture in order, each on the result before it.

Outside of its mask no region changes a bit. One region can be run again alone: it starts from what
was under it, and everything outside its mask stays as it is now.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

from PIL import Image as Pillow
from PIL import ImageChops
from PIL.Image import Image

from jobs.spec import JobView
from pipelines import masks
from pipelines.geometry import LATENT_FACTOR, Extent
from pipelines.pictures import open_picture
from pipelines.request import (
    MIN_SIDE,
    Img2ImgRequest,
    Inpaint,
    InpaintArea,
    PictureRef,
    ResizeMode,
)
from pipelines.resize import resize_image
from scripts.axis import with_fields
from scripts.bench import Bench, Made, Outcome, ScriptCall, ScriptError, opened
from scripts.region_list import Region, read_regions

TITLE = "Regions"
FACT = "regions"
"""Under this name the recorded job tells which regions were run, and on what."""

LOOK_BACK = 200
"""Jobs among which an owner's last run is looked for."""


@dataclass(frozen=True)
class Frame:
    """The picture that the regions are painted on, and the request that keeps its size.

    `source` is the size of the init image, for masks that were drawn on it; `fit` brings them, as
    it brought the picture, to the working size.
    """

    request: Img2ImgRequest
    picture: Image
    source: Extent
    fit: ResizeMode = ResizeMode.JUST_RESIZE

    @property
    def inpaint(self) -> Inpaint:
        """The mask settings that all regions share."""
        assert self.request.inpaint is not None
        return self.request.inpaint

    def mask(self, drawn: Image) -> Image:
        """A mask (L) at the size of the picture."""
        mask = masks.binary_mask(drawn, round=self.inpaint.rounds)
        mask = resize_image(mask, ResizeMode.JUST_RESIZE, self.source)
        return resize_image(mask, self.fit, Extent.of(self.picture)).convert("L")

    def reach(self, mask: Image) -> Image:
        """Where a region with this mask may change the picture (L, 0 or 255)."""
        if self.inpaint.invert:
            mask = masks.invert(mask)
        mask = masks.blur(mask, self.inpaint.blur_x, self.inpaint.blur_y)
        return mask.point([0] + [255] * 255)


@dataclass
class _Run:
    """What has been painted so far. `entries` become the facts of the job."""

    picture: Image
    entries: list[dict[str, Any]] = field(default_factory=list)
    made: list[Made] = field(default_factory=list)
    facts: Mapping[str, Any] = field(default_factory=dict)
    stopped: bool = False


def run(call: ScriptCall, bench: Bench) -> Outcome:
    """All regions in order, or one of them again (`redo`, counted from 1) on the job `of`.

    The final picture comes first, then the pictures between. Raises ScriptError.
    """
    regions = read_regions(call.args["regions"], bench.assets, bench.limits)
    _check(call.request)
    redo = int(call.args["redo"])
    if redo > len(regions):
        raise ScriptError(f"there is no region {redo}; there are {len(regions)}")
    if redo:
        return _redone(call, bench, regions[redo - 1])
    frame = _frame(call.request, regions[0].mask, bench)
    for number, region in enumerate(regions, 1):  # said before the first one is painted
        _shaped(frame, bench, region, f"region {number}")
    state = _Run(frame.picture)
    for region in regions:
        _paint(call, bench, frame, state, region)
        if state.stopped:
            break
    return _outcome(call, bench, frame, state)


def _redone(call: ScriptCall, bench: Bench, region: Region) -> Outcome:
    """One region on what the job `of` has left; a region that was not in it is simply added."""
    before = _earlier(call, bench)
    told = before.facts[FACT]
    if told["source"] != call.request.init_images[0]:
        raise ScriptError(
            "the picture is another one than the regions were run on: run all of them"
        )
    request = call.request.model_copy(update={"init_images": before.spec.request.init_images})
    frame = _frame(request, region.mask, bench, tuple(told["fitted"]))
    current = opened(before.pictures[0].path).convert("RGB")
    if told["area"] != frame.inpaint.area:
        raise ScriptError("the inpaint area is another one now: run all regions")
    mask = _shaped(frame, bench, region, "the region")
    state = _Run(current, [dict(entry) for entry in told["list"]])
    place = next((k for k, entry in enumerate(state.entries) if entry["id"] == region.id), None)
    if place is not None:
        under = open_picture(bench.assets.path(state.entries[place]["under"]), bench.limits)
        state.picture = Pillow.composite(under.convert("RGB"), current, frame.reach(mask))
        state.entries.pop(place)
    _paint(call, bench, frame, state, region)
    if place is not None and not state.stopped:
        state.entries.insert(place, state.entries.pop())
    return _outcome(call, bench, frame, state)


def _shaped(frame: Frame, bench: Bench, region: Region, name: str) -> Image:
    """The region's mask at the picture's size. Raises ScriptError when it does nothing."""
    mask = frame.mask(_opened(bench, region.mask))
    if frame.reach(mask).getbbox() is None:
        raise ScriptError(f"{name}: its mask leaves nothing to repaint")
    return mask


def _paint(call: ScriptCall, bench: Bench, frame: Frame, state: _Run, region: Region) -> None:
    """Run one region on the picture as it is now."""
    mask = frame.mask(_opened(bench, region.mask))
    region = region.with_seed()
    under = bench.keep(state.picture)
    result = bench.make(call, _request(frame.request, region, under, bench.keep(mask)), save=True)
    state.facts = result.facts
    if result.stopped or not result.made:
        state.stopped = True
        return
    one = result.made[0]
    state.made.append(one)
    state.picture = one.image.convert("RGB")
    state.entries.append({**region.model_dump(mode="json"), "under": under})


def _request(
    base: Img2ImgRequest, region: Region, picture: PictureRef, mask: PictureRef
) -> Img2ImgRequest:
    changes: dict[str, Any] = {
        "init_images": (picture,),
        "inpaint.mask": mask,
        "inpaint.content": region.masked_content,
        "seeds.seed": region.seed,
        "batch_size": 1,
        "n_iter": 1,
    }
    if region.prompt.strip():
        changes["prompt"] = region.prompt
    if region.denoising_strength is not None:
        changes["sampling.denoising_strength"] = region.denoising_strength
    return with_fields(base, changes)


def _frame(
    request: Img2ImgRequest, mask: PictureRef, bench: Bench, fitted: tuple[int, int] | None = None
) -> Frame:
    """Bring the picture to the size that every step keeps.

    "Only masked" keeps the init image's. For "whole picture" it is the working size, in whole
    latent cells, because a smaller remainder would shift the picture at each step. `fitted` is the
    init image's size when it was fitted by an earlier run.
    """
    picture = bench.init_image(request)
    source = Extent.of(picture)
    inpaint = (request.inpaint or Inpaint(mask=mask)).model_copy(update={"mask": mask})
    request = request.model_copy(update={"inpaint": inpaint})
    if inpaint.area is InpaintArea.ONLY_MASKED:
        return Frame(request, picture, source)
    sides = (side // LATENT_FACTOR * LATENT_FACTOR for side in (request.width, request.height))
    target = Extent(*(max(MIN_SIDE, side) for side in sides))
    mode = request.resize_mode
    if mode is ResizeMode.LATENT_UPSCALE:  # between pictures there are no latents to stretch
        mode = ResizeMode.JUST_RESIZE
    request = request.model_copy(
        update={
            "width": target.width,
            "height": target.height,
            "resize_mode": ResizeMode.JUST_RESIZE,
        }
    )
    if fitted is not None and Extent.of(picture) != target:
        raise ScriptError(
            f"the result is {Extent.of(picture)} and would now be {target}: run all regions"
        )
    if fitted is not None:
        return Frame(request, picture, Extent(*fitted), mode)
    return Frame(request, resize_image(picture, mode, target), source, mode)


def _outcome(call: ScriptCall, bench: Bench, frame: Frame, state: _Run) -> Outcome:
    """The job as it is recorded: from the picture that was begun with, with all masks as one.

    So the count of pixels outside the mask holds for the whole run.
    """
    if not state.made:
        return Outcome((), state.facts, ["the regions were interrupted"])
    *between, last = state.made
    drawn = [frame.mask(_opened(bench, entry["mask"])) for entry in state.entries]
    mask = reduce(ImageChops.darker if frame.inpaint.invert else ImageChops.lighter, drawn)
    inpaint = frame.inpaint.model_copy(update={"mask": bench.keep(mask)})
    request = frame.request.model_copy(
        update={"init_images": (bench.keep(frame.picture),), "inpaint": inpaint}
    )
    told = {
        "source": call.request.init_images[0],
        "area": int(frame.inpaint.area),
        "fitted": list(frame.source),
        "list": state.entries,
    }
    notes = ["the regions were interrupted"] if state.stopped else []
    if call.request.picture_count > 1:
        notes.append("regions make one picture; batch count and size play no part")
    facts = {**state.facts, FACT: told}
    return Outcome([last, *between], facts, notes, request=request)


def _earlier(call: ScriptCall, bench: Bench) -> JobView:
    """The run that the call names, or else the owner's last one."""
    name = str(call.args["of"])
    found = [bench.engine.view(name)] if name else bench.engine.latest(call.owner, LOOK_BACK)
    for job in found:
        if job is not None and job.owner == call.owner and FACT in job.facts and job.pictures:
            return job
    raise ScriptError("there is no earlier run of these regions: run all of them first")


def _opened(bench: Bench, ref: PictureRef) -> Image:
    return open_picture(bench.assets.path(ref), bench.limits)


def _check(request: Img2ImgRequest) -> None:
    if not request.overlay_inpaint:
        raise ScriptError(
            'regions need the original pasted back: leave "Overlay inpaint" on, because each '
            "result is the next region's picture"
        )
