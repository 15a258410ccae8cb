"""The linear map from latents to colours that makes cheap previews (behaviour 14.2). No torch."""

from __future__ import annotations

from dataclasses import dataclass

from models.facts import Facts


@dataclass(frozen=True, slots=True)
class LatentRgb:
    """RGB (-1..1) of a latent pixel = scaled latent (4) times `factors` (4 x 3) plus `bias` (3)."""

    factors: tuple[tuple[float, float, float], ...]
    bias: tuple[float, float, float]


SD1_LATENT_RGB = LatentRgb(
    (
        (0.298, 0.207, 0.208),
        (0.187, 0.286, 0.173),
        (-0.158, 0.189, 0.264),
        (-0.184, -0.271, -0.473),
    ),
    (0.0, 0.0, 0.0),
)
"""The SD 1.x matrix of behaviour 14.2."""


def latent_rgb(facts: Facts) -> LatentRgb:
    """The checkpoint's own map if its facts have one, else that of SD 1.x."""
    if facts.latent_rgb_factors is None:
        return SD1_LATENT_RGB
    return LatentRgb(facts.latent_rgb_factors, facts.latent_rgb_bias or (0.0, 0.0, 0.0))
