"""POST /sdapi/v1/img2img and /txt2img: one call, one job, one answer (api 2)."""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, Literal

from fastapi import APIRouter, HTTPException
from starlette.requests import Request
from starlette.responses import Response

from api.answer import AnswerPlan, build_answer, wished_format
from api.errors import WireRoute, failure
from api.generation_schemas import (
    GenerationRequest,
    ImageToImageResponse,
    StableDiffusionProcessingImg2Img,
    StableDiffusionProcessingTxt2Img,
    TextToImageResponse,
)
from api.images import ImageReader
from api.options_of_call import CallOptions, options_of_call
from api.outcome import outcome
from api.saved_styles import saved_styles
from api.script_calls import ScriptCalls
from api.services import ApiServices
from api.tasks import TaskBook
from api.translate import Here, Translated, echo, translate, with_latent_mask
from api.unsupported import refuse_unsupported, warn_unsupported
from jobs.saving_options import saving_options
from jobs.spec import JobSpec, JobState, JobView
from pipelines.infotext_networks import localised
from pipelines.pictures import upright_size
from pipelines.prepare import outpaint_problem
from pipelines.request import Img2ImgRequest, PictureRef
from pipelines.styles import Style
from scripts.bench import ScriptCall
from scripts.catalogue import Script

WARNINGS_HEADER = "X-Overpaint-Warnings"
ENCODERS = 4
_HEADER_LIMIT = 2000


