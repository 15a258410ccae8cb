"""Makes `.venv`, installs the requirements into it and starts app.py there with the same arguments.

webui.sh, webui.bat and test.sh all come through here. Standard library only, and nothing in it that
Python 3.7 cannot parse, so that a Python which is too old gets a sentence and not a syntax error.
Every failure a user can meet is one line; `bootstrap_problems.py` words them.

    python bootstrap.py [flags of app.py]     install what is missing, then start
    python bootstrap.py install               only install (for images and offline machines)
    python bootstrap.py install-tests         only install, with the tools of test.sh
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import importlib.util
import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import bootstrap_problems as problems

if sys.platform != "win32":
    import fcntl

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

ROOT = Path(__file__).resolve().parent

STAMPS = {
    "install": ("installed.txt", ("requirements.txt", "requirements.lock")),
    "install-tests": (
        "installed-tests.txt",
        ("requirements.txt", "requirements-dev.txt", "requirements.lock"),
    ),
}
"""What to install -> the stamp in the environment, a copy of these files that is written last.

webui.sh compares the first one itself, so that a later start costs no extra Python."""

OUR_VARIABLES = ("OVERPAINT_VENV", "OVERPAINT_WHEELS", "OVERPAINT_TORCH_INDEX")
"""Read here and taken away before app.py starts, which knows the others by that prefix."""

CPU_INDEX = "https://download.pytorch.org/whl/cpu"
WINDOWS_CUDA_INDEX = "https://download.pytorch.org/whl/cu130"

CHECK = "import cv2, torch; print(torch.cuda.is_available())"
"""Fails where a system library or driver is missing that the packages rely on."""


class InstallError(Exception):
    """Why the program cannot start, in one line that ends with the way out."""


class Place(NamedTuple):
    """The program's folder and the virtual environment that belongs to it."""

    root: Path
    venv: Path

    @property
    def python(self) -> Path:
        """The environment's interpreter."""
        return self.venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python")

    @property
    def packages(self) -> Path:
        """The environment's site-packages (a folder that is not there before it is made)."""
        found = [*self.venv.glob("lib/python3*/site-packages")]
        return found[0] if found else self.venv / "Lib" / "site-packages"

    @property
    def log(self) -> Path:
        """Where pip's whole output of the last install goes."""
        return self.venv / "install.log"

    @property
    def torch_index(self) -> Path:
        """Where OVERPAINT_TORCH_INDEX is kept for later installs."""
        return self.venv / "torch-index.txt"

    def requirements(self, name: str) -> bytes:
        """What the stamp of `name` holds when everything is installed."""
        return b"".join((self.root / part).read_bytes() for part in STAMPS[name][1])

    def is_installed(self, name: str) -> bool:
        """Whether the last install was finished and was for just these requirements."""
        stamp = self.venv / STAMPS[name][0]
        runs = os.access(str(self.python), os.X_OK)
        return runs and stamp.exists() and stamp.read_bytes() == self.requirements(name)


def place_from(environment: Mapping[str, str]) -> Place:
    """The folder of this file, and `.venv` in it unless OVERPAINT_VENV names another."""
    chosen = environment.get("OVERPAINT_VENV")
    return Place(ROOT, Path(chosen).expanduser().absolute() if chosen else ROOT / ".venv")


def say(text: str) -> None:
    """Print a line of progress at once, also into a pipe."""
    print(text, flush=True)


@contextlib.contextmanager
def only_one_install(root: Path) -> Iterator[None]:
    """Wait while another start installs into the same folder; the lock dies with its process."""
    with (root / "bootstrap.py").open("rb") as lock:
        if sys.platform != "win32":
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                say("Another start is installing; waiting for it.")
                fcntl.flock(lock, fcntl.LOCK_EX)
            except OSError:
                pass  # a network file system without locks: carry on as if alone
        yield


def check_system(place: Place) -> None:
    """Refuse what would only fail after minutes of downloading."""
    problem = problems.venv_problem(
        sys.version_info[:2], lambda name: importlib.util.find_spec(name) is not None
    )
    if problem is None and sys.platform == "linux":
        problem = problems.library_problem(can_load, lambda tool: shutil.which(tool) is not None)
    problem = problem or folder_problem(place) or problems.wheels_problem(wheels())
    if problem is not None:
        raise InstallError(problem)


