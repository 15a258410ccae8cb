"""The A1111 settings that change pictures, one row each (api 3.3, behaviour 17, ui 13).

A row without `target` and without `honoured` is kept for clients that read or write the key, and
changes nothing yet, or with `instead` never will; docs/settings.md lists it so.
"""

from __future__ import annotations

from typing import Final

from jobs.option import Guard, Option

_NO_SDXL: Final = "SDXL is not supported."
_NO_TAESD: Final = "It is always the full VAE."

STABLE_DIFFUSION: Final = (
    Option(
        "sd_model_checkpoint",
        "",
        "The selected checkpoint: title, name or hash; empty = the built-in one.",
        target="checkpoint",
        infotext="Model hash",
    ),
    Option("sd_checkpoint_hash", "", "SHA-256 of the selected checkpoint.", guard=Guard.DERIVED),
    Option(
        "sd_checkpoints_limit", 1, "Checkpoints kept loaded at the same time.", 1, 20, honoured=True
    ),
    Option(
        "sd_checkpoints_keep_in_cpu",
        True,
        "Of these, those that a job does not need leave the GPU for the RAM.",
        honoured=True,
    ),
    Option(
        "sd_checkpoint_cache",
        0,
        "The same told as how many others are kept; the larger number counts.",
        0,
        20,
        honoured=True,
    ),
    Option(
        "sd_vae",
        "Automatic",
        "VAE file; Automatic = the one named like the checkpoint, None = the checkpoint's own.",
        target="vae",
        infotext="VAE",
    ),
    Option(
        "sd_vae_overrides_per_model_preferences",
        True,
        "sd_vae wins over a file named like the checkpoint.",
        target="vae_wins",
    ),
    Option(
        "sd_vae_checkpoint_cache",
        0,
        "VAEs cached in RAM.",
        instead="A VAE is read when it is used.",
    ),
    Option(
        "auto_vae_precision",
        True,
        "Repeat failed work of the VAE in 32 bits.",
        target="computing.vae_retry_float32",
    ),
    Option(
        "auto_vae_precision_bfloat16",
        False,
        "Repeat failed work of the VAE in bfloat16, and not in 32 bits.",
        target="computing.vae_retry_bfloat16",
    ),
    Option(
        "sd_vae_encode_method",
        "Full",
        "Full or TAESD.",
        infotext="VAE Encoder",
        instead=_NO_TAESD,
    ),
    Option(
        "sd_vae_decode_method",
        "Full",
        "Full or TAESD.",
        infotext="VAE Decoder",
        instead=_NO_TAESD,
    ),
    Option(
        "sd_unet",
        "Automatic",
        "Replacement of the U-Net.",
        instead="It is always the checkpoint's own.",
    ),
    Option(
        "emphasis",
        "Original",
        "How (word:1.2) acts on the text embedding.",
        choices=("None", "Ignore", "Original", "No norm"),
        target="emphasis",
        infotext="Emphasis",
    ),
    Option(
        "comma_padding_backtrack",
        20,
        "Tokens to look back for a comma when a prompt chunk is full.",
        lowest=0,
        highest=74,
        target="comma_backtrack",
    ),
    Option(
        "enable_prompt_comments",
        True,
        "A # starts a comment in prompts.",
        target="texts.comments",
        infotext="Prompt comments",
    ),
    Option(
        "enable_batch_seeds",
        True,
        "A picture is the same alone and in a batch.",
        instead="It always is.",
    ),
    Option(
        "enable_quantization",
        False,
        "Round sigmas to whole timesteps.",
        target="tuning.quantize_timesteps",
    ),
    Option(
        "CLIP_stop_at_last_layers",
        1,
        "Clip skip: how many layers from the end the text embedding is taken.",
        lowest=1,
        highest=12,
        target="clip_skip",
        infotext="Clip skip",
    ),
    Option(
        "sdxl_clip_l_skip",
        False,
        "Clip skip for SDXL's small text encoder, too.",
        instead=_NO_SDXL,
    ),
    Option("sdxl_crop_top", 0, "SDXL crop coordinate.", instead=_NO_SDXL),
    Option("sdxl_crop_left", 0, "SDXL crop coordinate.", instead=_NO_SDXL),
    Option(
        "sdxl_refiner_low_aesthetic_score",
        2.5,
        "SDXL refiner, negative prompt.",
        instead=_NO_SDXL,
    ),
    Option("sdxl_refiner_high_aesthetic_score", 6.0, "SDXL refiner, prompt.", instead=_NO_SDXL),
    Option(
        "upcast_attn",
        False,
        "Compute attention in 32 bits.",
        target="computing.upcast_attention",
    ),
    Option(
        "randn_source",
        "GPU",
        "Where noise comes from.",
        choices=("GPU", "CPU", "NV"),
        target="seeds.source",
        infotext="RNG",
    ),
    Option("tiling", False, "Make pictures that can be tiled.", target="tiling", infotext="Tiling"),
    Option(
        "refiner_switch_by_sample_steps", False, "Switch to the refiner by steps.", honoured=True
    ),
    Option(
        "hires_fix_refiner_pass",
        "second pass",
        "Pass the refiner joins.",
        choices=("first pass", "second pass", "both passes"),
        honoured=True,
    ),
    Option(
        "hires_fix_use_firstpass_conds",
        False,
        "Hires fix: encode its prompts with the LoRAs of the first pass.",
        target="texts.first_pass_networks",
        infotext="Hires conds of first pass",
    ),
)

