"""A plot as it is asked for, and as it will run: cells in order, their number, steps and time.

Everything that can be wrong is said here, before the first cell runs (behaviour 12.1). Who runs
cells is in `scripts.plot_run`.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import product
from typing import Annotated, Final, Literal

from pydantic import Field

from pipelines.prepare import outpaint_problem
from pipelines.request import SEED_LIMIT, Frozen, Img2ImgRequest, PictureRef
from pipelines.sampler_names import resolve_sampler
from pipelines.steps import executed_steps
from scripts.axis import Axis, AxisContext, Value
from scripts.axis_menu import find_axis
from scripts.values import ValuesError

MAX_CELLS: Final = 10_000
"""More than a day of work at ten seconds a picture: a slip of the keyboard."""


class PlanError(ValueError):
    """The plot cannot run as asked for; the message is a sentence for the user."""


class AxisChoice(Frozen):
    """What the user chose for one axis. `values` is the text of the box."""

    type: Annotated[str, Field(max_length=100)] = "Nothing"
    values: Annotated[str, Field(max_length=200_000)] = ""
    vary_seeds: bool = False


class PlotSpec(Frozen):
    """One plot: a request, three axes and how the grid looks. Defaults are A1111's."""

    base: Img2ImgRequest
    tab: Literal["img2img", "txt2img"] = "img2img"
    x: AxisChoice = AxisChoice(type="Seed")
    y: AxisChoice = AxisChoice()
    z: AxisChoice = AxisChoice()
    draw_legend: bool = True
    keep_random_seeds: bool = False
    lone_images: bool = False
    sub_grids: bool = False
    margin: Annotated[int, Field(ge=0, le=500, description="pixels between cells")] = 0
    save: bool = True
    pictures: dict[str, PictureRef] = Field(default_factory=dict)
    """Pictures that the axes "Init image" and "Mask" choose from, by name."""

    @property
    def choices(self) -> tuple[AxisChoice, AxisChoice, AxisChoice]:
        """The choices for x, y and z."""
        return self.x, self.y, self.z


@dataclass(frozen=True)
class PlotAxis:
    """An axis with its values, each with the line that the legend shows."""

    axis: Axis
    values: tuple[Value, ...]

    def __len__(self) -> int:
        return len(self.values)

    @property
    def legends(self) -> tuple[str, ...]:
        """One line per value; empty ones for "Nothing"."""
        return tuple(self.axis.legend(value) for value in self.values)

    @property
    def texts(self) -> tuple[str, ...]:
        """The bare values, for the table."""
        return tuple(self.axis.value_text(value) for value in self.values)

    @property
    def numbers(self) -> tuple[float, ...] | None:
        """The values as numbers for a chart, or None when they are none."""
        found = [float(value) for value in self.values if isinstance(value, int | float)]
        is_numeric = len(found) == len(self.values) and self.axis.read != "nothing"
        return tuple(found) if is_numeric else None


@dataclass(frozen=True)
class Cell:
    """One place of the plot: its indices along x, y and z, and what is made there."""

    x: int
    y: int
    z: int
    request: Img2ImgRequest

    @property
    def place(self) -> tuple[int, int, int]:
        """The indices (x, y, z)."""
        return self.x, self.y, self.z

    def key(self, plot_id: str) -> str:
        """The name of this cell's work: plot and request (32 hex digits).

        Equal requests share it, so that a value added later leaves finished cells as they are.
        """
        # Without defaults: a field that a later version adds leaves the names as they are.
        text = f"{plot_id}\n{self.request.model_dump_json(exclude_defaults=True)}"
        return hashlib.sha256(text.encode()).hexdigest()[:32]


@dataclass(frozen=True)
class Plan:
    """A plot that can run. `cells` are in the order in which they are made.

    A grid of more than `grid_pixels` is shown in tiles.
    """

    spec: PlotSpec
    axes: tuple[PlotAxis, PlotAxis, PlotAxis]
    cells: tuple[Cell, ...]
    grid_pixels: int

    @property
    def sizes(self) -> tuple[int, int, int]:
        """How many values x, y and z have."""
        x, y, z = self.axes
        return len(x), len(y), len(z)

    @property
    def distinct(self) -> tuple[Cell, ...]:
        """The first cell of each request: what really has to be made."""
        seen: dict[str, Cell] = {}
        for cell in self.cells:
            seen.setdefault(cell.key(""), cell)
        return tuple(seen.values())

    @property
    def steps(self) -> int:
        """Sampling steps of the whole plot."""
        return sum(_steps(cell.request) * cell.request.n_iter for cell in self.distinct)

    @property
    def model_calls(self) -> int:
        """Calls of the network; second-order samplers need two for a step."""
        return sum(model_calls(cell.request) for cell in self.distinct)

    @property
    def pixels(self) -> int:
        """Pixels of the grid picture without its legend."""
        width = max(cell.request.width for cell in self.cells)
        height = max(cell.request.height for cell in self.cells)
        return width * height * len(self.cells)

    @property
    def is_tiled(self) -> bool:
        """True when the grid would be too large for one picture."""
        return self.pixels > self.grid_pixels

    def seconds(self, per_call_pixel: float) -> float:
        """Expected time, from the measured time of one model call for one pixel."""
        return per_call_pixel * sum(work(cell.request) for cell in self.distinct)


def model_calls(request: Img2ImgRequest) -> int:
    """How often the network is called for a request, a batch counting as one call."""
    second = resolve_sampler(request.sampling.sampler).sampler.second_order
    return _steps(request) * request.n_iter * (2 if second else 1)


def work(request: Img2ImgRequest) -> float:
    """Model calls times pixels: what the time of a request grows with."""
    return float(model_calls(request) * request.batch_size * request.width * request.height)


