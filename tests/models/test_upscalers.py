"""Upscaler files: known by their tensors, loaded safely, right to a level, seamless in tiles."""

from __future__ import annotations

import sys
import types
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from models.errors import BadModelFile, ModelError, UnsupportedModel
from models.load_upscaler import load_upscaler
from models.model_file import read_model_header
from models.upscaler_files import UpscalerFiles, layout_of
from models.upscaler_kind import UpscalerKind, identify_upscaler
from models.upscaler_tiles import Pixels, Tiling, tile_spans
from tests.models.upscaler_nets import (
    Weights,
    compact_shapes,
    compact_value,
    random_weights,
    rrdb_shapes,
    rrdb_value,
    write_upscaler,
)

CPU = torch.device("cpu")
WHOLE = Tiling(0, 0)


def picture(width: int, height: int, seed: int = 3) -> Pixels:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def silent(_done: int, _total: int) -> None:
    return None


RRDB_CASES: dict[str, tuple[str, dict[str, int], UpscalerKind]] = {
    "old x4": ("old", {}, UpscalerKind("rrdb", 6, 2, 4, 1, 4, 2)),
    "old x8": ("old", {"doublings": 3}, UpscalerKind("rrdb", 6, 2, 8, 1, 4, 3)),
    "old x2": ("old", {"doublings": 1}, UpscalerKind("rrdb", 6, 2, 2, 1, 4, 1)),
    "old x1": ("old", {"doublings": 0}, UpscalerKind("rrdb", 6, 2, 1, 1, 4, 0)),
    "paper x4": ("paper", {}, UpscalerKind("rrdb", 6, 2, 4, 1, 4, 2)),
    "new x4": ("new", {"width": 5}, UpscalerKind("rrdb", 5, 2, 4, 1, 4, 2)),
    "new x2, folded": ("new", {"fold": 2}, UpscalerKind("rrdb", 6, 2, 2, 2, 4, 2)),
    "new x1, folded": ("new", {"fold": 4}, UpscalerKind("rrdb", 6, 2, 1, 4, 4, 2)),
    "new x8": ("new", {"doublings": 3}, UpscalerKind("rrdb", 6, 2, 8, 1, 4, 3)),
}


@pytest.mark.parametrize(("layout", "sides", "kind"), RRDB_CASES.values(), ids=RRDB_CASES)
@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_rrdbnet_of_every_layout_as_the_papers_formulas_have_it(
    layout: str, sides: dict[str, int], kind: UpscalerKind, suffix: str, tmp_path: Path
) -> None:
    weights = random_weights(rrdb_shapes(layout, **sides))
    wrapper = "params_ema" if layout == "new" else ""
    path = write_upscaler(tmp_path / f"net{suffix}", weights, wrapper)
    assert layout_of(path).kind == kind
    upscaler = load_upscaler(path, CPU)
    pixels = picture(12, 8)
    made = upscaler.enlarge(pixels, WHOLE, silent)
    expected = np.rint(np.clip(rrdb_value(weights, layout, pixels), 0, 255))
    assert made.shape == (8 * kind.scale, 12 * kind.scale, 3)
    assert len(np.unique(expected)) > 20
    assert np.abs(made - expected).max() <= 1  # float32 beside float64 at a half
    assert (made == expected).mean() > 0.99


@pytest.mark.parametrize("scale", [1, 2, 3, 4])
def test_compact_as_the_papers_formulas_have_it(scale: int, tmp_path: Path) -> None:
    weights = random_weights(compact_shapes(scale=scale, convs=3))
    path = write_upscaler(tmp_path / "net.pth", weights, "params")
    assert layout_of(path).kind == UpscalerKind("compact", 6, 3, scale)
    pixels = picture(9, 7)
    made = load_upscaler(path, CPU).enlarge(pixels, WHOLE, silent)
    expected = np.rint(np.clip(compact_value(weights, pixels), 0, 255))
    assert np.abs(made - expected).max() <= 1
    assert (made == expected).mean() > 0.99


@pytest.mark.parametrize("fold", [2, 4])
def test_sides_that_a_folded_network_cannot_halve_are_kept(fold: int, tmp_path: Path) -> None:
    weights = random_weights(rrdb_shapes("new", fold=fold))
    upscaler = load_upscaler(write_upscaler(tmp_path / "net.pth", weights, "params"), CPU)
    pixels = picture(13, 7)
    scale = 4 // fold
    made = upscaler.enlarge(pixels, WHOLE, silent)
    assert made.shape == (7 * scale, 13 * scale, 3)
    padding = ((0, -7 % fold), (0, -13 % fold), (0, 0))
    value = rrdb_value(weights, "new", np.pad(pixels, padding, mode="edge"))
    expected = np.rint(np.clip(value, 0, 255))[: 7 * scale, : 13 * scale]
    assert np.abs(made - expected).max() <= 1


