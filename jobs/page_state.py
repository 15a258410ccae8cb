"""How a page stood when a job was asked for, kept with it, so that a result can be opened again.

Everything is plain data; what the names mean is the page's business.
"""

from __future__ import annotations

from collections.abc import Mapping

from pipelines.request import Frozen, PictureRef

PageValue = bool | int | float | str | tuple[str, ...] | None


class KeptPicture(Frozen):
    """A picture field: the file, the drawing over it if there was one, and what it was called.

    `width` and `height` are the picture's in pixels, upright; 0 when nobody has measured it.
    """

    image: PictureRef
    drawing: PictureRef | None = None
    name: str = ""
    width: int = 0
    height: int = 0


class PageState(Frozen):
    """The tab in front, its picture fields and the other controls, by name."""

    tab: str
    values: Mapping[str, PageValue] = {}
    pictures: Mapping[str, KeptPicture] = {}

    def assets(self) -> set[PictureRef]:
        """The names of all files that belong to it."""
        refs = [ref for one in self.pictures.values() for ref in (one.image, one.drawing)]
        return {ref for ref in refs if ref is not None}
