"""The list of checkpoints and all the names they go by (api 3.5, behaviour 15.2)."""

import hashlib
import os
import threading
from pathlib import Path

import pytest

from models.catalog import BUILTIN_INPAINTING, BUILTIN_NAME, Catalog, CheckpointEntry, Defaults
from models.errors import MissingModel
from models.hashes import legacy_hash
from tests.models.make import BUILTIN, safetensors_bytes, write_header_only

CONV = "model.diffusion_model.input_blocks.0.0.weight"


def fake(path: Path, seed: int = 4) -> Path:
    """A sound header of an SD 1.x checkpoint over 1 MiB; `seed` makes files differ."""
    write_header_only(path, {CONV: (8, 4, 3, 3), "model_ema.x": (600_000 + seed,)})
    with path.open("r+b") as file:
        file.seek(0x100000)
        file.write(bytes([seed]))
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "models" / "Stable-diffusion"
    fake(root / "anime.safetensors", 1)
    fake(root / "sub" / "photo.safetensors", 2)
    fake(root / "sub" / "deep" / "anime-v2.safetensors", 3)
    return root


def make(tmp_path: Path, *extra: Path) -> Catalog:
    return Catalog(tmp_path / "models", tmp_path / "data", BUILTIN, extra)


def names(catalog: Catalog) -> list[str]:
    return [entry.name for entry in catalog.entries]


def test_a_bare_machine_has_the_built_in_checkpoint(tmp_path: Path) -> None:
    catalog = make(tmp_path)
    variant, entry = catalog.entries
    assert (variant.kind, variant.title) == ("builtin", BUILTIN_INPAINTING)
    assert (variant.label, variant.problem) == (f"{entry.label} inpainting", None)
    assert (entry.kind, entry.title, entry.path) == ("builtin", BUILTIN_NAME, BUILTIN)
    assert entry.defaults == Defaults(256, 256, 5.0)
    assert entry.problem is None
    assert catalog.default() == entry
    hashed = catalog.ensure_hash(entry)
    assert hashed.title == f"{BUILTIN_NAME} [{hashed.hash10}]"
    assert catalog.entries == (variant, hashed)
    hashed_variant = catalog.ensure_hash(variant)
    assert hashed_variant.sha256 not in (None, hashed.sha256)
    assert make(tmp_path).entries == (hashed_variant, hashed)


def test_files_and_folders_are_found_and_sorted(tmp_path: Path, folder: Path) -> None:
    (folder / "linked-diffusers").symlink_to(BUILTIN, target_is_directory=True)
    fake(folder / "Zebra.CKPT")
    for name in ("x.vae.safetensors", "x.yaml", "x.pt", ".hidden/y.safetensors"):
        fake(folder / name)
    catalog = make(tmp_path)
    assert names(catalog) == [
        "anime.safetensors",
        "linked-diffusers",
        "sub/deep/anime-v2.safetensors",
        "sub/photo.safetensors",
        "Zebra.CKPT",
        BUILTIN_INPAINTING,
        BUILTIN_NAME,
    ]
    assert [entry.kind for entry in catalog.entries][1] == "folder"
    assert catalog.entries[1].defaults == Defaults(256, 256, 5.0)
    assert catalog.entries[0].defaults == Defaults(512, 512, 7.0)


def test_further_folders_count_and_the_first_of_a_name_wins(tmp_path: Path, folder: Path) -> None:
    other = tmp_path / "other"
    fake(other / "anime.safetensors", 9)
    fake(other / "new.safetensors", 9)
    catalog = make(tmp_path, other, tmp_path / "missing")
    assert "new.safetensors" in names(catalog)
    assert names(catalog).count("anime.safetensors") == 1
    assert catalog.get("anime.safetensors").path == folder / "anime.safetensors"


def test_links_are_followed_but_never_round(tmp_path: Path, folder: Path) -> None:
    outside = tmp_path / "elsewhere"
    fake(outside / "far.safetensors", 5)
    (folder / "link").symlink_to(outside, target_is_directory=True)
    (outside / "back").symlink_to(folder, target_is_directory=True)
    (folder / "self").symlink_to(folder, target_is_directory=True)
    (folder / "single.safetensors").symlink_to(outside / "far.safetensors")
    (folder / "dangling.safetensors").symlink_to(tmp_path / "nothing")
    assert names(make(tmp_path)) == [
        "anime.safetensors",
        "link/far.safetensors",
        "single.safetensors",
        "sub/deep/anime-v2.safetensors",
        "sub/photo.safetensors",
        BUILTIN_INPAINTING,
        BUILTIN_NAME,
    ]


def test_every_alias_of_a_checkpoint(tmp_path: Path, folder: Path) -> None:
    """Api 3.5: title, name, model_name, stem, hash10, sha256, 8-hex hash, name/stem [hash]."""
    catalog = make(tmp_path)
    path = folder / "sub" / "photo.safetensors"
    sha = hashlib.sha256(path.read_bytes()).hexdigest()
    before = catalog.get("sub/photo.safetensors")
    assert (before.title, before.sha256, before.hash10) == ("sub/photo.safetensors", None, None)
    entry = catalog.ensure_hash(before)
    assert entry.title == f"sub/photo.safetensors [{sha[:10]}]"
    assert (entry.hash10, entry.sha256, entry.model_name) == (sha[:10], sha, "sub_photo")
    for alias in (
        entry.title,
        "sub/photo.safetensors",
        "sub_photo",
        "photo",
        sha[:10],
        sha,
        legacy_hash(path),
        f"photo [{sha[:10]}]",
    ):
        assert catalog.get(alias) == entry, alias


