"""Texts of the page about results: proof, views, opening again. Part of ui/texts.py."""

from __future__ import annotations

from typing import Final

RESULT_MESSAGES: Final = {
    "changed_where": ", between ({x1}, {y1}) and ({x2}, {y2})",
    "seam": "Seam: {result:.1f} levels of colour step across the mask's edge (input there: "
    "{source:.1f})",
    "difference_plain": "Difference x{gain}: {inside} pixels are not as they were",
    "difference": "Difference x{gain}: {inside} pixels repainted. Blue: the mask's edge; magenta: "
    "changed outside it",
    "views": "Ways to look at the result",
    "view_result": "Result",
    "view_compare": "Before / after",
    "view_difference": "Difference",
    "compare_before": "Before",
    "compare_after": "After",
    "compare_slider": "How much of the input is seen, from the left, in per cent",
    "opened": "Picture, mask and settings are as they were for this result.",
    "open_nothing": "Select a picture first.",
    "open_gone": "What this result was made from is no longer on the server.",
    "open_unknown": "None of your jobs on this server has made this picture; send its parameters "
    "to a page instead.",
    "open_elsewhere": "This result was made on another page; open it there.",
    "save_gone": "A result is no longer on the server; nothing was saved.",
    "not_saved": "Not saved: {reason}. Check the folder of the setting outdir_save and its disk.",
    "saved_one": "Saved as {name}.",
    "saved_many": "{count} results are saved.",
    "open_no_checkpoint": "The checkpoint {name} is not here; the selected one is kept.",
}

RESULT_LABELS: Final = {
    "open_result": "Open this result",
    "open_file": "Open with picture and mask",
    "save": "Save",
    "save_zip": "Save with ZIP",
    "downloads": "Saved files",
}

RESULT_TOOLTIPS: Final = {
    f"{button}_{tab}": text
    for tab in ("img2img", "txt2img")
    for button, text in (
        (
            "save",
            "Keep the selected result in the folder for saved results, with a line in log.csv",
        ),
        ("save_zip", "The same, with a ZIP file of what was saved"),
    )
}
