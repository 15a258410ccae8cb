"""Hypernetwork files: structures, activations, what is refused, what attention sees (15.6)."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from models.errors import BadModelFile, UnsupportedModel
from models.extra_networks.hypernetwork import Hooked, load_hypernetwork
from models.hashes import sha256_file

WIDTH = 4


def branch(sizes: tuple[int, ...], indices: tuple[int, ...], seed: int) -> dict[str, Tensor]:
    """Linear layers between `sizes` at these places of the Sequential, float32."""
    dice = torch.Generator().manual_seed(seed)
    found: dict[str, Tensor] = {}
    for one, other, index in zip(sizes, sizes[1:], indices, strict=False):
        found[f"linear.{index}.weight"] = torch.randn(other, one, generator=dice)
        found[f"linear.{index}.bias"] = torch.randn(other, generator=dice)
    return found


def norm(width: int, index: int, seed: int) -> dict[str, Tensor]:
    dice = torch.Generator().manual_seed(seed)
    return {
        f"linear.{index}.weight": torch.randn(width, generator=dice),
        f"linear.{index}.bias": torch.randn(width, generator=dice),
    }


def write(path: Path, states: object = None, width: int = WIDTH, **settings: Any) -> Path:
    plain = tuple(branch((width, 2 * width, width), (0, 1), seed) for seed in (1, 2))
    content: dict[Any, Any] = {width: plain if states is None else states, **settings}
    torch.save(content, path)
    return path


def linear(state: Mapping[str, Tensor], index: int, x: Tensor) -> Tensor:
    return functional.linear(x, state[f"linear.{index}.weight"], state[f"linear.{index}.bias"])


PLAIN = branch((4, 8, 4), (0, 1), 1)
ACTIVE = branch((4, 8, 4), (0, 2), 1)
THREE = branch((4, 8, 12, 4), (0, 2, 4), 1)
NORMED = branch((4, 8, 4), (0, 3), 1) | norm(8, 2, 7) | norm(4, 5, 8)
DROPPED = branch((4, 8, 4), (0, 3), 1)
OLD = {
    "linear1.weight": PLAIN["linear.0.weight"],
    "linear1.bias": PLAIN["linear.0.bias"],
    "linear2.weight": PLAIN["linear.1.weight"],
    "linear2.bias": PLAIN["linear.1.bias"],
}
X = torch.linspace(-2, 2, 12).reshape(3, 4)


def normed(x: Tensor) -> Tensor:
    one = functional.relu(linear(NORMED, 0, x))
    one = functional.layer_norm(one, (8,), NORMED["linear.2.weight"], NORMED["linear.2.bias"])
    two = functional.relu(linear(NORMED, 3, one))
    return functional.layer_norm(two, (4,), NORMED["linear.5.weight"], NORMED["linear.5.bias"])


CASES: dict[str, tuple[Mapping[str, Tensor], dict[str, Any], Tensor]] = {
    "linear": (PLAIN, {}, linear(PLAIN, 1, linear(PLAIN, 0, X))),
    "named linear": (PLAIN, {"activation_func": "linear"}, linear(PLAIN, 1, linear(PLAIN, 0, X))),
    "old names": (OLD, {"activation_func": None}, linear(PLAIN, 1, linear(PLAIN, 0, X))),
    "relu at the end, too, when nothing is said": (
        ACTIVE,
        {"activation_func": "relu"},
        functional.relu(linear(ACTIVE, 2, functional.relu(linear(ACTIVE, 0, X)))),
    ),
    "not at the end": (
        ACTIVE,
        {"activation_func": "relu", "activate_output": False},
        linear(ACTIVE, 2, functional.relu(linear(ACTIVE, 0, X))),
    ),
    "swish is Hardswish": (
        ACTIVE,
        {"activation_func": "swish", "activate_output": False},
        linear(ACTIVE, 2, functional.hardswish(linear(ACTIVE, 0, X))),
    ),
    "three layers": (
        THREE,
        {"activation_func": "tanh", "activate_output": False, "layer_structure": [1, 2, 3, 1]},
        linear(THREE, 4, linear(THREE, 2, linear(THREE, 0, X).tanh()).tanh()),
    ),
    "layer norms": (NORMED, {"activation_func": "relu", "is_layer_norm": True}, normed(X)),
    "dropout takes a place": (
        DROPPED,
        {"activation_func": "Sigmoid", "activate_output": False, "use_dropout": True},
        linear(DROPPED, 3, linear(DROPPED, 0, X).sigmoid()),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_behaviour_15_6_the_network_is_the_formula(name: str, tmp_path: Path) -> None:
    state, settings, expected = CASES[name]
    found = load_hypernetwork(write(tmp_path / "h.pt", (state, state), **settings))
    torch.testing.assert_close(found.pairs[WIDTH][0](X), expected)


@pytest.mark.parametrize(
    "name",
    ["leakyrelu", "elu", "gelu", "mish", "silu", "softsign", "hardtanh", "selu", "logsigmoid"],
)
def test_activations_by_lower_case_name(name: str, tmp_path: Path) -> None:
    path = write(tmp_path / "h.pt", (ACTIVE, ACTIVE), activation_func=name)
    assert load_hypernetwork(path).pairs[WIDTH][0](X).isfinite().all()


def test_the_hash_is_that_of_the_file(tmp_path: Path) -> None:
    path = write(tmp_path / "night.pt")
    found = load_hypernetwork(path)
    assert (found.name, found.hash10) == ("night", sha256_file(path)[:10])


class Evil:
    def __reduce__(self) -> tuple[Any, ...]:
        return (print, ("run",))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({}, "has no branches"),
        ([1], "is no hypernetwork"),
        ({4: (PLAIN,)}, "no pair"),
        ({4: (PLAIN, {})}, "has no layers"),
        ({4: (PLAIN, {"conv.weight": torch.ones(2, 2)})}, "'conv.weight', which no hypernetwork"),
        ({4: (PLAIN, {"linear.0.weight": torch.ones(4, 4)})}, "weight and bias do not fit"),
        ({8: (PLAIN, PLAIN)}, "do not follow each other"),
        ({4: (PLAIN, PLAIN), "activation_func": "magic"}, "activation 'magic', which is unknown"),
    ],
)
def test_what_is_refused(content: object, said: str, tmp_path: Path) -> None:
    torch.save(content, tmp_path / "h.pt")
    with pytest.raises(BadModelFile, match=said):
        load_hypernetwork(tmp_path / "h.pt")


def test_code_in_a_file_is_never_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "h.pt").write_bytes(pickle.dumps({4: Evil()}, protocol=2))
    torch.save({4: (PLAIN, PLAIN), "extra": Evil()}, tmp_path / "zip.pt")
    for name in ("h.pt", "zip.pt"):
        with pytest.raises(BadModelFile, match="cannot be loaded safely"):
            load_hypernetwork(tmp_path / name)
    assert capsys.readouterr().out == ""


class Attention(nn.Module):
    def __init__(self, width: int, dtype: torch.dtype = torch.float32) -> None:
        super().__init__()
        self.to_q = nn.Linear(width, width, bias=False, dtype=dtype)
        self.to_k = nn.Linear(width, width, bias=False, dtype=dtype)
        self.to_v = nn.Linear(width, width, bias=False, dtype=dtype)


def test_keys_and_values_see_it_and_several_chain(tmp_path: Path) -> None:
    unet = nn.Module()
    unet.attn1, unet.other = Attention(4), Attention(6)
    hooked = Hooked(unet)
    one = load_hypernetwork(write(tmp_path / "one.pt"))
    two = load_hypernetwork(write(tmp_path / "two.pt", (OLD, PLAIN), activation_func="linear"))
    for network in (one, two):
        hooked.check(network)
    hooked.apply([(one, 0.5), (two, -1.0)])
    for side, layer in enumerate((unet.attn1.to_k, unet.attn1.to_v)):
        x = X + one.pairs[4][side](X) * 0.5
        x = x - two.pairs[4][side](x)
        torch.testing.assert_close(layer(X), functional.linear(x, layer.weight))
    assert torch.equal(unet.attn1.to_q(X), functional.linear(X, unet.attn1.to_q.weight))
    wide = torch.ones(2, 6)
    assert torch.equal(unet.other.to_k(wide), functional.linear(wide, unet.other.to_k.weight))
    hooked.apply([(one, 0.0)])
    assert torch.equal(unet.attn1.to_k(X), functional.linear(X, unet.attn1.to_k.weight))


def test_it_works_in_the_models_number_format(tmp_path: Path) -> None:
    unet = nn.Module()
    unet.attn1 = Attention(4, torch.bfloat16)
    hooked = Hooked(unet)
    network = load_hypernetwork(write(tmp_path / "one.pt"))
    hooked.apply([(network, 1.0)])
    assert unet.attn1.to_k(X.bfloat16()).dtype == torch.bfloat16
    assert next(network.pairs[4][0].parameters()).dtype == torch.float32


def test_one_for_other_widths_is_refused(tmp_path: Path) -> None:
    unet = nn.Module()
    unet.attn1 = Attention(6)
    network = load_hypernetwork(write(tmp_path / "one.pt"))
    with pytest.raises(UnsupportedModel, match=r"works on widths \[4\], this checkpoint has \[6\]"):
        Hooked(unet).check(network)
