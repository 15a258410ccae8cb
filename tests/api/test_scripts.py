"""Scripts over the API: lists, arguments, answers (api 2.6, 7.1)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from scripts.wiring import build_bench
from tests.api.conftest import Api, opened, png
from tests.api.doubles import FakeEngine
from tests.scripts.shop import Shop

SUITE: dict[str, Any] = {"width": 64, "height": 64, "steps": 3, "inpaint_full_res": False}


@pytest.fixture
def scripted(make_api: Callable[[], Api], tmp_path: Path) -> Iterator[tuple[Api, Shop]]:
    """An API whose engine is a real one with a worker that makes flat pictures."""
    shop = Shop(tmp_path, lambda _: {})
    plain = make_api().services
    bench = build_bench(
        shop.engine, plain.assets, plain.limits, plain.catalog, tmp_path / "out", tmp_path / "data2"
    )
    services = replace(plain, engine=shop.engine, scripts=bench)
    yield Api(services, FakeEngine(tmp_path)), shop
    bench.plots.close()
    shop.close()


def test_lists_name_what_runs(scripted: tuple[Api, Shop]) -> None:
    api, _ = scripted
    assert "sd upscale" in api.get("/scripts")["img2img"]
    assert "sd upscale" not in api.get("/scripts")["txt2img"]
    (info,) = (one for one in api.get("/script-info") if one["name"] == "sd upscale")
    assert info["args"][1] == {
        "label": "Tile overlap",
        "value": 64,
        "minimum": 0,
        "maximum": 256,
        "step": 16,
        "choices": None,
    }


def test_sd_upscale_of_a1111s_suite(scripted: tuple[Api, Shop]) -> None:
    api, shop = scripted
    args = ["", 8, "Lanczos", 2.0]
    answer = api.make("/img2img", **SUITE, script_name="sd upscale", script_args=args, seed=5)
    (image,) = answer["images"]
    assert opened(image).size == (128, 128)
    assert (answer["told"]["all_seeds"], answer["told"]["seed"]) == ([5], 5)
    assert len(shop.made) == 9


def test_the_plot_answers_with_its_grid_first(scripted: tuple[Api, Shop]) -> None:
    api, _ = scripted
    args = [4, "3,5", [], 0, "", [], 0, "", [], True, True]
    answer = api.make("/txt2img", **SUITE, script_name="X/Y/Z plot", script_args=args)
    sizes = [opened(image).size for image in answer["images"]]
    assert sizes[1:] == [(64, 64), (64, 64)]
    assert sizes[0][0] == 128
    told = answer["told"]
    assert (told["index_of_first_image"], len(told["infotexts"]), len(told["all_prompts"])) == (
        1,
        3,
        3,
    )
    assert 'Script: X/Y/Z plot, X Type: Steps, X Values: "3,5"' in told["infotexts"][0]


def test_files_are_only_saved_when_asked_for(scripted: tuple[Api, Shop], tmp_path: Path) -> None:
    api, _ = scripted
    call = {**SUITE, "script_name": "sd upscale", "script_args": ["", 8, "Lanczos", 2.0]}
    api.make("/img2img", **call)
    assert not (tmp_path / "out").exists()
    api.make("/img2img", **call, save_images=True)
    assert len(list((tmp_path / "out" / "img2img-images").rglob("*.png"))) == 1


@pytest.mark.parametrize(
    ("name", "args", "said"),
    [
        ("nope", [], "Script 'nope' not found"),
        ("sd upscale", ["", 999], "script_args: Tile overlap: 999"),
        ("x/y/z plot", [4, "many"], "X/Y/Z plot: Steps: 'many' is not a whole number"),
        ("x/y/z plot", [7, "bird, cat"], "'bird' is neither in the prompt"),
        ("x/y/z plot", [1, "1-1000", [], 4, "1-100"], "100000 cells are more than 10000"),
    ],
)
def test_mistakes_are_said(
    scripted: tuple[Api, Shop], name: str, args: list[Any], said: str
) -> None:
    api, shop = scripted
    body = {**SUITE, "init_images": [png()], "script_name": name, "script_args": args}
    response = api.post("/img2img", body)
    assert response.status_code == 422
    assert said in response.json()["detail"]
    assert shop.made == []


def test_a_failed_job_is_told(scripted: tuple[Api, Shop]) -> None:
    api, shop = scripted
    shop.fate = lambda _: "out of memory"
    body = {**SUITE, "init_images": [png()], "script_name": "loopback"}
    response = api.post("/img2img", body)
    assert response.status_code == 500
    assert response.json()["detail"] == "out of memory"
