"""Draw the pictures of the world that training reads, once, into a folder.

    python -m models.builtin.training.render FOLDER --count 20000 [--size 256] [--processes 2]

Goes on where an earlier call stopped. Seeds below FIRST_SEED are never drawn here: they are for
evaluation.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from models.builtin.training.world.drawing import draw
from models.builtin.training.world.looks import LOOKS
from models.builtin.training.world.scene import KINDS

FIRST_SEED = 1_000_000
CHUNK = 250
CAPTIONS = 6
LABEL_STEP = 4
"""Label maps are stored at a quarter of the size."""


@dataclass(frozen=True, slots=True)
class Pictures:
    """A rendered folder: pixels uint8 [n, s, s, 3], labels uint8 [n, s/4, s/4], words per picture.

    Each of `words` has captions, tags and attributes.
    """

    pixels: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.uint8]
    words: list[dict[str, Any]]

    @property
    def size(self) -> int:
        """Side of the pictures in pixels."""
        return int(self.pixels.shape[1])


def main(arguments: Sequence[str] | None = None) -> None:
    """Render what is missing and say how fast it went."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=20000)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--first-seed", type=int, default=FIRST_SEED)
    parser.add_argument("--processes", type=int, default=multiprocessing.cpu_count())
    parser.add_argument("--kind", choices=list(KINDS), help="draw only this kind")
    parser.add_argument("--look", choices=list(LOOKS), help="draw only in this look")
    parser.add_argument("--fixed", nargs="*", default=[], help="attributes, such as sky=night")
    given = parser.parse_args(arguments)
    fixed = dict(item.split("=", 1) for item in given.fixed)
    only = {"kind": given.kind, "look": given.look, "fixed": fixed}
    render(given.folder, given.count, given.size, given.first_seed, given.processes, only)


def render(
    folder: Path,
    count: int,
    size: int,
    first_seed: int,
    processes: int = 1,
    only: Mapping[str, Any] | None = None,
) -> None:
    """Draw `count` pictures of consecutive seeds; `only` goes to `draw` as it is.

    Raises ValueError if the folder was made for another count or size.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _make_room(folder / "pixels.npy", (count, size, size, 3))
    _make_room(folder / "labels.npy", (count, size // LABEL_STEP, size // LABEL_STEP))
    starts = [i for i in range(0, count, CHUNK) if not _words_file(folder, i).is_file()]
    work = partial(_draw_chunk, folder, count, size, first_seed, dict(only or {}))
    begun = time.monotonic()
    if processes <= 1:
        for start in starts:
            work(start)
    else:
        with multiprocessing.get_context("spawn").Pool(processes) as pool:
            for _ in pool.imap_unordered(work, starts):
                pass
    spent = max(1e-9, time.monotonic() - begun)
    print(f"{len(starts) * CHUNK} pictures in {spent:.0f} s")


def load(folder: Path) -> Pictures:
    """Open a rendered folder; the pixels stay on disk. Raises FileNotFoundError if unfinished."""
    pixels = np.load(folder / "pixels.npy", mmap_mode="r")
    words: list[dict[str, Any]] = []
    for start in range(0, len(pixels), CHUNK):
        text = _words_file(folder, start).read_text(encoding="utf-8")
        words += [json.loads(line) for line in text.splitlines()]
    return Pictures(pixels, np.load(folder / "labels.npy", mmap_mode="r"), words)


def _words_file(folder: Path, start: int) -> Path:
    return folder / f"words_{start:07}.jsonl"


def _make_room(path: Path, shape: tuple[int, ...]) -> None:
    if not path.is_file():
        np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=shape)
        return
    found = np.load(path, mmap_mode="r").shape
    if found != shape:
        raise ValueError(f"{path} has the shape {found}, not {shape}; render to another folder.")


def _draw_chunk(
    folder: Path, count: int, size: int, first_seed: int, only: dict[str, Any], start: int
) -> None:
    """Draw one chunk; its words are written last, which marks it as done."""
    pixels = np.lib.format.open_memmap(folder / "pixels.npy", mode="r+")
    labels = np.lib.format.open_memmap(folder / "labels.npy", mode="r+")
    lines = []
    for index in range(start, min(start + CHUNK, count)):
        drawing = draw(first_seed + index, size, caption_count=CAPTIONS, **only)
        pixels[index] = drawing.pixels
        labels[index] = drawing.labels[::LABEL_STEP, ::LABEL_STEP]
        words = {
            "captions": drawing.captions,
            "tags": drawing.tags,
            "attributes": drawing.attributes,
        }
        lines.append(json.dumps(words))
    pixels.flush()
    labels.flush()
    path = _words_file(folder, start)
    beside = path.with_suffix(".part")
    beside.write_text("\n".join(lines) + "\n", encoding="utf-8")
    beside.replace(path)


if __name__ == "__main__":
    main()
