"""Pickled checkpoints: tables of tensors without running anything, and attacks (S4, S6)."""

import argparse
import collections
import io
import pickle
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from models.errors import BadModelFile
from models.model_file import is_safetensors, read_model_header
from models.pickle_header import LEGACY_MAGIC, read_pickle_header
from models.safetensors_header import TensorInfo
from models.tensor_file import _load_pickle, open_tensors

WEIGHTS = {"w": torch.arange(6, dtype=torch.float16).reshape(2, 3), "b": torch.ones(2)}
TABLE = {"w": TensorInfo("F16", (2, 3)), "b": TensorInfo("F32", (2,))}


class Attack:
    """Unpickles to a call that leaves a canary file behind."""

    def __init__(self, canary: Path, how: str) -> None:
        self.canary, self.how = canary, how

    def __reduce__(self) -> tuple[Any, ...]:
        code = f"open({str(self.canary)!r}, 'w').close()"
        if self.how == "exec":
            return exec, (code,)
        if self.how == "os.system":
            import os

            return os.system, (f"touch {self.canary}",)
        if self.how == "getattr":
            return getattr, ("text", "upper")
        return argparse.Namespace, ()


def repack(source: Path, target: Path, change: Any) -> Path:
    """Copy a torch archive member by member; `change(name, data)` gives (name, data, compress)."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for member in old.infolist():
            for name, data, kind in change(member.filename, old.read(member)):
                new.writestr(name, data, kind)
    return target


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
@pytest.mark.parametrize("wrapped", [True, False], ids=["state_dict inside", "bare"])
def test_tables_and_weights_of_checkpoints(tmp_path: Path, zipped: bool, wrapped: bool) -> None:
    path = tmp_path / "model.ckpt"
    content = {"state_dict": WEIGHTS, "global_step": 3} if wrapped else WEIGHTS
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    assert dict(read_pickle_header(path).tensors) == TABLE
    with open_tensors(path) as (header, read):
        assert dict(header.tensors) == TABLE
        assert torch.equal(read("w"), WEIGHTS["w"])
        assert torch.equal(read("b"), WEIGHTS["b"])


def test_a_checkpoint_may_mention_what_trainers_leave_behind(tmp_path: Path) -> None:
    """Old SD files carry a lightning callback class, numpy scalars, sets (behaviour 15.1)."""
    path = tmp_path / "model.ckpt"
    parameter = torch.nn.Parameter(torch.zeros(2))
    content = {
        "state_dict": collections.OrderedDict(WEIGHTS, p=parameter),
        "callbacks": {"seen": {1, 2}, "best": np.float64(0.5), "steps": np.arange(3)},
    }
    torch.save(content, path)
    patched = repack(
        path,
        tmp_path / "patched.ckpt",
        lambda name, data: [(name, add_callback(name, data), zipfile.ZIP_STORED)],
    )
    assert set(read_pickle_header(patched).tensors) == {"w", "b", "p"}
    with open_tensors(patched) as (_, read):
        assert torch.equal(read("w"), WEIGHTS["w"])


def add_callback(name: str, data: bytes) -> bytes:
    """Put the class ModelCheckpoint as a further key into the outer dictionary."""
    if not name.endswith("data.pkl"):
        return data
    key = b"cpytorch_lightning.callbacks.model_checkpoint\nModelCheckpoint\n"
    return data[:-1] + key + b"K\x01s" + data[-1:]


@pytest.mark.parametrize("how", ["exec", "os.system", "getattr", "harmless stranger"])
@pytest.mark.parametrize("suffix", [".ckpt", ".pt", ".bin", ".pth"])
@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
def test_attacks_are_refused_and_leave_no_canary(
    tmp_path: Path, how: str, suffix: str, zipped: bool
) -> None:
    """S4: the file is refused by both guards and nothing of it runs."""
    canary = tmp_path / "canary"
    path = tmp_path / f"evil{suffix}"
    content = {"state_dict": {**WEIGHTS, "x": Attack(canary, how)}}
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    for read in (read_pickle_header, read_model_header):
        with pytest.raises(BadModelFile, match=r"evil\.\w+ was refused: it asks to run"):
            read(path)
    with pytest.raises(BadModelFile, match="was refused"), open_tensors(path):
        pass
    with pytest.raises(BadModelFile, match="cannot be loaded safely"):
        _load_pickle(path)
    assert not canary.exists()


def test_a_renamed_pickle_is_refused_as_safetensors(tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    path = tmp_path / "evil.safetensors"
    torch.save({"state_dict": {"x": Attack(canary, "exec")}}, path)
    with pytest.raises(BadModelFile, match="zip archive"):
        read_model_header(path)
    assert not canary.exists()


def test_an_attack_in_a_bare_pickle_is_refused(tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    path = tmp_path / "evil.pt"
    path.write_bytes(pickle.dumps(Attack(canary, "exec")))
    with pytest.raises(BadModelFile, match=r"asks to run 'builtins\.exec'"):
        read_pickle_header(path)
    assert not canary.exists()


def test_each_of_the_five_legacy_pickles_is_guarded(tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    for at in range(5):
        parts: list[Any] = [LEGACY_MAGIC, 1001, {}, {}, []]
        parts[at] = Attack(canary, "exec")
        path = tmp_path / f"evil{at}.pt"
        path.write_bytes(b"".join(pickle.dumps(part, protocol=2) for part in parts))
        with pytest.raises(BadModelFile, match="was refused"):
            read_pickle_header(path)
    assert not canary.exists()


STORED, DEFLATED = zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        pytest.param(
            lambda n, d: (
                [(n, d, STORED)]
                + ([("archive/extra.py", b"x", STORED)] if n.endswith("data.pkl") else [])
            ),
            "contains 'archive/extra.py'",
            id="strange member",
        ),
        pytest.param(
            lambda n, d: (
                [(n, d, STORED)]
                + ([("other/data.pkl", d, STORED)] if n.endswith("data.pkl") else [])
            ),
            "exactly one data.pkl",
            id="two pickles",
        ),
        pytest.param(
            lambda n, d: [] if n.endswith("data.pkl") else [(n, d, STORED)],
            "exactly one data.pkl",
            id="no pickle",
        ),
        pytest.param(
            lambda n, d: [("../" + n, d, STORED)], "was refused: it contains", id="path escape"
        ),
        pytest.param(lambda n, d: [(n, d, DEFLATED)], "compressed", id="compressed"),
        pytest.param(
            lambda n, d: [(n, d[:1] if "/data/" in n else d, STORED)], "truncated", id="cut weights"
        ),
        pytest.param(
            lambda n, d: [] if n.endswith("/data/0") else [(n, d, STORED)],
            "truncated",
            id="lost weights",
        ),
    ],
)
def test_archives_that_torch_would_not_write(tmp_path: Path, change: Any, finding: str) -> None:
    source = tmp_path / "good.ckpt"
    torch.save(WEIGHTS, source)
    with pytest.raises(BadModelFile, match=finding):
        read_pickle_header(repack(source, tmp_path / "bad.ckpt", change))


def test_a_member_named_twice_is_refused(tmp_path: Path) -> None:
    source = tmp_path / "good.ckpt"
    torch.save(WEIGHTS, source)
    with pytest.warns(UserWarning, match="Duplicate name"):
        bad = repack(source, tmp_path / "bad.ckpt", lambda n, d: [(n, d, STORED)] * 2)
    with pytest.raises(BadModelFile, match=r"exactly one data\.pkl"):
        read_pickle_header(bad)


@pytest.mark.parametrize(
    ("content", "finding"),
    [
        pytest.param(b"", "is empty", id="empty"),
        pytest.param(b"<html>login</html>", "damaged or not a checkpoint", id="web page"),
        pytest.param(b"PK\x03\x04 cut", "damaged or not a checkpoint", id="cut archive"),
        pytest.param(pickle.dumps(7, 2), "its first number is wrong", id="some pickle"),
        pytest.param(b"\x80\x02j\xff\xff\xff\x7f.", "damaged", id="memo bomb"),
        pytest.param(b"\x80\x04" + b"(" * 50_000 + b".", "damaged", id="marks"),
        pytest.param(b"\x82\x01.", "damaged", id="extension registry"),
    ],
)
def test_damaged_pickles(tmp_path: Path, content: bytes, finding: str) -> None:
    path = tmp_path / "model.ckpt"
    path.write_bytes(content)
    with pytest.raises(BadModelFile, match=finding):
        read_pickle_header(path)


@pytest.mark.parametrize("content", [[1, 2], {"state_dict": {}}, {"n": 1}], ids=str)
def test_pickles_without_weights(tmp_path: Path, content: object) -> None:
    path = tmp_path / "model.ckpt"
    torch.save(content, path)
    with pytest.raises(BadModelFile, match=r"holds no (table of )?weights"):
        read_pickle_header(path)


def test_a_persistent_id_must_be_a_storage(tmp_path: Path) -> None:
    class Odd(pickle.Pickler):
        def persistent_id(self, value: object) -> object:
            return "module:os" if value == "here" else None

    buffer = io.BytesIO()
    Odd(buffer, protocol=2).dump({"x": "here"})
    path = tmp_path / "model.ckpt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a/data.pkl", buffer.getvalue())
        archive.writestr("a/version", b"3\n")
    with pytest.raises(BadModelFile, match="something other than weights"):
        read_pickle_header(path)


def test_a_tensor_larger_than_its_storage_is_refused(tmp_path: Path) -> None:
    source = tmp_path / "good.ckpt"
    torch.save({"w": torch.zeros(3, dtype=torch.float16)}, source)

    def enlarge(name: str, data: bytes) -> list[tuple[str, bytes, int]]:
        return [(name, data.replace(b"K\x03\x85", b"K\x09\x85"), STORED)]

    with pytest.raises(BadModelFile, match="damaged"):
        read_pickle_header(repack(source, tmp_path / "bad.ckpt", enlarge))


def test_a_safetensors_file_named_ckpt_is_read_as_what_it_is(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    path = tmp_path / "model.ckpt"
    save_file(WEIGHTS, path)
    assert is_safetensors(path)
    assert set(read_model_header(path).tensors) == {"w", "b"}


@pytest.mark.parametrize(
    ("name", "finding"),
    [("gone.safetensors", "not there any more"), ("model.exe", "no model file")],
)
def test_files_that_are_no_models(tmp_path: Path, name: str, finding: str) -> None:
    (tmp_path / "model.exe").write_bytes(struct.pack("<Q", 2) + b"MZ")
    with pytest.raises(BadModelFile, match=finding):
        read_model_header(tmp_path / name)
