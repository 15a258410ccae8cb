"""Batches run as jobs: one bad file is one failed row, nothing is made twice (users.md D, F)."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from jobs.assets import AssetStore
from pipelines.pictures import DEFAULT_LIMITS
from pipelines.request import Img2ImgRequest, Seeds
from scripts.batch_plan import BatchAsk, BatchPlanner
from scripts.batch_run import BatchRunner, BatchStore
from scripts.batch_spec import BatchFile
from scripts.batch_view import BatchView, RowState
from scripts.bench import ScriptError
from scripts.folders import FolderPolicy
from scripts.run_store import RunState
from tests.scripts.making import Finder, request
from tests.scripts.shop import Shop

WAIT = 20.0


class Hall:
    """A folder of pictures, and a batch runner over a shop whose worker paints at once."""

    def __init__(self, folder: Path, names: str = "a b c") -> None:
        self.folder = folder / "in"
        self.folder.mkdir()
        for level, name in enumerate(names.split()):
            Image.new("RGB", (64, 64), (level, 0, 0)).save(self.folder / f"{name}.png")
        self.assets = AssetStore(folder / "assets")
        self.shop = Shop(folder, lambda _: {})
        self.open()

    def open(self) -> None:
        planner = BatchPlanner(FolderPolicy(), self.assets, DEFAULT_LIMITS, Finder())
        store = BatchStore(self.shop.folder / "batches.sqlite")
        self.batches = BatchRunner(self.shop.engine, store, planner, self.assets)
        self.batches.start()

    def ask(self, **fields: Any) -> BatchAsk:
        common: dict[str, Any] = {"base": request(inpaint=None), "input_dir": str(self.folder)}
        return BatchAsk(**(common | fields))

    def submit(self, **fields: Any) -> str:
        return self.batches.submit("ann", self.ask(**fields))

    def over(self, batch_id: str) -> BatchView:
        view = self.batches.wait(batch_id, WAIT)
        assert view is not None
        assert view.is_over
        return view

    def fail_at(self, level: int, fate: str) -> None:
        """What becomes of the picture of this brightness."""
        bad = (self.folder / f"{'abcdefgh'[level]}.png").read_bytes()
        name = self.assets.add(bad)
        self.shop.fate = lambda request: fate if request.init_images == (name,) else ""

    def close(self) -> None:
        self.batches.close()
        self.shop.close()


@pytest.fixture
def hall(tmp_path: Path) -> Iterator[Hall]:
    hall = Hall(tmp_path)
    yield hall
    hall.close()


def states(view: BatchView) -> list[str]:
    return [row.state.value for row in view.rows]


def seeds(made: list[Img2ImgRequest]) -> list[int]:
    return [one.seeds.seed for one in made]


def test_every_file_is_a_job_that_starts_at_the_same_seed(hall: Hall) -> None:
    view = hall.over(hall.submit(base=request(inpaint=None, seeds=Seeds())))
    assert (view.run.state, states(view)) == (RunState.DONE, ["done"] * 3)
    assert len(set(seeds(hall.shop.made))) == 1
    assert seeds(hall.shop.made)[0] >= 0
    assert len({one.init_images for one in hall.shop.made}) == 3
    assert [len(row.pictures) for row in view.rows] == [1, 1, 1]


def test_results_go_to_the_output_folder_under_the_inputs_names(hall: Hall) -> None:
    out = hall.folder.parent / "out"
    batch_id = hall.submit(output_dir=str(out))
    view = hall.over(batch_id)
    jobs = [hall.shop.engine.view(row.pictures[0].job_id) for row in view.rows]
    saving = [job.spec.saving for job in jobs if job is not None and job.spec.saving is not None]
    assert [one.basename for one in saving] == ["a", "b", "c"]
    assert {one.directory for one in saving} == {str(out.resolve())}


def test_a_failed_file_is_one_failed_row(hall: Hall) -> None:
    hall.fail_at(1, "the picture is damaged")
    view = hall.over(hall.submit())
    assert states(view) == ["done", "failed", "done"]
    assert view.rows[1].text == "the picture is damaged"
    assert view.run.state is RunState.DONE


def test_a_file_that_goes_away_is_one_failed_row(hall: Hall) -> None:
    hall.fail_at(0, "hang")
    batch_id = hall.submit()
    assert hall.shop.hangs.wait(WAIT)
    (hall.folder / "c.png").unlink()
    running = hall.shop.engine.running()
    assert running is not None
    hall.shop.engine.request_stop(running.id)
    hall.over(batch_id)
    hall.shop.fate = lambda _: ""
    hall.batches.resume(batch_id)
    view = hall.over(batch_id)
    assert states(view) == ["done", "done", "failed"]
    assert view.rows[2].text == "c.png is no longer there"


def test_interrupt_keeps_what_is_done_and_resume_goes_on(hall: Hall) -> None:
    hall.fail_at(1, "hang")
    batch_id = hall.submit()
    assert hall.shop.hangs.wait(WAIT)
    with pytest.raises(ScriptError, match="still running"):
        hall.batches.resume(batch_id)
    hall.batches.stop(batch_id)
    view = hall.over(batch_id)
    assert view.run.state is RunState.STOPPED
    assert states(view)[:2] == ["done", "stopped"]
    hall.shop.fate = lambda _: ""
    hall.batches.resume(batch_id)
    assert states(hall.over(batch_id)) == ["done"] * 3
    assert len(hall.shop.made) == 3


def test_a_restarted_server_goes_on_where_it_was(hall: Hall) -> None:
    hall.fail_at(1, "hang")
    batch_id = hall.submit()
    assert hall.shop.hangs.wait(WAIT)
    hall.close()
    hall.shop.fate = lambda _: ""
    hall.shop.open()
    hall.open()
    assert states(hall.over(batch_id)) == ["done"] * 3
    assert len(hall.shop.made) == 3
    assert len({one.init_images for one in hall.shop.made}) == 3


def test_captions_of_an_interrogator_stand_behind_the_prompt(hall: Hall) -> None:
    view = hall.over(hall.submit(captions="clip"))
    assert [row.prompt for row in view.rows] == ["a cat on a mat, a barn"] * 3
    assert [one.prompt for one in hall.shop.made] == ["a cat on a mat, a barn"] * 3
    assert len(hall.shop.asked) == 3


def test_skipped_files_are_not_made(hall: Hall) -> None:
    (hall.folder / "b.png").write_bytes(b"nothing")
    view = hall.over(hall.submit())
    assert states(view) == ["done", "skipped", "done"]
    assert view.count(RowState.SKIPPED) == 1
    assert len(hall.shop.made) == 2


def test_a_batch_in_which_everything_is_skipped_does_not_begin(hall: Hall) -> None:
    for path in hall.folder.glob("*.png"):
        path.write_bytes(b"nothing")
    with pytest.raises(ScriptError, match="every file is skipped"):
        hall.submit()
    assert hall.batches.latest("ann") == []


def test_uploads_of_batches_are_kept(hall: Hall) -> None:
    name = hall.assets.add((hall.folder / "a.png").read_bytes())
    hall.over(hall.submit(files=[BatchFile(name="up.png", ref=name)]))
    assert hall.batches.used_pictures() == {name}
