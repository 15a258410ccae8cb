"""What kind of model a file holds, told from its tensors' names and shapes (behaviour 15.3).

No torch: headers are enough. `models/folder.py` does the same for diffusers folders.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from models.errors import BadModelFile, UnsupportedModel
from models.facts import Facts
from models.safetensors_header import Header

Family = Literal[
    "sd1", "sd2", "sdxl", "sdxl-refiner", "sd3", "unclip", "altdiffusion", "flux", "other"
]
Variant = Literal["base", "inpaint", "instruct-pix2pix", "depth"]
Prediction = Literal["epsilon", "v_prediction", "flow"]

UNET = "model.diffusion_model."
INPUT_CONV = f"{UNET}input_blocks.0.0.weight"

_FAMILY_NAMES: dict[Family, str] = {
    "sd1": "SD 1.x",
    "sd2": "SD 2.x",
    "sdxl": "SDXL",
    "sdxl-refiner": "SDXL refiner",
    "sd3": "SD 3",
    "unclip": "SD 2.1 unCLIP",
    "altdiffusion": "AltDiffusion",
    "flux": "Flux",
    "other": "unknown",
}
_NATIVE_SIZE: dict[Family, int] = {"sd1": 512, "sd2": 512, "altdiffusion": 512, "unclip": 768}

_NOT_A_CHECKPOINT = (
    (("lora_unet_", "lora_te_", "lora_te1_", "lora_te2_"), "a LoRA; put it into the Lora folder"),
    (("control_model.", "input_hint_block."), "a ControlNet, not a checkpoint"),
    (("encoder.conv_in.", "decoder.conv_in."), "a VAE; put it into the VAE folder"),
    (("emb_params", "string_to_param", "clip_l", "clip_g"), "an embedding; put it into embeddings"),
    (
        ("down_blocks.", "up_blocks."),
        "a bare U-Net in the diffusers layout; use the whole folder with its model_index.json",
    ),
    (("text_model.", "transformer.resblocks."), "a text encoder, not a checkpoint"),
)


@dataclass(frozen=True, slots=True)
class ModelKind:
    """What a checkpoint is, as far as names and shapes tell.

    `prediction` is None where only a test run of the network can tell (SD 2). `native_size` is the
    side of the training pictures in pixels, `context_dim` the width of the text embedding.
    """

    family: Family
    variant: Variant
    prediction: Prediction | None
    native_size: int
    in_channels: int
    context_dim: int | None = None
    latent_channels: int = 4

    @property
    def label(self) -> str:
        """A name for people: "SD 1.x inpainting"."""
        suffix = {
            "base": "",
            "inpaint": " inpainting",
            "instruct-pix2pix": " instruct-pix2pix",
            "depth": " depth",
        }[self.variant]
        return _FAMILY_NAMES[self.family] + suffix


def require_runnable(kind: ModelKind, name: str) -> None:
    """Raise UnsupportedModel, naming the family, unless this kind can be painted with."""
    if kind.family != "sd1":
        article = "an" if kind.label.startswith(("SD", "un", "Alt")) else "a"
        raise UnsupportedModel(
            f"{name}: this is {article} {kind.label} checkpoint; "
            "Overpaint can load SD 1.x so far. Choose an SD 1.x checkpoint."
        )


def identify(header: Header, facts: Facts | None = None, name: str = "the file") -> ModelKind:
    """The kind of a single-file checkpoint; `facts` (yaml, sidecar) win over the shapes.

    Raises UnsupportedModel if the file is another kind of thing than a checkpoint (a LoRA, a VAE,
    ...), BadModelFile if it is nothing known.
    """
    return _identify_other(header) or _identify_sd(header, facts or Facts(), name)


def _identify_other(header: Header) -> ModelKind | None:
    """Families with an unmistakable key, in the order of behaviour 15.3 (1 to 5)."""
    channels = _input_channels(header)
    variant: Variant = "inpaint" if channels == 9 else "base"
    has = header.tensors.__contains__
    if has(f"{UNET}x_embedder.proj.weight"):
        return ModelKind("sd3", "base", "flow", 1024, 16, latent_channels=16)
    if has("conditioner.embedders.1.model.ln_final.weight"):
        return ModelKind("sdxl", variant, "epsilon", 1024, channels, 2048)
    if has("conditioner.embedders.0.model.ln_final.weight"):
        return ModelKind("sdxl-refiner", variant, "epsilon", 1024, channels, 1280)
    if has("depth_model.model.pretrained.act_postprocess3.0.project.0.bias"):
        return ModelKind("sd2", "depth", "epsilon", 512, channels, 1024)
    if header.shape("embedder.model.ln_final.weight") in ((768,), (1024,)):
        return ModelKind("unclip", "base", "v_prediction", 768, channels, 1024)
    if any(has(f"{p}double_blocks.0.img_attn.norm.key_norm.scale") for p in ("", UNET)):
        return ModelKind("flux", "base", "flow", 1024, 16, latent_channels=16)
    return None


def _identify_sd(header: Header, facts: Facts, name: str) -> ModelKind:
    """SD 2, AltDiffusion and SD 1 (behaviour 15.3, 6 to 9)."""
    if INPUT_CONV not in header.tensors:
        raise _not_a_checkpoint(header, name)
    channels = _input_channels(header)
    openclip = header.shape("cond_stage_model.model.transformer.resblocks.0.attn.in_proj_weight")
    family: Family = "sd1"
    if openclip is not None and openclip[-1:] == (1024,):
        family = "sd2"
    elif any(key.startswith("cond_stage_model.roberta.") for key in header.tensors):
        family = "altdiffusion"
    variants: dict[int, Variant] = {9: "inpaint", 8: "instruct-pix2pix"}
    prediction = facts.scheduler.prediction_type
    if prediction is None and (family != "sd2" or channels == 9):
        prediction = "epsilon"
    return ModelKind(
        family,
        variants.get(channels, "base"),
        prediction,
        facts.default_width or _NATIVE_SIZE[family],
        channels,
        _context_dim(header),
    )


def _input_channels(header: Header) -> int:
    shape = header.shape(INPUT_CONV)
    return shape[1] if shape is not None and len(shape) == 4 else 4


def _context_dim(header: Header) -> int | None:
    for key, info in header.tensors.items():
        if key.startswith(UNET) and key.endswith("attn2.to_k.weight") and len(info.shape) == 2:
            return info.shape[1]
    return None


def _not_a_checkpoint(header: Header, name: str) -> BadModelFile | UnsupportedModel:
    for prefixes, what in _NOT_A_CHECKPOINT:
        if any(key.startswith(prefixes) for key in header.tensors):
            return UnsupportedModel(f"{name} is {what}.")
    return BadModelFile(
        f"{name} is not a Stable Diffusion checkpoint: it has no tensor named {INPUT_CONV}. "
        "Choose another file."
    )
