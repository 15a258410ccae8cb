"""The keys of the infotext: their order, and which request field each stands for (behaviour 10.2).

Writing is in infotext.py, reading in infotext_parse.py and infotext_apply.py.
"""

from __future__ import annotations

FIXED_SLOTS: tuple[str, ...] = (
    "Steps",
    "Sampler",
    "Schedule type",
    "CFG scale",
    "Image CFG scale",
    "Seed",
    "Face restoration",
    "Size",
    "Model hash",
    "Model",
    "FP8 weight",
    "Cache FP16 weight for LoRA",
    "VAE hash",
    "VAE",
    "Variation seed",
    "Variation seed strength",
    "Seed resize from",
    "Denoising strength",
    "Conditional mask weight",
    "Clip skip",
    "ENSD",
    "Token merging ratio",
    "Token merging ratio hr",
    "Init image hash",
    "RNG",
    "Tiling",
)
"""Keys that always come first, in this order."""

EXTRA_SLOTS: tuple[str, ...] = (
    "Mask mode",
    "Mask blur",
    "Inpaint area",
    "Masked area padding",
    "Masked content",
    "VAE Encoder",
    "Lora hashes",
    "Hypernet hashes",
    "Old prompt editing timelines",
    "TI hashes",
    "Emphasis",
    "Downcast alphas_cumprod",
    "Noise Schedule",
    "Noise multiplier",
    "Discard penultimate sigma",
    "Schedule min sigma",
    "Schedule max sigma",
    "Schedule rho",
    "Beta schedule alpha",
    "Beta schedule beta",
    "Extra noise",
    "Eta",
    "Eta DDIM",
    "Sigma churn",
    "Sigma tmin",
    "Sigma tmax",
    "Sigma noise",
    "SGM noise multiplier",
    "Skip Early CFG",
    "NGMS",
    "NGMS all steps",
    "Refiner",
    "Refiner switch at",
    "Hires refiner",
    "Refiner switch by sampling steps",
    "Pad conds",
    "Pad conds v0",
    "VAE Decoder",
)
"""A1111's extra parameters in the order they are made; those of scripts come before them."""

SOFT_FIELDS: dict[str, str] = {
    "Soft inpainting schedule bias": "schedule_bias",
    "Soft inpainting preservation strength": "preservation_strength",
    "Soft inpainting transition contrast boost": "transition_contrast_boost",
    "Soft inpainting mask influence": "mask_influence",
    "Soft inpainting difference threshold": "difference_threshold",
    "Soft inpainting difference contrast": "difference_contrast",
}
"""Keys of SoftInpaint; all are written when it is enabled."""

SOFT_ENABLED = "Soft inpainting enabled"

HIRES_SLOTS: tuple[str, ...] = (
    "Hires upscale",
    "Hires resize",
    "Hires steps",
    "Hires upscaler",
    "Hires checkpoint",
    "Hires sampler",
    "Hires schedule type",
    "Hires prompt",
    "Hires negative prompt",
)
"""A1111's keys of the second pass, in this order after those of scripts."""

TUNING_FIELDS: dict[str, str] = {
    "Noise multiplier": "initial_noise_multiplier",
    "Discard penultimate sigma": "discard_penultimate_sigma",
    "Schedule min sigma": "sigma_min",
    "Schedule max sigma": "sigma_max",
    "Schedule rho": "rho",
    "Beta schedule alpha": "beta_alpha",
    "Beta schedule beta": "beta_beta",
    "Extra noise": "extra_noise",
    "Eta": "eta_ancestral",
    "Eta DDIM": "eta_ddim",
    "Sigma churn": "s_churn",
    "Sigma tmin": "s_tmin",
    "Sigma tmax": "s_tmax",
    "Sigma noise": "s_noise",
    "SGM noise multiplier": "sgm_noise_multiplier",
    "Skip Early CFG": "skip_early_cfg",
    "NGMS": "ngms",
    "NGMS all steps": "ngms_all_steps",
    "Downcast alphas_cumprod": "downcast_alphas",
    "Noise Schedule": "trained_noise",
}
"""A1111's keys of SamplerTuning; each is written when its value is not the default."""

OWN_TUNING_FIELDS: dict[str, str] = {
    "Quantize timesteps": "quantize_timesteps",
    "Old sigma range": "old_sigma_range",
    "UniPC variant": "unipc_variant",
    "UniPC skip type": "unipc_skip",
    "UniPC order": "unipc_order",
    "UniPC lower order final": "unipc_lower_order_final",
}
"""Our keys of SamplerTuning; A1111 reads those of UniPC and writes none of them."""

REQUEST_FIELDS: dict[str, str] = {
    "Old prompt editing timelines": "old_prompt_editing",
    "Pad conds": "pad_conds",
    "Pad conds v0": "pad_conds_v0",
}
"""A1111's keys of Img2ImgRequest, written when they are not the default."""

