"""What a job did to its picture: pixels changed outside the mask, where, and the seam at its edge.

Pure arithmetic on two pictures of one size. Which files belong to a result is not known here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL.Image import Image

from pipelines.compose import overlay_mask
from pipelines.geometry import Bounds, Extent
from pipelines.prepare import PreparedImage, prepare
from pipelines.request import Img2ImgRequest, InpaintArea, MaskedContent, ResizeMode
from pipelines.resize import resize_image

GAIN: Final = 8
"""How much the difference picture amplifies."""

EDGE: Final = 128
"""A pixel whose mask is at least this is inside: half of it or more is new paint."""

ALARM: Final = (255, 0, 170)
OUTLINE: Final = (64, 120, 255)
_FULL: Final = 255

NO_UPSCALER: Final = frozenset({"", "None"})
"""Enlarging by LANCZOS alone."""


@dataclass(frozen=True)
class Comparison:
    """A result beside what its job started from; all parts have one size.

    `before` and `after` are RGB. `mask` (L, white = new paint) is the mask that the original was
    pasted back with: where it is 0 the job promised every byte. None where nothing was promised.
    """

    before: Image
    after: Image
    mask: Image | None = None


class Change(NamedTuple):
    """Pixels that differ in any channel. `box` is around those outside, None without any."""

    outside: int
    """How many pixels were promised to stay."""
    changed: int
    """How many of them did not."""
    inside: int
    """How many of the others differ."""
    box: Bounds | None


class Seam(NamedTuple):
    """Mean colour step across the mask's edge, in 8-bit levels: of the result, of the input."""

    result: float
    source: float


def is_provable(request: Img2ImgRequest) -> bool:
    """Whether the promise holds for a job: one picture, a hard mask, the original pasted back."""
    inpaint = request.inpaint
    return (
        inpaint is not None
        and inpaint.rounds
        and request.overlay_inpaint
        and len(request.init_images) == 1
    )


def compare(
    request: Img2ImgRequest, init_image: Image, mask: Image | None, result: Image
) -> Comparison:
    """Bring a job's input to where it can be laid over the result, by the job's own arithmetic.

    `mask` is the job's, None without one. A result of another size than its prepared input (an
    enlarged one, say) is compared with the input resized to it, and promises nothing.
    """
    if request.inpaint is not None:  # the fill plays no part in what is kept, and takes long
        inpaint = request.inpaint.model_copy(update={"content": MaskedContent.ORIGINAL})
        request = request.model_copy(update={"inpaint": inpaint, "color_correction": False})
    prepared = prepare(request, [init_image], mask).images[0]
    after = result.convert("RGB")
    before = _input(request, prepared)
    surplus = before.width - after.width, before.height - after.height
    if not all(0 <= pixels < 8 for pixels in surplus):
        return Comparison(resize_image(before, ResizeMode.JUST_RESIZE, Extent.of(after)), after)
    place = (0, 0, after.width, after.height)
    kept = None
    if is_provable(request) and prepared.overlay is not None and not _unknown(request, init_image):
        kept = overlay_mask(prepared.overlay).crop(place)
    return Comparison(before.crop(place), after, kept)


def change(pair: Comparison) -> Change:
    """Count what differs, exactly: a single level in a single channel counts."""
    differs = (np.asarray(pair.before) != np.asarray(pair.after)).any(axis=2)
    promised = _promised(pair)
    wrong = differs & promised
    box = Pillow.fromarray(wrong).getbbox() if wrong.any() else None
    return Change(
        outside=int(promised.sum()),
        changed=int(wrong.sum()),
        inside=int((differs & ~promised).sum()),
        box=Bounds(*box) if box else None,
    )


def seam(pair: Comparison) -> Seam | None:
    """The mean colour step across the mask's edge, in the result and at the same place before.

    The edge is made of all pairs of pixels beside or above each other of which one is inside the
    mask (at least half new paint, see EDGE) and one is not. The step of a pair is the absolute
    difference of its two pixels, averaged over R, G and B; the figure is the mean over all pairs,
    0..255. A result whose figure is near the input's has no more of an edge there than the picture
    had before. None when there is no mask or it has no edge within the picture.
    """
    if pair.mask is None:
        return None
    inside = np.asarray(pair.mask) >= EDGE
    steps = [_steps(picture, inside) for picture in (pair.after, pair.before)]
    if not steps[0].size:
        return None
    return Seam(float(steps[0].mean()), float(steps[1].mean()))


def difference_picture(pair: Comparison, gain: int = GAIN) -> Image:
    """Where the pictures differ (RGB): grey, the largest channel's difference times `gain`.

    The outline of the promised area is blue. Pixels that changed in spite of the promise are
    magenta, and thick enough to be seen in a picture that is shown small.
    """
    moved = cv2.absdiff(np.asarray(pair.before), np.asarray(pair.after)).max(axis=2)
    grey = np.minimum(moved.astype(np.int32) * gain, _FULL).astype(np.uint8)
    picture = np.repeat(grey[..., np.newaxis], 3, axis=2)
    if pair.mask is not None:
        promised = _promised(pair)
        thick = max(1, max(promised.shape) // 512)
        picture[_border(promised, thick)] = OUTLINE
        picture[_grown(promised & (moved > 0), 2 * thick)] = ALARM
    return Pillow.fromarray(picture)


def _input(request: Img2ImgRequest, prepared: PreparedImage) -> Image:
    """The picture that a result can be laid over: without paste-back it is the part worked on."""
    if prepared.base is None or (prepared.paste_to is not None and not request.overlay_inpaint):
        return prepared.image
    return prepared.base


def _unknown(request: Img2ImgRequest, init_image: Image) -> bool:
    """Whether an upscaler has enlarged the input, so that only the worker knows its pixels."""
    if request.upscaler in NO_UPSCALER or request.inpaint is None:
        return False
    if request.inpaint.area is InpaintArea.ONLY_MASKED:
        return False
    return request.width > init_image.width or request.height > init_image.height


def _promised(pair: Comparison) -> NDArray[np.bool_]:
    if pair.mask is None:
        return np.zeros((pair.after.height, pair.after.width), np.bool_)
    promised: NDArray[np.bool_] = np.asarray(pair.mask) == 0
    return promised


def _steps(picture: Image, inside: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The step of every pair of neighbours that `inside` divides."""
    pixels = np.asarray(picture)
    found = []
    for here, there in ((np.s_[1:, :], np.s_[:-1, :]), (np.s_[:, 1:], np.s_[:, :-1])):
        edge = inside[here] != inside[there]
        one, other = pixels[here][edge].astype(np.float64), pixels[there][edge].astype(np.float64)
        found.append(np.abs(one - other).mean(axis=1))
    return np.concatenate(found)


def _border(area: NDArray[np.bool_], thick: int) -> NDArray[np.bool_]:
    """Pixels of `area` beside pixels that are not in it."""
    border: NDArray[np.bool_] = area & _grown(~area, thick)
    return border


def _grown(area: NDArray[np.bool_], radius: int) -> NDArray[np.bool_]:
    kernel = np.ones((2 * radius + 1, 2 * radius + 1), np.uint8)
    grown: NDArray[np.bool_] = cv2.dilate(area.astype(np.uint8), kernel) > 0
    return grown
