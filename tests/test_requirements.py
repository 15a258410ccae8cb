"""The lists of packages: bounded, locked, safe, complete and explained."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.house_rules import read_tree

ROOT = Path(__file__).resolve().parent.parent
LISTS = ("requirements.txt", "requirements-dev.txt")


def read_list(name: str) -> dict[str, Requirement]:
    """The requirements of a file by canonical name."""
    lines = (line.partition("#")[0].strip() for line in (ROOT / name).read_text().splitlines())
    found = [Requirement(line) for line in lines if line]
    return {canonicalize_name(item.name): item for item in found}


REQUIRED = {name: item for file in LISTS for name, item in read_list(file).items()}
LOCKED = read_list("requirements.lock")


def pinned(name: str) -> Version:
    """The version that the lock has."""
    (pin,) = LOCKED[name].specifier
    assert pin.operator == "=="
    return Version(pin.version)


@pytest.mark.parametrize("name", REQUIRED)
def test_every_requirement_is_bounded_on_both_sides(name: str) -> None:
    operators = {item.operator for item in REQUIRED[name].specifier}
    assert operators in ({"=="}, {">=", "<"})


@pytest.mark.parametrize("name", REQUIRED)
def test_the_lock_satisfies_every_requirement(name: str) -> None:
    assert REQUIRED[name].specifier.contains(pinned(name))


@pytest.mark.parametrize("name", LOCKED)
def test_the_lock_pins_exactly_and_for_every_build(name: str) -> None:
    assert pinned(name).local is None


def test_the_lock_is_sorted() -> None:
    assert list(LOCKED) == sorted(LOCKED)


@pytest.mark.parametrize(
    ("name", "floor"),
    [
        ("torch", "2.10.0"),
        ("diffusers", "0.38.0"),
        ("transformers", "4.48"),
        ("starlette", "1.3.1"),
        ("python-multipart", "0.0.27"),
        ("brotli", "1.2.1"),
    ],
    ids=[
        "S5 S6 crafted checkpoints",
        "S7 code from a model folder",
        "S8 deserialisation",
        "S33 Range and Host headers",
        "S33 multipart",
        "S36 decompression",
    ],
)
def test_no_version_with_a_known_hole_is_let_in(name: str, floor: str) -> None:
    assert pinned(name) >= Version(floor)
    if name in REQUIRED:
        lowest = min(
            Version(item.version.removesuffix(".*"))
            for item in REQUIRED[name].specifier
            if item.operator in {"==", ">="}
        )
        assert lowest >= Version(floor)


def brought_along(name: str) -> Iterator[str]:
    """What an installed package requires on this machine, by canonical name."""
    for line in requires(name) or ():
        item = Requirement(line)
        if item.marker is None or item.marker.evaluate({"extra": ""}):
            yield canonicalize_name(item.name)


def test_the_lock_has_everything_that_comes_along() -> None:
    waiting, seen = list(REQUIRED), set(REQUIRED)
    while waiting:
        try:
            new = set(brought_along(waiting.pop())) - seen
        except PackageNotFoundError:
            continue  # for another system
        seen |= new
        waiting += new
    cuda = {name for name in seen if name.startswith(("nvidia-", "cuda-")) or name == "triton"}
    assert seen - cuda - set(LOCKED) == set()


def imported(root: Path, *, tests: bool) -> dict[str, str]:
    """Top-level packages of others that our sources import -> one place."""
    if tests:
        modules = [*read_tree(root / "tests"), *read_tree(root / "benchmarks")]
    else:
        modules = [one for one in read_tree(root) if not str(one.path).startswith("benchmarks")]
    ours = {module.top for module in read_tree(root)} | {"tests", "conftest", "benchmarks"}
    ours |= {module.top for module in modules}
    places: dict[str, str] = {}
    for module in modules:
        for item in module.imports:
            places.setdefault(item.target.partition(".")[0], f"{module.path}:{item.line}")
    skip = ours | set(sys.stdlib_module_names)
    return {top: place for top, place in places.items() if top not in skip}


@pytest.mark.parametrize(
    ("tests", "lists"),
    [(False, LISTS[:1]), (True, LISTS)],
    ids=["program", "tests"],
)
def test_what_we_import_is_required(tests: bool, lists: tuple[str, ...]) -> None:
    listed = {name for file in lists for name in read_list(file)}
    provided = packages_distributions()
    missing = [
        f"{place} imports {top}, which is in none of {', '.join(lists)}"
        for top, place in imported(ROOT, tests=tests).items()
        if not listed & {canonicalize_name(name) for name in provided.get(top, [top])}
    ]
    assert missing == []


@pytest.mark.parametrize("name", REQUIRED)
def test_every_requirement_is_explained(name: str) -> None:
    """A row: package, what for, licence."""
    rows = [
        [cell.strip() for cell in line.strip("| ").split("|")]
        for line in (ROOT / "docs" / "dependencies.md").read_text().splitlines()
        if line.startswith("| `")
    ]
    row = next((row for row in rows if canonicalize_name(row[0].strip("`")) == name), None)
    assert row is not None, f"docs/dependencies.md has no row for {name}"
    assert len(row) == 3 and all(row)
