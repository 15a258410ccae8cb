"""The CLIP interrogator: BLIP's caption, then the best terms of each list (behaviour 13.1)."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from PIL.Image import Image

from interrogate.base import Availability, Description, MissingFiles, Say, Tag, Workplace
from interrogate.clip_places import (
    ModelPlace,
    bert_folder,
    builtin_note,
    find_blip,
    find_clip,
    find_ranking,
    missing_bert,
    missing_blip,
    missing_clip,
)
from interrogate.lists import TermList, builtin_lists, read_lists
from interrogate.options import ClipOptions, InterrogationOptions

if TYPE_CHECKING:
    import torch

    from interrogate.blip import Captioner
    from interrogate.ranking import Ranker


class ClipInterrogator:
    """See interrogate.base.Interrogator. Without CLIP's weights it gives the caption alone.

    Files that come or go between two jobs are noticed: a model of the user's takes over at once.
    """

    name: ClassVar[str] = "clip"
    label: ClassVar[str] = "CLIP"
    aliases: ClassVar[tuple[str, ...]] = ()

    def __init__(self, workplace: Workplace) -> None:
        self._workplace = workplace
        self._captioner: tuple[ModelPlace, Captioner] | None = None
        self._ranker: tuple[ModelPlace, Ranker] | None = None

    @classmethod
    def available(cls, models_dir: Path) -> Availability:
        """See Interrogator."""
        captioner = find_blip(models_dir)
        if captioner is None:
            return Availability(False, missing_blip(models_dir))
        if captioner.path.is_file() and bert_folder(captioner.path) is None:
            return Availability(False, missing_bert(captioner.path))
        if captioner.builtin:
            return Availability(True, builtin_note(models_dir), builtin=True)
        if find_ranking(models_dir) is None:
            return Availability(True, f"caption only: {missing_clip(models_dir)}")
        return Availability(True, "")

    def load(self) -> None:
        """See Interrogator."""
        self._load_captioner()
        place = find_ranking(self._workplace.models_dir)
        if place is not None:
            self._load_ranker(place)

    def load_ranker(self) -> Ranker:
        """CLIP alone, for scoring texts. Raises MissingFiles, BadModelFile."""
        place = find_clip(self._workplace.models_dir)
        if place is None:
            raise MissingFiles(missing_clip(self._workplace.models_dir))
        return self._load_ranker(place)

    def describe(
        self, images: Sequence[Image], options: InterrogationOptions, say: Say
    ) -> list[Description]:
        """See Interrogator."""
        self.load()
        began = time.monotonic()
        say("BLIP caption")
        captions = self._load_captioner().captions(images, options.clip)
        terms: list[list[Tag]] = [[] for _ in images]
        place = find_ranking(self._workplace.models_dir)
        if place is not None:
            say("CLIP ranking")
            lists = self._lists(place, options.clip)
            terms = self._load_ranker(place).best(images, lists, say)
        share = (time.monotonic() - began) / len(images)
        return [
            Description(written(caption, tags, ranks=options.return_ranks), tuple(tags), share)
            for caption, tags in zip(captions, terms, strict=True)
        ]

    def unload(self) -> None:
        """See Interrogator."""
        self._captioner = None
        self._ranker = None

    def _lists(self, place: ModelPlace, options: ClipOptions) -> tuple[TermList, ...]:
        """The built-in CLIP knows the words of its own small lists only."""
        if place.builtin:
            return builtin_lists(options.dict_limit, options.skip_categories)
        return read_lists(self._workplace.models_dir, options.dict_limit, options.skip_categories)

    def _load_ranker(self, place: ModelPlace) -> Ranker:
        if self._ranker is None or self._ranker[0] != place:
            from interrogate.clip_model import Clip  # noqa: PLC0415
            from interrogate.ranking import Ranker  # noqa: PLC0415
            from models.hashes import HashCache  # noqa: PLC0415

            workplace, self._ranker = self._workplace, None
            digest = HashCache(workplace.data_dir).sha256(place.weights)
            clip = Clip(place.path, workplace.device, self._dtype())
            self._ranker = place, Ranker(clip, digest, workplace.data_dir)
        return self._ranker[1]

    def _load_captioner(self) -> Captioner:
        place = find_blip(self._workplace.models_dir)
        if place is None:
            raise MissingFiles(missing_blip(self._workplace.models_dir))
        if self._captioner is None or self._captioner[0] != place:
            from interrogate.blip import Captioner  # noqa: PLC0415

            self._captioner = None
            self._captioner = (
                place,
                Captioner(place.path, self._workplace.device, self._dtype()),
            )
        return self._captioner[1]

    def _dtype(self) -> torch.dtype:
        import torch  # noqa: PLC0415

        half = self._workplace.half and self._workplace.device != "cpu"
        return torch.float16 if half else torch.float32


def written(caption: str, terms: Sequence[Tag], *, ranks: bool) -> str:
    """Caption and terms as one text: ", match", or ", (match:0.123)" with ranks."""
    parts = [f"({term.name}:{term.score:.3f})" if ranks else term.name for term in terms]
    return ", ".join(part for part in (caption, *parts) if part)
