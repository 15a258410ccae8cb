"""Which models the Hugging Face hub can bring for interrogators, and what their files must be.

Sizes and digests come from the hub's own listing of the repository, the contents from the same
revision of it. `HF_ENDPOINT` names another server; `HF_HUB_OFFLINE` forbids asking any.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final

from interrogate.clip_places import BERT_REPOS, BLIP_REPO, CLIP_REPO
from interrogate.fetch_file import DownloadError, RemoteFile, open_url
from interrogate.places import WEIGHTS

DEFAULT_ENDPOINT = "https://huggingface.co"
_LISTING_LIMIT = 4 << 20
_FILE_LIMIT = 8 << 30
_TRUE = frozenset({"1", "on", "yes", "true"})


@dataclass(frozen=True, slots=True)
class Offer:
    """A model that can be downloaded into `folder` of the models folder.

    Of each group in `files` the first name that the repository has is taken; weights come last,
    so that half a download is never taken for a model.
    """

    name: str
    label: str
    repo: str
    folder: PurePosixPath
    files: tuple[tuple[str, ...], ...]

    def place(self, models_dir: Path) -> Path:
        """Where the files belong."""
        return models_dir / self.folder

    @property
    def by_hand(self) -> str:
        """The files to copy without a network."""
        return ", ".join(group[0] for group in self.files)


_TEXT_FILES: Final = (("config.json",), ("tokenizer.json", "vocab.txt"))

OFFERS: Final = (
    Offer(
        "blip",
        "BLIP base: captions, about 1 GB",
        BLIP_REPO,
        PurePosixPath("BLIP", BLIP_REPO.partition("/")[2]),
        (*_TEXT_FILES, WEIGHTS),
    ),
    Offer(
        "bert",
        "BERT's words: for A1111's own BLIP file, 0.2 MB",
        BERT_REPOS[0],
        PurePosixPath("BLIP"),
        (("vocab.txt",),),
    ),
    Offer(
        "clip",
        "CLIP ViT-L/14: ranking and scores, about 1.7 GB",
        CLIP_REPO,
        PurePosixPath("CLIP", CLIP_REPO.partition("/")[2]),
        (*_TEXT_FILES, WEIGHTS),
    ),
    Offer(
        "wd14",
        "WD14 ViT v3: tags, about 0.4 GB",
        "SmilingWolf/wd-vit-tagger-v3",
        PurePosixPath("wd14", "wd-vit-tagger-v3"),
        (("selected_tags.csv",), ("model.onnx",)),
    ),
)


def offer_of(name: str) -> Offer:
    """The offer of this name. Raises DownloadError."""
    for offer in OFFERS:
        if offer.name == name:
            return offer
    names = ", ".join(offer.name for offer in OFFERS)
    raise DownloadError(f"there is no download {name!r:.60}; choose one of {names}.")


def remote_files(offer: Offer, models_dir: Path) -> list[RemoteFile]:
    """What must be fetched for the offer, weights last. Asks the hub once.

    Raises DownloadError when no network may be used, when the hub does not answer, or when it has
    not what was expected.
    """
    refuse_offline(offer, models_dir)
    endpoint = os.environ.get("HF_ENDPOINT", DEFAULT_ENDPOINT).rstrip("/")
    if not endpoint.startswith(("https://", "http://")):
        raise DownloadError(f"HF_ENDPOINT is {endpoint!r:.100}; it must begin with https://.")
    revision, listed = _listing(endpoint, offer.repo)
    found = []
    for group in offer.files:
        name = next((name for name in group if name in listed), None)
        if name is None:
            raise DownloadError(f"{offer.repo} has no {' and no '.join(group)} any more.")
        source = f"{endpoint}/{offer.repo}/resolve/{revision}/{name}"
        found.append(_remote_file(source, name, listed[name]))
    return found


def refuse_offline(offer: Offer, models_dir: Path) -> None:
    """Raise DownloadError, with what to copy instead, when HF_HUB_OFFLINE is set."""
    if os.environ.get("HF_HUB_OFFLINE", "").lower() in _TRUE:
        raise DownloadError(
            f"HF_HUB_OFFLINE is set, so nothing is downloaded. Put {offer.by_hand} of {offer.repo} "
            f"into {offer.place(models_dir)}, or start without HF_HUB_OFFLINE."
        )


def _listing(endpoint: str, repo: str) -> tuple[str, dict[str, Any]]:
    """The newest revision of a repository, and what it says of its files by name."""
    try:
        with open_url(f"{endpoint}/api/models/{repo}/revision/main?blobs=true") as answer:
            told = json.loads(answer.read(_LISTING_LIMIT))
        return str(told["sha"]), {row["rfilename"]: row for row in told["siblings"]}
    except OSError as error:
        raise DownloadError(f"{endpoint} does not answer ({error}). Try again later.") from error
    except DownloadError:
        raise
    except (ValueError, KeyError, TypeError) as error:
        raise DownloadError(f"{endpoint} answers something that is no list of files.") from error


def _remote_file(url: str, name: str, row: Any) -> RemoteFile:
    try:
        large = row.get("lfs")
        size = int(large["size"] if large else row["size"])
        digest = str(large["sha256"] if large else row["blobId"])
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise DownloadError(f"the hub does not say how large {url} is; try again later.") from error
    if not 0 < size <= _FILE_LIMIT:
        raise DownloadError(f"{url} is {size} bytes long, which no such model is.")
    return RemoteFile(url, name, size, digest, "sha256" if large else "git")
