"""Infotexts to the form: every panel is filled, and names that are not here are said."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.catalog import Catalog
from pipelines.infotext_apply import apply_infotext
from pipelines.request import Img2ImgRequest
from tests.models.make import BUILTIN
from ui.fill_names import known_names, missing_vae
from ui.form_fill import form_values

LINE = "a cat\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1, Size: 512x768"
TEXT_FORM = {"hires", "refiner"}


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    folder = tmp_path / "models" / "VAE"
    folder.mkdir(parents=True)
    (folder / "kl.pt").write_bytes(b"\0" * 64)
    return Catalog(tmp_path / "models", tmp_path / "data", BUILTIN)


def test_hires_pass_fills_its_panel() -> None:
    applied = apply_infotext(
        f"{LINE}, Denoising strength: 0.45, Hires upscale: 1.5, Hires steps: 12, "
        "Hires upscaler: Lanczos, Hires sampler: DPM++ 2M, Hires prompt: sharp",
        Img2ImgRequest(),
    )
    values = form_values(applied)
    assert {key: values[key] for key in values if key.startswith(("hires", "hr_"))} == {
        "hires": True,
        "hr_scale": 1.5,
        "hr_width": 0,
        "hr_height": 0,
        "hr_upscaler": "Lanczos",
        "hr_steps": 12,
        "hr_checkpoint": "",
        "hr_sampler": "DPM++ 2M",
        "hr_scheduler": "",
        "hr_prompt": "sharp",
        "hr_negative_prompt": "",
    }
    assert values["denoise"] == 0.45


def test_soft_inpainting_fills_its_panel() -> None:
    applied = apply_infotext(
        f"{LINE}, Denoising strength: 0.6, Mask blur: 8, Soft inpainting enabled: True, "
        "Soft inpainting schedule bias: 1.5, Soft inpainting preservation strength: 0.25, "
        "Soft inpainting transition contrast boost: 6, Soft inpainting mask influence: 0.1, "
        "Soft inpainting difference threshold: 1, Soft inpainting difference contrast: 3",
        Img2ImgRequest(),
    )
    values = form_values(applied)
    assert {key: values[key] for key in values if key.startswith("soft")} == {
        "soft": True,
        "soft_bias": 1.5,
        "soft_preservation": 0.25,
        "soft_contrast": 6,
        "soft_influence": 0.1,
        "soft_threshold": 1,
        "soft_difference": 3,
    }


def test_what_an_infotext_does_not_say_is_switched_off() -> None:
    values = form_values(apply_infotext(LINE, Img2ImgRequest(tiling=True)))
    switches = ("hires", "soft", "refiner", "tiling")
    assert {name: values[name] for name in switches} == dict.fromkeys(switches, False)


def test_refiner_and_tiling(catalog: Catalog) -> None:
    text = f"{LINE}, Tiling: True, Refiner: overpaint-tiny, Refiner switch at: 0.6"
    applied = apply_infotext(text, Img2ImgRequest())
    values = form_values(applied)
    assert (values["tiling"], values["refiner"], values["refiner_switch_at"]) == (True, True, 0.6)
    names = known_names(TEXT_FORM, applied.request, catalog)
    assert names.values["refiner_checkpoint"] == catalog.get("overpaint-tiny").title
    assert names.problems == []


@pytest.mark.parametrize(
    ("keys", "controls", "values", "problem"),
    [
        pytest.param(
            "Refiner: xl-refiner",
            TEXT_FORM,
            {"refiner_checkpoint": None, "refiner": False},
            "xl-refiner is not here",
            id="refiner",
        ),
        pytest.param(
            "Denoising strength: 0.5, Hires upscale: 2, Hires upscaler: 4x-UltraSharp",
            TEXT_FORM,
            {"hr_upscaler": "Latent"},
            "4x-UltraSharp",
            id="upscaler",
        ),
        pytest.param(
            "Denoising strength: 0.5, Hires upscale: 2, Hires upscaler: Latent, "
            "Hires checkpoint: other",
            TEXT_FORM,
            {"hr_checkpoint": "", "hr_upscaler": "Latent"},
            "other is not here",
            id="hires checkpoint",
        ),
        pytest.param(
            "Denoising strength: 0.5, Hires upscale: 2, Hires upscaler: Latent",
            {"image"},
            {},
            "send it to txt2img",
            id="img2img has no hires pass",
        ),
    ],
)
def test_what_is_not_here_is_said(
    catalog: Catalog, keys: str, controls: set[str], values: dict[str, object], problem: str
) -> None:
    applied = apply_infotext(f"{LINE}, {keys}", Img2ImgRequest())
    names = known_names(controls, applied.request, catalog)
    assert names.values == values
    assert [one for one in names.problems if problem in one]


def test_a_vae_that_is_not_here_leaves_the_selected_one(catalog: Catalog) -> None:
    here = apply_infotext(f"{LINE}, VAE: kl.pt", Img2ImgRequest())
    assert missing_vae(here, "Automatic", catalog) == (here, [])
    gone, said = missing_vae(
        apply_infotext(f"{LINE}, VAE: gone.pt", Img2ImgRequest()), "kl.pt", catalog
    )
    assert gone.request.vae == "kl.pt"
    assert said == ["The VAE gone.pt is not here; kl.pt is used."]
