"""The scripts there are: titles, arguments in A1111's order, and what runs them (api 2.6)."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from scripts import (
    img2img_alternative,
    loopback,
    outpainting_mk2,
    plot_output,
    plot_script,
    poor_mans_outpainting,
    prompt_matrix,
    prompts_from_file,
    regions,
    sd_upscale,
)
from scripts.axis import Tab
from scripts.bench import Bench, Outcome, ScriptCall, ScriptError, shown
from scripts.outpainting import SIDES
from scripts.region_list import MAX_REGIONS
from scripts.values import ValuesError, read_bool

_BOTH: Final[tuple[Tab, ...]] = ("img2img", "txt2img")


@dataclass(frozen=True)
class Arg:
    """One argument. A name of "" is a text of the page that clients send along; it is ignored.

    `choices` may also be given by number, as A1111's pages do. To those of an upscaler the names
    of the files that are there now are added.
    """

    name: str
    label: str
    default: Any
    kind: Literal["text", "int", "float", "flag", "choice", "several", "upscaler", "any"] = "any"
    lowest: float | None = None
    highest: float | None = None
    step: float | None = None
    choices: tuple[str, ...] = ()

    def read(self, value: Any, upscalers: Sequence[str] = ()) -> Any:
        """The value in the argument's type; None is the default. Raises ScriptError."""
        if value is None:
            return self.default
        try:
            read = self._read(value, upscalers)
        except ScriptError:
            raise
        except (ValueError, TypeError, OverflowError) as error:
            raise ScriptError(f"{self.label}: {shown(value)} is no such value") from error
        low, high = self.lowest, self.highest
        if (low is not None and read < low) or (high is not None and read > high):
            raise ScriptError(f"{self.label}: {shown(value)} is not between {low:g} and {high:g}")
        return read

    def all_choices(self, upscalers: Sequence[str]) -> tuple[str, ...]:
        """What may be chosen now."""
        return (*self.choices, *upscalers) if self.kind == "upscaler" else self.choices

    def _read(self, value: Any, upscalers: Sequence[str]) -> Any:
        if self.kind == "int":
            return int(float(value))
        if self.kind == "float":
            return float(value)
        if self.kind == "flag":
            return value if isinstance(value, bool) else read_bool(str(value))
        if self.kind in ("choice", "upscaler"):
            return self._choice(value, self.all_choices(upscalers))
        if self.kind == "several":
            given = value.split(",") if isinstance(value, str) else list(value)
            return [self._choice(one, self.choices) for one in given if one != ""]
        return str(value) if self.kind == "text" else value

    def _choice(self, value: Any, choices: Sequence[str]) -> str:
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < len(choices):
            return choices[value]
        for choice in choices:
            if choice.lower() == str(value).strip().lower():
                return choice
        raise ScriptError(f"{self.label}: {shown(value)} is none of {', '.join(choices)}")


@dataclass(frozen=True)
class Script:
    """One selectable script. `fixes_seeds` draws random seeds once, at its start (0.5, on 12)."""

    title: str
    run: Callable[[ScriptCall, Bench], Outcome]
    args: tuple[Arg, ...]
    tabs: tuple[Tab, ...] = _BOTH
    fixes_seeds: bool = True
    outpaints: bool = True
    """Whether a request that outpaints may be run; others place pictures themselves."""

    def read_args(self, values: Sequence[Any], upscalers: Sequence[str] = ()) -> dict[str, Any]:
        """Arguments by name: missing ones at their default, more than there are left out.

        `upscalers` are the names of the files there are. Raises ScriptError naming the argument.
        """
        padded = [*values, *[None] * len(self.args)]
        pairs = zip(self.args, padded, strict=False)
        read = {arg.name: arg.read(value, upscalers) for arg, value in pairs}
        read.pop("", None)
        return read


