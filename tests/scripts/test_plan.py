"""The plan of a plot: cells, order, seeds, cost, and what is refused before it starts (12.1)."""

from dataclasses import replace
from typing import Any

import pytest

from pipelines.geometry import Extent
from pipelines.outpaint import Anchor
from pipelines.request import Inpaint, MaskedContent, Sampling, Seeds
from scripts.plan import AxisChoice, PlanError, PlotSpec, check_pictures, make_plan
from tests.scripts.making import CONTEXT, A, M, plot, request


def choice(type_: str, values: str = "", vary: bool = False) -> AxisChoice:
    return AxisChoice(type=type_, values=values, vary_seeds=vary)


def places(spec: PlotSpec) -> list[tuple[int, int, int]]:
    return [(cell.x, cell.y, cell.z) for cell in make_plan(spec, CONTEXT).cells]


def test_x_is_innermost_and_z_outermost() -> None:
    spec = plot("Steps", "1,2", y=choice("CFG Scale", "1,2"), z=choice("Denoising", "0.5,1"))
    assert places(spec) == [
        *((0, 0, 0), (1, 0, 0), (0, 1, 0), (1, 1, 0)),
        *((0, 0, 1), (1, 0, 1), (0, 1, 1), (1, 1, 1)),
    ]


def test_checkpoints_change_least() -> None:
    spec = plot("Checkpoint name", "one, two", y=choice("Steps", "1,2,3"))
    assert [x for x, _, _ in places(spec)] == [0, 0, 0, 1, 1, 1]


def test_values_are_applied_x_then_y_then_z() -> None:
    spec = plot("Prompt S/R", "cat,dog", y=choice("Prompt S/R", "mat,rug"))
    made = {(c.x, c.y): c.request.prompt for c in make_plan(spec, CONTEXT).cells}
    assert made == {
        (0, 0): "a cat on a mat",
        (1, 0): "a dog on a mat",
        (0, 1): "a cat on a rug",
        (1, 1): "a dog on a rug",
    }


@pytest.mark.parametrize(
    ("vary", "expected"),
    [
        ("", [5, 5, 5, 5, 5, 5, 5, 5]),
        ("x", [5, 6, 5, 6, 5, 6, 5, 6]),
        ("y", [5, 5, 6, 6, 5, 5, 6, 6]),
        ("xy", [5, 6, 7, 8, 5, 6, 7, 8]),
        ("xz", [5, 6, 5, 6, 7, 8, 7, 8]),
        ("xyz", [5, 6, 7, 8, 9, 10, 11, 12]),
    ],
)
def test_vary_seeds(vary: str, expected: list[int]) -> None:
    spec = plot(
        x=choice("Steps", "1,2", "x" in vary),
        y=choice("CFG Scale", "1,2", "y" in vary),
        z=choice("Denoising", "0.5,1", "z" in vary),
    )
    assert [cell.request.seeds.seed for cell in make_plan(spec, CONTEXT).cells] == expected


def plot_of(**changes: Any) -> PlotSpec:
    return plot("Steps", "1,2", base=request(seeds=Seeds()), **changes)


def test_random_seeds_are_drawn_once_for_the_plot() -> None:
    seeds = [cell.request.seeds for cell in make_plan(plot_of(), CONTEXT, "p").cells]
    assert seeds[0] == seeds[1]
    assert seeds[0].seed >= 0


def test_kept_random_seeds_differ_by_cell_and_come_again() -> None:
    spec = plot_of(keep_random_seeds=True)
    seeds = [cell.request.seeds.seed for cell in make_plan(spec, CONTEXT, "p").cells]
    assert len(set(seeds)) == 2
    assert seeds == [cell.request.seeds.seed for cell in make_plan(spec, CONTEXT, "p").cells]


def test_each_minus_one_on_the_seed_axis_is_another_seed() -> None:
    plan = make_plan(plot("Seed", "-1,-1,9"), CONTEXT, "p")
    seeds = [cell.request.seeds.seed for cell in plan.cells]
    assert len(set(seeds)) == 3
    assert seeds[2] == 9
    assert list(plan.axes[0].values) == seeds


def test_number_of_steps_and_calls() -> None:
    sampling = Sampling(sampler="Heun", steps=20, denoising_strength=0.5)
    spec = plot("Denoising", "0.5,0.75", base=request(sampling=sampling, n_iter=2))
    plan = make_plan(spec, CONTEXT)
    assert (len(plan.cells), plan.steps, plan.model_calls) == (2, (11 + 16) * 2, (11 + 16) * 4)
    assert plan.seconds(1e-6) == pytest.approx(108 * 64 * 64 * 1e-6)


