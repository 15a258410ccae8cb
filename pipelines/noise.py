"""Seeds to noise: one independent stream per picture, variations and seed resize included.

Behaviour 8.2 and 8.3. Every draw comes from private generators that give the numbers A1111 takes
from torch's global one, so neither other jobs nor other libraries change a picture. Brownian
noise is in brownian.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor

from pipelines.philox import Philox
from pipelines.request import NoiseSource, Seeds

LATENT_SCALE = 8
"""Pixels per latent cell along each side."""

Shape = tuple[int, int, int]
"""(channels, height, width) of one picture's latent."""


class NoiseStream(Protocol):
    """Endless normal numbers from one seed."""

    def draw(self, shape: Sequence[int]) -> Tensor:
        """Draw a standard normal float32 tensor on the stream's device."""
        ...


class TorchStream:
    """Numbers of torch's generator: on the CPU, or on the accelerator that makes the picture."""

    def __init__(self, seed: int, generator_device: torch.device, device: torch.device) -> None:
        self._generator = torch.Generator(generator_device).manual_seed(seed % 2**64)
        self._device = device

    def draw(self, shape: Sequence[int]) -> Tensor:
        """Draw from the generator's device and move to the stream's."""
        generator = self._generator
        noise = torch.randn(
            tuple(shape), generator=generator, device=generator.device, dtype=torch.float32
        )
        return noise.to(self._device)


class PhiloxStream:
    """Numbers of an NVIDIA card, computed in software."""

    def __init__(self, seed: int, device: torch.device) -> None:
        self._philox = Philox(seed)
        self._device = device

    def draw(self, shape: Sequence[int]) -> Tensor:
        """Draw on the CPU and move to the stream's device."""
        return torch.from_numpy(self._philox.randn(shape)).to(self._device)


def noise_stream(seed: int, source: NoiseSource, device: torch.device | str) -> NoiseStream:
    """Open the stream of one seed (taken modulo 2**64).

    GPU means the compute device's own generator; without CUDA that is the CPU's (Apple's
    generator gives other numbers, so A1111 does not use it either).
    """
    target = torch.device(device)
    if source is NoiseSource.NV:
        return PhiloxStream(seed, target)
    on_card = source is NoiseSource.GPU and target.type not in ("cpu", "mps")
    return TorchStream(seed, target if on_card else torch.device("cpu"), target)


def slerp(strength: float, a: Tensor, b: Tensor) -> Tensor:
    """Turn `a` towards `b`, both (C,h,w), along great circles of their columns (behaviour 8.3).

    Norms and angles are taken along the height, as A1111 does. Nearly parallel inputs are mixed
    linearly, with A1111's weights (which are swapped).
    """
    a_unit = a / torch.norm(a, dim=1, keepdim=True)
    b_unit = b / torch.norm(b, dim=1, keepdim=True)
    dot = (a_unit * b_unit).sum(1)  # (C, w)
    if float(dot.mean()) > 0.9995:
        return a * strength + b * (1 - strength)
    omega = torch.acos(dot).unsqueeze(1)
    mixed: Tensor = torch.sin((1 - strength) * omega) * a + torch.sin(strength * omega) * b
    return mixed / torch.sin(omega)


class ImageNoise:
    """The noise of one batch: picture i's numbers depend on its own seeds only.

    `shape` is (C, h, w) of one latent, `seeds` and `subseeds` have one entry per picture;
    strength, seed resize, ENSD and source come from `settings`, whose own seeds are not used.
    Call `first` once for the initial noise, then `next` for every later draw. For the same
    initial noise again make a new object.
    """

    def __init__(
        self,
        shape: Shape,
        seeds: Sequence[int],
        subseeds: Sequence[int],
        settings: Seeds,
        device: torch.device | str = "cpu",
    ) -> None:
        if len(seeds) != len(subseeds) or not seeds:
            raise ValueError(
                f"{len(seeds)} seeds and {len(subseeds)} variation seeds: "
                "give one of each per picture, at least one"
            )
        self.shape = shape
        self.seeds = tuple(seeds)
        self.settings = settings
        self.device = torch.device(device)
        self._subseeds = tuple(subseeds)
        self._streams = [self._open(seed) for seed in seeds]
        self._is_fresh = True

    def first(self) -> Tensor:
        """Draw the initial noise (B,C,h,w), float32. Raises RuntimeError on a second call."""
        if not self._is_fresh:
            raise RuntimeError("the initial noise was drawn already: make a new ImageNoise")
        self._is_fresh = False
        noise = torch.stack([self._first_of(i) for i in range(len(self.seeds))])
        if self.settings.ensd != 0:
            self._streams = [self._open(seed + self.settings.ensd) for seed in self.seeds]
        return noise

    def next(self) -> Tensor:
        """Draw the next step's noise (B,C,h,w), float32: one tensor from each picture's stream."""
        return torch.stack([stream.draw(self.shape) for stream in self._streams])

    def _open(self, seed: int) -> NoiseStream:
        return noise_stream(seed, self.settings.source, self.device)

    def _first_of(self, i: int) -> Tensor:
        strength = self.settings.subseed_strength
        small = self._resize_shape()
        # With seed resize the picture's own stream is left for the base (below).
        stream = self._streams[i] if small is None else self._open(self.seeds[i])
        noise = stream.draw(small or self.shape)
        if strength != 0:
            sub = self._open(self._subseeds[i]).draw(small or self.shape)
            noise = slerp(strength, noise, sub)
        return noise if small is None else self._pasted(noise, self._streams[i].draw(self.shape))

    def _resize_shape(self) -> Shape | None:
        width = self.settings.resize_from_width // LATENT_SCALE
        height = self.settings.resize_from_height // LATENT_SCALE
        return (self.shape[0], height, width) if width > 0 and height > 0 else None

    @staticmethod
    def _pasted(noise: Tensor, base: Tensor) -> Tensor:
        """Paste `noise` (C,hn,wn) into the middle of `base` (C,h,w), cropping what sticks out."""
        dy, dx = (base.shape[1] - noise.shape[1]) // 2, (base.shape[2] - noise.shape[2]) // 2
        height = noise.shape[1] + min(2 * dy, 0)
        width = noise.shape[2] + min(2 * dx, 0)
        to_y, to_x, from_y, from_x = max(dy, 0), max(dx, 0), max(-dy, 0), max(-dx, 0)
        base[:, to_y : to_y + height, to_x : to_x + width] = noise[
            :, from_y : from_y + height, from_x : from_x + width
        ]
        return base