START_STEP_FIELDS: dict[str, str] = {
    "Start at step": "start_at_step",
    "End at step": "end_at_step",
    "Add noise": "add_noise",
    "Leftover noise": "return_with_leftover_noise",
}
"""Our keys of Sampling that count in the start_at_step semantics only."""

OWN_REQUEST_FIELDS: dict[str, str] = {
    "Background color": "background_color",
    "Color correction": "color_correction",
    "Comma backtrack": "comma_backtrack",
    "Upscaler for img2img": "upscaler",
}
"""Our keys of fields that A1111 does not record, written when they are not the default."""

TEXT_FIELDS: dict[str, str] = {
    "Prompt comments": "comments",
    "Undoubled prompt editing": "undoubled_editing",
    "Hires conds of first pass": "first_pass_networks",
}
"""Our keys of TextRules, which A1111 does not record, written when they are not the default."""

MERGING_FIELDS: dict[str, str] = {
    "Token merging ratio": "token_merging",
    "Token merging ratio hr": "token_merging_hr",
    "Token merging ratio img2img": "token_merging_img2img",
}
"""Keys of Computing; the last is never written, the first tells what was so."""

OWN_INPAINT_FIELDS: dict[str, str] = {
    "Mask blur x": "blur_x",
    "Mask blur y": "blur_y",
    "Mask rounding": "round",
}

LIBRARIES = "Libraries"
"""Library versions and the device, where the setting asks for them; told, not applied."""

OUTPAINT = "Outpaint anchor"
"""Where the picture stays when the mode of resizing is to outpaint; ours."""

MASK_HASH = "Mask hash"
"""Which mask was used (`masks.fingerprint`); it sets nothing, the page compares it."""

OWN_SLOTS: tuple[str, ...] = (
    "Step semantics",
    "Executed steps",
    *START_STEP_FIELDS,
    "Resize mode",
    OUTPAINT,
    *OWN_INPAINT_FIELDS,
    MASK_HASH,
    "Overlay inpaint",
    *OWN_REQUEST_FIELDS,
    *TEXT_FIELDS,
    *OWN_TUNING_FIELDS,
)
"""Our keys, where a job leaves what A1111 can say; they stand between its extras and Version."""

POSTPROCESS: tuple[str, ...] = (
    "Postprocess upscale by",
    "Postprocess upscale to-1",
    "Postprocess upscale to-2",
    "Postprocess max side length",
    "Postprocess upscaler",
    "Postprocess upscaler 2",
    "Postprocess upscaler 2 visibility",
)
"""What Extras did to the finished picture."""

LAST_SLOTS: tuple[str, ...] = ("Version", "User")

INVERSION_FIELDS = {
    "Decode prompt": "prompt",
    "Decode negative prompt": "negative_prompt",
    "Decode CFG scale": "cfg_scale",
    "Decode steps": "steps",
    "Randomness": "randomness",
    "Sigma Adjustment": "adjusted",
}
"""Keys of the script "img2img alternative test" (behaviour 12.6), to fields of Inversion."""

INFORMATIVE = frozenset(
    {
        "Batch pos",
        "Batch size",
        "Executed steps",
        "First pass size-1",
        "First pass size-2",
        "Hypernet",
        "Hypernet hash",
        "Hypernet hashes",
        "Hypernet strength",
        "Init image hash",
        LIBRARIES,
        "Lora hashes",
        MASK_HASH,
        "Model",
        "Model hash",
        *POSTPROCESS,
        "TI hashes",
        "User",
        "VAE",
        "VAE hash",
        "Version",
    }
)
"""Keys that name things, tell facts or were translated; they set no request field themselves."""

INPAINT_KEYS = frozenset(
    {
        "Mask mode",
        "Mask blur",
        "Inpaint area",
        "Masked area padding",
        "Masked content",
        SOFT_ENABLED,
        *SOFT_FIELDS,
        *OWN_INPAINT_FIELDS,
        MASK_HASH,
    }
)
"""Keys that only a picture made with a mask has."""

DEFAULTS: dict[str, str] = {
    "Clip skip": "1",
    "Hires resize-1": "0",
    "Hires resize-2": "0",
    "Hires sampler": "Use same sampler",
    "Hires schedule type": "Use same scheduler",
    "Hires checkpoint": "Use same checkpoint",
    "Hires prompt": "",
    "Hires negative prompt": "",
    "Mask mode": "Inpaint masked",
    "Masked content": "original",
    "Inpaint area": "Whole picture",
    "Masked area padding": "32",
    "RNG": "GPU",
    "Schedule type": "Automatic",
    "Schedule max sigma": "0",
    "Schedule min sigma": "0",
    "Schedule rho": "0",
    "VAE Encoder": "Full",
    "VAE Decoder": "Full",
    "FP8 weight": "Disable",
    "Refiner switch by sampling steps": "False",
}
"""What a missing key means (behaviour 10.4)."""
