"""A resumable training run: steps, learning rate, moving average, and the file it goes on from.

Nothing here knows what is trained. All dice of a step are seeded by the run's seed and the number
of the step, so that a run that was stopped and resumed ends with the same bits as one that was not.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

_TIMED = (10, 40)
"""The steps between which the speed is measured; the first ones are slower."""

Losses = Mapping[str, Tensor]
"""What a step returns: "loss" is minimised, everything in it is logged."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How long and how to train. `hold` is the share of the steps before the rate decays.

    `fit_minutes` replaces `steps` by as many as the machine does in that time, which is measured
    once, at the beginning; `start` is a weights file to begin with if there is nothing to resume.
    """

    file: Path
    steps: int
    rate: float
    seed: int = 0
    minutes: float | None = None
    stop_at: int | None = None
    save_minutes: float = 4.0
    fit_minutes: float | None = None
    start: Path | None = None
    warm_up: int = 100
    hold: float = 0.4
    average: float = 0.998
    fresh: bool = False
    log_every: int = 50


@dataclass(frozen=True, slots=True)
class Step:
    """One step's number, its share of the whole, and its dice."""

    number: int
    share: float
    dice: np.random.Generator
    generator: torch.Generator


class Machine:
    """The device and the precision that suit it."""

    def __init__(self, device: str = "auto", precision: str = "auto") -> None:
        found = "cuda" if torch.cuda.is_available() else "cpu"
        self.device = torch.device(found if device == "auto" else device)
        self.half = _has_bfloat16(self.device) if precision == "auto" else precision == "bf16"

    def autocast(self) -> torch.autocast:
        """Mixed precision where the hardware has it: several times faster (tiny-model 2.1)."""
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.half)


def _has_bfloat16(device: torch.device) -> bool:
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    cpu = Path("/proc/cpuinfo")
    flags = cpu.read_text(encoding="utf-8") if cpu.is_file() else ""
    return "amx_bf16" in flags or "avx512_bf16" in flags


def add_run_arguments(parser: argparse.ArgumentParser, steps: int, rate: float) -> None:
    """The options that every training script has."""
    parser.add_argument("--steps", type=int, default=steps)
    parser.add_argument("--fit-minutes", type=float, help="take as many steps as fit in so long")
    parser.add_argument("--start-from", type=Path, help="weights file to begin with")
    parser.add_argument("--rate", type=float, default=rate, help="peak learning rate")
    parser.add_argument("--minutes", type=float, help="stop after so long; resume later")
    parser.add_argument("--stop-at", type=int, help="stop at this step; resume later")
    parser.add_argument("--save-minutes", type=float, default=4.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--fresh", action="store_true", help="do not resume, begin again")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda")
    parser.add_argument("--precision", choices=("auto", "bf16", "fp32"), default="auto")


def plan_of(given: argparse.Namespace, file: Path, **settings: Any) -> Plan:
    """The plan that parsed options describe; `settings` are further fields of it."""
    return Plan(
        file,
        given.steps,
        given.rate,
        given.seed,
        given.minutes,
        given.stop_at,
        given.save_minutes,
        given.fit_minutes,
        given.start_from,
        fresh=given.fresh,
        **settings,
    )


def parameter_groups(
    modules: Sequence[nn.Module], scales: Sequence[float], decay: float
) -> list[dict[str, Any]]:
    """Optimizer groups: matrices decay, vectors do not; `scales` multiply each module's rate."""
    groups: list[dict[str, Any]] = []
    for module, scale in zip(modules, scales, strict=True):
        given = [p for p in module.parameters() if p.requires_grad]
        for matrices in (True, False):
            chosen = [p for p in given if (p.ndim >= 2) == matrices]
            amount = decay if matrices else 0.0
            if chosen:
                groups.append({"params": chosen, "weight_decay": amount, "scale": scale})
    return groups


