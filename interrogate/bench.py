"""Where interrogators work: loads them when asked, feeds them batches, unloads them in time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import torch
from PIL.Image import Image

from interrogate import memory
from interrogate.base import Description, Interrogator, Workplace
from interrogate.clip import ClipInterrogator
from interrogate.clip_places import score_note
from interrogate.options import Interrogation
from interrogate.registry import find
from interrogate.report import PictureReport, Report
from models.errors import ModelError

IDLE_SECONDS = 300.0
"""So long a model waits for the next question."""

_NO_MEMORY = (torch.OutOfMemoryError, MemoryError)

OpenPicture = Callable[[str], Image]
Found = Callable[[int, Description], None]
"""Told (place of the picture, description)."""

Count = Callable[[int, int, str], None]
"""Told (pieces done, pieces in all, what is being done); raises Stopped to end the work."""


class Stopped(Exception):
    """The user wants no more; what was found is kept."""


class NoneReadable(ModelError):
    """Not one of the pictures can be read; `problems` says why, by their places."""

    def __init__(self, message: str, problems: Mapping[int, str]) -> None:
        super().__init__(message)
        self.problems = problems


class NotEnoughMemory(ModelError):
    """Not even one picture fits beside the model."""


@dataclass
class _Seat:
    worker: Interrogator
    used: float
    keep: bool


@dataclass
class _Work:
    """One job in progress."""

    asked: Interrogation
    open_picture: OpenPicture
    count: Count
    found: Found
    total: int
    done: int = 0
    batch_size: int = 1
    descriptions: list[dict[str, Description]] = field(default_factory=list)
    problems: dict[int, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def say(self, text: str) -> None:
        self.count(self.done, self.total, text)


class Bench:
    """All interrogators of one device. Not thread-safe."""

    def __init__(
        self,
        workplace: Workplace,
        *,
        clock: Callable[[], float] = time.monotonic,
        is_short: Callable[[str], bool] = memory.is_short,
    ) -> None:
        self._workplace = workplace
        self._clock = clock
        self._is_short = is_short
        self._seats: dict[type[Interrogator], _Seat] = {}

    def work(
        self,
        asked: Interrogation,
        open_picture: OpenPicture,
        count: Count,
        found: Found = lambda place, description: None,
    ) -> Report:
        """Describe every picture by every interrogator; `found` hears of each description at once.

        What cannot be read or loaded is noted, and the rest is done. Raises UnknownInterrogator,
        NoneReadable, and ModelError when nothing else could be described either.
        """
        kinds = [find(name) for name in dict.fromkeys(asked.interrogators)]
        pieces = len(asked.pictures) * (len(kinds) + asked.score)
        work = _Work(asked, open_picture, count, found, pieces, batch_size=asked.batch_size)
        work.descriptions = [{} for _ in asked.pictures]
        interrupted = False
        try:
            for kind in kinds:
                self._ask(work, kind)
            if asked.score:
                self._score(work)
        except Stopped:
            interrupted = True
        if not interrupted and not any(work.descriptions):
            raise _nothing(work)
        pictures = tuple(
            PictureReport(described, work.problems.get(place, ""))
            for place, described in enumerate(work.descriptions)
        )
        return Report(pictures, tuple(work.notes), interrupted)

    def retire_idle(self) -> None:
        """Unload what nobody has asked for in IDLE_SECONDS, unless it is to be kept."""
        now = self._clock()
        self._unload(
            kind
            for kind, seat in self._seats.items()
            if not seat.keep and now - seat.used >= IDLE_SECONDS
        )

    def relieve(self) -> None:
        """Unload everything if memory is short: painting comes first."""
        if self._seats and self._is_short(self._workplace.device):
            self.unload_all()

    def unload_all(self) -> None:
        """Unload everything."""
        self._unload(self._seats)

    @property
    def loaded(self) -> tuple[str, ...]:
        """Names of the interrogators that are in memory."""
        return tuple(kind.name for kind in self._seats)

    def _unload(self, kinds: Iterable[type[Interrogator]]) -> None:
        leaving = list(kinds)
        for kind in leaving:
            self._seats.pop(kind).worker.unload()
        if leaving:
            memory.give_back()

    def _seat(self, kind: type[Interrogator], keep: bool) -> Interrogator:
        """The interrogator, not yet loaded if it is new."""
        if kind not in self._seats:
            self.relieve()
            self._seats[kind] = _Seat(kind(self._workplace), 0.0, keep)
        seat = self._seats[kind]
        seat.used, seat.keep = self._clock(), keep
        return seat.worker

    def _ask(self, work: _Work, kind: type[Interrogator]) -> None:
        """Let one interrogator describe all pictures; a model that cannot be had is noted."""
        worker = self._seat(kind, work.asked.keep_loaded)
        work.say(f"Loading {kind.label}")
        try:
            worker.load()
        except _NO_MEMORY as error:
            self._unload([kind])
            raise self._too_big(worker) from error
        except ModelError as error:
            self._unload([kind])
            work.notes.append(str(error))
            work.done += len(work.asked.pictures)
            return
        state = kind.available(self._workplace.models_dir)
        if state.builtin:
            work.notes.append(f"{kind.label}: {state.note}")
        places = list(range(len(work.asked.pictures)))
        while places:
            batch, places = places[: work.batch_size], places[work.batch_size :]
            images = self._opened(work, batch)
            work.say(kind.label)
            found = self._described(work, worker, list(images.values()))
            for place, description in zip(images, found, strict=True):
                work.descriptions[place][kind.name] = description
                work.found(place, description)
            work.done += len(batch)
        self._seats[kind].used = self._clock()

    def _opened(self, work: _Work, places: Sequence[int]) -> dict[int, Image]:
        images: dict[int, Image] = {}
        for place in places:
            if place in work.problems:
                continue
            try:
                images[place] = work.open_picture(work.asked.pictures[place])
            except (ValueError, OSError) as error:
                work.problems[place] = str(error)
        return images

    def _described(
        self, work: _Work, worker: Interrogator, images: Sequence[Image]
    ) -> list[Description]:
        """Describe a batch; when memory does not suffice, in halves, and so from now on."""
        if not images:
            return []
        try:
            return worker.describe(images, work.asked.options, work.say)
        except _NO_MEMORY as error:
            if len(images) == 1:
                raise self._too_big(worker) from error
        self._unload([kind for kind in self._seats if kind is not type(worker)])
        memory.give_back()
        half = work.batch_size = max(1, len(images) // 2)
        return self._described(work, worker, images[:half]) + self._described(
            work, worker, images[half:]
        )

    def _too_big(self, worker: Interrogator) -> NotEnoughMemory:
        return NotEnoughMemory(
            f"memory does not suffice for {worker.label} on {self._workplace.device}; "
            "close other programs, or start with --use-cpu interrogate"
        )

    def _score(self, work: _Work) -> None:
        """Add to each text how well it fits its picture."""
        clip = self._seat(ClipInterrogator, work.asked.keep_loaded)
        assert isinstance(clip, ClipInterrogator)
        try:
            ranker = clip.load_ranker()
        except ModelError as error:
            work.notes.append(f"texts are not scored: {error}")
            return
        note = score_note(self._workplace.models_dir)
        work.notes += [note] if note else []
        for place, found in enumerate(work.descriptions):
            work.say("CLIP score")
            for image in self._opened(work, [place]).values():
                fits = ranker.likeness(image, [one.text for one in found.values()]) if found else []
                for name, likeness in zip(list(found), fits, strict=True):
                    found[name] = replace(found[name], likeness=likeness)
            work.done += 1


def _nothing(work: _Work) -> ModelError:
    """Why there is not a single description."""
    why = "\n".join([*work.notes, *dict.fromkeys(work.problems.values())])
    if len(work.problems) == len(work.asked.pictures):
        return NoneReadable(why, work.problems)
    return ModelError(why)
