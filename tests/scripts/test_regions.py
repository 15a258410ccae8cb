"""Several regions in one go: order, settings of each, what stays, and one run again alone."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from jobs.messages import PictureDone, RunJob
from jobs.page_state import PageState
from jobs.spec import JobView
from pipelines.prepare import finish, prepare
from pipelines.proof import change, compare
from pipelines.request import Inpaint, InpaintArea, MaskedContent, ResizeMode, Seeds
from scripts.bench import ScriptCall, ScriptError
from scripts.catalogue import find_script, run_script
from scripts.region_list import MAX_REGIONS, read_regions
from scripts.regions import FACT
from tests.scripts.shop import PaintingWorker
from tests.scripts.test_scripts import Yard

Box = tuple[int, int, int, int]
LEFT, RIGHT, MIDDLE = (4, 4, 24, 24), (40, 40, 60, 60), (20, 20, 44, 44)


class Inpainting(PaintingWorker):
    """Keeps what a real job keeps: the seed is the grey that fills the mask."""

    yard: Any = None

    def _paint(self, job: RunJob) -> None:
        request, assets = job.spec.request, self.yard.assets
        assert request.inpaint is not None
        init = Image.open(assets.path(request.init_images[0])).convert("RGB")
        mask = Image.open(assets.path(request.inpaint.mask))
        prepared = prepare(request, [init], mask).images[0]
        grey = (request.seeds.seed % 256,) * 3
        made = finish(Image.new("RGB", (request.width, request.height), grey), prepared, request)
        path = self._shop.folder / f"{job.job_id}.png"
        made.save(path)
        done = PictureDone(
            job.job_id, 0, path, "info", made.width, made.height, request.seeds.seed, 0, False
        )
        self._on_message(self, done)


class Field(Yard):
    """A yard whose worker inpaints, and a noisy picture of 64x64."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        noise = np.random.default_rng(1).integers(0, 256, (64, 64, 3), np.uint8)
        self.photo = Image.fromarray(noise)
        self.init = self.keep(self.photo)

    def keep(self, picture: Image.Image) -> str:
        out = BytesIO()
        picture.save(out, "PNG")
        return self.assets.add(out.getvalue())

    def mask(self, box: Box | None) -> str:
        picture = Image.new("L", (64, 64))
        if box is not None:
            picture.paste(255, box)
        return self.keep(picture)

    def region(self, box: Box | None, seed: int, **changes: Any) -> dict[str, Any]:
        return {"mask": self.mask(box), "seed": seed, **changes}

    def go(self, regions: Any, redo: int = 0, of: str = "", **changes: Any) -> JobView:
        page = changes.pop("page", None)
        area = changes.pop("area", InpaintArea.ONLY_MASKED)
        inpaint = Inpaint(mask=self.mask(LEFT), area=area, blur_x=1, blur_y=1, padding=4)
        base = self.request(**({"inpaint": inpaint} | changes))
        script = find_script("regions", "img2img")
        assert script is not None
        call = ScriptCall("ann", base, script.read_args([regions, redo, of]), page=page)
        job = self.shop.engine.view(run_script(script, call, self.bench))
        assert job is not None
        return job


@pytest.fixture
def field(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Field]:
    monkeypatch.setattr("tests.scripts.shop.PaintingWorker", Inpainting)
    field = Field(tmp_path)
    Inpainting.yard = field
    yield field
    field.shop.close()


def pixels(job: JobView, place: int = 0) -> NDArray[np.uint8]:
    return np.asarray(Image.open(job.pictures[place].path).convert("RGB"))


def outside(*boxes: Box, margin: int = 8) -> NDArray[np.bool_]:
    found = np.ones((64, 64), bool)
    for x1, y1, x2, y2 in boxes:
        found[max(0, y1 - margin) : y2 + margin, max(0, x1 - margin) : x2 + margin] = False
    return found


def test_each_region_works_on_the_result_before_it(field: Field) -> None:
    job = field.go([field.region(LEFT, 10), field.region(RIGHT, 20), field.region(MIDDLE, 30)])
    assert len(job.pictures) == 3
    assert [one.seed for one in job.pictures] == [30, 10, 20]
    final = pixels(job)
    assert [final[y, x].tolist() for x, y in ((10, 10), (52, 52), (32, 32))] == [
        [10] * 3,
        [20] * 3,
        [30] * 3,
    ]
    kept = outside(LEFT, RIGHT, MIDDLE)
    assert kept.any()
    assert (final[kept] == np.asarray(field.photo)[kept]).all()
    first = pixels(job, 1)
    assert (first[outside(LEFT)] == np.asarray(field.photo)[outside(LEFT)]).all()


