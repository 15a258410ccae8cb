"""The scripts there are: titles, arguments in A1111's order, and what runs them (api 2.6)."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from scripts import loopback, plot_output, plot_script, prompt_matrix, prompts_from_file, sd_upscale
from scripts.axis import Tab
from scripts.bench import Bench, Outcome, ScriptCall, ScriptError, shown
from scripts.values import ValuesError, read_bool

_BOTH: Final[tuple[Tab, ...]] = ("img2img", "txt2img")


@dataclass(frozen=True)
class Arg:
    """One argument. A name of "" is a text of the page that clients send along; it is ignored.

    `choices` may also be given by number, as A1111's pages do.
    """

    name: str
    label: str
    default: Any
    kind: Literal["text", "int", "float", "flag", "choice", "any"] = "any"
    lowest: float | None = None
    highest: float | None = None
    step: float | None = None
    choices: tuple[str, ...] = ()

    def read(self, value: Any) -> Any:
        """The value in the argument's type; None is the default. Raises ScriptError."""
        if value is None:
            return self.default
        try:
            read = self._read(value)
        except ScriptError:
            raise
        except (ValueError, TypeError, OverflowError) as error:
            raise ScriptError(f"{self.label}: {shown(value)} is no such value") from error
        low, high = self.lowest, self.highest
        if (low is not None and read < low) or (high is not None and read > high):
            raise ScriptError(f"{self.label}: {shown(value)} is not between {low:g} and {high:g}")
        return read

    def _read(self, value: Any) -> Any:
        if self.kind == "int":
            return int(float(value))
        if self.kind == "float":
            return float(value)
        if self.kind == "flag":
            return value if isinstance(value, bool) else read_bool(str(value))
        if self.kind == "choice":
            return self._choice(value)
        return str(value) if self.kind == "text" else value

    def _choice(self, value: Any) -> str:
        if (
            isinstance(value, int)
            and not isinstance(value, bool)
            and 0 <= value < len(self.choices)
        ):
            return self.choices[value]
        for choice in self.choices:
            if choice.lower() == str(value).strip().lower():
                return choice
        raise ScriptError(f"{self.label}: {shown(value)} is none of {', '.join(self.choices)}")


@dataclass(frozen=True)
class Script:
    """One selectable script. `fixes_seeds` draws random seeds once, at its start (0.5, on 12)."""

    title: str
    run: Callable[[ScriptCall, Bench], Outcome]
    args: tuple[Arg, ...]
    tabs: tuple[Tab, ...] = _BOTH
    fixes_seeds: bool = True

    def read_args(self, values: Sequence[Any]) -> dict[str, Any]:
        """Arguments by name: missing ones at their default, more than there are left out.

        Raises ScriptError naming the argument.
        """
        padded = [*values, *[None] * len(self.args)]
        read = {arg.name: arg.read(value) for arg, value in zip(self.args, padded, strict=False)}
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
                choices=("None",),
            ),
        ),
        ("img2img",),
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
                "choice",
                choices=tuple(sd_upscale.UPSCALERS),
            ),
            Arg("scale", "Scale Factor", 2.0, "float", 1, 4, 0.05),
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


def described() -> list[dict[str, Any]]:
    """Every script of every tab for `/script-info`."""
    return [
        {
            "name": script.title.lower(),
            "is_alwayson": False,
            "is_img2img": tab == "img2img",
            "args": [_described(arg) for arg in script.args],
        }
        for tab in _BOTH
        for script in SCRIPTS
        if tab in script.tabs
    ]


def run_script(script: Script, call: ScriptCall, bench: Bench) -> str:
    """Run to the end and return the id of the recorded job. Blocks.

    Raises ScriptError (and other ValueErrors) for what cannot run, ScriptFailed for failed jobs.
    """
    if script.fixes_seeds:
        call = replace(call, request=call.request.with_fixed_seeds(random.SystemRandom()))
    try:
        outcome = script.run(call, bench)
    except ValuesError as error:
        raise ScriptError(str(error)) from error
    return bench.deliver(call, outcome)


def _described(arg: Arg) -> Mapping[str, Any]:
    return {
        "label": arg.label,
        "value": arg.default,
        "minimum": arg.lowest,
        "maximum": arg.highest,
        "step": arg.step,
        "choices": list(arg.choices) or None,
    }
