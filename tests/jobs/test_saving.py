"""Pictures to files: names, infotext, nothing half written, nothing overwritten."""

from __future__ import annotations

import hashlib
import re
import stat
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from jobs.messages import RunJob
from jobs.options import OPTIONS, OptionStore
from jobs.saving import MaskPicture, PictureSaver
from jobs.saving_options import SavingOptions, saving_options
from jobs.store import named
from pipelines.events import FinishedPicture
from pipelines.infotext_apply import apply_infotext
from pipelines.pictures import open_picture, read_infotext
from pipelines.reproduction import Environment, environment_of
from pipelines.request import Img2ImgRequest
from tests.jobs.doubles import spec
from tests.pipelines.pixels import array, noise

INFOTEXT = "a hen, ünïcode\nSteps: 4, Sampler: Euler"
PICTURE = noise(64, 72)


def made(position: int = 0, seed: int = 7, incomplete: bool = False) -> FinishedPicture:
    return FinishedPicture(position, PICTURE, INFOTEXT, "a hen", seed, 8, incomplete)


def job(*, save: bool = True, tab: str = "img2img") -> RunJob:
    changes = {"save": save, "tab": tab}
    return RunJob("job", spec().model_copy(update=changes))


@pytest.fixture
def saver(tmp_path: Path) -> PictureSaver:
    return PictureSaver(tmp_path / "outputs", tmp_path / "data")


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("tab", ["img2img", "txt2img"])
def test_pictures_are_numbered_in_a_folder_of_the_day(
    saver: PictureSaver, tmp_path: Path, tab: str
) -> None:
    """Behaviour 10.6."""
    paths = [saver.save(job(tab=tab), made(k, seed=7 + k)) for k in range(2)]
    day = paths[0].parent
    assert day.parent == tmp_path / "outputs" / f"{tab}-images"
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", day.name)
    assert [path.name for path in paths] == ["00000-7.png", "00001-8.png"]


def test_the_file_holds_pixels_and_infotext(saver: PictureSaver) -> None:
    data = saver.save(job(), made()).read_bytes()
    assert (array(open_picture(data)) == array(PICTURE)).all()
    assert read_infotext(data) == INFOTEXT


def test_the_file_can_be_read_by_others(saver: PictureSaver) -> None:
    assert stat.S_IMODE(saver.save(job(), made()).stat().st_mode) == 0o644


@pytest.mark.parametrize(
    ("save", "incomplete"), [(False, False), (True, True)], ids=["not to be kept", "interrupted"]
)
def test_other_pictures_lie_in_the_data_folder(
    saver: PictureSaver, tmp_path: Path, save: bool, incomplete: bool
) -> None:
    path = saver.save(job(save=save), made(3, incomplete=incomplete))
    assert path == tmp_path / "data" / "results" / "job" / "00003-7.png"
    assert read_infotext(path.read_bytes()) == INFOTEXT
    assert saver.save(job(save=save), made(3, incomplete=incomplete)) == path
    assert files(tmp_path) == ["data/results/job/00003-7.png"]


def test_nothing_is_overwritten(saver: PictureSaver) -> None:
    first = saver.save(job(), made())
    first.write_bytes(b"mine")
    stranger = first.with_name("00007-1.png")
    stranger.write_bytes(b"mine, too")
    assert saver.save(job(), made()).name == "00008-7.png"
    assert (first.read_bytes(), stranger.read_bytes()) == (b"mine", b"mine, too")


