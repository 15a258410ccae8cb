"""Each kind of change against its formula written out in float64 (behaviour 15.5)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.extra_networks.deltas import LayerChange, bias_delta, weight_delta

Array = NDArray[np.float64]
Formula = Callable[[dict[str, Array], Array], Array]

LINEAR, CONV = (6, 8), (6, 8, 3, 3)
R = 2


def low_rank(t: dict[str, Array], w: Array) -> Any:
    return t["up"] @ t["down"]


def low_rank_conv(t: dict[str, Array], w: Array) -> Any:
    return np.einsum("or,rikl->oikl", t["up"][:, :, 0, 0], t["down"])


def cp(t: dict[str, Array], w: Array) -> Any:
    up, down = t["up"][:, :, 0, 0], t["down"][:, :, 0, 0]
    return np.einsum("on,nmkl,mi->oikl", up, t["mid"], down)


def loha(t: dict[str, Array], w: Array) -> Any:
    one = t["hada_w1_a"] @ t["hada_w1_b"]
    return (one * (t["hada_w2_a"] @ t["hada_w2_b"])).reshape(w.shape)


def loha_cp(t: dict[str, Array], w: Array) -> Any:
    one, two = (
        np.einsum("ijkl,ip,jr->prkl", t[f"hada_t{n}"], t[f"hada_w{n}_a"], t[f"hada_w{n}_b"])
        for n in (1, 2)
    )
    return one * two


def lokr(t: dict[str, Array], w: Array) -> Any:
    one = t.get("lokr_w1")
    one = t["lokr_w1_a"] @ t["lokr_w1_b"] if one is None else one
    two = t.get("lokr_w2")
    two = t["lokr_w2_a"] @ t["lokr_w2_b"] if two is None else two
    return np.einsum("ab,cd->acbd", one, two).reshape(w.shape)


def lokr_conv(t: dict[str, Array], w: Array) -> Any:
    return np.einsum("ab,cdkl->acbdkl", t["lokr_w1"], t["lokr_w2"]).reshape(w.shape)


def lokr_cp(t: dict[str, Array], w: Array) -> Any:
    two = np.einsum("ijkl,ip,jr->prkl", t["lokr_t2"], t["lokr_w2_a"], t["lokr_w2_b"])
    return np.einsum("ab,cdkl->acbdkl", t["lokr_w1"], two).reshape(w.shape)


def glora(t: dict[str, Array], w: Array) -> Any:
    return t["glora_b2"] @ t["glora_b1"] + w @ t["glora_a2"] @ t["glora_a1"]


def outputs(t: dict[str, Array], w: Array) -> Any:
    return w * t["ia3"].reshape(-1, 1)


def inputs(t: dict[str, Array], w: Array) -> Any:
    return w * t["ia3"].reshape(1, -1)


def given(name: str) -> Formula:
    return lambda t, w: t[name]


def turned(t: dict[str, Array], w: Array, limit: float = np.inf) -> Any:
    blocks = t.get("oft_blocks", t.get("oft_diag"))
    assert blocks is not None
    q = blocks - blocks.transpose(0, 2, 1)
    q = q * min(1.0, limit / np.sqrt((q**2).sum()))
    size = blocks.shape[1]
    rows = w.reshape(-1, size, w.size // w.shape[0])
    one = np.eye(size)
    new = [((one + b) @ np.linalg.inv(one - b)).T @ r for b, r in zip(q, rows, strict=True)]
    return np.stack(new).reshape(w.shape) - w


def limited(t: dict[str, Array], w: Array) -> Any:
    return turned(t, w, limit=0.01 * w.shape[0])


def dora(axes: tuple[int, ...]) -> Formula:
    def formula(t: dict[str, Array], w: Array) -> Any:
        added = low_rank(t, w) if w.ndim == 2 else low_rank_conv(t, w)
        merged = w + added * 3.0 / R
        length = np.sqrt((merged**2).sum(axis=axes, keepdims=True))
        return merged * t["dora_scale"].reshape(length.shape) / length - w

    return formula


FORMULAS: dict[
    str, tuple[tuple[int, ...], dict[str, tuple[int, ...]], dict[str, float], Formula, float]
] = {
    "lora": (LINEAR, {"up": (6, R), "down": (R, 8)}, {}, low_rank, 1.0),
    "lora, alpha": (LINEAR, {"up": (6, R), "down": (R, 8)}, {"alpha": 3}, low_rank, 3 / R),
    "scale wins": (
        LINEAR,
        {"up": (6, R), "down": (R, 8)},
        {"alpha": 3, "scale": 0.5},
        low_rank,
        0.5,
    ),
    "lora of a 1x1 convolution given flat": (
        (6, 8, 1, 1),
        {"up": (6, R), "down": (R, 8)},
        {},
        lambda t, w: low_rank(t, w)[..., None, None],
        1.0,
    ),
    "lora of a convolution": (
        CONV,
        {"up": (6, R, 1, 1), "down": (R, 8, 3, 3)},
        {"alpha": 1},
        low_rank_conv,
        0.5,
    ),
    "lora with mid": (
        CONV,
        {"up": (6, R, 1, 1), "down": (R, 8, 1, 1), "mid": (R, R, 3, 3)},
        {"alpha": 1},
        cp,
        0.5,
    ),
    "loha": (
        LINEAR,
        {"hada_w1_a": (6, R), "hada_w1_b": (R, 8), "hada_w2_a": (6, R), "hada_w2_b": (R, 8)},
        {"alpha": 4},
        loha,
        2.0,
    ),
    "loha of a convolution": (
        CONV,
        {"hada_w1_a": (6, R), "hada_w1_b": (R, 72), "hada_w2_a": (6, R), "hada_w2_b": (R, 72)},
        {},
        loha,
        1.0,
    ),
    "loha with cp": (
        CONV,
        {
            "hada_w1_a": (R, 6),
            "hada_w1_b": (R, 8),
            "hada_t1": (R, R, 3, 3),
            "hada_w2_a": (R, 6),
            "hada_w2_b": (R, 8),
            "hada_t2": (R, R, 3, 3),
        },
        {"alpha": 1},
        loha_cp,
        0.5,
    ),
    "lokr, both full": (
        LINEAR,
        {"lokr_w1": (2, 4), "lokr_w2": (3, 2)},
        {"alpha": 7},
        lokr,
        1.0,
    ),
    "lokr, second a product": (
        LINEAR,
        {"lokr_w1": (2, 4), "lokr_w2_a": (3, R), "lokr_w2_b": (R, 2)},
        {"alpha": 7},
        lokr,
        7 / R,
    ),
    "lokr, both products": (
        LINEAR,
        {"lokr_w1_a": (2, R), "lokr_w1_b": (R, 4), "lokr_w2_a": (3, R), "lokr_w2_b": (R, 2)},
        {},
        lokr,
        1.0,
    ),
    "lokr of a convolution": (
        CONV,
        {"lokr_w1": (2, 4), "lokr_w2": (3, 2, 3, 3)},
        {},
        lokr_conv,
        1.0,
    ),
    "lokr with cp": (
        CONV,
        {"lokr_w1": (2, 4), "lokr_t2": (R, R, 3, 3), "lokr_w2_a": (R, 3), "lokr_w2_b": (R, 2)},
        {"alpha": 1},
        lokr_cp,
        0.5,
    ),
    "full": (CONV, {"diff": CONV}, {}, given("diff"), 1.0),
    "norm": ((6,), {"w_norm": (6,), "b_norm": (6,)}, {}, given("w_norm"), 1.0),
    "ia3 on outputs": (LINEAR, {"ia3": (6, 1)}, {"on_input": 0}, outputs, 1.0),
    "ia3 on inputs": (LINEAR, {"ia3": (1, 8)}, {"on_input": 1}, inputs, 1.0),
    "glora": (
        LINEAR,
        {"glora_a1": (R, 8), "glora_a2": (8, R), "glora_b1": (R, 8), "glora_b2": (6, R)},
        {"alpha": 7},
        glora,
        1.0,
    ),
    "oft, alpha far away": (CONV, {"oft_blocks": (3, 2, 2)}, {"alpha": 100}, turned, 1.0),
    "oft, alpha as limit": (LINEAR, {"oft_blocks": (3, 2, 2)}, {"alpha": 0.01}, limited, 1.0),
    "diag-oft": (LINEAR, {"oft_diag": (3, 2, 2)}, {}, turned, 1.0),
    "dora per input": (
        LINEAR,
        {"up": (6, R), "down": (R, 8), "dora_scale": (1, 8)},
        {"alpha": 3},
        dora((0,)),
        1.0,
    ),
    "dora of a convolution": (
        CONV,
        {"up": (6, R, 1, 1), "down": (R, 8, 3, 3), "dora_scale": (1, 8, 1, 1)},
        {"alpha": 3},
        dora((0, 2, 3)),
        1.0,
    ),
    "dora per output, as peft": (
        LINEAR,
        {"up": (6, R), "down": (R, 8), "dora_scale": (6,)},
        {"alpha": 3},
        dora((1,)),
        1.0,
    ),
}


@pytest.mark.parametrize("name", FORMULAS)
def test_behaviour_15_5_the_change_is_the_formula(name: str) -> None:
    shape, parts, numbers, formula, scale = FORMULAS[name]
    dice = np.random.default_rng(1)
    tensors = {part: dice.standard_normal(size) for part, size in parts.items()}
    weight = dice.standard_normal(shape)
    change = LayerChange.of(
        {part: torch.from_numpy(value) for part, value in tensors.items()}
        | {part: torch.tensor(float(value)) for part, value in numbers.items()}
    )
    assert change is not None
    expected = scale * formula(tensors, weight)
    tolerance = 1e-6 if "oft" in name else 1e-12  # a turn is solved in float32
    found = weight_delta(change, torch.from_numpy(weight))
    np.testing.assert_allclose(found.numpy(), expected, rtol=0, atol=tolerance)


def test_dynamic_dim_uses_the_first_ranks_and_the_whole_scale() -> None:
    up, down = torch.randn(6, 4, dtype=torch.float64), torch.randn(4, 8, dtype=torch.float64)
    change = LayerChange.of({"up": up, "down": down, "alpha": torch.tensor(2.0)})
    assert change is not None
    found = weight_delta(change, torch.zeros(6, 8, dtype=torch.float64), 3)
    torch.testing.assert_close(found, up[:, :3] @ down[:3] * 0.5)
    torch.testing.assert_close(
        weight_delta(change, torch.zeros(6, 8, dtype=torch.float64), 99), up @ down * 0.5
    )


def test_a_9_channel_input_convolution_gets_zeros_for_mask_and_picture() -> None:
    change = LayerChange.of({"diff": torch.ones(6, 4, 3, 3)})
    assert change is not None
    found = weight_delta(change, torch.zeros(6, 9, 3, 3))
    assert bool((found[:, :4] == 1).all())
    assert bool((found[:, 4:] == 0).all())


@pytest.mark.parametrize(
    ("parts", "shape"),
    [
        ({"up": (6, 2), "down": (2, 9)}, LINEAR),
        ({"up": (8, 2), "down": (2, 6)}, LINEAR),
        ({"up": (6, 2), "down": (3, 8)}, LINEAR),
        ({"diff": (6, 7)}, LINEAR),
        ({"w_norm": (7,)}, (6,)),
        ({"oft_blocks": (2, 2, 2, 2)}, LINEAR),
        ({"lokr_w1": (2, 4), "lokr_w2": (3, 3)}, LINEAR),
    ],
    ids=["inputs", "swapped", "ranks", "full", "norm", "boft", "lokr"],
)
@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_other_shapes_are_refused_before_and_while_computing(
    parts: dict[str, tuple[int, ...]], shape: tuple[int, ...], device: str
) -> None:
    change = LayerChange.of({part: torch.ones(size, device=device) for part, size in parts.items()})
    assert change is not None
    with pytest.raises(RuntimeError):
        weight_delta(change, torch.ones(shape, device=device))


@pytest.mark.parametrize("name", FORMULAS)
def test_shapes_can_be_checked_without_computing(name: str) -> None:
    shape, parts, numbers, _, _ = FORMULAS[name]
    change = LayerChange.of(
        {part: torch.ones(size) for part, size in parts.items()}
        | {part: torch.tensor(float(value)) for part, value in numbers.items()}
    )
    assert change is not None
    meta = torch.device("meta")
    assert weight_delta(change.to(meta), torch.ones(shape, device="meta")).shape == shape


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ({"diff": (2, 2), "diff_b": (2,)}, True),
        ({"w_norm": (2,), "b_norm": (2,)}, True),
        ({"diff_b": (2,)}, True),
        ({"diff": (2, 2)}, False),
    ],
)
def test_biases(parts: dict[str, tuple[int, ...]], expected: bool) -> None:
    change = LayerChange.of({part: torch.ones(size) for part, size in parts.items()})
    assert change is not None
    assert (bias_delta(change) is not None) is expected


@pytest.mark.parametrize("parts", [{}, {"alpha": 1}, {"up": 1}, {"ia3": 1}, {"lokr_w1": 1}])
def test_parts_that_make_no_change(parts: dict[str, int]) -> None:
    tensors: dict[str, Tensor] = {part: torch.ones(2, 2) for part in parts}
    assert LayerChange.of(tensors) is None
