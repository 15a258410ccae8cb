"""Diffusers folders: what is accepted, and that no code in them can run (S7)."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from models.catalog import CheckpointEntry
from models.device import DeviceFlags, DevicePolicy, Hardware
from models.errors import BadModelFile, ModelError, UnsupportedModel
from models.folder import identify_folder, read_folder, weight_files
from models.load import load_checkpoint
from tests.models.make import BUILTIN


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "copy"
    shutil.copytree(BUILTIN, root)
    return root


def edit(path: Path, **changes: object) -> None:
    content = json.loads(path.read_text())
    path.write_text(json.dumps(content | changes))


def test_the_built_in_folder() -> None:
    folder = read_folder(BUILTIN)
    kind = folder.kind
    assert (kind.family, kind.variant, kind.native_size, kind.context_dim) == (
        "sd1",
        "base",
        256,
        96,
    )
    assert folder.schedule.beta_end == 0.012
    assert [path.relative_to(BUILTIN).as_posix() for path in weight_files(BUILTIN)] == [
        "text_encoder/model.safetensors",
        "unet/diffusion_pytorch_model.safetensors",
        "vae/diffusion_pytorch_model.safetensors",
    ]


@pytest.mark.parametrize(
    ("index", "family"),
    [
        ({"_class_name": "StableDiffusionXLPipeline"}, "sdxl"),
        ({"text_encoder_2": ["transformers", "CLIPTextModelWithProjection"]}, "sdxl"),
        ({"_class_name": "StableDiffusion3Pipeline"}, "sd3"),
        ({"_class_name": "FluxPipeline"}, "flux"),
        ({"_class_name": "StableDiffusionInpaintPipeline"}, "sd1"),
    ],
)
def test_families_by_pipeline(folder: Path, index: dict[str, Any], family: str) -> None:
    edit(folder / "model_index.json", **index)
    assert identify_folder(folder).family == family


@pytest.mark.parametrize(
    ("unet", "family", "variant"),
    [
        ({"in_channels": 9}, "sd1", "inpaint"),
        ({"in_channels": 8}, "sd1", "instruct-pix2pix"),
        ({"cross_attention_dim": 1024}, "sd2", "base"),
        ({"addition_embed_type": "text_time"}, "sdxl", "base"),
    ],
)
def test_families_by_unet(folder: Path, unet: dict[str, Any], family: str, variant: str) -> None:
    edit(folder / "unet" / "config.json", **unet)
    kind = identify_folder(folder)
    assert (kind.family, kind.variant) == (family, variant)


def test_v_prediction_is_read(folder: Path) -> None:
    edit(folder / "scheduler" / "scheduler_config.json", prediction_type="v_prediction")
    assert identify_folder(folder).prediction == "v_prediction"


def lose(name: str) -> Callable[[Path], None]:
    return lambda root: (root / name).unlink()


def change(name: str, **values: object) -> Callable[[Path], None]:
    return lambda root: edit(root / name, **values)


@pytest.mark.parametrize(
    ("damage", "error", "finding"),
    [
        pytest.param(lose("unet/config.json"), BadModelFile, "unet/config.json is missing", id="c"),
        pytest.param(
            lose("vae/diffusion_pytorch_model.safetensors"), BadModelFile, "incomplete: vae", id="w"
        ),
        pytest.param(lose("tokenizer/vocab.json"), BadModelFile, "incomplete: tokenizer", id="t"),
        pytest.param(
            lambda root: (root / "vae/config.json").write_text("[]"),
            BadModelFile,
            "vae/config.json is not a table",
            id="list as config",
        ),
        pytest.param(
            lambda root: (root / "vae/config.json").write_text("{"),
            BadModelFile,
            "not valid JSON",
            id="broken config",
        ),
        pytest.param(
            change("model_index.json", unet=["diffusers", "UNet3DConditionModel"]),
            UnsupportedModel,
            "its unet is UNet3DConditionModel from diffusers; UNet2DConditionModel is needed",
            id="other U-Net",
        ),
        pytest.param(
            change("scheduler/scheduler_config.json", beta_schedule="squaredcos_cap_v2"),
            UnsupportedModel,
            "noise schedule is not one of SD 1.x",
            id="other schedule",
        ),
        pytest.param(
            change("scheduler/scheduler_config.json", prediction_type="sample"),
            UnsupportedModel,
            "predicts 'sample'",
            id="other prediction",
        ),
        pytest.param(
            change("unet/config.json", cross_attention_dim=[1, 2]),
            UnsupportedModel,
            "of another kind",
            id="list of widths",
        ),
    ],
)
def test_what_is_wrong_is_said(
    folder: Path, damage: Callable[[Path], None], error: type[ModelError], finding: str
) -> None:
    damage(folder)
    with pytest.raises(error, match=finding):
        read_folder(folder)


CODE = "from pathlib import Path; Path(__file__).with_name('canary').touch()\n"


@pytest.mark.parametrize(
    "plant",
    [
        pytest.param(change("model_index.json", _class_name=["pipeline", "Evil"]), id="pipeline"),
        pytest.param(change("model_index.json", unet=["unet", "Evil"]), id="unet module"),
        pytest.param(change("model_index.json", text_encoder=["evil", "Evil"]), id="text module"),
        pytest.param(change("model_index.json", tokenizer=["pipeline", "Evil"]), id="tokenizer"),
        pytest.param(
            change("model_index.json", scheduler=["pipeline", "Evil"]), id="scheduler, ignored"
        ),
        pytest.param(
            change("model_index.json", safety_checker=["pipeline", "Evil"]), id="checker, ignored"
        ),
        pytest.param(
            change("tokenizer/tokenizer_config.json", auto_map={"AutoTokenizer": "pipeline.Evil"}),
            id="tokenizer auto_map",
        ),
        pytest.param(
            change("tokenizer/tokenizer_config.json", tokenizer_class="pipeline.Evil"),
            id="tokenizer class",
        ),
        pytest.param(
            change("text_encoder/config.json", auto_map={"AutoModel": "pipeline.Evil"}),
            id="text auto_map",
        ),
        pytest.param(change("unet/config.json", _class_name=["pipeline", "Evil"]), id="unet class"),
        pytest.param(
            change("unet/config.json", auto_map={"AutoModel": "pipeline.Evil"}), id="unet auto_map"
        ),
    ],
)
def test_code_in_a_folder_never_runs(folder: Path, plant: Callable[[Path], None]) -> None:
    """S7: a pipeline.py, modules and maps that name it: refused or ignored, canary absent."""
    plant(folder)
    for name in ("pipeline.py", "unet/unet.py", "unet/pipeline.py", "evil.py", "__init__.py"):
        (folder / name).write_text(CODE + "class Evil: pass\n")
    for name in ("tokenizer/pipeline.py", "text_encoder/pipeline.py", "text_encoder/evil.py"):
        (folder / name).write_text(CODE + "class Evil: pass\n")
    placement = DevicePolicy(Hardware("cpu")).choose(DeviceFlags())
    try:
        load_checkpoint(CheckpointEntry("copy", folder, "folder"), placement)
    except ModelError as error:
        assert "code" in str(error) or "setting 'auto_map'" in str(error)
    assert not list(folder.rglob("canary"))


@pytest.fixture
def variant(folder: Path) -> Path:
    """A folder with a U-Net of its own, which shares everything else with `folder`."""
    root = folder.parent / "variant"
    shutil.copytree(folder / "unet", root / "unet")
    shutil.copyfile(folder / "model_index.json", root / "model_index.json")
    (root / "overpaint.json").write_text(json.dumps({"shares_with": folder.name}))
    return root


def test_a_variant_takes_what_it_lacks_from_the_folder_beside_it(
    folder: Path, variant: Path
) -> None:
    read, whole = read_folder(variant), read_folder(folder)
    assert read.weights["unet"].parent.parent == variant
    assert read.weights["vae"] == whole.weights["vae"]
    assert (read.tokenizer, read.schedule) == (whole.tokenizer, whole.schedule)
    assert read.facts.default_width == 256
    assert read.facts.latent_rgb_factors == whole.facts.latent_rgb_factors


def test_a_part_of_its_own_comes_first(folder: Path, variant: Path) -> None:
    shutil.copytree(folder / "vae", variant / "vae")
    assert read_folder(variant).weights["vae"].parent.parent == variant


@pytest.mark.parametrize("name", ["../other", "/etc", "a/b", "..", ""])
def test_only_a_neighbour_can_be_named(variant: Path, name: str) -> None:
    (variant / "overpaint.json").write_text(json.dumps({"shares_with": name}))
    with pytest.raises(BadModelFile, match="shares_with"):
        read_folder(variant)


def test_a_missing_neighbour_is_said(variant: Path) -> None:
    (variant / "overpaint.json").write_text(json.dumps({"shares_with": "gone"}))
    with pytest.raises(BadModelFile, match=r"scheduler_config\.json is missing"):
        read_folder(variant)
