"""The command line to a running server: settings, wiring, serve. The only module that composes.

Imports of weight stay inside functions: worker processes import this file again, and the port must
be ours before the seconds that Gradio's import takes.
"""

from __future__ import annotations

import hashlib
import logging
import os
import sys
import threading
import time
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flags import SettingsError
from settings import Settings, load_settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    import gradio as gr
    from fastapi import FastAPI, Request

    from jobs.assets import AssetStore
    from jobs.engine import LocalEngine
    from jobs.messages import WorkerConfig
    from jobs.options import OptionStore
    from jobs.output_folders import OutputFolders
    from jobs.store import JobStore
    from models.catalog import Catalog
    from scripts.batch_run import BatchRunner
    from server.identity import Owner
    from ui.drawings import DrawingStore

ROOT = Path(__file__).resolve().parent
BUILTIN = ROOT / "models" / "builtin" / "checkpoint"
STATIC = ROOT / "ui" / "static"
ASSET_AGE = 7 * 24 * 3600
"""Uploads that no job names are deleted after this many seconds."""

_log = logging.getLogger("overpaint")


class House:
    """All long-lived parts of the web process, wired once."""

    def __init__(self, settings: Settings) -> None:
        from jobs.assets import AssetStore  # noqa: PLC0415
        from jobs.engine import LocalEngine  # noqa: PLC0415
        from jobs.options import OptionStore  # noqa: PLC0415
        from jobs.output_folders import OutputFolders  # noqa: PLC0415
        from jobs.store import JobStore  # noqa: PLC0415
        from models.catalog import Catalog  # noqa: PLC0415
        from pipelines.pictures import PictureLimits  # noqa: PLC0415
        from scripts.bench import Bench  # noqa: PLC0415
        from scripts.wiring import build_bench  # noqa: PLC0415
        from ui.drawings import DrawingStore  # noqa: PLC0415

        self.settings = settings
        self.limits = PictureLimits(
            max_bytes=settings.max_upload_mb * 1024 * 1024,
            max_pixels=_most_pixels(settings),
        )
        self.assets: AssetStore = AssetStore(settings.data_dir / "assets")
        self.drawings: DrawingStore = DrawingStore(settings.data_dir / "drawings", self.assets)
        self.store: JobStore = JobStore(settings.data_dir / "jobs.sqlite")
        self.options: OptionStore = OptionStore(settings.data_dir)
        self.catalog: Catalog = Catalog(
            settings.models_dir,
            settings.data_dir,
            BUILTIN,
            settings.checkpoint_dirs,
            settings.vae_dirs,
        )
        if settings.ckpt:
            chosen = self.catalog.get(settings.ckpt)
            self.options.set_many({"sd_model_checkpoint": chosen.title})
        self.folders: OutputFolders = OutputFolders(
            settings.output_dir, self.options.all(), _save_roots(settings)
        )
        for problem in self.folders.problems:
            _log.warning("%s", problem)
        config = _worker_config(settings)
        preload = None if settings.skip_load_model_at_start else self.selected_checkpoint()
        self.engine: LocalEngine = LocalEngine(self.store, config, preload=preload)
        self.bench: Bench = build_bench(
            self.engine,
            self.assets,
            self.limits,
            self.catalog,
            settings.output_dir,
            settings.data_dir,
            settings.data_dir / "styles.csv",
            _save_roots(settings),
        )
        self.batches: BatchRunner = self._batches()

    def _batches(self) -> BatchRunner:
        from scripts.folders import FolderPolicy  # noqa: PLC0415
        from scripts.wiring import build_batches  # noqa: PLC0415

        settings = self.settings
        policy = FolderPolicy(settings.folder_roots, shared=settings.is_public)
        return build_batches(
            self.engine, self.assets, self.limits, self.catalog, policy, settings.data_dir
        )

    def selected_checkpoint(self) -> str:
        """Title of the selected checkpoint."""
        return self.catalog.default(str(self.options.get("sd_model_checkpoint") or "")).title

    def clean(self) -> None:
        """Delete uploads that neither a job nor a kept canvas refers to any more."""
        used = self.store.used_assets() | self.drawings.used_assets()
        used |= self.bench.plots.used_pictures() | self.batches.used_pictures()
        gone = self.assets.remove_unused(used, time.time() - ASSET_AGE)
        _log.info("removed %s old uploads", gone)


