"""All settings as the settings page shows them, and what becomes of a wish to change some.

Nothing here knows Gradio.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from jobs.options import OPTIONS, Guard, Option, OptionError, OptionStore, find_option
from models.catalog import Catalog
from models.vae import AUTOMATIC, NONE
from pipelines.sampler_names import SAMPLERS
from ui.page_tabs import HIDEABLE
from ui.texts import CATEGORIES, MESSAGES

CHECKPOINT, VAE = "sd_model_checkpoint", "sd_vae"


class Saved(NamedTuple):
    """What became of a wish: a sentence for all of it, and one for each refused key."""

    message: str
    problems: dict[str, str]


def described(options: OptionStore, catalog: Catalog) -> list[dict[str, Any]]:
    """The categories with their sections and settings, in A1111's order, as JSON values."""
    values = options.all()
    values[CHECKPOINT] = catalog.default(values[CHECKPOINT]).title
    by_section: dict[str, list[dict[str, Any]]] = {}
    for option in OPTIONS:
        row = _row(option, values[option.key], choices_of(option, catalog))
        by_section.setdefault(option.section, []).append(row)
    return [
        {
            "title": category,
            "sections": [{"title": title, "options": by_section[title]} for title in titles],
        }
        for category, titles in _categories(by_section)
    ]


def save(options: OptionStore, catalog: Catalog, wanted: Mapping[str, Any]) -> Saved:
    """Change settings, all or none; each value that cannot be gets its own sentence."""
    problems = {key: text for key, value in wanted.items() if (text := _problem(key, value))}
    if CHECKPOINT in wanted and catalog.find(str(wanted[CHECKPOINT])) is None:
        problems[CHECKPOINT] = MESSAGES["settings_no_model"]
    if VAE in wanted and wanted[VAE] not in _vaes(catalog):
        problems[VAE] = MESSAGES["settings_no_vae"]
    if problems:
        return Saved(MESSAGES["settings_refused"].format(count=len(problems)), problems)
    try:
        change = options.set_many(wanted)
    except OSError as error:
        reason = error.strerror or str(error)
        return Saved(MESSAGES["settings_not_kept"].format(reason=reason), {})
    if not change.changed:
        return Saved(MESSAGES["settings_same"], dict(change.ignored))
    return Saved(MESSAGES["settings_saved"].format(count=len(change.changed)), dict(change.ignored))


def _categories(sections: Mapping[str, Any]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Categories with the sections there are; a section nobody grouped stands for itself."""
    grouped = {title for _, titles in CATEGORIES for title in titles}
    for category, titles in CATEGORIES:
        yield category, tuple(title for title in titles if title in sections)
    for title in sections:
        if title not in grouped:
            yield title, (title,)


def _row(option: Option, value: Any, choices: tuple[str, ...]) -> dict[str, Any]:
    default = option.default
    return {
        "key": option.key,
        "text": option.text,
        "type": _type(option),
        "value": list(value) if isinstance(value, tuple) else value,
        "default": list(default) if isinstance(default, tuple) else default,
        "lowest": option.lowest,
        "highest": option.highest,
        "choices": list(choices),
        "guard": option.guard.value,
        "idle": not option.takes_effect and option.guard is not Guard.DERIVED,
        "instead": option.instead,
        "restart": option.restart,
        "infotext": option.infotext or "",
    }


def _type(option: Option) -> str:
    if option.pattern.startswith("#") or option.key.endswith("brush_color"):
        return "colour"
    names = {bool: "switch", int: "whole", float: "number", str: "text"}
    return names.get(type(option.default), "list")


def choices_of(option: Option, catalog: Catalog) -> tuple[str, ...]:
    """What can be chosen; some lists are known only now."""
    if option.key == CHECKPOINT:
        return tuple(entry.title for entry in catalog.entries)
    if option.key == VAE:
        return _vaes(catalog)
    if option.key == "hide_samplers":
        return tuple(info.name for info in SAMPLERS)
    if option.key == "hidden_tabs":
        return HIDEABLE
    return option.choices


def _vaes(catalog: Catalog) -> tuple[str, ...]:
    return (AUTOMATIC, NONE, *(vae.name for vae in catalog.vaes()))


def _problem(key: str, value: Any) -> str:
    """Why a setting cannot have a value, "" when it can."""
    option = find_option(key)
    if option is None:
        return f"{key!r:.60} is not a known setting"
    try:
        option.coerce(value)
    except OptionError as error:
        return str(error)
    return ""