@pytest.mark.parametrize("area", list(InpaintArea), ids=lambda area: area.label)
def test_the_recorded_job_proves_that_nothing_else_changed(field: Field, area: InpaintArea) -> None:
    """The whole run against all masks as one, also when the picture was fitted first."""
    size: dict[str, Any] = {"width": 100, "height": 76, "resize_mode": ResizeMode.CROP_AND_RESIZE}
    job = field.go([field.region(LEFT, 10), field.region(RIGHT, 20)], area=area, **size)
    request = job.spec.request
    assert request.inpaint is not None
    start = Image.open(field.assets.path(request.init_images[0]))
    mask = Image.open(field.assets.path(request.inpaint.mask or ""))
    whole = area is InpaintArea.WHOLE_PICTURE
    assert start.size == ((96, 72) if whole else (64, 64))
    for place in range(2):
        result = Image.open(job.pictures[place].path)
        found = change(compare(request, start, mask, result))
        assert found.changed == 0
        assert found.outside > 500
    assert found.inside > 100


def test_ten_regions_leave_the_outside_bit_identical(field: Field) -> None:
    boxes = [(4 * k, 3 * k, 4 * k + 12, 3 * k + 12) for k in range(10)]
    job = field.go([field.region(box, 10 + k) for k, box in enumerate(boxes)])
    assert len(job.pictures) == 10
    kept, final = outside(*boxes, margin=4), pixels(job)
    assert kept.sum() > 1000
    assert (final[kept] == np.asarray(field.photo)[kept]).all()
    assert (final[~kept] != np.asarray(field.photo)[~kept]).any(axis=1).mean() > 0.5


def test_each_region_has_its_own_settings_and_else_the_pages(field: Field) -> None:
    field.go(
        json.dumps(
            [
                field.region(
                    LEFT, 10, prompt="a hat", denoising_strength=0.4, masked_content="fill"
                ),
                field.region(RIGHT, -1, masked_content=2),
            ]
        ),
        seeds=Seeds(seed=5, subseed=6),
        n_iter=3,
    )
    first, second = field.made
    assert (first.prompt, second.prompt) == ("a hat", "a cat on a mat")
    assert first.sampling.denoising_strength == 0.4
    assert second.sampling.denoising_strength == 0.75
    assert first.inpaint is not None
    assert second.inpaint is not None
    assert first.inpaint.content is MaskedContent.FILL
    assert second.inpaint.content is MaskedContent.LATENT_NOISE
    assert first.inpaint.padding == second.inpaint.padding == 4
    assert first.seeds.seed == 10
    assert second.seeds.seed >= 0
    assert (first.n_iter, second.n_iter) == (1, 1)


def test_masks_may_come_as_base64(field: Field) -> None:
    data = base64.b64encode(field.assets.path(field.mask(LEFT)).read_bytes()).decode()
    for text in (data, f"data:image/png;base64,{data}"):
        (region,) = read_regions([{"mask": text}], field.assets, field.bench.limits)
        assert region.mask == field.mask(LEFT)
        assert region.id == "1"


def test_one_region_again_leaves_the_others(field: Field) -> None:
    regions = [field.region(LEFT, 10, id="a"), field.region(RIGHT, 20, id="b")]
    before = field.go(regions)
    regions[0]["seed"] = 99
    after = field.go(regions, redo=1, of=before.id)
    assert len(after.pictures) == 1
    kept = outside(LEFT)
    assert (pixels(after)[kept] == pixels(before)[kept]).all()
    assert pixels(after)[10, 10].tolist() == [99] * 3
    assert [entry["seed"] for entry in after.facts[FACT]["list"]] == [99, 20]
    again = field.go(regions, redo=2)  # of the last run
    assert pixels(again).tobytes() == pixels(after).tobytes()


