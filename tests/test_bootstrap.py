"""The two commands: what they refuse and how they word it, what they install and what they skip."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import bootstrap
import bootstrap_problems as problems

ROOT = Path(__file__).resolve().parent.parent
SCRIPTS = ("webui.sh", "bootstrap.py", "bootstrap_problems.py")
OLD_PYTHONS = ("3.7", "3.8", "3.9", "3.10")

posix = pytest.mark.skipif(os.name == "nt", reason="webui.sh is for POSIX")


def old_python(version: str) -> str | None:
    """Where an interpreter that is too old is, on PATH or among pyenv's."""
    kept = Path(os.environ.get("PYENV_ROOT", "~/.pyenv")).expanduser() / "versions"
    found = sorted(kept.glob(f"{version}.*/bin/python"))
    return str(found[-1]) if found else shutil.which(f"python{version}")


def program(path: Path, lines: str) -> Path:
    """Write a shell program."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{lines}\n")
    path.chmod(0o755)
    return path


# --- a Python that is too old -------------------------------------------------------------------


@pytest.mark.parametrize("name", ["bootstrap.py", "bootstrap_problems.py"])
def test_python_3_7_can_parse(name: str) -> None:
    ast.parse((ROOT / name).read_text(), feature_version=(3, 7))


@pytest.mark.parametrize("version", OLD_PYTHONS)
def test_an_old_python_gets_one_line(version: str) -> None:
    python = old_python(version)
    if python is None:
        pytest.skip(f"no Python {version} here")
    run = subprocess.run(
        [python, ROOT / "bootstrap.py"], capture_output=True, text=True, check=False
    )
    assert run.returncode == 1
    assert run.stdout == ""
    assert re.fullmatch(
        rf"Overpaint cannot start: Python {version} is too old; [^\n]+\n", run.stderr
    )


@pytest.mark.parametrize(
    ("version", "too_old"),
    [((3, 7), True), ((3, 10), True), ((3, 11), False), ((3, 13), False), ((3, 14), False)],
)
def test_which_versions_are_too_old(version: tuple[int, int], too_old: bool) -> None:
    assert (problems.python_problem(version) is not None) is too_old


# --- what the sentences say ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("modules", "said"),
    [
        ({"venv", "ensurepip"}, None),
        ({"venv"}, "apt-get install python3.11-venv"),
        (set(), "apt-get install python3.11-venv"),
    ],
    ids=["complete", "Debian without python3-venv", "neither"],
)
def test_missing_venv_module(modules: set[str], said: str | None) -> None:
    problem = problems.venv_problem((3, 11), lambda name: name in modules)
    assert (said is None and problem is None) or (said or "") in (problem or "")


@pytest.mark.parametrize(
    ("libraries", "tools", "said"),
    [
        ({"libGL.so.1", "libgthread-2.0.so.0"}, {"apt-get"}, None),
        ({"libgthread-2.0.so.0"}, {"apt-get"}, "libGL.so.1, which this system lacks: sudo apt-get"),
        ({"libGL.so.1"}, {"dnf"}, "libgthread-2.0.so.0, which this system lacks: sudo dnf install"),
        (
            set(),
            {"pacman"},
            "libGL.so.1 and libgthread-2.0.so.0, which this system lacks: sudo pac",
        ),
        (set(), set(), "install the packages of Mesa's libGL and GLib"),
    ],
    ids=["all there", "no libGL", "no GLib", "neither", "unknown system"],
)
def test_missing_system_libraries(libraries: set[str], tools: set[str], said: str | None) -> None:
    problem = problems.library_problem(lambda x: x in libraries, lambda x: x in tools)
    assert (problem is None) if said is None else said in (problem or "")


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ("ERROR: Could not install: [Errno 28] No space left on device", "the disk is full."),
        ("Retrying (Retry(total=1)) after NewConnectionError", "cannot reach a package index"),
        ("Failed to resolve: Temporary failure in name resolution", "OVERPAINT_WHEELS="),
        (
            "Retrying (Retry(total=0)) SSLError(CERTIFICATE_VERIFY_FAILED)",
            "certificate that this machine does not trust",
        ),
        ("ERROR: No matching distribution found for torch==2.13.0", "no package index has torch=="),
        ("ERROR: ResolutionImpossible: for help", "has this combination of packages for Python 3"),
        ("HINT: turn on Windows Long Path support", "too long for Windows"),
        ("ERROR: [Errno 13] Permission denied: '/srv/x'", "OVERPAINT_VENV"),
        ("x\nERROR: something new\n", "something new (whole output: /v/install.log). Deleting /v "),
        ("", "pip failed (whole output: /v/install.log). Deleting /v starts afresh."),
    ],
    ids=[
        "disk full",
        "connection refused",
        "no DNS",
        "proxy certificate",
        "no build for this Python",
        "no combination",
        "Windows path",
        "read-only",
        "unknown error",
        "silent failure",
    ],
)
def test_a_failed_install_is_explained(output: str, said: str) -> None:
    sentence = problems.explain(output, Path("/v/install.log"))
    assert said in sentence
    assert "\n" not in sentence


def test_a_wheel_folder_that_lacks_something_is_named() -> None:
    output = "ERROR: No matching distribution found for gradio==6.31.*"
    sentence = problems.explain(output, Path("/v/install.log"), Path("/wheels"))
    assert sentence.startswith("/wheels has no gradio==6.31.* for Python 3.")


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("ImportError: libGL.so.1: cannot open shared object file", "Install that library"),
        ("ImportError: DLL load failed while importing _C", "Visual C++ runtime"),
        ("OSError: [WinError 126] The specified module", "Visual C++ runtime"),
    ],
    ids=["Linux library", "Windows DLL", "Windows error"],
)
def test_packages_that_do_not_load(reason: str, said: str) -> None:
    assert said in problems.load_problem(reason, Path("/v"))


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        (
            "  Downloading torch-2.13.0-cp311-cp311-manylinux_2_28_x86_64.whl (526.6 MB)\n",
            "  downloading torch (526 MB)",
        ),
        ("  Downloading torch-2.13.0-x.whl (2.1 GB)\n", "  downloading torch (2 GB)"),
        ("  Downloading h11-0.16.0-py3-none-any.whl (37 kB)\n", None),
        ("  Downloading scipy-1.17.1-x.whl (12.5 MB)\n", None),
        ("Installing collected packages: torch\n", "  unpacking 1 package"),
        ("Installing collected packages: a, b, c\n", "  unpacking 3 packages"),
        ("Requirement already satisfied: h11\n", None),
    ],
)
def test_progress_hints(line: str, hint: str | None) -> None:
    assert bootstrap.progress_hint(line) == hint


# --- decisions ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("chosen", "system", "machine", "nvidia", "index"),
    [
        ("", "Linux", "x86_64", False, bootstrap.CPU_INDEX),
        ("", "Linux", "x86_64", True, None),
        ("", "Linux", "aarch64", False, None),
        ("", "Darwin", "arm64", False, None),
        ("", "Windows", "AMD64", False, None),
        ("", "Windows", "AMD64", True, bootstrap.WINDOWS_CUDA_INDEX),
        ("https://mirror/whl/cu126", "Linux", "x86_64", True, "https://mirror/whl/cu126"),
        ("https://mirror/whl/rocm7", "Linux", "x86_64", False, "https://mirror/whl/rocm7"),
    ],
)
def test_which_torch(
    chosen: str, system: str, machine: str, nvidia: bool, index: str | None
) -> None:
    assert bootstrap.torch_index(chosen, system, machine, nvidia=nvidia) == index


def test_a_cut_off_package_is_forgotten_and_a_whole_one_kept(tmp_path: Path) -> None:
    place = bootstrap.Place(ROOT, tmp_path)
    packages = tmp_path / "lib" / "python3.11" / "site-packages"
    for name in ("whole-1.dist-info", "cut_off-1.dist-info", "~orch", "whole"):
        (packages / name).mkdir(parents=True)
    (packages / "whole-1.dist-info" / "INSTALLER").write_text("pip\n")
    bootstrap.remove_half_installed(place)
    assert sorted(path.name for path in packages.iterdir()) == ["whole", "whole-1.dist-info"]


def test_a_foreign_folder_is_not_cleared(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("ten years of work")
    problem = bootstrap.folder_problem(bootstrap.Place(ROOT, tmp_path)) or ""
    assert "is not empty and no virtual environment" in problem


def test_our_own_half_made_folder_may_be_cleared(tmp_path: Path) -> None:
    place = bootstrap.Place(tmp_path, tmp_path / ".venv")
    (place.venv / "bin").mkdir(parents=True)
    assert bootstrap.folder_problem(place) is None


def test_a_small_disk_is_refused_before_the_download(tmp_path: Path) -> None:
    problem = problems.space_problem(tmp_path, free_mb=800, needed_mb=2500) or ""
    assert "has 800 MB free and the packages need about 2500 MB" in problem
    assert problems.space_problem(tmp_path, free_mb=2500, needed_mb=2500) is None


def test_a_read_only_folder_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    problem = bootstrap.folder_problem(bootstrap.Place(ROOT, tmp_path / "venv")) or ""
    assert problem.startswith(f"{tmp_path} cannot be written")


# --- webui.sh without an install ----------------------------------------------------------------


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The scripts and small requirements in a folder with a space in its name."""
    folder = tmp_path / "a checkout"
    folder.mkdir()
    for name in SCRIPTS:
        shutil.copy(ROOT / name, folder / name)
    (folder / "requirements.txt").write_text("torch==2.13.0\ntoy-cv2\n")
    (folder / "requirements-dev.txt").write_text("toy-tool\n")
    (folder / "requirements.lock").write_text("toy-cv2==1.0\n")
    (folder / "app.py").write_text(
        "import os, sys\n"
        "print('app', sys.argv[1:], os.getcwd(), sorted(x for x in os.environ if 'OVERP' in x))\n"
    )
    return folder


