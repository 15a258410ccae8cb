"""Which files a batch takes, with which mask, prompt and size, and which it skips (behaviour 11).

This is the dry run: what it lays out is what runs. Only headers and texts are read here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from interrogate.options import InterrogationOptions
from jobs.assets import AssetStore
from jobs.saving_options import SavingOptions
from pipelines.geometry import Extent
from pipelines.infotext_apply import apply_infotext
from pipelines.infotext_parse import parse_infotext
from pipelines.pictures import PictureLimits, read_infotext, upright_size
from pipelines.prepare import outpaint_problem
from pipelines.request import Img2ImgRequest
from pipelines.sampler_names import resolve_sampler
from scripts.axis import CheckpointFinder
from scripts.batch_spec import (
    MAX_ROWS,
    PLACEHOLDER,
    BatchFile,
    BatchRow,
    BatchSpec,
    Captions,
    joined,
    row_request,
)
from scripts.bench import ScriptError
from scripts.folders import FolderPolicy
from scripts.values import ValuesError

PNG_INFO_FIELDS: Final = (
    "Prompt",
    "Negative prompt",
    "Seed",
    "CFG scale",
    "Sampler",
    "Steps",
    "Model hash",
)
"""What may be taken from a picture's own infotext, as A1111 lists it."""

MAX_CAPTION: Final = 100_000
"""Bytes of a text file with a caption."""


@dataclass(frozen=True)
class BatchAsk:
    """A batch as the page asks for it. Empty texts are empty fields.

    `base` holds the form; with masks its `inpaint` says how they are used. `scale` is the factor of
    "Resize by", None for the form's own size. `texts` are uploaded captions by stem.
    """

    base: Img2ImgRequest
    scale: float | None = None
    files: Sequence[BatchFile] = ()
    """Uploads; an input folder is read only without them."""
    input_dir: str = ""
    output_dir: str = ""
    masks: Sequence[BatchFile] = ()
    mask_dir: str = ""
    png_info: bool = False
    png_info_dir: str = ""
    png_info_fields: Sequence[str] = ()
    captions: Captions = "none"
    texts: Mapping[str, str] = field(default_factory=dict)
    interrogation: InterrogationOptions = field(default_factory=InterrogationOptions)
    saving: SavingOptions = field(default_factory=SavingOptions)


@dataclass(frozen=True)
class BatchPlanner:
    """Lays batches out; reads files only where the policy allows."""

    policy: FolderPolicy
    assets: AssetStore
    limits: PictureLimits
    finder: CheckpointFinder

    def plan(self, ask: BatchAsk) -> BatchSpec:
        """The batch as it would run. Raises ScriptError when it cannot run at all."""
        files = self._files(ask)
        masks = self._masks(ask)
        base = _with_placeholders(ask.base, has_masks=masks is not None)
        infos = self.policy.source(ask.png_info_dir) if ask.png_info_dir.strip() else None
        saving, output = self._saving(ask)
        asked = ask.captions if ask.captions in ("clip", "deepdanbooru") else ""
        spec = BatchSpec(
            base=base,
            rows=(),
            interrogator=asked,
            interrogation=ask.interrogation,
            saving=saving,
            output=output,
        )
        layout = _Layout(self, ask, spec, masks, infos)
        return spec.model_copy(update={"rows": tuple(layout.row(file) for file in files)})

    def place(self, file: BatchFile) -> Path:
        """Where a picture lies. Raises ValueError when it is gone or no longer may be read."""
        if file.ref is not None:
            return self.assets.path(file.ref)
        path = Path(file.path)
        if not path.is_file():
            raise ScriptError(f"{file.name} is no longer there")
        if not self.policy.may_read(path):
            raise ScriptError(f"{file.name} lies where this server opens no files")
        return path

    def _files(self, ask: BatchAsk) -> Sequence[BatchFile]:
        files = ask.files or self._in_folder(ask.input_dir, deep=True)
        if not files:
            where = f" in {ask.input_dir.strip()!r}" if ask.input_dir.strip() else ""
            raise ScriptError(f"there are no pictures{where}: upload some, or name another folder")
        if len(files) > MAX_ROWS:
            raise ScriptError(
                f"{len(files)} files are more than {MAX_ROWS} for one batch: part them"
            )
        return files

    def _masks(self, ask: BatchAsk) -> Sequence[BatchFile] | None:
        """All masks; None when no masks were asked for."""
        if ask.masks:
            return ask.masks
        if not ask.mask_dir.strip():
            return None
        found = self._in_folder(ask.mask_dir, deep=False)
        if not found:
            raise ScriptError(
                f"there are no masks in {ask.mask_dir.strip()!r}: put some in, or clear the field"
            )
        return found

    def _in_folder(self, text: str, *, deep: bool) -> list[BatchFile]:
        if not text.strip():
            return []
        folder = self.policy.source(text)
        return [
            BatchFile(name=path.relative_to(folder).as_posix(), path=str(path))
            for path in self.policy.pictures(folder, deep=deep)
        ]

    def _saving(self, ask: BatchAsk) -> tuple[SavingOptions, str]:
        """Into an output folder without sub-folders, named after the inputs; else as always."""
        if not ask.output_dir.strip():
            return ask.saving, ""
        folder = str(self.policy.target(ask.output_dir))
        changes = {
            "directory": folder,
            "use_folders": False,
            "file_pattern": "[basename]-[generation_number]",
        }
        return ask.saving.model_copy(update=changes), folder


