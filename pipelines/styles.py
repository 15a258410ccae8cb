"""Saved prompt styles: A1111's styles.csv, merging styles into prompts and finding them again."""

from __future__ import annotations

import csv
import io
import os
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

PLACEHOLDER = "{prompt}"
MAX_TEXT = 1_000_000
"""Styles that repeat the placeholder multiply each other; longer results are refused."""

_FIELD_NAMES = ("name", "prompt", "negative_prompt")


class StylesError(ValueError):
    """A styles file cannot be understood, or styles make an endless prompt."""


@dataclass(frozen=True, slots=True)
class Style:
    """A name and the texts it adds; `{prompt}` in a text marks where the prompt goes."""

    name: str
    prompt: str = ""
    negative_prompt: str = ""


@dataclass(frozen=True, slots=True)
class FoundStyles:
    """Prompts without the styles that were found in them, and the names in order of use."""

    prompt: str
    negative_prompt: str
    names: tuple[str, ...] = ()


def parse_styles(text: str) -> tuple[Style, ...]:
    """Read the text of a styles.csv. Of a name given twice the last counts.

    Old files with a `text` column are understood; rows without a name, or with one that begins
    with `#`, are skipped. Raises StylesError when it is no such file.
    """
    reader = csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    styles: dict[str, Style] = {}
    try:
        columns = reader.fieldnames or ()
        if columns and "name" not in columns:
            raise StylesError(
                f"a styles file begins with the line {','.join(_FIELD_NAMES)}; "
                f"this one with {','.join(columns)[:80]!r}"
            )
        for row in reader:
            name = row["name"] or ""
            if name and not name.startswith("#"):
                prompt = row.get("prompt") or row.get("text") or ""
                styles[name] = Style(name, prompt, row.get("negative_prompt") or "")
    except csv.Error as error:
        raise StylesError(
            f"the styles cannot be read after line {reader.line_num}: {error}"
        ) from error
    return tuple(styles.values())


def format_styles(styles: Iterable[Style]) -> str:
    """The text of a styles.csv."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(_FIELD_NAMES)
    writer.writerows((style.name, style.prompt, style.negative_prompt) for style in styles)
    return out.getvalue()


def read_styles(path: Path) -> tuple[Style, ...]:
    """Read a styles.csv; no styles when there is no file. Raises StylesError and OSError."""
    try:
        return parse_styles(path.read_bytes().decode("utf-8-sig"))
    except FileNotFoundError:
        return ()
    except UnicodeDecodeError as error:
        raise StylesError(f"{path.name} is not UTF-8: save it as UTF-8") from error


def write_styles(path: Path, styles: Iterable[Style]) -> None:
    """Replace a styles.csv in one step; the file before is kept as `styles.csv.bak`."""
    handle, name = tempfile.mkstemp(dir=path.parent, suffix=".tmp")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(format_styles(styles).encode("utf-8-sig"))
        if path.exists():
            path.with_name(f"{path.name}.bak").write_bytes(path.read_bytes())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def choose_styles(
    styles: Iterable[Style], names: Iterable[str]
) -> tuple[tuple[Style, ...], tuple[str, ...]]:
    """The styles of the given names in that order, and the names that there are none of.

    An empty name and "None" (some clients send it) mean nothing and are not reported.
    """
    by_name = {style.name: style for style in styles}
    wanted = [name for name in names if name in by_name or name not in ("", "None")]
    chosen = tuple(by_name[name] for name in wanted if name in by_name)
    return chosen, tuple(name for name in wanted if name not in by_name)


def apply_styles(prompt: str, negative_prompt: str, styles: Iterable[Style]) -> tuple[str, str]:
    """Merge styles into both prompts, one after the other (behaviour 9.1).

    Raises StylesError when the result has more than MAX_TEXT characters.
    """
    for style in styles:
        prompt = _merge(prompt, style.prompt)
        negative_prompt = _merge(negative_prompt, style.negative_prompt)
    return prompt, negative_prompt


def find_styles(prompt: str, negative_prompt: str, styles: Sequence[Style]) -> FoundStyles:
    """Take styles out of pasted prompts, last applied first (behaviour 10.4).

    A style is found when both its texts stand where applying it puts them.
    """
    remaining = [style for style in styles if style.prompt.strip() or style.negative_prompt.strip()]
    names: list[str] = []
    while True:
        for style in remaining:
            rest = _without(prompt, style.prompt)
            negative_rest = _without(negative_prompt, style.negative_prompt)
            if rest is not None and negative_rest is not None:
                break
        else:
            return FoundStyles(prompt, negative_prompt, tuple(reversed(names)))
        prompt, negative_prompt = rest, negative_rest
        names.append(style.name)
        remaining.remove(style)


def _merge(prompt: str, style: str) -> str:
    if PLACEHOLDER in style:
        length = len(style) + style.count(PLACEHOLDER) * len(prompt)
        merged = style.replace(PLACEHOLDER, prompt) if length <= MAX_TEXT else None
    else:
        merged = ", ".join(part for part in (prompt.strip(), style.strip()) if part)
    if merged is None or len(merged) > MAX_TEXT:
        raise StylesError(
            f"the styles make a prompt of more than {MAX_TEXT} characters; choose fewer of them"
        )
    return merged


def _without(prompt: str, style: str) -> str | None:
    """The prompt before the style was merged in; None when it was not."""
    style = style.strip()
    if not style:
        return prompt
    stripped = prompt.strip()
    if PLACEHOLDER in style:
        left, _, right = style.partition(PLACEHOLDER)
        fits = len(stripped) >= len(left) + len(right)
        if fits and stripped.startswith(left) and stripped.endswith(right):
            return stripped[len(left) : len(stripped) - len(right)]
        return None
    if stripped == style:
        return ""
    ending = f", {style}"
    return stripped.removesuffix(ending) if stripped.endswith(ending) else None
