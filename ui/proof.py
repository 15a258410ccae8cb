"""The proof under an inpaint result: how many pixels outside the mask differ from the input.

Outside is where the job promised to keep the prepared picture byte for byte: where the mask, as
blurred, is 0 (see `pipelines.prepare`).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from PIL.Image import Image

from pipelines.prepare import prepare
from pipelines.request import Img2ImgRequest
from ui.texts import MESSAGES


class Proof(NamedTuple):
    """Pixels outside the mask: how many there are, and how many of them changed."""

    outside: int
    changed: int

    @property
    def sentence(self) -> str:
        """For the line under the result."""
        return MESSAGES["outside_changed"].format(changed=self.changed, outside=self.outside)


def is_provable(request: Img2ImgRequest) -> bool:
    """Whether the promise holds for a job: one picture, a hard mask, the original pasted back."""
    inpaint = request.inpaint
    return (
        inpaint is not None
        and inpaint.round
        and inpaint.soft is None
        and request.overlay_inpaint
        and len(request.init_images) == 1
    )


def prove(request: Img2ImgRequest, init_image: Image, mask: Image, result: Image) -> Proof | None:
    """Compare a result with what its job started from; None when nothing was to be kept."""
    prepared = prepare(request, [init_image], mask).images[0]
    if prepared.overlay is None:
        return None
    width, height = result.size
    kept = np.asarray(prepared.overlay)[:height, :width]
    outside = kept[..., 3] == 255
    differs = (np.asarray(result.convert("RGB")) != kept[..., :3]).any(axis=2)
    return Proof(int(outside.sum()), int((differs & outside).sum()))
