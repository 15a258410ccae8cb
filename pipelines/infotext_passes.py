"""Reading hires pass, refiner and soft inpainting out of an infotext (behaviour 10.2, 10.4)."""

from __future__ import annotations

from typing import Any

from pipelines.infotext_keys import DEFAULTS, INVERSION_FIELDS, SOFT_ENABLED, SOFT_FIELDS
from pipelines.infotext_values import ValueReader
from pipelines.request import HiresFix, Inversion, Refiner, RefinerPass, SoftInpaint

_HIRES_TEXTS = {
    "Hires checkpoint": "checkpoint",
    "Hires sampler": "sampler",
    "Hires schedule type": "scheduler",
    "Hires prompt": "prompt",
    "Hires negative prompt": "negative_prompt",
}
_SHOWS_HIRES = ("Hires upscale", "Hires upscaler", "Hires resize-1")
_LONGEST_NAME = 200


def read_hires(reader: ValueReader, *, allowed: bool) -> HiresFix | None:
    """The second pass, or None where the infotext has none or (`allowed`) the job can have none."""
    texts = {name: _text(reader, key, name) for key, name in _HIRES_TEXTS.items()}
    upscaler = (reader.text("Hires upscaler") or "Latent")[:_LONGEST_NAME]
    values: dict[str, Any] = {
        "scale": reader.number("Hires upscale", HiresFix, "scale", 2.0),
        "resize_x": reader.number("Hires resize-1", HiresFix, "resize_x", 0),
        "resize_y": reader.number("Hires resize-2", HiresFix, "resize_y", 0),
        "steps": reader.number("Hires steps", HiresFix, "steps", 0),
        "upscaler": upscaler,
        **texts,
    }
    shown = any(reader.params.get(key, "0") != "0" for key in _SHOWS_HIRES)
    if not shown or "Denoising strength" not in reader.params:
        return None
    if not allowed:
        reader.problems.append(
            "The infotext is of a txt2img picture with a hires pass; img2img makes one pass."
        )
        return None
    return HiresFix.model_validate(values)


def fitting_hires(
    hires: HiresFix | None, width: int, height: int, reader: ValueReader
) -> HiresFix | None:
    """`hires` unless its size is impossible for this first pass; then a problem is noted."""
    problem = None if hires is None else hires.problem(width, height)
    if problem is not None:
        reader.problems.append(f"Hires: {problem}. There is no second pass now.")
        return None
    return hires


def read_refiner(reader: ValueReader) -> Refiner | None:
    """The refiner, or None."""
    name = reader.text("Refiner")
    passes = {one.value: one for one in RefinerPass}
    values = {
        "switch_at": reader.number("Refiner switch at", Refiner, "switch_at", 0.8),
        "by_steps": reader.switch("Refiner switch by sampling steps", False),
        "hires_pass": reader.choice("Hires refiner", passes, RefinerPass.SECOND),
    }
    if name is None or name.strip().lower() in ("", "none"):
        return None
    return Refiner.model_validate({"checkpoint": name[:1000], **values})


def read_soft(reader: ValueReader) -> SoftInpaint | None:
    """Soft inpainting's settings when it was enabled."""
    defaults = SoftInpaint()
    values = {
        name: reader.number(key, SoftInpaint, name, getattr(defaults, name))
        for key, name in SOFT_FIELDS.items()
    }
    enabled = reader.switch(SOFT_ENABLED, False)
    return SoftInpaint.model_validate(values) if enabled else None


def read_inversion(reader: ValueReader, *, allowed: bool) -> Inversion | None:
    """The noise search of "img2img alternative test", where the job can have one (`allowed`)."""
    defaults = Inversion()
    values: dict[str, Any] = {
        name: reader.number(key, Inversion, name, getattr(defaults, name))
        for key, name in INVERSION_FIELDS.items()
        if name in ("cfg_scale", "steps", "randomness")
    }
    values["adjusted"] = reader.switch("Sigma Adjustment", False)
    values["prompt"] = reader.text("Decode prompt") or ""
    values["negative_prompt"] = reader.text("Decode negative prompt") or ""
    if "Decode steps" not in reader.params:
        return None
    if not allowed:
        reader.problems.append(
            'The infotext is of the script "img2img alternative test"; choose it to do the same.'
        )
        return None
    return Inversion.model_validate(values)


def _text(reader: ValueReader, key: str, name: str) -> str:
    """The text of a key; the words for "the same as in the first pass" are the empty text."""
    text = reader.text(key) or ""
    if text == DEFAULTS.get(key):
        return ""
    return text if "prompt" in name else text[:_LONGEST_NAME]
