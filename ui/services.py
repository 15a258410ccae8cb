"""What the page needs from the rest of the house, handed over by app.py."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import gradio as gr

from jobs.assets import AssetStore
from jobs.engine import LocalEngine
from jobs.options import OptionStore
from models.catalog import Catalog
from pipelines.pictures import PictureLimits
from pipelines.prompt.tokens import Tokenizer
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
    owner_of: Callable[[gr.Request], str]
    bench: Bench
    static_url: str
    """Prefix of our own scripts and styles, with a content hash."""
    pictures_url: str = "/pictures"
