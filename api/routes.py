"""All routes of the A1111 API in one router: /sdapi/v1/*, /internal/*, /docs and /redoc."""

from __future__ import annotations

from fastapi import APIRouter

from api.docs_page import docs_router
from api.extras import ExtrasRoutes
from api.generate import Generation
from api.images import ImageReader
from api.interrogate import InterrogateRoutes
from api.interrogate_many import InterrogateManyRoutes
from api.lists import ListRoutes
from api.png_info import PngInfoRoutes
from api.progress import ProgressRoutes
from api.reproduce import ReproduceRoutes
from api.services import ApiServices
from api.settings_routes import SettingsRoutes
from api.tasks import TaskBook


def build(services: ApiServices) -> APIRouter:
    """The router to include in the app, which must not have FastAPI's own docs pages.

    Error shapes beyond its own are the server's.
    """
    reader = ImageReader(services.options, services.limits)
    tasks = TaskBook()
    router = APIRouter()
    for part in (
        Generation(services, reader, tasks),
        ProgressRoutes(services, tasks),
        SettingsRoutes(services),
        ListRoutes(services),
        PngInfoRoutes(reader, services.limits),
        ExtrasRoutes(services, reader, tasks),
        InterrogateRoutes(services, reader, tasks),
        InterrogateManyRoutes(services, reader, tasks),
        ReproduceRoutes(services, reader),
    ):
        router.include_router(part.router())
    router.include_router(docs_router())
    return router
