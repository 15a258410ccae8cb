"""What the settings of the section "Saving images" do to the files of a job, one by one."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from jobs.assets import AssetStore
from jobs.messages import JobDone, PictureDone, RunJob
from jobs.options import OPTIONS, OptionStore
from jobs.saving import PictureSaver
from jobs.saving_options import saving_options
from jobs.worker import JobListener
from pipelines.events import BEFORE_COLOURS, BEFORE_HIRES, FinishedPicture
from pipelines.infotext_apply import apply_infotext
from pipelines.pictures import open_picture, read_infotext
from pipelines.request import Img2ImgRequest
from tests.jobs.doubles import spec
from tests.jobs.test_worker import Post
from tests.pipelines.pixels import array, noise

DEFAULTS = {option.key: option.default for option in OPTIONS}
TEXT = "one two three four five six seven eight nine ten\nSteps: 4, Sampler: Euler, Seed: 7"
PROMPT = TEXT.partition("\n")[0]
INIT = noise(32, 16)


@dataclass
class Site:
    """A worker's saver with folders of its own, and jobs with the settings of the call."""

    folder: Path

    def job(self, settings: dict[str, Any], **changes: Any) -> RunJob:
        self.init = AssetStore(self.folder / "data" / "assets").add(_png(self.folder))
        request = spec(n_iter=3).request.model_copy(
            update={"init_images": (self.init,), "prompt": PROMPT}
        )
        fields: dict[str, Any] = {
            "request": request,
            "saving": saving_options(DEFAULTS | settings),
            "has_grid": True,
        }
        return RunJob("job", spec().model_copy(update=fields | changes))

    def run(self, job: RunJob, *pictures: FinishedPicture) -> JobDone:
        self.post = Post()
        saver = PictureSaver(self.folder / "outputs", self.folder / "data")
        listener = JobListener(self.post, job, saver)  # type: ignore[arg-type]
        for one in pictures:
            listener.on_picture(one)
        return listener.finished(JobDone("job", interrupted=False, facts={"notes": ["a note"]}))

    @property
    def files(self) -> list[str]:
        """Below the output folder, with the day as DAY."""
        root = self.folder / "outputs"
        found = (path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())
        return sorted(re.sub(r"\d{4}-\d\d-\d\d", "DAY", name) for name in found)

    def file(self, name: str) -> Path:
        (found,) = (self.folder / "outputs").rglob(name)
        return found


def _png(folder: Path) -> bytes:
    path = folder / "init.png"
    INIT.save(path)
    return path.read_bytes()


def made(position: int = 0, *, incomplete: bool = False, **more: Any) -> FinishedPicture:
    image = noise(64, 72, seed=position)
    return FinishedPicture(position, image, TEXT, PROMPT, 7 + position, 8, incomplete, **more)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


PICTURES = ["img2img-images/DAY/00000-7.png", "img2img-images/DAY/00001-8.png"]
GRID = "img2img-grids/DAY/grid-0000.png"
HASH = hashlib.md5(INIT.tobytes(), usedforsecurity=False).hexdigest()

