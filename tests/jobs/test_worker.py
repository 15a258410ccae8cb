"""The worker's own parts, and - slow - a real worker process with the built-in checkpoint."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import skimage.data
from PIL import Image

from jobs.assets import AssetStore
from jobs.engine import LocalEngine
from jobs.messages import FromWorker, PictureDone, RunJob, StepDone, WorkerConfig
from jobs.previews import INTERVAL
from jobs.saving import PictureSaver
from jobs.spec import JobSpec, JobState, JobView, StopKind
from jobs.store import JobStore
from jobs.worker import JobListener, Stops
from pipelines.events import FinishedPicture, PreviewWish, StepEvent
from pipelines.pictures import encode_picture, open_picture, read_infotext
from tests.jobs.doubles import spec
from tests.pipelines.conftest import BUILTIN
from tests.pipelines.pixels import array, noise
from tests.pipelines.run_doubles import request_for

ROOT = Path(__file__).parents[2]

# ---------------------------------------------------------------- stops

NOW, SKIP, AFTER = StopKind.NOW, StopKind.SKIP, StopKind.AFTER_CURRENT


@pytest.mark.parametrize(
    ("asked", "taken"),
    [
        ([], [None]),
        ([NOW], [NOW, NOW]),
        ([SKIP], [SKIP, None]),
        ([AFTER], [AFTER, AFTER]),
        ([NOW, SKIP], [NOW, NOW]),
        ([NOW, AFTER], [NOW, NOW]),
        ([AFTER, SKIP], [SKIP, AFTER, AFTER]),
        ([AFTER, NOW], [NOW, NOW]),
        ([SKIP, SKIP], [SKIP, None]),
    ],
    ids=lambda kinds: "-".join(str(kind) for kind in kinds) or "nothing",
)
def test_no_wish_is_lost(asked: list[StopKind], taken: list[StopKind | None]) -> None:
    stops = Stops()
    for kind in asked:
        stops.ask("job", kind)
    stops.ask("another job", NOW)
    assert [stops.take("job") for _ in taken] == taken


# ---------------------------------------------------------------- the listener


@dataclass
class Post:
    """A mailbox double."""

    sent: list[FromWorker] = field(default_factory=list)
    stops: Stops = field(default_factory=Stops)

    def send(self, message: FromWorker) -> None:
        self.sent.append(message)


def listener(post: Post, folder: Path, done: int = 0) -> JobListener:
    job = RunJob("job", spec(n_iter=3), done)
    return JobListener(post, job, PictureSaver(folder / "out", folder / "data"))  # type: ignore[arg-type]


def step(number: int, drawn: list[int]) -> StepEvent:
    def draw(wish: PreviewWish) -> Image.Image:
        drawn.append(number)
        return noise(16, 8)

    return StepEvent(1, 3, number, 9, draw)


def test_steps_are_told_and_previews_now_and_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    post, clock = Post(), [100.0]
    drawn: list[int] = []
    monkeypatch.setattr("jobs.previews.time.monotonic", lambda: clock[0])
    heard = listener(post, tmp_path)
    for number in range(1, 6):
        heard.on_step(step(number, drawn))
        clock[0] += INTERVAL * 0.6
    assert drawn == [1, 3, 5]
    steps = [message for message in post.sent if isinstance(message, StepDone)]
    assert [(one.batch, one.batches, one.step, one.steps) for one in steps] == [
        (1, 3, number, 9) for number in range(1, 6)
    ]
    previews = [one.preview for one in steps if one.preview is not None]
    assert open_picture(previews[0]).size == (16, 8)


def test_a_note_keeps_the_place_of_the_last_step(tmp_path: Path) -> None:
    post = Post()
    heard = listener(post, tmp_path)
    heard.on_note("Encoding")
    heard.on_step(step(4, []))
    heard.on_note("Decoding")
    told = [(m.batch, m.step, m.note) for m in post.sent if isinstance(m, StepDone)]
    assert told == [(0, 0, "Encoding"), (1, 4, ""), (1, 4, "Decoding")]


def test_a_picture_is_told_when_it_lies_on_disk(tmp_path: Path) -> None:
    post = Post()
    listener(post, tmp_path).on_picture(
        FinishedPicture(2, noise(64, 72), "a hen", "a hen", 7, 8, False)
    )
    (message,) = post.sent
    assert isinstance(message, PictureDone)
    assert (message.position, message.width, message.height) == (2, 64, 72)
    assert read_infotext(message.path.read_bytes()) == "a hen"


def test_what_an_earlier_attempt_kept_is_not_saved_again(tmp_path: Path) -> None:
    post = Post()
    heard = listener(post, tmp_path, done=2)
    for position in range(3):
        heard.on_picture(FinishedPicture(position, noise(64, 64), "", "", 7, 8, False))
    assert [m.position for m in post.sent if isinstance(m, PictureDone)] == [2]
    assert len(list(tmp_path.rglob("*.png"))) == 1


# ---------------------------------------------------------------- a real worker


class House:
    """An engine with a real worker process, in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.assets = AssetStore(folder / "data" / "assets")
        self.store = JobStore(folder / "data" / "jobs.sqlite")
        self.config = WorkerConfig(
            models_dir=folder / "models",
            output_dir=folder / "outputs",
            data_dir=folder / "data",
            builtin=BUILTIN,
            use_cpu=True,
        )
        self.engine = LocalEngine(self.store, self.config)

    def photograph(self) -> str:
        picture = Image.fromarray(skimage.data.astronaut()).resize((128, 128))
        return self.assets.add(encode_picture(picture, "png", infotext=""))

    def submit(self, **fields: Any) -> str:
        request = request_for(**{"width": 128, "height": 128, "prompt": "a girl", **fields})
        return self.engine.submit("ann", JobSpec(request=request))

    def view(self, job: str) -> JobView:
        view = self.engine.view(job)
        assert view is not None
        return view

    def wait(self, job: str, until: Callable[[JobView], bool], seconds: float = 90.0) -> JobView:
        deadline = time.monotonic() + seconds
        while not until(view := self.view(job)):
            assert not view.state.is_final, f"it ended before: {view.error}"
            assert time.monotonic() < deadline, f"nothing for {seconds} s: {view}"
            time.sleep(0.01)
        return view

    def finished(self, job: str) -> JobView:
        return self.wait(job, lambda view: view.state.is_final)

    def files(self) -> list[Path]:
        return sorted(path for path in (self.folder / "outputs").rglob("*") if path.is_file())


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    house = House(tmp_path_factory.mktemp("house"))
    house.engine.start()
    yield house
    house.engine.stop()


