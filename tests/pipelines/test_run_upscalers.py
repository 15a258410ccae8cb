"""Upscalers inside a run: init images, the hires pass, stops, names that do not exist."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image as Pillow
from PIL.Image import Image

from pipelines.events import StopKind
from pipelines.geometry import Extent
from pipelines.request import HiresFix, Img2ImgRequest, Sampling, Seeds
from pipelines.resize import Upscale
from pipelines.run import run
from pipelines.upscalers import Filters, OnTile, Tiles, UnknownUpscaler
from tests.pipelines.pixels import array, noise
from tests.pipelines.run_doubles import Ran, Recorder, request_for
from tests.pipelines.toy_family import toy_pipeline

EXACT = {"denoising_strength": 0.0, "semantics": "exact"}
"""Nothing is sampled: the result is the prepared picture."""


class Nearby:
    """One upscaler, "2x", that doubles pixels in three tiles and remembers how it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Tiles]] = []
        self.targets: list[Extent] = []

    def get(self, name: str, tiles: Tiles, on_tile: OnTile) -> Upscale | None:
        if name != "2x":
            return Filters().get(name, tiles, on_tile)
        self.asked.append((name, tiles))

        def upscale(image: Image, target: Extent) -> Image:
            self.targets.append(target)
            for done in (1, 2, 3):
                on_tile(done, 3)
            return image.resize(target, Pillow.Resampling.NEAREST)

        return upscale


def ran(
    request: Img2ImgRequest,
    upscalers: Nearby,
    stop: Callable[[Recorder], StopKind | None] = lambda _: None,
) -> Ran:
    heard = Recorder(stop)
    pipeline = toy_pipeline()
    report = run(request, pipeline, lambda _: noise(32, 24), heard, upscalers=upscalers)
    return Ran(report, heard)


def hires(**fields: Any) -> Img2ImgRequest:
    return Img2ImgRequest(
        width=64,
        height=64,
        hires=HiresFix(upscaler="2x"),
        sampling=Sampling(sampler="Euler", steps=4, denoising_strength=0.5),
        seeds=Seeds(seed=1, subseed=1),
        **fields,
    )


def test_behaviour_1_1_an_init_image_goes_through_the_upscaler() -> None:
    upscalers = Nearby()
    request = request_for(
        sampling=EXACT, upscaler="2x", width=128, height=96, upscaler_tile=64, n_iter=1
    )
    done = ran(request, upscalers)
    expected = noise(32, 24).resize((128, 96), Pillow.Resampling.NEAREST)
    assert (array(done.image) == array(expected)).all()
    assert upscalers.asked == [("2x", Tiles(64, 8))]
    assert upscalers.targets == [Extent(128, 96)]
    assert "Upscaling, tile 2 of 3" in done.heard.notes
    assert "Upscaler for img2img: 2x" in done.heard.pictures[0].infotext


def test_without_an_upscaler_it_is_lanczos() -> None:
    upscalers = Nearby()
    done = ran(request_for(sampling=EXACT, width=128, height=96), upscalers)
    expected = noise(32, 24).resize((128, 96), Pillow.Resampling.LANCZOS)
    assert (array(done.image) == array(expected)).all()
    assert upscalers.asked == []
    assert "Upscaler" not in done.heard.pictures[0].infotext


def test_behaviour_16_hires_pictures_go_through_the_upscaler() -> None:
    upscalers = Nearby()
    done = ran(hires(), upscalers)
    assert done.image.size == (128, 128)
    assert upscalers.targets == [Extent(128, 128)]


@pytest.mark.parametrize(
    "request_",
    [hires().model_copy(update={"hires": HiresFix(upscaler="9x")}), request_for(upscaler="9x")],
    ids=["hires", "img2img"],
)
def test_an_unknown_upscaler_is_said_before_the_first_step(request_: Img2ImgRequest) -> None:
    with pytest.raises(UnknownUpscaler, match="could not find upscaler named 9x; there are None"):
        ran(request_, Nearby())


def while_upscaling(kind: StopKind) -> Callable[[Recorder], StopKind | None]:
    """Pressed when the first tile is done; "skip" is forgotten when it was seen."""
    pressed: list[StopKind] = []

    def ask(seen: Recorder) -> StopKind | None:
        if not any("tile 1" in note for note in seen.notes) or (pressed and kind is StopKind.SKIP):
            return None
        pressed.append(kind)
        return kind

    return ask


def test_a_stop_ends_the_wait_for_an_init_image() -> None:
    request = request_for(upscaler="2x", width=128, height=96)
    done = ran(request, Nearby(), while_upscaling(StopKind.NOW))
    assert done.report.interrupted
    assert done.images == []
    assert "Upscaling, tile 2 of 3" not in done.heard.notes


@pytest.mark.parametrize(
    ("kind", "pictures", "interrupted"),
    [(StopKind.NOW, [True], True), (StopKind.SKIP, [True, False], False)],
    ids=["now", "skip"],
)
def test_a_stop_within_the_hires_upscaling_keeps_the_first_pass(
    kind: StopKind, pictures: list[bool], interrupted: bool
) -> None:
    done = ran(hires(n_iter=2), Nearby(), while_upscaling(kind))
    assert [one.incomplete for one in done.heard.pictures] == pictures
    assert done.image.size == (64, 64)
    assert done.report.interrupted is interrupted
