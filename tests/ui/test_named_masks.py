"""Masks under a name: per owner, found again after a restart, never cleaned away while named."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from jobs.assets import AssetStore
from ui.drawings import DrawingStore
from ui.named_masks import NamedMask, NamedMasks


@pytest.fixture
def assets(tmp_path: Path) -> AssetStore:
    return AssetStore(tmp_path / "assets")


@pytest.fixture
def store(tmp_path: Path, assets: AssetStore) -> NamedMasks:
    return DrawingStore(tmp_path / "drawings", assets).masks


def mask(assets: AssetStore, name: str, data: bytes = b"mask") -> NamedMask:
    return NamedMask(name, assets.add(data), 640, 480, "0123456789ab")


def test_masks_of_an_owner_by_name(store: NamedMasks, assets: AssetStore) -> None:
    for name in ("hair", "Face", "éclair"):
        assert not store.save("ann", mask(assets, name))
    store.save("bob", mask(assets, "hat"))
    assert [found.name for found in store.all("ann")] == ["Face", "hair", "éclair"]
    assert store.find("ann", "hair") == mask(assets, "hair")
    assert store.find("ann", "hat") is None


def test_the_same_name_replaces_and_says_so(store: NamedMasks, assets: AssetStore) -> None:
    store.save("ann", mask(assets, "hair", b"one"))
    assert store.save("ann", mask(assets, "hair", b"two"))
    assert store.all("ann") == [mask(assets, "hair", b"two")]


def test_a_new_store_on_the_same_folder_finds_them(
    store: NamedMasks, assets: AssetStore, tmp_path: Path
) -> None:
    store.save("ann", mask(assets, "hair"))
    again = DrawingStore(tmp_path / "drawings", AssetStore(tmp_path / "assets")).masks
    assert again.find("ann", "hair") == mask(assets, "hair")


@pytest.mark.parametrize("name", ["../../etc", "a/b", "Ünïcode" * 100, "\x00", "\ud800"])
def test_names_never_become_paths(
    store: NamedMasks, assets: AssetStore, tmp_path: Path, name: str
) -> None:
    store.save(name, mask(assets, name))
    assert store.find(name, name) == mask(assets, name)
    assert len(list((tmp_path / "drawings").glob("*/masks/*.json"))) == 1


def test_named_masks_are_not_cleaned_away_until_forgotten(
    store: NamedMasks, assets: AssetStore, tmp_path: Path
) -> None:
    drawings = DrawingStore(tmp_path / "drawings", assets)
    kept = mask(assets, "hair")
    store.save("ann", kept)
    assert drawings.used_assets() == {kept.mask}
    assert assets.remove_unused(drawings.used_assets(), time.time() + 1) == 0
    store.forget("ann", "hair")
    store.forget("ann", "hair")
    assert (store.find("ann", "hair"), drawings.used_assets()) == (None, set())


@pytest.mark.parametrize("text", ["", "[]", '{"name": "hair"}'])
def test_damaged_files_count_as_none(
    store: NamedMasks, assets: AssetStore, tmp_path: Path, text: str
) -> None:
    store.save("ann", mask(assets, "hair"))
    next((tmp_path / "drawings").rglob("*.json")).write_text(text)
    assert store.all("ann") == []
    assert store.find("ann", "hair") is None
    assert store.used_assets() == set()


def test_a_mask_whose_file_is_gone_is_not_offered(store: NamedMasks, assets: AssetStore) -> None:
    kept = mask(assets, "hair")
    store.save("ann", kept)
    assets.path(kept.mask).unlink()
    assert store.all("ann") == []
