"""The preview decoder: found in a folder or the one it shares with, and damaged files said."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from models.errors import BadModelFile
from models.preview_decoder import PREVIEW_FILE, PreviewDecoder, load_preview_decoder


def written(folder: Path, width: int = 8) -> PreviewDecoder:
    folder.mkdir(exist_ok=True)
    decoder = PreviewDecoder(width)
    save_file({name: v.half() for name, v in decoder.state_dict().items()}, folder / PREVIEW_FILE)
    return decoder


def test_it_draws_eight_times_as_large() -> None:
    assert PreviewDecoder(8)(torch.zeros(2, 4, 5, 7)).shape == (2, 3, 40, 56)


def test_a_folder_without_one_has_none(tmp_path: Path) -> None:
    assert load_preview_decoder(tmp_path) is None
    assert load_preview_decoder(tmp_path / "model.safetensors") is None


@pytest.mark.parametrize("shared", [False, True], ids=["own", "from the folder beside it"])
def test_what_was_written_is_read(tmp_path: Path, shared: bool) -> None:
    decoder = written(tmp_path / "base")
    folder = tmp_path / "base"
    if shared:
        folder = tmp_path / "variant"
        folder.mkdir()
        (folder / "overpaint.json").write_text(json.dumps({"shares_with": "base"}))
    read = load_preview_decoder(folder)
    assert read is not None
    latents = torch.randn(1, 4, 4, 4)
    assert torch.allclose(read(latents), decoder(latents), atol=2e-2)


@pytest.mark.parametrize("damage", ["no tensors", "half", "other names"])
def test_damaged_files_are_said(tmp_path: Path, damage: str) -> None:
    written(tmp_path)
    file = tmp_path / PREVIEW_FILE
    if damage == "other names":
        save_file({"x": torch.zeros(1)}, file)
    else:
        file.write_bytes(file.read_bytes()[: 0 if damage == "no tensors" else 500])
    with pytest.raises(BadModelFile, match=r"preview\.safetensors is no preview decoder"):
        load_preview_decoder(tmp_path)
