"""What is told while a picture is made again, and what came out of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from jobs.remake import Outcome, Remake
from jobs.spec import JobSpec, JobState, JobView, Picture, Progress
from pipelines.reproduction import Made, compare, difference_picture
from ui.remake_view import progress, refused, verdict

GREY = Image.new("RGB", (8, 8), (90, 90, 90))
ORIGINAL = Made(GREY, "a\nSteps: 4, Sampler: Euler, Model hash: <b>, RNG: CPU")


def remake(known: bool = True, *notes: str) -> Remake:
    return Remake(JobSpec(), 0, ORIGINAL, known, notes)


def outcome(again: Image.Image) -> Outcome:
    picture = Picture("p1", "j", 0, Path("p.png"), "", again.width, again.height, 1, 1)
    made = Made(again, "a\nSteps: 4, Sampler: Euler, Model hash: 1, RNG: CPU")
    return Outcome(compare(ORIGINAL, made), picture, difference_picture(GREY, again))


def job(state: JobState, **changes: object) -> JobView:
    plain = JobView("j", "ann", JobSpec(), state, 0.0, None, None, 1)
    return JobView(**{**vars(plain), **changes})


def test_equal() -> None:
    told = verdict(remake(), outcome(GREY.copy()), "/pictures")
    assert "<strong>Bit-equal.</strong>" in told
    assert 'src="/pictures/p1"' in told
    assert "Difference" not in told
    assert "likeliest" not in told


def test_different_with_reasons_notes_and_difference() -> None:
    again = GREY.copy()
    again.putpixel((1, 1), (95, 90, 90))
    told = verdict(remake(False, "No <i>such</i> thing."), outcome(again), "/pictures")
    assert "<strong>Not the same.</strong> 1 of 64 pixels" in told
    assert "by at most 5 of 255 levels" in told
    assert "Model hash: &lt;b&gt; then, 1 now." in told
    assert "No &lt;i&gt;such&lt;/i&gt; thing." in told
    assert "Difference x32" in told


def test_other_sizes_have_no_difference_picture() -> None:
    told = verdict(remake(), outcome(Image.new("RGB", (4, 4))), "/pictures")
    assert "The sizes differ: 8x8 and 4x4." in told
    assert "Difference x" not in told


@pytest.mark.parametrize(
    ("view", "said"),
    [
        (job(JobState.QUEUED, queue_position=2, queue_length=3), "place 2 of 3"),
        (job(JobState.RUNNING, progress=Progress(0, 1, 1, 4)), "Making it again: 25%"),
        (job(JobState.RUNNING, progress=Progress(note="Loading x")), "Loading x..."),
    ],
    ids=["waiting", "running", "loading"],
)
def test_progress(view: JobView, said: str) -> None:
    assert said in progress(remake(), view)
    assert "very same settings" in progress(remake(), view)


def test_refused_is_text_not_markup() -> None:
    assert "&lt;script&gt;" in refused("<script>")
