"""Every text the page shows, in one place, ready for translation. Keys of tooltips are element ids.

Labels of A1111's controls keep A1111's wording, because people and guides refer to them.
"""

from __future__ import annotations

from typing import Final

TITLE: Final = "Overpaint"

LABELS: Final = {
    "checkpoint": "Stable Diffusion checkpoint",
    "prompt": "Prompt",
    "prompt_placeholder": "Prompt  (Ctrl+Enter generates, Alt+Enter skips, Esc interrupts)",
    "negative_prompt": "Negative prompt",
    "negative_placeholder": "Negative prompt: what the picture should not show",
    "generate": "Generate",
    "interrupt": "Interrupt",
    "skip": "Skip",
    "interrupting": "Interrupting...",
    "tab_img2img": "img2img",
    "tab_inpaint_upload": "Inpaint upload",
    "tab_png_info": "PNG Info",
    "image": "Image for img2img",
    "inpaint_base": "Image for img2img",
    "inpaint_mask": "Mask (white = repaint)",
    "resize_mode": "Resize mode",
    "mask_blur": "Mask blur",
    "mask_mode": "Mask mode",
    "masked_content": "Masked content",
    "inpaint_area": "Inpaint area",
    "padding": "Only masked padding, pixels",
    "sampler": "Sampling method",
    "scheduler": "Schedule type",
    "steps": "Sampling steps",
    "semantics": "Steps mean",
    "start_at_step": "Start at step",
    "end_at_step": "End at step",
    "add_noise": "Add noise",
    "leftover_noise": "Return with leftover noise",
    "resize_to": "Resize to",
    "resize_by": "Resize by",
    "width": "Width",
    "height": "Height",
    "scale": "Scale",
    "batch_count": "Batch count",
    "batch_size": "Batch size",
    "cfg": "CFG Scale",
    "denoise": "Denoising strength",
    "seed": "Seed",
    "extra": "Extra",
    "subseed": "Variation seed",
    "subseed_strength": "Variation strength",
    "seed_width": "Resize seed from width",
    "seed_height": "Resize seed from height",
    "override_settings": "Override settings",
    "send_to_img2img": "Send to img2img",
    "send_to_inpaint_upload": "Send to Inpaint upload",
    "pnginfo_image": "Picture with generation data",
}

CHOICES: Final = {
    "resize_mode": (
        "Just resize",
        "Crop and resize",
        "Resize and fill",
        "Just resize (latent upscale)",
    ),
    "mask_mode": ("Inpaint masked", "Inpaint not masked"),
    "masked_content": ("fill", "original", "latent noise", "latent nothing"),
    "inpaint_area": ("Whole picture", "Only masked"),
    "semantics": (
        ("A1111: strength x steps", "a1111"),
        ("Exactly this many steps", "exact"),
        ("Start at step (ComfyUI advanced)", "start_at_step"),
        ("diffusers: strength x steps", "diffusers"),
    ),
}

TOOLTIPS: Final = {
    "img2img_paste": "Read generation parameters from the prompt, or from the last picture if the "
    "prompt is empty",
    "img2img_clear_prompt": "Empty both prompts",
    "refresh_sd_model_checkpoint": "Look for checkpoints again",
    "img2img_res_switch_btn": "Swap width and height",
    "img2img_detect_image_size_btn": "Take the size of the picture above",
    "img2img_random_seed": "Random seed: set it to -1",
    "img2img_reuse_seed": "Take the seed of the selected picture",
    "img2img_random_subseed": "Random variation seed: set it to -1",
    "img2img_reuse_subseed": "Take the variation seed of the selected picture",
    "img2img_send_to_img2img": "Use the selected picture on the img2img tab",
    "img2img_send_to_inpaint_upload": "Use the selected picture on the Inpaint upload tab",
    "img2img_mask_blur": "How far the mask's edge is softened before work, in pixels",
    "img2img_denoising_strength": "0 leaves the picture as it is, 1 has little to do with it",
    "img2img_cfg_scale": "How strictly the prompt is followed",
    "img2img_steps": "More steps take longer; the line below says how many will run",
    "img2img_batch_count": "How many batches are made, one after the other",
    "img2img_batch_size": "How many pictures are made at once; costs memory",
    "img2img_inpaint_full_res_padding": "Context around the mask that the model sees, in pixels",
    "img2img_scale": "Factor on the size of the picture above",
}

MESSAGES: Final = {
    "no_image": "There is no picture to paint over: drop one on the {tab} tab first.",
    "no_mask": "There is no mask: drop one beside the picture (white = repaint).",
    "empty_gallery": "Results appear here. Drop a picture on the left, write a prompt, press "
    "Generate.",
    "builtin": "No checkpoint was found in {folder}, so the small built-in one is used "
    "({width}x{height}, made for trying things out). To add your own: put .safetensors files or "
    "an A1111 models folder there, or start with --models-dir, then press the refresh button.",
    "queued": "In queue: {position}/{length}",
    "starting": "Starting the worker...",
    "sampling": "Step {step}/{steps}",
    "batch": "batch {batch}/{batches}, step {step}/{steps}",
    "saved": "{count} picture(s) in {seconds:.1f} s",
    "interrupted": "interrupted",
    "incomplete": "interrupted, not finished",
    "steps_line": "Will run <strong>{executed}</strong> of {steps} steps.",
    "steps_identity": "Will run <strong>0</strong> steps: the prepared picture comes back as it "
    "is.",
    "no_image_selected": "No picture yet",
    "resize_line": "Resize: from {old_width}x{old_height} to {width}x{height}",
    "first_interrupt": "The picture in work is finished first; press again to stop at once.",
    "nothing_to_stop": "Nothing is running.",
    "no_infotext": "Neither the prompt nor your last picture holds generation parameters.",
    "no_metadata": "This picture carries no generation data.",
    "nothing_selected": "Select a picture first.",
    "model_missing": "The checkpoint {model} is not here; {current} is used.",
    "unknown_keys": "Not used, there is nothing like it here: {keys}",
    "field_error": "{label}: {problem}",
    "reattached": "Your running job was found again.",
    "download": "Download",
    "picture": "Picture",
    "seed_word": "seed",
    "progress": "Progress of the running job",
    "gallery": "Results",
}

FIELD_LABELS: Final = {
    "width": LABELS["width"],
    "height": LABELS["height"],
    "sampling.steps": LABELS["steps"],
    "sampling.cfg_scale": LABELS["cfg"],
    "sampling.denoising_strength": LABELS["denoise"],
    "sampling.start_at_step": LABELS["start_at_step"],
    "sampling.end_at_step": LABELS["end_at_step"],
    "batch_size": LABELS["batch_size"],
    "n_iter": LABELS["batch_count"],
    "seeds.seed": LABELS["seed"],
    "seeds.subseed": LABELS["subseed"],
    "seeds.subseed_strength": LABELS["subseed_strength"],
    "seeds.resize_from_width": LABELS["seed_width"],
    "seeds.resize_from_height": LABELS["seed_height"],
    "inpaint.blur_x": LABELS["mask_blur"],
    "inpaint.blur_y": LABELS["mask_blur"],
    "inpaint.padding": LABELS["padding"],
    "prompt": LABELS["prompt"],
    "negative_prompt": LABELS["negative_prompt"],
}