def _axis_args(letter: str, default: int) -> tuple[Arg, ...]:
    return (
        Arg(f"{letter}_type", f"{letter.upper()} type", default),
        Arg(f"{letter}_values", f"{letter.upper()} values", "", "text"),
        Arg(f"{letter}_list", f"{letter.upper()} values", []),
    )


def _flag(name: str, label: str, default: bool = False) -> Arg:
    return Arg(name, label, default, "flag")


_INFO = Arg("", "", "")
_DIRECTIONS = Arg("directions", "Outpainting direction", list(SIDES), "several", choices=SIDES)

SCRIPTS: Final[tuple[Script, ...]] = (
    Script(
        loopback.TITLE,
        loopback.run,
        (
            Arg("loops", "Loops", 4, "int", 1, 32, 1),
            Arg("final", "Final denoising strength", 0.5, "float", 0, 1, 0.01),
            Arg("curve", "Denoising strength curve", "Linear", "choice", choices=loopback.CURVES),
            Arg(
                "append",
                "Append interrogated prompt at each iteration",
                "None",
                "choice",
                choices=loopback.APPENDED,
            ),
        ),
        ("img2img",),
        outpaints=False,
    ),
    Script(
        prompt_matrix.TITLE,
        prompt_matrix.run,
        (
            _flag("at_start", "Put variable parts at start of prompt"),
            _flag("different_seeds", "Use different seed for each picture"),
            Arg(
                "prompt_type",
                "Select prompt",
                "positive",
                "choice",
                choices=("positive", "negative"),
            ),
            Arg("delimiter", "Select joining char", "comma", "choice", choices=("comma", "space")),
            Arg("margin", "Grid margins (px)", 0, "int", 0, 500, 2),
        ),
    ),
    Script(
        prompts_from_file.TITLE,
        prompts_from_file.run,
        (
            _flag("iterate_seed", "Iterate seed every line"),
            _flag("same_seed", "Use same random seed for all lines"),
            Arg("place", "Insert prompts at the", "start", "choice", choices=("start", "end")),
            Arg("text", "List of prompt inputs", "", "text"),
        ),
        fixes_seeds=False,
    ),
    Script(
        sd_upscale.TITLE,
        sd_upscale.run,
        (
            _INFO,
            Arg("overlap", "Tile overlap", 64, "int", 0, 256, 16),
            Arg(
                "upscaler",
                "Upscaler",
                "None",
                "upscaler",
                choices=tuple(sd_upscale.UPSCALERS),
            ),
            Arg("scale", "Scale Factor", 2.0, "float", 1, 4, 0.05),
        ),
        ("img2img",),
        outpaints=False,
    ),
    Script(
        regions.TITLE,
        regions.run,
        (
            Arg("regions", "Regions", "[]"),
            Arg("redo", "Run this one alone (0 = all)", 0, "int", 0, MAX_REGIONS, 1),
            Arg("of", "Job of the earlier run", "", "text"),
        ),
        ("img2img",),
        outpaints=False,
    ),
    Script(
        outpainting_mk2.TITLE,
        outpainting_mk2.run,
        (
            _INFO,
            Arg("pixels", "Pixels to expand", 128, "int", 8, 256, 8),
            Arg("blur", "Mask blur", 8, "int", 0, 64, 1),
            _DIRECTIONS,
            Arg("fall_off", "Fall-off exponent (lower=higher detail)", 1.0, "float", 0, 4, 0.01),
            Arg("variation", "Color variation", 0.05, "float", 0, 1, 0.01),
        ),
        ("img2img",),
        fixes_seeds=False,
        outpaints=False,
    ),
    Script(
        poor_mans_outpainting.TITLE,
        poor_mans_outpainting.run,
        (
            Arg("pixels", "Pixels to expand", 128, "int", 8, 256, 8),
            Arg("blur", "Mask blur", 4, "int", 0, 64, 1),
            Arg(
                "content",
                "Masked content",
                "fill",
                "choice",
                choices=poor_mans_outpainting.CONTENTS,
            ),
            _DIRECTIONS,
        ),
        ("img2img",),
        outpaints=False,
    ),
    Script(
        img2img_alternative.TITLE,
        img2img_alternative.run,
        (
            _INFO,
            _flag("override_sampler", "Override `Sampling method` to Euler?", default=True),
            _flag(
                "override_prompt",
                "Override `prompt` to the same value as `original prompt`?",
                default=True,
            ),
            Arg("prompt", "Original prompt", "", "text"),
            Arg("negative_prompt", "Original negative prompt", "", "text"),
            _flag(
                "override_steps",
                "Override `Sampling Steps` to the same value as `Decode steps`?",
                default=True,
            ),
            Arg("steps", "Decode steps", 50, "int", 1, 150, 1),
            _flag("override_strength", "Override `Denoising strength` to 1?", default=True),
            Arg("cfg", "Decode CFG scale", 1.0, "float", 0, 15, 0.1),
            Arg("randomness", "Randomness", 0.0, "float", 0, 1, 0.01),
            _flag("adjusted", "Sigma adjustment for finding noise for image"),
        ),
        ("img2img",),
    ),
    Script(
        plot_output.TITLE,
        plot_script.run,
        (
            *_axis_args("x", 1),
            *_axis_args("y", 0),
            *_axis_args("z", 0),
            _flag("draw_legend", "Draw legend", default=True),
            _flag("lone_images", "Include Sub Images"),
            _flag("sub_grids", "Include Sub Grids"),
            _flag("keep_random", "Keep -1 for seeds"),
            _flag("vary_x", "Vary seeds for X"),
            _flag("vary_y", "Vary seeds for Y"),
            _flag("vary_z", "Vary seeds for Z"),
            Arg("margin", "Grid margins (px)", 0, "int", 0, 500, 2),
            _flag("csv_mode", "Use text inputs instead of dropdowns"),
        ),
        fixes_seeds=False,
    ),
)


