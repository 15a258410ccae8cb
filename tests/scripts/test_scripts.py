"""The scripts on a bench whose jobs are flat pictures (behaviour 12.2-12.7, api 2.6)."""

import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from jobs.spec import JobView
from pipelines.infotext_parse import parse_infotext
from pipelines.outpaint import Anchor
from pipelines.request import Img2ImgRequest, Inpaint, MaskedContent, Seeds
from scripts.bench import Bench, ScriptCall, ScriptError, ScriptFailed, with_keys
from scripts.catalogue import SCRIPTS, described, find_script, run_script, titles
from scripts.loopback import strength
from scripts.plan import PlanError
from scripts.plot_script import joined
from scripts.prompt_matrix import combinations
from scripts.prompts_from_file import line_request, read_line, read_lines
from scripts.sd_upscale import enlarged
from tests.scripts.making import CONTEXT, M, request
from tests.scripts.test_plot_output import Site


class Yard(Site):
    """A site with a bench on it."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.bench = Bench(
            self.shop.engine,
            self.assets,
            self._limits(),
            folder / "out",
            folder / "data",
            lambda: CONTEXT,
            self.shop.plots,
        )

    @staticmethod
    def _limits() -> Any:
        from pipelines.pictures import DEFAULT_LIMITS

        return DEFAULT_LIMITS

    def call(self, title: str, *args: Any, **changes: Any) -> JobView:
        script = find_script(title, "img2img")
        assert script is not None
        base = self.request(**changes)
        call = ScriptCall("ann", base, script.read_args(args))
        job = self.shop.engine.view(run_script(script, call, self.bench))
        assert job is not None
        return job

    @property
    def made(self) -> list[Img2ImgRequest]:
        return self.shop.made


@pytest.fixture
def yard(tmp_path: Path) -> Iterator[Yard]:
    yard = Yard(tmp_path)
    yield yard
    yard.shop.close()


def seeds(made: list[Img2ImgRequest]) -> list[int]:
    return [one.seeds.seed for one in made]


def test_sd_upscale_of_a1111s_suite(yard: Yard) -> None:
    job = yard.call("sd upscale", "", 8, "Lanczos", 2.0)
    (picture,) = job.pictures
    assert (picture.width, picture.height) == (128, 128)
    assert seeds(yard.made) == list(range(5, 14))
    assert {(one.width, one.height, one.inpaint) for one in yard.made} == {(64, 64, None)}
    assert picture.infotext.endswith("SD upscale overlap: 8, SD upscale upscaler: Lanczos")
    assert picture.path.parent.parent.name == "img2img-images"
    assert yard.shop.engine.picture("ann", picture.id) is not None


def test_sd_upscale_takes_tiles_in_batches_and_counts_seeds_by_batch(yard: Yard) -> None:
    job = yard.call("SD upscale", "", 8, "Lanczos", 2.0, batch_size=4, n_iter=2)
    assert [one.batch_size for one in yard.made] == [4, 4, 1] * 2
    assert seeds(yard.made) == [5, 6, 7, 6, 7, 8]
    assert [picture.seed for picture in job.pictures] == [5, 6]


@pytest.mark.parametrize(
    ("size", "scale", "upscaler", "expected"),
    [
        ((100, 70), 2.0, "Lanczos", (200, 136)),
        ((100, 70), 1.0, "Nearest", (96, 64)),
        ((100, 70), 4.0, "None", (100, 70)),
    ],
)
def test_enlarged_sides_are_multiples_of_eight(
    size: tuple[int, int], scale: float, upscaler: str, expected: tuple[int, int]
) -> None:
    assert enlarged(Image.new("RGB", size), upscaler, scale).size == expected


@pytest.mark.parametrize(
    ("curve", "expected"),
    [
        ("Aggressive", [0.75, 0.625, 0.5335, 0.5]),
        ("Linear", [0.75, 0.6667, 0.5833, 0.5]),
        ("Lazy", [0.75, 0.7165, 0.625, 0.5]),
    ],
)
def test_strengths_of_12_3(curve: str, expected: list[float]) -> None:
    found = [strength(loop, 4, 0.75, 0.5, curve) for loop in range(4)]
    assert found == pytest.approx(expected, abs=5e-5)


def test_one_loop_keeps_its_strength() -> None:
    assert strength(0, 1, 0.75, 0.5, "Linear") == 0.75


def test_loopback_feeds_on_its_results(yard: Yard) -> None:
    job = yard.call("Loopback", 3, 0.25, "Linear", inpaint=Inpaint(mask=M, content=0))
    assert [one.sampling.denoising_strength for one in yard.made] == [0.75, 0.5, 0.25]
    assert seeds(yard.made) == [5, 6, 7]
    contents = [one.inpaint.content for one in yard.made if one.inpaint]
    assert contents == [MaskedContent.FILL, MaskedContent.ORIGINAL, MaskedContent.ORIGINAL]
    assert len({one.init_images for one in yard.made}) == 2  # equal results have equal names
    assert [picture.seed for picture in job.pictures] == [5, 6, 7]
    assert job.pictures[0].infotext.endswith(
        "Final denoising strength: 0.25, Denoising curve: Linear"
    )


@pytest.mark.parametrize("corrects", [True, False], ids=["on", "off"])
def test_behaviour_12_3_colours_are_those_of_the_first_picture_in_every_loop(
    yard: Yard, corrects: bool
) -> None:
    yard.call("Loopback", 3, 0.25, "Linear", color_correction=corrects)
    first = yard.made[0].init_images[0] if corrects else None
    assert [one.color_reference for one in yard.made] == [first] * 3
    assert yard.made[1].init_images != yard.made[0].init_images


@pytest.mark.parametrize(
    ("append", "prompt", "expected"),
    [
        ("CLIP", "a cat", "a cat, a barn"),
        ("DeepBooru", "", "a barn"),
        ("None", "a cat", "a cat"),
    ],
)
def test_behaviour_12_3_an_interrogated_text_stands_behind_the_prompt_of_each_loop(
    yard: Yard, append: str, prompt: str, expected: str
) -> None:
    yard.call("Loopback", 2, 0.5, "Linear", append, prompt=prompt)
    assert [one.prompt for one in yard.made] == [expected, expected]
    assert len(yard.shop.asked) == (0 if append == "None" else 2)


def test_several_passes_begin_again_and_keep_their_last(yard: Yard) -> None:
    job = yard.call("Loopback", 2, 0.5, n_iter=2)
    assert seeds(yard.made) == [5, 6, 7, 8]
    assert yard.made[2].init_images == yard.made[0].init_images
    assert [picture.seed for picture in job.pictures] == [6, 8]


@pytest.mark.parametrize(
    ("text", "options", "expected"),
    [
        ("a cat", {}, ["a cat"]),
        ("a|b|c", {}, ["a", "a, b", "a, c", "a, b, c"]),
        ("a|b", {"at_start": True}, ["a", "b, a"]),
        ("a | b", {"comma": False}, ["a", "a b"]),
    ],
)
def test_combinations_of_12_7(text: str, options: dict[str, bool], expected: list[str]) -> None:
    assert combinations(text, **options) == expected


def test_prompt_matrix_has_a_grid_before_its_pictures(yard: Yard) -> None:
    job = yard.call("prompt matrix", prompt="a|b|c")
    assert [one.prompt for one in yard.made] == ["a", "a, b", "a, c", "a, b, c"]
    assert seeds(yard.made) == [5, 5, 5, 5]
    assert len(job.pictures) == 5
    assert job.pictures[0].width > 2 * 64


def test_prompt_matrix_with_different_seeds_on_the_negative_prompt(yard: Yard) -> None:
    yard.call("prompt matrix", False, True, "negative", "space", negative_prompt="x|y")
    assert [one.negative_prompt for one in yard.made] == ["x", "x y"]
    assert seeds(yard.made) == [5, 6]


def test_too_many_parts_are_refused() -> None:
    with pytest.raises(ScriptError, match="9 variable parts make 512"):
        combinations("|".join("abcdefghij"))


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("a cat, a dog", {"prompt": "a cat, a dog"}),
        ('--prompt "a cat" --steps 7', {"prompt": "a cat", "steps": 7}),
        ("--prompt a big cat --seed 3", {"prompt": "a big cat", "seed": 3}),
        ("--cfg_scale 7.5 --tiling true", {"cfg_scale": 7.5, "tiling": True}),
        ("--sampler_name 'Euler a'", {"sampler_name": "Euler a"}),
    ],
)
def test_lines_of_12_7(line: str, expected: dict[str, Any]) -> None:
    assert read_line(line) == expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no prompt in the list"),
        ("ok\n--elephant 3", "line 2: --elephant is not known"),
        ("--steps many", "--steps 'many' is no such value"),
        ('--prompt "open', "cannot be read"),
    ],
)
def test_bad_lists_are_said(text: str, said: str) -> None:
    with pytest.raises(ScriptError, match=said):
        read_lines(text)


@pytest.mark.parametrize(
    ("place", "expected"), [("start", "a dog a cat on a mat"), ("end", "a cat on a mat a dog")]
)
def test_the_lines_prompt_joins_the_pages(place: str, expected: str) -> None:
    assert line_request(request(), {"prompt": "a dog"}, place, CONTEXT).prompt == expected


def test_a_line_sets_fields() -> None:
    fields = {"sampler_name": "ddim", "sd_model": "two", "styles": "oil", "width": 128}
    made = line_request(request(), fields, "start", CONTEXT)
    assert (made.sampling.sampler, made.checkpoint, made.width) == ("DDIM", "two.safetensors", 128)
    assert made.prompt.endswith("oil painting")


@pytest.mark.parametrize(
    "fields", [{"sampler_name": "x"}, {"sd_model": "x"}, {"styles": "x"}, {"steps": 0}]
)
def test_a_line_with_unknown_names_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ScriptError):
        line_request(request(), fields, "start", CONTEXT)


def test_all_lines_run_and_seeds_may_count(yard: Yard) -> None:
    job = yard.call("Prompts from file or textbox", True, False, "start", "a\n\nb --x", prompt="")
    assert [one.prompt for one in yard.made] == ["a", "b --x"]
    assert seeds(yard.made) == [5, 6]
    assert len(job.pictures) == 2


def test_the_same_random_seed_for_all_lines(yard: Yard) -> None:
    yard.call("Prompts from file or textbox", False, True, "start", "a\nb", seeds=Seeds())
    yard.call("Prompts from file or textbox", False, False, "start", "a\nb", seeds=Seeds())
    same, other = yard.made[:2], yard.made[2:]
    assert len(set(seeds(same))) == 1
    assert len(set(seeds(other))) == 2


PLOT = [4, "3,4", [], 9, "", ["Euler a", "DDIM"], 0, "", []]


def test_the_plot_as_a_script(yard: Yard) -> None:
    job = yard.call("x/y/z plot", *PLOT, True, True)
    assert [(one.sampling.steps, one.sampling.sampler) for one in yard.made] == [
        (3, "Euler a"),
        (4, "Euler a"),
        (3, "DDIM"),
        (4, "DDIM"),
    ]
    assert len(job.pictures) == 5
    params = parse_infotext(job.pictures[0].infotext).params
    assert (params["Script"], params["Y Values"]) == ("X/Y/Z plot", "Euler a,DDIM")


def test_without_lone_images_there_is_the_grid_alone(yard: Yard) -> None:
    assert len(yard.call("x/y/z plot", *PLOT).pictures) == 1


@pytest.mark.parametrize(
    ("args", "error", "said"),
    [
        ([99, "1"], ScriptError, "no axis number 99"),
        ([4, ""], PlanError, "no values"),
        (["Elephant", "1"], ScriptError, "cannot be used"),
        ([True, "1"], ScriptError, "is no axis"),
        ([4, "1", 7], ScriptError, "is no list"),
    ],
)
def test_bad_plot_arguments(yard: Yard, args: list[Any], error: Any, said: str) -> None:
    with pytest.raises(error, match=said):
        yard.call("x/y/z plot", *args)
    assert yard.made == []


def test_a_failed_job_fails_its_script(yard: Yard) -> None:
    yard.shop.fate = lambda _: "out of memory"
    with pytest.raises(ScriptFailed, match="out of memory"):
        yard.call("sd upscale", "", 8, "Lanczos", 2.0)


def test_an_interrupted_script_keeps_what_it_has(yard: Yard) -> None:
    yard.shop.fate = lambda one: "hang" if one.seeds.seed == 6 else ""
    threading.Thread(target=_interrupt, args=(yard,), daemon=True).start()
    job = yard.call("Loopback", 3, 0.25)
    assert [picture.seed for picture in job.pictures] == [5]
    assert "interrupted" in job.facts["notes"][0]


def _interrupt(yard: Yard) -> None:
    assert yard.shop.hangs.wait(20)
    running = yard.shop.engine.running()
    assert running is not None
    yard.shop.engine.request_stop(running.id)


@pytest.mark.parametrize(
    ("title", "args", "said"),
    [
        ("sd upscale", ["", 300], "Tile overlap: 300 is not between 0 and 256"),
        ("sd upscale", ["", 64, "ESRGAN"], 'Upscaler: "ESRGAN" is none of None, Lanczos'),
        ("sd upscale", ["", "much"], 'Tile overlap: "much" is no such value'),
        ("loopback", [4, 0.5, "Linear", "WD14"], "is none of None, CLIP, DeepBooru"),
    ],
)
def test_arguments_are_checked(title: str, args: list[Any], said: str) -> None:
    script = find_script(title, "img2img")
    assert script is not None
    with pytest.raises(ScriptError) as problem:
        script.read_args(args)
    assert said in str(problem.value)


@pytest.mark.parametrize(
    "title", ["SD upscale", "Loopback", "Outpainting mk2", "Poor man's outpainting", "Regions"]
)
def test_scripts_that_place_pictures_themselves_do_not_outpaint(yard: Yard, title: str) -> None:
    with pytest.raises(ScriptError, match="choose another resize mode"):
        yard.call(title, inpaint=Inpaint(mask=None), outpaint=Anchor.LEFT, width=128)
    assert not yard.made


def test_missing_arguments_take_their_defaults() -> None:
    script = find_script("SD upscale", "img2img")
    assert script is not None
    assert script.read_args([]) == {"overlap": 64, "upscaler": "None", "scale": 2.0}
    assert script.read_args(["", "8", 1, "2", "more"])["upscaler"] == "Lanczos"


def test_titles_are_lower_case_and_by_tab() -> None:
    assert titles("img2img") == [
        "loopback",
        "prompt matrix",
        "prompts from file or textbox",
        "sd upscale",
        "regions",
        "outpainting mk2",
        "poor man's outpainting",
        "img2img alternative test",
        "x/y/z plot",
    ]
    assert titles("txt2img") == ["prompt matrix", "prompts from file or textbox", "x/y/z plot"]
    assert find_script("SD upscale", "txt2img") is None


def test_every_script_describes_its_arguments() -> None:
    found = described()
    assert len(found) == 12
    by_title = {script.title.lower(): script for script in SCRIPTS}
    assert all(len(one["args"]) == len(by_title[one["name"]].args) for one in found)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\nSteps: 4, Version: v1", "a\nSteps: 4, Script: x, Version: v1"),
        ("a\nSteps: 4", "a\nSteps: 4, Script: x"),
        ("", "Script: x"),
    ],
)
def test_keys_go_before_the_version(text: str, expected: str) -> None:
    assert with_keys(text, {"Script": "x"}) == expected


def test_values_of_a_drop_down_keep_their_commas() -> None:
    assert joined(["a, b", "c"]) == '"a, b",c'


COMPOSED: dict[str, tuple[dict[str, Any], str]] = {
    "defaults": ({}, r"out/img2img-images/\d{4}-\d\d-\d\d/00000-5\.png"),
    "samples_save off": ({"samples_save": False}, r"data/results/scripts/00000-5\.png"),
    "save_to_dirs off": ({"save_to_dirs": False}, r"out/img2img-images/00000-5\.png"),
    "outdir_samples": (
        {"outdir_samples": "mine", "directories_filename_pattern": "[width]"},
        r"out/mine/128/00000-5\.png",
    ),
}


@pytest.mark.parametrize(("settings", "expected"), COMPOSED.values(), ids=COMPOSED)
def test_the_settings_say_where_composed_pictures_go(
    yard: Yard, settings: dict[str, Any], expected: str
) -> None:
    (yard.folder / "data").mkdir(exist_ok=True)
    (yard.folder / "data" / "config.json").write_text(json.dumps(settings))
    (picture,) = yard.call("sd upscale", "", 8, "Lanczos", 2.0).pictures
    assert re.fullmatch(expected, picture.path.relative_to(yard.folder).as_posix())