TILINGS = {
    "A1111's": (Tiling(192, 8), (230, 200)),
    "small": (Tiling(32, 16), (70, 45)),
    "one row": (Tiling(32, 16), (90, 20)),
    "half a tile at most": (Tiling(32, 500), (50, 50)),
}


@pytest.mark.parametrize(("tiling", "size"), TILINGS.values(), ids=TILINGS)
@pytest.mark.parametrize("fold", [1, 2])
def test_tiles_of_a_network_that_looks_two_pixels_far_leave_no_seam(
    tiling: Tiling, size: tuple[int, int], fold: int, tmp_path: Path
) -> None:
    """Each pixel outside the quarter overlap (2 pixels with A1111's 8) is the untiled one."""
    if fold == 1:
        weights = random_weights(compact_shapes(convs=0, scale=2))
    else:
        weights = random_weights(rrdb_shapes("new", fold=2, blocks=1, doublings=1, width=3))
        for name in weights:  # a network without a trunk and with plain steps: it looks 4 far
            if not name.startswith(("conv_first", "conv_up1")) and name.endswith("weight"):
                kernel = torch.zeros_like(weights[name])
                kernel[range(3), range(3), 1, 1] = float(not name.startswith(("body", "conv_body")))
                weights[name] = kernel
        tiling = Tiling(tiling.tile, max(tiling.overlap, 16))
    upscaler = load_upscaler(write_upscaler(tmp_path / "net.safetensors", weights), CPU)
    pixels = picture(*size)
    whole = upscaler.enlarge(pixels, WHOLE, silent).astype(int)
    calls: list[tuple[int, int]] = []
    tiled = upscaler.enlarge(pixels, tiling, lambda *at: calls.append(at))
    assert len(calls) > 1
    assert calls[-1] == (len(calls), len(calls))
    assert np.abs(tiled - whole).max() <= 1


@given(
    st.integers(1, 400),
    st.integers(1, 200),
    st.integers(0, 99),
    st.sampled_from([1, 2, 4]),
)
def test_tiles_cover_a_side_and_meet_within_their_overlap(
    cells: int, tile: int, overlap: int, fold: int
) -> None:
    length = cells * fold
    spans = tile_spans(length, Tiling(tile, overlap), fold)
    assert spans[0].start == 0
    assert spans[-1].stop == length
    assert len({span.stop - span.start for span in spans}) == 1
    for before, span in pairwise(spans):
        assert span.start % fold == 0
        assert span.start <= span.fade[0] <= span.fade[1] <= before.stop


def test_memory_stays_flat_however_tall_the_picture_is(tmp_path: Path) -> None:
    """Only one tile at a time goes through the network."""
    weights = random_weights(compact_shapes(convs=0, scale=2, width=2))
    upscaler = load_upscaler(write_upscaler(tmp_path / "net.pth", weights), CPU)
    seen: list[int] = []
    inner = upscaler.network

    def network(x: torch.Tensor) -> torch.Tensor:
        seen.append(x.numel())
        return inner(x)

    object.__setattr__(upscaler, "network", network)
    upscaler.enlarge(picture(40, 600), Tiling(32, 8), silent)
    assert set(seen) == {32 * 32 * 3}


def renamed(weights: Weights, old: str, new: str) -> Weights:
    return {name.replace(old, new): value for name, value in weights.items()}


OTHERS: dict[str, dict[str, tuple[int, ...]]] = {
    "another architecture": {"layers.0.attn.qkv.weight": (9, 3)},
    "a tensor too many": rrdb_shapes("new") | {"body.0.rdb1.conv1x1.weight": (4, 6, 1, 1)},
    "a tensor too few": {k: v for k, v in rrdb_shapes("old").items() if k != "model.8.bias"},
    "grey": rrdb_shapes("new") | {"conv_last.weight": (1, 6, 3, 3), "conv_last.bias": (1,)},
    "an odd fold": rrdb_shapes("new") | {"conv_first.weight": (6, 27, 3, 3)},
    "no slopes": {k: v for k, v in compact_shapes().items() if len(v) != 1 or "bias" in k},
    "a width that changes": compact_shapes() | {"body.2.weight": (6, 5, 3, 3)},
}


@pytest.mark.parametrize("shapes", OTHERS.values(), ids=OTHERS)
def test_another_architecture_is_named_with_the_way_out(
    shapes: dict[str, tuple[int, ...]], tmp_path: Path
) -> None:
    path = write_upscaler(tmp_path / "Swin.safetensors", random_weights(shapes))
    with pytest.raises(UnsupportedModel, match=r"Swin\.safetensors is no ESRGAN.*pip install span"):
        load_upscaler(path, CPU)


def test_names_of_a_parallel_wrapper_are_seen_through(tmp_path: Path) -> None:
    plain = random_weights(rrdb_shapes("new"))
    wrapped = {f"module.{name}": value for name, value in plain.items()}
    path = write_upscaler(tmp_path / "net.pth", wrapped)
    layout = identify_upscaler(read_model_header(path))
    assert layout is not None
    assert layout.names["conv_hr.bias"] == "module.conv_hr.bias"


