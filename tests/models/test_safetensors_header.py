"""Headers of .safetensors files: what is read, and every way in which a file can be bad."""

import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import save_file

from models.errors import BadModelFile
from models.safetensors_header import TensorInfo, read_header
from tests.models.make import BUILTIN, safetensors_bytes

A = {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]}
B = {"dtype": "F16", "shape": [4], "data_offsets": [16, 24]}
GOOD = safetensors_bytes({"a": A, "b": B}, bytes(24))


def write(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "model.safetensors"
    path.write_bytes(content)
    return path


def test_reads_names_dtypes_shapes_and_metadata(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    save_file({"x": np.zeros((2, 3), np.float16)}, path, metadata={"who": "me"})
    header = read_header(path)
    assert dict(header.tensors) == {"x": TensorInfo("F16", (2, 3), (0, 12))}
    assert dict(header.metadata) == {"who": "me"}
    assert header.shape("x") == (2, 3)
    assert header.shape("y") is None
    assert header.tensors["x"].nbytes == 12


def test_the_built_in_unet_has_326_tensors() -> None:
    header = read_header(BUILTIN / "unet" / "diffusion_pytorch_model.safetensors")
    assert len(header.tensors) == 326
    assert header.shape("conv_in.weight") == (64, 4, 3, 3)


@pytest.mark.parametrize(
    ("content", "finding"),
    [
        pytest.param(b"", r"is empty \(0 bytes\)", id="empty"),
        pytest.param(b"\x10\0\0", "has only 3 bytes", id="three bytes"),
        pytest.param(bytes(4096), "starts with zeros", id="zeros"),
        pytest.param(b"<!DOCTYPE html><html>login</html>", "web page", id="html"),
        pytest.param(b"\n  <html><body>404</body></html>", "web page", id="html after blanks"),
        pytest.param(b"PK\x03\x04" + bytes(60), "zip archive", id="zip pickle renamed"),
        pytest.param(b"\x80\x02}q\x00." + bytes(60), "is a pickle", id="pickle 2 renamed"),
        pytest.param(b"\x80\x04}q\x00." + bytes(60), "is a pickle", id="pickle 4 renamed"),
        pytest.param(b"version https://git-lfs.github.com/spec/v1\n", "git-LFS", id="lfs pointer"),
        pytest.param(b"GGUF\x03\0\0\0" + bytes(60), "GGUF", id="gguf renamed"),
        pytest.param(b"not a model at all, just text", "announce a header", id="text"),
        pytest.param(struct.pack("<Q", 100_000_001), r"has only 8 bytes", id="length alone"),
        pytest.param(struct.pack("<Q", 100_000_001) + b"{}", "at most 100000000", id="too long"),
        pytest.param(struct.pack("<Q", 5000) + b'{"a":', "header alone needs", id="cut header"),
        pytest.param(safetensors_bytes(b"[1,2,3]"), "not JSON", id="header no table"),
        pytest.param(safetensors_bytes(b"{broken}"), "not valid JSON", id="broken JSON"),
        pytest.param(safetensors_bytes(b'{"a":' * 100_000), "not valid JSON", id="deep JSON"),
        pytest.param(safetensors_bytes(b'{"\xff":1}'), "not valid JSON", id="not UTF-8"),
        pytest.param(GOOD[:-1], "23 bytes of weights, its header describes 24", id="cut weights"),
        pytest.param(GOOD + b"xyz", "3 bytes after its last tensor", id="bytes left over"),
        pytest.param(
            safetensors_bytes({"a": A, "b": {**B, "data_offsets": [15, 23]}}, bytes(24)),
            "'b' overlaps",
            id="overlap",
        ),
        pytest.param(
            safetensors_bytes({"a": A, "b": {**B, "data_offsets": [17, 25]}}, bytes(25)),
            "'b' leaves a hole",
            id="hole",
        ),
        pytest.param(
            safetensors_bytes({"a": {**A, "shape": [3, 2]}}, bytes(16)),
            r"gives the tensor 'a' 16 bytes, but its shape \[3, 2\] in F32 needs 24",
            id="shape lies",
        ),
        pytest.param(
            safetensors_bytes({"a": {**A, "data_offsets": [16, 0]}}, bytes(16)),
            "gives the tensor 'a' -16 bytes",
            id="offsets backwards",
        ),
        pytest.param(
            safetensors_bytes({"a": {**A, "shape": [-2, -2]}}, bytes(16)),
            "describes the tensor 'a' wrongly",
            id="negative shape",
        ),
        pytest.param(
            safetensors_bytes({"a": {**A, "shape": [2.0, 2]}}, bytes(16)),
            "describes the tensor 'a' wrongly",
            id="fractional shape",
        ),
        pytest.param(
            safetensors_bytes({"a": {**A, "dtype": "F33"}}, bytes(16)),
            "stores 'a' as 'F33'",
            id="unknown dtype",
        ),
        pytest.param(
            safetensors_bytes({"a": 7}, b""), "describes the tensor 'a' wrongly", id="no entry"
        ),
        pytest.param(
            safetensors_bytes(b'{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"a":1}'),
            "names a tensor twice",
            id="duplicate name",
        ),
        pytest.param(
            safetensors_bytes({"__metadata__": {"n": 1}}), "damaged metadata", id="metadata"
        ),
    ],
)
def test_bad_files_are_refused_with_a_sentence(
    tmp_path: Path, content: bytes, finding: str
) -> None:
    with pytest.raises(BadModelFile, match=finding) as caught:
        read_header(write(tmp_path, content))
    message = str(caught.value)
    assert message.startswith("model.safetensors")
    assert message.endswith(".")
    assert str(tmp_path) not in message


@given(st.integers(0, len(GOOD) - 1), st.integers(0, 255))
@settings(deadline=None, max_examples=300)
def test_a_changed_byte_is_read_or_refused_but_never_crashes(
    tmp_path_factory: pytest.TempPathFactory, position: int, value: int
) -> None:
    content = bytearray(GOOD)
    content[position] = value
    path = write(tmp_path_factory.getbasetemp(), bytes(content))
    try:
        header = read_header(path)
    except BadModelFile:
        return
    assert sum(info.nbytes for info in header.tensors.values()) == 24


@given(st.binary(max_size=200))
@settings(deadline=None, max_examples=200)
def test_noise_is_never_a_model(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    with pytest.raises(BadModelFile):
        read_header(write(tmp_path_factory.getbasetemp(), content))