@dataclass(frozen=True)
class _Layout:
    """What all rows of one batch are made from."""

    planner: BatchPlanner
    ask: BatchAsk
    spec: BatchSpec
    masks: Sequence[BatchFile] | None
    infos: Path | None

    def row(self, file: BatchFile) -> BatchRow:
        base = self.spec.base
        plain = BatchRow(picture=file, prompt=base.prompt, negative_prompt=base.negative_prompt)
        try:
            place = self.planner.place(file)
            size = upright_size(place, self.planner.limits)
            found = self._sized(plain, size)
            found = self._masked(found)
            found = self._with_info(found, place)
            found = self._captioned(found, place)
            refs = {"picture": PLACEHOLDER} | ({"mask": PLACEHOLDER} if found.mask else {})
            problem = outpaint_problem(row_request(self.spec, found, refs), [size])
            if problem is not None:
                raise ValuesError(problem)
        except (ValuesError, ValueError, OSError) as error:
            return plain.model_copy(update={"skip": str(error)})
        return found

    def _sized(self, row: BatchRow, size: Extent) -> BatchRow:
        width, height = self.spec.base.width, self.spec.base.height
        if self.ask.scale is not None:
            width, height = int(size.width * self.ask.scale), int(size.height * self.ask.scale)
        return row.model_copy(update={"width": width, "height": height})

    def _masked(self, row: BatchRow) -> BatchRow:
        """One mask is for all pictures, else the first one of the same base name."""
        if self.masks is None:
            return row
        stem = Path(row.picture.name).stem
        named = (mask for mask in self.masks if Path(mask.name).stem == stem)
        mask = self.masks[0] if len(self.masks) == 1 else next(named, None)
        if mask is None:
            raise ScriptError(f"there is no mask named {stem}.*")
        upright_size(self.planner.place(mask), self.planner.limits)
        return row.model_copy(update={"mask": mask})

    def _with_info(self, row: BatchRow, place: Path) -> BatchRow:
        if not self.ask.png_info:
            return row
        source = place if self.infos is None else self.infos / Path(row.picture.name).name
        if not source.is_file() or not self._may_read(row.picture, source):
            return _noted(row, "no file of this name in the PNG info folder")
        infotext = read_infotext(source, self.planner.limits)
        if not infotext:
            return _noted(row, "no generation data in the picture")
        changes = dict(self._taken(infotext, set(self.ask.png_info_fields)))
        notes = (*row.notes, *changes.pop("notes", ()))
        return row.model_copy(update={**changes, "notes": notes})

    def _may_read(self, file: BatchFile, source: Path) -> bool:
        return (file.ref is not None and self.infos is None) or self.planner.policy.may_read(source)

    def _taken(self, infotext: str, wanted: set[str]) -> Iterator[tuple[str, Any]]:
        """Prompts are put behind the form's, everything else takes its place."""
        base, parsed = self.spec.base, parse_infotext(infotext, fill_defaults=False)
        read = apply_infotext(infotext, base).request
        wanted = {name for name in wanted if name in parsed.params or "rompt" in name}
        if "Prompt" in wanted:
            yield "prompt", f"{base.prompt} {parsed.prompt}".strip()
        if "Negative prompt" in wanted:
            yield "negative_prompt", f"{base.negative_prompt} {parsed.negative_prompt}".strip()
        if "Seed" in wanted:
            yield "seed", read.seeds.seed
        if "CFG scale" in wanted:
            yield "cfg_scale", read.sampling.cfg_scale
        if "Steps" in wanted:
            yield "steps", read.sampling.steps
        notes: list[str] = []
        if "Sampler" in wanted:
            notes += resolve_sampler(parsed.params["Sampler"]).warnings
            yield "sampler", parsed.params["Sampler"]
        if "Model hash" in wanted:
            model = self.planner.finder.find(parsed.params["Model hash"])
            if model is None:
                notes.append(f"no checkpoint here has the hash {parsed.params['Model hash'][:20]}")
            else:
                yield "checkpoint", model.title
        yield "notes", tuple(notes)

    def _captioned(self, row: BatchRow, place: Path) -> BatchRow:
        if self.ask.captions != "files":
            return row
        text = self._text(row.picture, place)
        if not text:
            return _noted(row, "no caption file")
        return row.model_copy(update={"prompt": joined(row.prompt, text)})

    def _text(self, file: BatchFile, place: Path) -> str:
        """The caption beside a picture, or the one that was uploaded with it."""
        if file.ref is not None:
            return " ".join(self.ask.texts.get(Path(file.name).stem, "").split())
        beside = place.with_suffix(".txt")
        if not beside.is_file() or not self.planner.policy.may_read(beside):
            return ""
        with beside.open("rb") as opened:
            return " ".join(opened.read(MAX_CAPTION).decode("utf-8", "replace").split())


def _noted(row: BatchRow, note: str) -> BatchRow:
    return row.model_copy(update={"notes": (*row.notes, note)})


def _with_placeholders(base: Img2ImgRequest, *, has_masks: bool) -> Img2ImgRequest:
    inpaint = base.inpaint if has_masks or base.outpaint is not None else None
    return base.model_copy(update={"init_images": (PLACEHOLDER,), "inpaint": inpaint})
