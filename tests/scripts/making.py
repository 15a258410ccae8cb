"""Requests and plots for the tests of scripts/."""

from typing import Any

from pipelines.request import Img2ImgRequest, Inpaint, Sampling, Seeds
from pipelines.styles import Style
from scripts.axis import AxisContext
from scripts.plan import AxisChoice, PlotSpec

A, B, M = "a" * 64, "b" * 64, "c" * 64


class Found:
    """A catalog entry."""

    def __init__(self, name: str) -> None:
        self.name = self.title = name
        self.model_name = name.rpartition(".")[0]


class Finder:
    """A catalog of two checkpoints."""

    def find(self, alias: str) -> Found | None:
        names = ("one.safetensors", "two.safetensors")
        return next((Found(name) for name in names if alias.lower() in name), None)


CONTEXT = AxisContext(
    ("one.safetensors", "two.safetensors"),
    Finder(),
    (Style("noir", "{prompt}, film noir", "colour"), Style("oil", "oil painting")),
)


def request(**changes: Any) -> Img2ImgRequest:
    """A small img2img job with a mask and fixed seeds."""
    fields: dict[str, Any] = {
        "prompt": "a cat on a mat",
        "negative_prompt": "dog",
        "init_images": (A,),
        "inpaint": Inpaint(mask=M),
        "width": 64,
        "height": 64,
        "sampling": Sampling(sampler="Euler", steps=8),
        "seeds": Seeds(seed=5, subseed=6),
    }
    return Img2ImgRequest(**(fields | changes))


def plot(x: str | AxisChoice = "Nothing", values: str = "", **changes: Any) -> PlotSpec:
    """A plot along x; further fields as they are."""
    fields: dict[str, Any] = {"base": request()}
    fields["x"] = x if isinstance(x, AxisChoice) else AxisChoice(type=x, values=values)
    return PlotSpec(**(fields | changes))
