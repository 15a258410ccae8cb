"""What the page needs from the rest of the house, handed over by app.py."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import gradio as gr

from interrogate.downloads import Downloads
from jobs.assets import AssetStore
from jobs.chosen_pictures import ChosenPictures
from jobs.engine import LocalEngine
from jobs.options import OptionStore
from models.catalog import Catalog
from pipelines.pictures import PictureLimits
from pipelines.prompt.tokens import Tokenizer
from scripts.batch_run import BatchRunner
from scripts.bench import Bench
from ui.drawings import DrawingStore


@dataclass(frozen=True)
class Services:
    """All collaborators of the page; nothing in ui/ makes its own."""

    engine: LocalEngine
    assets: AssetStore
    drawings: DrawingStore
    options: OptionStore
    catalog: Catalog
    tokenizer: Tokenizer
    limits: PictureLimits
    models_dir: Path
    styles: Path
    """A1111's styles.csv; it need not exist."""
    downloads: Downloads
    owner_of: Callable[[gr.Request], str]
    is_admin: Callable[[gr.Request], bool]
    """Whether someone may change what concerns everybody."""
    chosen: ChosenPictures
    """What the Save buttons keep."""
    bench: Bench
    batches: BatchRunner
    static_url: str
    """Prefix of our own scripts and styles, with a content hash."""
    pictures_url: str = "/pictures"
    proofs_url: str = "/proofs"
    networks_url: str = "/network-previews"
