"""Canvases are kept per owner and tab, and no file they name is cleaned away."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from jobs.assets import AssetStore
from ui.drawings import DrawingStore, SavedPainting


@pytest.fixture
def assets(tmp_path: Path) -> AssetStore:
    return AssetStore(tmp_path / "assets")


@pytest.fixture
def store(tmp_path: Path, assets: AssetStore) -> DrawingStore:
    return DrawingStore(tmp_path / "drawings", assets)


def painting(assets: AssetStore, name: str = "a.png") -> SavedPainting:
    image, drawing = assets.add(name.encode()), assets.add(b"drawing of " + name.encode())
    return SavedPainting(image, drawing, name, 640, 480)


def test_owners_and_tabs_are_apart(store: DrawingStore, assets: AssetStore) -> None:
    store.save("ann", "inpaint", painting(assets, "a.png"))
    store.save("ann", "sketch", painting(assets, "b.png"))
    store.save("bob", "inpaint", painting(assets, "c.png"))
    assert store.load("ann", "inpaint") == painting(assets, "a.png")
    assert store.load("ann", "sketch") == painting(assets, "b.png")
    assert store.load("bob", "inpaint") == painting(assets, "c.png")
    assert store.load("bob", "sketch") is None


def test_another_store_on_the_same_folder_sees_it(
    store: DrawingStore, assets: AssetStore, tmp_path: Path
) -> None:
    store.save("ann", "inpaint", painting(assets))
    assert DrawingStore(tmp_path / "drawings", assets).load("ann", "inpaint") == painting(assets)


def test_the_last_one_counts_and_can_be_forgotten(store: DrawingStore, assets: AssetStore) -> None:
    store.save("ann", "inpaint", painting(assets, "a.png"))
    store.save("ann", "inpaint", painting(assets, "b.png"))
    assert store.load("ann", "inpaint") == painting(assets, "b.png")
    store.forget("ann", "inpaint")
    store.forget("ann", "inpaint")
    assert store.load("ann", "inpaint") is None


@pytest.mark.parametrize("owner", ["../../etc", "a/b", "", "Ünïcode" * 100, "\x00"])
def test_owner_names_never_become_paths(
    store: DrawingStore, assets: AssetStore, tmp_path: Path, owner: str
) -> None:
    store.save(owner, "inpaint", painting(assets))
    assert store.load(owner, "inpaint") == painting(assets)
    inside = [path.relative_to(tmp_path / "drawings") for path in tmp_path.rglob("inpaint.json")]
    assert len(inside) == 1


@pytest.mark.parametrize("text", ["", "{", "[]", '{"image": "x"}', '{"image": 1, "extra": 2}'])
def test_damaged_file_counts_as_none(
    store: DrawingStore, assets: AssetStore, tmp_path: Path, text: str
) -> None:
    store.save("ann", "inpaint", painting(assets))
    next(tmp_path.rglob("inpaint.json")).write_text(text)
    assert store.load("ann", "inpaint") is None
    assert store.used_assets() == set()


def test_a_painting_whose_file_is_gone_counts_as_none(
    store: DrawingStore, assets: AssetStore
) -> None:
    saved = painting(assets)
    store.save("ann", "inpaint", saved)
    assets.path(saved.image).unlink()
    assert store.load("ann", "inpaint") is None


def test_files_of_kept_canvases_are_not_cleaned_away(
    store: DrawingStore, assets: AssetStore
) -> None:
    saved = painting(assets)
    store.save("ann", "inpaint", saved)
    other = assets.add(b"nobody's")
    assert store.used_assets() == {saved.image, saved.drawing}
    assert assets.remove_unused(store.used_assets(), time.time() + 1) == 1
    assert store.load("ann", "inpaint") == saved
    with pytest.raises(ValueError, match="no longer"):
        assets.path(other)