def test_a_pickle_that_wants_to_run_something_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "evil.pth"
    torch.save({"params": {"conv_first.weight": Path("x")}}, path)
    with pytest.raises(BadModelFile, match="was refused"):
        load_upscaler(path, CPU)


def test_a_network_without_numbers_says_so(tmp_path: Path) -> None:
    weights = random_weights(compact_shapes(scale=1))
    weights["body.0.bias"][0] = torch.nan
    upscaler = load_upscaler(write_upscaler(tmp_path / "net.pth", weights), CPU)
    with pytest.raises(ModelError, match=r"net\.pth gives no numbers"):
        upscaler.enlarge(picture(8, 8), WHOLE, silent)


def test_files_by_a1111s_names_and_their_own(tmp_path: Path) -> None:
    small = random_weights(compact_shapes())
    large = random_weights(rrdb_shapes("old"))
    write_upscaler(tmp_path / "ESRGAN" / "sub" / "4x-UltraSharp.pth", large)
    write_upscaler(tmp_path / "RealESRGAN" / "realesr-general-x4v3.pth", small, "params")
    write_upscaler(tmp_path / "RealESRGAN" / "4x-UltraSharp.safetensors", large)
    write_upscaler(tmp_path / "ESRGAN" / "Swin.safetensors", {"odd": torch.zeros(2)})
    (tmp_path / "ESRGAN" / "readme.txt").write_text("x")
    files = UpscalerFiles(tmp_path)
    assert [(entry.name, entry.folder, entry.scale) for entry in files.entries] == [
        ("4x-UltraSharp", "ESRGAN", 4),
        ("4x-UltraSharp (RealESRGAN, safetensors)", "RealESRGAN", 4),
        ("R-ESRGAN General 4xV3", "RealESRGAN", 4),
        ("Swin", "ESRGAN", None),
    ]
    swin = files.find("swin")
    assert swin is not None
    assert "spandrel" in (swin.problem or "")
    for alias in ("r-esrgan general 4xv3", "realesr-general-x4v3", "realesr-general-x4v3.pth"):
        assert files.find(alias) == files.entries[2]
    assert files.find("ESRGAN_4x") is None
    (tmp_path / "ESRGAN" / "Swin.safetensors").unlink()
    assert len(files.entries) == 3


def fake_spandrel(monkeypatch: pytest.MonkeyPatch, channels: int = 3) -> None:
    """A package that knows one more architecture: nearest neighbour, twice as large."""

    class Found:
        scale, input_channels, output_channels = 2, channels, 3

        def float(self) -> Found:
            return self

        eval = float

        def __call__(self, x: torch.Tensor) -> torch.Tensor:
            return x.repeat_interleave(2, 2).repeat_interleave(2, 3)

    class ModelLoader:
        def __init__(self, device: torch.device) -> None: ...

        def load_from_state_dict(self, tensors: dict[str, Any]) -> Found:
            if "odd" not in tensors:
                raise KeyError("no such architecture")
            return Found()

    module = types.ModuleType("spandrel")
    module.__spec__ = types.SimpleNamespace(name="spandrel")  # type: ignore[assignment]
    module.ModelLoader = ModelLoader  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "spandrel", module)


def test_spandrel_is_used_for_what_we_do_not_know(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_spandrel(monkeypatch)
    path = write_upscaler(tmp_path / "ESRGAN" / "Swin.pth", {"odd": torch.zeros(2)})
    (entry,) = UpscalerFiles(tmp_path).entries
    assert entry.problem is None
    upscaler = load_upscaler(path, CPU)
    pixels = picture(5, 4)
    made = upscaler.enlarge(pixels, WHOLE, silent)
    assert (made == pixels.repeat(2, axis=0).repeat(2, axis=1)).all()
    other = write_upscaler(tmp_path / "Odd.pth", {"strange": torch.zeros(2)})
    with pytest.raises(UnsupportedModel, match="no architecture that spandrel knows"):
        load_upscaler(other, CPU)


def test_spandrel_for_other_than_rgb_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_spandrel(monkeypatch, channels=1)
    path = write_upscaler(tmp_path / "Grey.pth", {"odd": torch.zeros(2)})
    with pytest.raises(UnsupportedModel, match="works on 1 channels"):
        load_upscaler(path, CPU)


def test_a_spandrel_that_does_not_start_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_spandrel(monkeypatch)

    def broken(device: torch.device) -> Any:
        raise ImportError("operator torchvision::nms does not exist")

    monkeypatch.setattr(sys.modules["spandrel"], "ModelLoader", broken)
    path = write_upscaler(tmp_path / "Swin.pth", {"odd": torch.zeros(2)})
    with pytest.raises(BadModelFile, match=r"does not start \(operator torchvision::nms"):
        load_upscaler(path, CPU)
