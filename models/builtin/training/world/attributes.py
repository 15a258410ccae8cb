"""A scene as named choices: what the text encoder learns to read out of captions."""

from __future__ import annotations

from models.builtin.training.world import scene as s
from models.builtin.training.world.looks import LOOKS
from models.builtin.training.world.palette import EYES, HAIR, SKIN

_PERSON: dict[str, tuple[str, ...]] = {
    "person": s.PERSONS,
    "hair": tuple(HAIR),
    "style": s.STYLES,
    "eyes": tuple(EYES),
    "skin": tuple(SKIN),
    "expression": s.EXPRESSIONS,
    "accessory": s.ACCESSORIES,
    "accessory_colour": s.COLOUR_NAMES,
    "horn_shape": s.HORN_SHAPES,
    "background": s.COLOUR_NAMES,
    "plain": s.YES_NO,
    "shirt": s.COLOUR_NAMES,
    "outfit": s.OUTFITS,
    "trousers": ("none", *s.COLOUR_NAMES),
    "footwear": s.FOOTWEAR,
    "footwear_colour": s.COLOUR_NAMES,
    "pose": s.POSES,
}
_LANDSCAPE: dict[str, tuple[str, ...]] = {
    "sky": s.SKIES,
    "light": s.LIGHTS,
    "clouds": s.NUMBERS,
    "season": s.SEASONS,
    "mountains": s.YES_NO,
    "water": s.WATERS,
    "house": s.YES_NO,
    "roof": s.ROOFS,
    "wall": s.WALLS,
    "trees": s.NUMBERS,
    "tree": s.TREES,
    "flowers": s.YES_NO,
}
_THINGS = {
    f"{place}_{what}": (("none",) if what == "kind" else ()) + names
    for place in s.POSITIONS
    for what, names in (("kind", s.OBJECTS), ("colour", s.COLOUR_NAMES))
}

ATTRIBUTES: dict[str, tuple[str, ...]] = {
    "kind": tuple(s.KINDS),
    "look": tuple(LOOKS),
    **_PERSON,
    **_LANDSCAPE,
    **_THINGS,
    "table": s.YES_NO,
    "size": s.SIZES,
}
"""Every attribute and its values. Which of them a scene has depends on its kind."""


def attributes(scene: s.Scene, look: str) -> dict[str, str]:
    """The attributes that can be seen, with their values."""
    found = {"kind": s.kind_of(scene), "look": look}
    if isinstance(scene, s.StillLife):
        return found | _still_life(scene)
    found |= {name: getattr(scene, name) for name in scene.__dataclass_fields__}
    if isinstance(scene, s.Landscape):
        hidden = {"roof", "wall"} if scene.house == "no" else set()
        hidden |= {"tree"} if scene.trees == "0" else set()
    else:
        hidden = {"eyes"} if scene.expression == "closed eyes" else set()
        hidden |= {"accessory_colour"} if scene.accessory not in {"hat", "horns", "bow"} else set()
        hidden |= {"horn_shape"} if scene.accessory != "horns" else set()
    return {name: value for name, value in found.items() if name not in hidden}


def _still_life(scene: s.StillLife) -> dict[str, str]:
    found = {"background": scene.background, "table": scene.table}
    found |= {f"{place}_kind": "none" for place in s.POSITIONS}
    for thing in (scene.first, scene.second):
        if thing is not None:
            found[f"{thing.position}_kind"] = thing.kind
            found[f"{thing.position}_colour"] = thing.colour
    if scene.second is None:
        found["size"] = scene.first.size
    return found
