"""The house keeps its rules, and the rules themselves see what breaks them."""

from __future__ import annotations

import subprocess
import sys
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from tests.house_rules import (
    HEAVY,
    PURE,
    RULES,
    SERVER_HALF,
    WORKER_HALF,
    Module,
    read_tree,
)

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def house() -> list[Module]:
    return read_tree(ROOT)


@pytest.mark.parametrize("rule", RULES)
def test_the_house_keeps(rule: str, house: list[Module]) -> None:
    offences = RULES[rule](house)
    assert not offences, f"{len(offences)} against '{rule}':\n" + "\n".join(offences)


def test_the_whole_house_is_looked_at(house: list[Module]) -> None:
    names = {module.name for module in house}
    assert {"app", "settings", "bootstrap", "pipelines", "pipelines.request"} <= names
    assert not {name for name in names if name.startswith((".", "tests"))}


@pytest.mark.parametrize("pattern", PURE)
def test_every_pure_module_is_there(pattern: str, house: list[Module]) -> None:
    assert any(fnmatchcase(module.name, pattern) for module in house)


@pytest.mark.slow
def test_importing_the_web_process_loads_nothing_heavy(house: list[Module]) -> None:
    """What the sources cannot show: libraries of others that import torch by themselves."""
    names = [
        module.name
        for module in house
        if module.top in SERVER_HALF and not fnmatchcase(module.name, WORKER_HALF)
    ]
    code = (
        "import importlib, sys\n"
        f"for name in {names!r}:\n"
        "    importlib.import_module(name)\n"
        f"    heavy = set({sorted(HEAVY)!r}) & set(sys.modules)\n"
        "    assert not heavy, f'{name} loads {heavy}'\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr


# --- the rules are tested on small trees --------------------------------------------------------

DOC = '"""A module."""\n'


def offences_of(rule: str, root: Path, files: dict[str, str]) -> list[str]:
    """Write a small tree, with a docstring in each file, and apply one rule."""
    for name, source in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(DOC + source)
    return RULES[rule](read_tree(root))


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"ui/page.py": "import pipelines.request"}, []),
        ({"jobs/worker.py": "from pipelines import run\nimport models.load"}, []),
        ({"app.py": "import server.front, ui.page, settings"}, []),
        ({"settings.py": "import flags"}, []),
        ({"benchmarks/loop.py": "import app, pipelines.run"}, []),
        ({"tests/test_x.py": "import app"}, []),
        ({"ui/page.py": "import app"}, ["ui/page.py:2: ui must not import app"]),
        ({"api/x.py": "import ui.page"}, ["api/x.py:2: api must not import ui"]),
        ({"ui/x.py": "from server import pages"}, ["ui/x.py:2: ui must not import server"]),
        (
            {"pipelines/x.py": "def f():\n    import jobs.store"},
            ["pipelines/x.py:3: pipelines must not import jobs"],
        ),
        (
            {"interrogate/x.py": "from pipelines.pictures import f"},
            ["interrogate/x.py:2: interrogate must not import pipelines"],
        ),
        (
            {"models/load.py": "from interrogate import x"},
            ["models/load.py:2: models must not import interrogate"],
        ),
        (
            {"models/load.py": "from settings import Settings"},
            ["models/load.py:2: models must not import settings"],
        ),
        (
            {"settings.py": "from jobs import store"},
            ["settings.py:2: settings must not import jobs"],
        ),
        (
            {"bootstrap.py": "import os, yaml"},
            ["bootstrap.py:2: bootstrap must not import yaml"],
        ),
        ({"jobs/x.py": "import bootstrap"}, ["jobs/x.py:2: jobs must not import bootstrap"]),
        ({"jobs/x.py": "import benchmarks.x"}, ["jobs/x.py:2: jobs must not import benchmarks"]),
        ({"core/x.py": ""}, ["core/x.py:1: core has no place in LAYERS"]),
    ],
    ids=[
        "page may use a pure module",
        "worker may use pipelines and models",
        "app composes",
        "settings are two files",
        "benchmarks are free",
        "tests are free",
        "nobody imports app",
        "no neighbour: api, ui",
        "no neighbour: ui, server",
        "upwards inside a function",
        "interrogate and pipelines are neighbours",
        "models are below",
        "models know no settings",
        "settings are pure",
        "bootstrap runs before the install",
        "bootstrap is no library",
        "benchmarks are no library",
        "new package",
    ],
)
def test_layers(tmp_path: Path, files: dict[str, str], expected: list[str]) -> None:
    assert offences_of("layers", tmp_path, files) == expected


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"jobs/worker.py": "import torch"}, []),
        ({"jobs/worker_load.py": "import torch"}, []),
        ({"pipelines/run.py": "import torch"}, []),
        ({"ui/x.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import torch"}, []),
        (
            {
                "jobs/engine.py": "def main():\n    from jobs.worker import work",
                "jobs/worker.py": "import torch",
            },
            [],
        ),
        ({"ui/x.py": "import pipelines.a", "pipelines/a.py": "def f():\n    import torch"}, []),
        ({"ui/page.py": "import torch"}, ["ui/page.py:2: imports torch: ui.page -> torch"]),
        (
            {"app.py": "def f():\n    from torch import nn"},
            ["app.py:3: imports torch: app -> torch"],
        ),
        (
            {
                "api/x.py": "from pipelines import a",
                "pipelines/a.py": "from . import b",
                "pipelines/b.py": "try:\n    import diffusers.models\nfinally:\n    pass",
            },
            [
                "api/x.py:2: imports diffusers: api.x -> pipelines.a -> pipelines.b -> diffusers",
            ],
        ),
        (
            {
                "server/x.py": "from models.a import b",
                "models/__init__.py": "import transformers",
                "models/a.py": "",
            },
            ["server/x.py:2: imports transformers: server.x -> models -> transformers"],
        ),
        (
            {"jobs/engine.py": "import jobs.worker", "jobs/worker.py": "import torch"},
            ["jobs/engine.py:2: imports torch: jobs.engine -> jobs.worker -> torch"],
        ),
    ],
    ids=[
        "worker",
        "part of the worker",
        "pipelines",
        "for types only",
        "worker started by a function",
        "lazy below",
        "page",
        "app in a function",
        "over two modules",
        "by a package's __init__",
        "worker at load time",
    ],
)
def test_no_torch(tmp_path: Path, files: dict[str, str], expected: list[str]) -> None:
    assert offences_of("no torch in the web process", tmp_path, files) == expected


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"pipelines/masks.py": "import math, cv2\nimport numpy as np\nfrom PIL import Image"}, []),
        ({"pipelines/request.py": "import pydantic"}, []),
        ({"pipelines/colour.py": "def f():\n    from skimage import exposure"}, []),
        (
            {"pipelines/fill.py": "from .masks import f", "pipelines/masks.py": "f = 1"},
            [],
        ),
        (
            {"pipelines/masks.py": "import torch"},
            ["pipelines/masks.py:2: pure pipelines.masks must not import torch"],
        ),
        (
            {"pipelines/fill.py": "import skimage.io"},
            ["pipelines/fill.py:2: pure pipelines.fill must not import skimage.io"],
        ),
        (
            {"pipelines/steps.py": "from pipelines.run import f", "pipelines/run.py": "f = 1"},
            ["pipelines/steps.py:2: pure pipelines.steps must not import pipelines.run.f"],
        ),
        (
            {"pipelines/infotext_parse.py": "import jobs.x", "jobs/x.py": ""},
            ["pipelines/infotext_parse.py:2: pure pipelines.infotext_parse must not import jobs.x"],
        ),
    ],
    ids=[
        "small libraries",
        "request is pydantic",
        "colour may use skimage",
        "pure uses pure",
        "torch",
        "skimage elsewhere",
        "impure module",
        "above",
    ],
)
def test_purity(tmp_path: Path, files: dict[str, str], expected: list[str]) -> None:
    assert offences_of("pure modules", tmp_path, files) == expected


