"""What the settings page shows, and what becomes of a wish to change settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from jobs.options import OPTIONS, OptionStore
from models.catalog import Catalog
from tests.models.make import BUILTIN
from ui.settings_view import described, save


@pytest.fixture
def options(tmp_path: Path) -> OptionStore:
    return OptionStore(tmp_path / "data")


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    folder = tmp_path / "models" / "VAE"
    folder.mkdir(parents=True)
    (folder / "kl.pt").write_bytes(b"\0" * 64)
    return Catalog(tmp_path / "models", tmp_path / "data", BUILTIN)


def rows(options: OptionStore, catalog: Catalog) -> dict[str, dict[str, Any]]:
    return {
        row["key"]: row
        for category in described(options, catalog)
        for section in category["sections"]
        for row in section["options"]
    }


def test_every_setting_is_there_once(options: OptionStore, catalog: Catalog) -> None:
    keys = [
        row["key"]
        for category in described(options, catalog)
        for section in category["sections"]
        for row in section["options"]
    ]
    assert sorted(keys) == sorted(option.key for option in OPTIONS)


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("tiling", {"type": "switch", "value": False, "idle": False, "guard": "open"}),
        ("s_churn", {"type": "number", "lowest": 0.0, "highest": 100.0}),
        ("CLIP_stop_at_last_layers", {"type": "whole", "lowest": 1, "highest": 12, "value": 1}),
        ("randn_source", {"type": "text", "choices": ["GPU", "CPU", "NV"], "infotext": "RNG"}),
        ("img2img_background_color", {"type": "colour", "default": "#ffffff"}),
        ("outdir_samples", {"guard": "file"}),
        ("sd_checkpoint_hash", {"guard": "derived", "idle": False}),
        (
            "sd_model_checkpoint",
            {
                "value": "overpaint-tiny",
                "choices": ["overpaint-tiny-inpainting", "overpaint-tiny"],
            },
        ),
        ("sd_vae", {"choices": ["Automatic", "None", "kl.pt", "vivid.safetensors"]}),
        ("fp8_storage", {"idle": True, "instead": "Weights have 16 or 32 bits."}),
        ("gradio_theme", {"idle": True, "restart": False}),
        ("ui_tab_order", {"type": "list", "choices": [], "idle": False, "restart": True}),
        ("hidden_tabs", {"choices": ["txt2img", "img2img", "Extras", "PNG Info"]}),
    ],
)
def test_rows(options: OptionStore, catalog: Catalog, key: str, expected: dict[str, Any]) -> None:
    row = rows(options, catalog)[key]
    assert {name: row[name] for name in expected} == expected


def test_what_is_saved_is_there_after_a_restart(
    options: OptionStore, catalog: Catalog, tmp_path: Path
) -> None:
    saved = save(options, catalog, {"s_churn": 2, "send_seed": False, "sd_vae": "kl.pt"})
    assert saved == ("3 setting(s) saved.", {})
    again = OptionStore(tmp_path / "data")
    assert (again.get("s_churn"), again.get("send_seed"), again.get("sd_vae")) == (
        2.0,
        False,
        "kl.pt",
    )


@pytest.mark.parametrize(
    ("key", "value", "sentence"),
    [
        pytest.param("s_churn", 101, "at most 100", id="range"),
        pytest.param("CLIP_stop_at_last_layers", None, "", id="empty number is the default"),
        pytest.param("randn_source", "TPU", "GPU, CPU, NV", id="choice"),
        pytest.param("img2img_background_color", "white", "#ffffff", id="pattern"),
        pytest.param("sd_vae", "gone.pt", "no VAE file", id="VAE"),
        pytest.param("sd_model_checkpoint", "gone", "no checkpoint", id="checkpoint"),
        pytest.param("no_such_key", 1, "not a known setting", id="unknown"),
    ],
)
def test_values_that_cannot_be_are_said_and_nothing_is_saved(
    options: OptionStore, catalog: Catalog, key: str, value: Any, sentence: str
) -> None:
    saved = save(options, catalog, {"send_seed": False, key: value})
    assert sentence in saved.problems.get(key, "")
    assert options.get("send_seed") is bool(saved.problems)


def test_guarded_settings_stay(options: OptionStore, catalog: Catalog) -> None:
    saved = save(options, catalog, {"outdir_samples": "/elsewhere"})
    assert "config.json" in saved.problems["outdir_samples"]
    assert options.get("outdir_samples") == ""


def test_an_unchanged_value_is_no_change(options: OptionStore, catalog: Catalog) -> None:
    assert save(options, catalog, {"send_seed": True}).message == "Nothing was changed."
