"""What is in a picture, before anything is drawn: frozen records, and how they are drawn by lot.

Every attribute is a plain word from a listed choice, so that captions, tags, attribute heads and
tests can name it. Geometry that nobody names is not here; it comes from the drawing's own dice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from random import Random
from typing import TypeVar

from models.builtin.training.world.palette import COLOURS, EYES, HAIR, SKIN

PERSONS = ("girl", "boy")
STYLES = ("long", "short", "bob", "ponytail", "twintails", "curly", "spiky", "bun")
EXPRESSIONS = ("smile", "serious", "laughing", "sad", "angry", "closed eyes")
ACCESSORIES = ("none", "hat", "glasses", "horns", "cat ears", "bow")
COLOUR_NAMES = tuple(COLOURS)
OUTFITS = ("shirt", "dress", "overalls")
FOOTWEAR = ("boots", "shoes")
POSES = ("arms down", "waving", "arms up")
HORN_SHAPES = ("curved", "straight")

SKIES = ("day", "sunset", "night", "cloudy")
SEASONS = ("summer", "autumn", "winter")
WATERS = ("none", "stream", "lake")
LIGHTS = ("none", "sun", "full moon", "crescent moon")
TREES = ("round", "pine")
NUMBERS = ("0", "1", "2", "3")
YES_NO = ("no", "yes")
ROOFS = ("red", "blue", "brown", "orange", "purple", "green", "gray")
WALLS = ("white", "yellow", "pink", "gray", "brown", "blue")

OBJECTS = (
    "apple", "ball", "balloon", "bird", "book", "car", "cat", "cube", "cup", "fish", "flower",
    "heart", "mushroom", "star", "umbrella",
)  # fmt: skip
POSITIONS = ("center", "left", "right", "top", "bottom")
SIZES = ("big", "middle", "small")


@dataclass(frozen=True, slots=True)
class Person:
    """The head of a portrait or of a figure, and the colour behind it."""

    person: str
    hair: str
    style: str
    eyes: str
    skin: str
    expression: str
    accessory: str
    accessory_colour: str
    horn_shape: str
    background: str
    plain: str
    """ "yes" leaves the background without decoration, as "clean background" asks."""


@dataclass(frozen=True, slots=True)
class Portrait(Person):
    """Head and shoulders."""

    shirt: str


@dataclass(frozen=True, slots=True)
class Figure(Person):
    """A small character from head to foot."""

    outfit: str
    shirt: str
    trousers: str
    """The colour of the legs; bare legs under a dress go by "none"."""
    footwear: str
    footwear_colour: str
    pose: str


@dataclass(frozen=True, slots=True)
class Landscape:
    """A view over hills."""

    sky: str
    light: str
    clouds: str
    season: str
    mountains: str
    water: str
    house: str
    roof: str
    wall: str
    trees: str
    tree: str
    flowers: str


@dataclass(frozen=True, slots=True)
class Thing:
    """One object of a still life."""

    kind: str
    colour: str
    position: str
    size: str


@dataclass(frozen=True, slots=True)
class StillLife:
    """One object, or two side by side or above each other."""

    background: str
    table: str
    first: Thing
    second: Thing | None


Scene = Portrait | Figure | Landscape | StillLife
KINDS = {"portrait": Portrait, "figure": Figure, "landscape": Landscape, "objects": StillLife}
KIND_WEIGHTS = {"portrait": 0.34, "figure": 0.16, "landscape": 0.22, "objects": 0.28}
_SceneType = TypeVar("_SceneType", Portrait, Figure, Landscape, StillLife)


def kind_of(scene: Scene) -> str:
    """The name of the scene's kind: portrait, figure, landscape or objects."""
    return next(name for name, kind in KINDS.items() if type(scene) is kind)


def random_scene(kind: str, random: Random, fixed: Mapping[str, object] | None = None) -> Scene:
    """A scene of the kind, with the attributes in `fixed` as given.

    Raises ValueError if the kind or a fixed attribute does not exist.
    """
    if kind not in KINDS:
        raise ValueError(f"There is no kind of picture called {kind!r}; use one of {list(KINDS)}.")
    if kind == "landscape":
        return _consistent(_with(_landscape(random), fixed or {}))
    if kind == "objects":
        return _with(_still_life(random), fixed or {})
    if kind == "figure":
        return _with(_figure(random), fixed or {})
    return _with(_portrait(random), fixed or {})


