"""Facts beside a checkpoint: overpaint.json, yaml, header metadata, and which of them wins."""

import json
from pathlib import Path

import pytest

from models.errors import BadModelFile
from models.facts import Facts, facts_of_file, facts_of_folder, parse_facts
from tests.models.make import BUILTIN

YAML = """
model:
  target: ldm.models.diffusion.ddpm.LatentDiffusion
  params:
    parameterization: "v"
    linear_start: 0.00085
    linear_end: 0.0120
    timesteps: 1000
    scale_factor: 0.18215
    unet_config:
      params: {num_heads: -1, num_head_channels: 64}
"""


def test_the_built_in_folder_has_facts() -> None:
    facts = facts_of_folder(BUILTIN)
    assert (facts.default_width, facts.default_height, facts.default_cfg) == (256, 256, 5.0)
    assert facts.latent_rgb_factors is not None
    assert len(facts.latent_rgb_factors) == 4


def test_no_files_mean_no_facts(tmp_path: Path) -> None:
    assert facts_of_file(tmp_path / "m.safetensors", {}) == Facts()
    assert facts_of_folder(tmp_path) == Facts()


def test_an_ldm_yaml_gives_prediction_schedule_and_heads(tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text(YAML)
    facts = facts_of_file(tmp_path / "m.safetensors", {})
    assert facts.scheduler.prediction_type == "v_prediction"
    assert facts.scheduler.beta_end == 0.012
    assert facts.unet.num_heads is None
    assert facts.unet.num_head_channels == 64
    assert facts.vae.scaling_factor == 0.18215


def test_sidecar_wins_over_yaml_and_yaml_over_metadata(tmp_path: Path) -> None:
    metadata = {
        "overpaint": json.dumps(
            {
                "default_width": 64,
                "default_cfg": 3,
                "unet": {"num_heads": 4, "norm_num_groups": 8},
                "scheduler": {"prediction_type": "epsilon"},
            }
        )
    }
    (tmp_path / "m.yaml").write_text(YAML)
    (tmp_path / "m.overpaint.json").write_text('{"default_width": 320, "unet": {"num_heads": 2}}')
    facts = facts_of_file(tmp_path / "m.safetensors", metadata)
    assert (facts.default_width, facts.default_cfg) == (320, 3)
    assert (facts.unet.num_heads, facts.unet.norm_num_groups) == (2, 8)
    assert facts.scheduler.prediction_type == "v_prediction"


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        ("{", "the text: Invalid JSON"),
        ('{"default_width": 100}', "default_width: .*multiple of 8"),
        ('{"default_widht": 256}', "default_widht: Extra inputs"),
        ('{"default_cfg": NaN}', "default_cfg"),
        ('{"latent_rgb_factors": [[1, 2]]}', r"latent_rgb_factors\.0"),
        ('{"unet": {"norm_num_groups": 0}}', r"unet\.norm_num_groups"),
        ('{"scheduler": {"prediction_type": "sample"}}', r"scheduler\.prediction_type"),
    ],
)
def test_impossible_facts_name_source_and_place(text: str, finding: str) -> None:
    with pytest.raises(BadModelFile, match=rf"^my\.json cannot be used: {finding}"):
        parse_facts(text, "my.json")


@pytest.mark.parametrize(
    ("content", "finding"),
    [
        pytest.param(b"a: [1", "not valid YAML", id="syntax"),
        pytest.param(b"!!python/object/apply:os.system ['true']", "not valid YAML", id="tag"),
        pytest.param(b"[" * 20_000, "not valid YAML", id="deep"),
        pytest.param(b"\xff\xfe\xff", "not UTF-8", id="bytes"),
        pytest.param(b"#" * 300_000, "longer than", id="long"),
        pytest.param(b"model: {params: {linear_start: 5}}", "beta_start is impossible", id="beta"),
    ],
)
def test_bad_yaml_is_refused(tmp_path: Path, content: bytes, finding: str) -> None:
    (tmp_path / "m.yaml").write_bytes(content)
    with pytest.raises(BadModelFile, match=finding):
        facts_of_file(tmp_path / "m.ckpt", {})


def test_a_yaml_about_something_else_says_little(tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text("just: [some, list]")
    assert facts_of_file(tmp_path / "m.ckpt", {}).unet == Facts().unet
