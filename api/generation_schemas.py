"""The bodies of /img2img and /txt2img and their answers, under the names A1111 gave them (api 2).

Defaults are those of A1111's API, which are not those of its page. Fields without effect there are
here, too: they come back in `parameters`.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from api.wire import WireFloat, WireInt, WireModel, WireText


class GenerationRequest(WireModel):
    """What both calls share (api 2.1). The last five fields are Overpaint's own."""

    prompt: WireText = ""
    negative_prompt: WireText = ""
    styles: list[WireText] | None = None
    seed: WireInt = -1
    subseed: WireInt = -1
    subseed_strength: WireFloat = 0.0
    seed_resize_from_h: WireInt = -1
    seed_resize_from_w: WireInt = -1
    sampler_name: WireText | None = None
    scheduler: WireText | None = None
    batch_size: WireInt = 1
    n_iter: WireInt = 1
    steps: WireInt = 50
    cfg_scale: WireFloat = 7.0
    width: WireInt = 512
    height: WireInt = 512
    restore_faces: bool | None = None
    tiling: bool | None = None
    do_not_save_samples: bool = False
    do_not_save_grid: bool = False
    eta: WireFloat | None = None
    s_min_uncond: WireFloat | None = None
    s_churn: WireFloat | None = None
    s_tmax: WireFloat | None = None
    s_tmin: WireFloat | None = None
    s_noise: WireFloat | None = None
    override_settings: dict[str, Any] | None = None
    override_settings_restore_afterwards: bool = True
    refiner_checkpoint: WireText | None = None
    refiner_switch_at: WireFloat | None = None
    disable_extra_networks: bool = False
    firstpass_image: WireText | None = None
    comments: dict[str, Any] | None = None
    force_task_id: WireText | None = None
    sampler_index: WireText = "Euler"
    script_name: WireText | None = None
    script_args: list[Any] = Field(default_factory=list)
    send_images: bool = True
    save_images: bool = False
    alwayson_scripts: dict[str, Any] = Field(default_factory=dict)
    infotext: WireText | None = None
    clip_skip: WireInt | None = Field(None, description="CLIP_stop_at_last_layers for this call")
    step_semantics: WireText | None = Field(
        None, description="a1111, exact, start_at_step or diffusers; null = the setting's"
    )
    start_at_step: WireInt = Field(0, description="step_semantics start_at_step only")
    end_at_step: WireInt = Field(10000, description="step_semantics start_at_step only")
    add_noise: bool = Field(True, description="step_semantics start_at_step only")
    return_with_leftover_noise: bool = Field(False, description="step_semantics start_at_step only")


class StableDiffusionProcessingImg2Img(GenerationRequest):
    """Body of /sdapi/v1/img2img (api 2.2)."""

    init_images: list[WireText] | None = None
    resize_mode: WireInt = 0
    denoising_strength: WireFloat = 0.75
    image_cfg_scale: WireFloat | None = None
    mask: WireText | None = None
    mask_blur: WireInt | None = None
    mask_blur_x: WireInt = 4
    mask_blur_y: WireInt = 4
    mask_round: bool = True
    inpainting_fill: WireInt = 0
    inpaint_full_res: bool = True
    inpaint_full_res_padding: WireInt = 0
    inpainting_mask_invert: WireInt = 0
    initial_noise_multiplier: WireFloat | None = None
    latent_mask: WireText | None = None
    outpaint_anchor: WireText | None = Field(
        None,
        description="ours: keep the picture's size, here in width x height (top left, top, ... "
        "centre ... bottom right), and paint what is new; null = resize it",
    )
    include_init_images: bool = False


class StableDiffusionProcessingTxt2Img(GenerationRequest):
    """Body of /sdapi/v1/txt2img (api 2.3)."""

    enable_hr: bool = False
    denoising_strength: WireFloat | None = None
    firstphase_width: WireInt = 0
    firstphase_height: WireInt = 0
    hr_scale: WireFloat = 2.0
    hr_upscaler: WireText | None = None
    hr_second_pass_steps: WireInt = 0
    hr_resize_x: WireInt = 0
    hr_resize_y: WireInt = 0
    hr_checkpoint_name: WireText | None = None
    hr_sampler_name: WireText | None = None
    hr_scheduler: WireText | None = None
    hr_prompt: WireText = ""
    hr_negative_prompt: WireText = ""


class ImageToImageResponse(BaseModel):
    """Answer of /img2img."""

    images: list[str] | None = Field(None, description="The pictures as bare base64.")
    parameters: dict[str, Any] = Field(description="Every field of the request.")
    info: str = Field(description="JSON text: seeds, infotexts, model, warnings.")


class TextToImageResponse(BaseModel):
    """Answer of /txt2img."""

    images: list[str] | None = Field(None, description="The pictures as bare base64.")
    parameters: dict[str, Any] = Field(description="Every field of the request.")
    info: str = Field(description="JSON text: seeds, infotexts, model, warnings.")
