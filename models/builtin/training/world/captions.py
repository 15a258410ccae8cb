"""Whole captions: which attributes are told, in which order, and in what kind of sentence."""

from __future__ import annotations

from random import Random

from models.builtin.training.world import phrases
from models.builtin.training.world.scene import Figure, Landscape, Portrait, Scene, StillLife, Thing

_PLACES = {
    "left": "on the left",
    "right": "on the right",
    "top": "at the top",
    "bottom": "at the bottom",
    "center": "in the center",
}


def captions(scene: Scene, look: str, random: Random, count: int) -> list[str]:
    """`count` captions of one scene; each leaves out some of what there is to say."""
    return [_dressed(_caption(scene, look, random), look, random) for _ in range(count)]


def full_caption(scene: Scene) -> str:
    """One fixed caption that names the main attributes; for evaluation and examples."""
    if isinstance(scene, Portrait | Figure):
        words = [f"{'long' if scene.style == 'long' else scene.style} {scene.hair} hair"]
        words += [] if scene.expression == "closed eyes" else [f"{scene.eyes} eyes"]
        words += [f"{scene.shirt} shirt", f"{scene.background} background"]
        return f"a {scene.person} with {', '.join(words)}"
    if isinstance(scene, Landscape):
        return ", ".join(["a landscape with " + phrases.sky(scene, Random(0)), scene.season])
    return f"{phrases.article(f'{scene.first.colour} {scene.first.kind}')}, " + (
        f"{scene.background} background"
    )


def _caption(scene: Scene, look: str, random: Random) -> str:
    if isinstance(scene, Portrait):
        return _portrait(scene, random)
    if isinstance(scene, Figure):
        return _figure(scene, look, random)
    if isinstance(scene, Landscape):
        return _landscape(scene, random)
    return _still_life(scene, random)


def _dressed(text: str, look: str, random: Random) -> str:
    """Add the name of the look, and now and then a habit word."""
    named = any(phrase in text for phrase in phrases.LOOK_PHRASES[look])
    if not named and random.random() < (0.15 if look == "soft" else 0.85):
        phrase = random.choice(phrases.LOOK_PHRASES[look])
        text = f"{phrase}, {text}" if random.random() < 0.3 else f"{text}, {phrase}"
    if random.random() < 0.1:
        habit = random.choice(phrases.QUALITY)
        text = f"{text}, {habit}" if random.random() < 0.5 else f"{habit}, {text}"
    return text


def _told(random: Random, chances: dict[str, float]) -> list[str]:
    """The names that are told, the rest being left out; half of the time in another order."""
    names = [name for name, chance in chances.items() if random.random() < chance]
    if random.random() < 0.5:
        random.shuffle(names)
    return names


def _person_words(scene: Portrait | Figure, random: Random) -> dict[str, str]:
    words = {
        "hair": phrases.hair(scene, random),
        "eyes": f"{scene.eyes} eyes",
        "shirt": phrases.shirt(scene, random),
        "skin": f"{scene.skin} skin",
        "expression": phrases.expression(scene, random),
        "accessory": phrases.accessory(scene, random),
        "background": phrases.background(scene, random),
    }
    if scene.expression == "closed eyes":
        del words["eyes"]
    if scene.accessory == "none":
        del words["accessory"]
    return words


def _portrait(scene: Portrait, random: Random) -> str:
    words = _person_words(scene, random)
    chances = {"hair": 0.95, "eyes": 0.6, "shirt": 0.6, "skin": 0.25, "expression": 0.5}
    chances |= {"accessory": 0.9, "background": 0.75}
    told = [words[name] for name in _told(random, chances) if name in words]
    details = ", ".join(told or [words["hair"]])
    person = phrases.who(scene, random)
    form = random.random()
    if form < 0.42:
        return f"{phrases.article(person)} with {details}"
    if form < 0.6:
        opening = random.choice(("portrait of", "a portrait of", "a drawing of", "picture of"))
        return f"{opening} {phrases.article(person)} with {details}"
    if form < 0.84:
        start = random.choice((f"1{scene.person}", f"1{scene.person}, solo", person))
        return f"{start}, {details}"
    if form < 0.92:
        return details
    eyes = f" and {words['eyes']}" if "eyes" in words else ""
    return f"{phrases.article(person)} with {words['hair']}{eyes}"


