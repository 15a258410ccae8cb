"""How much memory is left on a device, and giving back what was freed."""

from __future__ import annotations

import ctypes
import gc
import sys
from pathlib import Path

import torch

SHORT_SHARE = 0.15
SHORT_BYTES = 1 << 30
"""Memory is short when less than this share, or less than this, is free."""


def is_short(device: str) -> bool:
    """Whether other work on this device will soon lack memory; False where it is not known."""
    free, total = _memory(device)
    return total > 0 and (free < SHORT_BYTES or free < SHORT_SHARE * total)


def give_back() -> None:
    """Return freed memory to the device and to the operating system."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc keeps it otherwise
        if trim is not None:
            trim(0)


def _memory(device: str) -> tuple[int, int]:
    """Free and total bytes; (0, 0) when unknown."""
    if device.startswith("cuda"):
        free, total = torch.cuda.mem_get_info(device)
        return int(free), int(total)
    table = Path("/proc/meminfo")
    if not table.is_file():
        return 0, 0
    lines = (line.split() for line in table.read_text(encoding="ascii").splitlines())
    sizes = {words[0].rstrip(":"): int(words[1]) * 1024 for words in lines if len(words) > 1}
    return sizes.get("MemAvailable", 0), sizes.get("MemTotal", 0)