def _most_pixels(settings: Settings) -> int:
    """Of a picture that is decoded."""
    return int(settings.max_picture_mp * 1_000_000)


def _save_roots(settings: Settings) -> tuple[Path, ...] | None:
    """Folders besides --output-dir below which settings may put pictures; None = anywhere."""
    return settings.folder_roots if settings.folder_roots or settings.is_public else None


def _worker_config(settings: Settings) -> WorkerConfig:
    """What worker processes need to know."""
    from jobs.messages import WorkerConfig  # noqa: PLC0415

    return WorkerConfig(
        models_dir=settings.models_dir,
        output_dir=settings.output_dir,
        data_dir=settings.data_dir,
        builtin=BUILTIN,
        checkpoint_dirs=settings.checkpoint_dirs,
        vae_dirs=settings.vae_dirs,
        no_half=settings.no_half,
        no_half_vae=settings.no_half_vae,
        full_precision=settings.precision == "full",
        use_cpu=settings.cpu_only,
        device_id=settings.device_id[0] if settings.device_id else None,
        hashing=not settings.no_hashing,
        unsafe_pickle=settings.disable_safe_unpickle,
        max_picture_pixels=_most_pixels(settings),
        save_roots=_save_roots(settings),
    )


def build_app(house: House) -> FastAPI:
    """The FastAPI app: pictures, API, page. `server.front.protect` goes around it."""
    from fastapi import FastAPI  # noqa: PLC0415

    from server.errors import install_error_handlers  # noqa: PLC0415
    from server.pictures import pictures_router  # noqa: PLC0415

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        house.engine.start()
        house.bench.plots.start()
        house.batches.start()
        threading.Thread(target=house.clean, name="cleaner", daemon=True).start()
        yield
        house.bench.plots.close()
        house.batches.close()
        house.engine.stop()

    app = FastAPI(title="Overpaint", lifespan=lifespan, docs_url=None, redoc_url=None)
    install_error_handlers(app)

    def lookup(owner: Owner, picture_id: str) -> Path | None:
        picture = house.engine.picture(owner.name, picture_id)
        return None if picture is None else picture.path

    app.include_router(pictures_router(lookup))
    if not house.settings.no_api:
        _mount_api(app, house)
    if not house.settings.nowebui:
        _mount_page(app, house)
    return app


def _mount_api(app: FastAPI, house: House) -> None:
    from api.fallback import fallback_router  # noqa: PLC0415
    from api.routes import build  # noqa: PLC0415
    from api.services import ApiServices  # noqa: PLC0415
    from pipelines.version import VERSION_TAG  # noqa: PLC0415
    from server.identity import owner_of  # noqa: PLC0415

    def owner_name(request: Request) -> str:
        return owner_of(request.scope).name

    services = ApiServices(
        engine=house.engine,
        assets=house.assets,
        options=house.options,
        catalog=house.catalog,
        owner_of=owner_name,
        is_admin=lambda request: owner_of(request.scope).is_admin,
        version=VERSION_TAG,
        limits=house.limits,
        flags=house.settings.public_values(),
        scripts=house.bench,
        folders=house.batches.policy,
        models_dir=house.settings.models_dir,
        styles=house.settings.data_dir / "styles.csv",
    )
    app.include_router(build(services))
    app.include_router(fallback_router())


