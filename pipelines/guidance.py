"""Classifier-free guidance and its friends: wrappers that combine conditioned predictions.

They work on whatever the network predicts, denoised pictures or noise, because the combination is
linear: G = U + sum of w_k * cfg * (C_k - U) (Ho & Salimans 2022; AND composition: Liu et al. 2022).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from pipelines.prompt.conditioning import Conditioning, StepConditioning
from pipelines.request import SamplerTuning

Predict = Callable[[Tensor, Tensor, Tensor], Tensor]
"""(x (N, C, h, w), noise level (N,), context (N, tokens, dim)) -> prediction like x."""


@dataclass(frozen=True)
class Guided:
    """Both sides of one guided prediction, (B, C, h, w) each."""

    guided: Tensor
    uncond: Tensor
    cond: Tensor
    """The first part's own prediction, which the live preview shows (behaviour 14.2)."""


@dataclass(frozen=True)
class ImageGuidance:
    """The second guidance of InstructPix2Pix (Brooks et al. 2023, equation 3; behaviour 5.5).

    The last `channels` of x are the picture; without it they are zeros.
    """

    scale: float
    channels: int


class Guidance:
    """CFG over prompt parts and negative prompt; counts model calls for prompt editing.

    `total_steps` is the steps slider, doubled for second-order samplers (behaviour 7.1, 9.3).
    `together` computes both sides in one call, which needs the memory of both; the results are
    the same but for rounding (A1111's `batch_cond_uncond`, behaviour 7.5).
    """

    def __init__(
        self,
        predict: Predict,
        conditioning: Conditioning,
        cfg_scale: float,
        tuning: SamplerTuning,
        total_steps: int,
        image: ImageGuidance | None = None,
        *,
        together: bool = True,
    ) -> None:
        self._predict = predict
        self._conditioning = conditioning
        self._cfg_scale = cfg_scale
        self._tuning = tuning
        self._total_steps = total_steps
        self._image = image
        self._together = together
        self._calls = 0

    def swap(self, predict: Predict, conditioning: Conditioning) -> None:
        """Go on with another network and its texts; the count of calls goes on, too."""
        self._predict = predict
        self._conditioning = conditioning

    def __call__(self, x: Tensor, level: Tensor, *, sigma: float) -> Guided:
        """One guided prediction for x (B, C, h, w) at `level` (B,), sigma or timestep.

        `sigma` is the level as a sigma; NGMS compares with it.
        """
        step = self._conditioning.at(self._calls)
        skip_uncond = self._skips_uncond(sigma)
        self._calls += 1
        conds, uncond = self._predictions(x, level, step, with_uncond=not skip_uncond)
        first: dict[int, Tensor] = {}
        for part, prediction in zip(step.parts, conds, strict=True):
            first.setdefault(part.image_index, prediction)
        cond = torch.stack([first[i] for i in range(x.shape[0])])
        if uncond is None:
            return Guided(cond, cond, cond)
        guided = uncond if self._image is None else self._with_image(x, level, step, uncond)
        guided = guided.clone()
        for part, prediction in zip(step.parts, conds, strict=True):
            i = part.image_index
            guided[i] += (prediction - uncond[i]) * (part.weight * self._cfg_scale)
        return Guided(guided, uncond, cond)

    def _skips_uncond(self, sigma: float) -> bool:
        """Skip-early-CFG and NGMS (behaviour 7.5)."""
        tuning = self._tuning
        if tuning.skip_early_cfg and self._calls / self._total_steps <= tuning.skip_early_cfg:
            return True
        odd = self._calls % 2 == 1 or tuning.ngms_all_steps
        return odd and tuning.ngms > 0 and sigma < tuning.ngms

    def _with_image(
        self, x: Tensor, level: Tensor, step: StepConditioning, uncond: Tensor
    ) -> Tensor:
        """U + scale * (I - U): `uncond` (I) knows the picture, U knows neither text nor picture."""
        assert self._image is not None
        if self._image.scale == 1.0:
            return uncond
        blind = x.clone()
        blind[:, -self._image.channels :] = 0.0
        nothing = self._predict(blind, level, step.uncond)
        return nothing + (uncond - nothing) * self._image.scale

    def _predictions(
        self, x: Tensor, level: Tensor, step: StepConditioning, *, with_uncond: bool
    ) -> tuple[list[Tensor], Tensor | None]:
        """Predictions of every part and of the negative prompts.

        All in one call when the contexts are equally long, else one call for each length; the
        negative prompts in a call of their own unless both sides go together.
        """
        batch = x.shape[0]
        contexts = [part.tensor for part in step.parts]
        images = [part.image_index for part in step.parts]
        if with_uncond:
            contexts += list(step.uncond)
            images += list(range(batch))
        results: list[Tensor | None] = [None] * len(contexts)
        parts = len(step.parts)
        calls = [
            (context.shape[0], self._together or k < parts) for k, context in enumerate(contexts)
        ]
        for call in dict.fromkeys(calls):
            rows = [k for k, one in enumerate(calls) if one == call]
            at = [images[k] for k in rows]
            output = self._predict(
                _rows(x, at), _rows(level, at), torch.stack([contexts[k] for k in rows])
            )
            for k, row in zip(rows, output, strict=True):
                results[k] = row
        done = [result for result in results if result is not None]
        return done[:parts], torch.stack(done[parts:]) if with_uncond else None


def _rows(tensor: Tensor, at: list[int]) -> Tensor:
    """`tensor[at]`, without the list's way to the device, which would halt a GPU at each step."""
    return torch.stack([tensor[i] for i in at])
