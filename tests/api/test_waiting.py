"""Waiting for a job: no thread is held, and a client that leaves frees his place in the line."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from jobs.spec import JobState, StopKind
from tests.api.conftest import Api


async def until(condition: Callable[[], bool]) -> None:
    """Wait for it, at most two seconds."""
    for _ in range(400):
        if condition():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("it did not happen")


class Caller:
    """One HTTP request at the level of ASGI, whose client can hang up."""

    def __init__(self, api: Api, path: str, body: dict[str, Any]) -> None:
        self._api = api
        self._path = path
        self._body = json.dumps(body).encode()
        self._gone = asyncio.Event()
        self._asked = False
        self.status = 0

    def hang_up(self) -> None:
        self._gone.set()

    async def receive(self) -> dict[str, Any]:
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": self._body, "more_body": False}
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]

    def run(self) -> Awaitable[None]:
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "POST",
            "scheme": "http",
            "path": self._path,
            "raw_path": self._path.encode(),
            "query_string": b"",
            "headers": [(b"content-type", b"application/json"), (b"x-user", b"local")],
            "client": ("127.0.0.1", 1),
            "server": ("test", 80),
        }
        return asyncio.ensure_future(self._api.app(scope, self.receive, self.send))


def leave(api: Api, path: str, body: dict[str, Any], *, running: bool) -> None:
    """Call, hang up once the job waits or runs, and wait for the call to end."""

    async def scene() -> None:
        api.engine.hold = True
        caller = Caller(api, path, body)
        call = caller.run()
        await until(lambda: len(api.engine.jobs) == 1)
        if running:
            api.engine.start(api.engine.only_job().id)
        await asyncio.sleep(0.02)
        caller.hang_up()
        await asyncio.wait_for(call, 2)
        assert caller.status == 499

    asyncio.run(scene())


CALLS: dict[str, tuple[str, dict[str, Any]]] = {
    "generation": ("/sdapi/v1/txt2img", {}),
}


@pytest.mark.parametrize(("path", "body"), CALLS.values(), ids=CALLS)
def test_a_waiting_job_is_cancelled_when_its_client_leaves_api_9_no_10(
    api: Api, path: str, body: dict[str, Any]
) -> None:
    leave(api, path, body, running=False)
    job = api.engine.only_job()
    assert api.engine.stops == [(job.id, StopKind.AFTER_CURRENT)]
    assert job.state is JobState.CANCELLED


@pytest.mark.parametrize(("path", "body"), CALLS.values(), ids=CALLS)
def test_a_running_job_goes_on_when_its_client_leaves(
    api: Api, path: str, body: dict[str, Any]
) -> None:
    leave(api, path, body, running=True)
    assert api.engine.stops == []
    assert api.engine.only_job().state is JobState.RUNNING


def test_fifty_waiting_calls_hold_no_thread_and_progress_answers(api: Api) -> None:
    async def scene() -> None:
        api.engine.hold = True
        before = threading.active_count()
        calls = [asyncio.ensure_future(api.acall("POST", "/txt2img", json={})) for _ in range(50)]
        await until(lambda: len(api.engine.jobs) == 50)
        await asyncio.sleep(0.05)
        assert threading.active_count() - before < 40
        answer = await asyncio.wait_for(api.acall("GET", "/progress"), 1)
        assert answer.json()["state"]["job_count"] == -1
        for job_id in api.engine.jobs:
            api.engine.finish(job_id)
        answers = await asyncio.gather(*calls)
        assert {one.status_code for one in answers} == {200}

    asyncio.run(scene())


def test_a_cancelled_call_leaves_nothing_behind(api: Api) -> None:
    """The server shuts down: the handler is cancelled, and so are its helpers."""

    async def scene() -> None:
        api.engine.hold = True
        call = asyncio.ensure_future(api.acall("POST", "/txt2img", json={}))
        await until(lambda: len(api.engine.jobs) == 1)
        await asyncio.sleep(0.02)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        others = asyncio.all_tasks() - {asyncio.current_task()}
        assert others == set()
        assert api.engine.stops == []

    asyncio.run(scene())
