"""Booru-style tags: lower-case words with underscores, one for each visible attribute."""

from __future__ import annotations

from models.builtin.training.world.palette import COLOURS, EYES, HAIR
from models.builtin.training.world.scene import (
    OBJECTS,
    Figure,
    Landscape,
    Portrait,
    Scene,
    StillLife,
)

_STYLE_TAGS = {
    "long": "long_hair", "short": "short_hair", "bob": "bob_cut", "ponytail": "ponytail",
    "twintails": "twintails", "curly": "curly_hair", "spiky": "spiky_hair", "bun": "hair_bun",
}  # fmt: skip
_EXPRESSION_TAGS = {
    "smile": "smile", "serious": "serious", "laughing": "open_mouth", "sad": "sad",
    "angry": "angry", "closed eyes": "closed_eyes",
}  # fmt: skip
_ACCESSORY_TAGS = {
    "hat": "hat", "glasses": "glasses", "horns": "horns", "cat ears": "cat_ears", "bow": "bow",
}  # fmt: skip
_SKY_TAGS = {
    "day": "blue_sky", "sunset": "sunset", "night": "night_sky", "cloudy": "cloudy_sky",
}  # fmt: skip
_SEASON_TAGS = {"summer": "grass", "autumn": "autumn", "winter": "snow"}
_LOOK_TAGS = {"flat": "flat_color", "clay": "claymation", "line": "lineart"}

TAGS: tuple[str, ...] = tuple(
    sorted(
        {
            "1girl", "1boy", "solo", "portrait", "full_body", "chibi", "no_humans", "still_life",
            "scenery", "outdoors", "simple_background", "table", "waving", "arms_up", "boots",
            "shoes", "dress", "overalls", "mountain", "stream", "lake", "house", "tree",
            "pine_tree", "flower_field", "cloud", "sun", "full_moon", "crescent_moon",
        }
        | {f"{colour}_hair" for colour in HAIR}
        | {f"{colour}_eyes" for colour in EYES}
        | {f"{colour}_{what}" for colour in COLOURS for what in ("shirt", "background")}
        | {*_STYLE_TAGS.values(), *_EXPRESSION_TAGS.values(), *_ACCESSORY_TAGS.values()}
        | {*_SKY_TAGS.values(), *_SEASON_TAGS.values(), *_LOOK_TAGS.values(), *OBJECTS}
    )
)  # fmt: skip
"""Every tag that a picture of the world can have, sorted."""


def tags(scene: Scene, look: str) -> list[str]:
    """The tags of a scene, sorted; all are among TAGS."""
    found = {_LOOK_TAGS[look]} if look in _LOOK_TAGS else set()
    if isinstance(scene, Portrait | Figure):
        found |= _person(scene)
    elif isinstance(scene, Landscape):
        found |= _landscape(scene)
    else:
        found |= _still_life(scene)
    return sorted(found)


def _person(scene: Portrait | Figure) -> set[str]:
    found = {f"1{scene.person}", "solo", f"{scene.hair}_hair", _STYLE_TAGS[scene.style]}
    found |= {_EXPRESSION_TAGS[scene.expression], f"{scene.background}_background"}
    found |= {f"{scene.shirt}_shirt"}
    if scene.expression != "closed eyes":
        found.add(f"{scene.eyes}_eyes")
    if scene.accessory != "none":
        found.add(_ACCESSORY_TAGS[scene.accessory])
    if scene.plain == "yes":
        found.add("simple_background")
    if isinstance(scene, Portrait):
        return found | {"portrait"}
    found |= {"full_body", "chibi", scene.footwear}
    found |= {scene.outfit} if scene.outfit != "shirt" else set()
    return found | ({scene.pose.replace(" ", "_")} if scene.pose != "arms down" else set())


def _landscape(scene: Landscape) -> set[str]:
    found = {"scenery", "outdoors", "no_humans", _SKY_TAGS[scene.sky], _SEASON_TAGS[scene.season]}
    for name, tag in (("mountains", "mountain"), ("house", "house"), ("flowers", "flower_field")):
        found |= {tag} if getattr(scene, name) == "yes" else set()
    found |= {scene.water} if scene.water != "none" else set()
    found |= {scene.light.replace(" ", "_")} if scene.light != "none" else set()
    found |= {"cloud"} if scene.clouds != "0" else set()
    if scene.trees != "0":
        found.add("pine_tree" if scene.tree == "pine" else "tree")
    return found


def _still_life(scene: StillLife) -> set[str]:
    found = {"no_humans", "still_life", "simple_background", f"{scene.background}_background"}
    found |= {"table"} if scene.table == "yes" else set()
    things = (scene.first,) if scene.second is None else (scene.first, scene.second)
    return found | {thing.kind for thing in things}
