"""Exceptions of a job to sentences for its user. Unexpected ones go to the log with their trace."""

from __future__ import annotations

import errno
import logging

import torch

from pipelines.families.base import ModelOutputError
from pipelines.request import Img2ImgRequest

_log = logging.getLogger("overpaint.worker")


def explain(error: Exception, request: Img2ImgRequest) -> str:
    """What happened and what to do about it, as one message."""
    if isinstance(error, torch.OutOfMemoryError):
        torch.cuda.empty_cache()
        return (
            f"the GPU has not enough memory for {request.width}x{request.height} in batches of "
            f"{request.batch_size}; choose a smaller size or batch size 1"
        )
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return (
            f"the disk is full, {error.filename or 'the picture'} could not be written; free some"
        )
    if isinstance(error, MemoryError):
        return "the machine ran out of memory; choose a smaller size or batch size 1"
    if isinstance(error, ValueError | ModelOutputError | OSError):
        _log.info("job failed: %s", error)
        return str(error)
    _log.exception("job failed unexpectedly", exc_info=error)
    return f"internal error ({type(error).__name__}: {error}); the server's log has the details"
