"""Progress, interrupt and skip (api 3.1, 3.2, 3.10; traps 12 and 31)."""

from __future__ import annotations

import base64
import time
from typing import Any

import pytest

from jobs.spec import JobSpec, JobState, Progress, StopKind
from pipelines.request import Img2ImgRequest
from tests.api.conftest import Api
from tests.api.doubles import preview

STATE_KEYS = {
    "skipped",
    "interrupted",
    "stopping_generation",
    "job",
    "job_count",
    "job_timestamp",
    "job_no",
    "sampling_step",
    "sampling_steps",
}
JPEG = base64.b64encode(preview().data).decode()


def submit(api: Api, owner: str = "local", **changes: Any) -> str:
    api.engine.hold = True
    spec = JobSpec(request=Img2ImgRequest(n_iter=3), tab="img2img")
    return api.engine.submit(owner, spec.model_copy(update=changes))


def test_idle_before_the_first_job(api: Api) -> None:
    answer = api.get("/progress")
    assert answer == {
        "progress": 0.0,
        "eta_relative": 0.0,
        "state": dict.fromkeys(STATE_KEYS, 0)
        | {"skipped": False, "interrupted": False, "stopping_generation": False}
        | {"job": "", "job_timestamp": "0"},
        "current_image": None,
        "textinfo": None,
        "current_task": None,
    }


def test_idle_after_a_job_keeps_its_counters(api: Api) -> None:
    api.make("/txt2img")
    answer = api.get("/progress")
    state = answer["state"]
    assert (answer["progress"], state["job_count"], state["job"]) == (0.0, 0, "")
    assert (state["sampling_step"], state["sampling_steps"]) == (3, 3)
    assert len(state["job_timestamp"]) == 14


RUNNING = {
    "not begun": (Progress(note="Loading x"), 0.01, -1, "scripts_img2img"),
    "first step": (Progress(0, 1, 0, 20), 0.01, 1, "scripts_img2img"),
    "half": (Progress(0, 1, 10, 20), 0.51, 1, "scripts_img2img"),
    "second of three": (Progress(1, 3, 5, 20), 0.01 + 1 / 3 + 5 / 60, 3, "Batch 2 out of 3"),
    "at the end": (Progress(0, 1, 20, 20), 1.0, 1, "scripts_img2img"),
}


@pytest.mark.parametrize(("done", "share", "count", "job"), RUNNING.values(), ids=RUNNING)
def test_running(api: Api, done: Progress, share: float, count: int, job: str) -> None:
    job_id = submit(api)
    api.engine.start(job_id, progress=done, preview=preview())
    api.engine.change(job_id, started=time.time() - 10)
    answer = api.get("/progress")
    assert set(answer["state"]) == STATE_KEYS
    assert answer["progress"] == pytest.approx(share)
    assert answer["eta_relative"] == pytest.approx(10 / share - 10, abs=50 / share)
    state = answer["state"]
    assert (state["job_count"], state["job_no"], state["job"]) == (count, done.batch, job)
    assert (state["sampling_step"], state["sampling_steps"]) == (done.step, done.steps)
    assert answer["current_image"] == JPEG
    assert answer["textinfo"] == (done.note or None)


def test_no_picture_when_it_is_not_wanted(api: Api) -> None:
    api.engine.start(submit(api), preview=preview())
    assert api.get("/progress?skip_current_image=true")["current_image"] is None
    api.options.set_many({"live_previews_enable": False})
    assert api.get("/progress")["current_image"] is None


def test_accepted_and_not_begun_is_not_idle(api: Api) -> None:
    submit(api)
    answer = api.get("/progress")
    assert (answer["progress"], answer["state"]["job_count"]) == (0.01, -1)
    assert answer["textinfo"] == "In queue: 1/1"


def test_loading_a_checkpoint_is_no_job(api: Api) -> None:
    job_id = submit(api, kind="load")
    assert api.get("/progress")["state"]["job_count"] == 0
    api.engine.start(job_id)
    assert api.get("/progress")["state"]["job_count"] == 0
    api.post("/interrupt")
    assert api.engine.stops == []