def test_a_file_under_1_mib_has_no_legacy_hash(tmp_path: Path) -> None:
    """Its 64 KiB at 1 MiB are empty, so all such files would share one."""
    write_header_only(tmp_path / "models/Stable-diffusion/s.safetensors", {CONV: (8, 4, 3, 3)})
    assert make(tmp_path).get("s").legacy is None


@pytest.mark.parametrize(
    ("alias", "found"),
    [
        pytest.param("anime", "anime.safetensors", id="stem before containing titles"),
        pytest.param("nime", "anime.safetensors", id="shortest title that contains it"),
        pytest.param("anime-v", "sub/deep/anime-v2.safetensors", id="only title that contains it"),
        pytest.param("photo.safetensors [0123456789]", "sub/photo.safetensors", id="old hash"),
        pytest.param("photo [0123456789]", "sub/photo.safetensors", id="stem with old hash"),
        pytest.param("  anime.safetensors ", "anime.safetensors", id="blanks around"),
        pytest.param("ANIME", "anime.safetensors", id="other case"),
        pytest.param("overpaint", BUILTIN_NAME, id="built-in"),
        pytest.param("nothing like it", None, id="unknown"),
        pytest.param("", None, id="empty"),
        pytest.param(" [0123456789]", None, id="hash part alone"),
        pytest.param("[", None, id="bracket"),
    ],
)
def test_find(tmp_path: Path, folder: Path, alias: str, found: str | None) -> None:
    """Behaviour 15.2: exact, then shortest title containing it, then again without ` [..]`."""
    entry = make(tmp_path).find(alias)
    assert (entry.name if entry else None) == found


def test_get_names_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(MissingModel, match="model 'gone' not found") as caught:
        make(tmp_path).get("gone")
    assert caught.value.name == "gone"


def test_default_is_the_selected_else_the_first_usable(tmp_path: Path, folder: Path) -> None:
    (folder / "aaa.safetensors").write_bytes(b"<html>login</html>")
    catalog = make(tmp_path)
    assert catalog.entries[0].name == "aaa.safetensors"
    assert catalog.default().name == "anime.safetensors"
    assert catalog.default("photo").name == "sub/photo.safetensors"
    assert catalog.default("gone").name == "anime.safetensors"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        pytest.param(b"", "bad.safetensors is empty (0 bytes)", id="empty"),
        pytest.param(b"<html></html>", "bad.safetensors is a web page", id="web page"),
        pytest.param(
            safetensors_bytes(
                {"lora_unet_x": {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]}}
            )
            + b"\0",
            "bad.safetensors is a LoRA; put it into the Lora folder",
            id="lora",
        ),
    ],
)
def test_bad_files_are_listed_with_what_is_wrong(
    tmp_path: Path, folder: Path, content: bytes, problem: str
) -> None:
    (folder / "bad.safetensors").write_bytes(content)
    entry = make(tmp_path).get("bad")
    assert entry.problem is not None
    assert entry.problem.startswith(problem)


def test_rescan_sees_new_and_lost_files_and_keeps_hashes(tmp_path: Path, folder: Path) -> None:
    catalog = make(tmp_path)
    old = catalog.entries
    hashed = catalog.ensure_hash(catalog.get("anime"))
    fake(folder / "brand-new.safetensors", 7)
    (folder / "sub" / "photo.safetensors").unlink()
    catalog.rescan()
    assert "brand-new.safetensors" in names(catalog)
    assert "sub/photo.safetensors" not in names(catalog)
    assert catalog.get("anime") == hashed
    assert len(old) == 5, "a snapshot never changes"
    os.utime(hashed.path, ns=(1, 1))
    catalog.rescan()
    assert catalog.get("anime").sha256 is None


def test_the_hash_of_a_lost_file_is_a_missing_model(tmp_path: Path, folder: Path) -> None:
    catalog = make(tmp_path)
    entry = catalog.get("anime")
    entry.path.unlink()
    with pytest.raises(MissingModel):
        catalog.ensure_hash(entry)


def test_config_and_size_for_the_api(tmp_path: Path, folder: Path) -> None:
    (folder / "anime.yaml").write_text("model: {}")
    entry = make(tmp_path).get("anime")
    assert entry.config == folder / "anime.yaml"
    assert entry.size == (folder / "anime.safetensors").stat().st_size
    assert entry.label == "SD 1.x"


def test_readers_never_see_half_a_list(tmp_path: Path, folder: Path) -> None:
    catalog = make(tmp_path)
    stop, wrong = threading.Event(), []

    def read() -> None:
        while not stop.is_set():
            if catalog.find("anime") is None or len(catalog.entries) != 5:
                wrong.append(1)

    reader = threading.Thread(target=read)
    reader.start()
    for _ in range(20):
        catalog.rescan()
        catalog.ensure_hash(catalog.get("anime"))
    stop.set()
    reader.join()
    assert not wrong


@pytest.mark.parametrize(
    ("name", "model_name", "stem"),
    [
        ("a.safetensors", "a", "a"),
        ("x/y/a.v1.5.ckpt", "x_y_a.v1.5", "a.v1.5"),
        ("folder.v1", "folder.v1", "folder.v1"),
    ],
)
def test_names(name: str, model_name: str, stem: str) -> None:
    entry = CheckpointEntry(name, Path(name), "file")
    assert (entry.model_name, entry.stem) == (model_name, stem)
