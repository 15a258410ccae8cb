"""A result opens the page as it was: the tab in front, its pictures, the controls, its seed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from jobs.assets import AssetStore
from jobs.page_state import KeptPicture, PageState
from jobs.spec import JobSpec, JobState, JobView, Picture
from pipelines.outpaint import Anchor
from pipelines.request import Img2ImgRequest, Inpaint, InpaintArea, MaskedContent, Seeds
from ui.page_state import opened, state_of
from ui.painting import Painting

A, M = "a" * 64, "b" * 64
USUAL = Img2ImgRequest()


@pytest.fixture
def assets(tmp_path: Path) -> AssetStore:
    return AssetStore(tmp_path / "assets")


def file(folder: Path, name: str, data: bytes) -> str:
    path = folder / name
    path.write_bytes(data)
    return str(path)


def view(request: Img2ImgRequest, page: PageState | None, count: int = 1) -> JobView:
    pictures = tuple(
        Picture(f"p{k}", "j", k, Path("x.png"), "", 64, 64, 70 + k, 80 + k) for k in range(count)
    )
    spec = JobSpec(request=request, page=page)
    return JobView("j", "ann", spec, JobState.DONE, 0, 0, 0, 1, pictures=pictures)


def test_canvas_of_the_tab_in_front_is_kept_byte_for_byte(
    tmp_path: Path, assets: AssetStore
) -> None:
    photo = file(tmp_path, "cat.png", b"a photograph")
    strokes = file(tmp_path, "strokes.png", b"strokes")
    values = {
        "tab": "inpaint_sketch",
        "inpaint_sketch": Painting(photo, strokes, 64, 48),
        "image": file(tmp_path, "other.png", b"other"),
        "inpaint_area": 1,
        "denoise": 0.4,
        "override_settings": ["Clip skip: 2"],
        "seed": None,
    }
    state = state_of(values, assets)
    assert state.tab == "inpaint_sketch"
    (name, kept) = next(iter(state.pictures.items()))
    assert (name, kept.name, kept.width, kept.height) == ("inpaint_sketch", "cat.png", 64, 48)
    assert assets.path(kept.image).read_bytes() == b"a photograph"
    assert kept.drawing is not None
    assert assets.path(kept.drawing).read_bytes() == b"strokes"
    assert len(state.pictures) == 1
    assert state.values["inpaint_area"] == 1
    assert state.values["override_settings"] == ("Clip skip: 2",)
    assert state.assets() == {kept.image, kept.drawing}
    assert PageState.model_validate_json(state.model_dump_json()) == state


def test_inpaint_upload_keeps_both_files(tmp_path: Path, assets: AssetStore) -> None:
    files = {
        "inpaint_image": file(tmp_path, "a.png", b"a"),
        "inpaint_mask": file(tmp_path, "m.png", b"m"),
    }
    state = state_of({"tab": "inpaint_upload", **files}, assets)
    assert {name: kept.name for name, kept in state.pictures.items()} == {
        "inpaint_image": "a.png",
        "inpaint_mask": "m.png",
    }


def test_a_form_without_tabs_is_txt2img(assets: AssetStore) -> None:
    assert state_of({"prompt": "a cat"}, assets) == PageState(
        tab="txt2img", values={"prompt": "a cat"}
    )


KEPT = PageState(
    tab="inpaint",
    values={"inpaint_area": 1, "seed": -1, "extra": False, "subseed": -1, "batch_count": 2},
    pictures={"inpaint": KeptPicture(image=A, drawing=M)},
)


@pytest.mark.parametrize(
    ("count", "extra", "expected"),
    [
        (1, False, {"seed": 70, "subseed": -1, "batch_count": 2}),
        (3, False, {"seed": 71, "subseed": -1, "batch_count": 1, "batch_size": 1}),
        (3, True, {"seed": 71, "subseed": 81, "batch_count": 1, "batch_size": 1}),
    ],
    ids=["the only picture", "one of three", "with variation"],
)
def test_opened_is_what_makes_this_picture_again(
    count: int, extra: bool, expected: dict[str, Any]
) -> None:
    page = KEPT.model_copy(update={"values": {**KEPT.values, "extra": extra}})
    job = view(Img2ImgRequest(init_images=(A,)), page, count)
    found = opened(job, job.pictures[min(1, count - 1)], USUAL)
    assert found.tab == "inpaint"
    assert found.pictures == KEPT.pictures
    assert found.values == {"inpaint_area": 1, "extra": extra, **expected}


def test_settings_that_have_changed_since_become_overrides() -> None:
    job = view(Img2ImgRequest(clip_skip=2), KEPT)
    assert opened(job, job.pictures[0], USUAL).overrides == ["Clip skip: 2"]
    assert opened(job, job.pictures[0], Img2ImgRequest(clip_skip=2)).overrides == []


def test_a_job_that_no_page_asked_for_is_opened_by_its_request() -> None:
    inpaint = Inpaint(
        mask=M, area=InpaintArea.ONLY_MASKED, content=MaskedContent.FILL, blur_x=7, padding=8
    )
    request = Img2ImgRequest(
        prompt="a cat", init_images=(A,), inpaint=inpaint, width=256, seeds=Seeds(seed=70)
    )
    job = view(request, None)
    found = opened(job, job.pictures[0], USUAL)
    assert found.tab == "inpaint_upload"
    assert {name: kept.image for name, kept in found.pictures.items()} == {
        "inpaint_image": A,
        "inpaint_mask": M,
    }
    wanted = {
        "prompt": "a cat",
        "width": 256,
        "seed": 70,
        "mask_blur": 7,
        "padding": 8,
        "inpaint_area": "Only masked",
        "masked_content": "fill",
        "resize_tab": "to",
    }
    assert {name: found.values[name] for name in wanted} == wanted


@pytest.mark.parametrize(
    ("request_", "tab"),
    [(Img2ImgRequest(init_images=(A,)), "img2img"), (Img2ImgRequest(), "txt2img")],
    ids=["img2img", "txt2img"],
)
def test_jobs_without_a_mask(request_: Img2ImgRequest, tab: str) -> None:
    job = view(request_, None)
    assert opened(job, job.pictures[0], USUAL).tab == tab


def test_an_outpainted_picture_is_opened_with_its_anchor() -> None:
    inpaint = Inpaint(mask=None, blur_x=7, blur_y=7, content=MaskedContent.FILL)
    request = Img2ImgRequest(init_images=(A,), inpaint=inpaint, outpaint=Anchor.TOP_LEFT)
    job = view(request, None)
    found = opened(job, job.pictures[0], USUAL)
    wanted = {
        "resize_mode": "Outpaint",
        "outpaint_anchor": "top_left",
        "mask_blur": 7,
        "masked_content": "fill",
    }
    assert (found.tab, set(found.pictures)) == ("img2img", {"image"})
    assert {name: found.values[name] for name in wanted} == wanted


def test_files_of_the_page_are_in_use(tmp_path: Path) -> None:
    from jobs.store import JobStore

    store = JobStore(tmp_path / "jobs.sqlite")
    job = replace(view(Img2ImgRequest(), KEPT))
    store.add("ann", job.spec)
    assert store.used_assets() == {A, M}
    row = store.latest("ann", 1)[0]
    store.close()
    assert row.spec.page == KEPT
