"""The scripts besides the plot on the page: one form each, made from their arguments (ui 7)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

import gradio as gr

from jobs.spec import JobSpec
from scripts.bench import Bench, ScriptCall
from scripts.catalogue import SCRIPTS, Arg, Script, run_script
from scripts.plot_output import TITLE as PLOT
from scripts.regions import TITLE as REGIONS
from ui.events import QUIET, WATCH, flushing
from ui.form import Form
from ui.plot_view import grid_html
from ui.texts import LABELS

Updates = dict[Any, Any]
NONE = "None"


@dataclass(frozen=True)
class ScriptForms:
    """A choice of script, the forms of which one is seen, and what came out."""

    chosen: gr.Dropdown
    groups: Mapping[str, gr.Group]
    controls: Mapping[str, Mapping[str, Any]]
    """By title and argument name."""
    run: gr.Button
    told: gr.HTML
    result: gr.HTML

    def upscalers(self) -> list[tuple[Arg, Any]]:
        """The controls that choose an upscaler."""
        return [
            (arg, self.controls[script.title][arg.name])
            for script in form_scripts()
            for arg in script.args
            if arg.kind == "upscaler"
        ]

    def inputs(self) -> set[Any]:
        """All controls, as an event's inputs."""
        return {self.chosen, *(c for one in self.controls.values() for c in one.values())}


def form_scripts() -> tuple[Script, ...]:
    """The scripts that have a form here."""
    panels = (PLOT, REGIONS)
    return tuple(one for one in SCRIPTS if "img2img" in one.tabs and one.title not in panels)


def build_script_forms() -> ScriptForms:
    """Make the forms; none is seen at first."""
    groups: dict[str, gr.Group] = {}
    controls: dict[str, dict[str, Any]] = {}
    with gr.Accordion(LABELS["script"], open=False, elem_id="img2img_script_container"):
        titles = [NONE, *(script.title for script in form_scripts())]
        chosen = gr.Dropdown(titles, value=NONE, label=LABELS["script"], elem_id="script_list")
        for script in form_scripts():
            with gr.Group(visible=False) as group:
                controls[script.title] = {
                    arg.name: _control(script, arg) for arg in script.args if arg.name
                }
            groups[script.title] = group
        run = gr.Button("Run script", variant="primary", elem_id="script_run", visible=False)
        told, result = gr.HTML(elem_id="script_told"), gr.HTML(elem_id="script_result")
    return ScriptForms(chosen, groups, controls, run, told, result)


def _control(script: Script, arg: Arg) -> Any:
    title = script.title.lower().replace(" ", "_").replace("'", "")
    name = f"script_{title}_{arg.name}"
    if arg.kind == "flag":
        return gr.Checkbox(bool(arg.default), label=arg.label, elem_id=name)
    if arg.kind in ("choice", "upscaler"):
        return gr.Dropdown(list(arg.choices), value=arg.default, label=arg.label, elem_id=name)
    if arg.kind == "several":
        return gr.CheckboxGroup(
            list(arg.choices), value=list(arg.default), label=arg.label, elem_id=name
        )
    if arg.kind in ("int", "float") and arg.lowest is not None and arg.highest is not None:
        low, high, step = arg.lowest, arg.highest, arg.step
        return gr.Slider(low, high, arg.default, step=step, label=arg.label, elem_id=name)
    return gr.Textbox(arg.default, lines=4, label=arg.label, elem_id=name)


class ScriptHandlers:
    """Event handlers of the forms; without state. `spec_of` raises ValueError with a sentence."""

    def __init__(
        self,
        bench: Bench,
        forms: ScriptForms,
        form: Form,
        spec_of: Callable[[dict[str, Any]], JobSpec],
        owner_of: Callable[[gr.Request], str],
        pictures_url: str,
    ) -> None:
        self._bench = bench
        self._forms = forms
        self._form = form
        self._spec_of = spec_of
        self._owner_of = owner_of
        self._pictures_url = pictures_url

    def choose(self, title: str) -> list[Any]:
        """Show the form of the chosen script, and the button unless it is None.

        Upscalers are looked for again.
        """
        shown = [gr.update(visible=title == name) for name in self._forms.groups]
        names = self._bench.upscalers()
        lists = [gr.update(choices=[*arg.choices, *names]) for arg, _ in self._forms.upscalers()]
        return [*shown, gr.update(visible=title != NONE), *lists]

    async def run(self, data: dict[Any, Any], request: gr.Request) -> AsyncIterator[Updates]:
        """Run the chosen script; its jobs appear in the queue, its pictures here."""
        forms = self._forms
        try:
            script, call = await asyncio.to_thread(self._call, data, self._owner_of(request))
            yield {forms.told: f'<p role="status">{escape(script.title)} runs …</p>'}
            job_id = await asyncio.to_thread(run_script, script, call, self._bench)
        except (ValueError, RuntimeError) as error:
            yield {forms.told: f'<p role="alert" class="op-plot-problem">{escape(str(error))}</p>'}
            return
        job = await asyncio.to_thread(self._bench.engine.view, job_id)
        ids = [] if job is None else [picture.id for picture in job.pictures]
        notes = () if job is None else job.facts.get("notes", ())
        text = " ".join([f"{len(ids)} pictures.", *(str(note) for note in notes)])
        yield {
            forms.told: f'<p role="status">{escape(text)}</p>',
            forms.result: grid_html(ids, self._pictures_url),
        }

    def _call(self, data: dict[Any, Any], owner: str) -> tuple[Script, ScriptCall]:
        forms = self._forms
        script = next((one for one in form_scripts() if one.title == data[forms.chosen]), None)
        if script is None:
            raise ValueError("choose a script first")
        mine = forms.inputs()
        spec = self._spec_of(self._form.values({c: v for c, v in data.items() if c not in mine}))
        controls = forms.controls[script.title]
        given = [data[controls[arg.name]] if arg.name else None for arg in script.args]
        return script, ScriptCall(
            owner,
            spec.request,
            script.read_args(given, self._bench.upscalers()),
            spec.tab,
        )


def wire_script_forms(forms: ScriptForms, handlers: ScriptHandlers, form: Form, url: str) -> None:
    """Connect the forms. `url` is the address of our own scripts."""
    seen = [*forms.groups.values(), forms.run, *(control for _, control in forms.upscalers())]
    forms.chosen.input(handlers.choose, forms.chosen, seen, **QUIET)
    inputs = form.components() | forms.inputs()
    forms.run.click(handlers.run, inputs, [forms.told, forms.result], js=flushing(url), **WATCH)