def sampled(view: JobView) -> bool:
    return view.progress.step > 1 and view.progress.note == ""


LONG = {"steps": 150, "denoising_strength": 1.0}


@pytest.mark.slow
def test_a_job_from_upload_to_file(house: House) -> None:
    job = house.submit(init_images=(house.photograph(),), sampling={"steps": 8})
    view = house.finished(job)
    assert (view.state, view.error, view.attempts) == (JobState.DONE, "", 1)
    (picture,) = view.pictures
    data = picture.path.read_bytes()
    assert open_picture(data).size == (128, 128)
    assert read_infotext(data) == picture.infotext
    assert picture.infotext.startswith("a girl\nSteps: 8, Sampler: Euler")
    assert house.engine.picture("bob", picture.id) is None
    assert view.facts["executed_steps"] == 7
    assert view.facts["device"] == "cpu"
    assert len(view.facts["model_hash"]) == 10


@pytest.mark.slow
def test_the_same_job_gives_the_same_bytes(house: House) -> None:
    ref = house.photograph()
    jobs = [house.submit(init_images=(ref,)) for _ in range(2)]
    one, other = (house.finished(job).pictures[0].path for job in jobs)
    assert one != other
    assert one.read_bytes() == other.read_bytes()


@pytest.mark.slow
def test_a_killed_worker_is_replaced_and_its_job_goes_on(house: House) -> None:
    request = {"init_images": (house.photograph(),), "n_iter": 3, "sampling": {"steps": 60}}
    expected = house.finished(house.submit(**request))
    before = house.files()
    job = house.submit(**request)
    house.wait(job, lambda view: len(view.pictures) == 1 and view.progress.batch == 1)
    kept = house.view(job).pictures[0]
    killed = house.engine.worker_pid
    assert killed is not None
    os.kill(killed, signal.SIGKILL)
    view = house.finished(job)
    assert (view.state, view.attempts) == (JobState.DONE, 2)
    assert house.engine.worker_pid != killed
    assert view.pictures[0] == kept
    assert [picture.position for picture in view.pictures] == [0, 1, 2]
    for one, other in zip(view.pictures, expected.pictures, strict=True):
        assert (array(Image.open(one.path)) == array(Image.open(other.path))).all()
    assert len(house.files()) == len(before) + 3


@pytest.mark.slow
@pytest.mark.parametrize("kind", [StopKind.NOW, StopKind.SKIP], ids=str)
def test_an_interrupt_ends_the_job_early_and_the_queue_goes_on(
    house: House, kind: StopKind
) -> None:
    job = house.submit(init_images=(house.photograph(),), sampling=LONG)
    next_job = house.submit(init_images=(house.photograph(),))
    house.wait(job, sampled)
    assert house.engine.request_stop(job, kind)
    view = house.finished(job)
    assert (view.state, view.interrupted) == (JobState.DONE, kind is StopKind.NOW)
    (picture,) = view.pictures
    assert picture.incomplete
    assert picture.path.is_relative_to(house.folder / "data")
    assert house.finished(next_job).state is JobState.DONE