@pytest.mark.parametrize(
    ("rule", "source", "expected"),
    [
        (
            "no mutable globals",
            "NAMES = ['a']\nPAIRS: dict[str, int] = {'a': 1}\n__all__ = ['b']",
            [],
        ),
        ("no mutable globals", "def f():\n    seen = []\n    return seen", []),
        ("no mutable globals", "names = ('a',)", []),
        ("no mutable globals", "names = ['a']", ["x.py:2: mutable module global names"]),
        ("no mutable globals", "_seen: set[str] = set()", ["x.py:2: mutable module global _seen"]),
        ("no mutable globals", "CACHE = {}", ["x.py:2: mutable module global CACHE"]),
        (
            "no mutable globals",
            "import collections as c\nq = c.deque()",
            ["x.py:3: mutable module global q"],
        ),
        (
            "no mutable globals",
            "def f():\n    global model\n    model = 1",
            ["x.py:3: global model"],
        ),
        ("budgets", "def f():\n" + "    x = 1\n" * 59, []),
        ("budgets", "def f():\n" + "    x = 1\n" * 60, ["x.py:2: f has 61 lines, at most 60"]),
        ("budgets", "x = 1\n" * 399, []),
        ("budgets", "x = 1\n" * 400, ["x.py:1: 401 lines, at most 400"]),
        ("budgets", "class C:\n    def f(self, a, b, c, d, e, f, g, *, h): ...", []),
        (
            "budgets",
            "async def f(a, b, c, d, /, e, *args, g, h, **more): ...",
            ["x.py:2: f has 9 parameters, at most 8"],
        ),
        ("no swallowed exceptions", "try:\n    f()\nexcept OSError:\n    pass", []),
        ("no swallowed exceptions", "try:\n    f()\nexcept Exception as e:\n    g(e)", []),
        ("no swallowed exceptions", "try:\n    f()\nexcept Exception:\n    log.exception('x')", []),
        ("no swallowed exceptions", "try:\n    f()\nexcept BaseException:\n    g()\n    raise", []),
        (
            "no swallowed exceptions",
            "try:\n    f()\nexcept:\n    raise",
            ["x.py:4: an exception is swallowed"],
        ),
        (
            "no swallowed exceptions",
            "try:\n    f()\nexcept (OSError, Exception) as e:\n    pass",
            ["x.py:4: an exception is swallowed"],
        ),
    ],
)
def test_one_file(tmp_path: Path, rule: str, source: str, expected: list[str]) -> None:
    found = offences_of(rule, tmp_path, {"models/x.py": source})
    assert found == ["models/" + line for line in expected]


def test_form(tmp_path: Path) -> None:
    offences_of("form", tmp_path, {"models/utils.py": ""})
    (tmp_path / "models" / "x.py").write_text("import os\n")
    assert RULES["form"](read_tree(tmp_path)) == [
        "models/utils.py:1: utils.py names no concept",
        "models/x.py:1: no docstring saying what is in it",
    ]


def test_page(tmp_path: Path) -> None:
    source = "from PIL import Image, ImageOps\nimport cv2\nfrom PIL.ImageFilter import BoxBlur"
    files = {"ui/x.py": source, "pipelines/x.py": source}
    assert offences_of("no image arithmetic in the page", tmp_path, files) == [
        "ui/x.py:2: ui does no image arithmetic: PIL.ImageOps",
        "ui/x.py:3: ui does no image arithmetic: cv2",
        "ui/x.py:4: ui does no image arithmetic: PIL.ImageFilter.BoxBlur",
    ]
