"""The names of a LoRA file's tensors: which layer of the model, and which part. No torch.

Kohya's scripts, LyCORIS, diffusers and peft spell the same layer in different ways (behaviour
15.5). All spellings are made from the model's own layer names, so a layer that the model lacks is
simply not found.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping

from models.compvis import unet_names
from models.identify import UNET

BUNDLED = "bundle_emb."
"""Prefix of textual inversions that a LoRA file brings along."""

PARTS: Mapping[str, tuple[str, ...]] = {
    "up": (
        "lora_up.weight",
        "lora_B.weight",
        "lora_B.default.weight",
        "lora.up.weight",
        "lora_linear_layer.up.weight",
    ),
    "down": (
        "lora_down.weight",
        "lora_A.weight",
        "lora_A.default.weight",
        "lora.down.weight",
        "lora_linear_layer.down.weight",
    ),
    "mid": ("lora_mid.weight",),
    "dora_scale": (
        "dora_scale",
        "lora_magnitude_vector",
        "lora_magnitude_vector.weight",
        "lora_magnitude_vector.default.weight",
    ),
    "ia3": ("weight",),
    **{part: (part,) for part in ("alpha", "scale", "diff", "diff_b", "w_norm", "b_norm")},
    **{part: (part,) for part in ("on_input", "oft_blocks", "oft_diag", "lokr_t2")},
    **{f"hada_{x}": (f"hada_{x}",) for x in ("w1_a", "w1_b", "w2_a", "w2_b", "t1", "t2")},
    **{f"lokr_{x}": (f"lokr_{x}",) for x in ("w1", "w1_a", "w1_b", "w2", "w2_a", "w2_b")},
    **{f"glora_{part}": (f"{part}.weight",) for part in ("a1", "a2", "b1", "b2")},
}
"""The parts a layer's change is made of, and the endings that files give them."""

_ENDINGS = {ending: part for part, endings in PARTS.items() for ending in endings}
_ENDING = re.compile(
    r"\.(" + "|".join(re.escape(e) for e in sorted(_ENDINGS, key=len, reverse=True)) + r")$"
)
_PROCESSOR = re.compile(r"\.(?:processor\.)?to_(q|k|v|out)_lora\.(up|down)\.weight$")
_TEXT_PROJECTIONS = {"q": "q_proj", "k": "k_proj", "v": "v_proj", "out": "out_proj"}
_OTHER_FAMILIES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"lora_te2_|text_encoder_2\.|lora_unet_\w+_transformer_blocks_[1-9]"), "SDXL"),
    (re.compile(r"(lora_)?transformer[._]|lora_unet_(double|single|joint)_blocks"), "Flux or SD3"),
)


def split_key(key: str) -> tuple[str, str] | None:
    """(layer as the file spells it, part) of a tensor's name; None for what is not understood."""
    key = key.removeprefix("base_model.model.")
    old = _PROCESSOR.search(key)
    if old is not None:
        which = _TEXT_PROJECTIONS[old[1]] if key.startswith("text_encoder.") else f"to_{old[1]}"
        layer = "to_out.0" if which == "to_out" else which
        return f"{key[: old.start()]}.{layer}", old[2]
    match = _ENDING.search(key)
    return None if match is None else (key[: match.start()], _ENDINGS[match[1]])


def unet_spellings(layers: Collection[str], layers_per_block: int) -> dict[str, str]:
    """Every spelling of the U-Net's layers (diffusers names with dots) -> that name."""
    weights = unet_names([f"{layer}.weight" for layer in layers], layers_per_block)
    found: dict[str, str] = {}
    for layer in layers:
        ldm = weights[f"{layer}.weight"].removeprefix(UNET).removesuffix(".weight")
        for spelling in _unet_spellings(layer, ldm):
            found.setdefault(spelling, layer)
    return found


def text_spellings(layers: Iterable[str]) -> dict[str, str]:
    """Every spelling of the text encoder's layers -> their names as given."""
    found: dict[str, str] = {}
    for layer in layers:
        bare = layer.removeprefix("text_model.")
        dashed = bare.replace(".", "_")
        for prefix in ("lora_te_text_model_", "lora_te1_text_model_", "lora_te_"):
            found.setdefault(prefix + dashed, layer)
        for prefix in ("text_encoder.text_model.", "text_encoder.", "te.text_model."):
            found.setdefault(prefix + bare, layer)
    return found


def other_family(keys: Iterable[str], metadata: Mapping[str, str]) -> str | None:
    """The model family a LoRA was made for, if its names say that it is not SD 1.x."""
    base = metadata.get("ss_base_model_version", "").lower()
    if base.startswith("sdxl"):
        return "SDXL"
    names = list(keys)
    for pattern, family in _OTHER_FAMILIES:
        if any(pattern.match(name) for name in names):
            return family
    return None


def _unet_spellings(layer: str, ldm: str) -> Iterator[str]:
    yield f"lora_unet_{layer.replace('.', '_')}"
    yield f"lora_unet_{ldm.replace('.', '_')}"
    yield f"unet.{layer}"
    yield f"diffusion_model.{ldm}"
    yield f"{UNET}{ldm}"
    yield layer
