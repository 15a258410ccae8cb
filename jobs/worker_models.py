"""The checkpoints a worker keeps loaded: that of the job, and those that take part in it."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from jobs.messages import WorkerConfig
from models.catalog import Catalog, CheckpointEntry
from models.device import DeviceFlags, DevicePolicy
from models.embedding_files import EMBEDDING_FOLDER
from models.embeddings import EmbeddingShelf
from models.load import load_checkpoint
from pipelines.families.sd1 import StableDiffusion1
from pipelines.pipeline import Pipeline, TextualInversion
from pipelines.request import Img2ImgRequest


class ModelShelf:
    """Pipelines by checkpoint. Not thread-safe."""

    def __init__(self, config: WorkerConfig, policy: DevicePolicy, flags: DeviceFlags) -> None:
        self._hashing = config.hashing
        self._policy = policy
        self._flags = flags
        self._catalog = Catalog(
            config.models_dir, config.data_dir, config.builtin, config.checkpoint_dirs
        )
        self._embeddings = EmbeddingShelf(config.models_dir / EMBEDDING_FOLDER)
        self._loaded: dict[Path, Pipeline] = {}

    def __len__(self) -> int:
        return len(self._loaded)

    def __contains__(self, entry: CheckpointEntry) -> bool:
        return entry.path in self._loaded

    def clear(self) -> None:
        """Give all memory back."""
        self._loaded.clear()

    def entry(self, checkpoint: str) -> CheckpointEntry:
        """The checkpoint of this title, name or hash. Raises MissingModel."""
        if checkpoint and self._catalog.find(checkpoint) is None:
            self._catalog.rescan()  # it may have been added since the worker started
        return self._catalog.get(checkpoint) if checkpoint else self._catalog.default()

    def companions(self, request: Img2ImgRequest) -> frozenset[Path]:
        """Where the checkpoints of all passes of a request lie. Raises MissingModel."""
        names = [request.checkpoint]
        if request.hires is not None and request.hires.checkpoint:
            names.append(request.hires.checkpoint)
        if request.refiner is not None:
            names.append(request.refiner.checkpoint)
        return frozenset(self.entry(name).path for name in names)

    def pipeline(self, entry: CheckpointEntry, keep: Collection[Path] = ()) -> Pipeline:
        """The loaded checkpoint; before it is loaded, all but those in `keep` leave."""
        if entry.path not in self._loaded:
            for path in [path for path in self._loaded if path not in keep]:
                del self._loaded[path]
            loaded = load_checkpoint(entry, self._policy.choose(self._flags, entry.size))
            if self._hashing:
                entry = self._catalog.ensure_hash(entry)
            pipeline = Pipeline(StableDiffusion1(loaded), entry.model_name, entry.hash10 or "")
            self._loaded[entry.path] = pipeline
        return self._loaded[entry.path]

    def know_embeddings(self, pipeline: Pipeline) -> None:
        """Look at the embeddings folder and tell the pipeline what fits its text encoder."""
        found = self._embeddings.fitting(pipeline.text_width)
        pipeline.use_embeddings(
            {
                name: TextualInversion(one.name, one.vectors, one.hash12)
                for name, one in found.items()
            }
        )
