"""How well the built-in checkpoint does what it is asked, measured on held-out seeds.

    python -m benchmarks.builtin_quality [--checkpoint FOLDER] [--judge RUN/judge_weights.pt]
        [--count 50] [--only painting,editing,vae,speed] [--grids FOLDER] [--json FILE]

Pictures are made by our own pipeline: 20 steps DPM++ 2M Karras, CFG 5, 256 x 256. Colours are
judged by a rule on hue, saturation and value (colour_names.py), in the region where drawings always
have the part in question; hair length, eyes, accessories and kinds of objects by a classifier that
was trained on drawings alone (train_judge.py), and only if its weights are given.
"""

from __future__ import annotations

import argparse
import itertools
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image, ImageDraw

from benchmarks.painting import Silent
from models.builtin.training.colour_names import region_colour, sky_name
from models.builtin.training.photographs import photographs
from models.builtin.training.run import Machine
from models.builtin.training.train_judge import Judge, judge_attribute
from models.builtin.training.train_vae import psnr
from models.builtin.training.world.captions import full_caption
from models.builtin.training.world.drawing import Drawing, draw
from models.builtin.training.world.palette import COLOURS, EYES, HAIR
from models.builtin.training.world.scene import OBJECTS, SKIES, StillLife
from models.catalog import CheckpointEntry
from models.device import DeviceFlags, DevicePolicy
from models.load import LoadedCheckpoint, load_checkpoint
from pipelines.families.sd1 import StableDiffusion1
from pipelines.request import Img2ImgRequest, Inpaint, Sampling, Seeds
from pipelines.run import Pipeline, run

Pixels = npt.NDArray[np.uint8]
Region = npt.NDArray[np.bool_]
BUILTIN = Path(__file__).parents[1] / "models" / "builtin" / "checkpoint"
SIDE = 256
GRID_COLUMNS = 10
GRID_LINE = SIDE + 14
"""A picture and its prompt in a grid."""
_INIT, _MASK = "a" * 64, "b" * 64
_SKY_WORDS = {"day": "blue sky", "sunset": "sunset", "night": "night sky", "cloudy": "gray sky"}
_SEEN = {"hair": 0.9, "shirt": 0.97, "background": 0.985}
"""Share of drawings that must have the part at a pixel for the pixel to count."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured figure; `goal` None if there is none."""

    name: str
    value: float
    goal: float | None
    unit: str = "%"
    lower_is_better: bool = False

    @property
    def reached(self) -> bool:
        """Whether the goal is met."""
        if self.goal is None:
            return True
        return self.value <= self.goal if self.lower_is_better else self.value >= self.goal


class Painter:
    """The checkpoint behind our pipeline; keeps what it painted for the grids."""

    def __init__(self, model: LoadedCheckpoint, steps: int = 20) -> None:
        self.model, self.steps = model, steps
        self.pipeline = Pipeline(StableDiffusion1(model), "benchmark", "")
        self.shown: dict[str, list[tuple[str, Pixels]]] = {}

    def paint(self, prompt: str, seed: int, group: str) -> Pixels:
        """A picture from noise alone."""
        return self._run(self._request(prompt, seed, 1.0), prompt, group)

    def change(self, start: Pixels, prompt: str, seed: int, strength: float, group: str) -> Pixels:
        """A picture painted over."""
        request = self._request(prompt, seed, strength)
        request = request.model_copy(update={"init_images": (_INIT,)})
        return self._run(request, prompt, group, start)

    def repaint(self, start: Pixels, mask: Region, prompt: str, seed: int, group: str) -> Pixels:
        """A picture with a part of it repainted at 0.9."""
        request = self._request(prompt, seed, 0.9)
        update = {"init_images": (_INIT,), "inpaint": Inpaint(mask=_MASK)}
        return self._run(request.model_copy(update=update), prompt, group, start, mask)

    def _request(self, prompt: str, seed: int, strength: float) -> Img2ImgRequest:
        sampling = Sampling(
            sampler="DPM++ 2M",
            scheduler="Karras",
            steps=self.steps,
            cfg_scale=5.0,
            denoising_strength=strength,
        )
        seeds = Seeds(seed=seed, subseed=seed)
        return Img2ImgRequest(
            prompt=prompt, width=SIDE, height=SIDE, sampling=sampling, seeds=seeds
        )

    def _run(
        self,
        request: Img2ImgRequest,
        prompt: str,
        group: str,
        start: Pixels | None = None,
        mask: Region | None = None,
    ) -> Pixels:
        pictures = {}
        if start is not None:
            pictures[_INIT] = Image.fromarray(start)
        if mask is not None:
            pictures[_MASK] = Image.fromarray(mask.astype(np.uint8) * 255)
        listener = Silent()
        run(request, self.pipeline, pictures.__getitem__, listener)
        made = np.asarray(listener.picture.convert("RGB"), np.uint8)
        shown = self.shown.setdefault(group, [])
        if start is not None:
            shown.append(("before", start))
        shown.append((prompt, made))
        return made


