"""The settings of A1111's config.json: table, reading of values, storage, fields of a request."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import annotated_types
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic.fields import FieldInfo

from jobs.options import (
    OPTIONS,
    Guard,
    OptionError,
    OptionStore,
    coerce_all,
    find_option,
    remarks,
    request_defaults,
)
from pipelines.request import Img2ImgRequest, StepSemantics

_API_3_3_TEXT = (
    "sd_model_checkpoint sd_checkpoint_hash sd_vae CLIP_stop_at_last_layers samples_save "
    "samples_format jpeg_quality grid_save return_grid enable_pnginfo outdir_samples "
    "outdir_txt2img_samples outdir_img2img_samples outdir_txt2img_grids outdir_img2img_grids "
    "outdir_extras_samples send_seed send_size face_restoration face_restoration_model "
    "code_former_weight tiling upscaler_for_img2img inpainting_mask_weight "
    "initial_noise_multiplier img2img_color_correction img2img_fix_steps img2img_background_color "
    "overlay_inpaint return_mask return_mask_composite eta_ddim eta_ancestral s_churn s_tmin "
    "s_tmax s_noise s_min_uncond eta_noise_seed_delta randn_source live_previews_enable "
    "show_progress_every_n_steps show_progress_type live_preview_refresh_period "
    "api_enable_requests api_forbid_local_requests api_useragent interrogate_clip_num_beams "
    "interrogate_deepbooru_score_threshold deepbooru_sort_alpha deepbooru_use_spaces "
    "deepbooru_escape deepbooru_filter_tags"
)
API_3_3 = _API_3_3_TEXT.split()

BEHAVIOUR_17: dict[str, Any] = {
    "upscaler_for_img2img": "None",
    "img2img_background_color": "#ffffff",
    "inpainting_mask_weight": 1.0,
    "initial_noise_multiplier": 1.0,
    "img2img_extra_noise": 0.0,
    "img2img_color_correction": False,
    "img2img_fix_steps": False,
    "overlay_inpaint": True,
    "emphasis": "Original",
    "comma_padding_backtrack": 20,
    "enable_prompt_comments": True,
    "CLIP_stop_at_last_layers": 1,
    "sdxl_clip_l_skip": False,
    "randn_source": "GPU",
    "eta_noise_seed_delta": 0,
    "eta_ancestral": 1.0,
    "eta_ddim": 0.0,
    "s_churn": 0.0,
    "s_tmin": 0.0,
    "s_tmax": 0.0,
    "s_noise": 1.0,
    "sigma_min": 0.0,
    "sigma_max": 0.0,
    "rho": 0.0,
    "always_discard_next_to_last_sigma": False,
    "sgm_noise_multiplier": False,
    "uni_pc_variant": "bh1",
    "uni_pc_skip_type": "time_uniform",
    "uni_pc_order": 3,
    "uni_pc_lower_order_final": True,
    "beta_dist_alpha": 0.6,
    "beta_dist_beta": 0.6,
    "sd_noise_schedule": "Default",
    "use_downcasted_alpha_bar": False,
    "enable_quantization": False,
    "upcast_attn": False,
    "batch_cond_uncond": True,
    "pad_cond_uncond": False,
    "pad_cond_uncond_v0": False,
    "s_min_uncond": 0.0,
    "s_min_uncond_all": False,
    "skip_early_cond": 0.0,
    "token_merging_ratio": 0.0,
    "token_merging_ratio_img2img": 0.0,
    "token_merging_ratio_hr": 0.0,
    "tiling": False,
    "face_restoration": False,
    "face_restoration_model": "CodeFormer",
    "code_former_weight": 0.5,
    "sd_vae_encode_method": "Full",
    "sd_vae_decode_method": "Full",
    "auto_vae_precision": True,
    "auto_vae_precision_bfloat16": False,
    "sdxl_crop_top": 0,
    "sdxl_crop_left": 0,
    "sdxl_refiner_high_aesthetic_score": 6.0,
    "sdxl_refiner_low_aesthetic_score": 2.5,
    "hires_fix_refiner_pass": "second pass",
    "refiner_switch_by_sample_steps": False,
    "use_old_scheduling": False,
    "use_old_karras_scheduler_sigmas": False,
    "use_old_hires_fix_width_height": False,
    "no_dpmpp_sde_batch_determinism": False,
    "hires_fix_use_firstpass_conds": False,
    "cross_attention_optimization": "Automatic",
}


@pytest.mark.parametrize("key", API_3_3)
def test_clients_find_their_keys_api_3_3(key: str) -> None:
    assert find_option(key) is not None


@pytest.mark.parametrize(("key", "default"), BEHAVIOUR_17.items(), ids=BEHAVIOUR_17)
def test_defaults_behaviour_17(key: str, default: Any) -> None:
    option = find_option(key)
    assert option is not None
    assert option.default == default
    assert type(option.default) is type(default)


def test_the_table_is_sound() -> None:
    keys = [option.key for option in OPTIONS]
    assert len(keys) == len(set(keys))
    assert not [key for key in keys if key.startswith("forge")]  # ST would take us for Forge
    for option in OPTIONS:
        assert option.coerce(option.default) == option.default, option.key
        assert option.text.endswith("."), option.key
        assert option.section, option.key
        assert option.remark(option.default) is None
        assert not (option.instead and option.takes_effect), option.key
        is_idle = not option.takes_effect and option.guard is not Guard.DERIVED
        assert option.instead.endswith(".") == is_idle, f"{option.key} says not why it idles"
        assert option.takes_effect or not option.restart, option.key


def _field(target: str) -> FieldInfo:
    model: Any = Img2ImgRequest
    *parents, name = target.split(".")
    for parent in parents:
        model = model.model_fields[parent].annotation
    field: FieldInfo = model.model_fields[name]
    return field


TARGETS = [option for option in OPTIONS if option.target is not None]


@pytest.mark.parametrize("option", TARGETS, ids=[option.key for option in TARGETS])
def test_ranges_and_defaults_are_the_requests(option: Any) -> None:
    field = _field(option.target)
    low = [m.ge for m in field.metadata if isinstance(m, annotated_types.Ge)]
    high = [m.le for m in field.metadata if isinstance(m, annotated_types.Le)]
    if option.key != "img2img_fix_steps":
        assert option.default == field.default
    if low:
        assert option.lowest == low[0]
    if high:
        assert option.highest == high[0]


COERCIONS = {
    "bool from bool": ("tiling", True, True),
    "bool from 1": ("tiling", 1, True),
    "bool from 0.0": ("tiling", 0.0, False),
    "bool from text": ("tiling", "On", True),
    "int from float": ("jpeg_quality", 80.0, 80),
    "int is cut": ("jpeg_quality", 80.9, 80),
    "int from text": ("jpeg_quality", "75", 75),
    "int from bool": ("CLIP_stop_at_last_layers", True, 1),
    "float from int": ("s_noise", 1, 1.0),
    "float from text": ("eta_ddim", "0.5", 0.5),
    "text from number": ("samples_filename_pattern", 12, "12"),
    "choice in any case": ("randn_source", "cpu", "CPU"),
    "list": ("hidden_tabs", ["a", 1], ("a", "1")),
    "null is the default": ("jpeg_quality", None, 80),
    "colour": ("img2img_background_color", "#00FF7f", "#00FF7f"),
}


@pytest.mark.parametrize(("key", "sent", "read"), COERCIONS.values(), ids=COERCIONS)
def test_values_are_read_kindly_api_2_9(key: str, sent: Any, read: Any) -> None:
    value = coerce_all({key: sent}).changed[key]
    assert value == read
    assert type(value) is type(read)


REFUSALS = {
    "no bool": ("tiling", "maybe", "yes or no"),
    "2 is no bool": ("tiling", 2, "yes or no"),
    "no number": ("jpeg_quality", "high", "whole number"),
    "empty text": ("jpeg_quality", "", "whole number"),
    "nan": ("eta_ddim", float("nan"), "number"),
    "infinity": ("jpeg_quality", float("inf"), "whole number"),
    "too high": ("jpeg_quality", 101, "at least 1 and at most 100"),
    "too low": ("eta_ancestral", -0.1, "at least 0 and at most 1"),
    "no choice": ("randn_source", "TPU", "GPU, CPU, NV"),
    "no colour": ("img2img_background_color", "white", "#ffffff"),
    "no list": ("hidden_tabs", "a,b", "list of texts"),
    "an object": ("samples_filename_pattern", {"a": 1}, "text"),
}


@pytest.mark.parametrize(("key", "sent", "rule"), REFUSALS.values(), ids=REFUSALS)
def test_impossible_values_are_refused_with_the_rule(key: str, sent: Any, rule: str) -> None:
    with pytest.raises(OptionError, match=rf"the setting {key} cannot be .*{rule}"):
        coerce_all({key: sent})


@given(
    st.sampled_from(OPTIONS), st.none() | st.booleans() | st.integers() | st.floats() | st.text()
)
def test_reading_anything_gives_the_type_or_an_option_error(option: Any, sent: Any) -> None:
    try:
        read = option.coerce(sent)
    except OptionError:
        return
    assert type(read) is type(option.default)


@pytest.fixture
def store(tmp_path: Path) -> OptionStore:
    return OptionStore(tmp_path)


def test_changes_survive_a_restart(store: OptionStore, tmp_path: Path) -> None:
    change = store.set_many({"send_seed": False, "s_churn": "2", "hidden_tabs": ["Train"]})
    assert change.changed == {"send_seed": False, "s_churn": 2.0, "hidden_tabs": ("Train",)}
    assert change.ignored == {}
    again = OptionStore(tmp_path)
    assert again.get("send_seed") is False
    assert again.get("s_churn") == 2.0
    assert again.all()["hidden_tabs"] == ["Train"]
    assert json.dumps(again.all())


def test_unknown_keys_are_ignored_with_a_sentence(store: OptionStore) -> None:
    change = store.set_many({"forge_preset": "sd", "send_seed": False})
    assert change.changed == {"send_seed": False}
    assert change.ignored == {"forge_preset": "'forge_preset' is not a known setting"}
    with pytest.raises(KeyError):
        store.get("forge_preset")


def test_a_bad_value_changes_nothing_at_all(store: OptionStore) -> None:
    with pytest.raises(OptionError):
        store.set_many({"send_seed": False, "jpeg_quality": "x"})
    assert store.get("send_seed") is True


def test_present_values_are_no_change(store: OptionStore, tmp_path: Path) -> None:
    assert store.set_many(store.all()) == ({}, {})
    assert store.set_many({"jpeg_quality": 80.0}) == ({}, {})
    assert not (tmp_path / "config.json").exists()


@pytest.mark.parametrize("key", ["api_enable_requests", "outdir_samples", "temp_dir"])
def test_guarded_settings_stay(store: OptionStore, key: str) -> None:
    before = store.get(key)
    other = False if before is True else "/elsewhere"
    change = store.set_many({key: other})
    assert change.changed == {}
    assert "config.json" in change.ignored[key]
    assert store.get(key) == before
    store.set_many({key: other}, may=(Guard.OPEN, Guard.FILE))
    assert store.get(key) == other


def test_the_file_may_set_guarded_settings(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"api_enable_requests": false}')
    assert OptionStore(tmp_path).get("api_enable_requests") is False


def test_derived_settings_are_never_read(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"sd_checkpoint_hash": "abc"}')
    assert OptionStore(tmp_path).get("sd_checkpoint_hash") == ""


def test_foreign_keys_and_bad_values_of_the_file_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text('{"ad_max_models": 2, "jpeg_quality": "x", "send_size": false}')
    store = OptionStore(tmp_path)
    assert store.get("jpeg_quality") == 80
    assert store.get("send_size") is False
    store.set_many({"send_seed": False})
    kept = json.loads(path.read_text())
    assert kept == {"ad_max_models": 2, "jpeg_quality": "x", "send_size": False, "send_seed": False}
    store.set_many({"jpeg_quality": 90})
    assert json.loads(path.read_text())["jpeg_quality"] == 90


@pytest.mark.parametrize("text", ["{", "[]", "nonsense"])
def test_a_damaged_file_is_put_aside(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config.json"
    path.write_text(text)
    store = OptionStore(tmp_path)
    assert store.get("send_seed") is True
    assert (tmp_path / "config.json.damaged").read_text() == text
    store.set_many({"send_seed": False})
    assert OptionStore(tmp_path).get("send_seed") is False


def test_passing_changes_are_forgotten_at_the_next_start(tmp_path: Path) -> None:
    store = OptionStore(tmp_path)
    store.set_many({"s_churn": 3}, keep=False)
    assert store.get("s_churn") == 3.0
    store.set_many({"send_seed": False})
    assert OptionStore(tmp_path).get("s_churn") == 0.0
    store.set_many({"s_churn": 4})
    assert store.get("s_churn") == OptionStore(tmp_path).get("s_churn") == 4.0


def test_a_full_disk_changes_nothing(
    store: OptionStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        store.set_many({"send_seed": False})
    assert store.get("send_seed") is True
    assert list(tmp_path.iterdir()) == []


def test_threads_lose_no_change(store: OptionStore, tmp_path: Path) -> None:
    keys = ["s_churn", "s_tmin", "sigma_max", "rho"]
    threads = [
        threading.Thread(target=lambda k=key: [store.set_many({k: n}) for n in range(1, 9)])
        for key in keys
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [OptionStore(tmp_path).get(key) for key in keys] == [8.0] * 4


def test_settings_without_effect_are_not_silent(
    store: OptionStore, caplog: pytest.LogCaptureFixture
) -> None:
    store.set_many({"face_restoration": True, "s_churn": 1.0})
    assert "face_restoration has no effect: There is no face restorer." in caplog.text
    assert "s_churn" not in caplog.text
    said = remarks({"fp8_storage": "Enable", "eta_ddim": 0.3})
    assert said == ["the setting fp8_storage has no effect: Weights have 16 or 32 bits."]
    said = remarks({"js_modal_lightbox_gamepad": True, "show_progress_grid": False})
    assert said == [
        "the setting js_modal_lightbox_gamepad has no effect: "
        "The viewer knows keys, mouse and touch only."
    ]


def test_defaults_make_the_default_request(store: OptionStore) -> None:
    assert Img2ImgRequest.model_validate(request_defaults(store.all())) == Img2ImgRequest()
    assert request_defaults({}) == request_defaults(store.all())


def test_settings_reach_the_request(store: OptionStore) -> None:
    store.set_many(
        {
            "img2img_fix_steps": True,
            "eta_noise_seed_delta": 31337,
            "randn_source": "NV",
            "CLIP_stop_at_last_layers": 2,
            "s_min_uncond": 0.5,
            "always_discard_next_to_last_sigma": True,
            "img2img_background_color": "#102030",
            "sd_model_checkpoint": "a [b]",
            "beta_dist_alpha": 0.4,
        }
    )
    request = Img2ImgRequest.model_validate(request_defaults(store.all()))
    assert request.sampling.semantics is StepSemantics.EXACT
    assert (request.seeds.ensd, request.seeds.source) == (31337, "NV")
    assert (request.clip_skip, request.tuning.ngms) == (2, 0.5)
    assert request.tuning.discard_penultimate_sigma is True
    assert request.background_color == "#102030"
    assert request.checkpoint == "a [b]"
    assert request.tuning.beta_alpha == 0.4
