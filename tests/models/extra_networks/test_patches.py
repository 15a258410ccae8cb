"""LoRAs in a model's weights: the formula, the order, and everything given back bit by bit."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from models.errors import BadModelFile, UnsupportedModel
from models.extra_networks import patches
from models.extra_networks.deltas import LayerChange, weight_delta
from models.extra_networks.lora import Lora, load_lora
from models.extra_networks.patches import PatchedModel, Wanted
from models.load import LoadedCheckpoint
from tests.models.extra_networks.make import (
    ATTN,
    TEXT_KEY,
    UNET_KEY,
    UNET_WIDTH,
    both_sides,
    low_rank,
    write_lora,
)


@pytest.fixture
def model(builtin: LoadedCheckpoint) -> Iterator[PatchedModel]:
    patched = PatchedModel(builtin.unet, builtin.text_encoder, 1)
    yield patched
    patched.restore()


def unet_weight(builtin: LoadedCheckpoint) -> Tensor:
    layer = builtin.unet.get_submodule(f"{ATTN}.to_q")
    assert isinstance(layer.weight, Tensor)
    return layer.weight


def text_weight(builtin: LoadedCheckpoint) -> Tensor:
    for name, value in builtin.text_encoder.named_parameters():
        if name.endswith("encoder.layers.0.self_attn.q_proj.weight"):
            assert isinstance(value, Tensor)
            return value
    raise KeyError


def state(builtin: LoadedCheckpoint) -> dict[str, Tensor]:
    pairs = [*builtin.unet.state_dict().items(), *builtin.text_encoder.state_dict().items()]
    return {name: value.clone() for name, value in pairs}


def assert_untouched(builtin: LoadedCheckpoint, before: dict[str, Tensor]) -> None:
    after = state(builtin)
    for name, value in before.items():
        assert torch.equal(value.view(torch.uint8), after[name].view(torch.uint8)), name


def loaded(tmp_path: Path, name: str = "x", tensors: dict[str, Tensor] | None = None) -> Lora:
    return load_lora(write_lora(tmp_path / f"{name}.safetensors", tensors))


def product(tensors: dict[str, Tensor], key: str) -> Tensor:
    up, down = (tensors[f"{key}.lora_{part}.weight"].double() for part in ("up", "down"))
    return up @ down * (float(tensors[f"{key}.alpha"]) / 2)


def apply(model: PatchedModel, *wanted: Wanted) -> None:
    model.apply([(one, model.bind(one.lora)) for one in wanted])


def test_behaviour_15_5_each_side_has_its_multiplier(
    builtin: LoadedCheckpoint, model: PatchedModel, tmp_path: Path
) -> None:
    tensors = both_sides()
    unet, text = unet_weight(builtin).double(), text_weight(builtin).double()
    apply(model, Wanted(loaded(tmp_path, tensors=tensors), 0.5, -2.0))
    torch.testing.assert_close(
        unet_weight(builtin).double(), unet - 2.0 * product(tensors, UNET_KEY), rtol=0, atol=1e-6
    )
    torch.testing.assert_close(
        text_weight(builtin).double(), text + 0.5 * product(tensors, TEXT_KEY), rtol=0, atol=1e-6
    )


def test_where_layers_belong_is_found_out_once(model: PatchedModel, tmp_path: Path) -> None:
    lora = loaded(tmp_path)
    assert model.bind(lora) is model.bind(lora)
    assert model.bind(loaded(tmp_path)) is not model.bind(lora)


def test_several_add_up_in_order_and_the_next_set_replaces_them(
    builtin: LoadedCheckpoint, model: PatchedModel, tmp_path: Path
) -> None:
    before = state(builtin)
    original = unet_weight(builtin).double()
    one, other = both_sides(seed=1), both_sides(seed=5)
    first, second = loaded(tmp_path, "one", one), loaded(tmp_path, "two", other)
    apply(model, Wanted(first), Wanted(second, 1.0, 0.5))
    expected = original + product(one, UNET_KEY) + 0.5 * product(other, UNET_KEY)
    torch.testing.assert_close(unet_weight(builtin).double(), expected, rtol=0, atol=1e-6)
    apply(model, Wanted(second))
    expected = original + product(other, UNET_KEY)
    torch.testing.assert_close(unet_weight(builtin).double(), expected, rtol=0, atol=1e-6)
    apply(model)
    assert_untouched(builtin, before)


def test_order_matters_where_a_change_depends_on_the_weight(
    builtin: LoadedCheckpoint, model: PatchedModel, tmp_path: Path
) -> None:
    add = loaded(tmp_path, "add", {f"{UNET_KEY}.diff": torch.ones(UNET_WIDTH, UNET_WIDTH)})
    ia3 = {f"{UNET_KEY}.weight": torch.ones(UNET_WIDTH, 1), f"{UNET_KEY}.on_input": torch.zeros(1)}
    double = loaded(tmp_path, "double", ia3)
    w = unet_weight(builtin).clone()
    apply(model, Wanted(add), Wanted(double))
    torch.testing.assert_close(unet_weight(builtin), (w + 1) * 2)
    apply(model, Wanted(double), Wanted(add))
    torch.testing.assert_close(unet_weight(builtin), w * 2 + 1)


@pytest.mark.parametrize("times", [1, 20])
def test_weights_come_back_bit_by_bit(
    builtin: LoadedCheckpoint, model: PatchedModel, tmp_path: Path, times: int
) -> None:
    before = state(builtin)
    lora = loaded(tmp_path, tensors=both_sides(size=100.0))
    for k in range(times):
        apply(model, Wanted(lora, 0.1 * k + 0.7, 1.3))
    model.restore()
    assert_untouched(builtin, before)


def test_multiplier_0_touches_nothing_even_if_the_lora_is_broken(
    builtin: LoadedCheckpoint, model: PatchedModel, tmp_path: Path
) -> None:
    before = state(builtin)
    apply(model, Wanted(loaded(tmp_path, tensors=both_sides(size=float("nan"))), 0.0, 0.0))
    assert_untouched(builtin, before)


def test_weights_stay_where_they_are_in_memory(
    builtin: LoadedCheckpoint, model: PatchedModel, tmp_path: Path
) -> None:
    before = unet_weight(builtin).data_ptr()
    apply(model, Wanted(loaded(tmp_path)))
    assert unet_weight(builtin).data_ptr() == before


def test_an_error_half_way_gives_everything_back(
    builtin: LoadedCheckpoint, model: PatchedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = state(builtin)
    wanted = Wanted(loaded(tmp_path))
    binding = model.bind(wanted.lora)
    calls: list[int] = []

    def failing(*arguments: object) -> Tensor:
        calls.append(1)
        if len(calls) == 2:
            raise MemoryError
        return weight_delta(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(patches, "weight_delta", failing)
    with pytest.raises(MemoryError):
        model.apply([(wanted, binding)])
    assert_untouched(builtin, before)


def test_biases_and_norms_change_and_come_back(
    builtin: LoadedCheckpoint, model: PatchedModel, tmp_path: Path
) -> None:
    before = state(builtin)
    norm, out = "lora_unet_conv_norm_out", "lora_unet_conv_out"
    tensors = {
        f"{norm}.w_norm": torch.full((64,), 0.5),
        f"{norm}.b_norm": torch.full((64,), 0.25),
        f"{out}.diff_b": torch.full((4,), 2.0),
    }
    apply(model, Wanted(loaded(tmp_path, tensors=tensors), 1.0, 2.0))
    unet = builtin.unet
    torch.testing.assert_close(unet.conv_norm_out.weight, before["conv_norm_out.weight"] + 1)
    torch.testing.assert_close(unet.conv_norm_out.bias, before["conv_norm_out.bias"] + 0.5)
    torch.testing.assert_close(unet.conv_out.bias, before["conv_out.bias"] + 4)
    assert torch.equal(unet.conv_out.weight, before["conv_out.weight"])
    apply(model)
    assert_untouched(builtin, before)


@pytest.mark.parametrize(
    ("stored", "kind", "model_dtype", "expected"),
    [
        (torch.float32, "lora", torch.float16, torch.float16),
        (torch.float16, "lora", torch.float32, torch.float32),
        (torch.float16, "lora", torch.bfloat16, torch.float32),
        (torch.float32, "full", torch.float16, torch.float32),
        (torch.float16, "full", torch.float16, torch.float16),
        (torch.float16, "full", torch.float32, torch.float32),
        (torch.bfloat16, "full", torch.float16, torch.float32),
    ],
)
def test_behaviour_15_5_the_number_format_of_the_sum(
    stored: torch.dtype, kind: str, model_dtype: torch.dtype, expected: torch.dtype
) -> None:
    parts = {"lora": {"up": (2, 1), "down": (1, 2)}, "full": {"diff": (2, 2)}}[kind]
    change = LayerChange.of({k: torch.ones(v, dtype=stored) for k, v in parts.items()})
    assert change is not None
    assert patches.working_dtype(change, model_dtype) == expected


def test_a_float16_model_sums_in_float16(tmp_path: Path) -> None:
    layer = nn.Linear(4, 4, bias=False).half()
    unet = nn.Module()
    unet.conv_in = layer
    patched = PatchedModel(unet, nn.Module(), 1)
    tensors = low_rank("lora_unet_conv_in", 4, 4)
    start = layer.weight.detach().clone()
    apply(patched, Wanted(loaded(tmp_path, tensors=tensors), 1.0, 0.7))
    up, down = (tensors[f"lora_unet_conv_in.lora_{part}.weight"] for part in ("up", "down"))
    assert torch.equal(layer.weight, start + up @ down * 0.5 * 0.7)


# ------------------------------------------------------------------------- what does not fit


def test_layers_that_the_model_lacks_are_named_and_the_rest_works(
    builtin: LoadedCheckpoint, model: PatchedModel, tmp_path: Path
) -> None:
    lost = "lora_unet_down_blocks_3_resnets_1_conv1"
    binding = model.bind(loaded(tmp_path, tensors=both_sides() | low_rank(lost, 4, 4)))
    assert binding.absent == (lost,)
    assert len(binding.changes) == 2


def test_a_lora_with_no_layer_of_this_model_is_refused(model: PatchedModel, tmp_path: Path) -> None:
    lora = loaded(tmp_path, tensors=low_rank("lora_unet_nowhere", 4, 4))
    with pytest.raises(UnsupportedModel, match="has no layer of this checkpoint's"):
        model.bind(lora)


def test_a_lora_of_another_width_is_refused_with_both_shapes(
    builtin: LoadedCheckpoint, model: PatchedModel, tmp_path: Path
) -> None:
    before = state(builtin)
    lora = loaded(tmp_path, tensors=low_rank(UNET_KEY, 320, 2048))
    with pytest.raises(UnsupportedModel, match=r"down \[2, 2048\], up \[320, 2\].*\[160, 160\]"):
        model.bind(lora)
    assert_untouched(builtin, before)


@pytest.mark.parametrize(
    ("name", "tensors", "metadata", "error", "said"),
    [
        (
            "xl.safetensors",
            low_rank("lora_te2_text_model_encoder_layers_0_mlp_fc1", 4, 4),
            {},
            UnsupportedModel,
            "xl.safetensors was made for SDXL; this checkpoint is Stable Diffusion 1.x",
        ),
        ("x.safetensors", {"weights": torch.ones(2)}, {}, BadModelFile, "is no LoRA"),
        ("x.safetensors", {"a.lora_up.weight": torch.ones(2)}, {}, BadModelFile, "is no LoRA"),
    ],
)
def test_files_that_are_none_of_ours(
    tmp_path: Path,
    name: str,
    tensors: dict[str, Tensor],
    metadata: dict[str, str],
    error: type[Exception],
    said: str,
) -> None:
    path = write_lora(tmp_path / name, tensors, metadata)
    with pytest.raises(error, match=said):
        load_lora(path)


def test_missing_and_damaged_files(tmp_path: Path) -> None:
    with pytest.raises(BadModelFile, match="not there any more"):
        load_lora(tmp_path / "gone.safetensors")
    (tmp_path / "x.safetensors").write_bytes(b"\x80\x02evil")
    with pytest.raises(BadModelFile, match="pickle checkpoint renamed"):
        load_lora(tmp_path / "x.safetensors")


def test_a_pickled_lora_is_read_safely(tmp_path: Path) -> None:
    torch.save(both_sides(), tmp_path / "x.pt")
    assert set(load_lora(tmp_path / "x.pt").layers) == {UNET_KEY, TEXT_KEY}


def test_bundled_embeddings_come_along(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    bundle = {
        "bundle_emb.my-word.string_to_param.*": torch.ones(3, 96),
        "bundle_emb.other.emb_params": torch.zeros(96),
    }
    save_file(both_sides() | bundle, path)
    lora = load_lora(path)
    assert {name: tuple(v.shape) for name, v in lora.embeddings.items()} == {
        "my-word": (3, 96),
        "other": (1, 96),
    }
