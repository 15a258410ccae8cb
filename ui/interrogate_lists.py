"""Where the page lists interrogators: two choices and the notes on them, filled anew together."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from interrogate.registry import listing
from ui.interrogate_view import choices, notes_on


@dataclass(frozen=True)
class InterrogatorLists:
    """`many` chooses who describes a picture, `one` who writes captions; `notes` is HTML."""

    many: Any
    one: Any
    notes: Any

    @property
    def outputs(self) -> list[Any]:
        """All three, as an event's outputs."""
        return [self.many, self.one, self.notes]

    def now(self, models_dir: Path) -> list[Any]:
        """What is available now, and what is missing, for the outputs. `one` keeps its choice."""
        rows = listing(models_dir)
        ready = [row.name for row in rows if row.available]
        labelled = choices(rows)
        return [
            gr.update(choices=labelled, value=ready),
            gr.update(choices=labelled),
            notes_on(rows),
        ]
