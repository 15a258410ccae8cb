"""Names of saved pictures: patterns such as `[seed]-[prompt_spaces]`, numbers, harmless characters.

Behaviour 10.6. Nothing is written here; a name never leads out of its folder.
"""

from __future__ import annotations

import hashlib
import re
import string
from collections.abc import Callable, Container, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, tzinfo
from pathlib import PurePosixPath
from zoneinfo import ZoneInfo

DEFAULT_PATTERN = "[seed]"
DEFAULT_PATTERN_FLAT = "[seed]-[prompt_spaces]"
"""The pattern of A1111 when pictures are not saved to sub-folders."""
DEFAULT_FOLDER_PATTERN = "[date]"

MAX_PART = 128
"""Characters of one field."""
MAX_BYTES = 200
"""File systems allow 255 bytes a name; the rest is for the number and the suffix."""

_PATTERN = re.compile(r"(?P<before>[^\[]*+)(?:\[(?P<field>[^\[\]]++)\])?+")
_ARGUMENT = re.compile(r"<([^<>]*)>$")
_HARMFUL = re.compile(r'[#<>:"/\\|?*\x00-\x1f\x7f]')
_NO_WORD = re.compile(rf"[\s{re.escape(string.punctuation)}]+")
_NUMBER = re.compile(r"[0-9]{1,15}")
_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class NameFacts:
    """What a name can tell. `batch_number` and `generation_number` count from 1.

    `scheduler` is the label of what ran. None leaves a field out together with the text before it.
    """

    seed: int
    now: datetime
    prompt: str = ""
    prompt_no_styles: str = ""
    negative_prompt: str = ""
    styles: tuple[str, ...] = ()
    steps: int = 0
    cfg: float = 0.0
    width: int = 0
    height: int = 0
    sampler: str = ""
    scheduler: str = ""
    denoising: float | None = None
    clip_skip: int = 1
    model_name: str = ""
    model_hash: str = ""
    vae_filename: str = "None"
    batch_number: int = 1
    batch_size: int = 1
    generation_number: int = 1
    generation_count: int = 1
    seed_first: int | None = None
    seed_last: int | None = None
    user: str = ""
    basename: str = ""
    max_prompt_words: int = 8
    job_timestamp: str = ""
    image_hash: str = ""


def expand_file_pattern(pattern: str, facts: NameFacts) -> str:
    """The part of a file name that the pattern describes, made harmless; may be empty."""
    return sanitise(_expand(pattern, facts), MAX_BYTES)


def expand_folder_pattern(pattern: str, facts: NameFacts) -> PurePosixPath:
    """A relative folder; `/` in the pattern parts folders. It never leads upwards."""
    expanded = _expand(pattern, facts).replace("\\", "/")
    parts = [sanitise(part, MAX_BYTES) for part in expanded.split("/")]
    return PurePosixPath(*(f"_{part}" if _RESERVED.match(part) else part for part in parts if part))


def sanitise(text: str, most: int = MAX_PART) -> str:
    """Make a text fit for a file or folder name: at most `most` characters and 200 bytes.

    Characters that some system forbids become `_`; spaces in front, spaces and dots at the end go,
    so that neither `.` nor `..` is left.
    """
    text = text.encode("utf-8", "replace").decode()
    text = _HARMFUL.sub("_", text).lstrip(" ")[:most]
    return text.encode()[:MAX_BYTES].decode("utf-8", "ignore").rstrip(" .")


def numbered_name(number: int, text: str, extension: str, suffix: str = "") -> str:
    """`00012-text-mask.png`; without text `00012.png`. The suffix brings its own hyphen."""
    middle = f"-{text}" if text else ""
    return f"{number:05d}{middle}{suffix}.{extension}"


def grid_name(number: int, extension: str = "png") -> str:
    """`grid-0003.png`."""
    return f"grid-{number:04d}.{extension}"


def next_number(existing: Iterable[str], prefix: str = "") -> int:
    """One more than the highest number that stands behind `prefix` in the names; 0 at first.

    The number ends at the first hyphen or at the extension; names without one do not count.
    """
    highest = -1
    for name in existing:
        if name.startswith(prefix):
            stem = name[len(prefix) :].split("-", 1)[0].split(".", 1)[0]
            if _NUMBER.fullmatch(stem):
                highest = max(highest, int(stem))
    return highest + 1


def free_name(name: str, taken: Container[str]) -> str:
    """`name`, or with `-1`, `-2` ... before the extension, such that it is not taken."""
    return next(candidate for candidate in _candidates(name) if candidate not in taken)


def _candidates(name: str) -> Iterator[str]:
    yield name
    stem, dot, extension = name.rpartition(".")
    if not stem:
        stem, dot, extension = name, "", ""
    number = 1
    while True:
        yield f"{stem}-{number}{dot}{extension}"
        number += 1


def _expand(pattern: str, facts: NameFacts) -> str:
    """Replace the fields; unknown ones stay as they are, without their arguments."""
    parts: list[str] = []
    position = 0
    while position < len(pattern):
        match = _PATTERN.match(pattern, position)
        if match is None or match.end() == position:  # a bracket that opens no field
            parts.append(pattern[position])
            position += 1
            continue
        position = match.end()
        parts.append(_field(match["before"], match["field"], facts))
    return "".join(parts)


