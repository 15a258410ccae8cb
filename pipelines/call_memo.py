"""Network calls that an earlier picture made on the very same input: its answer, to the bit.

Cells of a plot often begin alike: the first call of every CFG scale, all calls up to a refiner's
entry or a prompt's edit, the whole first pass below a hires pass. Nothing is assumed about which:
an answer is taken only where every input is equal, and a run stops looking at the first difference.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import torch
from torch import Tensor

MOST_BYTES: Final = 32 * 1024 * 1024
"""Tensors that are kept, so little that a long plot's memory stays flat. A run of SD 1.5 at 512
pixels takes 4 MB, its first call, which is what most cells share, 0.2 MB."""

MOST_RUNS: Final = 48
"""Runs that are kept. Many small tensors that live long scatter the heap, which then grows by
several times their size; a row of a plot is seldom longer."""

Inputs = Sequence[Tensor | None]


@dataclass(frozen=True)
class _Call:
    """One call: the network (not kept alive), its weights' name, what went in and what came out."""

    network: weakref.ref[Any]
    weights: Hashable
    inputs: tuple[Tensor | None, ...]
    output: Tensor

    def answers(self, network: object, weights: Hashable, inputs: Inputs) -> bool:
        """Whether this is the same call, all inputs equal to the bit."""
        return (
            self.network() is network
            and self.weights == weights
            and len(self.inputs) == len(inputs)
            and all(_equal(one, other) for one, other in zip(self.inputs, inputs, strict=True))
        )

    @property
    def tensors(self) -> Iterator[Tensor]:
        """What it keeps alive."""
        return (one for one in (*self.inputs, self.output) if one is not None)


@dataclass
class RunMemo:
    """The calls of one run, in order; `earlier` are runs that were the same so far.

    `known` are inputs of the run before, in whose place equal ones are not kept a second time: the
    texts of all cells of most plots.
    """

    earlier: list[list[_Call]]
    known: Inputs = ()
    calls: list[_Call] = field(default_factory=list)
    shared: int = 0
    """Calls that were answered by an earlier run."""

    def call(
        self, network: object, weights: Hashable, inputs: Inputs, compute: Callable[[], Tensor]
    ) -> Tensor:
        """The network's answer: an earlier run's where it made this very call, else computed.

        Neither inputs nor answers may be changed in place afterwards.
        """
        place = len(self.calls)
        self.earlier = [
            run
            for run in self.earlier
            if len(run) > place and run[place].answers(network, weights, inputs)
        ]
        if self.earlier:
            known = self.earlier[0][place]
            self.calls.append(known)
            self.shared += 1
            return known.output
        output = compute()
        kept = tuple(self._one_of(place, tensor) for place, tensor in enumerate(inputs))
        self.calls.append(_Call(weakref.ref(network), weights, kept, output))
        self.known = kept
        return output

    def _one_of(self, place: int, tensor: Tensor | None) -> Tensor | None:
        """The tensor, or the equal one that is kept already."""
        known = self.known[place] if place < len(self.known) else None
        return known if _equal(known, tensor) else tensor


class CallMemo:
    """The calls of the last runs. Owned by one worker; not thread-safe."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._runs: list[list[_Call]] = []

    def begin(self) -> RunMemo:
        """A new run, which may begin like those before it."""
        self._trim()
        last = next((run[-1].inputs for run in reversed(self._runs) if run), ())
        run = RunMemo(list(self._runs), last)
        self._runs.append(run.calls)
        return run

    def clear(self) -> None:
        """Forget all calls."""
        self._runs.clear()

    def _trim(self) -> None:
        """Forget until the rest fits: first the later calls of the oldest runs, then these runs.

        Most runs begin alike and part soon; a tensor that several calls hold counts once.
        """
        del self._runs[:-MOST_RUNS]
        while self._runs and self._bytes() > self._most_bytes:
            longest = next((run for run in self._runs if len(run) > 1), None)
            if longest is None:
                del self._runs[0]
            else:
                del longest[(len(longest) + 1) // 2 :]

    def _bytes(self) -> int:
        tensors = {id(one): one for run in self._runs for call in run for one in call.tensors}
        return sum(one.numel() * one.element_size() for one in tensors.values())


def _equal(one: Tensor | None, other: Tensor | None) -> bool:
    if one is None or other is None:
        return one is other
    return one is other or (one.dtype == other.dtype and torch.equal(one, other))
