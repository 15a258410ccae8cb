"""The buttons that keep results in a folder of their own: Save, and Zip for a ZIP beside (ui 9)."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Any

import gradio as gr
from gradio import processing_utils
from gradio.utils import get_upload_folder

from jobs.chosen_pictures import Chosen, Saved
from ui.events import QUIET, unchanged
from ui.services import Services
from ui.texts_results import RESULT_LABELS, RESULT_MESSAGES
from ui.widgets import ResultGallery

Updates = dict[Any, Any]


def build_save_buttons(tab: str, parts: dict[str, Any]) -> None:
    """Add both to the row under the gallery; `tab` ends their ids."""
    for name in ("save", "save_zip"):
        parts[name] = gr.Button(RESULT_LABELS[name], size="sm", elem_id=f"{name}_{tab}")


def build_downloads(tab: str, parts: dict[str, Any]) -> None:
    """The list of what was saved last; it shows itself when there is something."""
    parts["downloads"] = gr.File(
        label=RESULT_LABELS["downloads"],
        file_count="multiple",
        interactive=False,
        visible=False,
        elem_id=f"download_files_{tab}",
    )


class SaveHandlers:
    """Event handlers of both buttons; one object for all sessions, without state."""

    def __init__(self, services: Services, downloads: gr.File) -> None:
        self._services = services
        self._downloads = downloads

    def save(self, shown: dict[str, Any] | None, request: gr.Request) -> Updates:
        """Keep the selected result, or all that are shown, and offer the files as downloads."""
        return self._save(shown, self._services.owner_of(request), with_archive=False)

    def save_zip(self, shown: dict[str, Any] | None, request: gr.Request) -> Updates:
        """The same, with a ZIP of the files."""
        return self._save(shown, self._services.owner_of(request), with_archive=True)

    def _save(self, shown: dict[str, Any] | None, owner: str, *, with_archive: bool) -> Updates:
        try:
            chosen = self._chosen(owner, shown or {})
            saved = self._services.chosen.save(chosen, with_archive=with_archive)
        except ValueError as error:
            gr.Warning(str(error), duration=6)
            return unchanged()
        except OSError as error:
            why = error.strerror or str(error)
            gr.Warning(escape(RESULT_MESSAGES["not_saved"].format(reason=why)), duration=12)
            return unchanged()
        gr.Info(_told(saved), duration=5)
        files = saved.files if saved.archive is None else (*saved.files, saved.archive)
        return {self._downloads: gr.update(value=[_served(path) for path in files], visible=True)}

    def _chosen(self, owner: str, shown: dict[str, Any]) -> list[Chosen]:
        """The results to save, all of this owner's. Raises ValueError with a sentence."""
        pictures = shown.get("pictures") or []
        if not pictures:
            raise ValueError(RESULT_MESSAGES["open_nothing"])
        if self._services.options.get("save_selected_only"):
            pictures = [pictures[min(max(int(shown.get("selected", 0)), 0), len(pictures) - 1)]]
        engine, found = self._services.engine, []
        for name in dict.fromkeys(str(picture["id"]) for picture in pictures):
            picture = engine.picture(owner, name)
            job = None if picture is None else engine.view(picture.job_id)
            if picture is None or job is None or not picture.path.is_file():
                raise ValueError(RESULT_MESSAGES["save_gone"])
            found.append(Chosen(job, picture))
        return found


def wire_saving(services: Services, parts: dict[str, Any], gallery: ResultGallery) -> None:
    """Connect the buttons of a page."""
    handlers = SaveHandlers(services, parts["downloads"])
    parts["save"].click(handlers.save, gallery, [parts["downloads"]], **QUIET)
    parts["save_zip"].click(handlers.save_zip, gallery, [parts["downloads"]], **QUIET)


def _told(saved: Saved) -> str:
    if len(saved.files) == 1:
        name = saved.name(saved.files[0])
        return escape(RESULT_MESSAGES["saved_one"].format(name=name))
    return RESULT_MESSAGES["saved_many"].format(count=len(saved.files))


def _served(path: Path) -> str:
    """A copy that the page may hand out: the folder itself is never served."""
    return str(processing_utils.save_file_to_cache(str(path), cache_dir=get_upload_folder()))
