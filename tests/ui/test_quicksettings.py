"""Settings above the tabs: which controls there are, who may change them, what is answered."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest

from jobs.options import OPTIONS, OptionStore
from models.catalog import Catalog
from tests.models.make import BUILTIN
from ui.quicksettings import QuickHandlers, control_of, wanted_settings


@pytest.fixture
def services(tmp_path: Path) -> Any:
    return SimpleNamespace(
        options=OptionStore(tmp_path / "data"),
        catalog=Catalog(tmp_path / "models", tmp_path / "data", BUILTIN),
        models_dir=tmp_path / "models",
        is_admin=lambda request: request == "admin",
    )


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the page was told in passing."""
    told: list[str] = []
    for name in ("Warning", "Info"):
        monkeypatch.setattr(gr, name, lambda text, **_: told.append(text))
    return told


@pytest.mark.parametrize(
    ("chosen", "keys"),
    [
        (None, ["sd_model_checkpoint", "sd_vae", "CLIP_stop_at_last_layers"]),
        (["n_rows", "no such setting", "sd_vae", "n_rows"], ["n_rows", "sd_vae"]),
        ([], []),
    ],
    ids=["usual", "unknown and twice", "none"],
)
def test_which_stand_there(services: Any, chosen: list[str] | None, keys: list[str]) -> None:
    services.options.set_many({"quicksettings_list": chosen})
    assert wanted_settings(services) == keys


@pytest.mark.parametrize(
    ("key", "kind", "facts"),
    [
        ("send_seed", gr.Checkbox, {"value": True}),
        ("randn_source", gr.Dropdown, {"value": "GPU", "multiselect": None}),
        ("hidden_tabs", gr.Dropdown, {"value": [], "multiselect": True}),
        ("n_rows", gr.Slider, {"minimum": -1, "maximum": 64, "step": 1}),
        ("eta_ddim", gr.Slider, {"minimum": 0, "maximum": 1, "step": 0.01}),
        ("eta_noise_seed_delta", gr.Number, {"precision": 0}),
        ("samples_filename_pattern", gr.Textbox, {"value": ""}),
        ("outdir_save", gr.Textbox, {"interactive": False}),
        ("sd_checkpoint_hash", gr.Textbox, {"interactive": False}),
    ],
)
def test_controls_by_type(services: Any, key: str, kind: type, facts: dict[str, Any]) -> None:
    control = control_of(services, key)
    assert (type(control), control.elem_id) == (kind, f"setting_{key}")
    assert {name: getattr(control, name) for name in facts} == facts


def test_every_setting_can_stand_there(services: Any) -> None:
    keys = [option.key for option in OPTIONS if option.key not in ("sd_model_checkpoint", "sd_vae")]
    controls = [control_of(services, key) for key in keys]
    assert [control.elem_id for control in controls] == [f"setting_{key}" for key in keys]


def test_an_administrators_change_is_kept(services: Any, said: list[str]) -> None:
    value, current = QuickHandlers(services).change("n_rows", 3, "admin")
    assert (value, json.loads(current)["n_rows"], said) == (3, 3, [])


@pytest.mark.parametrize(
    ("key", "value", "who", "words"),
    [
        ("n_rows", 3, "guest", "Only administrators"),
        ("n_rows", 900, "admin", "at most 64"),
        ("gallery_height", "high", "admin", "must look like 500px"),
    ],
    ids=["guest", "out of range", "no height"],
)
def test_what_cannot_be_is_said_and_taken_back(
    services: Any, said: list[str], key: str, value: Any, who: Any, words: str
) -> None:
    before = services.options.get(key)
    now, current = QuickHandlers(services).change(key, value, who)
    assert (now, json.loads(current)[key]) == (before, before)
    (text,) = said
    assert words in text


def test_a_setting_for_the_next_start_says_so(services: Any, said: list[str]) -> None:
    value, _ = QuickHandlers(services).change("hidden_tabs", ["Extras"], "admin")
    assert value == ["Extras"]
    assert said == ["Kept. It takes effect when the server is started again."]


@pytest.mark.parametrize(("keys", "now"), [(["n_rows"], -1), (["n_rows", "send_seed"], [-1, True])])
def test_what_a_load_reads(services: Any, keys: list[str], now: Any) -> None:
    assert QuickHandlers(services).now(keys) == now
