"""The rules of the house as functions over a tree of sources: each returns a list of offences.

Who may import whom, how long things may be, and what no module may hold. `test_layers.py` applies
them to this tree and to small trees that break them. Sources are parsed, never imported.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

LAYERS = (
    {"app"},
    {"server", "ui", "api"},
    {"scripts"},
    {"jobs"},
    {"pipelines", "interrogate"},
    {"models"},
)
"""From the top down. A module may import its own package and every layer below, no neighbour."""

SETTINGS = {"settings", "flags"}
"""Pure modules at the root; the layers from jobs upwards may import them, and they nobody."""

INSTALLER = {"bootstrap", "bootstrap_problems"}
"""Run before anything is installed: the standard library only. Nobody imports them."""

WORKSHOP = {"benchmarks", "training"}
"""Tools for developers. They may import everything; nobody imports them."""

UNSEEN = {"tests", "conftest", "outputs", "data", "weights", "node_modules"}
"""No part of the program, or no sources."""

HEAVY = {"torch", "diffusers", "transformers", "torchsde", "accelerate", "tensorflow"}
HEAVY |= {"deepdanbooru"}
"""Seconds to import; only worker processes pay for them."""

SERVER_HALF = {"app", "server", "ui", "api", "scripts", "jobs"} | SETTINGS
WORKER_HALF = "jobs.worker*"
"""The modules that only a worker process imports."""

PURE = (
    "pipelines.request",
    "pipelines.frozen",
    "pipelines.tuning",
    "pipelines.soft_settings",
    "pipelines.computing",
    "pipelines.text_rules",
    "pipelines.telling",
    "pipelines.old_hires",
    "pipelines.reproduction",
    "pipelines.picture*",
    "pipelines.geometry",
    "pipelines.resize",
    "pipelines.masks",
    "pipelines.fill",
    "pipelines.outpaint",
    "pipelines.colour",
    "pipelines.compose",
    "pipelines.prepare",
    "pipelines.proof",
    "pipelines.sketch",
    "pipelines.steps",
    "pipelines.sampler_names",
    "pipelines.infotext*",
    "pipelines.version",
    "pipelines.filenames",
    "pipelines.prompt.attention",
    "pipelines.prompt.comments",
    "pipelines.prompt.editing",
    "pipelines.prompt.multi",
    "pipelines.prompt.networks",
    "pipelines.prompt.tokens",
)
"""Modules that carry the exactness tests: they import each other and PURE_LIBRARIES."""

PURE_LIBRARIES = {"numpy", "PIL", "cv2"}
PURE_EXTRAS = {
    "pipelines.request": {"pydantic"},
    "pipelines.frozen": {"pydantic"},
    "pipelines.tuning": {"pydantic"},
    "pipelines.soft_settings": {"pydantic"},
    "pipelines.computing": {"pydantic"},
    "pipelines.text_rules": {"pydantic"},
    "pipelines.colour": {"skimage"},
}

ARITHMETIC = ("Chops", "Draw", "Enhance", "Filter", "Math", "Morph", "Ops", "Stat", "Transform")
PAGE_FORBIDDEN = ("cv2", "skimage", "scipy", *("PIL.Image" + name for name in ARITHMETIC))
"""Image arithmetic, which has no place in ui and api."""

MAX_FILE, MAX_FUNCTION, MAX_PARAMETERS = 400, 60, 8
DUMPS = {"utils", "util", "helpers", "helper", "misc", "common"}
CONTAINERS = {"list", "dict", "set", "bytearray", "defaultdict", "deque", "Counter", "OrderedDict"}

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Import:
    """One imported name: `from a.b import c` has the target a.b.c."""

    target: str
    line: int
    at_load: bool
    """False inside a function: the import happens when that is called."""
    types_only: bool
    """Under `if TYPE_CHECKING`."""


@dataclass(frozen=True)
class Module:
    """A source file: `pipelines/prompt/__init__.py` is named pipelines.prompt."""

    name: str
    path: Path
    text: str
    tree: ast.Module
    imports: tuple[Import, ...]

    @property
    def top(self) -> str:
        """The package, or the module at the root."""
        return self.name.partition(".")[0]


Rule = Callable[[Sequence[Module]], list[str]]


def read_tree(root: Path) -> list[Module]:
    """Every module under `root` that is part of the program."""
    files = [path for path in root.glob("*.py") if path.stem not in UNSEEN]
    for folder in root.iterdir():
        if folder.is_dir() and not folder.name.startswith(".") and folder.name not in UNSEEN:
            files += folder.rglob("*.py")
    return [_read(path, root) for path in sorted(files)]


def _read(path: Path, root: Path) -> Module:
    relative = path.relative_to(root)
    parts = relative.with_suffix("").parts
    package = parts[:-1]
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text, str(path))
    name = ".".join(package if parts[-1] == "__init__" else parts)
    return Module(name, relative, text, tree, tuple(_imports(tree, package)))


def _imports(
    node: ast.AST, package: Sequence[str], at_load: bool = True, types_only: bool = False
) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            for alias in child.names:
                yield Import(alias.name, child.lineno, at_load, types_only)
        elif isinstance(child, ast.ImportFrom):
            above = package[: len(package) - child.level + 1] if child.level else ()
            base = [*above, *([child.module] if child.module else [])]
            for alias in child.names:
                yield Import(".".join([*base, alias.name]), child.lineno, at_load, types_only)
        else:
            runs_later = isinstance(child, Function)
            guard = isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test)
            yield from _imports(child, package, at_load and not runs_later, types_only or guard)


def offence(module: Module, line: int, text: str) -> str:
    """One line of a report."""
    return f"{module.path.as_posix()}:{line}: {text}"


def layer_offences(modules: Sequence[Module]) -> list[str]:
    """Imports between the packages that the order of the layers does not allow."""
    known = set().union(*LAYERS) | SETTINGS | INSTALLER | WORKSHOP
    found = []
    for module in modules:
        if module.top not in known:
            found.append(offence(module, 1, f"{module.top} has no place in LAYERS"))
            continue
        allowed = _allowed(module.top)
        for item in module.imports:
            target = item.target.partition(".")[0]
            stranger = target not in sys.stdlib_module_names and module.top in INSTALLER
            if target not in allowed and (target in known or stranger):
                found.append(offence(module, item.line, f"{module.top} must not import {target}"))
    return found


def _allowed(top: str) -> set[str]:
    if top in WORKSHOP:
        return set().union({top}, SETTINGS, *LAYERS)
    for group in (SETTINGS, INSTALLER):
        if top in group:
            return group
    depth = next(i for i, layer in enumerate(LAYERS) if top in layer)
    settings = SETTINGS if top in SERVER_HALF else set()
    return set().union({top}, settings, *LAYERS[depth + 1 :])


def heavy_offences(modules: Sequence[Module]) -> list[str]:
    """Ways by which the web process would import torch and its like, with the chain."""
    by_name = {module.name: module for module in modules}
    found = []
    for module in modules:
        if not _serves(module):
            continue
        for item in module.imports:
            works = any(fnmatchcase(x.name, WORKER_HALF) for x in _loaded(item.target, by_name))
            if item.types_only or (works and not item.at_load):
                continue
            chain = _way_to_heavy(item.target, by_name, set())
            if chain:
                way = " -> ".join([module.name, *chain])
                found.append(offence(module, item.line, f"imports {chain[-1]}: {way}"))
    return found


def _serves(module: Module) -> bool:
    return module.top in SERVER_HALF and not fnmatchcase(module.name, WORKER_HALF)


def _loaded(target: str, by_name: dict[str, Module]) -> list[Module]:
    """The modules of ours that importing `target` runs: its packages and itself."""
    parts = target.split(".")
    names = [".".join(parts[:end]) for end in range(1, len(parts) + 1)]
    return [by_name[name] for name in names if name in by_name]


def _way_to_heavy(target: str, by_name: dict[str, Module], seen: set[str]) -> list[str]:
    """The chain of module names from `target` to a heavy package, or []."""
    if target.partition(".")[0] in HEAVY:
        return [target.partition(".")[0]]
    for module in _loaded(target, by_name):
        if module.name in seen:
            continue
        seen.add(module.name)
        for item in module.imports:
            if item.at_load and not item.types_only:
                rest = _way_to_heavy(item.target, by_name, seen)
                if rest:
                    return [module.name, *rest]
    return []


def is_pure(name: str) -> bool:
    """Whether the module is one of PURE."""
    return any(fnmatchcase(name, pattern) for pattern in PURE)


def purity_offences(modules: Sequence[Module]) -> list[str]:
    """Imports of pure modules that are neither pure nor a small library."""
    by_name = {module.name: module for module in modules}
    tops = {module.top for module in modules}
    found = []
    for module in modules:
        libraries = PURE_LIBRARIES | PURE_EXTRAS.get(module.name, set())
        for item in module.imports if is_pure(module.name) else ():
            top = item.target.partition(".")[0]
            loaded = _loaded(item.target, by_name)
            ours = bool(loaded) and (is_pure(loaded[-1].name) or item.types_only)
            fine = ours if top in tops else top in sys.stdlib_module_names or top in libraries
            if not fine:
                text = f"pure {module.name} must not import {item.target}"
                found.append(offence(module, item.line, text))
    return found


def page_offences(modules: Sequence[Module]) -> list[str]:
    """Image arithmetic in ui and api."""
    return [
        offence(module, item.line, f"{module.top} does no image arithmetic: {item.target}")
        for module in modules
        if module.top in {"ui", "api"}
        for item in module.imports
        if any(item.target == name or item.target.startswith(name + ".") for name in PAGE_FORBIDDEN)
    ]


def state_offences(modules: Sequence[Module]) -> list[str]:
    """Module globals that can change: `global`, containers under a lower-case or empty name."""
    found = []
    for module in modules:
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Global):
                names = ", ".join(node.names)
                found.append(offence(module, node.lineno, f"global {names}"))
        for node in module.tree.body:
            if not isinstance(node, ast.Assign | ast.AnnAssign) or not _is_container(node.value):
                continue
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for name in (ast.unparse(target) for target in targets):
                constant = name.isupper() and not _is_empty(node.value)
                if not constant and not name.startswith("__"):
                    found.append(offence(module, node.lineno, f"mutable module global {name}"))
    return found


def _is_container(value: ast.expr | None) -> bool:
    if isinstance(value, ast.Call):
        return ast.unparse(value.func).rpartition(".")[2] in CONTAINERS
    displays = ast.List | ast.Dict | ast.Set | ast.ListComp | ast.DictComp | ast.SetComp
    return isinstance(value, displays)


def _is_empty(value: ast.expr | None) -> bool:
    """Whether the container starts empty, which only makes sense if somebody fills it."""
    if isinstance(value, ast.Call):
        return not value.args and not value.keywords
    return isinstance(value, ast.List | ast.Dict) and ast.unparse(value) in {"[]", "{}"}


def size_offences(modules: Sequence[Module]) -> list[str]:
    """Files, functions and parameter lists over the budget."""
    found = []
    for module in modules:
        lines = len(module.text.splitlines())
        if lines > MAX_FILE:
            found.append(offence(module, 1, f"{lines} lines, at most {MAX_FILE}"))
        for node in ast.walk(module.tree):
            if not isinstance(node, Function):
                continue
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > MAX_FUNCTION:
                text = f"{node.name} has {length} lines, at most {MAX_FUNCTION}"
                found.append(offence(module, node.lineno, text))
            count = _parameters(node)
            if count > MAX_PARAMETERS:
                text = f"{node.name} has {count} parameters, at most {MAX_PARAMETERS}"
                found.append(offence(module, node.lineno, text))
    return found


def _parameters(node: Function) -> int:
    """Parameters to be passed: all kinds, without self and cls."""
    given = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    names = [item.arg for item in given if item.arg not in {"self", "cls"}]
    return len(names) + bool(node.args.vararg) + bool(node.args.kwarg)


def form_offences(modules: Sequence[Module]) -> list[str]:
    """Modules without a docstring or with a name that says nothing."""
    found = []
    for module in modules:
        if not ast.get_docstring(module.tree):
            found.append(offence(module, 1, "no docstring saying what is in it"))
        if module.path.stem in DUMPS:
            found.append(offence(module, 1, f"{module.path.name} names no concept"))
    return found


def silence_offences(modules: Sequence[Module]) -> list[str]:
    """Bare excepts, and handlers of every exception that lose it."""
    found = []
    for module in modules:
        for node in ast.walk(module.tree):
            if isinstance(node, ast.ExceptHandler) and _swallows(node):
                found.append(offence(module, node.lineno, "an exception is swallowed"))
    return found


def _swallows(handler: ast.ExceptHandler) -> bool:
    if handler.type is None:
        return True
    caught = {node.id for node in ast.walk(handler.type) if isinstance(node, ast.Name)}
    if not caught & {"Exception", "BaseException"}:
        return False
    for node in (inner for statement in handler.body for inner in ast.walk(statement)):
        kept = isinstance(node, ast.Name) and node.id == handler.name
        logged = isinstance(node, ast.Attribute) and node.attr == "exception"
        if kept or logged or isinstance(node, ast.Raise):
            return False
    return True


RULES: dict[str, Rule] = {
    "layers": layer_offences,
    "no torch in the web process": heavy_offences,
    "pure modules": purity_offences,
    "no image arithmetic in the page": page_offences,
    "no mutable globals": state_offences,
    "budgets": size_offences,
    "form": form_offences,
    "no swallowed exceptions": silence_offences,
}
