"""The refiner: when it takes over, with which texts, in which pass (behaviour 14.5)."""

from __future__ import annotations

from typing import Any

import pytest
from PIL import Image as Pillow

from pipelines.pipeline import Pipeline
from pipelines.request import HiresFix, Img2ImgRequest, Refiner, RefinerPass
from pipelines.run import run
from tests.pipelines.pixels import array, noise
from tests.pipelines.run_doubles import INIT, Recorder, request_for
from tests.pipelines.toy_family import ToyFamily, toy_pipeline


def calls(request: Img2ImgRequest) -> tuple[ToyFamily, ToyFamily, Recorder]:
    """Run with a base and a refiner; the two families tell what each was asked."""
    base, other = ToyFamily(), ToyFamily()
    heard = Recorder()
    pipelines = {"refiner": Pipeline(other, "refiner", "")}
    run(
        request,
        toy_pipeline(base),
        {INIT: noise(64, 64)}.__getitem__,
        heard,
        load=pipelines.__getitem__,
    )
    return base, other, heard


def refined(switch_at: float = 0.8, **fields: Any) -> Img2ImgRequest:
    by_steps = fields.pop("by_steps", False)
    hires_pass = fields.pop("hires_pass", RefinerPass.SECOND)
    refiner = Refiner(
        checkpoint="refiner", switch_at=switch_at, by_steps=by_steps, hires_pass=hires_pass
    )
    return request_for(refiner=refiner, **{"init_images": (), **fields})


@pytest.mark.parametrize("switch_at", [0.0, 0.3, 0.5, 0.8, 1.0])
def test_behaviour_14_5_the_noise_level_decides(switch_at: float) -> None:
    """(999 - t) / 1000 with the nearest entry of the table."""
    sampling = {"sampler": "Euler", "scheduler": "Karras", "steps": 10}
    base, other, _ = calls(refined(switch_at, sampling=sampling))
    assert len(base.levels) + len(other.levels) == 10
    table = base.schedule.sigmas

    def ratio(sigma: float) -> float:
        return (999 - int((table - sigma).abs().argmin())) / 1000

    assert all(ratio(sigma) < switch_at for sigma in base.levels)
    assert all(ratio(sigma) >= switch_at for sigma in other.levels)


def test_behaviour_14_5_timestep_samplers_use_their_timestep() -> None:
    base, other, _ = calls(refined(0.5, sampling={"sampler": "DDIM", "steps": 20}))
    assert base.levels == [float(t) for t in range(951, 500, -50)]
    assert other.levels == [float(t) for t in range(451, 50, -50)]


@pytest.mark.parametrize(
    ("sampler", "expected"), [("Euler", (8, 2)), ("Heun", (16, 3)), ("DDIM", (8, 1))]
)
def test_behaviour_14_5_by_steps(sampler: str, expected: tuple[int, int]) -> None:
    """Calls done over all calls; a second-order sampler has two a step."""
    request = refined(0.8, by_steps=True, sampling={"sampler": sampler, "steps": 10})
    base, other, heard = calls(request)
    assert (len(base.levels), len(other.levels)) == expected
    assert "Refiner switch by sampling steps: True" in heard.pictures[0].infotext


def test_the_refiner_has_its_own_texts_and_goes_on_counting() -> None:
    """Prompt editing at step 5 shows in both; the count of calls is not reset."""
    request = refined(
        0.5, by_steps=True, prompt="[hen:fox:7]", sampling={"sampler": "Euler", "steps": 10}
    )
    base, other, _ = calls(request)
    assert set(base.text_encoder.rows) == set(other.text_encoder.rows)
    assert len(base.levels) == 5


def test_each_batch_begins_with_the_base() -> None:
    one, _, _ = calls(refined(sampling={"steps": 5}))
    three, _, _ = calls(refined(sampling={"steps": 5}, n_iter=3))
    assert len(three.levels) == 3 * len(one.levels)


def test_img2img_refines_too() -> None:
    base, other, heard = calls(refined(init_images=(INIT,), sampling={"steps": 20}))
    assert len(base.levels) + len(other.levels) == 16
    assert other.levels
    assert "Refiner: refiner, Refiner switch at: 0.8" in heard.pictures[0].infotext


PASSES = {
    RefinerPass.FIRST: (True, False),
    RefinerPass.SECOND: (False, True),
    RefinerPass.BOTH: (True, True),
}


@pytest.mark.parametrize("which", RefinerPass)
def test_behaviour_14_5_hires(which: RefinerPass) -> None:
    _, other, heard = calls(refined(hires=HiresFix(), hires_pass=which, sampling={"steps": 10}))
    sides = {x.shape[-1] for x in other.inputs}
    assert (8 in sides, 16 in sides) == PASSES[which]
    said = f"Hires refiner: {which.value}" in heard.pictures[0].infotext
    assert said is (which is not RefinerPass.SECOND)


def test_without_a_way_to_load_it_is_refused() -> None:
    with pytest.raises(ValueError, match="'refiner' cannot be loaded"):
        run(refined(), toy_pipeline(), lambda ref: Pillow.new("RGB", (1, 1)), Recorder())


def test_a_switch_that_never_comes_changes_nothing() -> None:
    _, other, heard = calls(refined(1.0))
    plain = calls(refined(1.0).model_copy(update={"refiner": None}))[2]
    assert other.levels == []
    assert (array(heard.images[0]) == array(plain.images[0])).all()
