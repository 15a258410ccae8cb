"""The elements of the Batch tab (ui 4.3); what they do is in `ui.batch_panel`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from scripts.batch_plan import PNG_INFO_FIELDS
from scripts.folders import FolderPolicy
from ui.texts_batch import BATCH

CAPTION_CHOICES = ("none", "files", "clip", "deepdanbooru")


@dataclass(frozen=True)
class BatchPanel:
    """The elements of the tab. `source` says which of its two sub-tabs is in front."""

    source: gr.State
    source_tabs: Sequence[gr.Tab]
    files: gr.File
    masks: gr.File
    input_dir: gr.Textbox
    output_dir: gr.Textbox
    mask_dir: gr.Textbox
    png_info: gr.Checkbox
    png_info_dir: gr.Textbox
    png_info_fields: gr.CheckboxGroup
    captions: gr.Radio
    check: gr.Button
    interrupt: gr.Button
    resume: gr.Button
    told: gr.HTML
    table: gr.HTML

    def settings(self) -> set[Any]:
        """What a batch is made of, as an event's inputs."""
        return {
            self.source,
            self.files,
            self.masks,
            self.input_dir,
            self.output_dir,
            self.mask_dir,
            self.png_info,
            self.png_info_dir,
            self.png_info_fields,
            self.captions,
        }


def build_batch(policy: FolderPolicy) -> BatchPanel:
    """Make the elements inside the Batch tab."""
    made: dict[str, Any] = {"source": gr.State("upload")}
    with gr.Tabs(elem_id="img2img_batch_source", selected="upload"):
        with gr.Tab(BATCH["upload_tab"], id="upload", elem_id="img2img_batch_upload_tab") as upload:
            made |= _uploads()
        with gr.Tab(
            BATCH["folder_tab"],
            id="folder",
            elem_id="img2img_batch_from_dir_tab",
            render_children=True,
        ) as folder:
            made |= _folders(policy)
    made["source_tabs"] = (upload, folder)
    made["output_dir"] = gr.Textbox(
        label=BATCH["output_dir"],
        placeholder=BATCH["output_hint"],
        interactive=folders_open(policy),
        elem_id="img2img_batch_output_dir",
    )
    made |= _png_info(policy)
    made["captions"] = gr.Radio(
        [(BATCH[f"captions_{name}"], name) for name in CAPTION_CHOICES],
        value="none",
        label=BATCH["captions"],
        elem_id="img2img_batch_captions",
    )
    gr.HTML(f"<p>{BATCH['generate_hint']}</p>")
    with gr.Row():
        for name in ("check", "interrupt", "resume"):
            made[name] = gr.Button(BATCH[name], size="sm", elem_id=f"img2img_batch_{name}")
    made["told"] = gr.HTML(elem_id="img2img_batch_told")
    made["table"] = gr.HTML(elem_id="img2img_batch_table")
    return BatchPanel(**made)


def _uploads() -> dict[str, Any]:
    return {
        "files": gr.File(
            file_count="multiple",
            file_types=["image", ".txt"],
            label=BATCH["files"],
            height=180,
            elem_id="img2img_batch_upload",
        ),
        "masks": gr.File(
            file_count="multiple",
            file_types=["image"],
            label=BATCH["masks"],
            height=150,
            elem_id="img2img_batch_upload_masks",
        ),
    }


def _folders(policy: FolderPolicy) -> dict[str, Any]:
    gr.HTML(
        f"<p>{BATCH['folder_help']}</p>{folder_rule(policy)}", elem_id="img2img_batch_folder_help"
    )
    return {
        name: gr.Textbox(
            label=BATCH[name], interactive=folders_open(policy), elem_id=f"img2img_batch_{elem_id}"
        )
        for name, elem_id in (("input_dir", "input_dir"), ("mask_dir", "inpaint_mask_dir"))
    }


def _png_info(policy: FolderPolicy) -> dict[str, Any]:
    with gr.Accordion(BATCH["png_info_panel"], open=False, elem_id="img2img_batch_png_info"):
        use = gr.Checkbox(False, label=BATCH["png_info"], elem_id="img2img_batch_use_png_info")
        folder = gr.Textbox(
            label=BATCH["png_info_dir"],
            placeholder=BATCH["png_info_hint"],
            interactive=folders_open(policy),
            elem_id="img2img_batch_png_info_dir",
        )
        names = gr.CheckboxGroup(
            list(PNG_INFO_FIELDS),
            value=["Prompt", "Negative prompt"],
            label=BATCH["png_info_fields"],
            elem_id="img2img_batch_png_info_fields",
        )
    return {"png_info": use, "png_info_dir": folder, "png_info_fields": names}


def folders_open(policy: FolderPolicy) -> bool:
    """Whether any folder of the server may be named."""
    return bool(policy.roots) or not policy.shared


def folder_rule(policy: FolderPolicy) -> str:
    """Which folders may be named, where not all of them may."""
    if policy.roots:
        names = ", ".join(str(Path(root)) for root in policy.roots)
        return f"<p>{BATCH['folder_help_roots'].format(roots=names)}</p>"
    return f"<p>{BATCH['folder_help_closed']}</p>" if policy.shared else ""