def test_a_region_run_again_starts_from_what_was_under_it(field: Field) -> None:
    regions = [field.region(LEFT, 10, id="a"), field.region(RIGHT, 20, id="b")]
    before = field.go(regions)
    field.go(regions, redo=1, of=before.id)
    begun = Image.open(field.assets.path(field.made[-1].init_images[0])).convert("RGB")
    under = np.asarray(begun)
    inside = np.zeros((64, 64), bool)
    inside[6:22, 6:22] = True
    assert (under[inside] == np.asarray(field.photo)[inside]).all()
    assert (under[outside(LEFT)] == pixels(before)[outside(LEFT)]).all()


def test_a_new_region_is_added_to_what_is_there(field: Field) -> None:
    before = field.go([field.region(LEFT, 10, id="a")])
    both = [field.region(LEFT, 10, id="a"), field.region(RIGHT, 20, id="b")]
    after = field.go(both, redo=2, of=before.id)
    assert [pixels(after)[10, 10, 0], pixels(after)[50, 50, 0]] == [10, 20]
    assert [entry["id"] for entry in after.facts[FACT]["list"]] == ["a", "b"]


def test_not_masked_repaints_the_rest_and_is_proved_so(field: Field) -> None:
    inpaint = Inpaint(mask=field.mask(LEFT), invert=True, blur_x=0, blur_y=0)
    masks = [field.region((0, 0, 64, 40), 10), field.region((0, 24, 64, 64), 20)]
    job = field.go(masks, inpaint=inpaint)
    request = job.spec.request
    assert request.inpaint is not None
    mask = Image.open(field.assets.path(request.inpaint.mask or ""))
    assert mask.getbbox() == (0, 24, 64, 40)
    start = Image.open(field.assets.path(request.init_images[0]))
    assert change(compare(request, start, mask, Image.open(job.pictures[0].path))).changed == 0


def test_the_page_is_kept_with_the_recorded_job(field: Field) -> None:
    page = PageState(tab="inpaint")
    assert field.go([field.region(LEFT, 10)], page=page).spec.page == page


@pytest.mark.parametrize(
    ("regions", "words"),
    [
        ([], "there are no regions"),
        ("{", "no JSON"),
        ("3", "must be a list"),
        ([3], "region 1: it must be an object"),
        ([{}], "region 1: it has no mask"),
        ([{"mask": "%%%"}], "region 1: its mask is neither base64 nor"),
        ([{"mask": "aGVsbG8="}], "region 1: "),
        ([{"mask": "0" * 64}], "region 1: the input picture 0000000000... is no longer"),
        ("strength", "region 1, denoising_strength: "),
        ("unknown", "region 1, strenght: "),
        ("empty", "region 2: its mask leaves nothing to repaint"),
        ("same", "two regions have the same id"),
        ("many", f"{MAX_REGIONS + 1} regions are more than {MAX_REGIONS}"),
    ],
    ids=lambda value: str(value)[:24],
)
def test_what_is_wrong_is_said_before_it_costs(field: Field, regions: Any, words: str) -> None:
    made_up = {
        "strength": [field.region(LEFT, 1, denoising_strength=2)],
        "unknown": [field.region(LEFT, 1, strenght=1)],
        "empty": [field.region(LEFT, 1), field.region(None, 1)],
        "same": [field.region(LEFT, 1, id="x"), field.region(RIGHT, 1, id="x")],
        "many": [field.region(LEFT, 1)] * (MAX_REGIONS + 1),
    }
    given = made_up.get(regions, regions) if isinstance(regions, str) else regions
    with pytest.raises(ScriptError) as said:
        field.go(given)
    assert words in str(said.value)
    assert field.made == []


def test_what_cannot_be_run_again_is_said(field: Field) -> None:
    regions = [field.region(LEFT, 10)]
    with pytest.raises(ScriptError, match="there is no region 2"):
        field.go(regions, redo=2)
    with pytest.raises(ScriptError, match="no earlier run"):
        field.go(regions, redo=1)
    job = field.go(regions)
    other = field.keep(Image.new("RGB", (64, 64)))
    with pytest.raises(ScriptError, match="another one than the regions were run on"):
        field.go(regions, redo=1, of=job.id, init_images=(other,))
    with pytest.raises(ScriptError, match="inpaint area is another"):
        field.go(regions, redo=1, of=job.id, area=InpaintArea.WHOLE_PICTURE)
    with pytest.raises(ScriptError, match="pasted back"):
        field.go(regions, overlay_inpaint=False)
