"""Claims: which file a worker is about to write as which picture of its job.

A server that is killed between a picture's file and its row in the job store finds the picture by
its claim, so that the file is kept and not made a second time.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import uuid
from dataclasses import asdict
from pathlib import Path

from jobs.messages import PictureDone
from jobs.store import JobStore


class ClaimLedger:
    """Claims of unfinished jobs, one small file a picture below `data_dir`/claims/JOB.

    The worker writes them, the server reads and removes them. A claim without its file, or whose
    file has other bytes, counts for nothing: the worker was killed first, or another program was
    quicker. So does a claim that a power cut has damaged. A kill between a picture and its mask or
    text file loses those, not the picture.
    """

    def __init__(self, data_dir: Path) -> None:
        self._folder = data_dir / "claims"

    def claim(self, made: PictureDone, data: bytes) -> None:
        """Say that `data` will lie at `made.path` in a moment. Raises OSError on a full disk."""
        path = self._folder / made.job_id / f"{made.position:06d}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        told = {**asdict(made), "path": str(made.path.absolute()), "digest": _digest(data)}
        fresh = path.with_suffix(f".{uuid.uuid4().hex}")  # never read while half written
        fresh.write_text(json.dumps(told), encoding="utf-8")
        fresh.replace(path)

    def kept(self, job_id: str) -> list[PictureDone]:
        """The job's claimed pictures that do lie on disk, in order."""
        claims = sorted((self._folder / job_id).glob("*.json"))
        return [made for made in map(_kept, claims) if made is not None]

    def settle(self, job_id: str, store: JobStore) -> None:
        """Record the kept pictures that `store` does not know, and forget the claims.

        For a job whose worker is gone: nobody claims for it any more. Raises StoreError.
        """
        known = {picture.position for picture in store.pictures(job_id)}
        for made in self.kept(job_id):
            if made.position not in known:
                store.add_picture(made)
        self.clear(job_id)

    def clear(self, job_id: str) -> None:
        """Forget the claims of a job that is over."""
        shutil.rmtree(self._folder / job_id, ignore_errors=True)


def _kept(claim: Path) -> PictureDone | None:
    """The picture of one claim, or None; a damaged claim must not keep the server from starting."""
    try:
        told = json.loads(claim.read_text(encoding="utf-8"))
        digest, file = told.pop("digest"), Path(told.pop("path"))
        return PictureDone(path=file, **told) if _digest(file.read_bytes()) == digest else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
