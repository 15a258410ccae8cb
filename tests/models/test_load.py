"""Loading: folders, single files and pickles give the same networks; bad ones give nothing."""

import json
import logging
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from models.catalog import Catalog
from models.compvis import TEXT, VAE
from models.device import Placement
from models.errors import BadModelFile, ModelError, UnsupportedModel
from models.identify import UNET
from models.load import LoadedCheckpoint, load_checkpoint
from models.preview_colours import SD1_LATENT_RGB
from tests.models.make import (
    BUILTIN,
    BUILTIN_FACTS,
    safetensors_bytes,
    single_file_tensors,
    text_keys_without_prefix,
    write_header_only,
    write_single_file,
)
from tests.models.small_networks import CPU, assert_same, load

Tensors = dict[str, torch.Tensor]


def test_the_built_in_checkpoint_is_ready_to_paint(builtin: LoadedCheckpoint) -> None:
    assert builtin.kind.native_size == 256
    assert builtin.prediction_type == "epsilon"
    assert builtin.vae_scale == 0.763109
    assert builtin.alphas_cumprod.dtype == torch.float32
    assert float(builtin.alphas_cumprod[999]) == pytest.approx(0.0046600983, abs=5e-11)
    assert builtin.latent_rgb != SD1_LATENT_RGB
    assert builtin.vae_name is None
    assert builtin.nbytes == 4 * sum(
        p.numel() for m in (builtin.unet, builtin.vae, builtin.text_encoder) for p in m.parameters()
    )
    for module in (builtin.unet, builtin.vae, builtin.text_encoder):
        assert not module.training
        assert not any(p.requires_grad or p.is_meta for p in module.parameters())
        assert not any(buffer.is_meta for buffer in module.buffers())


def test_it_equals_what_diffusers_and_transformers_load(builtin: LoadedCheckpoint) -> None:
    """Our loader must not differ from the libraries' own one, bit for bit."""
    from diffusers import AutoencoderKL, UNet2DConditionModel
    from transformers import CLIPTextModel

    def state(module: torch.nn.Module) -> Tensors:
        return module.float().state_dict()

    theirs = {
        "unet": state(UNet2DConditionModel.from_pretrained(BUILTIN / "unet")),
        "vae": state(AutoencoderKL.from_pretrained(BUILTIN / "vae")),
        "text": state(CLIPTextModel.from_pretrained(BUILTIN / "text_encoder")),
    }
    ours = {
        "unet": builtin.unet.state_dict(),
        "vae": builtin.vae.state_dict(),
        "text": builtin.text_encoder.state_dict(),
    }
    for part, expected in theirs.items():
        assert ours[part].keys() == expected.keys()
        assert all(torch.equal(ours[part][key], expected[key]) for key in expected), part


@pytest.mark.parametrize("suffix", [".safetensors", ".ckpt"])
@pytest.mark.parametrize(
    "spell", [dict, text_keys_without_prefix], ids=["usual names", "old text names"]
)
def test_a_single_file_equals_the_folder(
    tmp_path: Path, builtin: LoadedCheckpoint, suffix: str, spell: Callable[[Tensors], Tensors]
) -> None:
    path = write_single_file(tmp_path / f"m{suffix}", tensors=spell(single_file_tensors()))
    model = load(path)
    assert_same(builtin, model)
    assert model.vae_scale == builtin.vae_scale
    assert model.latent_rgb == builtin.latent_rgb
    assert model.kind.native_size == 256


def test_a_safetensors_file_named_ckpt_loads(tmp_path: Path, builtin: LoadedCheckpoint) -> None:
    path = write_single_file(tmp_path / "m.safetensors").rename(tmp_path / "m.ckpt")
    assert_same(builtin, load(path))


def test_a_file_found_by_the_catalog_loads(tmp_path: Path, builtin: LoadedCheckpoint) -> None:
    write_single_file(tmp_path / "models" / "Stable-diffusion" / "sub" / "tiny.safetensors")
    catalog = Catalog(tmp_path / "models", tmp_path / "data", BUILTIN)
    entry = catalog.get("tiny")
    assert (entry.defaults.width, entry.defaults.cfg, entry.problem) == (256, 5.0, None)
    assert_same(builtin, load_checkpoint(entry, CPU))


