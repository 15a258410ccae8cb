"""How often each kind of picture is shown in training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from models.builtin.training.world.scene import KINDS


def kind_factors(given: Sequence[str]) -> dict[str, float]:
    """What --often says, by kind. Raises ValueError for a kind that is not drawn or no number."""
    factors: dict[str, float] = {}
    for each in given:
        kind, _, value = each.partition("=")
        if kind not in KINDS or not value.replace(".", "", 1).isdecimal():
            raise ValueError(
                f"--often {each!r}: write KIND=FACTOR, such as objects=2; kinds are {list(KINDS)}."
            )
        factors[kind] = float(value)
    return factors


def row_shares(
    described: Sequence[dict[str, Any]], factors: Mapping[str, float], held_out: int
) -> npt.NDArray[np.float64]:
    """Probabilities of the rows: a kind's factor, 1 without one, 0 for the first `held_out`."""
    wanted = np.array([factors.get(words["attributes"]["kind"], 1.0) for words in described])
    wanted[:held_out] = 0
    return np.asarray(wanted / wanted.sum(), np.float64)
