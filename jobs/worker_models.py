"""The checkpoints a worker keeps loaded: that of the job, and those that take part in it."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from jobs.messages import WorkerConfig
from models.catalog import Catalog, CheckpointEntry
from models.device import DeviceFlags, DevicePolicy
from models.embeddings import EmbeddingShelf
from models.extra_networks.shelf import hypernetwork_shelf, lora_shelf
from models.hashes import HashCache, short_hash
from models.load import load_checkpoint
from models.vae import AUTOMATIC, VaeFile, VaeWishes, choose_vae
from pipelines.families.sd1 import StableDiffusion1
from pipelines.networks import ModelNetworks
from pipelines.pipeline import Pipeline, TextualInversion
from pipelines.request import Img2ImgRequest


class ModelShelf:
    """Pipelines by checkpoint. Not thread-safe."""

    def __init__(self, config: WorkerConfig, policy: DevicePolicy, flags: DeviceFlags) -> None:
        self._config = config
        self._policy = policy
        self._flags = flags
        self._catalog = Catalog(
            config.models_dir,
            config.data_dir,
            config.builtin,
            config.checkpoint_dirs,
            config.vae_dirs,
        )
        self._embeddings = EmbeddingShelf(self._catalog.embedding_dirs)
        self._loras = lora_shelf(self._catalog.loras)
        self._hypernetworks = hypernetwork_shelf(self._catalog.hypernetworks)
        self._hashes = HashCache(config.data_dir)
        self._loaded: dict[Path, Pipeline] = {}
        self._vaes: dict[Path, Path | None] = {}
        """The external VAE that each loaded checkpoint has."""

    def __len__(self) -> int:
        return len(self._loaded)

    def __contains__(self, entry: CheckpointEntry) -> bool:
        return entry.path in self._loaded

    def clear(self) -> None:
        """Give all memory back."""
        self._loaded.clear()
        self._vaes.clear()

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

    def pipeline(
        self, entry: CheckpointEntry, keep: Collection[Path] = (), vae: str = AUTOMATIC
    ) -> Pipeline:
        """The loaded checkpoint with this VAE (behaviour 15.4).

        Before it is loaded, all but those in `keep` leave. Raises MissingVae for one that is not
        here, BadModelFile for one that cannot be used.
        """
        file = self._vae(entry, vae)
        path = None if file is None else file.path
        if entry.path not in self._loaded or self._vaes[entry.path] != path:
            for other in [other for other in self._loaded if other not in keep]:
                self._drop(other)
            self._drop(entry.path)
            self._loaded[entry.path] = self._load(entry, file)
            self._vaes[entry.path] = path
        return self._loaded[entry.path]

    def _load(self, entry: CheckpointEntry, vae: VaeFile | None) -> Pipeline:
        placement = self._policy.choose(self._flags, entry.size)
        loaded = load_checkpoint(entry, placement, None if vae is None else vae.path)
        hashes = self._config.hashing
        if hashes:
            entry = self._catalog.ensure_hash(entry)
        return Pipeline(
            StableDiffusion1(loaded),
            entry.model_name,
            entry.hash10 or "",
            vae_name=loaded.vae_name,
            vae_hash=short_hash(self._hashes.sha256(vae.path)) if vae and hashes else None,
            networks=ModelNetworks(
                loaded.unet,
                loaded.text_encoder,
                loaded.unet.config.layers_per_block,
                self._loras,
                self._hypernetworks,
            ),
        )

    def _vae(self, entry: CheckpointEntry, wanted: str) -> VaeFile | None:
        return choose_vae(entry.stem, VaeWishes(setting=wanted), self._catalog.vaes()).file

    def _drop(self, path: Path) -> None:
        self._loaded.pop(path, None)
        self._vaes.pop(path, None)

    def know_embeddings(self, pipeline: Pipeline) -> None:
        """Look at the embeddings folder and tell the pipeline what fits its text encoder."""
        found = self._embeddings.fitting(pipeline.text_width)
        pipeline.use_embeddings(
            {
                name: TextualInversion(one.name, one.vectors, one.hash12)
                for name, one in found.items()
            }
        )
