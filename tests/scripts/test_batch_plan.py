"""The dry run of a batch: which file with which mask, prompt and size (behaviour 11)."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from jobs.assets import AssetStore
from pipelines.outpaint import Anchor
from pipelines.pictures import DEFAULT_LIMITS
from pipelines.request import Img2ImgRequest, Inpaint
from scripts.batch_plan import PNG_INFO_FIELDS, BatchAsk, BatchPlanner
from scripts.batch_spec import PLACEHOLDER, BatchFile, BatchSpec, joined, row_request
from scripts.bench import ScriptError
from scripts.folders import FolderPolicy
from tests.scripts.making import A, Finder, M, request

INFO = (
    "a dog\nNegative prompt: fog\n"
    "Steps: 30, Sampler: DPM++ 2M Karras, CFG scale: 4.5, Seed: 77, Size: 64x64, Model hash: one"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "in"
    place.mkdir()
    return place


def picture(path: Path, size: tuple[int, int] = (96, 64), infotext: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    info = PngInfo()
    if infotext:
        info.add_text("parameters", infotext)
    Image.new("RGB", size, "navy").save(path, "PNG", pnginfo=info)
    return path


def planner(folder: Path, policy: FolderPolicy | None = None) -> BatchPlanner:
    assets = AssetStore(folder.parent / "assets")
    return BatchPlanner(policy or FolderPolicy(), assets, DEFAULT_LIMITS, Finder())


Plan = Callable[..., BatchSpec]


@pytest.fixture
def plan(folder: Path) -> Plan:
    def make(base: Img2ImgRequest | None = None, **ask: Any) -> BatchSpec:
        fields: dict[str, Any] = {
            "base": base or request(inpaint=None),
            "input_dir": str(folder),
        } | ask
        return planner(folder).plan(BatchAsk(**fields))

    return make


def names(spec: BatchSpec) -> list[str]:
    return [row.picture.name for row in spec.rows]


def test_files_come_in_natural_order_from_all_sub_folders(folder: Path, plan: Plan) -> None:
    for name in ("10.png", "9.png", "deeper/1.png"):
        picture(folder / name)
    (folder / "notes.md").write_text("no picture")
    assert names(plan()) == ["9.png", "10.png", "deeper/1.png"]


def test_each_row_is_made_at_the_working_size_or_by_the_factor(folder: Path, plan: Plan) -> None:
    picture(folder / "a.png", (96, 80))
    assert [(row.width, row.height) for row in plan().rows] == [(64, 64)]
    assert [(row.width, row.height) for row in plan(scale=1.5).rows] == [(144, 120)]


def test_a_turned_photograph_is_measured_upright(folder: Path, plan: Plan) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (200, 100)).save(folder / "a.jpg", exif=exif)
    assert [(row.width, row.height) for row in plan(scale=1.0).rows] == [(100, 200)]


def test_what_cannot_be_read_is_skipped_with_its_reason(folder: Path, plan: Plan) -> None:
    picture(folder / "a.png")
    (folder / "b.png").write_bytes(b"not a picture")
    picture(folder / "c.png", (16, 16))
    good, bad, small = plan(scale=1.0).rows
    assert good.skip == ""
    assert "no picture" in bad.skip or "not a picture" in bad.skip
    assert "64" in small.skip


@pytest.mark.parametrize(
    ("masks", "expected"),
    [
        (["only.png"], ["only.png", "only.png"]),
        (["b.png", "a.webp.png", "a.jpg"], ["a.jpg", "b.png"]),
        (["b.png", "c.png"], [None, "b.png"]),
    ],
    ids=["one for all", "same base name", "none found"],
)
def test_masks(folder: Path, plan: Plan, masks: list[str], expected: list[str | None]) -> None:
    for name in ("a.png", "b.png"):
        picture(folder / name)
    place = folder.parent / "masks"
    for name in masks:
        picture(place / name)
    rows = plan(base=request(inpaint=Inpaint(mask=M)), mask_dir=str(place)).rows
    assert [row.mask.name if row.mask else None for row in rows] == expected
    assert ["no mask named" in row.skip for row in rows] == [name is None for name in expected]


def test_without_masks_the_form_s_mask_settings_play_no_part(folder: Path, plan: Plan) -> None:
    picture(folder / "a.png")
    spec = plan(base=request(inpaint=Inpaint(mask=M)))
    made = row_request(spec, spec.rows[0], {"picture": A})
    assert (made.inpaint, made.init_images) == (None, (A,))


def test_outpainting_needs_no_masks_and_keeps_its_edge(folder: Path, plan: Plan) -> None:
    picture(folder / "a.png")
    base = request(inpaint=Inpaint(mask=None, blur_x=9), outpaint=Anchor.LEFT, width=128)
    spec = plan(base=base)
    assert spec.rows[0].skip == ""
    made = row_request(spec, spec.rows[0], {"picture": A})
    assert (made.outpaint, made.inpaint) == (Anchor.LEFT, Inpaint(mask=None, blur_x=9))


def test_a_picture_too_large_to_outpaint_is_skipped_with_its_reason(
    folder: Path, plan: Plan
) -> None:
    picture(folder / "a.png", (96, 80))
    base = request(inpaint=Inpaint(mask=None), outpaint=Anchor.LEFT, width=128)
    assert "choose at least 128x80" in plan(base=base).rows[0].skip


def test_png_info_appends_prompts_and_replaces_the_rest(folder: Path, plan: Plan) -> None:
    picture(folder / "a.png", infotext=INFO)
    (row,) = plan(png_info=True, png_info_fields=PNG_INFO_FIELDS).rows
    assert (row.prompt, row.negative_prompt) == ("a cat on a mat a dog", "dog fog")
    assert (row.seed, row.cfg_scale, row.steps) == (77, 4.5, 30)
    assert (row.sampler, row.checkpoint) == ("DPM++ 2M Karras", "one.safetensors")


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ((), {}),
        (("Seed",), {"seed": 77}),
        (("Steps", "CFG scale"), {"steps": 30, "cfg_scale": 4.5}),
        (("Prompt",), {"prompt": "a cat on a mat a dog"}),
    ],
    ids=["none", "seed", "numbers", "prompt"],
)
def test_only_ticked_fields_are_taken(
    folder: Path, plan: Plan, fields: tuple[str, ...], expected: dict[str, Any]
) -> None:
    picture(folder / "a.png", infotext=INFO)
    plain = plan().rows[0]
    (row,) = plan(png_info=True, png_info_fields=fields).rows
    assert row == plain.model_copy(update=expected)


def test_png_info_of_another_folder_goes_by_file_name(folder: Path, plan: Plan) -> None:
    picture(folder / "a.png")
    picture(folder / "b.png")
    infos = folder.parent / "infos"
    picture(infos / "a.png", infotext=INFO)
    rows = plan(png_info=True, png_info_dir=str(infos), png_info_fields=("Seed",)).rows
    assert [row.seed for row in rows] == [77, None]
    assert rows[1].notes == ("no file of this name in the PNG info folder",)


def test_an_unknown_model_hash_is_said_and_the_selected_checkpoint_stays(
    folder: Path, plan: Plan
) -> None:
    picture(folder / "a.png", infotext=INFO.replace("hash: one", "hash: 0123456789"))
    (row,) = plan(png_info=True, png_info_fields=("Model hash",)).rows
    assert (row.checkpoint, row.notes) == ("", ("no checkpoint here has the hash 0123456789",))


def test_captions_come_from_the_text_file_beside(folder: Path, plan: Plan) -> None:
    picture(folder / "a.png")
    picture(folder / "b.png")
    (folder / "a.txt").write_text("a red\n barn\n")
    rows = plan(captions="files").rows
    assert [row.prompt for row in rows] == ["a cat on a mat, a red barn", "a cat on a mat"]
    assert rows[1].notes == ("no caption file",)


def test_uploaded_captions_go_by_base_name(folder: Path, plan: Plan) -> None:
    name = planner(folder).assets.add(picture(folder / "x.png").read_bytes())
    files = [BatchFile(name="up.png", ref=name)]
    (row,) = plan(input_dir="", files=files, captions="files", texts={"up": "a boat"}).rows
    assert row.prompt == "a cat on a mat, a boat"


@pytest.mark.parametrize(
    ("prompt", "caption", "expected"),
    [("a", "b", "a, b"), ("a, ", "b", "a, b"), ("", "b", "b"), ("a", "", "a")],
    ids=["both", "comma", "caption alone", "prompt alone"],
)
def test_captions_stand_behind_the_prompt(prompt: str, caption: str, expected: str) -> None:
    assert joined(prompt, caption) == expected


def test_an_output_folder_gets_names_of_the_inputs(folder: Path, plan: Plan) -> None:
    picture(folder / "a.png")
    spec = plan(output_dir=str(folder.parent / "out"))
    assert spec.saving is not None
    assert spec.saving.directory == str((folder.parent / "out").resolve())
    assert (spec.saving.names, spec.saving.folders) == ("[basename]-[generation_number]", "")
    assert spec.base.init_images == (PLACEHOLDER,)


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        ({"input_dir": ""}, "no pictures"),
        ({"input_dir": "/nowhere/at/all"}, "there is no folder"),
        ({"mask_dir": "/nowhere/at/all"}, "there is no folder"),
        ({"png_info_dir": "/nowhere/at/all"}, "there is no folder"),
    ],
    ids=["nothing", "no input folder", "no mask folder", "no info folder"],
)
def test_what_cannot_run_is_said_before(
    folder: Path, plan: Plan, ask: dict[str, str], message: str
) -> None:
    picture(folder / "a.png")
    with pytest.raises(ScriptError, match=message):
        plan(**ask)


def test_an_empty_folder_is_said(plan: Plan) -> None:
    with pytest.raises(ScriptError, match="there are no pictures in"):
        plan()


def test_a_shared_server_reads_below_its_roots_only(folder: Path) -> None:
    picture(folder / "a.png")
    policy = FolderPolicy((folder.parent / "assets",), shared=True)
    (folder.parent / "assets").mkdir(exist_ok=True)
    for name in ("input_dir", "output_dir", "mask_dir", "png_info_dir"):
        ask: dict[str, Any] = {"base": request(inpaint=None), name: str(folder)}
        ask["files"] = [] if name == "input_dir" else [BatchFile(name="a.png", ref=A)]
        with pytest.raises(ScriptError, match="is not below"):
            planner(folder, policy).plan(BatchAsk(**ask))
