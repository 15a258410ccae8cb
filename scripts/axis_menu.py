"""A1111's menu of axes, by which the API numbers them, and how an axis is found."""

from __future__ import annotations

from typing import Final

from scripts.axes import AXES
from scripts.axis import Axis, Tab
from scripts.values import ValuesError

_BY_LABEL: Final = {axis.label.lower(): axis for axis in AXES}

A1111_MENU: Final[tuple[tuple[str, str], ...]] = (
    ("Nothing", "ti"),
    ("Seed", "ti"),
    ("Var. seed", "ti"),
    ("Var. strength", "ti"),
    ("Steps", "ti"),
    ("Hires steps", "t"),
    ("CFG Scale", "ti"),
    ("Image CFG Scale", "i"),
    ("Prompt S/R", "ti"),
    ("Prompt order", "ti"),
    ("Sampler", "ti"),
    ("Hires sampler", "t"),
    ("Checkpoint name", "ti"),
    ("Negative Guidance minimum sigma", "ti"),
    ("Sigma Churn", "ti"),
    ("Sigma min", "ti"),
    ("Sigma max", "ti"),
    ("Sigma noise", "ti"),
    ("Schedule type", "ti"),
    ("Schedule min sigma", "ti"),
    ("Schedule max sigma", "ti"),
    ("Schedule rho", "ti"),
    ("Beta schedule alpha", "ti"),
    ("Beta schedule beta", "ti"),
    ("Eta", "ti"),
    ("Clip skip", "ti"),
    ("Denoising", "ti"),
    ("Initial noise multiplier", "ti"),
    ("Extra noise", "ti"),
    ("Hires upscaler", "t"),
    ("Cond. Image Mask Weight", "i"),
    ("VAE", "ti"),
    ("Styles", "ti"),
    ("UniPC Order", "ti"),
    ("Face restore", "ti"),
    ("Token merging ratio", "ti"),
    ("Token merging ratio high-res", "ti"),
    ("Always discard next-to-last sigma", "ti"),
    ("SGM noise multiplier", "ti"),
    ("Refiner checkpoint", "ti"),
    ("Refiner switch at", "ti"),
    ("RNG source", "ti"),
    ("FP8 mode", "ti"),
    ("Size", "ti"),
)
"""A1111's menu (behaviour 12.1); `t` and `i` are the tabs. The API numbers axes by it."""


def axes_of(tab: Tab) -> tuple[Axis, ...]:
    """The axes of a tab, in the order of the page."""
    return tuple(axis for axis in AXES if tab in axis.tabs)


def find_axis(name: str | int, tab: Tab) -> Axis:
    """The axis by its label (any letter case), or by its number in A1111's menu of the tab.

    Raises ValuesError for names that do not exist, or do not exist here.
    """
    label = str(name)
    if isinstance(name, int):
        menu = [label for label, tabs in A1111_MENU if tab[0] in tabs]
        if not 0 <= name < len(menu):
            raise ValuesError(f"there is no axis number {name}; they go from 0 to {len(menu) - 1}")
        label = menu[name]
    axis = _BY_LABEL.get(label.strip().lower())
    if axis is None or tab not in axis.tabs:
        raise ValuesError(f"the axis {label!r} cannot be used in {tab}")
    return axis