def _figure(scene: Figure, look: str, random: Random) -> str:
    words = _person_words(scene, random)
    words["legs"] = phrases.legs(scene, random)
    words["feet"] = f"{scene.footwear_colour} {scene.footwear}"
    words["pose"] = phrases.pose(scene, random)
    chances = {"hair": 0.92, "accessory": 0.9, "eyes": 0.35, "shirt": 0.6, "legs": 0.5}
    chances |= {"feet": 0.65, "pose": 0.35, "skin": 0.15, "expression": 0.3, "background": 0.75}
    told = [words[name] for name in _told(random, chances) if words.get(name)]
    details = ", ".join(told or [words["hair"]])
    person = random.choice(
        (phrases.who(scene, random), "character", "character", "small character")
    )
    form = random.random()
    if form < 0.45:
        return f"{_figure_opening(look, random)} {phrases.article(person)} with {details}"
    if form < 0.7:
        kind = random.choice(("small humanoid character", "humanoid character", "little character"))
        return f"{_figure_opening(look, random)} {phrases.article(kind)} with {details}"
    if form < 0.9:
        return f"1{scene.person}, full body, chibi, {details}"
    return f"full body, {details}"


def _figure_opening(look: str, random: Random) -> str:
    cute = random.choice(("cute ", "", "a cute ", "a "))
    if look == "clay" and random.random() < 0.7:
        return f"{cute}clay figure of"
    return f"{cute}{random.choice(('figure of', 'full body drawing of', 'picture of'))}"


def _landscape(scene: Landscape, random: Random) -> str:
    chances = {
        "sky": 1.0,
        "light": 0.7 if scene.light != "none" else 0,
        "clouds": 0.6 if int(scene.clouds) > 1 and scene.sky != "cloudy" else 0,
        "mountains": 0.85 if scene.mountains == "yes" else 0,
        "season": 0.75,
        "water": 0.9 if scene.water != "none" else 0,
        "house": 0.9 if scene.house == "yes" else 0,
        "trees": 0.85 if scene.trees != "0" else 0,
        "flowers": 0.8 if scene.flowers == "yes" else 0,
    }
    tell = {
        "sky": phrases.sky, "light": phrases.light, "season": phrases.season,
        "water": phrases.water, "house": phrases.house, "trees": phrases.trees,
    }  # fmt: skip
    names = _told(random, chances)
    told = ", ".join(tell[name](scene, random) if name in tell else name for name in names)
    form = random.random()
    if form < 0.3:
        return f"a landscape with {told}"
    if form < 0.55:
        return (
            f"{random.choice(('landscape', 'scenery', 'outdoors', 'no humans, scenery'))}, {told}"
        )
    if form < 0.7:
        opening = random.choice(("a drawing of a landscape", "a picture of nature", "a view"))
        return f"{opening}, {told}"
    return told


def _still_life(scene: StillLife, random: Random) -> str:
    first = phrases.thing(scene.first, random)
    if scene.second is None:
        told = first + _place(scene.first, random)
    else:
        told = _pair(first, scene.first, phrases.thing(scene.second, random), scene.second, random)
    if scene.table == "yes" and random.random() < 0.7:
        told += random.choice((" on a table", ", wooden table"))
    if random.random() < 0.75:
        colour = scene.background
        told += random.choice(
            (f", {colour} background", f" on {phrases.article(colour)} background")
        )
    if random.random() < 0.15:
        told = random.choice(("a drawing of ", "a picture of ", "an icon of ")) + told
    return told


def _place(thing: Thing, random: Random) -> str:
    chance = 0.2 if thing.position == "center" else 0.8
    return f" {_PLACES[thing.position]}" if random.random() < chance else ""


def _pair(first: str, one: Thing, second: str, other: Thing, random: Random) -> str:
    form = random.random()
    if form < 0.5:
        return f"{first} {_PLACES[one.position]} and {second} {_PLACES[other.position]}"
    if form < 0.75:
        return f"{first} {'to the left of' if one.position == 'left' else 'above'} {second}"
    return f"{first} and {second}"
