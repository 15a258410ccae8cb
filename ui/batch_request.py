"""From the form to the request that all files of a batch share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jobs.options import request_defaults
from pipelines.geometry import Extent
from pipelines.request import Img2ImgRequest
from scripts.batch_spec import PLACEHOLDER
from ui.form_request import build_request, refined_as_set
from ui.overrides import apply_entries
from ui.painted import TabPictures
from ui.services import Services


def batch_base(values: Mapping[str, Any], services: Services, *, has_masks: bool) -> Img2ImgRequest:
    """The request of the form with PLACEHOLDER as its picture, and as its mask if there are masks.

    The size is the form's; "Resize by" is for each file. Raises FormError.
    """
    stand_in = dict.fromkeys(("image", "inpaint_image", "inpaint_mask"), PLACEHOLDER)
    tab = "inpaint_upload" if has_masks else "img2img"
    asked = {**values, **stand_in, "tab": tab, "resize_tab": "to"}
    settings = services.options.all()
    request = build_request(
        asked,
        lambda _: TabPictures(PLACEHOLDER, PLACEHOLDER),
        lambda _: Extent(0, 0),
        request_defaults(settings),
    )
    request = refined_as_set(request, settings)
    return apply_entries(values["override_settings"] or (), request)
