"""The LoRA, the word and the hypernetwork that ship change the look they are made for."""

from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks.painting import Silent
from jobs.messages import RunJob, WorkerConfig
from jobs.spec import JobSpec
from jobs.worker_studio import Studio
from pipelines.request import Img2ImgRequest, Sampling, Seeds

pytestmark = pytest.mark.slow
BUILTIN = Path(__file__).parents[3] / "models" / "builtin"
PROMPT = "a big red apple, yellow background"


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Studio:
    folder = tmp_path_factory.mktemp("studio")
    torch.set_num_threads(1)
    return Studio(WorkerConfig(folder / "models", folder, folder, BUILTIN / "checkpoint"))


def outlines(studio: Studio, addition: str) -> float:
    """Percent of nearly black pixels: only outlines are black in the pictures asked for."""
    dark = []
    for seed in (1, 2):
        request = Img2ImgRequest(
            prompt=PROMPT + addition,
            width=256,
            height=256,
            sampling=Sampling(
                sampler="DPM++ 2M", scheduler="Karras", steps=12, cfg_scale=5.0,
                denoising_strength=1.0,
            ),
            seeds=Seeds(seed=seed, subseed=1),
        )  # fmt: skip
        easel = Silent()
        studio.run(RunJob("job", JobSpec(request=request, save=False)), easel)
        dark.append((np.asarray(easel.picture.convert("L")) < 50).mean())
    return 100 * float(np.mean(dark))


@pytest.fixture(scope="module")
def plain(studio: Studio) -> float:
    return outlines(studio, "")


@pytest.mark.parametrize(
    ("addition", "most"),
    [
        pytest.param(" <lora:clay-look:1>", 0.6, id="LoRA"),
        pytest.param(", clay-word", 0.6, id="textual inversion"),
    ],
)
def test_clay_has_hardly_any_outlines(
    studio: Studio, plain: float, addition: str, most: float
) -> None:
    assert outlines(studio, addition) < most * plain


def test_a_lora_of_weight_nought_changes_nothing(studio: Studio, plain: float) -> None:
    assert outlines(studio, " <lora:clay-look:0>") == plain


def test_the_hypernetwork_draws_bold_lines(studio: Studio, plain: float) -> None:
    assert outlines(studio, " <hypernet:line-look:1>") > 1.3 * plain
