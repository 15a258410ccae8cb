"""What the page tells about a result beside its input: sentences, and two pictures on demand.

The arithmetic is in `pipelines.proof`; results never wait for it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

from jobs.assets import AssetStore
from jobs.spec import JobView, Picture
from pipelines.pictures import PictureLimits, open_picture
from pipelines.proof import GAIN, Comparison, Seam, change, compare, seam
from ui.texts import MESSAGES

LOSSLESS = frozenset({".png"})
"""Files that keep every pixel; others are not judged."""


class Results(Protocol):
    """The part of the job engine that is asked here."""

    def picture(self, owner: str, picture_id: str) -> Picture | None:
        """A finished picture of this owner."""

    def view(self, job_id: str) -> JobView | None:
        """The job as it is now."""


@dataclass(frozen=True)
class Proofs:
    """Finds what belongs to a result."""

    results: Results
    assets: AssetStore
    limits: PictureLimits

    def comparison(self, owner: str, picture_id: str) -> Comparison | None:
        """The result beside its input; None when it is not his, or was made from nothing.

        Raises OSError and ValueError when a file is gone or cannot be read.
        """
        picture = self.results.picture(owner, picture_id)
        job = None if picture is None else self.results.view(picture.job_id)
        if picture is None or job is None or not is_comparable(job, picture):
            return None
        request = job.spec.request
        in_batch = picture.position % request.batch_size
        source = request.init_images[in_batch % len(request.init_images)]
        init_image = open_picture(self.assets.path(source), self.limits)
        result = open_picture(picture.path, self.limits)
        mask = None
        if request.inpaint is not None and request.inpaint.mask is not None:
            mask = open_picture(self.assets.path(request.inpaint.mask), self.limits)
        pair = compare(request, init_image, mask, result)
        return pair if picture.path.suffix.lower() in LOSSLESS else replace(pair, mask=None)

    def sentences(self, owner: str, picture_id: str) -> dict[str, str] | None:
        """What is said under a result: `proof`, `seam` (empty without a mask), `difference`."""
        pair = self.comparison(owner, picture_id)
        if pair is None:
            return None
        found = change(pair)
        words = MESSAGES["difference_plain" if pair.mask is None else "difference"]
        difference = words.format(gain=GAIN, inside=found.inside)
        told = {"proof": "", "seam": "", "difference": difference}
        if pair.mask is None:
            return told
        told["proof"] = MESSAGES["outside_changed"].format(
            changed=found.changed, outside=found.outside
        )
        if found.box is not None:
            told["proof"] += MESSAGES["changed_where"].format(**found.box._asdict())
        told["seam"] = _seam_text(seam(pair))
        return told


def is_comparable(job: JobView, picture: Picture) -> bool:
    """Whether a result was made from a picture; grids and txt2img were not."""
    if "plot" in job.facts or not job.spec.request.init_images:
        return False
    is_mask = picture.position >= job.spec.request.picture_count
    return picture.position >= int(job.facts.get("grids", 0)) and not is_mask


def _seam_text(found: Seam | None) -> str:
    if found is None:
        return ""
    return MESSAGES["seam"].format(result=found.result, source=found.source)
