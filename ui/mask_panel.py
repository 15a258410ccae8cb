"""The panel under the tabs with a mask: masks by name, from a file, to a file. No behaviour."""

from __future__ import annotations

from dataclasses import dataclass

import gradio as gr

from ui.texts import LABELS


@dataclass(frozen=True)
class MaskPanel:
    """The elements of the panel; `name` is both what is typed and what is chosen.

    `files` holds the two buttons that Inpaint upload, with its own field for the file, needs not.
    """

    name: gr.Dropdown
    save: gr.Button
    load: gr.Button
    delete: gr.Button
    files: gr.Row
    download: gr.Button
    upload: gr.UploadButton


def build_mask_panel() -> MaskPanel:
    """Make the panel where this is called, closed."""
    with gr.Accordion(LABELS["masks"], open=False, elem_id="img2img_masks"):
        with gr.Row():
            name = gr.Dropdown(
                [],
                value=None,
                allow_custom_value=True,
                label=LABELS["mask_name"],
                info=LABELS["mask_name_info"],
                elem_id="img2img_mask_name",
            )
        with gr.Row():
            buttons = {
                act: gr.Button(
                    LABELS[f"mask_{act}"], size="sm", min_width=70, elem_id=f"img2img_mask_{act}"
                )
                for act in ("save", "load", "delete")
            }
        with gr.Row(elem_id="img2img_mask_files") as files:
            download = gr.Button(
                LABELS["mask_download"], size="sm", min_width=70, elem_id="img2img_mask_download"
            )
            upload = gr.UploadButton(
                LABELS["mask_upload"],
                size="sm",
                min_width=110,
                file_types=["image"],
                elem_id="img2img_mask_upload",
            )
    return MaskPanel(name, files=files, download=download, upload=upload, **buttons)
