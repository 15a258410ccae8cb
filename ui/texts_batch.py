"""Texts of the Batch tab, ready for translation; A1111's controls keep A1111's wording."""

from __future__ import annotations

from typing import Final

BATCH: Final = {
    "tab": "Batch",
    "upload_tab": "Upload",
    "folder_tab": "From directory",
    "files": "Files",
    "masks": "Masks: one for all files, or files of the same base name",
    "folder_help": (
        "Folders of the machine that the server runs on. All pictures of the input directory and "
        "its sub-folders are taken in natural order. A mask directory turns inpainting on, with "
        "the settings of the Inpaint tab: one mask for all, or one of the same base name; files "
        "without a mask are skipped."
    ),
    "folder_help_roots": "Only folders below these can be named: {roots}",
    "folder_help_closed": (
        "This server is shared and opens no folders. Upload files instead, or ask whoever runs it "
        "to start it with --folder-roots."
    ),
    "input_dir": "Input directory",
    "output_dir": "Output directory",
    "output_hint": "empty: saved like every other picture",
    "mask_dir": "Inpaint batch mask directory (required for inpaint batch processing only)",
    "png_info_panel": "PNG info",
    "png_info": "Append png info to prompts",
    "png_info_dir": "PNG info directory",
    "png_info_hint": "empty: the pictures themselves",
    "png_info_fields": "Parameters to take from png info",
    "captions": "Captions behind the prompt",
    "captions_none": "none",
    "captions_files": "text files (.txt) beside the pictures",
    "captions_clip": "CLIP interrogator",
    "captions_deepdanbooru": "DeepBooru interrogator",
    "check": "Dry run",
    "interrupt": "Interrupt batch",
    "resume": "Resume batch",
    "generate_hint": "Dry run shows what would happen, file by file. Generate runs it.",
    "column_file": "File",
    "column_mask": "Mask",
    "column_prompt": "Prompt",
    "column_size": "Size",
    "column_state": "State",
    "will_run": "will run",
    "caption_comes": "[caption of {who}]",
    "plan": "{run} of {count} files will run{output}{skipped}.",
    "plan_skipped": "; {count} skipped",
    "plan_output": " and go to {folder}",
    "state": "Batch {state}: {done} of {count} files{more}.",
    "state_failed": ", {count} failed",
    "state_skipped": ", {count} skipped",
    "progress": "{done} of {count} files",
    "more_rows": "and {count} more files",
    "no_files": "Choose the files of the batch first (tab Batch, Upload).",
    "no_folder": "Name the input directory of the batch first (tab Batch, From directory).",
    "none_yet": "there is no batch yet: run one first",
    "running": "running",
    "done": "done",
    "stopped": "interrupted",
    "failed": "failed",
    "skipped": "skipped",
    "waiting": "waiting",
    "caption": "asking the interrogator",
}

PNG_INFO_LABELS: Final = {
    "seed": "seed",
    "steps": "steps",
    "cfg_scale": "CFG",
    "sampler": "sampler",
    "checkpoint": "checkpoint",
}
