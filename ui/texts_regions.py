"""Texts of the Regions panel. See ui/texts.py."""

from __future__ import annotations

from typing import Final

REGIONS: Final = {
    "title": "Regions: several masks in one go",
    "hint": "Draw a mask above and add it; then draw the next. Regions are painted in this order, "
    "each on the result of the one before it, and outside of its mask nothing changes.",
    "list": "Regions in the order in which they are painted",
    "add": "Add drawn mask as a region",
    "kept": "Kept masks",
    "add_kept": "Add kept masks",
    "no_kept": "Choose a kept mask first; masks are kept by name under Masks.",
    "run": "Run regions",
    "region": "Region {number}",
    "prompt": "Prompt of this region",
    "prompt_hint": "What this region shows (empty: the prompt above)",
    "strength": "Denoising strength",
    "strength_hint": "as below",
    "seed": "Seed",
    "content": "Masked content",
    "reuse": "Keep the seed of the last run",
    "up": "Paint earlier",
    "down": "Paint later",
    "pick": "Put this mask on the canvas",
    "alone": "Run this one alone",
    "remove": "Remove",
    "no_list": "There are no regions yet: draw a mask and add it.",
    "no_picture": "There is no picture on the Inpaint tab: drop one first.",
    "no_mask": "The mask is empty: draw what the region shall cover first.",
    "gone": "This region's mask is no longer on the server: remove it and draw it again.",
    "done": "{count} region(s) in {seconds:.1f} s",
}
