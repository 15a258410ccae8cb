"""What people call a colour, by hue, saturation and value; knows nothing of the palette."""

from __future__ import annotations

import colorsys

import numpy as np
import numpy.typing as npt

_HUES = ((14, "red"), (41, "orange"), (68, "yellow"), (165, "green"), (196, "teal"), (256, "blue"),
         (302, "purple"), (346, "pink"), (360, "red"))  # fmt: skip
"""Upper ends in degrees."""


def colour_name(rgb: npt.ArrayLike) -> str:
    """One of the twelve everyday names for a colour given in 0..255."""
    red, green, blue = (float(value) / 255 for value in np.asarray(rgb, np.float64))
    turn, saturation, value = colorsys.rgb_to_hsv(red, green, blue)
    if value < 0.3:
        return "black" if saturation < 0.5 or value < 0.22 else "brown" if turn < 0.12 else "black"
    if saturation < 0.16:
        return "white" if value > 0.8 else "gray"
    hue = turn * 360
    name = next(name for end, name in _HUES if hue <= end)
    if name in {"red", "orange"} and value < 0.66 and (hue > 10 and hue < 50):
        return "brown"
    if name == "red" and saturation < 0.55 and value > 0.75:
        return "pink"
    return name


def region_colour(pixels: npt.NDArray[np.uint8], region: npt.NDArray[np.bool_]) -> str:
    """The name of the median colour of a region of a picture [h, w, 3]."""
    return colour_name(np.median(pixels[region], 0))


def sky_name(pixels: npt.NDArray[np.uint8]) -> str:
    """day, sunset, night or cloudy, judged by the upper third of a picture [h, w, 3].

    Skies are bluer than red unless the sun sets; grey ones hardly, dark ones at night.
    """
    red, green, blue = np.median(pixels[: len(pixels) // 3].reshape(-1, 3), 0)
    if red > green + 12:
        return "sunset"
    if max(red, green, blue) < 170 and blue > red + 45:
        return "night"
    return "day" if blue > red + 45 else "cloudy"
