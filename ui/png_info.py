"""What a dropped picture or workflow file tells: as HTML, and as the text that fills a form."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from html import escape
from pathlib import Path
from typing import Any, NamedTuple

from pipelines.comfy_nodes import left_out
from pipelines.comfy_workflow import (
    AppliedWorkflow,
    WorkflowError,
    apply_workflow,
    find_workflow,
    looks_like_workflow,
)
from pipelines.infotext_apply import Applied, apply_infotext
from pipelines.pictures import read_metadata
from pipelines.request import Img2ImgRequest
from pipelines.steps import executed_steps
from ui.texts import CHOICES, LABELS, MESSAGES

MAX_FILE = 20_000_000
"""Bytes of a workflow file that are read."""


class Info(NamedTuple):
    """What is shown, and an infotext or workflow for the form; "" where there is none."""

    html: str
    text: str


def read_picture(path: Path) -> Info:
    """The data a picture carries: its infotext, or the workflow it was made with."""
    try:
        found = read_metadata(path)
    except (ValueError, OSError) as error:
        return Info(_problem(str(error)), "")
    if not found:
        return Info(_problem(MESSAGES["no_metadata"]), "")
    infotext = found.get("parameters", "")
    workflow = None if infotext else find_workflow(found)
    if workflow is not None:
        return Info(_workflow(workflow) + _folded(found), workflow)
    return Info(_rows(found), infotext)


def read_text_file(path: Path) -> Info:
    """A workflow saved as JSON, or an infotext saved beside a picture."""
    try:
        if path.stat().st_size > MAX_FILE:
            return Info(_problem(MESSAGES["workflow_too_large"]), "")
        text = path.read_bytes().decode("utf-8-sig")
    except (UnicodeDecodeError, OSError):
        return Info(_problem(MESSAGES["no_text_file"]), "")
    if looks_like_workflow(text) or text.lstrip().startswith("{"):
        return Info(_workflow(text), text)
    return Info(_rows({"parameters": text}), text)


def text_in(path: Path) -> str:
    """The infotext or workflow of a dropped file, picture or text; "" where there is none."""
    is_text = path.suffix.lower() in (".json", ".txt")
    return (read_text_file(path) if is_text else read_picture(path)).text


def apply_text(
    text: str, base: Img2ImgRequest, *, backcompat: bool = True, skip: Collection[str] = ()
) -> Applied:
    """Spread an infotext or a ComfyUI workflow over a request. Raises WorkflowError.

    `skip` and `backcompat` say how an infotext is read (`apply_infotext`).
    """
    if not looks_like_workflow(text):
        return apply_infotext(text, base, backcompat=backcompat, skip=skip)
    found = apply_workflow(text, base)
    vae = found.vae_name or base.vae
    problems = [*found.problems, *_unread(text)]
    if found.image_name:
        problems.append(MESSAGES["workflow_picture"].format(name=found.image_name))
    return Applied(
        found.request.model_copy(update={"vae": vae}),
        problems=tuple(problems),
        model_name=found.model_name,
        vae_name=found.vae_name,
    )


def _workflow(text: str) -> str:
    """What a workflow says here, and what of it could not be taken over."""
    try:
        found = apply_workflow(text, Img2ImgRequest())
    except WorkflowError as error:
        return _problem(str(error))
    problems = [*found.problems, *_unread(text)]
    title = f"<h3>{escape(MESSAGES['workflow'])}</h3>"
    listed = "".join(f"<li>{escape(problem)}</li>" for problem in problems)
    heading = MESSAGES["workflow_left_out" if problems else "workflow_complete"]
    told = _rows(_told(found), "op-meta op-told")
    return f"{title}{told}<p><strong>{escape(heading)}</strong></p><ul>{listed}</ul>"


def _told(found: AppliedWorkflow) -> dict[str, str]:
    """The settings of a workflow by the page's labels."""
    request = found.request
    sampling = request.sampling
    choices: Any = CHOICES["semantics"]
    meanings = {value: text for text, value in choices}
    executed = executed_steps(sampling, txt2img=not found.is_img2img)
    runs = MESSAGES["workflow_steps"].format(
        steps=sampling.steps, executed=executed, meaning=meanings[sampling.semantics.value]
    )
    told = {
        LABELS["prompt"]: request.prompt,
        LABELS["negative_prompt"]: request.negative_prompt,
        LABELS["steps"]: runs,
        LABELS["sampler"]: f"{sampling.sampler}, {sampling.scheduler}",
        LABELS["cfg"]: f"{sampling.cfg_scale:g}",
        LABELS["denoise"]: f"{sampling.denoising_strength:g}",
        LABELS["seed"]: str(request.seeds.seed),
        LABELS["checkpoint"]: found.model_name or "",
        LABELS["vae"]: found.vae_name or "",
        LABELS["image"]: found.image_name or "",
    }
    return {label: value for label, value in told.items() if value}


def _unread(text: str) -> list[str]:
    return [MESSAGES["workflow_node"].format(kind=kind) for kind in left_out(text)]


def _rows(found: Mapping[str, str], classes: str = "op-meta") -> str:
    rows = "".join(
        f"<dt>{escape(key)}</dt><dd>{escape(str(value))}</dd>" for key, value in found.items()
    )
    return f'<dl class="{classes}">{rows}</dl>'


def _folded(found: Mapping[str, str]) -> str:
    summary = escape(MESSAGES["raw_data"])
    return f'<details class="op-raw"><summary>{summary}</summary>{_rows(found)}</details>'


def _problem(text: str) -> str:
    return f"<p>{escape(text)}</p>"
