"""Exceptions of a job to sentences for its user. Unexpected ones go to the log with their trace."""

from __future__ import annotations

import errno
import logging

import torch

from pipelines.families.base import ModelOutputError
from pipelines.request import Img2ImgRequest

_log = logging.getLogger("overpaint.worker")


_NO_MEMORY = "DefaultCPUAllocator: can't allocate memory"
"""torch says so in a plain RuntimeError."""


def explain(error: Exception, request: Img2ImgRequest) -> str:
    """What happened and what to do about it, as one message."""
    if isinstance(error, torch.OutOfMemoryError):
        torch.cuda.empty_cache()
        return (
            f"the GPU has not enough memory for {request.width}x{request.height} in batches of "
            f"{request.batch_size}; choose a smaller size or batch size 1"
        )
    if isinstance(error, MemoryError) or _NO_MEMORY in str(error):
        return "the machine ran out of memory; choose a smaller size or batch size 1"
    if isinstance(error, OSError) and error.strerror:
        _log.info("job failed: %s", error)
        return _of_the_system(error, error.strerror)
    if isinstance(error, ValueError | ModelOutputError | OSError):
        _log.info("job failed: %s", error)
        return str(error)
    _log.exception("job failed unexpectedly", exc_info=error)
    return f"internal error ({type(error).__name__}: {error}); the server's log has the details"


def _of_the_system(error: OSError, reason: str) -> str:
    """What the operating system refused: which file, why, and the way out."""
    name = error.filename or "a file"
    if error.errno == errno.ENOSPC:
        return f"the disk is full, {name} could not be written; free some space and try again"
    return (
        f"{name} could not be used ({reason.lower()}); repair its folder, "
        "or start with other folders (--output-dir, --data-dir, --models-dir)"
    )
