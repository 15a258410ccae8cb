"""`use_old_hires_fix_width_height` (behaviour 16)."""

from __future__ import annotations

import pytest

from pipelines.old_hires import old_first_pass, with_old_hires
from pipelines.request import HiresFix, Img2ImgRequest

# ceil(sqrt(512^2 / (W H)) * side / 64) * 64
SIZES = {
    (1024, 1024): (512, 512),
    (1024, 512): (768, 384),
    (512, 512): (512, 512),
    (1920, 1080): (704, 384),
    (2048, 256): (1472, 192),
}


@pytest.mark.parametrize(("size", "first"), SIZES.items(), ids=str)
def test_first_pass(size: tuple[int, int], first: tuple[int, int]) -> None:
    assert old_first_pass(*size) == first


def test_the_request_gets_both_sizes() -> None:
    request = with_old_hires(Img2ImgRequest(width=1024, height=512, hires=HiresFix(scale=3.0)))
    assert request.hires is not None
    assert (request.width, request.height) == (768, 384)
    assert (request.hires.resize_x, request.hires.resize_y) == (1024, 512)


def test_without_hires_nothing_changes() -> None:
    request = Img2ImgRequest(width=1024, height=512)
    assert with_old_hires(request) is request