def main(arguments: Sequence[str] | None = None) -> list[Figure]:
    """Measure, print a table, and write the figures and the grids if asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", type=Path, default=BUILTIN)
    parser.add_argument("--judge", type=Path)
    parser.add_argument("--count", type=int, default=50, help="pictures per measurement")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--only", default="painting,editing,vae,speed")
    parser.add_argument("--grids", type=Path)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args(arguments)
    begun = time.monotonic()
    painter = Painter(_load(given.checkpoint), given.steps)
    figures = [Figure("load", time.monotonic() - begun, 1.0, "s", lower_is_better=True)]
    judge = None if given.judge is None else _load_judge(given.judge)
    parts: dict[str, Callable[[], list[Figure]]] = {
        "painting": lambda: painting(painter, judge, given.count),
        "editing": lambda: editing(painter, given.count),
        "vae": lambda: vae_figures(painter.model, given.count),
        "speed": lambda: [speed(painter)],
    }
    for name in given.only.split(","):
        figures += parts[name]()
    for figure in figures:
        goal = "" if figure.goal is None else f"goal {figure.goal:g}, "
        verdict = "" if figure.goal is None else "reached" if figure.reached else "NOT reached"
        print(
            f"{figure.name}: {figure.value:.2f} {figure.unit} ({goal}{verdict})".replace(" ()", "")
        )
    if given.json:
        text = json.dumps([asdict(figure) for figure in figures], indent=1)
        given.json.write_text(text + "\n", encoding="utf-8")
    if given.grids:
        write_grids(painter, given.grids)
    return figures


def painting(painter: Painter, judge: Judge | None, count: int) -> list[Figure]:
    """Adherence of pictures that are painted from noise."""
    figures = portraits(painter, judge, count)
    figures += characters(painter, count)
    figures += [_share("sky", [_sky_is_right(painter, seed) for seed in range(count)], 95)]
    return figures + objects(painter, judge, count)


def portraits(painter: Painter, judge: Judge | None, count: int) -> list[Figure]:
    """Hair, shirt and background by the colour rule; the rest by the judge."""
    regions = _regions()
    dice = Random(1)
    right: dict[str, list[bool]] = {name: [] for name in _SEEN}
    judged: dict[str, list[bool]] = {"eyes": [], "style": [], "accessory": []}
    for seed in range(count):
        hair = list(HAIR)[seed % len(HAIR)]
        shirt, background = dice.choice(list(COLOURS)), dice.choice(list(COLOURS))
        eyes, style = dice.choice(list(EYES)), dice.choice(("long", "short"))
        worn = dice.choice(("", "", ", glasses", ", black horns", f", {shirt} hat"))
        person = dice.choice(("girl", "boy", "woman", "man"))
        prompt = (
            f"a {person} with {style} {hair} hair, {eyes} eyes, {shirt} shirt{worn}, "
            f"{background} background"
        )
        made = painter.paint(prompt, 1000 + seed, "portraits")
        if "hat" not in worn:
            right["hair"].append(region_colour(made, regions["hair"]) == _plain(hair))
        right["shirt"].append(region_colour(made, regions["shirt"]) == shirt)
        right["background"].append(region_colour(made, regions["background"]) == background)
        if judge is not None:
            wanted = {"eyes": eyes, "style": style, "accessory": (worn.split() or ["none"])[-1]}
            for name, value in wanted.items():
                judged[name].append(judge_attribute(judge, made[None], name)[0] == value)
    found = [_share(f"{name} colour", values, 95) for name, values in right.items()]
    return found + [_share(name, values, 85) for name, values in judged.items() if values]


def characters(painter: Painter, count: int) -> list[Figure]:
    """The user's own example prompt in other colours, by the colour rule."""
    fixed = {"accessory": "horns", "horn_shape": "curved", "footwear": "boots", "style": "long"}
    drawn = [draw(seed, SIDE, kind="figure", look="clay", fixed=fixed) for seed in range(60)]
    parts = ("hair", "horns", "shoes")
    regions = {part: np.mean([one.mask(part) for one in drawn], 0) > 0.8 for part in parts}
    right: dict[str, list[bool]] = {part: [] for part in parts}
    for seed in range(count):
        hair = list(HAIR)[seed % len(HAIR)]
        horns, boots = Random(seed).sample(list(COLOURS), 2)
        prompt = (
            f"cute clay figure of a small humanoid character with long {hair} hair, "
            f"{horns} curved horns, {boots} boots, clean background"
        )
        made = painter.paint(prompt, 7000 + seed, "characters")
        for part, wanted in zip(parts, (_plain(hair), horns, boots), strict=True):
            right[part].append(region_colour(made, regions[part]) == wanted)
    return [_share(f"character's {part} colour", values, 95) for part, values in right.items()]