FILES: dict[str, tuple[dict[str, Any], list[str]]] = {
    "defaults": ({}, [GRID, *PICTURES]),
    "samples_save off": ({"samples_save": False}, [GRID]),
    "grid_save off": ({"grid_save": False}, PICTURES),
    "grid_format": ({"grid_format": "jpg"}, [GRID.replace("png", "jpg"), *PICTURES]),
    "grid_format unknown": ({"grid_format": "bmp"}, [GRID, *PICTURES]),
    "grid_save_to_dirs off": (
        {"grid_save_to_dirs": False},
        ["img2img-grids/grid-0000.png", *PICTURES],
    ),
    "directories_filename_pattern": (
        {"directories_filename_pattern": "[seed]"},
        ["img2img-grids/7/grid-0000.png", "img2img-images/7/00000-7.png",
         "img2img-images/8/00000-8.png"],
    ),
    "directories_max_prompt_words": (
        {"directories_max_prompt_words": 2, "directories_filename_pattern": "[prompt_words]"},
        ["img2img-grids/one two/grid-0000.png", "img2img-images/one two/00000-7.png",
         "img2img-images/one two/00001-8.png"],
    ),
    "save_init_img": (
        {"save_init_img": True, "grid_save": False},
        [*PICTURES, f"init-images/{HASH}.png"],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("settings", "expected"), FILES.values(), ids=FILES)
def test_files_of_a_job_of_two_pictures(
    site: Site, settings: dict[str, Any], expected: list[str]
) -> None:
    site.run(site.job(settings), made(), made(1))
    assert site.files == sorted(expected)


def test_what_is_not_saved_is_kept_for_the_page(site: Site) -> None:
    site.run(site.job({"samples_save": False, "grid_save": False, "save_mask": True}), made())
    (told,) = (one for one in site.post.sent if isinstance(one, PictureDone))
    assert told.path == site.folder / "data" / "results" / "job" / "00000-7.png"
    assert read_infotext(told.path.read_bytes()) == TEXT


def test_a_folder_that_was_named_is_written_all_the_same(site: Site) -> None:
    job = site.job({"samples_save": False})
    assert job.spec.saving is not None
    named = job.spec.saving.model_copy(update={"directory": str(site.folder / "outputs" / "mine")})
    work = job.spec.model_copy(update={"saving": named})
    site.run(replace(job, spec=work), made())
    assert site.files == ["mine/DAY/00000-7.png"]


class TestGrid:
    """Behaviour 10.6."""

    def test_it_holds_the_pictures_in_order_with_the_first_infotext(self, site: Site) -> None:
        site.run(site.job({"n_rows": 1}), made(1), made())
        grid = site.file("grid-0000.png")
        assert read_infotext(grid.read_bytes()) == TEXT
        pixels = array(open_picture(grid))
        assert (pixels[:, :64] == array(noise(64, 72, seed=0))).all()
        assert (pixels[:, 64:] == array(noise(64, 72, seed=1))).all()

    def test_with_what_an_earlier_attempt_kept(self, site: Site) -> None:
        job = site.job({})
        site.run(job, made(), made(1))
        kept = [one for one in site.post.sent if isinstance(one, PictureDone)]
        site.run(replace(job, done=2, kept=kept), made(2))  # type: ignore[arg-type]
        assert open_picture(site.file("grid-0001.png")).size == (128, 144)

    def test_masks_given_back_are_no_part_of_it(self, site: Site) -> None:
        job = site.job({"return_mask": True, "grid_only_if_multiple": False})
        site.run(job, made(mask=Image.new("L", (64, 72))))
        assert open_picture(site.file("grid-0000.png")).size == (64, 72)

    def test_one_that_is_too_large_is_told_and_loses_nothing(self, site: Site) -> None:
        job = site.job({})
        assert job.spec.saving is not None
        small = job.spec.saving.grid.model_copy(update={"most_pixels": 5_000})
        saving = job.spec.saving.model_copy(update={"grid": small})
        done = site.run(
            replace(job, spec=job.spec.model_copy(update={"saving": saving})), made(), made(1)
        )
        assert site.files == PICTURES
        assert done.facts["notes"] == [
            "a note",
            "the grid was not saved: 128x72 is more than the 0.005 megapixels that the setting "
            "img_max_size_mp allows",
        ]

    @pytest.mark.parametrize(
        ("changes", "count"),
        [({}, 1), ({"has_grid": False}, 2), ({"save": False}, 2)],
        ids=["one picture", "not asked for", "not saved"],
    )
    def test_none(self, site: Site, changes: dict[str, Any], count: int) -> None:
        site.run(site.job({}, **changes), *(made(k) for k in range(count)))
        assert not [name for name in site.files if "grid" in name]


def test_the_setting_is_in_megapixels() -> None:
    assert saving_options(DEFAULTS | {"img_max_size_mp": 3}).grid.most_pixels == 3_000_000


INCOMPLETE: dict[str, tuple[bool, list[str]]] = {
    "off": (False, PICTURES[:1]),
    "on": (True, [GRID, *PICTURES]),
}


@pytest.mark.parametrize(("wanted", "expected"), INCOMPLETE.values(), ids=INCOMPLETE)
def test_save_incomplete_images(site: Site, wanted: bool, expected: list[str]) -> None:
    job = site.job({"save_incomplete_images": wanted})
    site.run(job, made(), made(1, incomplete=True))
    assert site.files == expected
    assert [one.incomplete for one in site.post.sent if isinstance(one, PictureDone)] == [
        False,
        True,
    ]


def test_save_init_img_keeps_the_file_and_tells_its_hash(site: Site) -> None:
    """Behaviour 5.7."""
    site.run(site.job({"save_init_img": True}), made(), made(1))
    (told, _) = (one for one in site.post.sent if isinstance(one, PictureDone))
    assert told.infotext == f"{TEXT}, Init image hash: {HASH}"
    assert read_infotext(told.path.read_bytes()) == told.infotext
    assert site.file(f"{HASH}.png").read_bytes() == _png(site.folder)
    assert apply_infotext(told.infotext, Img2ImgRequest()).unknown == {}


@pytest.mark.parametrize("changes", [{"save": False}, {"request": spec().request}], ids=str)
def test_no_init_image_is_kept(site: Site, changes: dict[str, Any]) -> None:
    """Of a job that is not saved, of txt2img."""
    site.run(site.job({"save_init_img": True}, **changes), made())
    assert not [name for name in site.files if name.startswith("init-images")]


STAGES: dict[str, tuple[dict[str, Any], list[str]]] = {
    "neither": ({}, []),
    "hires fix": ({"save_images_before_highres_fix": True}, ["00000-7-before-highres-fix.png"]),
    "colours": (
        {"save_images_before_color_correction": True, "samples_format": "webp"},
        ["00000-7-before-color-correction.webp"],
    ),
    "not saved": ({"save_images_before_highres_fix": True, "samples_save": False}, []),
}


@pytest.mark.parametrize(("settings", "expected"), STAGES.values(), ids=STAGES)
def test_earlier_stages(site: Site, settings: dict[str, Any], expected: list[str]) -> None:
    drawn: list[str] = []

    def draw(stage: str) -> Callable[[], Image.Image]:
        def now() -> Image.Image:
            drawn.append(stage)
            return noise(16, 24)

        return now

    stages = {stage: draw(stage) for stage in (BEFORE_HIRES, BEFORE_COLOURS)}
    site.run(site.job(settings), made(stages=stages))
    names = [Path(name).name for name in site.files]
    assert [name for name in names if "before" in name] == expected
    assert len(drawn) == len(expected)  # nothing is decoded for nobody
    for name in expected:
        assert open_picture(site.file(name)).size == (16, 24)
        assert read_infotext(site.file(name).read_bytes()) == TEXT


FOLDERS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "outdir_samples": (
        {"outdir_samples": "mine"},
        [GRID, "mine/DAY/00000-7.png", "mine/DAY/00001-8.png"],
    ),
    "outdir_img2img_samples": (
        {"outdir_img2img_samples": "outputs/mine", "save_to_dirs": False},
        [GRID, *(f"mine/{k:05d}-{7 + k}-{PROMPT}.png" for k in (0, 1))],
    ),
    "outdir_grids": ({"outdir_grids": "g"}, ["g/DAY/grid-0000.png", *PICTURES]),
}


@pytest.mark.parametrize(("settings", "expected"), FOLDERS.values(), ids=FOLDERS)
def test_folders_of_the_settings_file(
    site: Site, settings: dict[str, Any], expected: list[str]
) -> None:
    data = site.folder / "data"
    data.mkdir()
    (data / "config.json").write_text(json.dumps(settings))
    site.run(site.job(OptionStore(data).all()), made(), made(1))
    assert site.files == sorted(expected)


def test_files_beside_never_replace_another(site: Site) -> None:
    stages = {BEFORE_HIRES: lambda: noise(16, 24)}
    wish = {
        "save_images_before_highres_fix": True,
        "save_images_add_number": False,
        "samples_filename_pattern": "x",
    }
    mine = site.folder / "outputs" / "img2img-images"
    job = site.job(wish | {"save_to_dirs": False})
    mine.mkdir(parents=True)
    (mine / "x-before-highres-fix.png").write_bytes(b"mine")
    site.run(job, made(stages=stages))
    assert (mine / "x-before-highres-fix.png").read_bytes() == b"mine"
    assert open_picture(mine / "x-before-highres-fix-1.png").size == (16, 24)