def _with(scene: _SceneType, fixed: Mapping[str, object]) -> _SceneType:
    known = {field.name for field in fields(scene)}
    unknown = sorted(set(fixed) - known)
    if unknown:
        raise ValueError(f"{type(scene).__name__} has no {unknown[0]!r}; it has {sorted(known)}.")
    return replace(scene, **fixed)  # type: ignore[arg-type]


def _one(random: Random, **weights: float) -> str:
    return random.choices(list(weights), list(weights.values()))[0]


def _other_than(random: Random, taken: str) -> str:
    return random.choice([name for name in COLOUR_NAMES if name != taken])


def _person(random: Random) -> dict[str, str]:
    person = _one(random, girl=3, boy=2)
    background = random.choice(COLOUR_NAMES)
    girls = (6, 3, 3, 2.5, 2.5, 2, 0.8, 1.5)
    boys = (2, 5, 1, 0.6, 0.1, 1.5, 4, 0.3)
    accessory = random.choices(ACCESSORIES, (10, 3, 3, 3, 2, 2))[0]
    return {
        "person": person,
        "hair": random.choice(list(HAIR)),
        "style": random.choices(STYLES, girls if person == "girl" else boys)[0],
        "eyes": random.choice(list(EYES)),
        "skin": random.choices(list(SKIN), (3, 4, 2, 1.6, 1.3))[0],
        "expression": random.choices(EXPRESSIONS, (4, 2, 2, 1.2, 1.2, 1))[0],
        "accessory": accessory,
        "accessory_colour": random.choice(COLOUR_NAMES),
        "horn_shape": _one(random, curved=2, straight=1),
        "background": background,
        "plain": _one(random, yes=3, no=1),
    }


def _portrait(random: Random) -> Portrait:
    common = _person(random)
    return Portrait(**common, shirt=random.choice(COLOUR_NAMES))


def _figure(random: Random) -> Figure:
    common = _person(random)
    if random.random() < 0.35:  # pale backgrounds are what "clean background" means to most
        common["background"] = _one(random, white=3, gray=1)
    outfit = random.choices(OUTFITS, (3, 3 if common["person"] == "girl" else 0.3, 1.5))[0]
    trousers = "none" if outfit == "dress" else random.choice(COLOUR_NAMES)
    return Figure(
        **common,
        outfit=outfit,
        shirt=random.choice(COLOUR_NAMES),
        trousers=trousers,
        footwear=_one(random, boots=3, shoes=2),
        footwear_colour=random.choice(COLOUR_NAMES),
        pose=random.choices(POSES, (3, 1.5, 1))[0],
    )


def _landscape(random: Random) -> Landscape:
    sky = _one(random, day=4, sunset=2.2, night=3, cloudy=1.2)
    light = {"day": "sun", "sunset": "sun", "cloudy": "none"}.get(sky, "full moon")
    if sky == "night" and random.random() < 0.5:
        light = "crescent moon"
    return Landscape(
        sky=sky,
        light=light if random.random() < 0.75 else "none",
        clouds=random.choice(NUMBERS),
        season=_one(random, summer=5, autumn=2, winter=2),
        mountains=_one(random, yes=1, no=1),
        water=_one(random, none=4, stream=3.5, lake=2.5),
        house=_one(random, yes=1, no=1),
        roof=random.choice(ROOFS),
        wall=random.choice(WALLS),
        trees=random.choice(NUMBERS),
        tree=random.choice(TREES),
        flowers=_one(random, yes=1, no=3),
    )


def _consistent(scene: Landscape) -> Landscape:
    """No moon by day, no flowers in snow, clouds under a cloudy sky."""
    allowed = {"night": ("none", "full moon", "crescent moon"), "cloudy": ("none",)}
    light = scene.light if scene.light in allowed.get(scene.sky, ("none", "sun")) else "none"
    clouds = "3" if scene.sky == "cloudy" else scene.clouds
    flowers = "no" if scene.season == "winter" else scene.flowers
    return replace(scene, light=light, clouds=clouds, flowers=flowers)


def _still_life(random: Random) -> StillLife:
    background = random.choice(COLOUR_NAMES)
    table = _one(random, no=3, yes=1)

    def thing(position: str, size: str) -> Thing:
        colour = _other_than(random, background)
        return Thing(random.choice(OBJECTS), colour, position, size)

    if random.random() < 0.72:
        position = _one(random, center=6, left=1, right=1, top=0.8, bottom=0.8)
        size = _one(random, big=3, middle=3, small=1) if position == "center" else "middle"
        return StillLife(background, table, thing(position, size), None)
    first, second = ("left", "right") if random.random() < 0.75 else ("top", "bottom")
    return StillLife(background, table, thing(first, "middle"), thing(second, "middle"))
