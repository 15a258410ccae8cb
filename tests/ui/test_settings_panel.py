"""Who may change settings on the page, and what comes back."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from jobs.options import OptionStore
from models.catalog import Catalog
from tests.models.make import BUILTIN
from ui.settings_panel import SettingsHandlers


@pytest.fixture
def services(tmp_path: Path) -> Any:
    return SimpleNamespace(
        options=OptionStore(tmp_path / "data"),
        catalog=Catalog(tmp_path / "models", tmp_path / "data", BUILTIN),
        is_admin=lambda request: request == "admin",
    )


def test_an_administrator_saves(services: Any) -> None:
    handlers = SettingsHandlers(services)
    value, current = handlers.apply({"wanted": {"s_churn": 2}}, "admin")
    assert (value["message"], value["problems"], value["open"]) == ("1 setting(s) saved.", {}, True)
    assert json.loads(current)["s_churn"] == 2
    assert services.options.get("s_churn") == 2


def test_a_guest_sees_everything_and_changes_nothing(services: Any) -> None:
    handlers = SettingsHandlers(services)
    assert handlers.show("guest")["open"] is False
    value, _ = handlers.apply({"wanted": {"s_churn": 2}}, "guest")
    assert "administrators" in value["message"]
    assert services.options.get("s_churn") == 0


@pytest.mark.parametrize("panel", [None, {}, {"wanted": "x"}, {"wanted": {}}], ids=str)
def test_nothing_wanted_changes_nothing(services: Any, panel: Any) -> None:
    value, _ = SettingsHandlers(services).apply(panel, "admin")
    assert value["message"] == "Nothing was changed."
