"""What can be wrong with a machine or an install: one sentence each, ending with the way out.

Decides and words only; `bootstrap.py` looks and acts. Standard library, syntax of Python 3.7.
"""

from __future__ import annotations

import platform
import re
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

OLDEST = (3, 11)
"""The oldest Python that will do. A newer one than 3.13 was not tried, but is not refused."""

NEEDED_MB = {"cpu": 2500, "gpu": 9000}
"""Free space for a first install with the unpacking; docs/dependencies.md has measured sizes."""

SYSTEM_LIBRARIES = ("libGL.so.1", "libgthread-2.0.so.0")
"""What opencv-python's wheel for Linux links to but does not bring along."""

PACKAGES = (
    ("apt-get", "apt-get install libgl1 libglib2.0-0"),
    ("dnf", "dnf install mesa-libGL glib2"),
    ("zypper", "zypper install Mesa-libGL1 libgthread-2_0-0"),
    ("pacman", "pacman -S libglvnd glib2"),
)
"""Package manager -> the command that brings SYSTEM_LIBRARIES."""

NO_NETWORK = re.compile(
    r"Retrying \(|NewConnectionError|ConnectTimeout|ReadTimeout|Max retries exceeded|ProxyError"
    r"|Temporary failure in name resolution|getaddrinfo failed|Network is unreachable"
)
NO_VERSION = re.compile(r"No matching distribution found for ([^\s;]+)|ResolutionImpossible")

DISK_FULL = (
    "the disk is full. Free some space (2.5 GB, 9 GB with CUDA), or set OVERPAINT_VENV (packages)"
    " and TMPDIR (downloads) to folders on a larger disk."
)
GPU_UNSEEN = (
    "torch does not see the NVIDIA GPU; pictures will be made on the CPU. Update the driver (CUDA"
    " 13 needs 580 or newer), or for an older card start once with"
    " OVERPAINT_TORCH_INDEX=https://download.pytorch.org/whl/cu126"
)
FAILURES = (
    (re.compile(r"No space left on device|WinError 112|Disk quota exceeded"), DISK_FULL),
    (
        re.compile(r"CERTIFICATE_VERIFY_FAILED"),
        "the package index shows a certificate that this machine does not trust. Behind a company"
        " proxy, set PIP_CERT to the proxy's certificate file.",
    ),
    (
        NO_NETWORK,
        "pip cannot reach a package index. Check the network or HTTPS_PROXY; without a network,"
        " fill a folder on another machine with 'pip download -r requirements.txt -c"
        " requirements.lock -d wheels' and start with OVERPAINT_WHEELS=/path/to/wheels.",
    ),
    (
        re.compile(r"Long Path support"),
        "a path became too long for Windows. Move this folder nearer to the root of the drive,"
        " such as C:\\overpaint, or turn on long paths in Windows.",
    ),
    (
        re.compile(r"Permission denied|WinError 5\b|Read-only file system"),
        "the environment cannot be written. Check who owns the folder, or set OVERPAINT_VENV to"
        " one that you may write to.",
    ),
)
"""What pip's output says -> the sentence for the user, the most telling first."""


def dotted(version: Sequence[int]) -> str:
    """(3, 11, 7) -> "3.11"."""
    return f"{version[0]}.{version[1]}"


def python_problem(version: Sequence[int]) -> str | None:
    """What is wrong with this version of Python, if anything is."""
    if tuple(version[:2]) >= OLDEST:
        return None
    return (
        f"Python {dotted(version)} is too old; 3.11, 3.12 or 3.13 is needed. Install one (Debian"
        " and Ubuntu: apt-get install python3.11 python3.11-venv; elsewhere: python.org), or name"
        " one that is there: PYTHON=/path/to/python3.11 ./webui.sh"
    )


def venv_problem(version: Sequence[int], has_module: Callable[[str], bool]) -> str | None:
    """What Python lacks to make virtual environments; Debian packs that part separately."""
    if has_module("venv") and has_module("ensurepip"):
        return None
    return (
        "this Python cannot make virtual environments. On Debian and Ubuntu: sudo apt-get install"
        f" python{dotted(version)}-venv; elsewhere install Python from python.org."
    )


def library_problem(
    can_load: Callable[[str], bool], has_command: Callable[[str], bool]
) -> str | None:
    """Which system library OpenCV will miss on Linux, and the command that brings it."""
    missing = [name for name in SYSTEM_LIBRARIES if not can_load(name)]
    if not missing:
        return None
    commands = [command for tool, command in PACKAGES if has_command(tool)]
    way_out = "sudo " + commands[0] if commands else "install the packages of Mesa's libGL and GLib"
    return f"OpenCV needs {' and '.join(missing)}, which this system lacks: {way_out}"


def space_problem(folder: Path, free_mb: int, needed_mb: int) -> str | None:
    """Whether a first install would fill the disk, told before it does."""
    if free_mb >= needed_mb:
        return None
    return (
        f"the disk is too full: {folder} has {free_mb} MB free and the packages need about"
        f" {needed_mb} MB. Free some space, or set OVERPAINT_VENV to a folder on a larger disk."
    )


def write_problem(folder: Path) -> str:
    """The environment's folder is read-only for this user."""
    return (
        f"{folder} cannot be written, and the packages belong there. Set OVERPAINT_VENV to a folder"
        " that you may write to."
    )


def foreign_folder(folder: Path) -> str:
    """OVERPAINT_VENV names a folder with something else in it, which must not be cleared."""
    return (
        f"OVERPAINT_VENV={folder} is not empty and no virtual environment; it is left as it is."
        " Name a new folder."
    )


def load_problem(reason: str, venv: Path) -> str:
    """Why installed packages do not load, from the last line of the traceback."""
    if "DLL load failed" in reason or "WinError" in reason:
        way_out = "Install Microsoft's Visual C++ runtime: https://aka.ms/vc14/vc_redist.x64.exe"
    else:
        way_out = f"Install that library; or delete {venv} and start again."
    return f"the packages are installed but do not load: {reason}. {way_out}"


def wheels_problem(folder: Path | None) -> str | None:
    """OVERPAINT_WHEELS names something that is not there."""
    if folder is None or folder.is_dir():
        return None
    return f"OVERPAINT_WHEELS={folder} is not a folder. Correct it or unset it."


def explain(output: str, log: Path, wheels: Path | None = None) -> str:
    """One sentence for a failed pip or venv run, from what it printed; `log` holds all of it.

    `wheels` is the folder that was installed from, None where it was an index.
    """
    for pattern, sentence in FAILURES:
        if pattern.search(output):
            return sentence
    missing = NO_VERSION.search(output)
    if missing:
        what = missing.group(1) or "this combination of packages"
        here = f"Python {dotted(sys.version_info[:2])} on {platform.system()} {platform.machine()}"
        if wheels is not None:
            return f"{wheels} has no {what} for {here}. Fill it with 'pip download' of just those."
        return (
            f"no package index has {what} for {here}. Python 3.11 to 3.13 are known to do:"
            " PYTHON=python3.12 ./webui.sh takes another one."
        )
    errors = [line for line in output.splitlines() if line.startswith("ERROR: ")]
    reason = errors[-1][len("ERROR: ") :] if errors else "pip failed"
    return f"{reason} (whole output: {log}). Deleting {log.parent} starts afresh."