def test_number_formats_follow_the_placement(tmp_path: Path) -> None:
    placement = Placement(torch.device("cpu"), torch.bfloat16, torch.float32, torch.float64)
    model = load(write_single_file(tmp_path / "m.safetensors"), placement=placement)
    assert {p.dtype for p in model.unet.parameters()} == {torch.bfloat16}
    assert {p.dtype for p in model.text_encoder.parameters()} == {torch.float32}
    assert {p.dtype for p in model.vae.parameters()} == {torch.float64}
    assert model.text_encoder.embeddings.position_ids.dtype == torch.int64


@pytest.mark.parametrize("suffix", [".safetensors", ".ckpt"])
def test_weights_outlive_their_file(tmp_path: Path, builtin: LoadedCheckpoint, suffix: str) -> None:
    """Nothing needs converting here, yet the weights are copies: bit-equal, whatever happens."""
    single = {key: value.float() for key, value in single_file_tensors().items()}
    path = write_single_file(tmp_path / f"m{suffix}", tensors=single)
    model = load(path)
    path.write_bytes(bytes(path.stat().st_size))
    assert_same(builtin, model)


def test_training_leftovers_are_dropped_and_strangers_are_named(
    tmp_path: Path, builtin: LoadedCheckpoint, caplog: pytest.LogCaptureFixture
) -> None:
    leftovers = (
        "model_ema.decay",
        "betas",
        "sqrt_alphas_cumprod",
        "first_stage_model.loss.logvar",
        "first_stage_model.model_ema.num_updates",
        "cond_stage_model.logit_scale",
        f"{TEXT}text_model.embeddings.position_ids",
    )
    tensors = single_file_tensors() | {key: torch.ones(2) for key in leftovers}
    with caplog.at_level(logging.WARNING):
        assert_same(builtin, load(write_single_file(tmp_path / "a.safetensors", tensors=tensors)))
    assert not caplog.records
    tensors["stranger.weight"] = torch.ones(2)
    with caplog.at_level(logging.WARNING):
        load(write_single_file(tmp_path / "b.safetensors", tensors=tensors))
    assert "b.safetensors: 1 unknown tensors are not used: stranger.weight" in caplog.text


RES = f"{UNET}input_blocks.1.0.in_layers.2.weight"


@pytest.mark.parametrize(
    ("changes", "finding"),
    [
        pytest.param({RES: None}, "its U-Net is incomplete: 1 of 326 tensors", id="unet hole"),
        pytest.param(
            {f"{VAE}decoder.norm_out.bias": None}, "its VAE is incomplete: 1 of 168", id="vae hole"
        ),
        pytest.param(
            {f"{TEXT}text_model.final_layer_norm.bias": None},
            "its text encoder is incomplete: 1 of 52",
            id="text hole",
        ),
        pytest.param(
            {f"{UNET}extra": torch.ones(1)}, "do not belong there, first model.diff", id="unet more"
        ),
        pytest.param(
            {f"{VAE}extra": torch.ones(1)}, "do not belong there, first first_stage", id="vae more"
        ),
        pytest.param(
            {f"{TEXT}text_model.extra": torch.ones(1)}, "do not belong there", id="text more"
        ),
        pytest.param({RES: torch.ones(3, 3)}, r"does not fit: .* is \[3, 3\]", id="misshapen"),
    ],
)
def test_nothing_is_ever_random(
    tmp_path: Path, changes: dict[str, torch.Tensor | None], finding: str
) -> None:
    """Missing, unexpected or misshapen tensors refuse the file (performance 6)."""
    tensors = single_file_tensors() | changes
    kept = {key: value for key, value in tensors.items() if value is not None}
    path = write_single_file(tmp_path / "m.safetensors", tensors=kept)
    with pytest.raises(BadModelFile, match=f"^m.safetensors: .*{finding}"):
        load(path)


def test_a_folder_with_a_text_encoder_of_another_spelling_loads(
    tmp_path: Path, builtin: LoadedCheckpoint
) -> None:
    """transformers 5.23 writes names without `text_model.`; older and newer must not be random."""
    root = tmp_path / "copy"
    shutil.copytree(BUILTIN, root)
    path = root / "text_encoder" / "model.safetensors"
    tensors = load_file(path)
    assert all(key.startswith("text_model.") for key in tensors)
    save_file({key.removeprefix("text_model."): v for key, v in tensors.items()}, path)
    assert_same(builtin, load(root))
    save_file(dict(list(tensors.items())[1:]), path)
    with pytest.raises(BadModelFile, match="text encoder is incomplete: 1 of 52"):
        load(root)