def find_script(title: str, tab: Tab) -> Script | None:
    """The script of this title, in any letter case, if the tab has it."""
    wanted = title.strip().lower()
    return next((s for s in SCRIPTS if s.title.lower() == wanted and tab in s.tabs), None)


def titles(tab: Tab) -> list[str]:
    """Titles in lower case, as `/scripts` lists them."""
    return [script.title.lower() for script in SCRIPTS if tab in script.tabs]


def described(upscalers: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Every script of every tab for `/script-info`; `upscalers` are the files there are."""
    return [
        {
            "name": script.title.lower(),
            "is_alwayson": False,
            "is_img2img": tab == "img2img",
            "args": [_described(arg, upscalers) for arg in script.args],
        }
        for tab in _BOTH
        for script in SCRIPTS
        if tab in script.tabs
    ]


def run_script(script: Script, call: ScriptCall, bench: Bench) -> str:
    """Run to the end and return the id of the recorded job. Blocks.

    Raises ScriptError (and other ValueErrors) for what cannot run, ScriptFailed for failed jobs.
    """
    if call.request.outpaint is not None and not script.outpaints:
        raise ScriptError(
            f"{script.title} decides itself where the picture lies, so it cannot outpaint from an "
            "anchor as well: choose another resize mode"
        )
    if script.fixes_seeds:
        call = replace(call, request=call.request.with_fixed_seeds(random.SystemRandom()))
    try:
        outcome = script.run(call, bench)
    except ValuesError as error:
        raise ScriptError(str(error)) from error
    return bench.deliver(call, outcome)


def _described(arg: Arg, upscalers: Sequence[str]) -> Mapping[str, Any]:
    return {
        "label": arg.label,
        "value": arg.default,
        "minimum": arg.lowest,
        "maximum": arg.highest,
        "step": arg.step,
        "choices": list(arg.all_choices(upscalers)) or None,
    }