def _mount_page(app: FastAPI, house: House) -> None:
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    os.environ.setdefault("GRADIO_TEMP_DIR", str(house.settings.data_dir / "gradio"))
    import gradio as gr  # noqa: PLC0415

    from interrogate.downloads import Downloads  # noqa: PLC0415
    from jobs.chosen_pictures import ChosenPictures  # noqa: PLC0415
    from pipelines.prompt.clip_tokenizer import ClipTokenizer  # noqa: PLC0415
    from server.identity import owner_of  # noqa: PLC0415
    from server.page_files import VersionedFiles  # noqa: PLC0415
    from ui.page import build_page, page_head, page_script  # noqa: PLC0415
    from ui.services import Services  # noqa: PLC0415

    def owner_name(request: gr.Request) -> str:
        return owner_of(request.request.scope).name

    static_url = f"/ui-static/{_content_hash(STATIC)}"
    app.mount(static_url, VersionedFiles(directory=STATIC))
    services = Services(
        engine=house.engine,
        assets=house.assets,
        drawings=house.drawings,
        chosen=ChosenPictures(house.folders, house.options),
        bench=house.bench,
        batches=house.batches,
        options=house.options,
        catalog=house.catalog,
        tokenizer=ClipTokenizer.from_folder(BUILTIN / "tokenizer"),
        limits=house.limits,
        models_dir=house.settings.models_dir,
        downloads=Downloads(house.settings.models_dir),
        styles=house.settings.data_dir / "styles.csv",
        owner_of=owner_name,
        is_admin=lambda request: owner_of(request.request.scope).is_admin,
        static_url=house.settings.subpath + static_url,
        pictures_url=house.settings.subpath + "/pictures",
        proofs_url=house.settings.subpath + "/proofs",
        networks_url=house.settings.subpath + "/network-previews",
    )
    _mount_page_pictures(app, house)
    page = build_page(services)
    gr.mount_gradio_app(
        app,
        page,
        path="/",
        css_paths=[STATIC / "page.css"],
        js=page_script(services),
        head=page_head(services.static_url, STATIC),
        theme=_theme(gr),
        footer_links=[],
        run_history=False,
        enable_monitoring=False,
        ssr_mode=False,
        show_error=False,
        max_file_size=f"{house.settings.max_upload_mb}mb",
    )
    # A mounted Gradio accepts any server path as an upload until this is set (its check for
    # "was uploaded by a user" is skipped before launch()). tests/security keeps watch.
    page.has_launched = True


def _mount_page_pictures(app: FastAPI, house: House) -> None:
    """What the page shows beside results and networks, by URL."""
    from server.identity import owner_of  # noqa: PLC0415
    from ui.network_routes import preview_router  # noqa: PLC0415
    from ui.proof import Proofs  # noqa: PLC0415
    from ui.proof_routes import proof_router  # noqa: PLC0415

    proofs = Proofs(house.engine, house.assets, house.limits)
    app.include_router(proof_router(proofs, lambda request: owner_of(request.scope).name))
    app.include_router(preview_router(house.catalog))


def _theme(gradio: Any) -> Any:
    """Gradio's base theme with system fonts: nothing is fetched from outside."""
    return gradio.themes.Base(
        primary_hue="blue",
        neutral_hue="slate",
        font=["system-ui", "sans-serif"],
        font_mono=["ui-monospace", "monospace"],
        spacing_size="sm",
        radius_size="md",
    )


def _content_hash(folder: Path) -> str:
    """Name of the static files' version, so that browsers may keep them for ever."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:12]


def serve(settings: Settings) -> None:
    """Bind the port, build everything, print the address and run until stopped."""
    from server.ports import bind_port  # noqa: PLC0415

    bound = bind_port(settings.bind_host, settings.port)
    if bound.note:
        print(bound.note)
    for folder in (settings.data_dir, settings.output_dir, settings.models_dir):
        folder.mkdir(parents=True, exist_ok=True)

    import uvicorn  # noqa: PLC0415

    from server.front import policy_for, protect  # noqa: PLC0415
    from server.links import page_links  # noqa: PLC0415

    house = House(settings)
    app = protect(build_app(house), policy_for(settings, log=print))
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,  # it would write access tokens
        timeout_keep_alive=settings.timeout_keep_alive,
        timeout_graceful_shutdown=3,
        ssl_keyfile=settings.tls_keyfile,
        ssl_certfile=settings.tls_certfile,
        server_header=False,
    )
    links = page_links(settings, bound.port)
    print("Overpaint is running on " + "  ".join(links), flush=True)
    if settings.autolaunch:
        import webbrowser  # noqa: PLC0415

        webbrowser.open(links[0])
    uvicorn.Server(config).run(sockets=[bound.socket])


def main(argv: Sequence[str]) -> int:
    """Start the server; every mistake of the user is one line and exit code 2."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    for noisy in ("httpx", "asyncio", "PIL"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    try:
        settings, notes = load_settings(argv, os.environ)
        for note in notes:
            print(f"{'Warning: ' if note.level == 'warning' else ''}{note.text}")
        serve(settings)
    except SettingsError as error:
        print(f"Overpaint cannot start: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"Overpaint cannot start: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
