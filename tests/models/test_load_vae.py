"""VAEs from other files, and their old names (behaviour 15.4)."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from models.compvis import VAE
from models.errors import BadModelFile
from models.load import LoadedCheckpoint
from tests.models.make import BUILTIN, single_file_tensors, write_single_file
from tests.models.small_networks import load, outputs


def vae_file(path: Path, prefix: str, *, diffusers: bool = False, old: bool = False) -> Path:
    """The built-in VAE, made half as bright in its last layer, as a file of its own."""
    if diffusers:
        tensors = load_file(BUILTIN / "vae" / "diffusion_pytorch_model.safetensors")
    else:
        tensors = {
            prefix + key.removeprefix(VAE): value
            for key, value in single_file_tensors().items()
            if key.startswith(VAE)
        }
    last = next(key for key in tensors if key.endswith("decoder.conv_out.weight"))
    tensors[last] = tensors[last] * 0.5
    if old:
        tensors["loss.logvar"] = torch.ones(1)
        tensors["model_ema.num_updates"] = torch.ones(1)
    return write_single_file(path, tensors=tensors, facts={"vae": {"norm_num_groups": 2}})


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda p: vae_file(p / "v.safetensors", ""), id="LDM names"),
        pytest.param(lambda p: vae_file(p / "v.pt", "", old=True), id=".pt with leftovers"),
        pytest.param(lambda p: vae_file(p / "v.safetensors", VAE), id="with prefix"),
        pytest.param(
            lambda p: vae_file(p / "v.safetensors", "", diffusers=True), id="diffusers names"
        ),
    ],
)
@pytest.mark.parametrize("source", ["folder", "file"])
def test_an_external_vae_replaces_the_baked_in_one(
    tmp_path: Path, builtin: LoadedCheckpoint, make: Callable[[Path], Path], source: str
) -> None:
    """Behaviour 15.4; the latent scale stays the checkpoint's."""
    path = make(tmp_path)
    checkpoint = (
        BUILTIN if source == "folder" else write_single_file(tmp_path / "m" / "m.safetensors")
    )
    model = load(checkpoint, vae=path)
    assert model.vae_name == path.name
    assert model.vae_scale == builtin.vae_scale
    bias = model.vae.decoder.conv_out.bias[:, None, None]
    expected = (outputs(builtin)["decode"] - bias) * 0.5 + bias
    torch.testing.assert_close(outputs(model)["decode"], expected)


def test_a_file_without_vae_needs_one(tmp_path: Path, builtin: LoadedCheckpoint) -> None:
    tensors = {k: v for k, v in single_file_tensors().items() if not k.startswith(VAE)}
    path = write_single_file(tmp_path / "m.safetensors", tensors=tensors)
    with pytest.raises(BadModelFile, match=r"contains no VAE\. Put one into the VAE folder"):
        load(path)
    model = load(path, vae=vae_file(tmp_path / "v.safetensors", ""))
    assert model.vae_name == "v.safetensors"


def test_old_attention_names_of_a_folder_vae(tmp_path: Path) -> None:
    """SD 1.5's own folder calls the VAE's attention query, key, value, proj_attn."""
    from diffusers import AutoencoderKL

    config = {
        "block_out_channels": [32, 64],
        "down_block_types": ["DownEncoderBlock2D"] * 2,
        "up_block_types": ["UpDecoderBlock2D"] * 2,
        "norm_num_groups": 8,
    }
    torch.manual_seed(1)
    state = AutoencoderKL(**config).state_dict()
    old = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}

    def rename(key: str) -> str:
        for new, name in old.items():
            key = key.replace(f"attentions.0.{new}.", f"attentions.0.{name}.")
        return key

    root = tmp_path / "copy"
    shutil.copytree(BUILTIN, root)
    (root / "vae" / "config.json").write_text(json.dumps(config))
    renamed = {rename(key): value for key, value in state.items()}
    assert renamed.keys() != state.keys()
    save_file(renamed, root / "vae" / "diffusion_pytorch_model.safetensors")
    found = load(root).vae.state_dict()
    assert all(torch.equal(found[key], state[key]) for key in state)
