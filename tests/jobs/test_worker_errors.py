"""What goes wrong in a worker becomes a sentence with a way out."""

from __future__ import annotations

import errno
import logging
import os

import pytest
import torch

from jobs.assets import MissingAsset
from jobs.worker_errors import explain
from pipelines.families.base import ModelOutputError
from pipelines.request import Img2ImgRequest

REQUEST = Img2ImgRequest(width=640, height=512, batch_size=2)


def system(number: int, name: str | None = "/out/1.png") -> OSError:
    return OSError(number, os.strerror(number), name)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            torch.OutOfMemoryError("CUDA out of memory"),
            "the GPU has not enough memory for 640x512 in batches of 2; "
            "choose a smaller size or batch size 1",
        ),
        (MemoryError(), "the machine ran out of memory; choose a smaller size or batch size 1"),
        (
            system(errno.ENOSPC),
            "the disk is full, /out/1.png could not be written; free some space and try again",
        ),
        (
            system(errno.ENOSPC, None),
            "the disk is full, a file could not be written; free some space and try again",
        ),
        (
            system(errno.EACCES, "/out"),
            "/out could not be used (permission denied); repair its folder, "
            "or start with other folders (--output-dir, --data-dir, --models-dir)",
        ),
        (
            system(errno.ENOTDIR, "/out/x"),
            "/out/x could not be used (not a directory); repair its folder, "
            "or start with other folders (--output-dir, --data-dir, --models-dir)",
        ),
        (OSError("no free file name was found in /out"), "no free file name was found in /out"),
        (MissingAsset("the input picture is gone"), "the input picture is gone"),
        (ModelOutputError("the model gave NaN"), "the model gave NaN"),
        (ValueError("only masked needs one size"), "only masked needs one size"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_foreseen_errors(error: Exception, said: str) -> None:
    assert explain(error, REQUEST) == said


def test_memory_that_torch_cannot_get_on_the_cpu() -> None:
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**60, dtype=torch.uint8)
    assert explain(caught.value, REQUEST).startswith("the machine ran out of memory")


def test_unforeseen_errors_go_to_the_log_with_their_trace(
    caplog: pytest.LogCaptureFixture,
) -> None:
    try:
        raise ZeroDivisionError("by zero")
    except ZeroDivisionError as error:
        said = explain(error, REQUEST)
    assert said == ("internal error (ZeroDivisionError: by zero); the server's log has the details")
    (record,) = caplog.records
    assert (record.levelno, record.exc_info is not None) == (logging.ERROR, True)
