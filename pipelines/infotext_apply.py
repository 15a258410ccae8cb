"""From an infotext back to a request: the same picture again (behaviour 10.4).

Catalogs are not known here: which file a model name or hash means is for the caller.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from pipelines.infotext_keys import (
    DEFAULTS,
    INFORMATIVE,
    INPAINT_KEYS,
    MASK_HASH,
    MERGING_FIELDS,
    OUTPAINT,
    OWN_REQUEST_FIELDS,
    OWN_TUNING_FIELDS,
    REQUEST_FIELDS,
    START_STEP_FIELDS,
    TEXT_FIELDS,
    TUNING_FIELDS,
)
from pipelines.infotext_old import old_ways
from pipelines.infotext_parse import ParsedInfotext, parse_infotext
from pipelines.infotext_passes import (
    fitting_hires,
    read_hires,
    read_inversion,
    read_refiner,
    read_soft,
)
from pipelines.infotext_skip import with_own
from pipelines.infotext_values import ValueReader
from pipelines.outpaint import Anchor
from pipelines.request import (
    MAX_PIXELS,
    Emphasis,
    Frozen,
    Img2ImgRequest,
    Inpaint,
    InpaintArea,
    MaskedContent,
    NoiseSource,
    ResizeMode,
    Sampling,
    Seeds,
    StepSemantics,
)
from pipelines.sampler_names import resolve_sampler
from pipelines.version import PROGRAM

MAX_PROMPT = 100_000
"""Characters of a prompt that a request can hold."""

NO_MASK_HERE = "The infotext is of an inpainted picture; there is no mask here."
"""The problem when `base` does not inpaint; who knows better leaves it out."""

_COLOR = re.compile(r"#[0-9a-fA-F]{6}")
_NO_MASK = Inpaint(mask="0" * 64)


@dataclass(frozen=True)
class Applied:
    """What an infotext made of a request.

    `unknown` holds keys whose settings do not exist here: the picture may differ. `problems` are
    sentences for the user. The model and VAE are names and hashes as written, None when missing.
    `inpaint` holds the fields of Inpaint (all but the mask) when the picture was made with a mask,
    `mask_hash` which mask that was (`masks.fingerprint`), `outpaint` where the picture stayed when
    it was outpainted (in `request` too, if that has an init image), `ti_hashes` the textual
    inversions, `lora_hashes` the LoRAs.
    """

    request: Img2ImgRequest
    unknown: dict[str, str] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    model_name: str | None = None
    model_hash: str | None = None
    vae_name: str | None = None
    vae_hash: str | None = None
    inpaint: Mapping[str, Any] = field(default_factory=dict)
    mask_hash: str | None = None
    outpaint: Anchor | None = None
    ti_hashes: Mapping[str, str] = field(default_factory=dict)
    lora_hashes: Mapping[str, str] = field(default_factory=dict)


def apply_infotext(
    text: str, base: Img2ImgRequest, *, backcompat: bool = True, skip: Collection[str] = ()
) -> Applied:
    """Set everything that an infotext says in `base`. Never raises.

    Pictures, batch size and count and the checkpoint are kept from `base`. So are Steps, Sampler,
    CFG scale, Seed, Size and Denoising strength when they are missing; any other missing key means
    its default, since defaults are not written. Settings that A1111 never writes (Resize mode,
    Color correction ...) are kept from `base` unless the infotext is one of ours. Values out of
    range are moved into it, unreadable ones left out: `problems` says so. A text without
    parameters only replaces the prompts, an empty one nothing. `backcompat` follows what old
    versions of A1111 did (`auto_backcompat`). Keys in `skip` (`infotext_skip_pasting`), "Prompt"
    and "Negative prompt" among them, are as if the infotext said of them what `base` says.
    """
    if not text.strip():
        return Applied(base, problems=("There is no text to read parameters from.",))
    parsed = parse_infotext(text.encode("utf-8", "replace").decode(), fill_defaults=False)
    parsed = with_own(parsed, base, skip)
    reader = ValueReader(parsed.params)
    job = _Job(parsed, base, reader)
    changes: dict[str, Any] = job.prompts()
    inpaint: dict[str, Any] = {}
    if parsed.params:
        changes |= job.settings()
        if backcompat:
            changes |= old_ways(parsed, base.model_copy(update=changes))
        inpaint = job.inpaint()
        changes |= job.masked(inpaint)
    return Applied(
        request=base.model_copy(update=changes),
        unknown=job.unknown(),
        problems=tuple(dict.fromkeys(reader.problems)),
        model_name=parsed.params.get("Model"),
        model_hash=parsed.params.get("Model hash"),
        vae_name=parsed.params.get("VAE"),
        vae_hash=parsed.params.get("VAE hash"),
        inpaint=inpaint if INPAINT_KEYS & parsed.params.keys() else {},
        mask_hash=parsed.params.get(MASK_HASH),
        outpaint=job.outpaint(),
        ti_hashes=_hashes(parsed.params.get("TI hashes", "")),
        lora_hashes=_hashes(parsed.params.get("Lora hashes", "")),
    )


def _hashes(text: str) -> dict[str, str]:
    """`name: hash, name2: hash` (behaviour 9.9)."""
    pairs = (pair.rpartition(":") for pair in text[:MAX_PROMPT].split(","))
    return {name.strip(): value.strip() for name, _, value in pairs if name.strip()}


@dataclass
class _Job:
    """One application: reads the parameters part by part."""

    parsed: ParsedInfotext
    base: Img2ImgRequest
    reader: ValueReader

    @property
    def is_ours(self) -> bool:
        return self.parsed.params.get("Version", "").startswith(PROGRAM)

    def prompts(self) -> dict[str, Any]:
        prompts = {
            "prompt": self.parsed.prompt,
            "negative_prompt": self.parsed.negative_prompt,
        }
        for name, text in prompts.items():
            if len(text) > MAX_PROMPT:
                label = name.replace("_", " ")
                self.reader.problems.append(
                    f"The {label} has {len(text)} characters; the first {MAX_PROMPT} are used."
                )
                prompts[name] = text[:MAX_PROMPT]
        return prompts

    def settings(self) -> dict[str, Any]:
        reader, base = self.reader, self.base
        labels = {mode.label: mode for mode in ResizeMode}
        emphases = {mode.value: mode for mode in Emphasis}
        changes = {
            "sampling": self._sampling(),
            "tuning": self._tuning(),
            "computing": base.computing.model_copy(
                update=self._fields(base.computing, MERGING_FIELDS)
            ),
            "texts": base.texts.model_copy(update=self._fields(base.texts, TEXT_FIELDS, own=True)),
            "seeds": self._seeds(),
            "vae": (reader.text("VAE") or base.vae)[:1000],
            "clip_skip": reader.number("Clip skip", Img2ImgRequest, "clip_skip", 1),
            "emphasis": reader.choice("Emphasis", emphases, Emphasis.ORIGINAL),
            "tiling": reader.switch("Tiling", False),
            "resize_mode": reader.choice("Resize mode", labels, self._unsaid(base, "resize_mode")),
            "overlay_inpaint": reader.switch(
                "Overlay inpaint", self._unsaid(base, "overlay_inpaint")
            ),
            **self._fields(base, REQUEST_FIELDS),
            **self._fields(base, OWN_REQUEST_FIELDS, own=True),
            "inpainting_mask_weight": reader.number(
                "Conditional mask weight", Img2ImgRequest, "inpainting_mask_weight", 1.0
            ),
            "refiner": read_refiner(reader),
            "inversion": read_inversion(reader, allowed=bool(base.init_images)),
            **self._size(),
        }
        hires = read_hires(reader, allowed=base.is_txt2img)
        width, height = changes.get("width", base.width), changes.get("height", base.height)
        changes["hires"] = fitting_hires(hires, width, height, reader)
        color, kept = changes["background_color"], base.background_color
        if not _COLOR.fullmatch(color):
            changes["background_color"] = kept
            reader.problems.append(
                f"Background color: {color[:40]!r} is no #rrggbb colour; {kept} is kept."
            )
        return changes

    def _sampling(self) -> Sampling:
        reader, base = self.reader, self.base.sampling
        semantics = {meaning.value: meaning for meaning in StepSemantics}
        changes = self._sampler_names() | {
            "steps": reader.number("Steps", Sampling, "steps", base.steps),
            "cfg_scale": reader.number("CFG scale", Sampling, "cfg_scale", base.cfg_scale),
            "image_cfg_scale": reader.number(
                "Image CFG scale", Sampling, "image_cfg_scale", Sampling().image_cfg_scale
            ),
            "denoising_strength": reader.number(
                "Denoising strength", Sampling, "denoising_strength", base.denoising_strength
            ),
            "semantics": reader.choice("Step semantics", semantics, StepSemantics.A1111),
            **self._fields(base, START_STEP_FIELDS),
        }
        return base.model_copy(update=changes)

    def _sampler_names(self) -> dict[str, Any]:
        """Names in today's spelling; a schedule that the sampler prefers anyway is Automatic."""
        sampler, scheduler = self.reader.text("Sampler"), self.reader.text("Schedule type")
        if sampler is None and scheduler is None:
            return {}
        names = resolve_sampler(sampler or self.base.sampling.sampler, scheduler or "")
        self.reader.problems.extend(names.warnings)
        is_preferred = names.scheduler.name == names.sampler.default_scheduler
        label = "Automatic" if is_preferred else names.scheduler.label
        return {"sampler": names.sampler.name, "scheduler": label}

    def _tuning(self) -> Frozen:
        base = self.base.tuning
        changes = self._fields(base, TUNING_FIELDS)
        changes |= self._fields(base, OWN_TUNING_FIELDS, own=True)
        return base.model_copy(update=changes)

    def _seeds(self) -> Seeds:
        reader, base = self.reader, self.base.seeds
        sources = {source.value: source for source in NoiseSource}
        changes = {
            "seed": reader.number("Seed", Seeds, "seed", base.seed),
            "subseed": reader.number("Variation seed", Seeds, "subseed", base.subseed),
            "subseed_strength": reader.number(
                "Variation seed strength", Seeds, "subseed_strength", 0.0
            ),
            "resize_from_width": reader.number("Seed resize from-1", Seeds, "resize_from_width", 0),
            "resize_from_height": reader.number(
                "Seed resize from-2", Seeds, "resize_from_height", 0
            ),
            "source": reader.choice("RNG", sources, NoiseSource.GPU),
            "ensd": reader.number("ENSD", Seeds, "ensd", 0),
        }
        return base.model_copy(update=changes)

    def _size(self) -> dict[str, int]:
        reader, base = self.reader, self.base
        width = reader.number("Size-1", Img2ImgRequest, "width", base.width)
        height = reader.number("Size-2", Img2ImgRequest, "height", base.height)
        if width * height > MAX_PIXELS:
            reader.problems.append(
                f"Size: {width}x{height} is more than {MAX_PIXELS} pixels; "
                f"{base.width}x{base.height} is kept."
            )
            return {}
        return {"width": int(width), "height": int(height)}

    def inpaint(self) -> dict[str, Any]:
        reader, base = self.reader, self.base.inpaint or _NO_MASK
        modes = {"Inpaint masked": False, "Inpaint not masked": True}
        contents = {content.label: content for content in MaskedContent}
        areas = {area.label: area for area in InpaintArea}
        changes = {
            "invert": reader.choice("Mask mode", modes, False),
            "content": reader.choice("Masked content", contents, MaskedContent.ORIGINAL),
            "area": reader.choice("Inpaint area", areas, InpaintArea.WHOLE_PICTURE),
            "padding": reader.number("Masked area padding", Inpaint, "padding", 32),
            "round": reader.switch("Mask rounding", self._unsaid(base, "round")),
            "soft": read_soft(reader),
        }
        for side in ("x", "y"):
            name = f"blur_{side}"
            both = reader.number("Mask blur", Inpaint, name, getattr(base, name))
            changes[name] = reader.number(f"Mask blur {side}", Inpaint, name, both)
        return changes

    def outpaint(self) -> Anchor | None:
        anchors: dict[str, Anchor | None] = {anchor.label: anchor for anchor in Anchor}
        unsaid: Anchor | None = self._unsaid(self.base, "outpaint")
        return self.reader.choice(OUTPAINT, anchors, unsaid)

    def masked(self, inpaint: Mapping[str, Any]) -> dict[str, Any]:
        """Mask and anchor of the request: without an init image there is neither."""
        base, said = self.base, self.parsed.params.keys()
        changes: dict[str, Any] = {}
        own = base.inpaint
        if base.init_images:
            changes["outpaint"] = self.outpaint()
            if changes["outpaint"] is not None:
                own, changes["resize_mode"] = own or Inpaint(), ResizeMode.JUST_RESIZE
            elif own is not None and own.mask is None:
                own = None
        changes["inpaint"] = own and own.model_copy(update=inpaint)
        needs_mask = MASK_HASH in said or (INPAINT_KEYS & said and OUTPAINT not in said)
        if needs_mask and (own is None or own.mask is None):
            self.reader.problems.append(NO_MASK_HERE)
        return changes

    def _fields(
        self, base: Frozen, fields: Mapping[str, str], *, own: bool = False
    ) -> dict[str, Any]:
        """Fields by key; a missing one has its default, or for our own keys what is unsaid."""
        model = type(base)
        return {
            name: self.reader.value(
                key,
                model,
                name,
                self._unsaid(base, name) if own else model.model_fields[name].default,
            )
            for key, name in fields.items()
        }

    def _unsaid(self, base: Frozen, name: str) -> Any:
        """A missing key of ours: the default in our infotexts, else as it is in the request."""
        return type(base).model_fields[name].default if self.is_ours else getattr(base, name)

    def unknown(self) -> dict[str, str]:
        return {
            key: value
            for key, value in self.parsed.params.items()
            if key not in self.reader.used | INFORMATIVE and DEFAULTS.get(key) != value
        }
