"""Generation calls with a `script_name`: which script, its arguments, its run (api 2.6)."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal

from fastapi import HTTPException
from starlette.requests import Request

from api.errors import ClientGone, failure
from api.generation_schemas import GenerationRequest
from api.outcome import client_left
from api.services import ApiServices
from jobs.spec import JobView
from scripts.bench import ScriptCall, ScriptError, ScriptFailed
from scripts.catalogue import Script, find_script, run_script
from scripts.plan import PlanError

RUNNING_AT_ONCE = 8
"""Scripts that may be under way; each holds a thread that mostly waits."""

_OFF = frozenset({"", "none"})


class ScriptCalls:
    """Runs scripts for the generation routes. Without a bench there are no scripts."""

    def __init__(self, services: ApiServices) -> None:
        self._services = services
        self._threads = ThreadPoolExecutor(RUNNING_AT_ONCE, "api-script")

    def chosen(
        self, wire: GenerationRequest, tab: Literal["img2img", "txt2img"]
    ) -> tuple[Script, dict[str, Any]] | None:
        """The script of a call with its arguments, or None.

        Raises HTTPException 422 for scripts and arguments that there are not.
        """
        name = wire.script_name
        if name is None or name.strip().lower() in _OFF:
            return None
        script = find_script(name, tab) if self._services.scripts is not None else None
        if script is None:
            raise HTTPException(422, f"Script '{name}' not found")
        try:
            upscalers = self._services.catalog.upscalers.names
            return script, script.read_args(wire.script_args, upscalers)
        except ScriptError as error:
            raise HTTPException(422, f"script_args: {error}") from error

    async def run(self, script: Script, call: ScriptCall, request: Request) -> JobView:
        """The job that holds the script's pictures.

        When the client leaves, the script ends after what it is doing; ClientGone is raised. Raises
        HTTPException 422 for what the script refuses, WireError for jobs that failed.
        """
        bench = self._services.scripts
        assert bench is not None
        loop = asyncio.get_running_loop()
        running = loop.run_in_executor(self._threads, run_script, script, call, bench)
        leaving = asyncio.ensure_future(client_left(request))
        try:
            both: set[asyncio.Future[Any]] = {running, leaving}
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            if not running.done():
                call.stopping.set()
                raise ClientGone
            job = await asyncio.to_thread(self._services.engine.view, running.result())
        except (ScriptError, PlanError) as error:
            raise HTTPException(422, f"{script.title}: {error}") from error
        except ScriptFailed as error:
            raise failure(str(error)) from error
        finally:
            leaving.cancel()
            await asyncio.gather(leaving, return_exceptions=True)
        if job is None:
            raise LookupError("the script's job is gone")
        return job