class Run:
    """Trains `groups` by AdamW; `modules` (by name) are what is saved.

    The file holds the step, weights, moving averages and the optimizer. It is replaced atomically.
    """

    def __init__(
        self,
        plan: Plan,
        modules: Mapping[str, nn.Module],
        groups: list[dict[str, Any]],
        machine: Machine,
        betas: tuple[float, float] = (0.9, 0.98),
    ) -> None:
        self.plan, self.modules, self.machine = plan, dict(modules), machine
        self.optimizer = torch.optim.AdamW(groups, plan.rate, betas=betas, fused=True)
        self.weights = [p for group in groups for p in group["params"]]
        self.averages = [p.detach().clone() for p in self.weights]
        self.done, self.steps = 0, plan.steps
        self.history: list[float] = []
        if plan.file.is_file() and not plan.fresh:
            self._resume()
        elif plan.start is not None:
            self._begin_with(plan.start)

    def train(
        self, losses_of: Callable[[Step], Losses], log: Callable[[str], None] = print
    ) -> None:
        """Step until the plan's steps or minutes are over, saving on the way and at the end."""
        begun = saved = timed = time.monotonic()
        first, recent = self.done, dict[str, list[float]]()
        while self.done < self._last():
            now = time.monotonic()
            if self.done == _TIMED[0]:
                timed = now
            elif self.done == _TIMED[1] and first <= _TIMED[0] and self.plan.fit_minutes:
                per_step = (now - timed) / (_TIMED[1] - _TIMED[0])
                self.steps = max(_TIMED[1] + 1, int(self.plan.fit_minutes * 60 / per_step))
            if self.plan.minutes is not None and now - begun > self.plan.minutes * 60:
                break
            if now - saved > self.plan.save_minutes * 60:
                self.save()
                saved = now
            for name, value in self._step(losses_of).items():
                recent.setdefault(name, []).append(value)
            self.done += 1
            if self.done % self.plan.log_every == 0 or self.done == self._last():
                speed = (self.done - first) / (time.monotonic() - begun)
                means = {name: float(np.mean(values)) for name, values in recent.items()}
                self.history.append(means["loss"])
                figures = " ".join(f"{name} {value:.4f}" for name, value in means.items())
                log(f"step {self.done} of {self.steps}, {speed:.2f}/s, {figures}")
                recent.clear()
        self.save()

    def _step(self, losses_of: Callable[[Step], Losses]) -> dict[str, float]:
        rate = self.rate_at(self.done)
        for group in self.optimizer.param_groups:
            group["lr"] = rate * group["scale"]
        losses = losses_of(self.dice(self.done))
        losses["loss"].backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.weights, 1.0)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        fresh = 1 - min(self.plan.average, 1 - 1 / (self.done * 0.15 + 2))
        torch._foreach_lerp_(self.averages, [p.detach() for p in self.weights], fresh)
        return {name: float(value.detach()) for name, value in losses.items()}

    def dice(self, number: int) -> Step:
        """The dice of a step, a function of the seed and the step alone."""
        generator = torch.Generator(self.machine.device)
        generator.manual_seed(self.plan.seed * 1_000_000_007 + number)
        numbers = np.random.default_rng((self.plan.seed, number))
        return Step(number, number / self.steps, numbers, generator)

    def rate_at(self, number: int) -> float:
        """Linear warm-up, a plateau, then a cosine to 3 % of the peak."""
        share = number / self.steps
        rise = min(1.0, (number + 1) / max(1, self.plan.warm_up))
        late = max(0.0, share - self.plan.hold) / max(1e-9, 1 - self.plan.hold)
        return self.plan.rate * rise * (0.515 + 0.485 * math.cos(math.pi * late))

    def save(self) -> None:
        """Write the file beside its place, then move it there."""
        state = {
            "step": self.done,
            "steps": self.steps,
            "modules": {name: module.state_dict() for name, module in self.modules.items()},
            "averages": self.averages,
            "optimizer": self.optimizer.state_dict(),
            "history": self.history,
        }
        self.plan.file.parent.mkdir(parents=True, exist_ok=True)
        beside = self.plan.file.with_suffix(".part")
        torch.save(state, beside)
        beside.replace(self.plan.file)

    def _resume(self) -> None:
        state = torch.load(self.plan.file, map_location=self.machine.device, weights_only=True)
        for name, module in self.modules.items():
            module.load_state_dict(state["modules"][name])
        self.averages = state["averages"]
        self.optimizer.load_state_dict(state["optimizer"])
        self.done, self.history = state["step"], list(state["history"])
        if self.plan.fit_minutes:
            self.steps = state["steps"]

    def _begin_with(self, path: Path) -> None:
        state = torch.load(path, map_location=self.machine.device, weights_only=True)
        for name, module in self.modules.items():
            if name in state:
                module.load_state_dict(state[name])
        self.averages = [weight.detach().clone() for weight in self.weights]

    def _last(self) -> int:
        """The step to stop at."""
        return min(self.steps, self.plan.stop_at or self.steps)

    @torch.no_grad()
    def swap_averages(self) -> None:
        """Exchange weights and their moving averages; twice is as never."""
        for weight, average in zip(self.weights, self.averages, strict=True):
            kept = weight.detach().clone()
            weight.copy_(average)
            average.copy_(kept)

    def finished(self, folder: Path) -> Path:
        """Write the averaged weights of all modules to `folder`/weights.pt and return its path."""
        self.swap_averages()
        path = folder / f"{self.plan.file.stem}_weights.pt"
        torch.save({name: module.state_dict() for name, module in self.modules.items()}, path)
        self.swap_averages()
        return path
