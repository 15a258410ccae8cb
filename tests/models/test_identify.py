"""What kind of model a header describes: behaviour 15.3, in its order, by headers only."""

from pathlib import Path
from typing import Any

import pytest

from models.errors import BadModelFile, UnsupportedModel
from models.facts import Facts, ScheduleFacts
from models.identify import ModelKind, identify, require_runnable
from models.safetensors_header import read_header
from tests.models.make import write_header_only

UNET = "model.diffusion_model."
CONV = f"{UNET}input_blocks.0.0.weight"
OPENCLIP = "cond_stage_model.model.transformer.resblocks.0.attn.in_proj_weight"
CROSS = f"{UNET}input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight"


def conv(channels: int) -> dict[str, tuple[int, ...]]:
    return {CONV: (320, channels, 3, 3)}


CASES = {
    "sd1": ({**conv(4), CROSS: (320, 768)}, ("sd1", "base", "epsilon", 512, 4, "SD 1.x")),
    "sd1 without text encoder": (conv(4), ("sd1", "base", "epsilon", 512, 4, "SD 1.x")),
    "sd1 inpaint": (conv(9), ("sd1", "inpaint", "epsilon", 512, 9, "SD 1.x inpainting")),
    "pix2pix": (
        conv(8),
        ("sd1", "instruct-pix2pix", "epsilon", 512, 8, "SD 1.x instruct-pix2pix"),
    ),
    "sd2": ({**conv(4), OPENCLIP: (3072, 1024)}, ("sd2", "base", None, 512, 4, "SD 2.x")),
    "sd2 inpaint": (
        {**conv(9), OPENCLIP: (3072, 1024)},
        ("sd2", "inpaint", "epsilon", 512, 9, "SD 2.x inpainting"),
    ),
    "sd2 depth": (
        {
            **conv(5),
            OPENCLIP: (3072, 1024),
            "depth_model.model.pretrained.act_postprocess3.0.project.0.bias": (768,),
        },
        ("sd2", "depth", "epsilon", 512, 5, "SD 2.x depth"),
    ),
    "unclip": (
        {**conv(4), OPENCLIP: (3072, 1024), "embedder.model.ln_final.weight": (1024,)},
        ("unclip", "base", "v_prediction", 768, 4, "SD 2.1 unCLIP"),
    ),
    "sdxl": (
        {**conv(4), "conditioner.embedders.1.model.ln_final.weight": (1280,)},
        ("sdxl", "base", "epsilon", 1024, 4, "SDXL"),
    ),
    "sdxl inpaint": (
        {**conv(9), "conditioner.embedders.1.model.ln_final.weight": (1280,)},
        ("sdxl", "inpaint", "epsilon", 1024, 9, "SDXL inpainting"),
    ),
    "sdxl refiner": (
        {**conv(4), "conditioner.embedders.0.model.ln_final.weight": (1280,)},
        ("sdxl-refiner", "base", "epsilon", 1024, 4, "SDXL refiner"),
    ),
    "sd3": (
        {f"{UNET}x_embedder.proj.weight": (1536, 16, 2, 2)},
        ("sd3", "base", "flow", 1024, 16, "SD 3"),
    ),
    "flux": (
        {"double_blocks.0.img_attn.norm.key_norm.scale": (128,)},
        ("flux", "base", "flow", 1024, 16, "Flux"),
    ),
    "altdiffusion": (
        {**conv(4), "cond_stage_model.roberta.embeddings.word_embeddings.weight": (250002, 1024)},
        ("altdiffusion", "base", "epsilon", 512, 4, "AltDiffusion"),
    ),
}


@pytest.mark.parametrize(("shapes", "expected"), CASES.values(), ids=CASES.keys())
def test_kinds(
    tmp_path: Path, shapes: dict[str, tuple[int, ...]], expected: tuple[Any, ...]
) -> None:
    kind = identify(read_header(write_header_only(tmp_path / "m.safetensors", shapes)))
    found = (
        kind.family,
        kind.variant,
        kind.prediction,
        kind.native_size,
        kind.in_channels,
        kind.label,
    )
    assert found == expected


def test_the_width_of_the_text_embedding_is_read(tmp_path: Path) -> None:
    """A narrow model of the SD layout is SD 1.x all the same (performance 6)."""
    path = write_header_only(tmp_path / "m.safetensors", {CONV: (64, 4, 3, 3), CROSS: (128, 96)})
    kind = identify(read_header(path))
    assert (kind.family, kind.context_dim) == ("sd1", 96)


def test_facts_win_over_shapes(tmp_path: Path) -> None:
    """Behaviour 15.3: the yaml beside the file wins."""
    path = write_header_only(tmp_path / "m.safetensors", conv(4))
    facts = Facts(default_width=768, scheduler=ScheduleFacts(prediction_type="v_prediction"))
    kind = identify(read_header(path), facts)
    assert (kind.prediction, kind.native_size) == ("v_prediction", 768)


@pytest.mark.parametrize(
    ("key", "what"),
    [
        ("lora_unet_down_blocks_0_attentions_0_proj_in.lora_up.weight", "a LoRA"),
        ("control_model.input_hint_block.0.weight", "a ControlNet"),
        ("encoder.conv_in.weight", "a VAE; put it into the VAE folder"),
        ("emb_params", "an embedding"),
        ("down_blocks.0.resnets.0.conv1.weight", "a bare U-Net in the diffusers layout"),
        ("text_model.embeddings.token_embedding.weight", "a text encoder"),
    ],
)
def test_other_files_are_named(tmp_path: Path, key: str, what: str) -> None:
    path = write_header_only(tmp_path / "m.safetensors", {key: (4, 4)})
    with pytest.raises(UnsupportedModel, match=f"^my.safetensors is {what}"):
        identify(read_header(path), name="my.safetensors")


def test_an_unknown_table_is_a_bad_file(tmp_path: Path) -> None:
    path = write_header_only(tmp_path / "m.safetensors", {"x": (4,)})
    with pytest.raises(BadModelFile, match=r"the file is not a Stable Diffusion checkpoint"):
        identify(read_header(path))


@pytest.mark.parametrize(
    ("family", "text"),
    [
        ("sdxl", "x.safetensors: this is an SDXL checkpoint; Overpaint can load SD 1.x so far"),
        ("sd2", "x.safetensors: this is an SD 2.x checkpoint"),
        ("flux", "x.safetensors: this is a Flux checkpoint"),
    ],
)
def test_families_that_cannot_run_are_named(family: str, text: str) -> None:
    kind = ModelKind(family, "base", "epsilon", 1024, 4)  # type: ignore[arg-type]
    with pytest.raises(UnsupportedModel, match=text):
        require_runnable(kind, "x.safetensors")


def test_sd1_runs() -> None:
    require_runnable(ModelKind("sd1", "inpaint", "epsilon", 512, 9), "x")
