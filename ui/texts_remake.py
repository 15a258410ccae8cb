"""Texts of "Make again and compare" on the PNG Info tab. Part of ui/texts.py."""

from __future__ import annotations

from typing import Final

REMAKE_LABELS: Final = {
    "again": "Make again and compare",
    "inputs": "What it was painted over (only for pictures that this server did not make)",
    "init_image": "Init image",
    "mask": "Mask (white = repainted)",
}

REMAKE_MESSAGES: Final = {
    "no_picture": "Choose a picture first.",
    "known": "Found in this server's list of jobs: it runs with the very same settings and input "
    "pictures.",
    "told": "Not in this server's list of jobs: it runs as its generation data say.",
    "queued": "Waiting: place {position} of {length} in the line.",
    "running": "Making it again: {fraction:.0%}",
    "failed": "It could not be made again: {error}",
    "equal": "Bit-equal",
    "differs": "Not the same",
    "reasons": "What may explain it, likeliest first",
    "notes": "What could not be done as the generation data say",
    "original": "Original",
    "made": "Made again",
    "difference": "Difference x{gain}",
}
