"""One complete sentence about a picture, made of its attributes: what the captioner learns to say.

A1111 asks BLIP for at least 24 tokens (behaviour 13.1), so even a bare landscape gets that many: it
is told what is not there.
"""

from __future__ import annotations

from collections.abc import Mapping

from models.builtin.training.world.phrases import article
from models.builtin.training.world.scene import POSITIONS

_LOOKS = {
    "soft": "a softly shaded cartoon",
    "flat": "a flat illustration",
    "clay": "a clay figure style",
    "line": "bold line art",
}
_HAIR = {"bob": "shoulder length", "bun": "bun of", "ponytail": "ponytail of"}
_EXPRESSIONS = {"smile": "smiling", "closed eyes": "with closed eyes"}
_PLACES = {
    "left": "on the left",
    "right": "on the right",
    "top": "at the top",
    "bottom": "at the bottom",
    "center": "in the center",
}
_SKIES = {
    "day": "on a sunny day under a blue sky",
    "sunset": "at sunset under an orange sky",
    "night": "at night under a dark blue sky",
    "cloudy": "on a cloudy day under a gray sky",
}
_GROUND = {"summer": "green hills", "autumn": "brown autumn hills", "winter": "hills in snow"}
_NUMBERS = {"1": "one", "2": "two", "3": "three"}


def description(attributes: Mapping[str, str]) -> str:
    """The sentence, without "a picture of" before it."""
    if attributes["kind"] == "landscape":
        told = _landscape(attributes)
    elif attributes["kind"] == "objects":
        told = _objects(attributes)
    else:
        told = _person(attributes)
    return f"{told}, drawn as {_LOOKS[attributes['look']]}"


def _person(seen: Mapping[str, str]) -> str:
    style = _HAIR.get(seen["style"], seen["style"])
    opening = f"a small {seen['person']}" if seen["kind"] == "figure" else f"a {seen['person']}"
    parts = [f"{opening} with {style} {seen['hair']} hair"]
    if "eyes" in seen:
        parts.append(f"{seen['eyes']} eyes")
    parts.append(f"{seen['skin']} skin")
    parts.append(_EXPRESSIONS.get(seen["expression"], seen["expression"]))
    parts.append(f"wearing {article(seen['shirt'])} {seen.get('outfit', 'shirt')}")
    if seen["accessory"] != "none":
        colour = f"{seen['accessory_colour']} " if "accessory_colour" in seen else ""
        parts.append(f"{colour}{seen['accessory']}")
    if seen["kind"] == "figure":
        parts.append(f"{seen['footwear_colour']} {seen['footwear']}")
    return ", ".join(parts) + f", in front of {article(seen['background'])} background"


def _landscape(seen: Mapping[str, str]) -> str:
    parts = [f"a landscape {_SKIES[seen['sky']]}", _GROUND[seen["season"]]]
    parts.append("no sun or moon" if seen["light"] == "none" else article(seen["light"]))
    parts.append("mountains" if seen["mountains"] == "yes" else "no mountains")
    parts.append("no water" if seen["water"] == "none" else article(seen["water"]))
    if seen["house"] == "yes":
        parts.append(f"{article(seen['wall'])} house with {article(seen['roof'])} roof")
    else:
        parts.append("no house")
    if seen["trees"] == "0":
        return ", ".join([*parts, "no trees"])
    kind = "pine tree" if seen["tree"] == "pine" else "tree"
    many = "" if seen["trees"] == "1" else "s"
    return ", ".join([*parts, f"{_NUMBERS[seen['trees']]} {kind}{many}"])


def _objects(seen: Mapping[str, str]) -> str:
    things = [
        f"{article(seen[f'{place}_colour'])} {seen[f'{place}_kind']} {_PLACES[place]}"
        for place in POSITIONS
        if seen[f"{place}_kind"] != "none"
    ]
    ground = "standing on a wooden table" if seen["table"] == "yes" else "without a table"
    wall = f"in front of {article(seen['background'])} background"
    return f"{' and '.join(things)}, {ground}, {wall}, and nothing else in the picture"
