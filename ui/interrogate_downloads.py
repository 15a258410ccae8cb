"""Getting real interrogators from the hub: a choice, a button, progress, and a way to stop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from html import escape
from typing import Any

import gradio as gr

from interrogate.downloads import DownloadState, DownloadView
from interrogate.fetch_file import DownloadError
from interrogate.hub import OFFERS
from ui.events import QUIET, WATCH
from ui.interrogate_lists import InterrogatorLists
from ui.page_load import PageLoad
from ui.services import Services
from ui.texts_interrogate import INTERROGATE

Updates = dict[Any, Any]

_INTERVAL = 0.3
"""Seconds between two looks at a download."""


@dataclass(frozen=True)
class DownloadPanel:
    """The elements."""

    which: gr.Dropdown
    start: gr.Button
    cancel: gr.Button
    status: gr.HTML


def build_downloads() -> DownloadPanel:
    """Make the elements where this is called, closed."""
    with gr.Accordion(INTERROGATE["downloads"], open=False, elem_id="interrogate_downloads"):
        with gr.Row():
            which = gr.Dropdown(
                [(offer.label, offer.name) for offer in OFFERS],
                value=OFFERS[0].name,
                label=INTERROGATE["which_download"],
                elem_id="interrogate_which_download",
            )
            start = gr.Button(INTERROGATE["download"], elem_id="interrogate_download", min_width=90)
            cancel = gr.Button(
                INTERROGATE["cancel_download"], elem_id="interrogate_cancel", min_width=70
            )
        status = gr.HTML(elem_id="interrogate_download_status")
    return DownloadPanel(which, start, cancel, status)


def wire_downloads(
    load: PageLoad,
    services: Services,
    panel: DownloadPanel,
    lists: InterrogatorLists,
) -> None:
    """Connect them; the lists learn of what has come. An opened page shows what runs."""
    handlers = DownloadHandlers(services, panel, lists)
    outputs = [panel.status, *lists.outputs]
    panel.start.click(handlers.start, panel.which, outputs, **WATCH)
    panel.cancel.click(handlers.cancel, None, None, **QUIET)
    load.follow(handlers.follow, outputs)


class DownloadHandlers:
    """Event handlers; one object for all sessions, without state."""

    def __init__(self, services: Services, panel: DownloadPanel, lists: InterrogatorLists) -> None:
        self._services = services
        self._panel, self._lists = panel, lists

    async def start(self, which: str, request: gr.Request) -> AsyncIterator[Updates]:
        """Begin and follow."""
        status = self._panel.status
        try:
            if not self._services.is_admin(request):
                raise DownloadError(INTERROGATE["download_forbidden"])
            self._services.downloads.start(which)
        except DownloadError as error:
            gr.Warning(escape(str(error)), duration=12)
            yield {status: escape(str(error))}
            return
        async for updates in self.follow():
            yield updates

    async def follow(self) -> AsyncIterator[Updates]:
        """How the newest download gets on, until it is over."""
        status = self._panel.status
        view = self._services.downloads.view
        while view.state is DownloadState.RUNNING:
            yield {status: f"{escape(progress_line(view))}{progress_bar(view)}"}
            await asyncio.sleep(_INTERVAL)
            view = self._services.downloads.view
        updates: Updates = {status: escape(progress_line(view))}
        if view.state is DownloadState.DONE:
            shown = self._lists.now(self._services.models_dir)
            updates |= dict(zip(self._lists.outputs, shown, strict=True))
        yield updates

    def cancel(self, request: gr.Request) -> None:
        """Stop the running download."""
        if self._services.is_admin(request):
            self._services.downloads.cancel()
        else:
            gr.Warning(INTERROGATE["download_forbidden"], duration=12)


def progress_bar(view: DownloadView) -> str:
    """HTML of how much of a download is here; empty while its size is not known."""
    if not view.total:
        return ""
    return f'<progress class="op-fetching" value="{view.done}" max="{view.total}"></progress>'


def progress_line(view: DownloadView) -> str:
    """One line on the newest download; empty when there was none."""
    if view.state is DownloadState.FAILED:
        return view.problem
    if view.state is DownloadState.CANCELLED:
        return INTERROGATE["download_cancelled"]
    if view.state is DownloadState.DONE:
        return INTERROGATE["downloaded"].format(label=view.label)
    if view.state is DownloadState.IDLE:
        return ""
    if not view.total:
        return INTERROGATE["listing"].format(label=view.label)
    return INTERROGATE["downloading"].format(
        label=view.label,
        done=view.done // 1_000_000,
        total=max(1, view.total // 1_000_000),
        share=view.done / view.total,
        file=view.file,
    )