def objects(painter: Painter, judge: Judge | None, count: int) -> list[Figure]:
    """One object in the middle: its colour where drawings have it, its kind by the judge."""
    dice = Random(2)
    colours, kinds = [], []
    for number in range(count):
        kind = OBJECTS[number % len(OBJECTS)]
        colour, background = dice.sample(list(COLOURS), 2)
        prompt = f"a big {colour} {kind}, {background} background"
        made = painter.paint(prompt, 3000 + number, "objects")
        region = _object_region(kind)
        colours.append(region_colour(made, region) == colour)
        if judge is not None:
            kinds.append(judge_attribute(judge, made[None], "center_kind")[0] == kind)
    found = [_share("object colour", colours, 95)]
    return found + ([_share("object kind", kinds, 85)] if kinds else [])


def editing(painter: Painter, count: int) -> list[Figure]:
    """Painting over drawn portraits with another hair colour, and repainting their hair."""
    regions = _regions()
    hair_changed, wall_kept, hair_painted = [], [], []
    dice = Random(3)
    for seed in range(count):
        drawing = _drawn_portrait(seed)
        old = drawing.attributes["hair"]
        new = dice.choice([name for name in HAIR if name != old])
        prompt = full_caption(drawing.scene).replace(f"{old} hair", f"{new} hair")
        made = painter.change(drawing.pixels, prompt, 4000 + seed, 0.7, "img2img")
        hair_changed.append(region_colour(made, regions["hair"]) == _plain(new))
        wall = region_colour(made, regions["background"])
        wall_kept.append(wall == drawing.attributes["background"])
        mask = drawing.mask("hair")
        made = painter.repaint(drawing.pixels, mask, prompt, 5000 + seed, "inpaint")
        hair_painted.append(region_colour(made, mask & regions["hair"]) == _plain(new))
    return [
        _share("img2img 0.7: hair follows the prompt", hair_changed, 85),
        _share("img2img 0.7: background stays", wall_kept, 95),
        _share("inpaint 0.9: hair follows the prompt", hair_painted, 95),
        Figure("steps of denoise at which the distance grows", growth(painter, count), 9, "of 9"),
    ]


