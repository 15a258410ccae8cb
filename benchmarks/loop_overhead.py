"""What the denoise loop costs beyond the U-Net calls that it makes (goal: at most 3 %).

    python -m benchmarks.loop_overhead [--rounds 15] [--side 256] [--steps 15] [--json FILE]

Bare: as many U-Net calls of the same shape, on fixed inputs. Ours: guidance, sampler, mask, noise,
progress events. Each round runs all of them, so that they share the machine's mood.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from benchmarks.measuring import CLOCKS, Report, command, finish, interleaved, median_ms, ratio
from benchmarks.painting import NEGATIVE, PROMPT, builtin_checkpoint
from pipelines.denoise import DenoiseJob, See, denoise
from pipelines.families.sd1 import StableDiffusion1
from pipelines.inpaint import LatentMask
from pipelines.noise import ImageNoise
from pipelines.prompt.conditioning import Conditioning
from pipelines.request import SamplerTuning, Sampling, Seeds
from pipelines.sampler_types import StepInfo
from pipelines.samplers import plan_course

SAMPLERS = ("Euler", "Euler a", "DPM++ 2M", "DDIM")


@dataclass(frozen=True)
class Bench:
    """A loaded model and a picture size in latent cells."""

    family: StableDiffusion1
    cells: int
    steps: int

    def loop(self, sampler: str, *, masked: bool) -> tuple[Callable[[], object], int]:
        """One run of our loop, and how many network calls it makes."""
        family, shape = self.family, (4, self.cells, self.cells)
        sampling = Sampling(sampler=sampler, steps=self.steps)
        course = plan_course(sampling, SamplerTuning(), family.schedule, txt2img=True)
        conditioning = Conditioning.build(
            family.text_encoder, [PROMPT], [NEGATIVE], steps=self.steps
        )
        repaint = torch.zeros(1, 1, self.cells, self.cells)
        repaint[..., : self.cells // 2] = 1.0
        mask = LatentMask(torch.zeros(1, *shape), repaint) if masked else None
        job = DenoiseJob(family, course, conditioning, 7.0, self.steps, mask)

        def quiet(_: StepInfo, __: See) -> None:
            return None

        def work() -> None:
            noise = ImageNoise(shape, (1,), (1,), Seeds(seed=1, subseed=1))
            denoise(job, course.noised(None, noise.first()), noise, quiet)

        return work, course.plan.executed

    def bare(self, calls: int) -> Callable[[], object]:
        """As many U-Net calls on fixed inputs, both prompts in one call."""
        unet = self.family.loaded.unet
        x = torch.randn(2, 4, self.cells, self.cells)
        t, text = torch.tensor([500.0, 500.0]), torch.randn(2, 77, unet.config.cross_attention_dim)

        def work() -> None:
            with torch.inference_mode():
                for _ in range(calls):
                    unet(x, t, encoder_hidden_states=text, return_dict=False)

        return work


def main(arguments: Sequence[str]) -> int:
    """Measure and show."""
    parser = command(__doc__ or "", rounds=15)
    parser.add_argument("--side", type=int, default=256, help="pixels (256)")
    parser.add_argument("--steps", type=int, default=15, help="sampling steps (15)")
    options = parser.parse_args(arguments)
    bench = Bench(StableDiffusion1(builtin_checkpoint()), options.side // 8, options.steps)
    works: dict[str, Callable[[], object]] = {}
    pairs: dict[str, str] = {}
    for sampler in SAMPLERS:
        for masked in (False, True):
            name = f"{sampler}, mask" if masked else sampler
            works[name], calls = bench.loop(sampler, masked=masked)
            pairs[name] = f"bare, {calls} calls"
            works.setdefault(pairs[name], bench.bare(calls))
    seconds = interleaved(works, rounds=options.rounds, clock=CLOCKS[options.clock])
    setting = (
        f"{options.side} px, {options.steps} steps, fp32, {options.clock} time, "
        f"{torch.get_num_threads()} threads"
    )
    report = Report("Loop overhead", setting, seconds=seconds)
    for name, values in seconds.items():
        over = ""
        if name in pairs:
            over = f"  {(ratio(values, seconds[pairs[name]]) - 1) * 100:+.1f} %"
        report.figures[name] = median_ms(values) + over
    finish(report, options.json)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
