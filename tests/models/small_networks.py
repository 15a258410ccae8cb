"""Loading checkpoints in tests, and comparing what their networks make of the same input."""

from __future__ import annotations

from pathlib import Path

import torch

from models.catalog import CheckpointEntry
from models.device import DeviceFlags, DevicePolicy, Hardware, Placement
from models.load import LoadedCheckpoint, load_checkpoint

CPU = DevicePolicy(Hardware("cpu")).choose(DeviceFlags())


def load(path: Path, vae: Path | None = None, placement: Placement = CPU) -> LoadedCheckpoint:
    """Load a file or folder without a catalog."""
    kind = "folder" if path.is_dir() else "file"
    return load_checkpoint(CheckpointEntry(path.name, path, kind), placement, vae)  # type: ignore[arg-type]


@torch.inference_mode()
def outputs(model: LoadedCheckpoint) -> dict[str, torch.Tensor]:
    """What each network makes of fixed input: text [1,77,96], noise [1,4,8,8], picture."""
    ids = model.tokenizer("a girl with pink hair", padding="max_length", max_length=77).input_ids
    text = model.text_encoder(torch.tensor([ids]), output_hidden_states=True)
    generator = torch.Generator().manual_seed(7)
    latent = torch.randn(1, 4, 8, 8, generator=generator)
    picture = torch.rand(1, 3, 64, 64, generator=generator)
    hidden = text.last_hidden_state.to(model.placement.unet_dtype)
    return {
        "text": text.last_hidden_state,
        "clip skip 2": text.hidden_states[-2],
        "unet": model.unet(latent.to(hidden.dtype), 500.25, hidden).sample,
        "decode": model.vae.decode(latent).sample,
        "encode": model.vae.encode(picture).latent_dist.mean,
    }


def assert_same(one: LoadedCheckpoint, other: LoadedCheckpoint) -> None:
    """Fail unless all networks of both give bit-identical outputs."""
    for name, expected in outputs(one).items():
        torch.testing.assert_close(outputs(other)[name], expected, rtol=0, atol=0, msg=name)
