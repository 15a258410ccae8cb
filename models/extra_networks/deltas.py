"""What a LoRA or one of its relatives adds to a layer's weight: pure formulas (behaviour 15.5).

LoRA: Hu et al. 2021; LoHa, LoKr, CP decomposition, GLoRA, IA3: LyCORIS (Yeh et al. 2023); OFT: Qiu
et al. 2023; DoRA: Liu et al. 2024. Which layer and how strongly is the business of patches.py.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

KINDS: Mapping[str, frozenset[str]] = {
    "lora": frozenset({"up", "down"}),
    "loha": frozenset({"hada_w1_a", "hada_w1_b", "hada_w2_a", "hada_w2_b"}),
    "glora": frozenset({"glora_a1", "glora_a2", "glora_b1", "glora_b2"}),
    "ia3": frozenset({"ia3", "on_input"}),
    "oft": frozenset({"oft_blocks"}),
    "diag-oft": frozenset({"oft_diag"}),
    "norm": frozenset({"w_norm"}),
    "full": frozenset({"diff"}),
}
"""The tensors that each kind of change needs; LoKr, which has choices, is told by its names."""

_NUMBERS = ("alpha", "scale", "on_input")


@dataclass(frozen=True, eq=False)
class LayerChange:
    """One layer's tensors by part (the names of keys.PARTS), and the numbers beside them."""

    kind: str
    tensors: Mapping[str, Tensor]
    alpha: float | None = None
    scale: float | None = None
    on_input: float | None = None
    """Of IA3: not 0 when the factors stand for the inputs."""

    @classmethod
    def of(cls, parts: Mapping[str, Tensor]) -> LayerChange | None:
        """The change that these parts describe, or None when they describe none."""
        kind = _kind(parts.keys())
        if kind is None:
            return None
        kept = {part: value for part, value in parts.items() if part not in _NUMBERS}
        numbers = (float(parts[n].flatten()[0]) if n in parts else None for n in _NUMBERS)
        return cls(kind, kept, *numbers)

    @property
    def cast_to_model(self) -> bool:
        """Up, down and mid are cast to the model's number format first (behaviour 0.5, 15.5)."""
        return self.kind == "lora"

    def to(self, device: torch.device, dtype: torch.dtype | None = None) -> LayerChange:
        """The same on another device; floating tensors in `dtype` if that is given."""
        moved = {
            part: value.to(device, dtype if value.is_floating_point() else None)
            for part, value in self.tensors.items()
        }
        return replace(self, tensors=moved)


def weight_delta(change: LayerChange, weight: Tensor, dynamic_dim: int | None = None) -> Tensor:
    """The change (already scaled, multiplier 1) of a weight; shaped like it, dtype of the parts.

    `weight` is the layer's weight as networks before this one left it: IA3, GLoRA, OFT and DoRA
    depend on it. `dynamic_dim` uses only the first so many ranks of a LoRA. Raises RuntimeError if
    the shapes do not fit.
    """
    if change.kind == "bias":
        return torch.zeros_like(weight)
    delta, dim = _FORMULAS[change.kind](change, weight, dynamic_dim)
    delta = scaled(_shaped(delta, weight), _scale(change, dim))
    magnitude = change.tensors.get("dora_scale")
    return delta if magnitude is None else _decomposed(delta, weight, magnitude)


def bias_delta(change: LayerChange) -> Tensor | None:
    """What is added to the layer's bias at multiplier 1, or None."""
    found = change.tensors.get("diff_b")
    return change.tensors.get("b_norm") if found is None else found


def scaled(delta: Tensor, factor: float) -> Tensor:
    """The change times a factor; a factor of 1 costs nothing."""
    return delta if factor == 1.0 else delta * factor


Found = tuple[Tensor, int | None]
"""A change before scaling, and the rank that alpha is divided by (None: alpha does not count)."""


def _kind(parts: Collection[str]) -> str | None:
    given = set(parts)
    if all({f"lokr_w{n}"} <= given or {f"lokr_w{n}_a", f"lokr_w{n}_b"} <= given for n in (1, 2)):
        return "lokr"
    for kind, needed in KINDS.items():
        if needed <= given:
            return kind
    return "bias" if given & {"diff_b", "b_norm"} else None


def _scale(change: LayerChange, dim: int | None) -> float:
    if change.scale is not None:
        return change.scale
    if change.alpha is not None and dim:
        return change.alpha / dim
    return 1.0


def _shaped(delta: Tensor, weight: Tensor) -> Tensor:
    """As the weight is shaped; for a 9-channel input convolution zeros follow (behaviour 15.5)."""
    if weight.dim() == 4 and weight.shape[1] == 9 and delta.numel() * 9 == weight.numel() * 4:
        four = delta.reshape(weight.shape[0], 4, *weight.shape[2:])
        return torch.cat([four, four.new_zeros(weight.shape[0], 5, *weight.shape[2:])], dim=1)
    if delta.shape[0] != weight.shape[0]:
        raise RuntimeError(f"{list(delta.shape)} does not fit {list(weight.shape)}")
    return delta.reshape(weight.shape)


