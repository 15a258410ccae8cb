"""Which VAE goes with a checkpoint (behaviour 15.4) and which files there are. No torch."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from models.errors import MissingVae

AUTOMATIC = "Automatic"
NONE = "None"
SUFFIXES = (".safetensors", ".ckpt", ".pt")

VaeSource = Literal[
    "command line", "setting", "checkpoint preference", "beside checkpoint", "baked"
]


@dataclass(frozen=True, slots=True)
class VaeFile:
    """A VAE on disk; `name` (its file name) is the value of the `sd_vae` setting."""

    name: str
    path: Path
    builtin: bool = False


@dataclass(frozen=True, slots=True)
class VaeChoice:
    """The chosen VAE file, or None for the one inside the checkpoint, and who chose it."""

    file: VaeFile | None
    source: VaeSource


@dataclass(frozen=True, slots=True)
class VaeWishes:
    """Everything that has a say.

    `command_line` is `--vae-path`; `setting` is `sd_vae`; `setting_overrides` is the option
    "Selected VAE overrides per-model preferences" (default on); `preference` is the checkpoint's
    own user metadata, empty if there is none.
    """

    command_line: Path | None = None
    setting: str = AUTOMATIC
    setting_overrides: bool = True
    preference: str = ""


def is_vae_name(name: str) -> bool:
    """True for `NAME.vae.safetensors` and the like, which are never checkpoints."""
    return ".vae." in name.lower()


def list_vaes(
    models_dir: Path, extra_dirs: Iterable[Path] = (), builtin: Path | None = None
) -> tuple[VaeFile, ...]:
    """VAE files: Stable-diffusion/**/*.vae.* and VAE/**/*, sorted by name, each name once.

    Those of the folder `builtin` come last.
    """
    found: dict[str, VaeFile] = {}
    for path in _files(models_dir / "Stable-diffusion"):
        if is_vae_name(path.name):
            found.setdefault(path.name, VaeFile(path.name, path))
    for folder in (models_dir / "VAE", *extra_dirs):
        for path in _files(folder):
            found.setdefault(path.name, VaeFile(path.name, path))
    for path in _files(builtin) if builtin is not None else ():
        found.setdefault(path.name, VaeFile(path.name, path, builtin=True))
    return tuple(sorted(found.values(), key=lambda vae: (vae.builtin, vae.name.lower())))


def choose_vae(checkpoint_stem: str, wishes: VaeWishes, vaes: Iterable[VaeFile]) -> VaeChoice:
    """The VAE for a checkpoint, in the order of behaviour 15.4.

    Raises MissingVae if the setting or the command line names a file that is not there; a
    preference whose file is gone falls through, as in A1111.
    """
    available = {vae.name: vae for vae in vaes}
    automatic = wishes.setting in ("", AUTOMATIC)
    if wishes.command_line is not None:
        if not wishes.command_line.is_file():
            raise MissingVae(str(wishes.command_line))
        return VaeChoice(VaeFile(wishes.command_line.name, wishes.command_line), "command line")
    if wishes.setting_overrides and not automatic:
        return _setting(wishes.setting, available)
    if wishes.preference == NONE:
        return VaeChoice(None, "checkpoint preference")
    if wishes.preference in available:
        return VaeChoice(available[wishes.preference], "checkpoint preference")
    beside = [vae for _, vae in sorted(available.items()) if _belongs(vae, checkpoint_stem)]
    if beside:
        return VaeChoice(beside[0], "beside checkpoint")
    return VaeChoice(None, "baked") if automatic else _setting(wishes.setting, available)


def _belongs(vae: VaeFile, checkpoint_stem: str) -> bool:
    """Chosen by its name alone is only what a user put there."""
    return bool(checkpoint_stem) and vae.name.startswith(checkpoint_stem) and not vae.builtin


def _setting(setting: str, available: dict[str, VaeFile]) -> VaeChoice:
    if setting == NONE:
        return VaeChoice(None, "setting")
    if setting in available:
        return VaeChoice(available[setting], "setting")
    raise MissingVae(setting)


def _files(folder: Path) -> list[Path]:
    found = []
    for base, _, names in os.walk(folder):
        found += [Path(base, name) for name in names if name.lower().endswith(SUFFIXES)]
    return sorted(found)
