"""Texts of the Extras tab (ui 12); `ui/texts.py` merges them."""

from __future__ import annotations

from typing import Final

LABELS: Final = {
    "tab_extras": "Extras",
    "send_to_extras": "Send to extras",
    "extras_single": "Single Image",
    "extras_batch": "Batch Process",
    "extras_folder": "Batch from Directory",
    "extras_image": "Source",
    "extras_files": "Batch Process",
    "extras_input_dir": "Input directory",
    "extras_output_dir": "Output directory",
    "extras_output_hint": "Leave empty to save images to the default path.",
    "extras_show_results": "Show result images",
    "extras_upscale": "Upscale",
    "extras_by": "Scale by",
    "extras_to": "Scale to",
    "factor": "Resize",
    "longest": "Max side length",
    "crop": "Crop to fit",
    "upscaler_1": "Upscaler 1",
    "upscaler_2": "Upscaler 2",
    "visibility_2": "Upscaler 2 visibility",
}

FIELD_LABELS: Final = {
    "extras.factor": LABELS["factor"],
    "extras.longest": LABELS["longest"],
    "extras.visibility_2": LABELS["visibility_2"],
    "factor": LABELS["factor"],
    "longest": LABELS["longest"],
    "visibility_2": LABELS["visibility_2"],
}

TOOLTIPS: Final = {
    "extras_upscale": "Enlarge the picture; no prompt and no checkpoint take part",
    "extras_upscaling_resize": "How many times larger the picture becomes",
    "extras_upscaling_max_side_length": "The longer side of the result is at most this; 0 is no "
    "bound",
    "extras_upscaling_crop": "Cut what sticks out of width and height; otherwise the picture "
    "covers them",
    "extras_upscaling_res_switch_btn": "Swap width and height",
    "extras_upscaler_1": "Filters, and the files in the models folders ESRGAN and RealESRGAN",
    "extras_upscaler_2": "A second upscaler whose result is mixed in",
    "extras_upscaler_2_visibility": "Share of the second upscaler's result",
    "extras_send_to_img2img": "Use the selected picture on the img2img tab",
    "extras_send_to_inpaint": "Use the selected picture on the Inpaint tab",
    "extras_send_to_inpaint_upload": "Use the selected picture on the Inpaint upload tab",
    "img2img_send_to_extras": "Enlarge the selected picture on the Extras tab",
    "txt2img_send_to_extras": "Enlarge the selected picture on the Extras tab",
}

MESSAGES: Final = {
    "extras_no_image": "There is no picture to enlarge: drop one on the Extras tab first.",
    "extras_no_files": "There are no pictures to enlarge: choose some files first.",
    "extras_empty_folder": "There are no pictures in {folder}: name another folder.",
    "extras_off": "Nothing would be done: tick Upscale and choose Upscaler 1.",
    "extras_line": "From {width}x{height} to {new_width}x{new_height}",
    "extras_tiles": "Tile {step}/{steps}",
    "extras_tiles_of": "Picture {batch}/{batches}, tile {step}/{steps}",
    "empty_gallery_extras": "Results appear here. Drop a picture on the left, press Generate.",
}