def _decomposed(delta: Tensor, weight: Tensor, magnitude: Tensor) -> Tensor:
    """DoRA: the merged weight's columns (or rows) get learnt lengths."""
    merged = weight.to(delta.dtype) + delta
    if magnitude.shape[0] == weight.shape[0]:
        lengths = merged.flatten(1).norm(dim=1)
        shape = (-1, *[1] * (weight.dim() - 1))
    else:
        lengths = merged.transpose(0, 1).flatten(1).norm(dim=1)
        shape = (1, -1, *[1] * (weight.dim() - 2))
    factor = magnitude.to(delta.dtype).reshape(shape) / lengths.reshape(shape)
    turned: Tensor = merged * factor - weight.to(delta.dtype)
    return turned


def _lora(change: LayerChange, weight: Tensor, dynamic_dim: int | None) -> Found:
    """The product of up and down; with `mid` a CP decomposition of the kernel."""
    up, down = change.tensors["up"], change.tensors["down"]
    rank = down.shape[0]
    mid = change.tensors.get("mid")
    if mid is not None:
        up, down = up.flatten(1), down.flatten(1)
        return torch.einsum("nmkl,in,mj->ijkl", mid, up, down), rank
    return up.flatten(1)[:, :dynamic_dim] @ down.flatten(1)[:dynamic_dim], rank


def _loha(change: LayerChange, weight: Tensor, dynamic_dim: int | None) -> Found:
    """(w1a @ w1b) * (w2a @ w2b), element by element."""
    t = change.tensors
    rank = t["hada_w1_b"].shape[0]
    if "hada_t1" in t and "hada_t2" in t:
        one, two = (
            torch.einsum("ijkl,jr,ip->prkl", t[f"hada_t{n}"], t[f"hada_w{n}_b"], t[f"hada_w{n}_a"])
            for n in (1, 2)
        )
    else:
        one, two = (t[f"hada_w{n}_a"] @ t[f"hada_w{n}_b"] for n in (1, 2))
    return one * two, rank


def _lokr(change: LayerChange, weight: Tensor, dynamic_dim: int | None) -> Found:
    """The Kronecker product of two factors; each may itself be a product. Both full: scale 1."""
    t = change.tensors
    rank: int | None = None
    if "lokr_w1" in t:
        one = t["lokr_w1"]
    else:
        one = t["lokr_w1_a"] @ t["lokr_w1_b"]
        rank = t["lokr_w1_b"].shape[0]
    if "lokr_w2" in t:
        two = t["lokr_w2"]
    elif "lokr_t2" in t:
        two = torch.einsum("ijkl,ip,jr->prkl", t["lokr_t2"], t["lokr_w2_a"], t["lokr_w2_b"])
        rank = t["lokr_w2_b"].shape[0]
    else:
        kernel = t["lokr_w2_b"].shape[2:]
        two = t["lokr_w2_a"] @ t["lokr_w2_b"].flatten(1)
        two = two.reshape(two.shape[0], -1, *kernel)
        rank = t["lokr_w2_b"].shape[0]
    if two.dim() == 4:
        one = one.reshape(*one.shape[:2], 1, 1)
    return torch.kron(one.contiguous(), two.contiguous()), rank


def _glora(change: LayerChange, weight: Tensor, dynamic_dim: int | None) -> Found:
    """b2 @ b1 + (W @ a2) @ a1; alpha does not count."""
    a1, a2, b1, b2 = (
        change.tensors[f"glora_{part}"].flatten(1) for part in ("a1", "a2", "b1", "b2")
    )
    return b2 @ b1 + (weight.to(b1.dtype).flatten(1) @ a2) @ a1, None


def _ia3(change: LayerChange, weight: Tensor, dynamic_dim: int | None) -> Found:
    """W * w, along the inputs or along the outputs."""
    shape = (1, -1) if change.on_input else (-1, 1)
    factor = change.tensors["ia3"].reshape(*shape, *[1] * (weight.dim() - 2))
    return weight.to(factor.dtype) * factor, None


def _oft(change: LayerChange, weight: Tensor, dynamic_dim: int | None) -> Found:
    """Blocks of outputs turned by the transpose of R = (I + Q)(I - Q)^-1; alpha limits Q."""
    blocks = change.tensors["oft_blocks" if change.kind == "oft" else "oft_diag"]
    if blocks.dim() != 3:
        raise RuntimeError("BOFT's butterflies are not known")
    skew = blocks - blocks.transpose(1, 2)
    if change.kind == "oft" and change.alpha:
        length = skew.flatten().norm() + 1e-8
        skew = skew * (length.clamp(max=change.alpha * weight.shape[0]) / length)
    one = torch.eye(blocks.shape[1], dtype=blocks.dtype, device=blocks.device)
    turn = torch.linalg.solve((one - skew).float(), (one + skew).float(), left=False)
    rows = weight.to(turn.dtype).reshape(blocks.shape[0], blocks.shape[1], -1)
    turned = torch.einsum("knm,knc->kmc", turn, rows).reshape(weight.shape)
    return turned.to(blocks.dtype) - weight.to(blocks.dtype), None


def _norm(change: LayerChange, weight: Tensor, dynamic_dim: int | None) -> Found:
    return change.tensors["w_norm"], None


def _full(change: LayerChange, weight: Tensor, dynamic_dim: int | None) -> Found:
    return change.tensors["diff"], None


_FORMULAS = {
    "lora": _lora,
    "loha": _loha,
    "lokr": _lokr,
    "glora": _glora,
    "ia3": _ia3,
    "oft": _oft,
    "diag-oft": _oft,
    "norm": _norm,
    "full": _full,
}