def stamped(checkout: Path) -> None:
    """Mark the checkout's requirements as installed."""
    files = ("requirements.txt", "requirements.lock")
    (checkout / ".venv" / "installed.txt").write_bytes(
        b"".join((checkout / name).read_bytes() for name in files)
    )


def webui(checkout: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run webui.sh from another folder, with nothing of our own environment but PATH."""
    return subprocess.run(
        [checkout / "webui.sh", *arguments],
        env={"PATH": os.environ["PATH"], "HOME": str(checkout), **environment},
        cwd=checkout.parent,
        capture_output=True,
        text=True,
        check=False,
    )


@posix
def test_a_later_start_goes_straight_to_the_app(checkout: Path) -> None:
    program(checkout / ".venv/bin/python", 'printf "%s|" "$PWD" "$@"')
    stamped(checkout)
    run = webui(checkout, "--listen", "two words", PATH="/usr/bin:/bin")
    assert run.stdout == f"{checkout}|{checkout}/app.py|--listen|two words|"
    assert run.returncode == 0


@posix
def test_a_link_to_the_script_finds_its_folder(checkout: Path, tmp_path: Path) -> None:
    program(checkout / ".venv/bin/python", 'echo "$1"')
    stamped(checkout)
    link = tmp_path / "overpaint"
    link.symlink_to(checkout / "webui.sh")
    run = subprocess.run([link], capture_output=True, text=True, check=False)
    assert run.stdout == f"{checkout}/app.py\n"


@posix
@pytest.mark.parametrize(
    "reason", ["no environment", "no stamp", "changed requirements", "PYTHON", "install"]
)
def test_anything_else_goes_through_bootstrap(checkout: Path, tmp_path: Path, reason: str) -> None:
    python = program(tmp_path / "bin" / "python3.13", '[ "$1" = -c ] || echo "$@"')
    environment = {"PATH": f"{python.parent}:/usr/bin:/bin"}
    arguments = ("--listen",)
    if reason != "no environment":
        program(checkout / ".venv/bin/python", "echo straight")
    if reason not in {"no environment", "no stamp"}:
        stamped(checkout)
    if reason == "changed requirements":
        (checkout / "requirements.txt").write_text("torch==2.14.0\n")
    if reason == "PYTHON":
        environment["PYTHON"] = str(python)
    if reason == "install":
        arguments = ("install",)
    run = webui(checkout, *arguments, **environment)
    assert run.stdout == f"{checkout}/bootstrap.py {arguments[0]}\n"


@posix
def test_the_first_suitable_python_is_taken(checkout: Path, tmp_path: Path) -> None:
    folder = tmp_path / "bin"
    program(folder / "python3.13", "exit 127")  # a shim without its Python, as pyenv leaves them
    program(folder / "python3.12", '[ "$1" = -c ] || echo "3.12 $2"')
    program(folder / "python3.11", 'echo "3.11"')
    run = webui(checkout, "--x", PATH=f"{folder}:/usr/bin:/bin")
    assert run.stdout == "3.12 --x\n"


@posix
def test_no_suitable_python_is_one_line(checkout: Path, tmp_path: Path) -> None:
    folder = tmp_path / "bin"
    for name in ("python3.13", "python3.12", "python3.11", "python"):
        program(folder / name, "exit 1")
    program(folder / "python3", '[ "$1" = --version ] && echo "Python 3.6.8" || exit 1')
    run = webui(checkout, PATH=f"{folder}:/usr/bin:/bin")
    assert run.returncode == 1
    assert re.fullmatch(r"Overpaint cannot start: [^\n]+ found Python 3.6.8. [^\n]+\n", run.stderr)


@posix
def test_a_python_that_is_not_there_is_one_line(checkout: Path) -> None:
    run = webui(checkout, PYTHON="/no/such/python")
    assert run.returncode == 1
    assert run.stderr == (
        "Overpaint cannot start: PYTHON=/no/such/python is no program. Correct it or unset it.\n"
    )


# --- a real install, from wheels made here ------------------------------------------------------


CUDA = "class cuda:\n    is_available = staticmethod(lambda: False)\n"
"""What the install asks of torch."""


def wheel(folder: Path, name: str, version: str, module: str, source: str = "") -> None:
    """Write a wheel with one module."""
    stem = f"{name.replace('-', '_')}-{version}"
    info = f"{stem}.dist-info"
    with zipfile.ZipFile(folder / f"{stem}-py3-none-any.whl", "w") as file:
        file.writestr(f"{module}.py", source)
        file.writestr(
            f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        )
        file.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        file.writestr(f"{info}/RECORD", "")


@pytest.fixture
def offline(checkout: Path) -> dict[str, str]:
    """An environment in which pip has our wheels and nothing else."""
    folder = checkout / "wheels"
    folder.mkdir()
    wheel(folder, "torch", "2.13.0", "torch", CUDA)
    wheel(folder, "torch", "2.13.0+cpu", "torch", CUDA)
    wheel(folder, "toy-cv2", "1.0", "cv2")
    wheel(folder, "toy-cv2", "1.1", "cv2")
    wheel(folder, "toy-tool", "1.0", "toy_tool")
    return {
        "PYTHON": sys.executable,
        "OVERPAINT_WHEELS": str(folder),
        "PIP_CONFIG_FILE": os.devnull,
    }


def versions(checkout: Path) -> dict[str, str]:
    """What is installed in the checkout's environment, without pip and setuptools."""
    found = (checkout / ".venv").glob("lib/python3*/site-packages/*.dist-info")
    pairs = (path.name.removesuffix(".dist-info").split("-") for path in found)
    return {name: version for name, version in pairs if name not in {"pip", "setuptools"}}


@posix
@pytest.mark.slow
def test_install_start_and_start_again(checkout: Path, offline: dict[str, str]) -> None:
    first = webui(checkout, "--listen", "two words", **offline)
    assert first.stderr == ""
    assert f"app ['--listen', 'two words'] {checkout} []\n" in first.stdout
    assert versions(checkout) == {"torch": "2.13.0+cpu", "toy_cv2": "1.0"}

    again = webui(checkout, "--listen")
    assert again.stdout == f"app ['--listen'] {checkout} []\n"

    tests = webui(checkout, "install-tests", **offline)
    assert tests.returncode == 0
    assert "app" not in tests.stdout.split()
    assert versions(checkout) == {
        "torch": "2.13.0+cpu",
        "toy_cv2": "1.0",
        "toy_tool": "1.0",
    }

    (checkout / "requirements.lock").write_text("toy-cv2==1.1\n")
    changed = webui(checkout, **offline)
    assert "Installing packages" in changed.stdout
    assert versions(checkout)["toy_cv2"] == "1.1"

    (checkout / "requirements.lock").write_text("toy-cv2==9\n")
    near = webui(checkout, **offline)
    assert "the exact versions of requirements.lock are not to be had" in near.stdout
    assert near.returncode == 0


@posix
@pytest.mark.slow
def test_an_interrupted_install_is_repaired(checkout: Path, offline: dict[str, str]) -> None:
    assert webui(checkout, "install", **offline).returncode == 0
    place = bootstrap.Place(checkout, checkout / ".venv")
    (place.venv / "installed.txt").unlink()
    (place.packages / "cv2.py").unlink()
    (place.packages / "toy_cv2-1.0.dist-info" / "INSTALLER").unlink()
    assert webui(checkout, "install", **offline).returncode == 0
    assert (place.packages / "cv2.py").exists()

    shutil.rmtree(place.packages / "pip")  # the environment itself was cut off
    (place.venv / "installed.txt").unlink()
    repaired = webui(checkout, **offline)
    assert repaired.stderr == ""
    assert "Making the environment" in repaired.stdout
    assert f"app [] {checkout} []\n" in repaired.stdout


@posix
@pytest.mark.slow
def test_a_chosen_build_of_torch_is_installed_once_and_kept(
    checkout: Path, offline: dict[str, str]
) -> None:
    index = checkout / "cu126"
    (index / "torch").mkdir(parents=True)
    wheel(index / "torch", "torch", "2.13.0+cu126", "torch", CUDA)
    name = "torch-2.13.0+cu126-py3-none-any.whl"
    (index / "torch" / "index.html").write_text(f'<a href="{name}">{name}</a>')
    chosen = {**offline, "OVERPAINT_TORCH_INDEX": index.as_uri()}
    assert webui(checkout, "install", **offline).returncode == 0
    assert versions(checkout)["torch"] == "2.13.0+cpu"

    first = webui(checkout, "install", **chosen)
    assert first.stderr == ""
    assert versions(checkout)["torch"] == "2.13.0+cu126"
    assert webui(checkout, "install", **chosen).stdout == ""

    (checkout / "requirements.lock").write_text("toy-cv2==1.1\n")
    assert "Installing" in webui(checkout, "install", **offline).stdout
    assert versions(checkout)["torch"] == "2.13.0+cu126"

    wrong = {**chosen, "OVERPAINT_TORCH_INDEX": (checkout / "cu999").as_uri()}
    run = webui(checkout, **wrong)
    assert run.stderr.startswith("Overpaint cannot start: no torch==2.13.0 from OVERPAINT_TORCH_IN")


@pytest.mark.parametrize(
    ("nvidia", "answer", "said"),
    [(True, "False", True), (True, "True", False), (False, "False", False)],
    ids=["GPU unseen", "GPU seen", "no GPU"],
)
@posix
def test_a_gpu_that_torch_cannot_use_is_remarked_on(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    nvidia: bool,
    answer: str,
    said: bool,
) -> None:
    program(tmp_path / "bin" / "python", f"echo {answer}")
    monkeypatch.setattr(bootstrap, "has_nvidia", lambda: nvidia)
    bootstrap.check_imports(bootstrap.Place(ROOT, tmp_path))
    assert (problems.GPU_UNSEEN in capsys.readouterr().out) is said


@posix
@pytest.mark.slow
def test_failures_of_a_real_pip(checkout: Path, offline: dict[str, str]) -> None:
    wheels = offline.pop("OVERPAINT_WHEELS")
    no_network = {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_RETRIES": "1", **offline}
    run = webui(checkout, **no_network)
    assert run.returncode == 1
    assert re.fullmatch(
        r"Overpaint cannot start: pip cannot reach a package index. [^\n]+\n", run.stderr
    )
    assert not (checkout / ".venv" / "installed.txt").exists()

    (checkout / "requirements.txt").write_text("toy-cv2\nnowhere-to-be-had\n")
    run = webui(checkout, OVERPAINT_WHEELS=wheels, **offline)
    assert run.stderr.startswith(f"Overpaint cannot start: {wheels} has no nowhere-to-be-had for ")

    (checkout / "requirements.txt").write_text("toy-cv2\n")
    wheel(Path(wheels), "toy-cv2", "1.0", "cv2", "raise ImportError('libGL.so.1: cannot open')")
    run = webui(checkout, OVERPAINT_WHEELS=wheels, **offline)
    assert "the packages are installed but do not load: ImportError: libGL.so.1" in run.stderr
    assert run.stderr.count("\n") == 1


# --- test.sh, .ci/run and webui.bat -------------------------------------------------------------


def test_ci_runs_test_sh_and_nothing_else() -> None:
    lines = (ROOT / ".ci" / "run").read_text().splitlines()
    assert lines == ["#!/bin/sh", 'cd "$(dirname -- "$0")/.." && exec ./test.sh']


def test_both_commands_are_executable() -> None:
    assert [name for name in ("webui.sh", "test.sh") if not os.access(ROOT / name, os.X_OK)] == []


@posix
@pytest.mark.parametrize(
    ("ci", "broken", "status", "said"),
    [
        ("", "", 0, "the browser tests are skipped"),
        ("true", "", 1, "Failed so far: browser"),
        ("", "ruff", 1, "Failed so far: ruff format, ruff check"),
        ("", "pytest", 1, "== pytest"),
    ],
    ids=["no browser", "no browser in CI", "lint fails", "tests fail"],
)
def test_every_step_runs_and_any_failure_fails(
    tmp_path: Path, ci: str, broken: str, status: int, said: str
) -> None:
    shutil.copy(ROOT / "test.sh", tmp_path)
    program(tmp_path / "webui.sh", '[ "$1" = install-tests ]')
    python = program(
        tmp_path / ".venv/bin/python",
        '[ "$1" = -m ] || exit 1\nshift\necho "ran $*"\n[ "$1" != "${BROKEN:-}" ] && '
        '[ "$1" != playwright ]',
    )
    tools = tmp_path / "tools"  # a PATH on which there is neither a browser nor apt-get
    for name in ("dirname", "date", "grep", "id", "sh"):
        found = shutil.which(name)
        assert found is not None
        tools.mkdir(exist_ok=True)
        (tools / name).symlink_to(found)
    (tools / "python3").symlink_to(python)
    run = subprocess.run(
        [tmp_path / "test.sh", "-k", "x"],
        env={"PATH": str(tools), "CI": ci, "BROKEN": broken},
        capture_output=True,
        text=True,
        check=False,
    )
    assert said in run.stdout
    assert run.returncode == status, run.stdout + run.stderr
    ran = [line for line in run.stdout.splitlines() if line.startswith("ran ")]
    assert ran[-4:] == [
        "ran ruff format --check .",
        "ran ruff check .",
        "ran mypy",
        "ran pytest -n auto --maxprocesses 4 --dist loadfile --durations=12 --durations-min=15"
        " -m not browser -k x",
    ]
    assert run.stdout.splitlines()[-1] == ran[-1]


def test_the_batch_file_has_the_line_ends_that_cmd_needs() -> None:
    text = (ROOT / "webui.bat").read_bytes()
    assert text.count(b"\r\n") == text.count(b"\n") > 10


def test_the_batch_file_only_jumps_to_labels_it_has() -> None:
    text = (ROOT / "webui.bat").read_text()
    labels = set(re.findall(r"^:(\w+)", text, re.MULTILINE))
    assert set(re.findall(r"goto (\w+)", text)) == labels
    assert set(re.findall(r'"%HERE%([\w.]+)"', text)) == {"bootstrap.py"}
