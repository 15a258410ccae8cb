"""Settings that say what a pasted infotext may fill: keys left out, the checkpoint (ui 10.2)."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from jobs.options import OptionStore
from models.catalog import Catalog
from pipelines.infotext_apply import apply_infotext
from pipelines.request import Img2ImgRequest
from tests.models.make import BUILTIN, write_single_file
from ui.controls import Fitted
from ui.form_fill import form_values
from ui.form_keys import KEYS, without_left_out
from ui.small_handlers import SmallHandlers

LINE = "a cat\nNegative prompt: a dog\nSteps: 9, Sampler: Euler a, CFG scale: 3, Seed: 1"
FULL = (
    f"{LINE}, Size: 512x768, Denoising strength: 0.5, Mask blur: 8, Hires upscale: 2, "
    "Hires upscaler: Latent, Refiner: x, Outpaint anchor: centre, Soft inpainting enabled: True"
)


class Form:
    """A form whose controls are their names."""

    def names(self) -> set[str]:
        return {*KEYS, "override_settings"}

    def known(self, values: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in values.items() if name in self.names()}

    def fitted(self, values: dict[str, Any]) -> Fitted:
        return Fitted(values, [])

    def updates(self, values: dict[str, Any]) -> dict[str, Any]:
        return values


@pytest.fixture
def handlers(tmp_path: Path) -> SmallHandlers:
    write_single_file(tmp_path / "models" / "Stable-diffusion" / "mine.safetensors")
    services: Any = SimpleNamespace(
        options=OptionStore(tmp_path / "data"),
        catalog=Catalog(tmp_path / "models", tmp_path / "data", BUILTIN),
        styles=tmp_path / "styles.csv",
        static_url="",
    )
    services.options.set_many({"sd_model_checkpoint": "mine.safetensors"})
    form: Any = Form()
    return SmallHandlers(services, form)


def set_to(handlers: SmallHandlers, options: dict[str, Any]) -> None:
    handlers._services.options.set_many(options)


def test_every_control_that_is_filled_has_a_key() -> None:
    filled = form_values(apply_infotext(FULL, Img2ImgRequest()))
    assert sorted(filled.keys() - KEYS.keys()) == []


SKIPPED = {
    "nothing": ([], set()),
    "prompt": (["Prompt"], {"prompt"}),
    "negative prompt": (["Negative prompt"], {"negative_prompt"}),
    "size": (["Size"], {"width", "height"}),
    "sampler and seed": (["Sampler", "seed"], {"sampler", "seed"}),
    "no key": (["Cleverness"], set()),
}


@pytest.mark.parametrize(("skip", "kept"), SKIPPED.values(), ids=list(SKIPPED))
def test_what_is_left_out_stays_as_it_is(
    handlers: SmallHandlers, skip: list[str], kept: set[str]
) -> None:
    everything: dict[str, Any] = handlers.fill(LINE)
    set_to(handlers, {"infotext_skip_pasting": skip})
    filled: dict[str, Any] = handlers.fill(LINE)
    assert everything.keys() - filled.keys() == kept
    assert {name: filled[name] for name in ("steps", "cfg")} == {"steps": 9, "cfg": 3.0}


def test_a_setting_without_control_is_left_out_too(handlers: SmallHandlers) -> None:
    line = f"{LINE}, Emphasis: No norm, ENSD: 31337"
    assert overrides(handlers.fill(line)) == ["Emphasis: No norm", "ENSD: 31337"]
    set_to(handlers, {"infotext_skip_pasting": ["ENSD"]})
    assert overrides(handlers.fill(line)) == ["Emphasis: No norm"]


MODELS = {
    # sd_model_checkpoint is "mine"
    "stays by default": (True, "Model: overpaint-tiny", []),
    "by name": (False, "Model: overpaint-tiny", ["Model: overpaint-tiny"]),
    "the hash is not here, the name is": (
        False,
        "Model hash: 0123456789, Model: overpaint-tiny",
        ["Model: overpaint-tiny"],
    ),
    "is chosen already": (False, "Model: mine", []),
    "is not told": (False, "RNG: GPU", []),
}


@pytest.mark.parametrize(("keeps", "keys", "lines"), MODELS.values(), ids=list(MODELS))
def test_a_pasted_infotext_may_choose_the_checkpoint(
    handlers: SmallHandlers, keeps: bool, keys: str, lines: list[str]
) -> None:
    set_to(handlers, {"disable_weights_auto_swap": keeps})
    assert overrides(handlers.fill(f"{LINE}, {keys}")) == lines


def test_a_checkpoint_that_is_not_here_is_said(handlers: SmallHandlers) -> None:
    set_to(handlers, {"disable_weights_auto_swap": False})
    with pytest.warns(UserWarning, match=r"gone is not here; mine\.safetensors is used"):
        filled = handlers.fill(f"{LINE}, Model: gone")
    assert overrides(filled) == []


def test_a_left_out_model_is_not_chosen(handlers: SmallHandlers) -> None:
    set_to(handlers, {"disable_weights_auto_swap": False, "infotext_skip_pasting": ["Model"]})
    assert overrides(handlers.fill(f"{LINE}, Model: overpaint-tiny")) == []


def test_values_of_other_controls_pass() -> None:
    assert without_left_out({"steps": 1, "gallery": 2}, ["Steps"]) == {"gallery": 2}


def overrides(filled: Any) -> list[str]:
    value: list[str] = filled["override_settings"]["value"]
    return value