def test_everybody_sees_his_own_job_only(api: Api) -> None:
    api.engine.start(submit(api, "ada"), progress=Progress(0, 1, 5, 20), preview=preview())
    mine, theirs = api.get("/progress", user="ada"), api.get("/progress", user="bob")
    assert (mine["progress"], theirs["progress"]) == (0.26, 0.0)
    assert theirs["current_image"] is None
    submit(api, "bob")
    assert api.get("/progress", user="bob")["textinfo"] == "In queue: 1/1"


STOPS: dict[str, tuple[str, StopKind, Any]] = {
    "interrupt": ("/interrupt", StopKind.NOW, {}),
    "skip": ("/skip", StopKind.SKIP, None),
}


@pytest.mark.parametrize(("path", "kind", "answer"), STOPS.values(), ids=STOPS)
@pytest.mark.parametrize("body", [{}, {"json": {}}, {"json": ""}], ids=["none", "object", "text"])
def test_stopping_ones_own_running_job(
    api: Api, path: str, kind: StopKind, answer: Any, body: dict[str, Any]
) -> None:
    job_id, waiting = submit(api, "ada"), submit(api, "ada")
    api.engine.start(job_id)
    assert api.call("POST", path, user="bob", **body).json() == answer
    assert api.engine.stops == []
    assert api.call("POST", path, user="ada", **body).json() == answer
    assert api.engine.stops == [(job_id, kind)]
    assert waiting in {job.id for job in api.engine.queued()}


def test_stopping_when_idle_is_harmless(api: Api) -> None:
    assert api.call("POST", "/interrupt").json() == {}
    assert api.call("POST", "/skip").json() is None
    assert api.engine.stops == []


KINDS = {
    "now": (StopKind.NOW, "interrupted"),
    "after current": (StopKind.AFTER_CURRENT, "stopping_generation"),
}


@pytest.mark.parametrize(("kind", "key"), KINDS.values(), ids=KINDS)
def test_a_job_that_is_stopping_says_so(api: Api, kind: StopKind, key: str) -> None:
    job_id = submit(api)
    api.engine.start(job_id)
    api.engine.request_stop(job_id, kind)
    state = api.get("/progress")["state"]
    assert [name for name in ("interrupted", "stopping_generation") if state[name]] == [key]


def task(api: Api, name: str, user: str = "local", **more: Any) -> Any:
    return api.post("/internal/progress", {"id_task": name, **more}, user=user).json()


def test_progress_by_task_id(api: Api) -> None:
    api.make("/txt2img", force_task_id="task(mine)")
    job_id = api.engine.only_job().id
    assert task(api, "task(mine)")["completed"] is True
    api.engine.change(job_id, state=JobState.QUEUED)
    queued = task(api, "task(mine)")
    assert (queued["active"], queued["queued"], queued["completed"]) == (False, True, False)
    assert (queued["id_live_preview"], queued["textinfo"]) == (-1, "In queue: 1/1")
    api.engine.start(job_id, progress=Progress(0, 1, 5, 20), eta=3.0, preview=preview(4))
    running = task(api, "task(mine)")
    assert running["active"] is True
    assert (running["progress"], running["eta"], running["id_live_preview"]) == (0.26, 3.0, 4)
    assert running["live_preview"] == f"data:image/jpeg;base64,{JPEG}"
    assert task(api, "task(mine)", id_live_preview=4)["live_preview"] is None
    assert task(api, "task(mine)", live_preview=False)["live_preview"] is None
    assert task(api, "task(mine)", user="bob")["active"] is False
    assert task(api, f"task({job_id})", user="bob")["active"] is False


def test_an_unknown_task_is_waiting(api: Api) -> None:
    assert task(api, "task(nothing)") == {
        "active": False,
        "queued": False,
        "completed": False,
        "progress": None,
        "eta": None,
        "live_preview": None,
        "id_live_preview": -1,
        "textinfo": "Waiting...",
    }


def test_pending_tasks_are_ones_own(api: Api) -> None:
    first, second = submit(api), submit(api)
    submit(api, "bob")
    api.engine.start(first)
    pending = api.get("/internal/pending-tasks")
    assert pending == {"size": 2, "tasks": [f"task({first})", f"task({second})"]}
    assert task(api, f"task({second})")["queued"] is True
    assert task(api, f"task({second})")["textinfo"] == "In queue: 1/2"
    assert api.get("/internal/pending-tasks", user="eve") == {"size": 0, "tasks": []}


def test_ping(api: Api) -> None:
    assert api.get("/internal/ping") == {}
