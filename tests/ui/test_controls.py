"""Values for controls: what lies outside a slider would stop the whole form, so it is moved."""

from __future__ import annotations

from dataclasses import dataclass

import gradio as gr
import pytest

from ui.controls import Controls


@dataclass(frozen=True)
class Two(Controls):
    """A slider and something else."""

    steps: gr.Slider
    prompt: gr.Textbox


@pytest.fixture
def form() -> Two:
    return Two(gr.Slider(1, 150, 20, label="Sampling steps"), gr.Textbox())


@pytest.mark.parametrize(
    ("steps", "used"),
    [(1000, 150), (150, 150), (0.5, 1), (20, 20)],
    ids=["too many", "the most", "too few", "within"],
)
def test_numbers_stay_on_their_slider(form: Two, steps: float, used: float) -> None:
    fitted = form.fitted({"steps": steps, "prompt": "1000"})
    assert fitted.values == {"steps": used, "prompt": "1000"}
    assert bool(fitted.problems) == (steps != used)


def test_what_was_moved_is_said(form: Two) -> None:
    (said,) = form.fitted({"steps": 1000}).problems
    assert said == "Sampling steps: 1000 is outside this page's 1 to 150; 150 is used."


def test_what_is_no_number_is_left_alone(form: Two) -> None:
    assert form.fitted({"steps": None}) == ({"steps": None}, [])


@dataclass(frozen=True)
class Buttons(Controls):
    """A choice by buttons."""

    sampler: gr.Radio


@pytest.mark.parametrize(
    ("sampler", "kept", "said"),
    [
        ("DDIM", {"sampler": "DDIM"}, []),
        (
            "Euler a",
            {},
            ["Sampler: Euler a is not among the choices of this page; what is chosen stays."],
        ),
        (1, {"sampler": 1}, []),
    ],
    ids=["offered", "hidden", "by number"],
)
def test_what_buttons_do_not_offer_is_left_out_and_said(
    sampler: str | int, kept: dict[str, str | int], said: list[str]
) -> None:
    form = Buttons(gr.Radio(["DDIM", "LMS"], value="LMS", label="Sampler"))
    assert form.fitted({"sampler": sampler}) == (kept, said)
