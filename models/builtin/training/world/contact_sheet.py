"""Write a sheet of drawings to look at.

python -m models.builtin.training.world.contact_sheet SHEET.png [--kind K] [--look L]
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from models.builtin.training.world.drawing import draw
from models.builtin.training.world.looks import LOOKS
from models.builtin.training.world.scene import KINDS


def main(arguments: Sequence[str] | None = None) -> None:
    """Draw `rows` x `columns` pictures of consecutive seeds and print their first captions."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sheet", type=Path)
    parser.add_argument("--kind", choices=list(KINDS))
    parser.add_argument("--look", choices=list(LOOKS))
    parser.add_argument("--size", type=int, default=192)
    parser.add_argument("--rows", type=int, default=5)
    parser.add_argument("--columns", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0, help="seed of the first picture")
    given = parser.parse_args(arguments)
    lines = []
    for row in range(given.rows):
        seeds = range(given.seed + row * given.columns, given.seed + (row + 1) * given.columns)
        drawn = [draw(seed, given.size, kind=given.kind, look=given.look) for seed in seeds]
        lines.append(np.concatenate([drawing.pixels for drawing in drawn], 1))
        for seed, drawing in zip(seeds, drawn, strict=True):
            print(f"{seed}: {drawing.captions[0]}")
    Image.fromarray(np.concatenate(lines)).save(given.sheet)


if __name__ == "__main__":
    main()
