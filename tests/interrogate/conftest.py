"""A models folder with a tiny BLIP and CLIP, and no hub cache but an empty one."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from interrogate import places
from tests.interrogate.networks import write_blip, write_clip


@pytest.fixture(autouse=True)
def empty_hub_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    cache = tmp_path / "hub"
    monkeypatch.setenv("HF_HUB_CACHE", str(cache))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))  # OpenAI's cache is in there
    return cache


@pytest.fixture(autouse=True)
def builtin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the built-in models would lie: nothing is there, whatever ships."""
    folder = tmp_path / "builtin"
    monkeypatch.setattr(places, "BUILTIN", folder)
    return folder


@pytest.fixture(scope="session")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("saved")
    write_blip(folder / "blip")
    write_clip(folder / "clip")
    return folder


@pytest.fixture
def models(tmp_path: Path, saved: Path) -> Path:
    """The models folder with both."""
    folder = tmp_path / "models"
    shutil.copytree(saved / "blip", folder / "BLIP" / "blip-image-captioning-base")
    shutil.copytree(saved / "clip", folder / "CLIP")
    return folder
