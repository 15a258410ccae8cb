"""Save and Zip on the page: which results, whose, and what is said."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import gradio as gr
import pytest

from jobs.chosen_pictures import ChosenPictures
from jobs.messages import PictureDone
from jobs.options import OptionStore
from jobs.output_folders import OutputFolders
from tests.jobs.doubles import Workshop, spec
from tests.pipelines.pixels import noise
from ui.save_buttons import SaveHandlers

ANN, BOB = (cast("gr.Request", SimpleNamespace(username=name)) for name in ("ann", "bob"))


class Page:
    """A page with three of ann's results, and what it was told."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        engine = Workshop(folder).engine
        made = [self._made(k) for k in range(3)]
        job = engine.view(engine.record("ann", spec(n_iter=3), made, {}))
        assert job is not None
        self.results = job.pictures
        self.options = OptionStore(folder)
        services = SimpleNamespace(
            engine=engine,
            options=self.options,
            owner_of=lambda request: request.username,
            chosen=ChosenPictures(OutputFolders(folder / "out"), self.options),
        )
        self.handlers = SaveHandlers(services, cast("gr.File", "files"))  # type: ignore[arg-type]
        self.told: list[str] = []
        for name in ("Info", "Warning"):
            monkeypatch.setattr(gr, name, lambda text, **_: self.told.append(text))
        monkeypatch.setattr("ui.save_buttons._served", lambda path: path.name)

    def _made(self, k: int) -> PictureDone:
        path = self.folder / f"{k}.png"
        noise(16, 8, seed=k).save(path)
        return PictureDone("", k, path, "a hen", 16, 8, k, 0, incomplete=False)

    def shown(self, selected: int = 1) -> dict[str, Any]:
        return {"pictures": [{"id": one.id} for one in self.results], "selected": selected}

    def save(
        self, shown: dict[str, Any] | None, request: gr.Request = ANN, *, archive: bool = False
    ) -> list[str]:
        """The files that are offered."""
        press = self.handlers.save_zip if archive else self.handlers.save
        updates = press(shown, request)
        return list(updates["files"]["value"]) if "files" in updates else []

    @property
    def kept(self) -> list[str]:
        return sorted(path.name for path in (self.folder / "out").rglob("*.png"))


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Page:
    return Page(tmp_path, monkeypatch)


@pytest.mark.parametrize("selected", [0, 2])
def test_the_selected_result_is_saved(page: Page, selected: int) -> None:
    (name,) = page.save(page.shown(selected))
    assert name.startswith(f"00000-{selected}-")
    assert page.kept == [name]
    assert page.told == [f"Saved as {name}."]


def test_all_are_saved_where_the_setting_says_so(page: Page) -> None:
    page.options.set_many({"save_selected_only": False})
    names = page.save(page.shown(), archive=True)
    assert [name[:8] for name in names] == ["00000-0-", "00001-1-", "00002-2-", "00000-0-"]
    assert names[3].endswith(".zip")
    assert page.kept == names[:3]
    assert page.told == ["3 results are saved."]


GONE = "A result is no longer on the server; nothing was saved."


def test_only_ones_own_results_are_saved(page: Page) -> None:
    """ui 20.10."""
    assert page.save(page.shown(), BOB) == []
    assert (page.kept, page.told) == ([], [GONE])


@pytest.mark.parametrize(
    ("shown", "said"),
    [
        (None, "Select a picture first."),
        ({"pictures": [], "selected": 0}, "Select a picture first."),
        ({"pictures": [{"id": "../../etc/passwd"}], "selected": 0}, GONE),
    ],
    ids=["nothing", "empty", "no id"],
)
def test_what_cannot_be_saved(page: Page, shown: dict[str, Any] | None, said: str) -> None:
    assert page.save(shown) == []
    assert (page.kept, page.told) == ([], [said])


def test_one_that_is_gone_stops_all(page: Page) -> None:
    page.options.set_many({"save_selected_only": False})
    page.results[2].path.unlink()
    assert page.save(page.shown()) == []
    assert (page.kept, page.told) == ([], [GONE])


def test_a_folder_that_cannot_be_is_said(page: Page) -> None:
    (page.folder / "out").write_text("no folder")
    assert page.save(page.shown()) == []
    (said,) = page.told
    assert said.startswith("Not saved: ")
    assert said.endswith("Check the folder of the setting outdir_save and its disk.")
