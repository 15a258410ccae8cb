"""The Batch tab's table: every file with what becomes of it, and nothing of a file as markup."""

from typing import Any

import pytest

from scripts.batch_spec import BatchFile, BatchRow, BatchSpec
from scripts.batch_view import BatchView, RowState, RowView, planned
from scripts.run_store import RunRow, RunState
from tests.scripts.making import A, request
from ui.batch_html import SHOWN, plan_text, state_text, table_html


def row(name: str = "a.png", **fields: Any) -> BatchRow:
    return BatchRow(
        picture=BatchFile(name=name, ref=A), prompt="a cat", width=64, height=96, **fields
    )


def spec(*rows: BatchRow, **fields: Any) -> BatchSpec:
    return BatchSpec(base=request(inpaint=None), rows=rows, **fields)


def view(*rows: RowView, state: RunState = RunState.DONE) -> BatchView:
    batch = spec(*(one.row for one in rows))
    return BatchView(RunRow("b", "ann", batch, state, 0.0, "", {}), rows)


def test_the_plan_counts_what_runs_and_says_where_it_goes() -> None:
    asked = spec(row(), row(skip="no mask"), output="/out")
    assert plan_text(asked) == "1 of 2 files will run and go to /out; 1 skipped."


def test_the_state_counts_what_failed() -> None:
    rows = (RowView(row(), RowState.DONE), RowView(row(), RowState.FAILED, text="damaged"))
    assert state_text(view(*rows)) == "Batch done: 1 of 2 files, 1 failed."


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (row(), ["a.png", "a cat", "64×96", "will run"]),
        (row(skip="there is no mask named a.*"), ["skipped: there is no mask named a.*"]),
        (row(mask=BatchFile(name="m.png", ref=A)), ["<td>m.png</td>"]),
        (row(seed=5, steps=30, notes=("no caption file",)), ["seed 5; steps 30; no caption file"]),
        (row("<b>.png"), ["&lt;b&gt;.png"]),
    ],
    ids=["plain", "skipped", "mask", "from the picture", "markup"],
)
def test_a_planned_row(given: BatchRow, expected: list[str]) -> None:
    asked = spec(given)
    html = table_html(asked, planned(asked), "/pictures", is_plan=True)
    assert [text for text in expected if text not in html] == []
    assert "<b>" not in html


def test_a_caption_that_is_still_to_come_is_named() -> None:
    asked = spec(row(), interrogator="clip")
    html = table_html(asked, planned(asked), "/pictures", is_plan=True)
    assert "a cat, [caption of CLIP interrogator]" in html


def test_a_failed_row_tells_why() -> None:
    failed = RowView(row(), RowState.FAILED, "a cat", "the picture is damaged")
    html = table_html(spec(row()), (failed,), "/pictures")
    assert 'class="op-batch-failed"' in html
    assert "failed: the picture is damaged" in html


def test_a_long_table_is_cut_and_says_so() -> None:
    asked = spec(*(row(f"{n}.png") for n in range(SHOWN + 7)))
    html = table_html(asked, planned(asked), "/pictures")
    assert html.count("<tr") == SHOWN + 1
    assert "and 7 more files" in html
