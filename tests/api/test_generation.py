"""What a generation call becomes, and what it answers (api 2.2-2.8)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from jobs.spec import JobState, StopKind
from pipelines.pictures import read_infotext
from pipelines.request import Img2ImgRequest, InpaintArea, MaskedContent, NoiseSource, ResizeMode
from tests.api.conftest import Api, opened, picture_file, png
from tests.models.extra_networks.make import write_lora
from tests.models.make import write_single_file

_INFO_TEXT = (
    "prompt all_prompts negative_prompt all_negative_prompts seed all_seeds subseed all_subseeds "
    "subseed_strength width height sampler_name cfg_scale steps batch_size restore_faces "
    "face_restoration_model sd_model_name sd_model_hash sd_vae_name sd_vae_hash seed_resize_from_w "
    "seed_resize_from_h denoising_strength extra_generation_params index_of_first_image infotexts "
    "styles job_timestamp clip_skip is_using_inpainting_conditioning version"
)
INFO_KEYS = _INFO_TEXT.split()
OUR_INFO_KEYS = ["executed_steps", "warnings"]


def request_of(api: Api) -> Img2ImgRequest:
    return api.engine.only_job().spec.request


def test_bare_call_uses_the_apis_defaults(api: Api) -> None:
    api.make("/img2img")
    request = request_of(api)
    assert request.sampling.sampler == "Euler"
    assert request.sampling.scheduler == "Automatic"
    assert request.sampling.steps == 50
    assert request.sampling.denoising_strength == 0.75
    assert request.sampling.semantics == "a1111"
    assert (request.width, request.height) == (512, 512)
    assert request.inpaint is None
    assert request.checkpoint == "overpaint-tiny"
    assert 0 <= request.seeds.seed < 4294967294


def test_bare_mask_uses_the_apis_defaults_api_8_14(api: Api) -> None:
    api.make("/img2img", mask=png())
    inpaint = request_of(api).inpaint
    assert inpaint is not None
    assert inpaint.content is MaskedContent.FILL
    assert inpaint.area is InpaintArea.ONLY_MASKED
    assert (inpaint.padding, inpaint.blur_x, inpaint.blur_y) == (0, 4, 4)
    assert (inpaint.invert, inpaint.round) == (False, True)


def test_every_field_arrives(api: Api) -> None:
    api.make(
        "/img2img",
        mask=png(),
        prompt="a cat",
        negative_prompt="blur",
        seed="7",
        subseed=8,
        subseed_strength=0.25,
        seed_resize_from_h=64,
        seed_resize_from_w=128,
        sampler_name="DDIM",
        scheduler="karras",
        batch_size=2,
        n_iter=3,
        steps=9,
        cfg_scale=5,
        width=256,
        height=128,
        eta=0.5,
        s_min_uncond=0.1,
        s_churn=0.2,
        s_tmin=0.3,
        s_tmax=0.4,
        s_noise=0.5,
        resize_mode=2,
        denoising_strength=0.4,
        mask_blur_x=1,
        mask_blur_y=2,
        mask_round=False,
        inpainting_fill=2,
        inpaint_full_res=False,
        inpaint_full_res_padding=16,
        inpainting_mask_invert=1,
        initial_noise_multiplier=0.9,
        clip_skip=2,
    )
    job = api.engine.only_job()
    request = job.spec.request
    assert (job.spec.tab, job.spec.save, job.spec.kind) == ("img2img", False, "generate")
    assert (request.prompt, request.negative_prompt) == ("a cat", "blur")
    assert request.seeds.model_dump(include={"seed", "subseed", "subseed_strength"}) == {
        "seed": 7,
        "subseed": 8,
        "subseed_strength": 0.25,
    }
    assert (request.seeds.resize_from_height, request.seeds.resize_from_width) == (64, 128)
    assert (request.sampling.sampler, request.sampling.scheduler) == ("DDIM", "Karras")
    assert (request.batch_size, request.n_iter, request.sampling.steps) == (2, 3, 9)
    assert (request.sampling.cfg_scale, request.width, request.height) == (5.0, 256, 128)
    tuning = request.tuning
    assert (tuning.eta_ddim, tuning.eta_ancestral, tuning.ngms) == (0.5, 1.0, 0.1)
    assert (tuning.s_churn, tuning.s_tmin, tuning.s_tmax, tuning.s_noise) == (0.2, 0.3, 0.4, 0.5)
    assert tuning.initial_noise_multiplier == 0.9
    assert request.resize_mode is ResizeMode.RESIZE_AND_FILL
    assert request.sampling.denoising_strength == 0.4
    assert request.clip_skip == 2
    inpaint = request.inpaint
    assert inpaint is not None
    assert (inpaint.blur_x, inpaint.blur_y, inpaint.round) == (1, 2, False)
    assert inpaint.content is MaskedContent.LATENT_NOISE
    assert inpaint.area is InpaintArea.WHOLE_PICTURE
    assert (inpaint.padding, inpaint.invert) == (16, True)


def test_disabled_networks_are_taken_out_of_the_prompts_api_2_1(api: Api) -> None:
    body = {"enable_hr": True, "hr_prompt": "hen <lora:b:1>", "negative_prompt": "<lora:c:1>"}
    for disabled, tag in ((True, ""), (False, "<lora:a:1>")):
        api.make("/txt2img", prompt="a cat<lora:a:1>", disable_extra_networks=disabled, **body)
        request = list(api.engine.jobs.values())[-1].spec.request
        assert request.prompt == f"a cat{tag}"
        assert request.hires is not None
        assert ("<lora:b:1>" in request.hires.prompt) is not disabled
        assert request.negative_prompt == "<lora:c:1>"


def test_an_infotexts_loras_are_found_by_their_hashes_api_2_8(api: Api) -> None:
    metadata = {"sshs_model_hash": "0123456789abcdef"}
    write_lora(api.services.catalog.models_dir / "Lora" / "mine.safetensors", metadata=metadata)
    line = 'Steps: 1, Sampler: Euler, Seed: 1, CFG scale: 7, Lora hashes: "ink: 0123456789ab"'
    answer = api.make("/txt2img", infotext=f"x <lora:ink:1> <lora:gone:1>\n{line}")
    request = list(api.engine.jobs.values())[-1].spec.request
    assert request.prompt == "x <lora:mine:1> <lora:gone:1>"
    warned = answer["told"]["warnings"]
    assert "The LoRA gone is not here; the picture is made without it." in warned
    assert not any("ink" in warning for warning in warned)


def test_mask_blur_sets_both_sides(api: Api) -> None:
    api.make("/img2img", mask=png(), mask_blur=0, mask_blur_x=7)
    inpaint = request_of(api).inpaint
    assert inpaint is not None
    assert (inpaint.blur_x, inpaint.blur_y) == (0, 0)


def test_a_latent_mask_goes_beside_the_mask(api: Api) -> None:
    api.make("/img2img", mask=png(), latent_mask=png())
    inpaint = request_of(api).inpaint
    assert inpaint is not None
    assert inpaint.latent_mask == inpaint.mask


def test_an_empty_mask_is_none(api: Api) -> None:
    api.make("/img2img", mask="")
    assert request_of(api).inpaint is None


SAMPLERS = {
    "name wins": ({"sampler_name": "DDIM", "sampler_index": "Euler a"}, "DDIM", "Automatic", 0),
    "index": ({"sampler_index": "Euler a"}, "Euler a", "Automatic", 0),
    "empty name": ({"sampler_name": "", "sampler_index": "Euler a"}, "Euler a", "Automatic", 0),
    "suffix": ({"sampler_name": "DPM++ 2M Karras"}, "DPM++ 2M", "Karras", 0),
    "automatic keeps the suffix": (
        {"sampler_name": "Euler a Karras", "scheduler": "automatic"},
        "Euler a",
        "Karras",
        0,
    ),
    "field wins over suffix": (
        {"sampler_name": "DPM++ 2M Karras", "scheduler": "Exponential"},
        "DPM++ 2M",
        "Exponential",
        0,
    ),
    "alias": ({"sampler_name": "k_euler_a"}, "Euler a", "Automatic", 0),
    "any case": ({"sampler_name": "euler A", "scheduler": "KARRAS"}, "Euler a", "Karras", 0),
    "unknown sampler": ({"sampler_name": "Nonsense"}, "DPM++ 2M", "Automatic", 1),
    "unknown scheduler": ({"scheduler": "N/A"}, "Euler", "Automatic", 0),
}


@pytest.mark.parametrize(
    ("body", "sampler", "scheduler", "warned"), SAMPLERS.values(), ids=SAMPLERS
)
def test_sampler_names_api_2_4(
    api: Api, body: dict[str, Any], sampler: str, scheduler: str, warned: int
) -> None:
    answer = api.make("/txt2img", **body)
    sampling = request_of(api).sampling
    assert (sampling.sampler, sampling.scheduler) == (sampler, scheduler)
    assert len(answer["told"]["warnings"]) == warned


def test_eta_goes_to_the_samplers_own_kind(api: Api) -> None:
    api.make("/txt2img", sampler_name="Euler a", eta=0.3)
    tuning = request_of(api).tuning
    assert (tuning.eta_ancestral, tuning.eta_ddim) == (0.3, 0.0)


SEMANTICS = {
    "default": ({}, "a1111", 0),
    "exact": ({"step_semantics": "exact"}, "exact", 0),
    "setting": ({"override_settings": {"img2img_fix_steps": True}}, "exact", 0),
    "field wins over the setting": (
        {"step_semantics": "a1111", "override_settings": {"img2img_fix_steps": True}},
        "a1111",
        0,
    ),
    "start_at_step": (
        {"step_semantics": "start_at_step", "start_at_step": 3, "end_at_step": 7},
        "start_at_step",
        0,
    ),
    "useless start": ({"start_at_step": 3}, "a1111", 1),
}


@pytest.mark.parametrize(("body", "semantics", "warned"), SEMANTICS.values(), ids=SEMANTICS)
def test_step_semantics(api: Api, body: dict[str, Any], semantics: str, warned: int) -> None:
    answer = api.make("/img2img", **body)
    assert request_of(api).sampling.semantics == semantics
    assert len(answer["told"]["warnings"]) == warned


def test_several_init_images_api_2_2(api: Api) -> None:
    sizes = [(64, 64), (64, 128), (128, 64)]
    api.make("/img2img", init_images=[png(size=size) for size in sizes], batch_size=5)
    request = request_of(api)
    assert len(request.init_images) == request.batch_size == 3
    paths = [api.services.assets.path(ref) for ref in request.init_images]
    assert paths[1].read_bytes() == picture_file(size=(64, 128))


def test_one_init_image_serves_the_whole_batch(api: Api) -> None:
    answer = api.make("/img2img", batch_size=3)
    assert len(request_of(api).init_images) == 1
    assert len(answer["images"]) == 3


def test_settings_reach_the_job_and_overrides_pass_api_2_5(api: Api) -> None:
    api.options.set_many({"randn_source": "NV", "eta_noise_seed_delta": 31337})
    api.make("/img2img", override_settings={"randn_source": "CPU", "CLIP_stop_at_last_layers": "2"})
    request = request_of(api)
    assert request.seeds.source is NoiseSource.CPU
    assert request.seeds.ensd == 31337
    assert request.clip_skip == 2
    assert api.options.get("randn_source") == "NV"


def test_overrides_may_stay_for_administrators_only(api: Api) -> None:
    body = {"override_settings": {"s_churn": 1}, "override_settings_restore_afterwards": False}
    answer = api.post("/txt2img", body, user="guest").json()
    assert "only administrators" in json.loads(answer["info"])["warnings"][0]
    assert api.options.get("s_churn") == 0.0
    api.make("/txt2img", **body)
    assert api.options.get("s_churn") == 1.0
    assert api.options.get("s_noise") == 1.0


OVERRIDES = {
    "forge key": ({"forge_preset": "flux"}, "'forge_preset' is not a known setting"),
    "guarded": ({"api_enable_requests": False}, "api_enable_requests cannot be changed by a call"),
    "unknown VAE": ({"sd_vae": "kl.pt"}, "VAE 'kl.pt' not found"),
    "unknown model": ({"sd_model_checkpoint": "nope.ckpt"}, "model 'nope.ckpt' not found"),
}


@pytest.mark.parametrize(("overrides", "warning"), OVERRIDES.values(), ids=OVERRIDES)
def test_odd_overrides_are_left_out_and_said(
    api: Api, overrides: dict[str, Any], warning: str
) -> None:
    answer = api.make("/txt2img", override_settings=overrides)
    assert [one for one in answer["told"]["warnings"] if warning in one]
    assert request_of(api).checkpoint == "overpaint-tiny"


@pytest.mark.parametrize("overrides", [None, {}, {"sd_model_checkpoint": None}])
def test_empty_overrides_say_nothing(api: Api, overrides: Any) -> None:
    assert api.make("/txt2img", override_settings=overrides)["told"]["warnings"] == []


def test_an_override_that_cannot_be_is_422(api: Api) -> None:
    response = api.post("/txt2img", {"override_settings": {"s_noise": "loud"}})
    assert response.status_code == 422
    assert "s_noise" in response.json()["detail"]


def test_clip_skip_yields_to_the_override_api_2_1(api: Api) -> None:
    api.make("/txt2img", clip_skip=5, override_settings={"CLIP_stop_at_last_layers": 3})
    assert request_of(api).clip_skip == 3


def test_answer_api_2_7(api: Api) -> None:
    answer = api.make("/img2img", n_iter=2, width=64, height=64, prompt="cat # note", seed=5)
    assert list(answer) == ["images", "parameters", "info", "told"]
    assert isinstance(answer["info"], str)
    told = answer["told"]
    assert list(told) == INFO_KEYS + OUR_INFO_KEYS
    images = [opened(text) for text in answer["images"]]
    assert [image.format for image in images] == ["PNG", "PNG"]
    assert [image.info["parameters"] for image in images] == told["infotexts"]
    assert (told["seed"], told["all_seeds"]) == (5, [5, 6])
    assert told["index_of_first_image"] == 0
    assert told["sampler_name"] == "Euler a"
    assert (told["sd_model_name"], told["sd_model_hash"]) == ("overpaint-tiny", "0123456789")
    assert told["all_prompts"] == ["cat \n", "cat \n"]
    assert told["denoising_strength"] == 0.75
    assert told["extra_generation_params"]["Schedule type"] == "Automatic"
    assert len(told["job_timestamp"]) == 14
    assert told["executed_steps"] == 3
    assert told["version"] == "overpaint-0.1.0"


def test_parameters_echo_every_field_without_pictures(api: Api) -> None:
    body = {"init_images": [png()], "mask": png(), "sampler_name": None, "url": "http://x", "n": 1}
    echoed = api.make("/img2img", **body)["parameters"]
    assert echoed["init_images"] is None
    assert echoed["mask"] is None
    assert echoed["steps"] == 50
    assert echoed["alwayson_scripts"] == {}
    assert "url" not in echoed
    kept = api.make("/img2img", **body, include_init_images=True)["parameters"]
    assert (kept["init_images"], kept["mask"]) == ([png()], png())
    assert "init_images" not in api.make("/txt2img")["parameters"]


def test_no_images_when_they_are_not_wanted(api: Api) -> None:
    answer = api.make("/txt2img", send_images=False)
    assert answer["images"] == []
    assert len(answer["told"]["infotexts"]) == 1


GRIDS = {
    "saved, several": ({"save_images": True, "n_iter": 3}, 4, 1),
    "not saved": ({"n_iter": 3}, 3, 0),
    "saved, one": ({"save_images": True}, 1, 0),
    "setting off": (
        {"save_images": True, "n_iter": 3, "override_settings": {"return_grid": False}},
        3,
        0,
    ),
}


@pytest.mark.parametrize(("body", "count", "first"), GRIDS.values(), ids=GRIDS)
def test_grid_comes_first_and_only_when_saved(
    api: Api, body: dict[str, Any], count: int, first: int
) -> None:
    answer = api.make("/txt2img", width=64, height=128, **body)
    told = answer["told"]
    assert len(answer["images"]) == len(told["infotexts"]) == count
    assert told["index_of_first_image"] == first
    assert api.engine.only_job().spec.save is bool(body.get("save_images"))
    if first:
        assert opened(answer["images"][0]).size == (128, 256)
        assert told["infotexts"][0] == told["infotexts"][1]


FORMATS = {"jpg": "JPEG", "jpeg": "JPEG", "webp": "WEBP", "png": "PNG", "PNG": "PNG"}


@pytest.mark.parametrize(("name", "kind"), FORMATS.items(), ids=FORMATS)
def test_only_an_override_changes_the_format(api: Api, name: str, kind: str) -> None:
    answer = api.make("/txt2img", prompt="猫", override_settings={"samples_format": name})
    image = opened(answer["images"][0])
    assert image.format == kind
    assert answer["told"]["warnings"] == []
    path = api.engine.only_job().pictures[0].path
    assert answer["told"]["infotexts"] == [read_infotext(path)]


def test_the_pages_format_does_not_change_the_apis(api: Api) -> None:
    api.options.set_many({"samples_format": "webp"})
    assert opened(api.make("/txt2img")["images"][0]).format == "PNG"


def test_an_unknown_format_is_500_before_any_work(api: Api) -> None:
    response = api.post("/txt2img", {"override_settings": {"samples_format": "tga"}})
    assert response.status_code == 500
    assert response.json()["detail"] == "Invalid image format"
    assert api.engine.jobs == {}


INTERRUPTED = {"one of two": (1, 1), "none": (0, 1)}


@pytest.mark.parametrize(("made", "texts"), INTERRUPTED.values(), ids=INTERRUPTED)
def test_interrupted_jobs_answer_200_with_what_there_is(api: Api, made: int, texts: int) -> None:
    engine = api.engine
    engine.hold = True

    def run(job_id: str) -> None:
        engine.start(job_id)
        engine.finish(job_id, made, interrupted=True)

    engine.on_submit = run
    answer = api.make("/txt2img", n_iter=2, prompt="x", steps=4)
    told = answer["told"]
    assert len(answer["images"]) == made
    assert len(told["infotexts"]) == texts
    assert told["infotexts"][0].startswith("x\nSteps: 4, Sampler: Eul")
    assert len(told["all_seeds"]) == 2


def test_a_job_that_was_cancelled_on_the_page_answers_200(api: Api) -> None:
    engine = api.engine
    engine.hold = True
    engine.on_submit = lambda job_id: engine.change(job_id, state=JobState.CANCELLED)
    answer = api.make("/txt2img")
    assert answer["images"] == []
    assert "stopped before its first picture" in answer["told"]["warnings"][0]
    assert engine.stops == []
    assert StopKind.NOW not in engine.stop_kinds.values()


def test_a_picture_that_was_deleted_meanwhile_is_said(api: Api) -> None:
    engine = api.engine
    engine.hold = True

    def run(job_id: str) -> None:
        engine.finish(job_id)
        engine.jobs[job_id].pictures[0].path.unlink()

    engine.on_submit = run
    answer = api.make("/txt2img", n_iter=2)
    assert len(answer["images"]) == len(answer["told"]["infotexts"]) == 1
    assert answer["told"]["warnings"] == ["1 pictures are no longer on the disk"]


UNSUPPORTED = {
    "latent mask alone": ("/img2img", {"latent_mask": "AAAA"}, 422, "beside a `mask`"),
    "script": ("/img2img", {"script_name": "SD upscale"}, 422, "Script 'SD upscale' not found"),
    "always-on script": (
        "/txt2img",
        {"alwayson_scripts": {"ControlNet": {"args": []}}},
        422,
        "Script 'ControlNet' not found",
    ),
}


@pytest.mark.parametrize(
    ("path", "body", "status", "detail"), UNSUPPORTED.values(), ids=UNSUPPORTED
)
def test_what_cannot_be_done_is_refused(
    api: Api, path: str, body: dict[str, Any], status: int, detail: str
) -> None:
    response = api.post(path, {"init_images": [png()], **body})
    assert response.status_code == status
    assert detail in response.json()["detail"]
    assert api.engine.jobs == {}


OFF = {
    "no hires fix": {"enable_hr": False, "hr_upscaler": "ESRGAN_4x", "hr_scale": "2"},
    "no refiner": {"refiner_checkpoint": "None", "refiner_switch_at": 0.8},
    "no script": {"script_name": "None", "script_args": [1]},
    "empty script": {"script_name": ""},
    "no effect anyway": {"comments": {"a": 1}, "firstpass_image": "x", "do_not_save_grid": True},
    "style None": {"styles": ["None", ""]},
    "usual image cfg": {"image_cfg_scale": 1.5},
}


@pytest.mark.parametrize("body", OFF.values(), ids=OFF)
def test_what_is_off_says_nothing(api: Api, body: dict[str, Any]) -> None:
    path = "/img2img" if "image_cfg_scale" in body else "/txt2img"
    assert api.make(path, **body)["told"]["warnings"] == []


WITHOUT = {
    "faces": {"restore_faces": True},
    "faces by setting": {"override_settings": {"face_restoration": True}},
    "styles": {"styles": ["my style"]},
    "image cfg": {"image_cfg_scale": 3.0},
}


@pytest.mark.parametrize("body", WITHOUT.values(), ids=WITHOUT)
def test_what_is_left_out_is_said_in_info_and_header(api: Api, body: dict[str, Any]) -> None:
    response = api.post("/img2img", {"init_images": [png()], **body})
    assert response.status_code == 200
    warnings = json.loads(response.json()["info"])["warnings"]
    assert warnings
    assert json.loads(response.headers["x-overpaint-warnings"]) == warnings


def test_the_workers_notes_are_told_and_the_header_stays_short(api: Api) -> None:
    api.engine.facts["notes"] = ["ä" * 400, "b" * 3000]
    response = api.post("/txt2img", {})
    assert json.loads(response.json()["info"])["warnings"] == ["ä" * 400, "b" * 3000]
    header = response.headers["x-overpaint-warnings"]
    assert header.isascii()
    assert len(header) <= 2000


INFOTEXT = (
    "a dog\nNegative prompt: cats\nSteps: 9, Sampler: DDIM, Schedule type: Karras, CFG scale: 3, "
    "Seed: 42, Size: 128x192, Denoising strength: 0.4, Clip skip: 2, ENSD: 31337, RNG: CPU, "
    "Mask blur: 9"
)


def test_infotext_fills_what_was_left_open_api_2_8(api: Api) -> None:
    answer = api.make("/img2img", infotext=INFOTEXT, mask=png())
    request = request_of(api)
    assert (request.prompt, request.negative_prompt) == ("a dog", "cats")
    assert (request.sampling.steps, request.sampling.sampler) == (9, "DDIM")
    assert request.sampling.scheduler == "Karras"
    assert (request.sampling.cfg_scale, request.sampling.denoising_strength) == (3.0, 0.4)
    assert (request.width, request.height, request.seeds.seed) == (128, 192, 42)
    assert (request.clip_skip, request.seeds.ensd) == (2, 31337)
    assert request.seeds.source is NoiseSource.CPU
    assert request.inpaint is not None
    assert request.inpaint.blur_x == 9
    echoed = answer["parameters"]
    assert (echoed["prompt"], echoed["steps"], echoed["sampler_name"]) == ("a dog", 9, "DDIM")


def test_fields_of_the_call_win_over_the_infotext(api: Api) -> None:
    api.make(
        "/img2img",
        infotext=INFOTEXT,
        mask=png(),
        mask_blur=2,
        prompt="",
        steps=5,
        sampler_index="Euler a",
        seed=-1,
        override_settings={"eta_noise_seed_delta": 1, "randn_source": "GPU"},
    )
    request = request_of(api)
    assert (request.prompt, request.negative_prompt) == ("", "cats")
    assert (request.sampling.steps, request.sampling.sampler) == (5, "Euler a")
    assert request.seeds.seed != 42
    assert (request.seeds.ensd, request.seeds.source) == (1, NoiseSource.GPU)
    assert request.clip_skip == 2
    assert request.inpaint is not None
    assert request.inpaint.blur_x == 2


SWAPS = {
    # settings of the call, keys of the infotext -> the checkpoint of the job
    "stays": ({}, "Model: overpaint-tiny", "two"),
    "is taken": ({"disable_weights_auto_swap": False}, "Model: overpaint-tiny", "overpaint-tiny"),
    "hash is not here": (
        {"disable_weights_auto_swap": False},
        "Model hash: 0123456789, Model: overpaint-tiny",
        "overpaint-tiny",
    ),
    "is not here": ({"disable_weights_auto_swap": False}, "Model: gone", "two"),
    "the call wins": (
        {"disable_weights_auto_swap": False, "sd_model_checkpoint": "two"},
        "Model: overpaint-tiny",
        "two",
    ),
    "is skipped": (
        {"disable_weights_auto_swap": False, "infotext_skip_pasting": ["Model"]},
        "Model: overpaint-tiny",
        "two",
    ),
}


@pytest.mark.parametrize(("settings", "keys", "checkpoint"), SWAPS.values(), ids=list(SWAPS))
def test_an_infotext_may_choose_the_checkpoint(
    api: Api, settings: dict[str, Any], keys: str, checkpoint: str
) -> None:
    write_single_file(api.services.catalog.models_dir / "Stable-diffusion" / "two.safetensors")
    api.services.catalog.rescan()
    api.services.options.set_many({"sd_model_checkpoint": "two"})
    api.make("/img2img", infotext=f"{INFOTEXT}, {keys}", override_settings=settings)
    assert Path(request_of(api).checkpoint).stem == checkpoint


def test_keys_of_an_infotext_can_be_left_out(api: Api) -> None:
    skip = {"infotext_skip_pasting": ["Prompt", "Steps", "Size", "Clip skip"]}
    api.make("/img2img", infotext=INFOTEXT, mask=png(), override_settings=skip)
    request = request_of(api)
    assert (request.prompt, request.negative_prompt) == ("", "cats")
    assert (request.sampling.steps, request.sampling.sampler) == (50, "DDIM")
    assert (request.width, request.height, request.clip_skip) == (512, 512, 1)


def test_txt2img(api: Api) -> None:
    answer = api.make("/txt2img", denoising_strength=0, width=64, height=128)
    job = api.engine.only_job()
    assert job.spec.tab == "txt2img"
    assert job.spec.request.is_txt2img
    assert answer["told"]["denoising_strength"] is None
    assert opened(answer["images"][0]).size == (64, 128)


def test_the_job_belongs_to_the_caller(api: Api) -> None:
    api.post("/txt2img", {}, user="ada")
    assert api.engine.only_job().owner == "ada"