def test_a_narrow_file_without_facts_says_what_is_missing(tmp_path: Path) -> None:
    path = write_single_file(tmp_path / "m.safetensors", facts=None)
    with pytest.raises(BadModelFile, match=r"Write them into m\.overpaint\.json"):
        load(path)


def test_a_yaml_beside_the_file_decides_the_prediction(tmp_path: Path) -> None:
    """Behaviour 15.3: yaml of the same stem wins."""
    path = write_single_file(tmp_path / "m.safetensors")
    (tmp_path / "m.yaml").write_text('model: {params: {parameterization: "v"}}')
    assert load(path).prediction_type == "v_prediction"


@pytest.mark.parametrize(
    ("change", "used"),
    [
        pytest.param(lambda a: a * 0.9, True, id="another schedule"),
        pytest.param(lambda a: a.half().float(), False, id="rounded to half"),
        pytest.param(lambda a: a.flip(0), False, id="impossible"),
        pytest.param(lambda a: (a * 0.9).half(), False, id="stored in half"),
    ],
)
def test_a_schedule_inside_the_file(
    tmp_path: Path,
    builtin: LoadedCheckpoint,
    change: Callable[[torch.Tensor], torch.Tensor],
    used: bool,
) -> None:
    stored = change(builtin.alphas_cumprod)
    tensors = single_file_tensors() | {"alphas_cumprod": stored}
    found = load(write_single_file(tmp_path / "m.safetensors", tensors=tensors)).alphas_cumprod
    assert torch.equal(found, stored if used else builtin.alphas_cumprod)


def test_an_sdxl_file_is_named_before_anything_is_loaded(tmp_path: Path) -> None:
    path = write_header_only(
        tmp_path / "xl.safetensors",
        {
            f"{UNET}input_blocks.0.0.weight": (320, 4, 3, 3),
            "conditioner.embedders.1.model.ln_final.weight": (1280,),
        },
    )
    with pytest.raises(UnsupportedModel, match=r"xl\.safetensors: this is an SDXL checkpoint"):
        load(path)


@pytest.mark.parametrize(
    ("name", "content", "finding"),
    [
        ("m.safetensors", b"", "is empty"),
        ("m.safetensors", b"<html>", "web page"),
        ("m.safetensors", b"PK\x03\x04" + bytes(99), "zip archive"),
        ("m.safetensors", safetensors_bytes({}), "not a Stable Diffusion checkpoint"),
        ("m.ckpt", b"rubbish", "damaged or not a checkpoint"),
    ],
)
def test_bad_files(tmp_path: Path, name: str, content: bytes, finding: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(BadModelFile, match=finding):
        load(path)


def test_truncated_files(tmp_path: Path) -> None:
    for suffix in (".safetensors", ".ckpt"):
        path = write_single_file(tmp_path / f"m{suffix}")
        with path.open("r+b") as file:
            file.truncate(path.stat().st_size - 1000)
        with pytest.raises(BadModelFile, match=r"truncated|damaged"):
            load(path)


def test_a_lost_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(BadModelFile, match=r"gone\.safetensors is not there any more"):
        load(tmp_path / "gone.safetensors")


@pytest.mark.parametrize(
    ("part", "config"),
    [
        ("unet", {"block_out_channels": [64, 128]}),
        ("unet", {"layers_per_block": 10**9}),
        ("unet", {"act_fn": "__import__('os')"}),
        ("unet", {"brand_new_setting": True}),
        ("unet", {"block_out_channels": [10**12] * 3}),
        ("vae", {"norm_num_groups": 7}),
        ("text_encoder", {"num_attention_heads": 7}),
        ("text_encoder", {"num_hidden_layers": 10**9}),
        ("text_encoder", {"hidden_act": "evil"}),
    ],
)
def test_impossible_configs(tmp_path: Path, part: str, config: dict[str, object]) -> None:
    root = tmp_path / "copy"
    shutil.copytree(BUILTIN, root)
    path = root / part / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | config))
    with pytest.raises(ModelError, match=r"impossible config|does not know|does not fit"):
        load(root)


def test_facts_of_the_fixture_are_those_of_the_folder() -> None:
    unet = json.loads((BUILTIN / "unet" / "config.json").read_text())
    assert unet["attention_head_dim"] == BUILTIN_FACTS["unet"]["num_heads"]
    assert unet["norm_num_groups"] == BUILTIN_FACTS["unet"]["norm_num_groups"]
    vae = json.loads((BUILTIN / "vae" / "config.json").read_text())
    assert vae["scaling_factor"] == BUILTIN_FACTS["vae"]["scaling_factor"]
