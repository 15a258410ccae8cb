"""What "Make again and compare" shows, as HTML; nothing here knows Gradio."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from html import escape

from PIL.Image import Image

from jobs.remake import Outcome, Remake
from jobs.spec import JobState, JobView
from pipelines.reproduction import DIFFERENCE_GAIN
from ui.texts_remake import REMAKE_MESSAGES


def progress(remake: Remake, job: JobView) -> str:
    """While the job waits or runs."""
    if job.state is JobState.QUEUED and job.queue_length > 1:
        said = REMAKE_MESSAGES["queued"].format(
            position=job.queue_position, length=job.queue_length
        )
    elif job.progress.note:
        said = f"{job.progress.note}..."
    else:
        said = REMAKE_MESSAGES["running"].format(fraction=job.progress.fraction)
    return _paragraph(_source(remake)) + _paragraph(said)


def refused(sentence: str) -> str:
    """Why nothing can be made or compared."""
    return _paragraph(REMAKE_MESSAGES["failed"].format(error=sentence), "op-error")


def verdict(remake: Remake, outcome: Outcome, pictures_url: str) -> str:
    """The result: equal or not, reasons, and both pictures with their difference."""
    comparison = outcome.comparison
    word = REMAKE_MESSAGES["equal" if comparison.is_equal else "differs"]
    said = f"<strong>{escape(word)}.</strong> {escape(comparison.verdict)}"
    shown = [
        _figure(REMAKE_MESSAGES["original"], _data_address(remake.original.picture)),
        _figure(REMAKE_MESSAGES["made"], f"{pictures_url}/{outcome.again.id}"),
    ]
    if outcome.difference is not None and not comparison.is_equal:
        label = REMAKE_MESSAGES["difference"].format(gain=DIFFERENCE_GAIN)
        shown.append(_figure(label, _data_address(outcome.difference)))
    return (
        f'<p class="op-verdict" role="status">{said}</p>'
        + _list(REMAKE_MESSAGES["reasons"], comparison.reasons)
        + _list(REMAKE_MESSAGES["notes"], remake.notes)
        + _paragraph(_source(remake))
        + f'<div class="op-pair">{"".join(shown)}</div>'
    )


def _source(remake: Remake) -> str:
    return REMAKE_MESSAGES["known" if remake.is_known else "told"]


def _paragraph(text: str, css: str = "") -> str:
    return f'<p class="{css}">{escape(text)}</p>' if css else f"<p>{escape(text)}</p>"


def _list(title: str, sentences: Sequence[str]) -> str:
    if not sentences:
        return ""
    rows = "".join(f"<li>{escape(one)}</li>" for one in sentences)
    return f"<p>{escape(title)}:</p><ul>{rows}</ul>"


def _figure(label: str, address: str) -> str:
    image = f'<img src="{escape(address)}" alt="{escape(label)}">'
    return f"<figure>{image}<figcaption>{escape(label)}</figcaption></figure>"


def _data_address(picture: Image) -> str:
    out = io.BytesIO()
    picture.save(out, "PNG", compress_level=1)
    return f"data:image/png;base64,{base64.b64encode(out.getvalue()).decode()}"
