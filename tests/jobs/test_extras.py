"""Extras as jobs: spec, store, and a real worker's desk with a tiny upscaler."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import PIL.Image
import pytest
import torch
from PIL.PngImagePlugin import PngInfo
from pydantic import ValidationError

from jobs.assets import AssetStore
from jobs.extras import ExtrasWork
from jobs.messages import JobDone, RunJob
from jobs.saving import PictureSaver
from jobs.spec import JobSpec, StopKind
from jobs.worker_extras import ExtrasDesk
from jobs.worker_upscalers import UpscalerShelf
from pipelines.events import FinishedPicture
from pipelines.extras import Extras, ExtrasError
from pipelines.geometry import Extent
from pipelines.pictures import PictureError, PictureLimits, read_metadata
from pipelines.upscalers import Tiles, UnknownUpscaler
from tests.jobs.doubles import Workshop
from tests.models.upscaler_nets import compact_shapes, random_weights, write_upscaler
from tests.pipelines.pixels import array, noise

BY_TWO = Extras(upscaler_1="2x-tiny", factor=2, tile=16, tile_overlap=4)


def spec(work: ExtrasWork, *, save: bool = True) -> JobSpec:
    return JobSpec(kind="extras", extras=work, save=save)


def png(size: tuple[int, int] = (24, 16), texts: dict[str, str] | None = None) -> bytes:
    chunks = PngInfo()
    for key, text in (texts or {}).items():
        chunks.add_text(key, text)
    out = io.BytesIO()
    noise(*size).save(out, "PNG", pnginfo=chunks)
    return out.getvalue()


class Listener:
    """Keeps what it hears; `stop_at` is the number of the question that is answered."""

    def __init__(self, stop_at: int = 0, kind: StopKind = StopKind.NOW) -> None:
        self.tiles: list[tuple[int, int, int, int]] = []
        self.pictures: list[FinishedPicture] = []
        self._asked = 0
        self._stop_at = stop_at
        self._kind = kind

    def on_tile(self, place: int, places: int, done: int, total: int) -> None:
        self.tiles.append((place, places, done, total))

    def on_picture(self, picture: FinishedPicture) -> None:
        self.pictures.append(picture)

    def stop_asked(self) -> StopKind | None:
        self._asked += 1
        if self._kind is StopKind.SKIP:
            return self._kind if self._asked == self._stop_at else None
        return self._kind if self._stop_at and self._asked >= self._stop_at else None


class Yard:
    """A desk with one upscaler, `2x-tiny`, and a store of uploads."""

    def __init__(self, folder: Path) -> None:
        weights = random_weights(compact_shapes(scale=2, convs=0))
        write_upscaler(folder / "models" / "ESRGAN" / "2x-tiny.pth", weights)
        self.assets = AssetStore(folder / "assets")
        self.shelf = UpscalerShelf(folder / "models", "cpu")
        limits = PictureLimits(max_pixels=100_000)
        self.desk = ExtrasDesk(self.assets, self.shelf, limits)

    def run(self, work: ExtrasWork, listener: Listener, done: int = 0) -> JobDone:
        return self.desk.run(RunJob("job", spec(work), done), listener)


@pytest.fixture
def yard(tmp_path: Path) -> Yard:
    return Yard(tmp_path)


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": "extras"},
        {"kind": "generate", "extras": {"extras": {}, "files": ["/a.png"]}},
        {"kind": "extras", "extras": {"extras": {}}},
        {"kind": "extras", "extras": {"extras": {}, "files": ["/a"], "pictures": ["ab" * 32]}},
        {"kind": "extras", "extras": {"extras": {}, "pictures": ["ab" * 32], "names": ["a", "b"]}},
    ],
    ids=["nothing to do", "two things to do", "no pictures", "two sources", "names too many"],
)
def test_a_job_has_one_part_and_one_source(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        JobSpec.model_validate(fields)


def test_an_extras_job_is_stored_and_its_pictures_are_kept(tmp_path: Path) -> None:
    shop = Workshop(tmp_path)
    worker = shop.start()
    work = ExtrasWork(extras=BY_TWO, pictures=("cd" * 32,), names=("a.png",))
    shop.engine.submit("ann", spec(work))
    assert worker.jobs[0].spec.extras == work
    assert "cd" * 32 in shop.store.used_assets()


def test_a_picture_is_enlarged_in_tiles_and_keeps_its_texts(yard: Yard) -> None:
    told = "a hen\nSteps: 4, Sampler: Euler, Version: x"
    ref = yard.assets.add(png(texts={"parameters": told, "Comment": "mine"}))
    listener = Listener()
    done = yard.run(ExtrasWork(extras=BY_TWO, pictures=(ref,)), listener)
    (picture,) = listener.pictures
    assert picture.image.size == (48, 32)
    assert listener.tiles == [(0, 1, 1, 2), (0, 1, 2, 2), (0, 1, 1, 1)]
    what = "Postprocess upscale by: 2, Postprocess upscaler: 2x-tiny"
    assert picture.infotext == f"a hen\nSteps: 4, Sampler: Euler, {what}, Version: x"
    assert picture.texts == {"parameters": told, "Comment": "mine", "extras": what}
    assert (done.interrupted, done.facts["notes"]) == (False, [])


def test_names_and_folders_of_files(yard: Yard, tmp_path: Path) -> None:
    for name in ("a.png", "b.webp"):
        noise(24, 16).save(tmp_path / name)
    files = tuple(str(tmp_path / name) for name in ("a.png", "b.webp"))
    target = tmp_path / "target"
    work = ExtrasWork(extras=BY_TWO, files=files, keep_names=True, folder=str(target))
    saver = PictureSaver(tmp_path / "outputs", tmp_path / "data")
    for _ in range(2):
        listener = Listener()
        yard.run(work, listener)
        paths = [saver.save(RunJob("job", spec(work)), one) for one in listener.pictures]
    assert [path.parent for path in paths] == [target, target]
    assert len({path.name for path in target.iterdir()}) == 4  # nothing was written over
    assert {"a.png", "b.png"} < {path.name for path in target.iterdir()}


@pytest.mark.parametrize("save", [True, False])
def test_saved_pictures_are_numbered_and_carry_all_texts(
    yard: Yard, tmp_path: Path, save: bool
) -> None:
    ref = yard.assets.add(png(texts={"parameters": "a hen\nSteps: 4, Seed: 1, Size: 8x8"}))
    work = ExtrasWork(extras=BY_TWO, pictures=(ref,), names=("x.png",))
    listener = Listener()
    yard.run(work, listener)
    saver = PictureSaver(tmp_path / "outputs", tmp_path / "data")
    path = saver.save(RunJob("job", spec(work, save=save)), listener.pictures[0])
    if save:
        assert path == tmp_path / "outputs" / "extras-images" / "00000.png"
    else:
        assert path.parent == tmp_path / "data" / "results" / "job"
    texts = read_metadata(path)
    assert texts["parameters"] == "a hen\nSteps: 4, Seed: 1, Size: 8x8"
    assert texts["extras"] == "Postprocess upscale by: 2, Postprocess upscaler: 2x-tiny"


def test_a_picture_without_generation_data_gets_none(yard: Yard, tmp_path: Path) -> None:
    """Read back, the keys of Extras alone would pass for a prompt."""
    ref = yard.assets.add(png())
    work = ExtrasWork(extras=BY_TWO, pictures=(ref,))
    listener = Listener()
    yard.run(work, listener)
    saver = PictureSaver(tmp_path / "outputs", tmp_path / "data")
    path = saver.save(RunJob("job", spec(work)), listener.pictures[0])
    told = "Postprocess upscale by: 2, Postprocess upscaler: 2x-tiny"
    assert read_metadata(path) == {"extras": told}
    assert listener.pictures[0].infotext == told


def test_a_picture_that_cannot_be_used_does_not_end_the_job(yard: Yard, tmp_path: Path) -> None:
    for name, data in (("a.png", b"no picture"), ("b.png", png()), ("c.png", png((200, 200)))):
        (tmp_path / name).write_bytes(data)
    files = tuple(str(tmp_path / f"{name}.png") for name in "abcd")
    work = ExtrasWork(extras=BY_TWO, files=files)
    listener = Listener()
    done = yard.run(work, listener)
    assert [picture.position for picture in listener.pictures] == [0]
    broken, large, gone = done.facts["notes"]
    assert broken.startswith("a.png: ")
    assert large.startswith("c.png: 400x400 would be 160000 pixels, the limit is 100000")
    assert gone.startswith("d.png: ")
    again = Listener()
    yard.run(work, again, done=1)  # after a crash: what was made is not made again
    assert again.pictures == []


BAD: dict[str, tuple[Callable[[Path], ExtrasWork], type[Exception], str]] = {
    "the only picture is none": (
        lambda folder: ExtrasWork(extras=BY_TWO, files=(str(folder / "none.png"),)),
        PictureError,
        "Cannot read the picture none.png",
    ),
    "too large": (
        lambda folder: ExtrasWork(
            extras=BY_TWO.model_copy(update={"factor": 99.0}), files=(str(folder / "b.png"),)
        ),
        ExtrasError,
        "the limit is",
    ),
    "unknown upscaler": (
        lambda folder: ExtrasWork(extras=Extras(upscaler_1="9x"), files=(str(folder / "b.png"),)),
        UnknownUpscaler,
        "there are None, Lanczos, Nearest, 2x-tiny",
    ),
}


@pytest.mark.parametrize(("work", "kind", "said"), BAD.values(), ids=BAD)
def test_mistakes_are_sentences(
    work: Callable[[Path], ExtrasWork], kind: type[Exception], said: str, yard: Yard, tmp_path: Path
) -> None:
    (tmp_path / "b.png").write_bytes(png())
    with pytest.raises(kind, match=said):
        yard.run(work(tmp_path), Listener())


@pytest.mark.parametrize(
    ("stop_at", "kind", "made", "interrupted"),
    [
        (1, StopKind.NOW, [], True),
        (2, StopKind.NOW, [], True),
        (5, StopKind.NOW, [0], True),
        (4, StopKind.AFTER_CURRENT, [0], True),
        (2, StopKind.SKIP, [0], False),
    ],
    ids=["at once", "within the first", "within the second", "after the first", "skip the first"],
)
def test_stops(
    yard: Yard, stop_at: int, kind: StopKind, made: list[int], interrupted: bool
) -> None:
    refs = tuple(yard.assets.add(png((24, 16 + k))) for k in (0, 8))
    listener = Listener(stop_at, kind)
    done = yard.run(ExtrasWork(extras=BY_TWO, pictures=refs), listener)
    assert [picture.position for picture in listener.pictures] == made
    assert done.interrupted is interrupted


def test_the_shelf_keeps_two_and_sees_new_files(yard: Yard, tmp_path: Path) -> None:
    def silent(_done: int, _total: int) -> None: ...

    for name in ("3x", "4x"):
        weights = random_weights(compact_shapes(scale=int(name[0]), convs=0))
        write_upscaler(tmp_path / "models" / "RealESRGAN" / f"{name}.safetensors", weights)
    for name in ("3x", "4x", "2x-tiny", "2X-TINY.pth"):
        assert yard.shelf.get(name, Tiles(), silent) is not None
    assert len(yard.shelf._loaded) == 2
    yard.shelf.clear()
    assert not yard.shelf._loaded
    assert yard.shelf.get("none", Tiles(), silent) is None


def test_too_little_memory_is_said_with_the_way_out(
    yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    upscale = yard.shelf.get("2x-tiny", Tiles(64, 8), lambda done, total: None)
    assert upscale is not None

    def full(*_: Any) -> Any:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr("models.load_upscaler.enlarge_in_tiles", full)
    with pytest.raises(ValueError, match=r"2x-tiny with tiles of 64 pixels.*ESRGAN_tile"):
        upscale(PIL.Image.new("RGB", (8, 8)), Extent(16, 16))


def test_without_an_upscaler_the_pixels_stay(yard: Yard) -> None:
    ref = yard.assets.add(png())
    listener = Listener()
    yard.run(ExtrasWork(extras=Extras(), pictures=(ref,)), listener)
    assert (array(listener.pictures[0].image) == array(noise(24, 16))).all()
    assert listener.pictures[0].texts == {"parameters": ""}
