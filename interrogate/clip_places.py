"""Where the CLIP interrogator's models lie: the user's own, else the built-in ones. No torch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from interrogate import places
from interrogate.places import WEIGHTS, cached_snapshots, children, transformers_folder

BLIP_REPO = "Salesforce/blip-image-captioning-base"
CLIP_REPO = "openai/clip-vit-large-patch14"
BERT_REPOS = ("google-bert/bert-base-uncased", "bert-base-uncased")


@dataclass(frozen=True, slots=True)
class ModelPlace:
    """A folder saved by transformers, or its author's own file; `builtin` if it ships with us."""

    path: Path
    builtin: bool = False

    @property
    def weights(self) -> Path:
        """The file with the tensors."""
        if self.path.is_file():
            return self.path
        return next(self.path / name for name in WEIGHTS if (self.path / name).is_file())


def find_blip(models_dir: Path) -> ModelPlace | None:
    """The captioner: a folder or A1111's file of the user's, his hub cache, or the built-in one."""
    own = models_dir / "BLIP"
    return (
        _folder(children(own), "blip")
        or _file(own, "*.pth")
        or _folder(cached_snapshots(BLIP_REPO), "blip")
        or _folder(iter([places.BUILTIN / "captioner"]), "blip", builtin=True)
    )


def find_clip(models_dir: Path) -> ModelPlace | None:
    """CLIP for scoring texts: the same places, and where OpenAI's program keeps its file."""
    own = models_dir / "CLIP"
    return (
        _folder(children(own), "clip")
        or _file(own, "*.pt")
        or _file(Path.home() / ".cache" / "clip", "ViT-L-14.pt")
        or _folder(cached_snapshots(CLIP_REPO), "clip")
        or _folder(iter([places.BUILTIN / "clip"]), "clip", builtin=True)
    )


def find_ranking(models_dir: Path) -> ModelPlace | None:
    """CLIP for the terms behind a caption.

    The built-in CLIP ranks only behind the built-in captioner: it knows nothing of the pictures
    that somebody brings his own BLIP for.
    """
    found, captioner = find_clip(models_dir), find_blip(models_dir)
    alone = found is not None and found.builtin and not (captioner and captioner.builtin)
    return None if alone else found


def missing_blip(models_dir: Path) -> str:
    """What to do when there is no captioner."""
    return _missing("CLIP interrogation needs BLIP", BLIP_REPO, models_dir / "BLIP")


def missing_clip(models_dir: Path) -> str:
    """What to do when there is no ranking model."""
    return _missing("ranking needs CLIP", CLIP_REPO, models_dir / "CLIP")


def builtin_note(models_dir: Path) -> str:
    """What to know of the built-in captioner while it stands in."""
    return (
        "built-in captioner: it knows the drawings that the built-in checkpoint makes and nothing "
        f"else. For photographs and other pictures {_advice(BLIP_REPO, models_dir / 'BLIP')}"
    )


def score_note(models_dir: Path) -> str:
    """What to know of scores by the built-in CLIP; empty when they are by one of the user's."""
    found = find_clip(models_dir)
    if found is None or not found.builtin:
        return ""
    return (
        "scored by the built-in CLIP, which knows the words and drawings of the built-in "
        f"checkpoint only. For others {_advice(CLIP_REPO, models_dir / 'CLIP')}"
    )


def bert_folder(blip_file: Path) -> Path | None:
    """Where the words lie that A1111's BLIP file needs: beside it, or in the user's hub cache."""
    for folder in chain([blip_file.parent], *map(cached_snapshots, BERT_REPOS)):
        if (folder / "vocab.txt").is_file() or (folder / "tokenizer.json").is_file():
            return folder
    return None


def missing_bert(blip_file: Path) -> str:
    """What to do when they do not."""
    return (
        f"{blip_file.name} needs BERT's words: put vocab.txt (0.2 MB) of {BERT_REPOS[0]} into "
        f"{blip_file.parent}; a copy in the Hugging Face cache does as well."
    )


def _folder(
    folders: Iterator[Path], model_type: str, *, builtin: bool = False
) -> ModelPlace | None:
    found = transformers_folder(folders, model_type)
    return None if found is None else ModelPlace(found, builtin)


def _file(folder: Path, pattern: str) -> ModelPlace | None:
    found = next((path for path in sorted(folder.glob(pattern)) if path.is_file()), None)
    return None if found is None else ModelPlace(found)


def _missing(what: str, repo: str, folder: Path) -> str:
    return f"{what}, and no built-in one ships with this version: {_advice(repo, folder)}"


def _advice(repo: str, folder: Path) -> str:
    return (
        f"put config.json, tokenizer.json and {WEIGHTS[0]} of {repo} into "
        f"{folder / repo.partition('/')[2]}; a copy in the Hugging Face cache does as well."
    )
