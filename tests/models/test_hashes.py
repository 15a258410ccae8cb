"""Hashes of model files: vectors of behaviour 10.3, and when a remembered hash counts."""

import hashlib
import os
from pathlib import Path

import pytest

from models.hashes import HashCache, legacy_hash, sha256_file, short_hash

ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@pytest.mark.parametrize(("content", "digest"), [(b"abc", ABC), (b"", EMPTY)], ids=["abc", "empty"])
def test_sha256_of_the_whole_file(tmp_path: Path, content: bytes, digest: str) -> None:
    """Behaviour 10.3: model hash = first 10 hex digits; FIPS 180 vectors."""
    path = tmp_path / "m"
    path.write_bytes(content)
    assert sha256_file(path) == digest
    assert short_hash(digest) == digest[:10]


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        pytest.param(0x100000 + 0x10000 + 5, None, id="longer"),
        pytest.param(0x100000 + 3, None, id="ends inside"),
        pytest.param(1000, "e3b0c442", id="shorter than 1 MiB"),
    ],
)
def test_legacy_hash_sees_64_kib_at_1_mib(tmp_path: Path, size: int, expected: str | None) -> None:
    """Behaviour 10.3: bytes 0x100000 to 0x10FFFF, first 8 hex digits."""
    content = bytes(i * 7 % 251 for i in range(size))
    path = tmp_path / "m"
    path.write_bytes(content)
    by_hand = hashlib.sha256(content[1048576 : 1048576 + 65536]).hexdigest()[:8]
    assert legacy_hash(path) == (expected or by_hand)


def test_a_known_hash_is_not_computed_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "m"
    path.write_bytes(b"abc")
    cache = HashCache(tmp_path / "data")
    assert cache.known(path) is None
    assert cache.sha256(path) == ABC
    monkeypatch.setattr("models.hashes.sha256_file", pytest.fail)
    assert cache.sha256(path) == ABC
    assert HashCache(tmp_path / "data").known(path) == ABC


@pytest.mark.parametrize("change", ["size", "time"])
def test_a_changed_file_is_hashed_again(tmp_path: Path, change: str) -> None:
    path = tmp_path / "m"
    path.write_bytes(b"xyz" if change == "time" else b"abcd")
    cache = HashCache(tmp_path)
    before = cache.sha256(path)
    path.write_bytes(b"abc")
    os.utime(path, ns=(1, 1))
    assert cache.known(path) is None
    assert before != cache.sha256(path) == ABC


def test_a_damaged_cache_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "hashes.sqlite3").write_bytes(b"this is no database, " * 100)
    path = tmp_path / "m"
    path.write_bytes(b"abc")
    assert HashCache(tmp_path).sha256(path) == ABC
    assert HashCache(tmp_path).known(path) == ABC


def test_folder_hash_depends_on_names_and_contents_only(tmp_path: Path) -> None:
    for root, order in (("one", ("unet", "vae")), ("two", ("vae", "unet"))):
        for part in order:
            (tmp_path / root / part).mkdir(parents=True)
            (tmp_path / root / part / "w").write_bytes(part.encode())
    cache = HashCache(tmp_path)
    roots = [tmp_path / "one", tmp_path / "two"]
    files = [sorted(root.rglob("w")) for root in roots]
    assert cache.known_folder(roots[0], files[0]) is None
    one = cache.sha256_folder(roots[0], files[0])
    text = "".join(
        f"{part}/w\0{hashlib.sha256(part.encode()).hexdigest()}\n" for part in ("unet", "vae")
    )
    assert one == hashlib.sha256(text.encode()).hexdigest()
    assert one == cache.sha256_folder(roots[1], reversed(files[1]))
    assert one == cache.known_folder(roots[0], files[0])
    files[0][0].write_bytes(b"UNET")
    assert one != cache.sha256_folder(roots[0], files[0])
