"""`return_mask` and `return_mask_composite`: pictures behind each inpainted one (behaviour 5.7)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from jobs.spec import JobView
from tests.api.conftest import Api, opened, png


def with_masks(job: JobView, kinds: int) -> JobView:
    """As the worker tells it: behind all pictures, two places for each."""
    count = job.spec.request.picture_count
    extra = [
        replace(one, id=f"{one.id}-{kind}", position=count + 2 * one.position + kind)
        for one in job.pictures
        for kind in range(kinds)
    ]
    return replace(job, pictures=(*job.pictures, *extra))


def make(api: Api, kinds: int, **body: Any) -> dict[str, Any]:
    def finished(job_id: str) -> None:
        api.engine.hold = True
        api.engine.start(job_id)
        api.engine.finish(job_id)
        api.engine.jobs[job_id] = with_masks(api.engine.jobs[job_id], kinds)

    api.engine.on_submit = finished
    return api.make("/img2img", mask=png("L"), width=64, height=64, **body)


def colours(images: list[str]) -> list[int]:
    return [opened(text).getpixel((0, 0))[0] for text in images]  # type: ignore[index]


def test_masks_follow_their_pictures(api: Api) -> None:
    """The double paints picture k in red k * 20."""
    answer = make(api, 2, batch_size=2)
    assert colours(answer["images"]) == [0, 0, 0, 20, 20, 20]
    assert len(answer["told"]["infotexts"]) == 6
    assert len(answer["told"]["all_seeds"]) == 2


def test_grids_have_no_masks_in_them(api: Api) -> None:
    answer = make(api, 1, batch_size=2, save_images=True)
    assert opened(answer["images"][0]).size == (128, 64)
    assert colours(answer["images"][1:]) == [0, 0, 20, 20]


def test_the_settings_of_the_call_reach_the_worker(api: Api) -> None:
    make(api, 0, override_settings={"return_mask": True, "save_mask_composite": True})
    saving = api.engine.only_job().spec.saving
    assert saving is not None
    assert (saving.return_mask, saving.return_mask_composite) == (True, False)
    assert (saving.mask, saving.mask_composite) == (False, True)