def can_load(library: str) -> bool:
    """Whether the dynamic linker finds a library."""
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def folder_problem(place: Place) -> str | None:
    """Why the environment cannot be put where it should go, if it cannot."""
    there = next(folder for folder in (place.venv, *place.venv.parents) if folder.exists())
    if not os.access(str(there), os.W_OK):
        return problems.write_problem(there)
    if there != place.venv:
        needed = problems.NEEDED_MB["gpu" if has_nvidia() else "cpu"]
        return problems.space_problem(there, shutil.disk_usage(there).free // 1_000_000, needed)
    ours = place.venv == place.root / ".venv" or (place.venv / "pyvenv.cfg").exists()
    return None if ours or not any(place.venv.iterdir()) else problems.foreign_folder(place.venv)


def has_nvidia() -> bool:
    """Whether this machine has an NVIDIA driver, asked without starting it."""
    return Path("/proc/driver/nvidia/version").exists() or shutil.which("nvidia-smi") is not None


def base_python() -> str:
    """The interpreter to build the environment on, by a name that carries its version.

    `python3` may be another version tomorrow; `python3.11` is gone then, and the environment is
    seen to be broken and made anew.
    """
    path = str(getattr(sys, "_base_executable", None) or sys.executable)
    versioned = problems.dotted(sys.version_info[:2]) in Path(path).name
    return path if os.name == "nt" or versioned else os.path.realpath(path)


def make_venv(place: Place) -> None:
    """Make the environment; make it anew where it does not run or PYTHON names another version."""
    wanted = problems.dotted(sys.version_info[:2])
    if place.python.exists():
        ask = "import sys, pip; print('%d.%d' % sys.version_info[:2])"
        command = [str(place.python), "-I", "-c", ask]
        answer = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
        if answer == wanted or (answer and not os.environ.get("PYTHON")):
            return
    say(f"Making the environment {place.venv} with Python {wanted} ...")
    command = [base_python(), "-m", "venv", "--clear", str(place.venv)]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    if made.returncode != 0:
        output = "ERROR: " + " ".join((made.stderr or made.stdout).split())
        raise InstallError(problems.explain(output, place.log))


def remove_half_installed(place: Place) -> None:
    """Drop the records of packages whose unpacking was cut off, so that pip installs them again.

    pip writes INSTALLER after the package's files, and calls what it is replacing `~name`.
    """
    cut_off = [x for x in place.packages.glob("*.dist-info") if not (x / "INSTALLER").exists()]
    for folder in [*cut_off, *place.packages.glob("~*")]:
        shutil.rmtree(str(folder))


def wheels() -> Path | None:
    """OVERPAINT_WHEELS: the folder to install from instead of an index, if one is named."""
    folder = os.environ.get("OVERPAINT_WHEELS")
    return Path(folder).expanduser().absolute() if folder else None


def source() -> list[str]:
    """Where pip shall look, as its arguments: the wheel folder and no index, or as it is set up."""
    folder = wheels()
    return ["--no-index", "--find-links", str(folder)] if folder else []


def pip_install(place: Place, *arguments: str) -> tuple[bool, str]:
    """Run pip in the environment; return whether it succeeded, and its output.

    Wheels only: no package runs code of its own at install time, and nobody needs a compiler.
    """
    command = [str(place.python), "-I", "-m", "pip", "install", "--disable-pip-version-check"]
    command += ["--no-input", "--progress-bar", "off", "--only-binary", ":all:", *arguments]
    with place.log.open("a", encoding="utf-8") as log:
        log.write(" ".join(command) + "\n")
        pip = subprocess.Popen(
            command,
            env={**os.environ, "PIP_USER": "0", "PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
        )
        output = []
        for line in pip.stdout or ():
            log.write(line)
            output.append(line)
            hint = progress_hint(line)
            if hint:
                say(hint)
        return pip.wait() == 0, "".join(output)


def progress_hint(line: str) -> str | None:
    """What a line of pip's output tells somebody who waits: long downloads and the unpacking."""
    download = re.match(r"\s*Downloading (\w+)-.*\((\d+)(?:\.\d+)? (MB|GB)\)", line)
    if download and (download.group(3) == "GB" or int(download.group(2)) >= 20):
        return "  downloading {} ({} {})".format(*download.groups())
    if line.startswith("Installing collected packages:"):
        count = line.count(",") + 1
        return f"  unpacking {count} package{'s' if count > 1 else ''}"
    return None


def torch_index(chosen: str, system: str, machine: str, *, nvidia: bool) -> str | None:
    """The index that has the right build of torch, or None where the ordinary one is right.

    `chosen` is OVERPAINT_TORCH_INDEX. PyPI has CUDA for Linux and Metal for macOS, but gives CUDA's
    gigabytes also to a Linux machine without a GPU, and no CUDA at all to Windows.
    """
    if chosen:
        return chosen
    if system == "Linux" and machine == "x86_64" and not nvidia:
        return CPU_INDEX
    if system == "Windows" and nvidia:
        return WINDOWS_CUDA_INDEX
    return None


def kept_torch_index(place: Place) -> str:
    """The index that an earlier start was told to take torch from, or ""."""
    return place.torch_index.read_text("utf-8") if place.torch_index.exists() else ""


def other_torch_wanted(place: Place) -> bool:
    """Whether OVERPAINT_TORCH_INDEX names another index than at the last install."""
    return os.environ.get("OVERPAINT_TORCH_INDEX", "") not in {"", kept_torch_index(place)}


def install_torch(place: Place) -> None:
    """Install the build of torch that fits the machine, where that is not the ordinary one."""
    chosen = os.environ.get("OVERPAINT_TORCH_INDEX") or kept_torch_index(place)
    index = torch_index(chosen, platform.system(), platform.machine(), nvidia=has_nvidia())
    pin = re.search(r"^torch==([\d.]+)", place.requirements("install").decode(), re.MULTILINE)
    if index is None or pin is None:
        return
    there = any(place.packages.glob(f"torch-{pin.group(1)}*.dist-info"))
    if chosen and (other_torch_wanted(place) or not there):
        install_torch_from(place, "torch==" + pin.group(1), chosen)
    elif not there:
        install_torch_build(place, "torch==" + pin.group(1), index)


def install_torch_from(place: Place, torch: str, index: str) -> None:
    """Install torch from the index that the user chose, over any other build, and remember it."""
    forced = ["--no-deps", "--force-reinstall", torch, "--index-url", index]
    done, output = pip_install(place, *forced)
    if not done:
        reason = problems.explain(output, place.log)
        raise InstallError(f"no {torch} from OVERPAINT_TORCH_INDEX={index}: {reason}")
    place.torch_index.write_text(index, "utf-8")


def install_torch_build(place: Place, torch: str, index: str) -> None:
    """Try the indexes pip is set up with, then `index` for torch alone; else leave it to pip."""
    build = index.rsplit("/", 1)[1]
    wanted = ["--no-deps", f"{torch}+{build}"]
    done, output = pip_install(place, *source(), *wanted, "--retries", "1")
    offline = wheels() is not None or problems.NO_NETWORK.search(output) is not None
    if not done and not offline:
        once = ["--index-url", index, "--timeout", "10", "--retries", "0"]
        done, output = pip_install(place, *wanted, *once)
    if not done and not offline:
        say(f"  no {build} build of torch within reach; taking the ordinary one")


def install(place: Place, name: str) -> None:
    """Install what `name` of STAMPS wants; stamps are taken away first and written last."""
    check_system(place)
    make_venv(place)
    say(f"Installing packages; a minute or a few. Details: {place.log}")
    for stamp, _files in STAMPS.values():
        if (place.venv / stamp).exists():
            (place.venv / stamp).unlink()
    place.log.write_bytes(b"")
    remove_half_installed(place)
    install_torch(place)
    wanted = source()
    for file in STAMPS[name][1]:
        if file.endswith(".txt"):
            wanted += ["-r", str(place.root / file)]
    done, output = pip_install(place, *wanted, "-c", str(place.root / "requirements.lock"))
    if not done and problems.NO_VERSION.search(output) and not problems.NO_NETWORK.search(output):
        say("  the exact versions of requirements.lock are not to be had; taking near ones")
        done, output = pip_install(place, *wanted)
    if not done:
        raise InstallError(problems.explain(output, place.log, wheels()))
    check_imports(place)
    for stamped in {"install", name}:
        (place.venv / STAMPS[stamped][0]).write_bytes(place.requirements(stamped))


def check_imports(place: Place) -> None:
    """Import what depends on the system's libraries and drivers, and say what it lacks."""
    command = [str(place.python), "-I", "-c", CHECK]
    check = subprocess.run(command, capture_output=True, text=True, check=False)
    if check.returncode != 0:
        lines = check.stderr.strip().splitlines() or ["no message"]
        raise InstallError(problems.load_problem(lines[-1], place.venv))
    if has_nvidia() and "True" not in check.stdout:
        say("  " + problems.GPU_UNSEEN)


def start(place: Place, arguments: Sequence[str]) -> int:
    """Become app.py in the environment (on Windows: run it and wait), in the program's folder."""
    command = [str(place.python), str(place.root / "app.py"), *arguments]
    environment = {key: text for key, text in os.environ.items() if key not in OUR_VARIABLES}
    os.chdir(str(place.root))
    if os.name != "nt":
        os.execve(command[0], command, environment)
    app = subprocess.Popen(command, env=environment)
    while True:
        with contextlib.suppress(KeyboardInterrupt):  # Ctrl+C reaches app.py too: wait for it
            return app.wait()


def run(arguments: Sequence[str]) -> int:
    """Install what is missing, then start, or only install; return the exit status."""
    problem = problems.python_problem(sys.version_info[:2])
    if problem is not None:
        raise InstallError(problem)
    place = place_from(os.environ)
    only = arguments[0] if arguments and arguments[0] in STAMPS else None
    name = only or "install"
    if other_torch_wanted(place) or not place.is_installed(name):
        with only_one_install(place.root):
            if other_torch_wanted(place) or not place.is_installed(name):
                install(place, name)
    return 0 if only else start(place, arguments)


def main(arguments: Sequence[str]) -> int:
    """Run, and turn every foreseeable failure into one line on standard error."""
    try:
        return run(arguments)
    except InstallError as error:
        problem = str(error)
    except OSError as error:
        full = error.errno == errno.ENOSPC
        log = place_from(os.environ).log
        problem = problems.DISK_FULL if full else problems.explain(f"ERROR: {error}", log)
    except KeyboardInterrupt:
        say("\nInterrupted. The next start goes on from here.")
        return 130
    print("Overpaint cannot start: " + problem, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
