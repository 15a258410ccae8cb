"""A batch as HTML for the page: what would run, and what has become of it. No Gradio, no events."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Final

from scripts.batch_spec import BatchRow, BatchSpec
from scripts.batch_view import BatchView, RowState, RowView
from ui.texts_batch import BATCH, PNG_INFO_LABELS

SHOWN: Final = 500
"""Rows of the table; a browser would take seconds for many more."""

_COLUMNS = ("file", "mask", "prompt", "size", "state")
_PROMPT = 240
"""Characters of a prompt in its cell; all of it is in the cell's tooltip."""


def plan_text(spec: BatchSpec) -> str:
    """How many files will run, and where they go, as one sentence."""
    skipped = sum(bool(row.skip) for row in spec.rows)
    return BATCH["plan"].format(
        run=len(spec.rows) - skipped,
        count=len(spec.rows),
        skipped=BATCH["plan_skipped"].format(count=skipped) if skipped else "",
        output=BATCH["plan_output"].format(folder=spec.output) if spec.output else "",
    )


def state_text(view: BatchView) -> str:
    """How far the batch is, as one sentence."""
    failed, skipped = view.count(RowState.FAILED), view.count(RowState.SKIPPED)
    more = BATCH["state_failed"].format(count=failed) if failed else ""
    more += BATCH["state_skipped"].format(count=skipped) if skipped else ""
    text = BATCH["state"].format(
        state=BATCH[view.run.state.value],
        done=view.count(RowState.DONE),
        count=len(view.rows),
        more=more,
    )
    return f"{text} {view.run.error}".strip()


def table_html(
    spec: BatchSpec, rows: Sequence[RowView], pictures_url: str, *, is_plan: bool = False
) -> str:
    """One line per file. With `is_plan`, waiting rows are told as those that will run."""
    head = "".join(f'<th scope="col">{escape(BATCH[f"column_{name}"])}</th>' for name in _COLUMNS)
    lines = "".join(_line(spec, row, pictures_url, is_plan) for row in rows[:SHOWN])
    rest = len(rows) - SHOWN
    more = f"<p>{escape(BATCH['more_rows'].format(count=rest))}</p>" if rest > 0 else ""
    return (
        '<div class="op-batch" tabindex="0"><table class="op-batch-table">'
        f"<thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table></div>{more}"
    )


def _line(spec: BatchSpec, view: RowView, pictures_url: str, is_plan: bool) -> str:
    row = view.row
    prompt = _prompt(spec, view)
    short = prompt if len(prompt) <= _PROMPT else f"{prompt[:_PROMPT]}…"
    cells = (
        f'<th scope="row">{escape(row.picture.name)}</th>',
        f"<td>{escape(row.mask.name) if row.mask else '–'}</td>",
        f'<td class="op-batch-prompt" title="{escape(prompt)}">{escape(short)}'
        f"{_settings(row)}</td>",
        f'<td class="op-batch-size">{_size(row)}</td>',
        f"<td>{_state(view, pictures_url, is_plan)}</td>",
    )
    return f'<tr class="op-batch-{view.state.value}">{"".join(cells)}</tr>'


def _prompt(spec: BatchSpec, view: RowView) -> str:
    awaits = view.state in (RowState.WAITING, RowState.CAPTION) and spec.interrogator
    if not awaits:
        return view.prompt
    coming = BATCH["caption_comes"].format(who=BATCH[f"captions_{spec.interrogator}"])
    return ", ".join(text for text in (view.prompt, coming) if text)


def _size(row: BatchRow) -> str:
    return f"{row.width}×{row.height}" if row.width else "–"


def _settings(row: BatchRow) -> str:
    """What the row takes from the picture's own data, and what was not found, as HTML."""
    found = ((name, getattr(row, name)) for name in PNG_INFO_LABELS)
    told = [f"{PNG_INFO_LABELS[name]} {value}" for name, value in found if value not in (None, "")]
    text = "; ".join([*told, *row.notes])
    return f"<small>{escape(text)}</small>" if text else ""


def _state(view: RowView, pictures_url: str, is_plan: bool) -> str:
    word = BATCH["will_run" if is_plan and view.state is RowState.WAITING else view.state.value]
    links = " ".join(
        f'<a href="{escape(pictures_url)}/{escape(one.id)}" target="_blank">'
        f"{escape(one.path.name)}</a>"
        for one in view.pictures
    )
    text = links or escape(word)
    return f"{text}: {escape(view.text)}" if view.text else text
