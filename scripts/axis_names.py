"""Values of axes that name files or styles: which there are, and how they are spelled.

Checks raise ValuesError for what is not there.
"""

from __future__ import annotations

from pipelines.styles import choose_styles
from pipelines.upscalers import LATENT_MODES, PIXEL_UPSCALERS
from scripts.axis import AxisContext, Value
from scripts.values import ValuesError


def checkpoint(value: Value, context: AxisContext) -> Value:
    """A checkpoint by name, title or hash."""
    found = None if context.finder is None else context.finder.find(str(value))
    if found is None:
        raise ValuesError(f"there is no checkpoint {value!r}")
    return str(found.name)


def checkpoints(context: AxisContext) -> tuple[str, ...]:
    """The names of all checkpoints."""
    return context.checkpoints


def refiner(value: Value, context: AxisContext) -> Value:
    """A checkpoint, or None."""
    return "None" if str(value).strip().lower() == "none" else checkpoint(value, context)


def vaes(context: AxisContext) -> tuple[str, ...]:
    """Automatic, None and the files."""
    return ("Automatic", "None", *context.vaes)


def vae(value: Value, context: AxisContext) -> Value:
    """Automatic (auto), None, or the name of a file."""
    wanted = str(value).strip().lower()
    known = {"auto": "Automatic", **{name.lower(): name for name in vaes(context)}}
    if wanted not in known:
        raise ValuesError(f"there is no VAE {value!r} (there are: {', '.join(vaes(context))})")
    return known[wanted]


def hires_upscalers(context: AxisContext) -> tuple[str, ...]:
    """Latent modes, filters and files."""
    return (*(mode.name for mode in LATENT_MODES), *PIXEL_UPSCALERS, *context.upscalers)


def hires_upscaler(value: Value, context: AxisContext) -> Value:
    """An upscaler of the hires pass, in any letter case."""
    wanted = str(value).strip().lower()
    for name in hires_upscalers(context):
        if name.lower() == wanted:
            return name
    raise ValuesError(f"there is no upscaler {value!r}")


def style_list(value: Value, context: AxisContext) -> Value:
    """A comma list of styles."""
    names = [name.strip() for name in str(value).split(",")]
    unknown = choose_styles(context.styles, [name for name in names if name])[1]
    if unknown:
        raise ValuesError(f"there is no style {unknown[0]!r}")
    return value
