"""The A1111 settings about computing, old versions and work on finished pictures (ui 13).

Rows are read as in `jobs/picture_options.py`.
"""

from __future__ import annotations

from typing import Final

from jobs.option import Option

_NO_FACES: Final = "There is no face restorer."

OPTIMISATION: Final = (
    Option(
        "cross_attention_optimization",
        "Automatic",
        "How attention is computed.",
        instead="It is always PyTorch's scaled dot product.",
    ),
    Option(
        "token_merging_ratio",
        0.0,
        "Token merging: share of tokens that self-attention merges.",
        lowest=0.0,
        highest=0.9,
        target="computing.token_merging",
        infotext="Token merging ratio",
    ),
    Option(
        "token_merging_ratio_img2img",
        0.0,
        "Token merging in img2img; 0 = the same.",
        lowest=0.0,
        highest=0.9,
        target="computing.token_merging_img2img",
    ),
    Option(
        "token_merging_ratio_hr",
        0.0,
        "Token merging in hires fix; 0 = the same.",
        lowest=0.0,
        highest=0.9,
        target="computing.token_merging_hr",
        infotext="Token merging ratio hr",
    ),
    Option(
        "pad_cond_uncond",
        False,
        "Pad prompt and negative prompt to equal length with empty chunks.",
        target="pad_conds",
        infotext="Pad conds",
    ),
    Option(
        "pad_cond_uncond_v0",
        False,
        "Repeat the negative prompt's last vector, or cut it, to the prompt's length.",
        target="pad_conds_v0",
        infotext="Pad conds v0",
    ),
    Option(
        "persistent_cond_cache",
        True,
        "Remember text embeddings between jobs.",
        target="computing.keep_texts",
    ),
    Option(
        "batch_cond_uncond",
        True,
        "Compute both sides of the guidance at once.",
        target="computing.batch_conds",
    ),
    Option(
        "fp8_storage",
        "Disable",
        "8-bit weights.",
        infotext="FP8 weight",
        instead="Weights have 16 or 32 bits.",
    ),
    Option(
        "cache_fp16_weight",
        False,
        "Keep 16-bit weights for LoRA.",
        instead="LoRAs work on the weights as loaded.",
    ),
)

COMPATIBILITY: Final = (
    Option("auto_backcompat", True, "Follow the version in pasted infotexts.", honoured=True),
    Option(
        "use_old_scheduling",
        False,
        "Prompt editing as before 1.6: numbers below 1 are fractions.",
        target="old_prompt_editing",
        infotext="Old prompt editing timelines",
    ),
    Option(
        "use_old_karras_scheduler_sigmas",
        False,
        "Schedules from sigma 10 to 0.1, as in 2022.",
        target="tuning.old_sigma_range",
        infotext="Old sigma range",
    ),
    Option(
        "use_old_hires_fix_width_height",
        False,
        "Hires fix as in 2022: width and height are the finished picture's.",
        honoured=True,
    ),
    Option(
        "use_downcasted_alpha_bar",
        False,
        "Noise levels in half precision, as before 1.7.",
        target="tuning.downcast_alphas",
        infotext="Downcast alphas_cumprod",
    ),
    Option(
        "no_dpmpp_sde_batch_determinism",
        False,
        "SDE noise depends on the batch size.",
        instead="A seed always gives its picture.",
    ),
    Option(
        "dont_fix_second_order_samplers_schedule",
        False,
        "Prompt editing as before 1.5: second-order samplers count steps like all others.",
        target="texts.undoubled_editing",
        infotext="Undoubled prompt editing",
    ),
)

FACES: Final = (
    Option(
        "face_restoration",
        False,
        "Restore faces.",
        infotext="Face restoration",
        instead=_NO_FACES,
    ),
    Option("face_restoration_model", "CodeFormer", "CodeFormer or GFPGAN.", instead=_NO_FACES),
    Option(
        "code_former_weight",
        0.5,
        "CodeFormer: 0 = strongest.",
        lowest=0.0,
        highest=1.0,
        instead=_NO_FACES,
    ),
    Option(
        "face_restoration_unload", False, "Move the model to RAM afterwards.", instead=_NO_FACES
    ),
    Option(
        "ESRGAN_tile",
        192,
        "Side of the tiles in which upscalers work, in pixels; 0 = the whole picture at once.",
        lowest=0,
        highest=4096,
        target="upscaler_tile",
    ),
    Option(
        "ESRGAN_tile_overlap",
        8,
        "How far the tiles of upscalers overlap, in pixels.",
        lowest=0,
        highest=1024,
        target="upscaler_tile_overlap",
    ),
)
