"""A job as the page shows it: monitor, gallery and buttons as plain values.

Nothing here knows Gradio, so that it can be tested without a page.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

from jobs.spec import JobState, JobView, StopKind
from ui.proof import is_comparable
from ui.texts import MESSAGES


@dataclass(frozen=True)
class Buttons:
    """Which of the buttons that lie on top of each other are seen (ui 3.2)."""

    generate: bool
    interrupt: bool
    interrupting: bool
    skip: bool


IDLE = Buttons(generate=True, interrupt=False, interrupting=False, skip=False)


def buttons(view: JobView | None, stopping: StopKind | None = None) -> Buttons:
    """Generate while nothing runs, Interrupt and Skip over it while something does."""
    if view is None or view.state.is_final:
        return IDLE
    return Buttons(
        generate=False,
        interrupt=stopping is None,
        interrupting=stopping is not None,
        skip=view.state is JobState.RUNNING,
    )


def monitor(view: JobView | None) -> dict[str, Any]:
    """Value of the job monitor (ui 8.3)."""
    if view is None:
        return {}
    if view.state is JobState.FAILED:
        return {"error": view.error}
    if view.state.is_final:
        return {"log": _summary(view)}
    progress = view.progress
    state: dict[str, Any] = {
        "active": True,
        "fraction": progress.fraction,
        "text": _text(view),
        "eta": _clock(view.eta),
    }
    if view.preview is not None:
        data = base64.b64encode(view.preview.data).decode()
        state["preview"] = f"data:{view.preview.mime};base64,{data}"
    return state


def gallery(view: JobView | None, pictures_url: str, proofs_url: str) -> dict[str, Any]:
    """Value of the result gallery; what is told about a picture is fetched when it is shown."""
    if view is None:
        return {"job": "", "pictures": [], "selected": 0}
    return {
        "job": view.id,
        "selected": 0,
        "pictures": [
            {
                "id": picture.id,
                "url": f"{pictures_url}/{picture.id}",
                "name": picture.path.name,
                "seed": str(picture.seed),
                "subseed": str(picture.subseed),
                "varied": view.spec.request.seeds.subseed_strength > 0,
                "width": picture.width,
                "height": picture.height,
                "prompt": view.spec.request.prompt,
                "infotext": picture.infotext,
                "incomplete": picture.incomplete,
                "proof": f"{proofs_url}/{picture.id}" if is_comparable(view, picture) else "",
            }
            for picture in view.pictures
        ],
    }


def _text(view: JobView) -> str:
    if view.state is JobState.QUEUED:
        if view.queue_length <= 1:
            return MESSAGES["starting"]
        return MESSAGES["queued"].format(position=view.queue_position, length=view.queue_length)
    progress = view.progress
    if progress.note:
        return f"{progress.note}..."
    several = progress.batches > 1
    if view.spec.kind == "extras":
        template = MESSAGES["extras_tiles_of" if several else "extras_tiles"]
    else:
        template = MESSAGES["batch" if several else "sampling"]
    text = template.format(
        batch=progress.batch + 1, batches=progress.batches, step=progress.step, steps=progress.steps
    )
    clock = _clock(view.eta)
    return f"{progress.fraction:.0%}  {text}" + (f"  ETA: {clock}" if clock else "")


def _summary(view: JobView) -> str:
    seconds = (view.finished or 0.0) - (view.started or view.finished or 0.0)
    parts = [MESSAGES["saved"].format(count=len(view.pictures), seconds=seconds)]
    if view.interrupted or view.state is JobState.CANCELLED:
        parts.append(MESSAGES["interrupted"])
    lines = [", ".join(parts), *view.facts.get("notes", ())]
    return "\n".join(lines)


def _clock(seconds: float | None) -> str:
    if seconds is None:
        return ""
    whole = round(seconds)
    return f"{whole // 60}:{whole % 60:02d}" if whole >= 60 else f"{whole}s"