def save_at_once(saver: PictureSaver, count: int) -> set[Path]:
    """Several workers, or other programs, with the same seed into the same folder."""
    paths: list[Path] = []
    threads = [
        threading.Thread(target=lambda: paths.append(saver.save(job(), made())))
        for _ in range(count)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return set(paths)


def test_many_writers_get_a_name_each(saver: PictureSaver, tmp_path: Path) -> None:
    assert len(save_at_once(saver, 8)) == 8
    assert len(files(tmp_path / "outputs")) == 8


def test_file_systems_without_links_will_do(
    saver: PictureSaver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unsupported(*_: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(Path, "hardlink_to", unsupported)
    names = [saver.save(job(), made()).name for _ in range(2)]
    assert names == ["00000-7.png", "00001-7.png"]
    assert len(save_at_once(saver, 8)) == 8
    assert len(files(tmp_path / "outputs")) == 10


def test_a_write_that_fails_leaves_nothing(
    saver: PictureSaver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("jobs.new_files.os.fsync", full)
    with pytest.raises(OSError, match=r"No space.*00000-7\.png"):
        saver.save(job(), made())
    assert files(tmp_path / "outputs") == []


def test_a_file_in_the_place_of_the_folder_is_an_os_error(tmp_path: Path) -> None:
    (tmp_path / "outputs").write_text("no folder")
    with pytest.raises(OSError, match="outputs"):
        PictureSaver(tmp_path / "outputs", tmp_path / "data").save(job(), made())


# ---------------------------------------------------------------- as the settings say


def saving_job(**saving: Any) -> RunJob:
    changes = {"save": True, "saving": SavingOptions(**saving)}
    return RunJob("job", spec(seed=7).model_copy(update=changes))


def saved(tmp_path: Path, picture: FinishedPicture | None = None, **saving: Any) -> Path:
    work = saving_job(**saving)
    # A picture of its own: Pillow keeps the encoder's settings on one that threads save at once.
    text = f"{INFOTEXT}, Seed: 7, Schedule type: Karras"
    fresh = FinishedPicture(0, PICTURE.copy(), text, "a hen", 7, 8, incomplete=False)
    return PictureSaver(tmp_path / "outputs", tmp_path / "data").save(work, picture or fresh)


@pytest.mark.parametrize(
    ("fmt", "extension"), [("png", "png"), ("jpeg", "jpg"), ("webp", "webp"), ("avif", "avif")]
)
def test_behaviour_10_5_formats_keep_the_infotext(tmp_path: Path, fmt: str, extension: str) -> None:
    path = saved(tmp_path, format=fmt)
    assert path.name == f"00000-7.{extension}"
    assert read_infotext(path).startswith(INFOTEXT)
    assert open_picture(path).size == PICTURE.size


def test_behaviour_10_5_webp_without_loss(tmp_path: Path) -> None:
    path = saved(tmp_path, format="webp", lossless_webp=True)
    assert (array(open_picture(path)) == array(PICTURE)).all()


def test_behaviour_10_5_enable_pnginfo_off(tmp_path: Path) -> None:
    assert read_infotext(saved(tmp_path, infotext=False)) == ""


def test_behaviour_10_5_a_text_file_beside(tmp_path: Path) -> None:
    path = saved(tmp_path, text_file=True)
    assert path.with_suffix(".txt").read_text(encoding="utf-8") == read_infotext(path) + "\n"


def test_behaviour_10_5_what_a_format_cannot_hold_becomes_png(tmp_path: Path) -> None:
    long = FinishedPicture(0, PICTURE, "x" * 40_000, "a hen", 7, 8, incomplete=False)
    assert saved(tmp_path, long, format="jpeg").suffix == ".png"


NAMES = {
    "default": ({}, r"\d{4}-\d\d-\d\d/00000-7\.png"),
    "flat": ({"use_folders": False}, r"00000-7-a hen\.png"),
    "pattern": (
        {
            "file_pattern": "[sampler_scheduler]-[steps]-[prompt]",
            "folder_pattern": "[width]x[height]",
        },
        r"64x72/00000-Euler Karras-20-a_hen\.png",
    ),
    "nested folders": ({"folder_pattern": "a/[seed]"}, r"a/7/00000-7\.png"),
    "no way out": ({"folder_pattern": "../../x"}, r"x/00000-7\.png"),
    "no number": ({"add_number": False, "file_pattern": "[seed]"}, r"[-0-9]+/7\.png"),
    "nothing left": ({"add_number": False, "file_pattern": "[none]"}, r"[-0-9]+/00000\.png"),
}


@pytest.mark.parametrize(("saving", "expected"), NAMES.values(), ids=NAMES)
def test_behaviour_10_6_names(tmp_path: Path, saving: dict[str, Any], expected: str) -> None:
    path = saved(tmp_path, **saving)
    name = path.relative_to(tmp_path / "outputs" / "img2img-images").as_posix()
    assert re.fullmatch(expected, name)


def test_nothing_is_ever_replaced(tmp_path: Path) -> None:
    names = [saved(tmp_path, add_number=False, file_pattern="x").name for _ in range(3)]
    assert names == ["x.png", "x-1.png", "x-2.png"]


def test_without_options_of_its_own_a_job_takes_the_servers(tmp_path: Path) -> None:
    OptionStore(tmp_path / "data").set_many({"samples_format": "webp", "save_to_dirs": False})
    path = PictureSaver(tmp_path / "outputs", tmp_path / "data").save(job(), made())
    assert path.name == "00000-7-a hen.webp"


def test_settings_become_saving_options() -> None:
    options = {option.key: option.default for option in OPTIONS}
    assert saving_options(options) == SavingOptions(folder_pattern="[date]")
    changed = options | {"samples_format": "JPG", "jpeg_quality": 50, "save_txt": True}
    assert saving_options(changed) == SavingOptions(
        format="jpeg", quality=50, text_file=True, folder_pattern="[date]"
    )
    assert saving_options(options | {"samples_format": "bmp"}).format == "png"


def test_behaviour_11_a_batch_s_folder_gets_the_names_of_its_inputs(tmp_path: Path) -> None:
    chosen: dict[str, Any] = {
        "directory": str(tmp_path / "mine"),
        "basename": "holiday",
        "use_folders": False,
    }
    pattern = "[basename]-[generation_number]"
    paths = [saved(tmp_path, **chosen, file_pattern=pattern) for _ in range(2)]
    assert [path.name for path in paths] == ["00000-holiday.png", "00001-holiday.png"]
    assert {path.parent for path in paths} == {tmp_path / "mine"}
    plain = [saved(tmp_path, **chosen, file_pattern=pattern, add_number=False) for _ in range(2)]
    assert [path.name for path in plain] == ["holiday.png", "holiday-1.png"]


MASK = Image.new("L", (64, 72))
MASK.paste(255, (8, 8, 40, 40))
MASK.paste(128, (40, 8, 48, 40))


def inpainted(position: int = 0) -> FinishedPicture:
    return replace(made(position), mask=MASK)


class TestMasks:
    """Behaviour 5.7: the mask, and what was painted, beside an inpainted picture."""

    def save(self, saver: PictureSaver, **saving: Any) -> tuple[Path, list[MaskPicture]]:
        work = saving_job(**saving)
        path = saver.save(work, inpainted())
        return path, saver.masks(work, inpainted(), path)

    def test_nothing_unless_asked_for(self, saver: PictureSaver) -> None:
        path, given = self.save(saver)
        assert given == []
        assert [one.name for one in path.parent.iterdir()] == [path.name]

    def test_saved(self, saver: PictureSaver) -> None:
        path, given = self.save(saver, mask=True, mask_composite=True, format="jpeg")
        names = ["00000-7-mask-composite.png", "00000-7-mask.png", "00000-7.jpg"]
        assert sorted(one.name for one in path.parent.iterdir()) == names
        assert given == []
        mask = open_picture(path.parent / names[1])
        assert (mask.mode, mask.getpixel((9, 9)), mask.getpixel((0, 0))) == (
            "RGB",
            (255, 255, 255),
            (0, 0, 0),
        )
        cut = open_picture(path.parent / names[0])
        assert [cut.getpixel(at)[3] for at in ((9, 9), (44, 9), (0, 0))] == [255, 128, 0]  # type: ignore[index]
        assert cut.getpixel((9, 9))[:3] == PICTURE.getpixel((9, 9))  # type: ignore[index]
        assert read_infotext((path.parent / names[1]).read_bytes()) == INFOTEXT

    def test_given_back_from_the_data_folder(self, saver: PictureSaver, tmp_path: Path) -> None:
        path, given = self.save(saver, return_mask=True, return_mask_composite=True)
        assert [one.position for one in given] == [1, 2]  # behind the job's one picture
        assert all(one.path.is_relative_to(tmp_path / "data") for one in given)
        assert [one.name for one in path.parent.iterdir()] == [path.name]

    def test_only_a_job_of_its_own_will_gives_back(
        self, saver: PictureSaver, tmp_path: Path
    ) -> None:
        OptionStore(tmp_path / "data").set_many({"return_mask": True, "save_mask": True})
        path = saver.save(job(), inpainted())
        assert saver.masks(job(), inpainted(), path) == []
        assert (path.parent / f"{path.stem}-mask.png").is_file()


LARGE = {
    "too wide": ({"second_jpeg_side": 40}, (36, 40)),
    "too heavy": ({"second_jpeg_from_mb": 0.001}, (64, 72)),
    "neither": ({}, None),
    "switched off": ({"second_jpeg_side": 40, "second_jpeg": False}, None),
    "is a JPEG": ({"second_jpeg_side": 40, "format": "jpeg"}, None),
}


@pytest.mark.parametrize(("saving", "size"), LARGE.values(), ids=LARGE)
def test_a_jpeg_beside_large_files(
    saver: PictureSaver, saving: dict[str, Any], size: tuple[int, int] | None
) -> None:
    """Behaviour 10.5: `export_for_4chan`."""
    path = saver.save(saving_job(**saving), made())
    second = path.with_suffix(".jpg")
    if size is None:
        assert second == path or not second.exists()
    else:
        assert open_picture(second).size == size
        assert read_infotext(second.read_bytes()) == INFOTEXT


PATTERNS = {
    "[user]": "ann",
    "[styles]": "film, noir",
    "[prompt_no_styles]": "a_hen",
    "[image_hash<8>]": hashlib.sha256(PICTURE.tobytes()).hexdigest()[:8],
    "[basename]": "photo",
}


@pytest.mark.parametrize(("pattern", "name"), PATTERNS.items(), ids=PATTERNS)
def test_fields_that_the_job_brings(saver: PictureSaver, pattern: str, name: str) -> None:
    """Behaviour 10.6."""
    work = saving_job(
        file_pattern=pattern,
        add_number=False,
        basename="photo",
        styles=("film", "noir"),
        prompt_no_styles="a hen",
    )
    assert saver.save(replace(work, user="ann"), made()).stem == name


def test_names_of_files_need_no_infotext_that_tells_them(saver: PictureSaver) -> None:
    """The settings add_model_name_to_info ... are about infotexts alone."""
    pattern = "[model_name] [model_hash] [vae_filename]"
    work = saving_job(file_pattern=pattern, add_number=False)
    picture = replace(
        made(), infotext="a hen", model_name="mine", model_hash="6ce0161689", vae_name="kl.pt"
    )
    assert saver.save(work, picture).stem == "mine 6ce0161689 kl.pt"


def test_nobody_without_a_name_is_a_user(saver: PictureSaver) -> None:
    """Behaviour 0.5: an empty `[user]` stays as it is."""
    work = saving_job(file_pattern="[user]", add_number=False)
    assert saver.save(work, made()).stem == "[user]"
    assert [named(owner) for owner in ("local", "guest-1f", "ann")] == ["", "", "ann"]


def test_libraries_and_user_in_the_infotext(tmp_path: Path) -> None:
    saver = PictureSaver(tmp_path, tmp_path, {"torch": "2.13.0+cpu", "pillow": "12.3.0"}, "cuda:0")
    work = replace(saving_job(libraries=True, user=True), user="ann: b")
    picture = replace(made(), infotext=f"{INFOTEXT}, Version: x")
    told = saver.told(work, picture).infotext
    assert told.endswith(
        "Sampler: Euler, Libraries: pillow 12.3.0; torch 2.13.0+cpu; device cuda-0, "
        'Version: x, User: "ann: b"'
    )
    place = environment_of(told)
    assert place == Environment({"torch": "2.13.0+cpu", "pillow": "12.3.0"}, "cuda:0")
    assert apply_infotext(told, Img2ImgRequest()).unknown == {}
    assert saver.told(saving_job(), picture) is picture