@pytest.mark.slow
def test_previews_and_progress_come_while_it_works(house: House) -> None:
    job = house.submit(init_images=(house.photograph(),), sampling=LONG)
    view = house.wait(job, lambda view: view.preview is not None and view.eta is not None)
    assert view.preview is not None
    assert open_picture(view.preview.data).size == (128, 128)
    assert 0.0 < view.progress.fraction < 1.0
    house.engine.request_stop(job)
    house.finished(job)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"init_images": ("0" * 64,)}, "no longer on the server; choose it again"),
        ({"init_images": (), "checkpoint": "nothing like it"}, "model 'nothing like it' not found"),
        ({"init_images": (), "checkpoint": "corrupt"}, "corrupt"),
        ({"init_images": (), "checkpoint": "renamed"}, "renamed"),
        (
            {"init_images": (), "sampling": {"semantics": "exact", "steps": 9}},
            "",
        ),
    ],
    ids=["missing picture", "unknown checkpoint", "corrupt file", "renamed file", "fine"],
)
def test_a_job_that_cannot_be_done_says_why_and_the_queue_goes_on(
    house: House, fields: dict[str, Any], said: str
) -> None:
    folder = house.folder / "models" / "Stable-diffusion"
    folder.mkdir(parents=True, exist_ok=True)
    weights = (BUILTIN / "unet" / "diffusion_pytorch_model.safetensors").read_bytes()
    (folder / "corrupt.safetensors").write_bytes(weights[: len(weights) // 2])
    (folder / "renamed.safetensors").write_bytes(b"<html>not found</html>" * 1000)
    pid = house.engine.worker_pid
    jobs = [house.submit(**fields), house.submit(init_images=(house.photograph(),))]
    try:
        bad, good = (house.finished(job) for job in jobs)
    finally:
        shutil.rmtree(folder)
    assert bad.state is (JobState.FAILED if said else JobState.DONE)
    assert said in bad.error
    assert "Traceback" not in bad.error
    assert "internal error" not in bad.error
    assert good.state is JobState.DONE
    assert house.engine.worker_pid == pid


@pytest.mark.slow
def test_a_picture_file_that_was_damaged_later_says_so(house: House) -> None:
    ref = house.photograph()
    path = house.assets.path(ref)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    try:
        view = house.finished(house.submit(init_images=(ref,)))
    finally:
        path.write_bytes(whole)
    assert view.state is JobState.FAILED
    assert "internal error" not in view.error
    assert "damaged" in view.error or "cut off" in view.error


@pytest.mark.slow
def test_an_output_folder_that_cannot_be_used_says_so(tmp_path: Path) -> None:
    (tmp_path / "outputs").write_text("a file where a folder should be")
    house = House(tmp_path)
    house.engine.start()
    try:
        view = house.finished(house.submit(init_images=(house.photograph(),)))
        assert view.state is JobState.FAILED
        assert str(tmp_path / "outputs") in view.error
        assert "could not be used" in view.error
        (tmp_path / "outputs").unlink()
        again = house.finished(house.submit(init_images=(house.photograph(),)))
        assert again.state is JobState.DONE
    finally:
        house.engine.stop()


@pytest.mark.slow
def test_a_server_that_stops_leaves_its_job_to_the_next_one(tmp_path: Path) -> None:
    first = House(tmp_path)
    first.engine.start()
    job = first.submit(init_images=(first.photograph(),), n_iter=2, sampling={"steps": 60})
    first.wait(job, lambda view: len(view.pictures) == 1)
    first.engine.stop()
    first.store.close()
    second = House(tmp_path)
    second.engine.start()
    try:
        view = second.finished(job)
        assert (view.state, len(view.pictures)) == (JobState.DONE, 2)
        assert len(second.files()) == 2
    finally:
        second.engine.stop()


KILLED_SERVER = """
import sys, time
from pathlib import Path
from tests.jobs.test_worker import House

if __name__ == "__main__":
    house = House(Path(sys.argv[1]))
    house.engine.start()
    job = house.submit(init_images=(house.photograph(),), sampling={"steps": 150})
    house.wait(job, lambda view: view.progress.step > 1)
    print(house.engine.worker_pid, job, flush=True)
    time.sleep(600)
"""


@pytest.mark.slow
def test_a_killed_server_takes_its_worker_along_and_leaves_its_job(tmp_path: Path) -> None:
    """An orphan would keep the GPU's memory from the next server."""
    script = tmp_path / "server.py"
    script.write_text(KILLED_SERVER)
    command = [sys.executable, str(script), str(tmp_path)]
    path = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=path) as server:
        assert server.stdout is not None
        pid, job = server.stdout.readline().split()
        server.send_signal(signal.SIGKILL)
        server.wait()
    deadline = time.monotonic() + 20
    while Path(f"/proc/{pid}").exists():
        assert time.monotonic() < deadline, "the worker outlives its server"
        time.sleep(0.05)
    house = House(tmp_path)
    house.engine.start()
    try:
        view = house.finished(job)
        assert (view.state, view.attempts, len(view.pictures)) == (JobState.DONE, 2, 1)
    finally:
        house.engine.stop()
