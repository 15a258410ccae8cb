"""A job as the page shows it."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from jobs.spec import JobState, JobView, Picture, Preview, Progress, StopKind
from tests.jobs.doubles import spec
from ui.watching import IDLE, Buttons, buttons, gallery, monitor

VIEW = JobView(
    id="j",
    owner="ann",
    spec=spec(n_iter=2),
    state=JobState.RUNNING,
    created=0.0,
    started=1.0,
    finished=None,
    version=1,
    progress=Progress(batch=1, batches=2, step=5, steps=10),
    eta=75.4,
)
PICTURE = Picture("p1", "j", 0, Path("out/00001-7.png"), "a cat\nSteps: 20", 64, 48, 2**60, 8)


def test_running_job_shows_share_step_and_time_left() -> None:
    assert monitor(VIEW) == {
        "active": True,
        "fraction": 0.75,
        "text": "75%  batch 2/2, step 5/10  ETA: 1:15",
        "eta": "1:15",
    }


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"progress": Progress(0, 1, 3, 4), "eta": None}, "75%  Step 3/4"),
        ({"progress": Progress(0, 1, 0, 0, "Loading x")}, "Loading x..."),
        ({"state": JobState.QUEUED, "queue_position": 2, "queue_length": 3}, "In queue: 2/3"),
        (
            {"state": JobState.QUEUED, "queue_position": 1, "queue_length": 1},
            "Starting the worker...",
        ),
    ],
)
def test_text_of_the_bar(changes: dict[str, Any], text: str) -> None:
    assert monitor(replace(VIEW, **changes))["text"] == text


def test_preview_travels_as_jpeg() -> None:
    shown = monitor(replace(VIEW, preview=Preview(1, b"\xff\xd8")))
    assert shown["preview"] == "data:image/jpeg;base64,/9g="


def test_failed_job_shows_its_sentence() -> None:
    assert monitor(replace(VIEW, state=JobState.FAILED, error="no disk")) == {"error": "no disk"}


def test_finished_job_shows_time_and_notes() -> None:
    over = replace(
        VIEW,
        state=JobState.DONE,
        finished=3.5,
        pictures=(PICTURE,),
        interrupted=True,
        facts={"notes": ["The mask is empty."]},
    )
    assert monitor(over) == {"log": "1 picture(s) in 2.5 s, interrupted\nThe mask is empty."}


def test_gallery_names_pictures_by_url_and_keeps_big_seeds() -> None:
    shown = gallery(replace(VIEW, pictures=(PICTURE,)), "/pictures", "/proofs")
    assert shown["pictures"][0] | {} == {
        "id": "p1",
        "url": "/pictures/p1",
        "name": "00001-7.png",
        "seed": "1152921504606846976",
        "subseed": "8",
        "varied": False,
        "width": 64,
        "height": 48,
        "prompt": "",
        "infotext": "a cat\nSteps: 20",
        "incomplete": False,
        "proof": "",
    }


@pytest.mark.parametrize(
    ("view", "stopping", "shown"),
    [
        pytest.param(None, None, IDLE, id="nothing"),
        pytest.param(replace(VIEW, state=JobState.DONE), None, IDLE, id="over"),
        pytest.param(VIEW, None, Buttons(False, True, False, True), id="running"),
        pytest.param(VIEW, StopKind.NOW, Buttons(False, False, True, True), id="stopping"),
        pytest.param(
            replace(VIEW, state=JobState.QUEUED),
            None,
            Buttons(False, True, False, False),
            id="waiting",
        ),
    ],
)
def test_buttons(view: JobView | None, stopping: StopKind | None, shown: Buttons) -> None:
    assert buttons(view, stopping) == shown
