"""Keys of a pasted infotext that the user wants left out: they stay as they are (behaviour 10.2).

A missing key means its default, so what is left out must be said in the words of the request.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from pipelines.infotext import ImageFacts, write_infotext
from pipelines.infotext_parse import ParsedInfotext, parse_infotext
from pipelines.request import Img2ImgRequest

PROMPT = "Prompt"
NEGATIVE_PROMPT = "Negative prompt"


def left_out(key: str, skip: Collection[str]) -> bool:
    """Whether the setting `infotext_skip_pasting` names this key.

    Letter case does not matter; "Size" means "Size-1" and "Size-2", into which it is read.
    """
    wanted = {one.strip().lower() for one in skip}
    return not wanted.isdisjoint({key.lower(), key.lower().removesuffix("-1").removesuffix("-2")})


def with_own(parsed: ParsedInfotext, base: Img2ImgRequest, skip: Collection[str]) -> ParsedInfotext:
    """The infotext with what `base` says in place of the keys in `skip`. Never raises."""
    if not skip:
        return parsed
    own = _told(base)
    params = {key: value for key, value in parsed.params.items() if not left_out(key, skip)}
    if parsed.params:
        params |= {key: value for key, value in own.items() if left_out(key, skip)}
    return replace(
        parsed,
        prompt=base.prompt if left_out(PROMPT, skip) else parsed.prompt,
        negative_prompt=(
            base.negative_prompt if left_out(NEGATIVE_PROMPT, skip) else parsed.negative_prompt
        ),
        params=params,
    )


def _told(request: Img2ImgRequest) -> Mapping[str, str]:
    """All keys of a request; also those that are only written where they count."""
    facts = ImageFacts(
        index=0,
        prompt="(",  # shows the emphasis mode
        negative_prompt="",
        seed=request.seeds.seed,
        subseed=request.seeds.subseed,
        model_name="",
        model_hash="",
        schedule_label=request.sampling.scheduler,
        sampler_name=request.sampling.sampler,
        executed_steps=0,
        variant="inpaint",  # tells the conditional mask weight
        extra={"Image CFG scale": request.sampling.image_cfg_scale},
        version="",
    )
    return parse_infotext(write_infotext(request, facts), fill_defaults=False).params