def test_equal_cells_are_made_once() -> None:
    plan = make_plan(plot("Steps", "4,4,5"), CONTEXT)
    assert (len(plan.cells), len(plan.distinct)) == (3, 2)


def test_keys_name_plot_and_request() -> None:
    cells = make_plan(plot("Steps", "4,5"), CONTEXT).cells
    longer = make_plan(plot("Steps", "4,5,6"), CONTEXT).cells
    assert [c.key("p") for c in longer[:2]] == [c.key("p") for c in cells]
    assert cells[0].key("p") != cells[0].key("q")
    assert len({cell.key("p") for cell in longer}) == 3


def test_large_plots_are_shown_in_tiles() -> None:
    spec = plot("Steps", "1-49", base=request(width=2048, height=2048))
    assert make_plan(spec, CONTEXT).is_tiled
    assert not make_plan(
        plot("Steps", "1-40", base=request(width=2048, height=2048)), CONTEXT
    ).is_tiled


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        (plot("Elephant", "1"), "axis 'Elephant' cannot be used"),
        (plot("Steps", ""), "Steps: there are no values"),
        (plot("Steps", "5-1"), "Steps: there are no values"),
        (plot("Seed", "1-1000", y=choice("Steps", "1-100")), "100000 cells are more than 10000"),
        (plot("Seed", "1-100000"), "Seed: 100000 values on one axis"),
        (plot("Checkpoint name", "one, four"), "no checkpoint 'four'"),
        (plot("Prompt S/R", "bird, cat"), "'bird' is neither in the prompt"),
        (plot("Steps", "1,2", y=choice("Steps", "3")), "Steps is chosen twice"),
        (plot("Mask blur", "4", base=request(inpaint=None)), "needs a mask"),
        (plot("Steps", "1,0"), "Steps: sampling.steps 0"),
        (plot("Size", "64x64, 5000x5000"), "one job may have at most"),
        (plot("Denoising", "0.0001", base=request(sampling=Sampling(semantics="exact"))), "limit"),
    ],
)
def test_what_cannot_run_is_said_before_anything_runs(spec: PlotSpec, said: str) -> None:
    with pytest.raises(PlanError) as problem:
        make_plan(spec, CONTEXT)
    assert said in str(problem.value)


OUTPAINTING = request(inpaint=Inpaint(mask=None), outpaint=Anchor.TOP, width=128, height=128)


def test_a_size_that_a_picture_does_not_fit_into_is_said_before_the_first_cell() -> None:
    context = replace(CONTEXT, size_of=lambda ref: Extent(100, 80))
    check_pictures(make_plan(plot("Size", "100x96, 256x256", base=OUTPAINTING), context), context)
    plan = make_plan(plot("Size", "256x256, 96x128", base=OUTPAINTING), context)
    with pytest.raises(PlanError, match="does not fit into 96x128: choose at least 100x128"):
        check_pictures(plan, context)


def test_masked_content_is_an_axis_of_outpainting_without_a_mask() -> None:
    plan = make_plan(plot("Masked content", "fill, latent noise", base=OUTPAINTING), CONTEXT)
    assert [one.request.inpaint for one in plan.cells] == [
        Inpaint(mask=None, content=MaskedContent.FILL),
        Inpaint(mask=None, content=MaskedContent.LATENT_NOISE),
    ]


def test_the_anchor_axis_needs_no_mask() -> None:
    base = request(inpaint=None, resize_mode=1)
    (made,) = (
        one.request for one in make_plan(plot("Outpaint anchor", "top", base=base), CONTEXT).cells
    )
    assert (made.outpaint, made.resize_mode) == (Anchor.TOP, 0)
    assert made.inpaint == Inpaint(mask=None, content=MaskedContent.FILL)


def test_pictures_are_chosen_by_name() -> None:
    spec = plot("Init image", "sea", pictures={"sea": M})
    assert make_plan(spec, CONTEXT).cells[0].request.init_images == (M,)
    masked = plot("Mask", "sea", pictures={"sea": A}, base=request(inpaint=Inpaint(mask=M)))
    inpaint = make_plan(masked, CONTEXT).cells[0].request.inpaint
    assert inpaint is not None
    assert inpaint.mask == A
