"""How people say what a scene's attributes are: several wordings for each, chosen by dice."""

from __future__ import annotations

from random import Random

from models.builtin.training.world.scene import Figure, Landscape, Person, Portrait, Thing

LOOK_PHRASES: dict[str, tuple[str, ...]] = {
    "soft": ("cartoon", "soft shading", "digital illustration", "anime style"),
    "flat": ("flat colors", "flat design", "vector art", "flat illustration"),
    "clay": ("clay", "clay style", "claymation", "3d clay render"),
    "line": ("line art", "comic style", "bold outlines", "ink drawing"),
}
"""What each look is called."""

QUALITY = (
    "masterpiece", "best quality", "masterpiece, best quality", "highly detailed", "digital art",
    "illustration", "8k",
)  # fmt: skip
"""Words that people write from habit and that name nothing."""

_WHO = {"girl": ("girl", "girl", "woman", "young woman"), "boy": ("boy", "boy", "man", "young man")}
_HAIR_WORDS = {
    "blonde": ("blonde", "blonde", "blond", "yellow"),
    "white": ("white", "white", "silver"),
    "orange": ("orange", "orange", "ginger"),
}
_EXPRESSIONS = {
    "smile": ("smiling", "smile", "happy"),
    "serious": ("serious", "neutral expression"),
    "laughing": ("laughing", "open mouth"),
    "sad": ("sad", "frowning"),
    "angry": ("angry", "angry expression"),
    "closed eyes": ("closed eyes", "eyes closed"),
}
_STYLES = {
    "long": ("long {} hair", "long {} hair", "very long {} hair"),
    "short": ("short {} hair",),
    "bob": ("medium {} hair", "{} bob hair", "shoulder length {} hair"),
    "ponytail": ("{} ponytail", "{} hair in a ponytail"),
    "twintails": ("{} twintails", "{} hair in twin tails", "{} pigtails"),
    "curly": ("curly {} hair",),
    "spiky": ("spiky {} hair",),
    "bun": ("{} hair bun", "{} hair in a bun"),
}
_POSES = {
    "arms down": ("standing",),
    "waving": ("waving", "waving a hand"),
    "arms up": ("arms up", "raised arms"),
}
_SKIES = {
    "day": ("blue sky", "clear sky", "daytime", "sunny day"),
    "sunset": ("sunset", "sunset sky", "orange sky", "evening"),
    "night": ("night", "night sky", "at night", "starry night"),
    "cloudy": ("cloudy sky", "gray sky", "overcast"),
}
_SEASONS = {
    "summer": ("green hills", "green grass", "grass", "hills", "summer"),
    "autumn": ("autumn", "autumn field", "fall season"),
    "winter": ("snow", "winter", "snowy hills"),
}
_NUMBER_WORDS = {"2": "two", "3": "three"}


def article(words: str) -> str:
    """The words with "a" or "an" before them."""
    return ("an " if words[0] in "aeiou" else "a ") + words


def who(scene: Person, random: Random) -> str:
    """A girl, woman, boy, man."""
    return random.choice(_WHO[scene.person])


def hair(scene: Person, random: Random) -> str:
    """Colour and mostly the style of the hair."""
    word = random.choice(_HAIR_WORDS.get(scene.hair, (scene.hair,)))
    if random.random() < 0.28:
        return f"{word} hair"
    return random.choice(_STYLES[scene.style]).format(word)


def accessory(scene: Person, random: Random) -> str:
    """The accessory with its colour where it has one."""
    if scene.accessory == "horns":
        bent = f"{scene.accessory_colour} {scene.horn_shape} horns"
        return random.choice((bent, bent, f"{scene.accessory_colour} horns", "horns"))
    if scene.accessory in {"hat", "bow"}:
        return f"{scene.accessory_colour} {scene.accessory}"
    return scene.accessory


def background(scene: Person, random: Random) -> str:
    """The colour of the wall, or that it is plain."""
    coloured = f"{scene.background} background"
    if scene.plain == "no" or random.random() < 0.7:
        return coloured
    if scene.background in {"white", "gray"}:
        return random.choice(("clean background", "simple background", "plain background"))
    return random.choice((f"simple {coloured}", f"plain {coloured}", f"clean {coloured}"))


def expression(scene: Person, random: Random) -> str:
    """The look on the face."""
    return random.choice(_EXPRESSIONS[scene.expression])


def shirt(scene: Portrait | Figure, random: Random) -> str:
    """What is worn above, with its colour."""
    name = scene.outfit if isinstance(scene, Figure) else "shirt"
    if name == "overalls":
        name = "shirt"
    plain = f"{scene.shirt} {name}"
    return random.choice((plain, plain, f"wearing a {plain}", f"{scene.shirt} clothes"))


def legs(scene: Figure, random: Random) -> str:
    """Trousers or overalls; empty under a dress."""
    if scene.trousers == "none":
        return ""
    words = ("overalls",) if scene.outfit == "overalls" else ("pants", "trousers", "pants")
    return f"{scene.trousers} {random.choice(words)}"


def pose(scene: Figure, random: Random) -> str:
    """What the arms do."""
    return random.choice(_POSES[scene.pose])


def sky(scene: Landscape, random: Random) -> str:
    """The sky or the time of day."""
    return random.choice(_SKIES[scene.sky])


def season(scene: Landscape, random: Random) -> str:
    """The ground or the season."""
    return random.choice(_SEASONS[scene.season])


def light(scene: Landscape, random: Random) -> str:
    """The sun or the moon."""
    return "moon" if scene.light == "full moon" and random.random() < 0.6 else scene.light


def water(scene: Landscape, random: Random) -> str:
    """A stream or a lake by one of their names."""
    return random.choice({"stream": ("river", "stream"), "lake": ("lake", "pond")}[scene.water])


def house(scene: Landscape, random: Random) -> str:
    """A house with or without its colours."""
    roof = f"{article(scene.roof)} roof"
    painted = f"{article(scene.wall)} house"
    return random.choice(("a house", f"a house with {roof}", painted, f"{painted} with {roof}"))


def trees(scene: Landscape, random: Random) -> str:
    """How many trees of which kind."""
    word = "pine tree" if scene.tree == "pine" else "tree"
    if scene.trees == "1":
        return random.choice((article(word), word))
    counted = f"{_NUMBER_WORDS[scene.trees]} {word}s"
    return random.choice((f"{word}s", f"{word}s", counted))


def thing(item: Thing, random: Random) -> str:
    """A thing with its colour and perhaps its size."""
    size = f"{item.size} " if item.size != "middle" and random.random() < 0.7 else ""
    return article(f"{size}{item.colour} {item.kind}")
