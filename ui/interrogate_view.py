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

SEPARATOR: Final = ", "

TEXTS: Final = {
    "panel": "Interrogate: suggest a prompt for the picture",
    "who": "Interrogators",
    "score": "Score the texts with CLIP",
    "describe": "Describe the picture",
    "stop": "Stop",
    "parts": "Tick what the prompt shall say",
    "replace": "Replace the prompt",
    "append": "Append to the prompt",
    "no_image": "Choose a picture first, then interrogate it.",
    "nobody": "Choose at least one interrogator.",
    "nothing_ticked": "Tick at least one term first.",
    "nothing_found": "Nothing was found above the threshold.",
    "queued": "In queue: {position}/{length}",
    "starting": "Starting...",
    "stopped": "Stopped.",
    "missing": "not available",
    "fits": "fits {likeness:.3f}",
    "seconds": "{seconds:.1f} s",
}
"""The panel's texts, ready for translation."""


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
            return TEXTS["starting"]
        return TEXTS["queued"].format(position=view.queue_position, length=view.queue_length)
    note = view.progress.note
    return f"{view.progress.fraction:.0%}  {note}..." if note else TEXTS["starting"]


def choices(rows: Iterable[Listing]) -> list[tuple[str, str]]:
    """Label and name for the list of interrogators; what is missing is marked."""
    return [
        (row.label if row.available else f"{row.label} ({TEXTS['missing']})", row.name)
        for row in rows
    ]


def missing_notes(rows: Iterable[Listing]) -> str:
    """HTML that says for each missing interrogator what belongs where."""
    return "".join(f"<p>{escape(row.note)}</p>" for row in rows if not row.available)


def _card(label: str, found: Description) -> str:
    facts = [TEXTS["seconds"].format(seconds=found.seconds)]
    if found.likeness is not None:
        facts.insert(0, TEXTS["fits"].format(likeness=found.likeness))
    text = escape(found.text or TEXTS["nothing_found"])
    return (
        f"<article><h4>{escape(label)}</h4><p>{text}</p><small>{', '.join(facts)}</small></article>"
    )


def _plain(text: str) -> str:
    """A tag without escapes, underscores and rank, so that its score can be found."""
    ranked = re.fullmatch(r"\((.*):[01]\.\d+\)", text)
    bare = ranked[1] if ranked else text
    return bare.replace("\\", "").replace("_", " ").strip()