IMG2IMG: Final = (
    Option(
        "inpainting_mask_weight",
        1.0,
        "Mask strength for inpainting checkpoints.",
        lowest=0.0,
        highest=1.0,
        target="inpainting_mask_weight",
        infotext="Conditional mask weight",
    ),
    Option(
        "initial_noise_multiplier",
        1.0,
        "Factor of the start noise.",
        lowest=0.0,
        highest=1.5,
        target="tuning.initial_noise_multiplier",
        infotext="Noise multiplier",
    ),
    Option(
        "img2img_extra_noise",
        0.0,
        "Noise added on top before sampling.",
        lowest=0.0,
        highest=1.0,
        target="tuning.extra_noise",
        infotext="Extra noise",
    ),
    Option(
        "img2img_color_correction",
        False,
        "Match the colours of the result to the init image.",
        target="color_correction",
    ),
    Option(
        "img2img_fix_steps",
        False,
        "Run exactly the steps that were asked for (step semantics `exact`).",
        target="sampling.semantics",
    ),
    Option(
        "img2img_background_color",
        "#ffffff",
        "What lies under transparent init images, as #rrggbb.",
        pattern=r"#[0-9a-fA-F]{6}",
        target="background_color",
    ),
    Option(
        "overlay_inpaint",
        True,
        "Paste the original back outside the mask.",
        target="overlay_inpaint",
    ),
    Option("return_mask", False, "Give the mask back, too.", honoured=True),
    Option(
        "return_mask_composite",
        False,
        "Give back, too, what was painted, cut out.",
        honoured=True,
    ),
    Option("upscaler_for_img2img", "None", "Upscaler for enlarged init images.", target="upscaler"),
)


def _tuning(
    key: str, default: float, highest: float, field: str, infotext: str, text: str
) -> Option:
    """A sampler parameter between 0 and `highest`."""
    target = f"tuning.{field}"
    return Option(key, default, text, 0.0, highest, target=target, infotext=infotext)


