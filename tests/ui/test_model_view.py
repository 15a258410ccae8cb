"""What is shown as the model's view is what the job works on (behaviour 2.3, 2.4, 3)."""

from __future__ import annotations

import pytest
from PIL import Image

from pipelines.geometry import Extent
from ui.model_view import MaskUse, seen_part, sentence


def mask_of(box: tuple[int, int, int, int], size: tuple[int, int] = (512, 512)) -> Image.Image:
    mask = Image.new("L", size)
    mask.paste(255, box)
    return mask


@pytest.mark.parametrize(
    ("padding", "expected"),
    [(32, (158, 128, 342, 312)), (0, (190, 160, 310, 280)), (2048, (0, 0, 512, 512))],
    ids=["behaviour 3 [T] full chain", "padding 0", "padding beyond the picture"],
)
def test_seen_part(padding: int, expected: tuple[int, int, int, int]) -> None:
    use = MaskUse(blur=4, invert=False, only_masked=True, padding=padding)
    part = seen_part(mask_of((200, 180, 300, 260)), use, Extent(512, 512))
    assert part == expected


def test_blur_is_taken_first_and_inverting_before_it() -> None:
    whole = mask_of((0, 0, 512, 512))
    use = MaskUse(blur=0, invert=True, only_masked=True, padding=32)
    assert seen_part(whole, use, Extent(512, 512)) is None
    corner = mask_of((0, 0, 500, 512))
    assert seen_part(corner, use, Extent(256, 512)) == (256, 0, 512, 512)


def test_a_dot_that_the_blur_removes_is_nothing() -> None:
    use = MaskUse(blur=32, invert=False, only_masked=True, padding=32)
    assert seen_part(mask_of((100, 100, 101, 101)), use, Extent(512, 512)) is None


@pytest.mark.parametrize(
    ("part", "target", "whole", "text"),
    [
        (
            (184, 184),
            (512, 512),
            False,
            "The model sees 184x184 around the mask, at 512x512 (2.8x)",
        ),
        (
            (1280, 1280),
            (512, 512),
            False,
            "The model sees 1280x1280 around the mask, at 512x512 (0.4x: detail will be lost)",
        ),
        (
            (512, 512),
            (512, 512),
            True,
            "The model sees the whole picture, 512x512 at 512x512 (1x)",
        ),
    ],
)
def test_sentence(part: tuple[int, int], target: tuple[int, int], whole: bool, text: str) -> None:
    assert sentence(Extent(*part), Extent(*target), whole=whole) == text
