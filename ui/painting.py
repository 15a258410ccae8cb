"""What a canvas hands over: paths of a picture and of the drawing over it. Knows no Gradio."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Painting:
    """A canvas as handlers see it; both files were uploaded or lie in our own folders.

    The drawing is a PNG of the picture's upright size: L for a mask, RGBA for colours. `width` and
    `height` are what the browser measured, 0 when it has not seen the picture yet. `shown` is how
    the page wants to see the mask: as painted (empty), "blurred" or on the latent "grid".
    `colour` is the brush's, "#rrggbb" or empty. `is_kept` says that it comes from our own store.
    """

    image: str
    drawing: str | None = None
    width: int = 0
    height: int = 0
    shown: str = ""
    is_kept: bool = False
    colour: str = ""
