"""What a finished interrogation says, and the same as JSON for the job store. No torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from interrogate.base import Description, Tag


@dataclass(frozen=True, slots=True)
class PictureReport:
    """One picture: descriptions by the interrogator's name, and why it could not be read."""

    descriptions: Mapping[str, Description] = field(default_factory=dict)
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """All pictures in the order asked for; `notes` are sentences about what was left out."""

    pictures: tuple[PictureReport, ...]
    notes: tuple[str, ...] = ()
    interrupted: bool = False


def to_facts(report: Report) -> dict[str, Any]:
    """JSON of a report, as the facts of a job."""
    return {
        "pictures": [
            {
                "problem": picture.problem,
                "descriptions": {
                    name: {
                        "text": found.text,
                        "tags": [[tag.name, tag.score] for tag in found.tags],
                        "seconds": found.seconds,
                        "likeness": found.likeness,
                    }
                    for name, found in picture.descriptions.items()
                },
            }
            for picture in report.pictures
        ],
        "notes": list(report.notes),
    }


def from_facts(facts: Mapping[str, Any]) -> Report:
    """The report in the facts of a job; an empty one when the facts are of another job."""
    return Report(
        pictures=tuple(
            PictureReport(
                {name: _description(found) for name, found in picture["descriptions"].items()},
                picture["problem"],
            )
            for picture in facts.get("pictures", ())
        ),
        notes=tuple(facts.get("notes", ())),
    )


def _description(found: Mapping[str, Any]) -> Description:
    tags = tuple(Tag(name, score) for name, score in found["tags"])
    return Description(found["text"], tags, found["seconds"], found["likeness"])
