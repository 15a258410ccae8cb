"""Where pictures go: A1111's folder settings, read for this server (behaviour 10.6, ui 13)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal

from jobs.option import OptionValue
from jobs.options import OptionStore, find_option

Tab = Literal["img2img", "txt2img"]

SaveRoots = tuple[Path, ...] | None
"""Folders below which pictures may go besides the output folder; None = anywhere."""

_USUAL: Final[Mapping[str, str]] = {
    "outdir_txt2img_samples": "txt2img-images",
    "outdir_img2img_samples": "img2img-images",
    "outdir_extras_samples": "extras-images",
    "outdir_txt2img_grids": "txt2img-grids",
    "outdir_img2img_grids": "img2img-grids",
    "outdir_save": "log/images",
    "outdir_init_images": "init-images",
}
"""Places in the output folder, which A1111's defaults name."""

_FOR_ALL: Final = ("outdir_samples", "outdir_grids")
"""Settings that, where they are set, stand for those of all tabs."""

_A1111_ROOT: Final = "outputs"
"""A relative path of A1111 begins with its output folder; here that is --output-dir."""


class OutputFolders:
    """The folders of one server; none is made here.

    Relative paths lie in the output folder, a leading `outputs` stands for it. A folder that lies
    outside of it and of `roots`, with all links followed, is not used: `problems` says so, and the
    usual one takes its place.
    """

    def __init__(
        self, output_dir: Path, settings: Mapping[str, Any] | None = None, roots: SaveRoots = ()
    ) -> None:
        self._output_dir = output_dir
        self._roots = None if roots is None else (output_dir, *roots)
        self._folders: dict[str, Path] = {}
        problems = []
        for key in (*_USUAL, *_FOR_ALL):
            text = str((settings or {}).get(key, _default(key))).strip()
            if not text or (key in _USUAL and text == _default(key)):
                continue
            try:
                self._folders[key] = self._named(text)
            except (OSError, RuntimeError, ValueError) as error:
                problems.append(f"the setting {key} is not followed: {error}")
        self.problems: tuple[str, ...] = tuple(problems)

    @classmethod
    def of_server(cls, output_dir: Path, data_dir: Path, roots: SaveRoots = ()) -> OutputFolders:
        """As the settings file in `data_dir` says now."""
        return cls(output_dir, OptionStore(data_dir).all(), roots)

    def samples(self, tab: Tab) -> Path:
        """Pictures of a tab."""
        return self._of("outdir_samples", f"outdir_{tab}_samples")

    def extras(self) -> Path:
        """Enlarged pictures."""
        return self._of("outdir_samples", "outdir_extras_samples")

    def grids(self, tab: Tab) -> Path:
        """Grids of a tab."""
        return self._of("outdir_grids", f"outdir_{tab}_grids")

    def chosen(self) -> Path:
        """What the Save button copies."""
        return self._of("outdir_save")

    def init_images(self) -> Path:
        """Init images that are kept (`save_init_img`)."""
        return self._of("outdir_init_images")

    def _of(self, *keys: str) -> Path:
        """The first of these settings that names a folder, else the usual place of the last."""
        found = (self._folders[key] for key in keys if key in self._folders)
        return next(found, self._output_dir / _USUAL[keys[-1]])

    def _named(self, text: str) -> Path:
        """The folder that a setting names. Raises ValueError, OSError or RuntimeError."""
        if "\x00" in text:
            raise ValueError("a path holds no null characters")
        folder = Path(text.replace("\\", "/")).expanduser()
        if not folder.is_absolute():
            parts = folder.parts[1:] if folder.parts[:1] == (_A1111_ROOT,) else folder.parts
            folder = self._output_dir.joinpath(*parts)
        resolved = folder.resolve()
        if self._roots is None or any(resolved.is_relative_to(r.resolve()) for r in self._roots):
            return folder
        raise ValueError(
            f"{text!r:.200} lies outside the output folder, and --folder-roots does not name a "
            "folder above it"
        )


def _default(key: str) -> OptionValue:
    option = find_option(key)
    assert option is not None
    return option.default
