"""One colour per colour name, and the arithmetic on colours that drawing needs. RGB, 0..255."""

from __future__ import annotations

from random import Random

Colour = tuple[float, float, float]

COLOURS: dict[str, Colour] = {
    "red": (212, 36, 38),
    "orange": (246, 136, 30),
    "yellow": (250, 218, 54),
    "green": (60, 164, 70),
    "blue": (48, 104, 216),
    "purple": (134, 68, 190),
    "pink": (252, 150, 194),
    "brown": (118, 74, 42),
    "black": (40, 38, 46),
    "white": (244, 244, 247),
    "gray": (146, 148, 154),
    "teal": (38, 170, 172),
}

HAIR: dict[str, Colour] = {
    "black": (42, 38, 48),
    "brown": (112, 68, 40),
    "blonde": (246, 212, 112),
    "red": (196, 36, 36),
    "orange": (240, 126, 36),
    "pink": (250, 140, 188),
    "purple": (132, 70, 186),
    "blue": (54, 106, 218),
    "green": (62, 162, 80),
    "white": (236, 236, 243),
}

EYES: dict[str, Colour] = {
    "blue": (46, 116, 226),
    "green": (44, 160, 76),
    "brown": (122, 70, 34),
    "red": (208, 36, 42),
    "purple": (140, 68, 200),
    "yellow": (236, 186, 30),
    "gray": (122, 128, 138),
}

SKIN: dict[str, Colour] = {
    "pale": (255, 230, 214),
    "fair": (250, 208, 176),
    "tan": (224, 168, 120),
    "brown": (160, 104, 68),
    "dark": (106, 68, 46),
}

WHITE: Colour = (255, 255, 255)
INK: Colour = (26, 22, 30)


def mix(first: Colour, second: Colour, share: float) -> Colour:
    """`share` 0 gives the first colour, 1 the second."""
    a, b, c = (x * (1 - share) + y * share for x, y in zip(first, second, strict=True))
    return a, b, c


def scaled(colour: Colour, factor: float) -> Colour:
    """The colour made darker (below 1) or lighter, cut off at 255."""
    a, b, c = (min(255.0, x * factor) for x in colour)
    return a, b, c


def jittered(colour: Colour, random: Random, amount: float = 7.0) -> Colour:
    """A near relative of the colour that still goes by the same name."""
    light = random.uniform(0.95, 1.04)
    a, b, c = (min(255.0, max(0.0, x * light + random.uniform(-amount, amount))) for x in colour)
    return a, b, c


def lightness(colour: Colour) -> float:
    """Luma 0..1 (Rec. 601 weights)."""
    return (0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2]) / 255