def growth(painter: Painter, count: int) -> float:
    """In how many of the nine steps from 0.1 to 1.0 the mean distance to the input grows."""
    distances = []
    for tenth in range(1, 11):
        found = []
        for seed in range(max(1, count // 5)):
            drawing = _drawn_portrait(seed)
            prompt = full_caption(drawing.scene)
            made = painter.change(drawing.pixels, prompt, 6000 + seed, tenth / 10, "strengths")
            found.append(np.abs(made.astype(float) - drawing.pixels).mean())
        distances.append(float(np.mean(found)))
    return float(sum(later > one for one, later in itertools.pairwise(distances)))


def vae_figures(model: LoadedCheckpoint, count: int) -> list[Figure]:
    """How well pictures survive encoding and decoding."""
    machine = Machine(str(model.placement.device), "fp32")
    vae = model.vae.float()
    drawn = [draw(seed, SIDE).pixels for seed in range(count)]
    photographed = photographs(held_out=True, side=SIDE)
    return [
        Figure("VAE, drawings", psnr(vae, drawn, machine), 32, "dB"),
        Figure("VAE, photographs", psnr(vae, photographed, machine), 24, "dB"),
    ]


def speed(painter: Painter) -> Figure:
    """Seconds for one picture, the best of three: other work on the machine only adds."""
    spent = []
    for seed in range(3):
        begun = time.monotonic()
        painter.paint("a girl with long pink hair, blue eyes", seed, "speed")
        spent.append(time.monotonic() - begun)
    return Figure("one picture", min(spent), 1.5, "s", lower_is_better=True)


def write_grids(painter: Painter, folder: Path, rows: int = 4) -> None:
    """A sheet of what was painted, with its prompts, for each group."""
    folder.mkdir(parents=True, exist_ok=True)
    for group, shown in painter.shown.items():
        chosen = shown[: GRID_COLUMNS * rows]
        height = -(-len(chosen) // GRID_COLUMNS) * GRID_LINE
        sheet = Image.new("RGB", (min(GRID_COLUMNS, len(chosen)) * SIDE, height), "white")
        pen = ImageDraw.Draw(sheet)
        for number, (prompt, pixels) in enumerate(chosen):
            x, y = number % GRID_COLUMNS * SIDE, number // GRID_COLUMNS * GRID_LINE
            pen.text((x + 2, y + 1), prompt[:42], fill="black")
            sheet.paste(Image.fromarray(pixels), (x, y + GRID_LINE - SIDE))
        sheet.save(folder / f"{group}.png")


def _load(folder: Path) -> LoadedCheckpoint:
    placement = DevicePolicy.detect().choose(DeviceFlags(no_half=True))
    return load_checkpoint(CheckpointEntry(folder.name, folder, "folder"), placement)


def _load_judge(path: Path) -> Judge:
    state = torch.load(path, map_location="cpu", weights_only=True)["judge"]
    judge = Judge(len(state["features.0.bias"]))
    judge.load_state_dict(state)
    return judge.eval()


def _share(name: str, right: Sequence[bool], goal: float) -> Figure:
    return Figure(name, 100 * float(np.mean(right)), goal)


def _plain(hair: str) -> str:
    """The name the rule has for a hair colour."""
    return "yellow" if hair == "blonde" else hair


def _drawn_portrait(seed: int) -> Drawing:
    fixed = {"accessory": "none", "expression": "smile", "style": "long", "plain": "yes"}
    return draw(seed, SIDE, kind="portrait", look="soft", fixed=fixed)


def _regions() -> dict[str, Region]:
    """Where nearly all portraits without a hat have hair, shirt and background."""
    fixed = {"accessory": "none"}
    drawn = [draw(seed, SIDE, kind="portrait", look="flat", fixed=fixed) for seed in range(150)]
    shares = {part: np.mean([one.mask(part) for one in drawn], 0) for part in _SEEN}
    return {part: np.asarray(shares[part] > least) for part, least in _SEEN.items()}


def _object_region(kind: str) -> Region:
    """Where half of the drawings of a big object of the kind have the object's own colour."""
    seen = []
    for seed in range(4):
        scene = draw(seed, SIDE, kind="objects", look="flat").scene
        assert isinstance(scene, StillLife)
        thing = type(scene.first)(kind, "teal", "center", "big")
        fixed = {"first": thing, "second": None, "background": "white", "table": "no"}
        pixels = draw(seed, SIDE, kind="objects", look="flat", fixed=fixed).pixels.astype(int)
        seen.append(np.abs(pixels - np.array(COLOURS["teal"])).max(2) < 40)
    return np.asarray(np.mean(seen, 0) >= 0.5)


def _sky_is_right(painter: Painter, seed: int) -> bool:
    sky = SKIES[seed % len(SKIES)]
    extra = Random(seed).choice(("green hills", "mountains, river", "a house, trees", "snow"))
    prompt = f"a landscape with {_SKY_WORDS[sky]}, {extra}"
    return sky_name(painter.paint(prompt, 2000 + seed, "landscapes")) == sky


if __name__ == "__main__":
    main()
