"""How well the built-in captioner, CLIP and tagger know their world, on held-out seeds.

    python -m benchmarks.builtin_interrogators [--builtin FOLDER] [--count 100] [--side 256]
        [--only captions,ranking,tags] [--json FILE] [--wrong 5]

Asked as users ask: through the interrogators, with default settings. A caption is right when it
names a person's hair colour or a landscape's sky; things and their colours are counted apart. F1 is
each picture's, at the threshold 0.5, meaned over pictures.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from unittest import mock

from PIL import Image

from benchmarks.builtin_quality import Figure
from interrogate import places
from interrogate.base import Description, Interrogator, Workplace
from interrogate.clip import ClipInterrogator
from interrogate.deepbooru import DeepBooru
from interrogate.options import InterrogationOptions
from jobs.worker_interrogation import fit_square
from models.builtin.training.world.drawing import Drawing, draw
from models.builtin.training.world.phrases import LOOK_PHRASES

FIRST_SEED = 50_000
"""Training begins at 1,000,000; the other benchmarks use lower seeds."""

_AT_ONCE = 16
_SKIES = {"day": "blue sky", "sunset": "sunset", "night": "night", "cloudy": "gray sky"}
_POSITIONS = ("center", "left", "right", "top", "bottom")


def main(arguments: Sequence[str] | None = None) -> list[Figure]:
    """Measure and print a table; write the figures if asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--builtin", type=Path, default=places.BUILTIN)
    parser.add_argument("--count", type=int, default=100, help="pictures of the world")
    parser.add_argument("--side", type=int, default=256)
    parser.add_argument("--only", default="captions,ranking,tags")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--wrong", type=int, default=0, help="wrong answers to print")
    given = parser.parse_args(arguments)
    drawn = [draw(FIRST_SEED + number, given.side) for number in range(given.count)]
    parts: dict[str, Callable[[Judged], list[Figure]]] = {
        "captions": captions,
        "ranking": ranking,
        "tags": tags,
    }
    figures = []
    with tempfile.TemporaryDirectory() as name, mock.patch.object(places, "BUILTIN", given.builtin):
        judged = Judged(drawn, Path(name), given.wrong)
        for part in given.only.split(","):
            figures += parts[part](judged)
    for one in figures:
        goal = "" if one.goal is None else f" (goal {one.goal:g})"
        print(f"{one.name}: {one.value:.3g} {one.unit}{goal}")
    if given.json:
        text = json.dumps([asdict(one) for one in figures], indent=1)
        given.json.write_text(text + "\n", encoding="utf-8")
    return figures


class Judged:
    """Drawings, and what the interrogators say of them."""

    def __init__(self, drawn: Sequence[Drawing], folder: Path, wrong: int) -> None:
        self.drawn, self._wrong = drawn, wrong
        self._place = Workplace(folder / "models", folder / "data", fit_square)
        self._told: dict[type[Interrogator], list[Description]] = {}
        self.seconds: dict[type[Interrogator], float] = {}

    def told(self, kind: type[Interrogator]) -> list[Description]:
        """One description for each drawing."""
        if kind not in self._told:
            images = [Image.fromarray(one.pixels) for one in self.drawn]
            worker = kind(self._place)
            worker.load()
            begun = time.monotonic()
            found: list[Description] = []
            for start in range(0, len(images), _AT_ONCE):
                batch = images[start : start + _AT_ONCE]
                found += worker.describe(batch, InterrogationOptions(), lambda _: None)
            self.seconds[kind] = (time.monotonic() - begun) / len(images)
            self._told[kind] = found
        return self._told[kind]

    def say_wrong(self, drawing: Drawing, told: str) -> None:
        """Print an answer that is wrong, while some are still asked for."""
        if self._wrong > 0:
            self._wrong -= 1
            print(f"wrong: {told}\n   is: {drawing.attributes}")


def captions(judged: Judged) -> list[Figure]:
    """Whether captions name what must be named, by kind of picture."""
    right: dict[str, list[bool]] = {}
    for drawing, found in zip(judged.drawn, judged.told(ClipInterrogator), strict=True):
        for what, words in key_words(drawing).items():
            right.setdefault(what, []).append(words in found.text)
            if not right[what][-1]:
                judged.say_wrong(drawing, found.text)
    people_and_scenes = right.get("hair colour", []) + right.get("sky", [])
    return [
        _share("caption: hair colour or sky", people_and_scenes, 90.0),
        *(_share(f"caption: {what}", values) for what, values in right.items()),
        Figure("caption and ranking, each", judged.seconds[ClipInterrogator], None, "s"),
    ]


def key_words(drawing: Drawing) -> dict[str, str]:
    """What a caption of the picture should say: which attribute, and its words."""
    seen = drawing.attributes
    if seen["kind"] == "landscape":
        return {"sky": _SKIES[seen["sky"]]}
    if seen["kind"] == "objects":
        place = next(place for place in _POSITIONS if seen[f"{place}_kind"] != "none")
        colour, kind = seen[f"{place}_colour"], seen[f"{place}_kind"]
        return {"colour of a thing": f"{colour} ", "kind of a thing": f" {kind}"}
    return {"hair colour": f"{seen['hair']} hair"}


def ranking(judged: Judged) -> list[Figure]:
    """Whether CLIP's best look is the picture's, and its best medium is of the picture's kind."""
    mediums = {
        "portrait": ("portrait",),
        "figure": ("full body",),
        "landscape": ("landscape", "nature"),
        "objects": ("icon", "table"),
    }
    looks, kinds = [], []
    for drawing, found in zip(judged.drawn, judged.told(ClipInterrogator), strict=True):
        names = [tag.name for tag in found.tags]
        looks.append(any(phrase in names for phrase in LOOK_PHRASES[drawing.look]))
        wanted = mediums[drawing.attributes["kind"]]
        kinds.append(any(word in names[-1] for word in wanted))
    return [_share("ranking: look", looks), _share("ranking: kind of picture", kinds)]


def tags(judged: Judged) -> list[Figure]:
    """Mean F1 of the tags."""
    scores = []
    for drawing, found in zip(judged.drawn, judged.told(DeepBooru), strict=True):
        told = {tag.name for tag in found.tags}
        true = set(drawing.tags)
        scores.append(2 * len(told & true) / max(1, len(told) + len(true)))
        if scores[-1] < 0.6:
            judged.say_wrong(drawing, ", ".join(sorted(told)))
    seconds = judged.seconds[DeepBooru]
    return [
        Figure("tags: mean F1", sum(scores) / len(scores), 0.85, ""),
        Figure("tags, each", seconds, None, "s"),
    ]


def _share(name: str, right: Sequence[bool], goal: float | None = None) -> Figure:
    return Figure(name, 100 * sum(right) / len(right), goal)


if __name__ == "__main__":
    main()
