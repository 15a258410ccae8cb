"""The CLIP interrogator: BLIP's caption, then the best terms of each list (behaviour 13.1)."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from PIL.Image import Image

from interrogate.base import Availability, Description, MissingFiles, Say, Tag, Workplace
from interrogate.lists import read_lists
from interrogate.options import InterrogationOptions
from interrogate.places import WEIGHTS, cached_snapshots, children, transformers_folder

if TYPE_CHECKING:
    import torch

    from interrogate.blip import Captioner
    from interrogate.ranking import Ranker

BLIP_REPO = "Salesforce/blip-image-captioning-base"
CLIP_REPO = "openai/clip-vit-large-patch14"


class ClipInterrogator:
    """See interrogate.base.Interrogator. Without CLIP's weights it gives the caption alone."""

    name: ClassVar[str] = "clip"
    label: ClassVar[str] = "CLIP"
    aliases: ClassVar[tuple[str, ...]] = ()

    def __init__(self, workplace: Workplace) -> None:
        self._workplace = workplace
        self._captioner: Captioner | None = None
        self._ranker: Ranker | None = None

    @classmethod
    def available(cls, models_dir: Path) -> Availability:
        """See Interrogator."""
        if find_blip(models_dir) is None:
            return Availability(False, missing_blip(models_dir))
        if find_clip(models_dir) is None:
            return Availability(True, f"caption only: {missing_clip(models_dir)}")
        return Availability(True, "")

    def load(self) -> None:
        """See Interrogator."""
        self._load_captioner()
        if find_clip(self._workplace.models_dir) is not None:
            self.load_ranker()

    def load_ranker(self) -> Ranker:
        """CLIP alone, for ranking and for scoring texts. Raises MissingFiles, BadModelFile."""
        if self._ranker is None:
            place = self._workplace
            folder = find_clip(place.models_dir)
            if folder is None:
                raise MissingFiles(missing_clip(place.models_dir))
            from interrogate.clip_model import Clip  # noqa: PLC0415
            from interrogate.ranking import Ranker  # noqa: PLC0415
            from models.hashes import HashCache  # noqa: PLC0415

            weights = next(folder / name for name in WEIGHTS if (folder / name).is_file())
            digest = HashCache(place.data_dir).sha256(weights)
            clip = Clip(folder, place.device, self._dtype())
            self._ranker = Ranker(clip, digest, place.data_dir)
        return self._ranker

    def describe(
        self, images: Sequence[Image], options: InterrogationOptions, say: Say
    ) -> list[Description]:
        """See Interrogator."""
        self.load()
        began = time.monotonic()
        say("BLIP caption")
        captions = self._load_captioner().captions(images, options.clip)
        terms: list[list[Tag]] = [[] for _ in images]
        if self._ranker is not None:
            say("CLIP ranking")
            clip = options.clip
            lists = read_lists(self._workplace.models_dir, clip.dict_limit, clip.skip_categories)
            terms = self._ranker.best(images, lists, say)
        share = (time.monotonic() - began) / len(images)
        return [
            Description(written(caption, tags, ranks=options.return_ranks), tuple(tags), share)
            for caption, tags in zip(captions, terms, strict=True)
        ]

    def unload(self) -> None:
        """See Interrogator."""
        self._captioner = None
        self._ranker = None

    def _load_captioner(self) -> Captioner:
        if self._captioner is None:
            folder = find_blip(self._workplace.models_dir)
            if folder is None:
                raise MissingFiles(missing_blip(self._workplace.models_dir))
            from interrogate.blip import Captioner  # noqa: PLC0415

            self._captioner = Captioner(folder, self._workplace.device, self._dtype())
        return self._captioner

    def _dtype(self) -> torch.dtype:
        import torch  # noqa: PLC0415

        half = self._workplace.half and self._workplace.device != "cpu"
        return torch.float16 if half else torch.float32


def written(caption: str, terms: Sequence[Tag], *, ranks: bool) -> str:
    """Caption and terms as one text: ", match", or ", (match:0.123)" with ranks."""
    parts = [f"({term.name}:{term.score:.3f})" if ranks else term.name for term in terms]
    return ", ".join(part for part in (caption, *parts) if part)


def find_blip(models_dir: Path) -> Path | None:
    """The captioner's folder: below the models folder, or in the user's hub cache."""
    return transformers_folder(_places(models_dir / "BLIP", BLIP_REPO), "blip")


def find_clip(models_dir: Path) -> Path | None:
    """CLIP's folder: below the models folder, or in the user's hub cache."""
    return transformers_folder(_places(models_dir / "CLIP", CLIP_REPO), "clip")


def missing_blip(models_dir: Path) -> str:
    """What to do when there is no captioner."""
    return _missing("CLIP interrogation needs BLIP", BLIP_REPO, models_dir / "BLIP", "tokenizer")


def missing_clip(models_dir: Path) -> str:
    """What to do when there is no ranking model."""
    return _missing("ranking needs CLIP", CLIP_REPO, models_dir / "CLIP", "tokenizer")


def _places(folder: Path, repo: str) -> Iterator[Path]:
    return chain(children(folder), cached_snapshots(repo))


def _missing(what: str, repo: str, folder: Path, tokenizer: str) -> str:
    return (
        f"{what}: put config.json, {tokenizer}.json and {WEIGHTS[0]} of {repo} into "
        f"{folder / repo.partition('/')[2]}; a copy in the Hugging Face cache does as well."
    )
