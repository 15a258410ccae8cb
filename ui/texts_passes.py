"""Texts of txt2img, soft inpainting, refiner, hires fix and the VAE; `ui/texts.py` merges them."""

from __future__ import annotations

from typing import Final

LABELS: Final = {
    "send_to_txt2img": "Send to txt2img",
    "pnginfo_file": "or open a ComfyUI workflow (JSON) or a text file",
    "tab_txt2img": "txt2img",
    "vae": "SD VAE",
    "soft": "Soft inpainting",
    "soft_bias": "Schedule bias",
    "soft_preservation": "Preservation strength",
    "soft_contrast": "Transition contrast boost",
    "soft_influence": "Mask influence",
    "soft_threshold": "Difference threshold",
    "soft_difference": "Difference contrast",
    "refiner": "Refiner",
    "refiner_checkpoint": "Checkpoint",
    "refiner_switch_at": "Switch at",
    "tiling": "Tiling",
    "color_correction": "Color correction",
    "image_cfg": "Image CFG Scale",
    "hires": "Hires. fix",
    "hr_upscaler": "Upscaler",
    "hr_steps": "Hires steps",
    "hr_scale": "Upscale by",
    "hr_width": "Resize width to",
    "hr_height": "Resize height to",
    "hr_more": "Another checkpoint, sampler or prompt for the hires pass",
    "hr_checkpoint": "Hires checkpoint",
    "hr_sampler": "Hires sampling method",
    "hr_scheduler": "Hires schedule type",
    "hr_prompt": "Hires prompt",
    "hr_negative_prompt": "Hires negative prompt",
    "hr_same_prompt": "Empty: the same as in the first pass",
}

CHOICES: Final = {
    "same": ("Use same checkpoint", "Use same sampler", "Use same scheduler"),
}

TOOLTIPS: Final = {
    "setting_sd_vae": "Automatic takes the file named like the checkpoint, None the checkpoint's "
    "own VAE",
    "refresh_sd_vae": "Look for VAE files again",
    "soft_inpainting_enabled": "Blends old and new along the mask's soft edge; use a high mask "
    "blur with it",
    "mask_blend_power": "Above 1 the old content is kept in early steps, below 1 in late ones",
    "mask_blend_scale": "How much of the half-masked content is kept",
    "inpaint_detail_preservation": "Counters the loss of contrast where old and new are mixed",
    "composite_mask_influence": "How far the final blend follows the mask instead of the change",
    "composite_difference_threshold": "Where less than this has changed, the old pixels return",
    "composite_difference_contrast": "How sharply that is decided",
    "img2img_enable": "A second checkpoint takes over during sampling",
    "txt2img_enable": "A second checkpoint takes over during sampling",
    "img2img_checkpoint_refresh": "Look for checkpoints again",
    "txt2img_checkpoint_refresh": "Look for checkpoints again",
    "img2img_switch_at": "Share of the steps after which it takes over; 1 is never",
    "txt2img_switch_at": "Share of the steps after which it takes over; 1 is never",
    "img2img_tiling": "Make pictures that continue at their opposite edge",
    "txt2img_tiling": "Make pictures that continue at their opposite edge",
    "img2img_color_correction": "Match the colours of the result to the picture's",
    "img2img_image_cfg_scale": "How closely the picture is followed by InstructPix2Pix checkpoints",
    "txt2img_hr": "Make the picture small first, then enlarge it and paint over it",
    "txt2img_hires_steps": "Steps of the second pass; 0 is as many as in the first",
    "txt2img_denoising_strength": "How much the second pass changes the enlarged picture",
    "txt2img_hr_scale": "Used while both sizes at the right are 0",
    "txt2img_hr_resize_x": "Final width; 0 follows the height",
    "txt2img_hr_resize_y": "Final height; 0 follows the width",
    "txt2img_paste": "Read generation parameters from the prompt, or from the last picture if the "
    "prompt is empty",
    "txt2img_clear_prompt": "Empty both prompts",
    "txt2img_res_switch_btn": "Swap width and height",
    "txt2img_random_seed": "Random seed: set it to -1",
    "txt2img_reuse_seed": "Take the seed of the selected picture",
    "txt2img_random_subseed": "Random variation seed: set it to -1",
    "txt2img_reuse_subseed": "Take the variation seed of the selected picture",
    "txt2img_cfg_scale": "How strictly the prompt is followed",
    "txt2img_steps": "More steps take longer",
    "txt2img_batch_count": "How many batches are made, one after the other",
    "txt2img_batch_size": "How many pictures are made at once; costs memory",
    "txt2img_send_to_img2img": "Use the selected picture on the img2img tab",
    "txt2img_send_to_inpaint": "Use the selected picture on the Inpaint tab",
    "txt2img_send_to_inpaint_upload": "Use the selected picture on the Inpaint upload tab",
}

MESSAGES: Final = {
    "nothing_to_send": "There is nothing to send: drop a picture or a workflow first.",
    "workflow": "ComfyUI workflow",
    "workflow_steps": "{steps}; {executed} run ({meaning})",
    "workflow_left_out": "Not taken over:",
    "workflow_complete": "Everything was taken over.",
    "workflow_node": "The node {kind} is not read.",
    "workflow_picture": "The workflow paints over {name}: put that picture on the tab.",
    "workflow_too_large": "The file is larger than 20 MB; that is no workflow.",
    "no_text_file": "The file cannot be read as text: it must be a JSON or text file in UTF-8.",
    "raw_data": "All data of the file",
    "no_refiner": "Refiner: choose its checkpoint, or untick it.",
    "hires_line": "Hires: from {width}x{height} to {final_width}x{final_height}",
    "hires_impossible": "Hires: this size cannot be made; choose another scale or size",
    "hires_left_out": "The picture was made with a hires pass, which img2img has not: send it to "
    "txt2img to make it again.",
    "companion_missing": "The checkpoint {model} is not here; that pass is made without it.",
    "vae_missing": "The VAE {vae} is not here; {current} is used.",
    "empty_gallery_txt2img": "Results appear here. Write a prompt, press Generate.",
}

FIELD_LABELS: Final = {
    "sampling.image_cfg_scale": LABELS["image_cfg"],
    "refiner.checkpoint": LABELS["refiner_checkpoint"],
    "refiner.switch_at": LABELS["refiner_switch_at"],
    "hires.scale": LABELS["hr_scale"],
    "hires.resize_x": LABELS["hr_width"],
    "hires.resize_y": LABELS["hr_height"],
    "hires.upscaler": LABELS["hr_upscaler"],
    "hires.steps": LABELS["hr_steps"],
}