class Generation:
    """The two generation calls. Waiting holds no thread, encoding answers has its own."""

    def __init__(self, services: ApiServices, reader: ImageReader, tasks: TaskBook) -> None:
        self._services = services
        self._reader = reader
        self._tasks = tasks
        self._scripts = ScriptCalls(services)
        self._encoders = ThreadPoolExecutor(ENCODERS, "api-encode")

    def router(self) -> APIRouter:
        """The routes."""
        router = APIRouter(prefix="/sdapi/v1", route_class=WireRoute, tags=["generation"])
        router.add_api_route(
            "/img2img", self.img2imgapi, methods=["POST"], response_model=ImageToImageResponse
        )
        router.add_api_route(
            "/txt2img", self.text2imgapi, methods=["POST"], response_model=TextToImageResponse
        )
        return router

    async def img2imgapi(
        self, wire: StableDiffusionProcessingImg2Img, request: Request
    ) -> Response:
        """Paint over pictures. Waits until the job is done."""
        if not wire.init_images:
            raise HTTPException(404, "Init image not found")
        refuse_unsupported(wire, self._services.catalog.upscalers)
        script = self._scripts.chosen(wire, "img2img")
        options = self._options(wire, request)
        images = [
            await self._store(text, f"init_images[{k}]") for k, text in enumerate(wire.init_images)
        ]
        mask = await self._store(wire.mask, "mask") if wire.mask else None
        translated = translate(wire, options, images, mask, self._styles(wire), self._here(wire))
        if wire.latent_mask:
            second = await self._store(wire.latent_mask, "latent_mask")
            translated = replace(translated, request=with_latent_mask(translated.request, second))
        await asyncio.to_thread(self._check_outpaint, translated.request)
        plan = self._plan(wire, options, translated)
        if script is not None:
            return await self._run_script("img2img", script, plan, translated, request)
        return await self._make("img2img", wire, plan, translated, request)

    async def text2imgapi(
        self, wire: StableDiffusionProcessingTxt2Img, request: Request
    ) -> Response:
        """Make pictures from text alone. Waits until the job is done."""
        refuse_unsupported(wire, self._services.catalog.upscalers)
        script = self._scripts.chosen(wire, "txt2img")
        options = self._options(wire, request)
        translated = translate(wire, options, styles=self._styles(wire), here=self._here(wire))
        plan = self._plan(wire, options, translated)
        if script is not None:
            return await self._run_script("txt2img", script, plan, translated, request)
        return await self._make("txt2img", wire, plan, translated, request)

    def _check_outpaint(self, request: Img2ImgRequest) -> None:
        """Say before the job what cannot be outpainted. Raises HTTPException 422."""
        if request.outpaint is None:
            return
        assets, limits = self._services.assets, self._services.limits
        sizes = [upright_size(assets.path(ref), limits) for ref in request.init_images]
        problem = outpaint_problem(request, sizes)
        if problem is not None:
            raise HTTPException(422, f"outpaint_anchor: {problem}")

    async def _make(
        self,
        tab: Literal["img2img", "txt2img"],
        wire: GenerationRequest,
        plan: AnswerPlan,
        translated: Translated,
        request: Request,
    ) -> Response:
        """Run the job and build the answer."""
        engine, owner = self._services.engine, self._services.owner_of(request)
        saving = saving_options(plan.options, plan.styles, wire.prompt)
        spec = JobSpec(
            request=translated.request,
            tab=tab,
            save=wire.save_images,
            has_grid=wire.save_images,
            saving=saving,
        )
        job_id = await asyncio.to_thread(engine.submit, owner, spec)
        self._tasks.enter(owner, job_id, tab, wire.force_task_id)
        job = await outcome(engine, job_id, request)
        if job.state is JobState.FAILED:
            raise failure(job.error)
        return await self._answered(job, plan)

    async def _run_script(
        self,
        tab: Literal["img2img", "txt2img"],
        chosen: tuple[Script, dict[str, Any]],
        plan: AnswerPlan,
        translated: Translated,
        request: Request,
    ) -> Response:
        """Run a script and build the answer; grids are the script's own."""
        script, args = chosen
        owner = self._services.owner_of(request)
        call = ScriptCall(owner, translated.request, args, tab, save=plan.grid)
        job = await self._scripts.run(script, call, request)
        return await self._answered(job, replace(plan, grid=False))

    async def _answered(self, job: JobView, plan: AnswerPlan) -> Response:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._encoders, self._answer, job, plan)

    def _plan(
        self, wire: GenerationRequest, options: CallOptions, translated: Translated
    ) -> AnswerPlan:
        values, given = options.values, options.given
        faces = wire.restore_faces
        warnings = warn_unsupported(
            wire, restore_faces=values["face_restoration"] if faces is None else faces
        )
        fmt = wished_format(values["samples_format"]) if "samples_format" in given else None
        return AnswerPlan(
            options=values,
            parameters=echo(wire, translated.request),
            warnings=(*options.warnings, *translated.warnings, *warnings),
            version=self._services.version,
            send_images=wire.send_images,
            grid=wire.save_images,
            styles=translated.styles,
            picture_format=None if fmt == "png" else fmt,
        )

    def _answer(self, job: JobView, plan: AnswerPlan) -> Response:
        body, warnings = build_answer(job, plan)
        catalog = self._services.catalog
        title = job.facts.get("model_title")
        if title is not None and title not in {entry.title for entry in catalog.entries}:
            catalog.rescan()  # the worker has learnt the checkpoint's hash
        headers = {WARNINGS_HEADER: _header(warnings)} if warnings else None
        return Response(body, media_type="application/json", headers=headers)

    def _options(self, wire: GenerationRequest, request: Request) -> CallOptions:
        services = self._services
        is_admin = services.is_admin(request)
        return options_of_call(wire, services.options, services.catalog, is_admin=is_admin)

    def _here(self, wire: GenerationRequest) -> Here | None:
        """What an infotext may name; nothing is looked for without one."""
        if not wire.infotext:
            return None
        catalog = self._services.catalog
        files = catalog.embeddings()
        return Here(
            lambda name: catalog.find(name) is not None,
            [one.name for one in files],
            lambda applied: localised(
                applied.request, applied.lora_hashes, catalog.loras, catalog.hypernetworks
            ),
        )

    def _styles(self, wire: GenerationRequest) -> tuple[Style, ...]:
        return saved_styles(self._services.styles) if wire.styles else ()

    async def _store(self, text: str, field: str) -> PictureRef:
        data = await self._reader.read(text, field)
        return await asyncio.to_thread(self._services.assets.add, data)


def _header(warnings: list[str]) -> str:
    """The warnings as a JSON list in ASCII, as many as fit."""
    kept = list(warnings)
    while len(text := json.dumps(kept)) > _HEADER_LIMIT and kept:
        kept.pop()
    return text