def _field(before: str, written: str | None, facts: NameFacts) -> str:
    """The text before a field and the field; nothing where the field leaves itself out."""
    if written is None:
        return before
    name, arguments = _split_arguments(written)
    make = _FIELDS.get(name.lower())
    if make is None:
        return f"{before}[{name}]"
    value = make(facts, arguments)
    return "" if value is None else before + value


def _split_arguments(written: str) -> tuple[str, list[str]]:
    arguments: list[str] = []
    while match := _ARGUMENT.search(written):
        arguments.insert(0, match.group(1))
        written = written[: match.start()]
    return written, arguments


def _underscored(text: str) -> str:
    return sanitise(text.replace(" ", "_"))


def _words(text: str, most: int) -> str:
    words = [word for word in _NO_WORD.split(text) if word]
    return sanitise(" ".join(words[:most] or ["empty"]))


def _hash(text: str, arguments: list[str]) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[: _length(arguments, 8)]


def _length(arguments: list[str], usual: int) -> int:
    return int(arguments[0]) if arguments and _NUMBER.fullmatch(arguments[0]) else usual


def _datetime(facts: NameFacts, arguments: list[str]) -> str:
    layout = arguments[0] if arguments and arguments[0] else "%Y%m%d%H%M%S"
    moment = facts.now.astimezone(_zone(arguments[1])) if len(arguments) > 1 else facts.now
    try:
        return sanitise(moment.strftime(layout))
    except ValueError:  # some systems refuse unknown directives
        return sanitise(layout)


def _zone(name: str) -> tzinfo | None:
    """The named time zone; None (local time) when there is none of that name."""
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        return None


def _has_prompt(facts: NameFacts, arguments: list[str]) -> str:
    """`<word|otherwise>`: each word that the prompt holds, else what stands behind the bar."""
    prompt = facts.prompt.lower()
    found = []
    for argument in arguments:
        expected, _, otherwise = argument.partition("|")
        found.append(expected.lower() if expected.lower() in prompt else otherwise)
    return sanitise("".join(found))


def _number_text(value: float) -> str:
    return str(int(value)) if value == int(value) else str(value)


def _scheduler(facts: NameFacts) -> str:
    return sanitise(facts.scheduler.capitalize())


_Field = Callable[[NameFacts, list[str]], str | None]

_FIELDS: dict[str, _Field] = {
    "basename": lambda f, _: sanitise(f.basename),
    "seed": lambda f, _: str(f.seed),
    "seed_first": lambda f, _: str(f.seed if f.seed_first is None else f.seed_first),
    "seed_last": lambda f, _: (
        None if f.batch_size == 1 else str(f.seed if f.seed_last is None else f.seed_last)
    ),
    "steps": lambda f, _: str(f.steps),
    "cfg": lambda f, _: _number_text(f.cfg),
    "width": lambda f, _: str(f.width),
    "height": lambda f, _: str(f.height),
    "styles": lambda f, _: sanitise(", ".join(f.styles) or "None"),
    "sampler": lambda f, _: sanitise(f.sampler),
    "scheduler": lambda f, _: _scheduler(f),
    "sampler_scheduler": lambda f, _: sanitise(f"{f.sampler} {_scheduler(f)}"),
    "model_hash": lambda f, _: sanitise(f.model_hash),
    "model_name": lambda f, _: sanitise(f.model_name),
    "date": lambda f, _: f.now.strftime("%Y-%m-%d"),
    "datetime": _datetime,
    "job_timestamp": lambda f, _: sanitise(f.job_timestamp),
    "prompt_hash": lambda f, args: _hash(f.prompt, args),
    "negative_prompt_hash": lambda f, args: _hash(f.negative_prompt, args),
    "full_prompt_hash": lambda f, args: _hash(f"{f.prompt} {f.negative_prompt}", args),
    "prompt": lambda f, _: _underscored(f.prompt),
    "prompt_no_styles": lambda f, _: _underscored(f.prompt_no_styles or f.prompt),
    "prompt_spaces": lambda f, _: sanitise(f.prompt),
    "prompt_words": lambda f, _: _words(f.prompt, f.max_prompt_words),
    "batch_number": lambda f, _: None if f.batch_size == 1 else str(f.batch_number),
    "batch_size": lambda f, _: str(f.batch_size),
    "generation_number": lambda f, _: None if f.generation_count == 1 else str(f.generation_number),
    "hasprompt": _has_prompt,
    "clip_skip": lambda f, _: str(f.clip_skip),
    "denoising": lambda f, _: _number_text(f.denoising) if f.denoising else None,
    "user": lambda f, _: sanitise(f.user) or "[user]",
    "vae_filename": lambda f, _: sanitise(f.vae_filename),
    "image_hash": lambda f, args: f.image_hash[: _length(args, len(f.image_hash))],
    "none": lambda _f, _args: "",
}
