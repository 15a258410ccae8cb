"""What ships with us: sizes, tokenizer, spelling, facts, and that it works without a network."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open

from models.builtin.training.latent_rgb import fit, latents_and_colours, main
from models.catalog import CheckpointEntry
from models.device import DeviceFlags, DevicePolicy
from models.facts import facts_of_folder
from models.load import load_checkpoint
from models.load_single_file import TOKENIZER
from tests.models.make import BUILTIN

ROOT = Path(__file__).parents[2]


def test_it_stays_small() -> None:
    size = sum(path.stat().st_size for path in BUILTIN.rglob("*") if path.is_file())
    assert size < 40_000_000


def test_only_data_lies_in_it() -> None:
    suffixes = {path.suffix for path in BUILTIN.rglob("*") if path.is_file()}
    assert suffixes == {".json", ".txt", ".safetensors"}


def test_text_encoder_names_are_read_by_every_version_of_transformers() -> None:
    """Performance 6: without the prefix older versions load random weights and only warn."""
    with safe_open(BUILTIN / "text_encoder" / "model.safetensors", framework="np") as file:
        assert len(file.keys()) == 52
        assert all(key.startswith("text_model.") for key in file.keys())  # noqa: SIM118


def test_transformers_own_loader_misses_nothing() -> None:
    from transformers import CLIPTextModel

    _, info = CLIPTextModel.from_pretrained(BUILTIN / "text_encoder", output_loading_info=True)
    assert not info["missing_keys"]
    assert not info["unexpected_keys"]


def test_diffusers_own_pipeline_loads_it_offline() -> None:
    from diffusers import StableDiffusionPipeline

    pipeline = StableDiffusionPipeline.from_pretrained(BUILTIN, local_files_only=True)
    assert pipeline.vae_scale_factor == 8


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("a photo of a cat", [320, 1125, 539, 320, 2368]),
        ("", []),
        ("A PHOTO  of\na cat", [320, 1125, 539, 320, 2368]),
        (
            'A Photo, of a (cat:1.2) "pink-haired" GIRL!',
            [
                320,
                1125,
                267,
                539,
                320,
                263,
                2368,
                281,
                272,
                269,
                273,
                264,
                257,
                3360,
                268,
                27202,
                257,
                1611,
                256,
            ],
        ),
        ("it's 2024", [585, 568, 273, 271, 273, 275]),
    ],
)
def test_tokenizer(text: str, ids: list[int]) -> None:
    """Tiny-model 1: the first vector; the others were made with the model's training tokenizer."""
    from transformers import CLIPTokenizer

    tokenizer = CLIPTokenizer.from_pretrained(TOKENIZER, local_files_only=True)
    assert tokenizer(text).input_ids == [49406, *ids, 49407]
    assert len(tokenizer) == 49408
    assert tokenizer.model_max_length == 77


def test_vocabulary_and_merges_agree() -> None:
    vocabulary = json.loads((TOKENIZER / "vocab.json").read_text(encoding="utf-8"))
    lines = (TOKENIZER / "merges.txt").read_text(encoding="utf-8").splitlines()
    assert list(vocabulary.values()) == list(range(49408))
    assert lines[0] == "#version: 0.2"
    assert len(lines) == 1 + 48894
    merged = ["".join(line.split()) for line in lines[1:]]
    assert list(vocabulary)[512 : 512 + len(merged)] == merged


def test_schedule_is_the_plain_one_of_sd1() -> None:
    config = json.loads((BUILTIN / "scheduler" / "scheduler_config.json").read_text())
    assert (config["beta_start"], config["beta_end"]) == (0.00085, 0.012)
    assert config["beta_schedule"] == "scaled_linear"
    assert config["prediction_type"] == "epsilon"
    assert config["timestep_spacing"] == "linspace"


def test_the_fit_of_preview_colours_finds_a_known_map() -> None:
    rng = np.random.default_rng(3)
    factors = np.array([[0.5, 0, 0], [0, -0.25, 0], [0, 0, 0.125], [1, 1, 1]])
    latents = [rng.normal(size=(50, 4)) for _ in range(3)]
    colours = [latent @ factors + [0.1, 0.2, 0.3] for latent in latents]
    found, bias, explained = fit(latents, colours)
    np.testing.assert_allclose(found, factors, atol=1e-9)
    np.testing.assert_allclose(bias, [0.1, 0.2, 0.3], atol=1e-9)
    assert explained == pytest.approx(1.0)


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    """Three photographs that come with scikit-image."""
    from PIL import Image
    from skimage import data

    folder = tmp_path / "photographs"
    folder.mkdir()
    for name in ("astronaut", "chelsea", "coffee"):
        Image.fromarray(getattr(data, name)()).save(folder / f"{name}.png")
    return folder


def test_shipped_preview_colours_hold_for_photographs(photographs: Path) -> None:
    """The map was fitted mostly on drawings; it must explain 90 % of other colours as well."""
    placement = DevicePolicy.detect(use_cpu=True).choose(DeviceFlags())
    model = load_checkpoint(CheckpointEntry("builtin", BUILTIN, "builtin"), placement)
    pairs = [latents_and_colours(path, model) for path in sorted(photographs.iterdir())]
    latents, colours = (np.concatenate(part) for part in zip(*pairs, strict=True))
    rest = colours - latents @ np.array(model.latent_rgb.factors) - model.latent_rgb.bias
    assert 1 - rest.var() / colours.var() > 0.9


def test_preview_colours_can_be_made_and_written(
    photographs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(BUILTIN, copy)
    main([str(photographs), "--checkpoint", str(copy), "--write"])
    line, summary = capsys.readouterr().out.splitlines()
    assert summary.startswith("3 pictures, R^2 0.9")
    before, after = facts_of_folder(BUILTIN), facts_of_folder(copy)
    assert json.loads(line)["latent_rgb_factors"] == [
        list(r) for r in after.latent_rgb_factors or ()
    ]
    assert after.default_width == before.default_width
    assert after.latent_rgb_factors != before.latent_rgb_factors


@pytest.mark.slow
def test_diffusers_is_forbidden_to_run_code_of_models() -> None:
    """S7: the guard is up whatever the user's environment says."""
    code = (
        "import models.load, diffusers.utils.constants as constants\n"
        "assert constants.DIFFUSERS_DISABLE_REMOTE_CODE is True"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "DIFFUSERS_DISABLE_REMOTE_CODE": "0"}
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, check=True)


def test_the_web_process_can_use_the_catalog_without_torch(tmp_path: Path) -> None:
    """Design: ui, api, scripts and jobs never import torch, not even transitively."""
    code = (
        "import sys; from pathlib import Path\n"
        "import models.cache, models.compvis, models.configs, models.device, models.errors\n"
        "import models.facts, models.folder, models.hashes, models.identify, models.model_file\n"
        "import models.noise_schedule, models.pickle_header, models.preview_colours, models.vae\n"
        "from models.catalog import Catalog\n"
        f"catalog = Catalog(Path({str(tmp_path)!r}), Path({str(tmp_path)!r}), "
        f"Path({str(BUILTIN)!r}))\n"
        "print(catalog.ensure_hash(catalog.default()).hash10)\n"
        "heavy = {'torch', 'diffusers', 'transformers', 'safetensors'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.strip()) == 10
