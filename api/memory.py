"""The numbers of GET /sdapi/v1/memory (api 3.6). The server itself never touches the GPU."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any


def memory() -> dict[str, Any]:
    """Main memory in bytes; a half that cannot be told is `{"error": ...}`."""
    return {"ram": _ram(), "cuda": {"error": "unavailable"}}


def _ram() -> dict[str, Any]:
    """What this process uses, and what the machine has."""
    try:
        page = os.sysconf("SC_PAGE_SIZE")
        total = page * os.sysconf("SC_PHYS_PAGES")
        free = page * os.sysconf("SC_AVPHYS_PAGES")
        used = page * int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except (AttributeError, OSError, ValueError) as error:
        return {"error": f"unavailable on this system ({type(error).__name__})"}
    return {"free": free, "used": used, "total": total}
