"""What interrogators have said, as the panel shows it. Nothing here knows Gradio."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape
from typing import Final

from interrogate.base import Description
from interrogate.registry import Listing
from interrogate.report import PictureReport, Report
from jobs.spec import JobState, JobView
from ui.texts_interrogate import INTERROGATE

SEPARATOR: Final = ", "


@dataclass(frozen=True)
class Part:
    """A piece of a text that can be ticked: as it is written, and how probable it is."""

    text: str
    score: float | None = None

    @property
    def label(self) -> str:
        """The piece with its probability."""
        return self.text if self.score is None else f"{self.text}  {self.score:.2f}"


def parts_of(report: PictureReport) -> list[Part]:
    """The pieces of all texts in their order, each once."""
    parts: dict[str, Part] = {}
    for found in report.descriptions.values():
        scores = {_plain(tag.name): tag.score for tag in found.tags}
        for text in found.text.split(SEPARATOR):
            if text and text not in parts:
                parts[text] = Part(text, scores.get(_plain(text)))
    return list(parts.values())


def joined(prompt: str, ticked: Iterable[str], *, append: bool) -> str:
    """The prompt with the ticked pieces; those that it has already are not repeated."""
    wanted = list(dict.fromkeys(ticked))
    if not append:
        return SEPARATOR.join(wanted)
    base = prompt.rstrip().rstrip(",").rstrip()
    has = {part.strip() for part in base.split(",")}
    return SEPARATOR.join([*([base] if base else []), *(x for x in wanted if x not in has)])


def cards(report: Report, labels: Mapping[str, str]) -> str:
    """HTML of all texts side by side; those that fit the picture best come first."""
    picture = report.pictures[0] if report.pictures else PictureReport()
    ranked = sorted(
        picture.descriptions.items(), key=lambda item: -(item[1].likeness or float("-inf"))
    )
    boxes = "".join(_card(labels.get(name, name), found) for name, found in ranked)
    notes = "".join(f"<p>{escape(note)}</p>" for note in (*report.notes, picture.problem) if note)
    return f'<div class="op-cards">{boxes}</div>{notes}'


def state_text(view: JobView) -> str:
    """One line on a job that is not over."""
    if view.state is JobState.QUEUED:
        if view.queue_length <= 1:
            return INTERROGATE["starting"]
        return INTERROGATE["queued"].format(position=view.queue_position, length=view.queue_length)
    note = view.progress.note
    return f"{view.progress.fraction:.0%}  {note}..." if note else INTERROGATE["starting"]


def choices(rows: Iterable[Listing]) -> list[tuple[str, str]]:
    """Label and name for the list of interrogators; what is missing is marked."""
    return [(_marked(row), row.name) for row in rows]


def label_of(row: Listing) -> str:
    """The label; the built-in model is marked."""
    return f"{row.label} ({INTERROGATE['builtin']})" if row.builtin else row.label


def notes_on(rows: Iterable[Listing]) -> str:
    """HTML that says what is missing and where it belongs, and what built-in models cannot do."""
    return "".join(
        f"<p>{escape(f'{_marked(row)}: {row.note}')}</p>"
        for row in rows
        if row.builtin or not row.available
    )


def _marked(row: Listing) -> str:
    return label_of(row) if row.available else f"{row.label} ({INTERROGATE['missing']})"


def _card(label: str, found: Description) -> str:
    facts = [INTERROGATE["seconds"].format(seconds=found.seconds)]
    if found.likeness is not None:
        facts.insert(0, INTERROGATE["fits"].format(likeness=found.likeness))
    text = escape(found.text or INTERROGATE["nothing_found"])
    return (
        f"<article><h4>{escape(label)}</h4><p>{text}</p><small>{', '.join(facts)}</small></article>"
    )


def _plain(text: str) -> str:
    """A tag without escapes, underscores and rank, so that its score can be found."""
    ranked = re.fullmatch(r"\((.*):[01]\.\d+\)", text)
    bare = ranked[1] if ranked else text
    return bare.replace("\\", "").replace("_", " ").strip()
