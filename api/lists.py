"""What there is to choose from: GET lists, rescans, flags, memory (api 3.5, 3.6).

A list holds only what can really be used; a kind that does not exist here has an empty list, since
clients take a 404 for a broken server.
"""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.responses import JSONResponse, Response

from api import schemas
from api.errors import WireRoute
from api.memory import memory
from api.saved_styles import saved_styles
from api.services import ApiServices
from models.extra_networks.files import readable_metadata
from models.upscaler_files import REALESRGAN
from pipelines.sampler_names import SAMPLERS, SCHEDULERS
from pipelines.upscalers import LATENT_MODES, PIXEL_UPSCALERS
from scripts.catalogue import described, titles

_FILTER_SCALE = 4


class ListRoutes:
    """The lists over the API."""

    def __init__(self, services: ApiServices) -> None:
        self._services = services

    def router(self) -> APIRouter:
        """The routes."""
        router = APIRouter(prefix="/sdapi/v1", route_class=WireRoute, tags=["lists"])
        for path, endpoint, model in (
            ("/sd-models", self.get_sd_models, list[schemas.SDModelItem]),
            ("/samplers", self.get_samplers, list[schemas.SamplerItem]),
            ("/schedulers", self.get_schedulers, list[schemas.SchedulerItem]),
            ("/upscalers", self.get_upscalers, list[schemas.UpscalerItem]),
            ("/latent-upscale-modes", self.get_latent, list[schemas.LatentUpscalerModeItem]),
            ("/sd-vae", self.get_sd_vaes, list[schemas.SDVaeItem]),
            ("/loras", self.get_loras, list[schemas.LoraItem]),
            ("/hypernetworks", self.get_hypernetworks, list[schemas.HypernetworkItem]),
            ("/face-restorers", self.get_face_restorers, list[schemas.FaceRestorerItem]),
            ("/realesrgan-models", self.get_realesrgan, list[schemas.RealesrganItem]),
            ("/prompt-styles", self.get_prompt_styles, list[schemas.PromptStyleItem]),
            ("/embeddings", self.get_embeddings, schemas.EmbeddingsResponse),
            ("/scripts", self.get_scripts, schemas.ScriptsList),
            ("/script-info", self.get_script_info, list[schemas.ScriptInfo]),
            ("/extensions", self.get_extensions, list[schemas.ExtensionItem]),
            ("/cmd-flags", self.get_cmd_flags, schemas.Flags),
            ("/memory", self.get_memory, schemas.MemoryResponse),
        ):
            answers: dict[int | str, dict[str, Any]] = {200: {"model": model}}
            # Described, not checked: answers that are checked against a model break on a surprise.
            router.add_api_route(
                path, endpoint, methods=["GET"], response_model=None, responses=answers
            )
        router.add_api_route("/refresh-checkpoints", self.refresh_checkpoints, methods=["POST"])
        for kind in ("vae", "embeddings", "loras"):
            router.add_api_route(f"/refresh-{kind}", self.refresh_listed, methods=["POST"])
        return router

    def get_sd_models(self) -> list[dict[str, Any]]:
        """All checkpoints."""
        return [
            {
                "title": entry.title,
                "model_name": entry.model_name,
                "hash": entry.hash10,
                "sha256": entry.sha256,
                "filename": str(entry.path.absolute()),
                "config": None if entry.config is None else str(entry.config.absolute()),
            }
            for entry in self._services.catalog.entries
        ]

    def get_samplers(self) -> list[dict[str, Any]]:
        """All samplers in the order of the page; the first one stands in for unknown names."""
        return [
            {"name": info.name, "aliases": list(info.aliases), "options": info.options}
            for info in SAMPLERS
        ]

    def get_schedulers(self) -> list[dict[str, Any]]:
        """All schedule types."""
        return [
            {
                "name": info.name,
                "label": info.label,
                "aliases": list(info.aliases) or None,
                "default_rho": info.default_rho,
                "need_inner_model": info.need_inner_model,
            }
            for info in SCHEDULERS
        ]

    def get_upscalers(self) -> list[dict[str, Any]]:
        """The filters that enlarge pictures, then the files by name (api 3.5)."""
        nothing = {"model_name": None, "model_path": None, "model_url": None}
        filters = [{"name": name, **nothing, "scale": _FILTER_SCALE} for name in PIXEL_UPSCALERS]
        return filters + [
            {
                "name": one.name,
                "model_name": one.path.stem,
                "model_path": str(one.path.absolute()),
                "model_url": None,
                "scale": one.scale or _FILTER_SCALE,
            }
            for one in self._services.catalog.upscalers.entries
            if one.problem is None
        ]

    def get_latent(self) -> list[dict[str, Any]]:
        """The latent modes of hires fix."""
        return [{"name": mode.name} for mode in LATENT_MODES]

    def get_sd_vaes(self) -> list[dict[str, Any]]:
        """The VAE files; Automatic and None are always possible and not listed (api 3.5)."""
        return [
            {"model_name": vae.name, "filename": str(vae.path.absolute())}
            for vae in self._services.catalog.vaes()
        ]

    def get_loras(self) -> list[dict[str, Any]]:
        """LoRAs, looked for now; `alias` is what the trainer called it."""
        loras = self._services.catalog.loras
        loras.rescan()
        return [
            {
                "name": one.name,
                "alias": one.alias,
                "path": str(one.path.absolute()),
                "metadata": readable_metadata(one.metadata),
            }
            for one in loras.entries
        ]

    def get_hypernetworks(self) -> list[dict[str, Any]]:
        """Hypernetworks, looked for now."""
        networks = self._services.catalog.hypernetworks
        networks.rescan()
        return [{"name": one.name, "path": str(one.path.absolute())} for one in networks.entries]

    def get_face_restorers(self) -> list[dict[str, Any]]:
        """Empty."""
        return []

    def get_realesrgan(self) -> list[dict[str, Any]]:
        """The upscalers of A1111's folder RealESRGAN."""
        return [
            {
                "name": one.name,
                "path": str(one.path.absolute()),
                "scale": one.scale or _FILTER_SCALE,
            }
            for one in self._services.catalog.upscalers.entries
            if one.folder == REALESRGAN and one.problem is None
        ]

    def get_prompt_styles(self) -> list[dict[str, Any]]:
        """All saved styles."""
        return [
            {
                "name": style.name,
                "prompt": style.prompt,
                "negative_prompt": style.negative_prompt,
            }
            for style in saved_styles(self._services.styles)
        ]

    def get_embeddings(self) -> dict[str, Any]:
        """Textual inversions: those that fit the selected checkpoint, and the others."""
        services = self._services
        selected = str(services.options.get("sd_model_checkpoint") or "")
        width = services.catalog.default(selected).text_width
        loaded: dict[str, Any] = {}
        skipped: dict[str, Any] = {}
        for one in services.catalog.embeddings():
            fits = one.problem is None and width in (None, one.width)
            (loaded if fits else skipped)[one.name] = {
                "step": None,
                "sd_checkpoint": None,
                "sd_checkpoint_name": None,
                "shape": one.width,
                "vectors": one.vectors,
            }
        return {"loaded": loaded, "skipped": skipped}

    def get_scripts(self) -> dict[str, Any]:
        """Titles of the selectable scripts, in lower case."""
        if self._services.scripts is None:
            return {"txt2img": [], "img2img": []}
        return {"txt2img": titles("txt2img"), "img2img": titles("img2img")}

    def get_script_info(self) -> list[dict[str, Any]]:
        """The selectable scripts with their arguments, once for each tab."""
        if self._services.scripts is None:
            return []
        return described(self._services.catalog.upscalers.names)

    def get_extensions(self) -> list[dict[str, Any]]:
        """Empty: there are no extensions."""
        return []

    def get_cmd_flags(self) -> dict[str, Any]:
        """The command line's flags, secrets as null."""
        return dict(self._services.flags)

    def get_memory(self) -> dict[str, Any]:
        """Main memory and that of the GPU, in bytes."""
        return memory()

    def refresh_checkpoints(self) -> Response:
        """Look at the checkpoint folders again."""
        self._services.catalog.rescan()
        return JSONResponse(None)

    def refresh_listed(self) -> Response:
        """The list is always made anew; clients call this before they choose."""
        return JSONResponse(None)