def make_plan(spec: PlotSpec, context: AxisContext, plot_id: str = "") -> Plan:
    """Read the axes, check everything and lay out the cells.

    The seeds of `spec.base` must be fixed, except with `keep_random_seeds`: then each cell draws
    its own, always the same ones for the same `plot_id`. Raises PlanError.
    """
    context = replace(context, pictures=spec.pictures)
    try:
        axes = [_axis(choice, spec, context, plot_id) for choice in spec.choices]
    except ValuesError as error:
        raise PlanError(str(error)) from error
    x, y, z = axes
    _check_axes(spec, axes)
    count = len(x) * len(y) * len(z)
    if count > MAX_CELLS:
        raise PlanError(
            f"{len(x)} x {len(y)} x {len(z)} = {count} cells are more than {MAX_CELLS}: choose "
            "fewer values, for example 0.1-1 [5]"
        )
    cells = tuple(_cells(spec, (x, y, z), context, plot_id))
    return Plan(spec, (x, y, z), cells, context.grid_pixels)


def check_pictures(plan: Plan, context: AxisContext) -> None:
    """Whether every picture fits into what it shall be outpainted to. Raises PlanError."""
    if context.size_of is None:
        return
    size_of = cache(context.size_of)
    for cell in plan.distinct:
        if cell.request.outpaint is not None:
            sizes = [size_of(ref) for ref in cell.request.init_images]
            problem = outpaint_problem(cell.request, sizes)
            if problem is not None:
                raise PlanError(problem)


def run_order(axes: Sequence[PlotAxis]) -> Iterator[tuple[int, int, int]]:
    """Indices (x, y, z) in the order of making: the costliest axis changes least (12.1)."""
    # z outside, y, x inside where nothing is dearer; a stable sort keeps that order.
    outside_in = sorted((2, 1, 0), key=lambda place: -axes[place].axis.cost)
    for found in product(*(range(len(axes[place])) for place in outside_in)):
        indices = dict(zip(outside_in, found, strict=True))
        yield indices[0], indices[1], indices[2]


def _axis(choice: AxisChoice, spec: PlotSpec, context: AxisContext, plot_id: str) -> PlotAxis:
    axis = find_axis(choice.type, spec.tab)
    values = axis.values(choice.values, context)
    if axis.fixes_seeds and not spec.keep_random_seeds:
        values = tuple(
            _drawn(plot_id, axis.label, place) if value == -1 else value
            for place, value in enumerate(values)
        )
    return PlotAxis(axis, values)


def _drawn(*names: object) -> int:
    """A random seed, always the same one for the same names."""
    return random.Random(repr(names)).randrange(SEED_LIMIT)


def _check_axes(spec: PlotSpec, axes: Sequence[PlotAxis]) -> None:
    for plotted in axes:
        axis = plotted.axis
        if axis.needs_mask and spec.base.inpaint is None:
            raise PlanError(f"the axis {axis.label} needs a mask, and this job has none")
        if axis.needs_hires and spec.base.hires is None:
            raise PlanError(f"the axis {axis.label} needs hires fix, which is off")
    used = [plotted.axis.label for plotted in axes if plotted.axis.read not in _MAY_REPEAT]
    twice = next((label for label in used if used.count(label) > 1), None)
    if twice is not None:
        raise PlanError(f"the axis {twice} is chosen twice; the second would undo the first")


_MAY_REPEAT: Final = frozenset({"nothing", "replace"})


def _cells(
    spec: PlotSpec,
    axes: tuple[PlotAxis, PlotAxis, PlotAxis],
    context: AxisContext,
    plot_id: str,
) -> Iterator[Cell]:
    for x, y, z in run_order(axes):
        request = spec.base
        for plotted, index in zip(axes, (x, y, z), strict=True):
            try:
                request = plotted.axis.apply(request, plotted.values[index], context)
            except ValuesError as error:
                raise PlanError(f"{plotted.axis.label}: {error}") from error
        try:
            executed_steps(request.sampling, request.is_txt2img)
        except ValueError as error:
            raise PlanError(str(error)) from error
        request = _fixed_seeds(request, spec, (x, y, z), plot_id)
        yield Cell(x, y, z, _varied(request, spec, axes, (x, y, z)))


def _fixed_seeds(
    request: Img2ImgRequest, spec: PlotSpec, place: tuple[int, int, int], plot_id: str
) -> Img2ImgRequest:
    """Draw seeds that are still -1: one per value of the plot, or per cell when kept random."""
    fixed: dict[str, int] = {}
    for name in ("seed", "subseed"):
        if getattr(request.seeds, name) == -1:
            drawn = (plot_id, name, *place) if spec.keep_random_seeds else (plot_id, name)
            fixed[name] = _drawn(*drawn)
    return _with_seeds(request, fixed)


def _varied(
    request: Img2ImgRequest,
    spec: PlotSpec,
    axes: Sequence[PlotAxis],
    place: tuple[int, int, int],
) -> Img2ImgRequest:
    """Count seeds up along the axes that vary them (behaviour 12.1)."""
    stride, step = 1, 0
    for plotted, choice, index in zip(axes, spec.choices, place, strict=True):
        if choice.vary_seeds:
            step += index * stride
            stride *= len(plotted)
    if not step:
        return request
    return _with_seeds(request, {"seed": request.seeds.seed + step})


def _with_seeds(request: Img2ImgRequest, seeds: Mapping[str, int]) -> Img2ImgRequest:
    if not seeds:
        return request
    return request.model_copy(update={"seeds": request.seeds.model_copy(update=dict(seeds))})


def _steps(request: Img2ImgRequest) -> int:
    discard = request.tuning.discard_penultimate_sigma
    return executed_steps(request.sampling, request.is_txt2img, discard)
