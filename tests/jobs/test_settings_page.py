"""docs/settings.md tells of every setting what the table says."""

from __future__ import annotations

from pathlib import Path

import pytest

from jobs.options import OPTIONS, Guard, Option

PAGE = Path(__file__).parents[2] / "docs" / "settings.md"


def row(option: Option) -> str:
    """The line of the page for one setting."""
    cells = (
        f"`{option.key}`",
        shown(option),
        limits(option),
        option.text.replace("|", r"\|"),
        "honoured" if option.takes_effect else status(option),
        option.infotext or "",
    )
    return f"| {' | '.join(cells)} |"


def shown(option: Option) -> str:
    if isinstance(option.default, bool):
        return "on" if option.default else "off"
    if isinstance(option.default, tuple):
        return ", ".join(option.default)
    return f"`{option.default}`" if option.default != "" else ""


def limits(option: Option) -> str:
    if option.choices:
        return ", ".join(option.choices)
    if option.lowest is None:
        return ""
    return (
        f"{option.lowest:g} and more"
        if option.highest is None
        else (f"{option.lowest:g} to {option.highest:g}")
    )


def status(option: Option) -> str:
    if option.guard is Guard.DERIVED:
        return "follows the checkpoint"
    return f"no effect: {option.instead}"


@pytest.mark.parametrize("option", OPTIONS, ids=[option.key for option in OPTIONS])
def test_the_page_has_the_settings_row(option: Option) -> None:
    assert row(option) in PAGE.read_text(encoding="utf-8").splitlines()


def test_the_page_has_no_other_rows() -> None:
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    rows = [line for line in lines if line.startswith("| `")]
    assert len(rows) == len(OPTIONS)
