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
from ui.quicksettings import QuickHandlers, quicksettings


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


def built(services: Any, wanted: list[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The controls of the forms, and the others."""
    services.options.set_many({"quicksettings_list": wanted})
    parts: dict[str, Any] = {}
    with gr.Blocks():
        made = quicksettings(services, parts)
    return made, parts["quicksettings"]


def test_usually_there_are_the_three_of_the_forms(services: Any) -> None:
    parts: dict[str, Any] = {}
    with gr.Blocks():
        made = quicksettings(services, parts)
    assert list(made) == ["checkpoint", "vae", "clip_skip"]
    assert parts["quicksettings"] == {}
    assert not made["clip_skip"].elem_classes


def test_what_is_left_out_is_there_unseen(services: Any) -> None:
    made, others = built(services, ["sd_vae", "no such setting"])
    assert sorted(made) == ["checkpoint", "clip_skip", "vae"]
    assert (others, made["clip_skip"].elem_classes) == ({}, ["op-hidden"])


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
    _, others = built(services, [key])
    control = others[key]
    assert isinstance(control, kind)
    assert control.elem_id == f"setting_{key}"
    assert {name: getattr(control, name) for name in facts} == facts


def test_every_setting_can_stand_there(services: Any) -> None:
    made, others = built(services, [option.key for option in OPTIONS])
    assert len(made) + len(others) == len(OPTIONS)


def test_an_administrators_change_is_kept(services: Any, said: list[str]) -> None:
    value, current = QuickHandlers(services).change("n_rows", 3, "admin")  # type: ignore[arg-type]
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
    value, _ = QuickHandlers(services).change("hidden_tabs", ["Extras"], "admin")  # type: ignore[arg-type]
    assert value == ["Extras"]
    assert said == ["Kept. It takes effect when the server is started again."]


@pytest.mark.parametrize(("keys", "now"), [(["n_rows"], -1), (["n_rows", "send_seed"], [-1, True])])
def test_what_a_load_reads(services: Any, keys: list[str], now: Any) -> None:
    assert QuickHandlers(services).now(keys) == now
