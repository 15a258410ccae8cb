"""The list of regions is kept for its owner, and its rows become the script's arguments."""

from __future__ import annotations

import io
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from jobs.assets import AssetStore
from scripts.catalogue import find_script
from scripts.region_list import Region, read_regions
from scripts.regions import TITLE
from ui.drawings import DrawingStore
from ui.region_handlers import argument
from ui.region_store import RegionLists, cleaned, is_region, rows_of, thumbnail

A, B = "a" * 64, "b" * 64


def entry(**changes: Any) -> dict[str, Any]:
    return {"id": "one", "mask": A, "prompt": "a hat", "strength": 0.4, "seed": 7} | changes


def test_lists_are_kept_apart_and_survive_a_restart(tmp_path: Path) -> None:
    RegionLists(tmp_path).save("ann", [entry(), entry(id="two", mask=B)])
    again = RegionLists(tmp_path)
    assert again.load("ann") == [entry(), entry(id="two", mask=B)]
    assert again.load("bob") == []
    assert again.used_assets() == {A, B}
    again.save("ann", [])
    assert (again.load("ann"), again.used_assets()) == ([], set())


def test_masks_of_regions_are_in_use(tmp_path: Path) -> None:
    drawings = DrawingStore(tmp_path / "drawings", AssetStore(tmp_path / "assets"))
    drawings.regions.save("ann", [entry()])
    assert drawings.used_assets() == {A}


def test_a_damaged_file_is_an_empty_list(tmp_path: Path) -> None:
    lists = RegionLists(tmp_path)
    lists.save("ann", [entry()])
    (place,) = tmp_path.glob("*/regions/list.json")
    for text in ("{", "[]", '{"regions": 3}', '{"regions": [3, {"id": ""}]}'):
        place.write_text(text)
        assert lists.load("ann") == []


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (entry(), True),
        (entry(mask=""), False),
        (entry(id=3), False),
        ({}, False),
        ("text", False),
    ],
)
def test_only_entries_with_a_name_and_a_mask_count(value: Any, expected: bool) -> None:
    assert is_region(value) is expected


def test_what_the_page_does_not_know_is_not_kept() -> None:
    sent = entry(more=1, prompt="x" * 200_000, seed=[1], strength=None)
    assert cleaned(sent) == {
        "id": "one",
        "mask": A,
        "prompt": "x" * 100_000,
        "strength": None,
    }


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (entry(content=0), {"prompt": "a hat", "denoising_strength": 0.4, "seed": 7}),
        (entry(prompt=None, strength=None, seed=None), {"prompt": "", "seed": -1}),
        (entry(strength=""), {"denoising_strength": None}),
        (entry(content=2), {"masked_content": 2}),
    ],
    ids=["filled in", "left empty", "emptied", "latent noise"],
)
def test_a_row_becomes_a_region(row: dict[str, Any], expected: dict[str, Any]) -> None:
    region = Region.model_validate(argument(row))
    assert {name: getattr(region, name) for name in expected} == expected


def test_the_script_takes_the_rows(tmp_path: Path) -> None:
    from pipelines.pictures import DEFAULT_LIMITS

    assets = AssetStore(tmp_path)
    out = io.BytesIO()
    Image.new("L", (8, 8), 255).save(out, "PNG")
    script = find_script(TITLE, "img2img")
    assert script is not None
    args = script.read_args([[argument(entry(mask=assets.add(out.getvalue())))], 1])
    assert (args["redo"], args["of"]) == (1, "")
    (region,) = read_regions(args["regions"], assets, DEFAULT_LIMITS)
    assert (region.id, region.seed) == ("one", 7)


def test_what_a_run_has_recorded_becomes_rows_again(tmp_path: Path) -> None:
    from pipelines.pictures import DEFAULT_LIMITS

    assets = AssetStore(tmp_path)
    out = io.BytesIO()
    Image.new("L", (8, 8), 255).save(out, "PNG")
    region = Region(id="one", mask=assets.add(out.getvalue()), prompt="a hat", seed=7)
    recorded = {**region.model_dump(mode="json"), "under": B}
    (row,) = rows_of([recorded], assets, DEFAULT_LIMITS)
    assert is_region(row)
    assert cleaned(row) == row
    assert Region.model_validate(argument(row)) == region


def test_thumbnail_shows_where_the_mask_is() -> None:
    mask = Image.new("L", (640, 320))
    mask.paste(90, (0, 0, 320, 320))
    address = thumbnail(mask)
    assert len(address) < 600
    small = Image.open(io.BytesIO(b64decode(address.partition(",")[2])))
    assert small.size == (64, 32)
    assert (small.getpixel((4, 4)), small.getpixel((60, 4))) == (255, 0)