SAMPLER_PARAMETERS: Final = (
    Option(
        "hide_samplers",
        (),
        "Samplers that the page does not list.",
        honoured=True,
        restart=True,
    ),
    _tuning("eta_ddim", 0.0, 1.0, "eta_ddim", "Eta DDIM", "Noise multiplier of DDIM."),
    _tuning("eta_ancestral", 1.0, 1.0, "eta_ancestral", "Eta", "Noise multiplier of the others."),
    Option(
        "ddim_discretize",
        "uniform",
        "Timesteps of DDIM: uniform or quad.",
        instead="They are always uniform.",
    ),
    _tuning("s_churn", 0.0, 100.0, "s_churn", "Sigma churn", "Noise added in each step."),
    _tuning("s_tmin", 0.0, 100.0, "s_tmin", "Sigma tmin", "Lowest sigma with churn."),
    _tuning("s_tmax", 0.0, 999.0, "s_tmax", "Sigma tmax", "Highest sigma with churn; 0 = any."),
    _tuning("s_noise", 1.0, 2.0, "s_noise", "Sigma noise", "Factor of added noise."),
    _tuning("sigma_min", 0.0, 100.0, "sigma_min", "Schedule min sigma", "0 = the model's."),
    _tuning("sigma_max", 0.0, 10000.0, "sigma_max", "Schedule max sigma", "0 = the model's."),
    _tuning("rho", 0.0, 100.0, "rho", "Schedule rho", "0 = the schedule's."),
    Option(
        "eta_noise_seed_delta",
        0,
        "Added to the seed of the noise within sampling (ENSD).",
        lowest=-(2**31),
        highest=2**31 - 1,
        target="seeds.ensd",
        infotext="ENSD",
    ),
    Option(
        "always_discard_next_to_last_sigma",
        False,
        "Drop the last but one sigma of every schedule.",
        target="tuning.discard_penultimate_sigma",
        infotext="Discard penultimate sigma",
    ),
    Option(
        "sgm_noise_multiplier",
        False,
        "Start txt2img with SGM's noise level.",
        target="tuning.sgm_noise_multiplier",
        infotext="SGM noise multiplier",
    ),
    Option(
        "uni_pc_variant",
        "bh1",
        "UniPC: how a step weighs its predictions.",
        choices=("bh1", "bh2", "vary_coeff"),
        target="tuning.unipc_variant",
        infotext="UniPC variant",
    ),
    Option(
        "uni_pc_skip_type",
        "time_uniform",
        "UniPC: over what its timesteps are even.",
        choices=("time_uniform", "time_quadratic", "logSNR"),
        target="tuning.unipc_skip",
        infotext="UniPC skip type",
    ),
    Option(
        "uni_pc_order",
        3,
        "UniPC: order.",
        lowest=1,
        highest=50,
        target="tuning.unipc_order",
        infotext="UniPC order",
    ),
    Option(
        "uni_pc_lower_order_final",
        True,
        "UniPC: lower order at the end.",
        target="tuning.unipc_lower_order_final",
        infotext="UniPC lower order final",
    ),
    Option(
        "sd_noise_schedule",
        "Default",
        "Noise levels: the checkpoint's, or stretched until the last one is nothing but noise.",
        choices=("Default", "Zero Terminal SNR"),
        target="tuning.trained_noise",
        infotext="Noise Schedule",
    ),
    Option(
        "beta_dist_alpha",
        0.6,
        "Beta schedule: alpha.",
        lowest=0.01,
        highest=5.0,
        target="tuning.beta_alpha",
        infotext="Beta schedule alpha",
    ),
    Option(
        "beta_dist_beta",
        0.6,
        "Beta schedule: beta.",
        lowest=0.01,
        highest=5.0,
        target="tuning.beta_beta",
        infotext="Beta schedule beta",
    ),
    _tuning("skip_early_cond", 0.0, 1.0, "skip_early_cfg", "Skip Early CFG", "Share of steps."),
    _tuning("s_min_uncond", 0.0, 15.0, "ngms", "NGMS", "No negative guidance below this sigma."),
    Option(
        "s_min_uncond_all",
        False,
        "NGMS in every step, not in every second one.",
        target="tuning.ngms_all_steps",
        infotext="NGMS all steps",
    ),
)
