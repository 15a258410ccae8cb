"""GET and POST /sdapi/v1/options; choosing a checkpoint waits until it is loaded (api 3.3, 3.4)."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter, HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from api.errors import WireRoute, crash, failure
from api.options_of_call import CHECKPOINT, VAE
from api.outcome import outcome
from api.schemas import Options
from api.services import ApiServices
from jobs.options import OptionError, coerce_all
from jobs.spec import JobSpec, JobState
from models.catalog import CheckpointEntry
from models.vae import AUTOMATIC, NONE
from pipelines.request import Img2ImgRequest


class SettingsRoutes:
    """The settings over the API."""

    def __init__(self, services: ApiServices) -> None:
        self._services = services

    def router(self) -> APIRouter:
        """The routes."""
        router = APIRouter(prefix="/sdapi/v1", route_class=WireRoute, tags=["settings"])
        described: dict[int | str, dict[str, Any]] = {200: {"model": Options}}
        router.add_api_route(
            "/options", self.get_config, methods=["GET"], response_model=None, responses=described
        )
        router.add_api_route("/options", self.set_config, methods=["POST"], response_model=None)
        return router

    def get_config(self) -> dict[str, Any]:
        """All settings. `sd_model_checkpoint` is the title that /sd-models shows for it."""
        values = self._services.options.all()
        entry = self._selected()
        values[CHECKPOINT] = entry.title
        values["sd_checkpoint_hash"] = entry.sha256 or ""
        return values

    async def set_config(self, changes: dict[str, Any], request: Request) -> Response:
        """Change settings, all or none. The complete answer of GET may be sent back."""
        services = self._services
        if not services.is_admin(request):
            raise HTTPException(403, "only administrators may change settings")
        wanted = {key: value for key, value in changes.items() if value is not None}
        try:
            coerce_all(wanted)
        except OptionError as error:
            raise HTTPException(422, str(error)) from error
        checkpoint = str(wanted.pop(CHECKPOINT, ""))
        vae = self._vae(wanted)
        if checkpoint or vae is not None:
            title = await self._load(checkpoint, vae, request)
            wanted |= {CHECKPOINT: title} if checkpoint else {}
        wanted.pop("sd_checkpoint_hash", None)
        await asyncio.to_thread(services.options.set_many, wanted)
        return JSONResponse(None)

    def _vae(self, wanted: dict[str, Any]) -> str | None:
        """The newly chosen VAE, None where it stays. Raises A1111's 500 for an unknown one."""
        services = self._services
        chosen = str(wanted.get(VAE, services.options.get(VAE)))
        if chosen == services.options.get(VAE):
            return None
        if chosen not in (AUTOMATIC, NONE, *(vae.name for vae in services.catalog.vaes())):
            raise crash("RuntimeError", f"VAE {chosen!r} not found")
        return chosen

    async def _load(self, alias: str, vae: str | None, request: Request) -> str:
        """Load a checkpoint ("": the selected one) and return the title it then has.

        Nothing is loaded where checkpoint and VAE stay as they are. Raises A1111's 500 when there
        is no checkpoint of that name, and 500 when it cannot be loaded.
        """
        services = self._services
        entry = services.catalog.find(alias) if alias else self._selected()
        if entry is None:
            raise crash("RuntimeError", f"model {alias!r} not found")
        if entry.name == self._selected().name and vae is None:
            return str(services.options.get(CHECKPOINT)) or entry.title
        wanted = Img2ImgRequest(
            checkpoint=entry.name, vae=vae or str(services.options.get(VAE)) or AUTOMATIC
        )
        spec = JobSpec(kind="load", request=wanted, save=False)
        owner = services.owner_of(request)
        job_id = await asyncio.to_thread(services.engine.submit, owner, spec)
        job = await outcome(services.engine, job_id, request)
        if job.state is not JobState.DONE:
            raise failure(job.error or f"loading {entry.title} was cancelled")
        await asyncio.to_thread(services.catalog.rescan)  # its hash may be known now
        return (services.catalog.find(entry.name) or entry).title

    def _selected(self) -> CheckpointEntry:
        return self._services.catalog.default(self._services.options.get(CHECKPOINT))
