"""The A1111 settings that change pictures, one row each (api 3.3, behaviour 17, ui 13).

A row without `target` and without `honoured` is kept for clients that read or write the key, and
changes nothing yet; docs/settings.md lists it so.
"""

from __future__ import annotations

from typing import Final

from jobs.option import Guard, Option

STABLE_DIFFUSION: Final = (
    Option(
        "sd_model_checkpoint",
        "",
        "The selected checkpoint: title, name or hash; empty = the built-in one.",
        target="checkpoint",
        infotext="Model hash",
    ),
    Option("sd_checkpoint_hash", "", "SHA-256 of the selected checkpoint.", guard=Guard.DERIVED),
    Option("sd_checkpoints_limit", 1, "Checkpoints kept loaded at the same time."),
    Option("sd_checkpoints_keep_in_cpu", True, "Keep only one of them on the GPU."),
    Option("sd_checkpoint_cache", 0, "Checkpoints cached in RAM."),
    Option(
        "sd_vae",
        "Automatic",
        "VAE file; Automatic = the one named like the checkpoint, None = the checkpoint's own.",
        target="vae",
        infotext="VAE",
    ),
    Option("sd_vae_overrides_per_model_preferences", True, "sd_vae wins over a model's own."),
    Option("sd_vae_checkpoint_cache", 0, "VAEs cached in RAM."),
    Option("auto_vae_precision", True, "Repeat a failed decoding in 32 bits."),
    Option("auto_vae_precision_bfloat16", False, "Repeat a failed decoding in bfloat16."),
    Option("sd_vae_encode_method", "Full", "Full or TAESD.", infotext="VAE Encoder"),
    Option("sd_vae_decode_method", "Full", "Full or TAESD.", infotext="VAE Decoder"),
    Option("sd_unet", "Automatic", "Replacement of the U-Net."),
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
    Option("enable_prompt_comments", True, "A # starts a comment in prompts."),
    Option("enable_batch_seeds", True, "Each picture of a batch has its own seed."),
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
    Option("sdxl_clip_l_skip", False, "Clip skip for SDXL's small text encoder, too."),
    Option("sdxl_crop_top", 0, "SDXL crop coordinate."),
    Option("sdxl_crop_left", 0, "SDXL crop coordinate."),
    Option("sdxl_refiner_low_aesthetic_score", 2.5, "SDXL refiner, negative prompt."),
    Option("sdxl_refiner_high_aesthetic_score", 6.0, "SDXL refiner, prompt."),
    Option("upcast_attn", False, "Compute attention in 32 bits."),
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
    Option("hires_fix_use_firstpass_conds", False, "Hires fix: same text conditioning."),
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
    Option("hide_samplers", (), "Samplers that the page does not list."),
    _tuning("eta_ddim", 0.0, 1.0, "eta_ddim", "Eta DDIM", "Noise multiplier of DDIM."),
    _tuning("eta_ancestral", 1.0, 1.0, "eta_ancestral", "Eta", "Noise multiplier of the others."),
    Option("ddim_discretize", "uniform", "Timesteps of DDIM: uniform or quad."),
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

OPTIMISATION: Final = (
    Option("cross_attention_optimization", "Automatic", "Attention; always scaled dot product."),
    Option("token_merging_ratio", 0.0, "Token merging.", infotext="Token merging ratio"),
    Option("token_merging_ratio_img2img", 0.0, "Token merging in img2img; 0 = the same."),
    Option("token_merging_ratio_hr", 0.0, "Token merging in hires fix; 0 = the same."),
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
    Option("persistent_cond_cache", True, "Remember text embeddings between jobs."),
    Option("batch_cond_uncond", True, "Compute both sides of the guidance at once."),
    Option("fp8_storage", "Disable", "8-bit weights.", infotext="FP8 weight"),
    Option("cache_fp16_weight", False, "Keep 16-bit weights for LoRA."),
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
    Option("no_dpmpp_sde_batch_determinism", False, "SDE noise depends on the batch size."),
    Option("dont_fix_second_order_samplers_schedule", False, "Prompt editing as before 1.5."),
)

FACES: Final = (
    Option("face_restoration", False, "Restore faces.", infotext="Face restoration"),
    Option("face_restoration_model", "CodeFormer", "CodeFormer or GFPGAN."),
    Option("code_former_weight", 0.5, "CodeFormer: 0 = strongest.", lowest=0.0, highest=1.0),
    Option("face_restoration_unload", False, "Move the model to RAM afterwards."),
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
