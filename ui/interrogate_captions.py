"""Captions for many pictures: .txt files in a folder of the server, or a ZIP of them for uploads.

The texts come from one interrogator, as a job like any other. What is there is never overwritten.
"""

from __future__ import annotations

import shutil
import tempfile
import zipfile
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr

from interrogate.options import CaptionFolder, interrogation_of
from interrogate.registry import Listing, find
from interrogate.report import Report, from_facts
from jobs.spec import JobSpec, JobState, JobView
from pipelines.picture_header import PictureError
from scripts.folders import FolderPolicy
from ui.batch_elements import BatchPanel
from ui.events import QUIET, WATCH, unchanged
from ui.interrogate_view import choices, state_text
from ui.picture_files import take_upload
from ui.services import Services
from ui.tabs import BATCH_TAB
from ui.texts_interrogate import INTERROGATE

Updates = dict[Any, Any]

_MOST_TOLD = 10
"""So many unreadable pictures are named."""


@dataclass(frozen=True)
class CaptionPanel:
    """The elements."""

    who: gr.Radio
    files: gr.File
    source: gr.Textbox
    target: gr.Textbox
    write: gr.Button
    stop: gr.Button
    status: gr.HTML
    texts: gr.File

    def inputs(self) -> set[Any]:
        """What is asked, as an event's inputs."""
        return {self.who, self.files, self.source, self.target}


def build_captions(rows: Sequence[Listing], policy: FolderPolicy) -> CaptionPanel:
    """Make the elements where this is called, closed."""
    is_open = bool(policy.roots) or not policy.shared
    ready = [row.name for row in rows if row.available]
    with gr.Accordion(INTERROGATE["captions"], open=False, elem_id="interrogate_captions"):
        who = gr.Radio(
            choices(rows),
            value=ready[0] if ready else None,
            label=INTERROGATE["captions_by"],
            elem_id="interrogate_captions_who",
        )
        files = gr.File(
            file_count="multiple",
            file_types=["image"],
            label=INTERROGATE["caption_files"],
            height=140,
            elem_id="interrogate_captions_files",
        )
        with gr.Row():
            source = gr.Textbox(
                label=INTERROGATE["caption_source"],
                placeholder=INTERROGATE["caption_source_hint" if is_open else "caption_closed"],
                interactive=is_open,
                elem_id="interrogate_captions_source",
            )
            target = gr.Textbox(
                label=INTERROGATE["caption_target"],
                placeholder=INTERROGATE["caption_target_hint"],
                interactive=is_open,
                elem_id="interrogate_captions_target",
            )
        with gr.Row():
            write = gr.Button(INTERROGATE["write"], elem_id="interrogate_captions_write")
            stop = gr.Button(INTERROGATE["stop"], elem_id="interrogate_captions_stop", min_width=70)
        status = gr.HTML(elem_id="interrogate_captions_status")
        texts = gr.File(
            label=INTERROGATE["caption_texts"],
            interactive=False,
            visible=False,
            elem_id="interrogate_captions_texts",
        )
    return CaptionPanel(who, files, source, target, write, stop, status, texts)


@dataclass(frozen=True)
class CaptionAsk:
    """Who shall describe what: uploaded files, or else the pictures of a folder."""

    who: str
    uploads: Sequence[str] = ()
    source: str = ""
    target: str = ""


def wire_captions(services: Services, panel: CaptionPanel) -> None:
    """Connect the elements."""
    handlers = CaptionHandlers(services, panel.status, panel.texts)

    async def write(data: dict[Any, Any], request: gr.Request) -> AsyncIterator[Updates]:
        ask = CaptionAsk(
            data[panel.who] or "",
            data[panel.files] or (),
            data[panel.source] or "",
            data[panel.target] or "",
        )
        async for updates in handlers.write(ask, request):
            yield updates

    panel.write.click(write, panel.inputs(), [panel.status, panel.texts], **WATCH)
    panel.stop.click(handlers.stop, None, None, **QUIET)


def wire_batch_captions(
    services: Services,
    buttons: Mapping[str, gr.Button],
    tab: gr.State,
    batch: BatchPanel,
    panel: CaptionPanel,
) -> None:
    """On the Batch tab the two buttons write a .txt for each file of the batch (ui 3).

    `buttons` by the interrogator's name. Texts for uploads come back in the panel.
    """
    handlers = CaptionHandlers(services, batch.told, panel.texts)
    inputs = {tab, batch.source, batch.files, batch.input_dir, batch.output_dir}

    def handler(name: str) -> Callable[..., AsyncIterator[Updates]]:
        async def write(data: dict[Any, Any], request: gr.Request) -> AsyncIterator[Updates]:
            if data[tab] != BATCH_TAB.id:
                yield unchanged()
                return
            is_upload = data[batch.source] == "upload"
            ask = CaptionAsk(
                name,
                data[batch.files] or () if is_upload else (),
                "" if is_upload else data[batch.input_dir] or "",
                "" if is_upload else data[batch.output_dir] or "",
            )
            async for updates in handlers.write(ask, request):
                yield updates

        return write

    for name, button in buttons.items():
        button.click(handler(name), inputs, [batch.told, panel.texts], **WATCH)


def stop_interrogations(services: Services, request: gr.Request) -> None:
    """End all interrogations of who asks; what was found so far is kept."""
    engine = services.engine
    for view in engine.latest(services.owner_of(request)):
        if view.spec.kind == "interrogate" and not view.state.is_final:
            engine.request_stop(view.id)


