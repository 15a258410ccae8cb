"""Our img2img against diffusers' StableDiffusionImg2ImgPipeline (goal: at most 1.0x its time).

    python -m benchmarks.versus_diffusers [--rounds 9] [--side 256] [--dtype float32] [--json FILE]

The same weights, size, sampler (DPM++ 2M Karras), CFG scale and executed steps (15 of 20), from a
photograph in memory to a picture in memory. "Fresh" empties our caches of texts and encoded
pictures before every run: diffusers has none. "Again" keeps them, as somebody has it who presses
Generate a second time. In bfloat16 our text encoder and VAE stay float32, diffusers' do not.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Sequence

import diffusers
import torch
import transformers
from diffusers import DPMSolverMultistepScheduler, StableDiffusionImg2ImgPipeline
from PIL import Image

from benchmarks.measuring import (
    BUILTIN,
    CLOCKS,
    Report,
    command,
    finish,
    interleaved,
    median_ms,
    ratio,
)
from benchmarks.painting import NEGATIVE, PROMPT, Silent, builtin_checkpoint, photograph
from pipelines.families.sd1 import StableDiffusion1
from pipelines.request import Img2ImgRequest, Sampling, Seeds, StepSemantics
from pipelines.run import Pipeline, run

STEPS, STRENGTH, CFG = 20, 0.75, 7.0
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


def ours(side: int, picture: Image.Image, dtype: torch.dtype) -> dict[str, Callable[[], object]]:
    """Our pipeline with and without its caches."""
    family = StableDiffusion1(builtin_checkpoint(dtype))
    request = Img2ImgRequest(
        prompt=PROMPT,
        negative_prompt=NEGATIVE,
        init_images=("0" * 64,),
        width=side,
        height=side,
        sampling=Sampling(
            sampler="DPM++ 2M",
            scheduler="Karras",
            steps=STEPS,
            cfg_scale=CFG,
            denoising_strength=STRENGTH,
            semantics=StepSemantics.DIFFUSERS,
        ),
        seeds=Seeds(seed=1, subseed=1),
    )
    kept = Pipeline(family, "overpaint-tiny", "")

    def once(pipeline: Pipeline) -> None:
        report = run(request, pipeline, lambda _: picture, Silent())
        assert report.executed_steps == int(STEPS * STRENGTH)

    return {
        "ours, fresh": lambda: once(Pipeline(family, "overpaint-tiny", "")),
        "ours, again": lambda: once(kept),
    }


def theirs(side: int, picture: Image.Image, dtype: torch.dtype) -> Callable[[], object]:
    """The pipeline of diffusers, from the same folder."""
    pipeline = StableDiffusionImg2ImgPipeline.from_pretrained(
        BUILTIN,
        torch_dtype=dtype,
        local_files_only=True,
        safety_checker=None,
        requires_safety_checker=False,
    )
    pipeline.scheduler = DPMSolverMultistepScheduler.from_config(
        pipeline.scheduler.config, use_karras_sigmas=True, timestep_spacing="linspace"
    )
    pipeline.set_progress_bar_config(disable=True)
    pipeline.scheduler.set_timesteps(STEPS)
    executed, _ = pipeline.get_timesteps(STEPS, STRENGTH, "cpu")
    assert len(executed) == int(STEPS * STRENGTH)

    def once() -> None:
        pipeline(
            PROMPT,
            image=picture,
            strength=STRENGTH,
            num_inference_steps=STEPS,
            guidance_scale=CFG,
            negative_prompt=NEGATIVE,
            generator=torch.Generator().manual_seed(1),
        )

    return once


def main(arguments: Sequence[str]) -> int:
    """Measure and show."""
    parser = command(__doc__ or "", rounds=9)
    parser.add_argument("--side", type=int, default=256, help="pixels (256)")
    parser.add_argument("--dtype", choices=DTYPES, default="float32", help="of the U-Net")
    options = parser.parse_args(arguments)
    warnings.filterwarnings("ignore", module="diffusers")
    diffusers.utils.logging.set_verbosity_error()
    diffusers.utils.logging.disable_progress_bar()
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    picture, dtype = photograph(options.side), DTYPES[options.dtype]
    works = {
        "diffusers": theirs(options.side, picture, dtype),
        **ours(options.side, picture, dtype),
    }
    seconds = interleaved(works, rounds=options.rounds, clock=CLOCKS[options.clock])
    setting = (
        f"{options.side} px, {int(STEPS * STRENGTH)} of {STEPS} steps, DPM++ 2M Karras, CFG {CFG}, "
        f"{options.dtype}, {options.clock} time, {torch.get_num_threads()} threads"
    )
    report = Report("img2img against diffusers", setting, seconds=seconds)
    for name, values in seconds.items():
        share = f"  {ratio(values, seconds['diffusers']):.3f}x" if name != "diffusers" else ""
        report.figures[name] = median_ms(values) + share
    finish(report, options.json)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