class CaptionHandlers:
    """Event handlers that tell `status` and `texts`; one object for all sessions, without state."""

    def __init__(self, services: Services, status: Any, texts: Any) -> None:
        self._services = services
        self._status, self._texts = status, texts

    async def write(self, ask: CaptionAsk, request: gr.Request) -> AsyncIterator[Updates]:
        """Ask for all captions and follow the job."""
        engine, status = self._services.engine, self._status
        uploads = [Path(path) for path in ask.uploads if not path.lower().endswith(".txt")]
        try:
            spec, problems = self._spec(ask, uploads)
        except ValueError as error:
            gr.Warning(escape(str(error)), duration=12)
            yield {status: escape(str(error))}
            return
        yield {self._texts: gr.update(visible=False), status: ""}
        job_id = engine.submit(self._services.owner_of(request), spec)
        last: JobView | None = None
        async for last in engine.watch(job_id, interval=0.2):
            if not last.state.is_final:
                yield {status: escape(state_text(last))}
        if last is None or not uploads:
            yield {status: "" if last is None else _ended(last, _told(last.facts))}
            return
        names = [path for path in uploads if path.name not in problems]
        found = captions_of(from_facts(last.facts), [path.name for path in names])
        problems |= found.problems
        folder = Path(tempfile.mkdtemp(prefix="captions-"))
        try:
            told = _counted(len(found.texts), 0, problems, from_facts(last.facts).notes)
            updates: Updates = {status: _ended(last, told)}
            if found.texts:
                packed = packed_texts(folder, found.texts)
                updates[self._texts] = gr.update(value=str(packed), visible=True)
            yield updates  # Gradio has its own copy when it asks for more
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def stop(self, request: gr.Request) -> None:
        """End the owner's interrogations; what was written so far stays."""
        stop_interrogations(self._services, request)

    def _spec(self, ask: CaptionAsk, uploads: Sequence[Path]) -> tuple[JobSpec, dict[str, str]]:
        """The job, and what is wrong with single uploads. Raises ValueError with a sentence."""
        services = self._services
        if not ask.who:
            raise ValueError(INTERROGATE["nobody"])
        refs, problems, folder = [], {}, None
        for path in uploads:
            try:
                refs.append(take_upload(str(path), services.assets, services.limits))
            except PictureError as error:
                problems[path.name] = str(error)
        if not uploads:
            folder = self._folder(ask.source, ask.target)
        elif not refs:
            raise ValueError("\n".join(f"{name}: {why}" for name, why in problems.items()))
        settings, names = services.options.all(), (find(ask.who).name,)
        asked = interrogation_of(settings, names, pictures=tuple(refs), folder=folder)
        return JobSpec(kind="interrogate", interrogation=asked, save=False), problems

    def _folder(self, source: str, target: str) -> CaptionFolder:
        if not source.strip():
            raise ValueError(INTERROGATE["no_captions"])
        policy = self._services.batches.policy
        return CaptionFolder(
            source=str(policy.source(source)),
            target=str(policy.target(target)) if target.strip() else "",
            roots=tuple(map(str, policy.roots)),
        )


@dataclass(frozen=True)
class FoundCaptions:
    """Texts by the name of their .txt, and by picture what went wrong."""

    texts: Mapping[str, str]
    problems: Mapping[str, str]


def captions_of(report: Report, names: Sequence[str]) -> FoundCaptions:
    """The captions of uploads in their order; equal stems are numbered, none replaces another."""
    texts: dict[str, str] = {}
    problems = {}
    for name, picture in zip(names, report.pictures, strict=False):
        if picture.problem:
            problems[name] = picture.problem
        for found in picture.descriptions.values():
            stem = Path(name).stem
            number = 1
            while (file := f"{stem}.txt" if number == 1 else f"{stem}-{number}.txt") in texts:
                number += 1
            texts[file] = found.text
    return FoundCaptions(texts, problems)


def packed_texts(folder: Path, texts: Mapping[str, str]) -> Path:
    """A ZIP of the texts in the folder."""
    path = folder / "captions.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in texts.items():
            archive.writestr(name, text)
    return path


def _told(facts: Mapping[str, Any]) -> str:
    """What a folder's job has done."""
    return _counted(
        len(facts.get("written", ())),
        int(facts.get("kept", 0)),
        facts.get("problems", {}),
        facts.get("notes", ()),
    )


def _counted(written: int, kept: int, problems: Mapping[str, str], notes: Sequence[str]) -> str:
    lines = [INTERROGATE["captions_done"].format(written=written, kept=kept)]
    lines += [f"{name}: {why}" for name, why in list(problems.items())[:_MOST_TOLD]]
    if len(problems) > _MOST_TOLD:
        lines.append(INTERROGATE["captions_more"].format(count=len(problems) - _MOST_TOLD))
    return "".join(f"<p>{escape(line)}</p>" for line in (*lines, *notes))


def _ended(view: JobView, told: str) -> str:
    if view.state is JobState.FAILED:
        gr.Warning(escape(view.error), duration=12)
        return escape(view.error)
    stopped = view.interrupted or view.state is JobState.CANCELLED
    return f"<p>{INTERROGATE['stopped']}</p>{told}" if stopped else told
