"""The checkpoints a worker keeps loaded: those of the job, and as many more as the settings say."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from jobs.messages import WorkerConfig
from models.catalog import Catalog, CheckpointEntry
from models.device import DeviceFlags, DevicePolicy
from models.embeddings import EmbeddingShelf
from models.extra_networks.shelf import hypernetwork_shelf, lora_shelf
from models.hashes import HashCache, short_hash
from models.load import load_checkpoint
from models.vae import VaeFile, VaeWishes, choose_vae
from pipelines.families.sd1 import StableDiffusion1
from pipelines.networks import ModelNetworks
from pipelines.pipeline import Pipeline, TextualInversion
from pipelines.request import Img2ImgRequest


@dataclass(frozen=True)
class Room:
    """How many checkpoints stay loaded, those of the job among them, and where the others wait.

    A job that needs more has more. `rest_in_ram`: the others leave the device for the RAM.
    """

    checkpoints: int = 1
    rest_in_ram: bool = True

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Room:
        """What A1111's settings say; its older `sd_checkpoint_cache` counts the others alone."""
        limit, cache = int(options["sd_checkpoints_limit"]), int(options["sd_checkpoint_cache"])
        return cls(max(1, limit, 1 + cache), bool(options["sd_checkpoints_keep_in_cpu"]))


class ModelShelf:
    """Pipelines by checkpoint, the one used last at the end. Not thread-safe."""

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
        self._room = Room()
        self._resting: set[Path] = set()
        """Those that wait in the RAM."""

    def __len__(self) -> int:
        return len(self._loaded)

    def __contains__(self, entry: CheckpointEntry) -> bool:
        return entry.path in self._loaded

    def clear(self) -> None:
        """Give all memory back."""
        self._loaded.clear()
        self._vaes.clear()
        self._resting.clear()

    def give_room(self, room: Room) -> None:
        """Keep this many from now on."""
        self._room = room

    def drop_others(self, keep: Collection[Path]) -> None:
        """Give the memory of all but these back."""
        for other in [other for other in self._loaded if other not in keep]:
            self._drop(other)

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
        self, entry: CheckpointEntry, keep: Collection[Path] = (), vae: VaeWishes | None = None
    ) -> Pipeline:
        """The loaded checkpoint with this VAE (behaviour 15.4), on its device.

        Those in `keep` stay; of the others those used longest ago leave when there is no room.
        Raises MissingVae for a VAE that is not here, BadModelFile for one that cannot be used.
        """
        file = choose_vae(entry.stem, vae or VaeWishes(), self._catalog.vaes()).file
        path = None if file is None else file.path
        if self._vaes.get(entry.path, path) != path:
            self._drop(entry.path)
        if entry.path not in self._loaded or entry.path in self._resting:
            self._make_room({entry.path, *keep})
        pipeline = self._loaded.pop(entry.path, None)
        if pipeline is None:
            pipeline = self._load_or_make_room(entry, file, keep)
        elif entry.path in self._resting:
            pipeline.wake()
            self._resting.remove(entry.path)
        self._loaded[entry.path] = pipeline
        self._vaes[entry.path] = path
        return pipeline

    def _make_room(self, needed: Collection[Path]) -> None:
        """Let the oldest others go that do not fit beside `needed`; the rest wait."""
        others = [other for other in self._loaded if other not in needed]
        fitting = max(0, self._room.checkpoints - len(needed))
        gone = others[: max(0, len(others) - fitting)]
        for other in gone:
            self._drop(other)
        for other in others[len(gone) :]:
            if self._room.rest_in_ram and other not in self._resting:
                self._loaded[other].rest()
                self._resting.add(other)

    def _load_or_make_room(
        self, entry: CheckpointEntry, vae: VaeFile | None, keep: Collection[Path]
    ) -> Pipeline:
        """Load; where the memory is too small, once more without what is not needed now."""
        try:
            return self._load(entry, vae)
        except (MemoryError, torch.OutOfMemoryError):
            if all(other in keep for other in self._loaded):
                raise
        self.drop_others(keep)
        return self._load(entry, vae)

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

    def _drop(self, path: Path) -> None:
        self._loaded.pop(path, None)
        self._vaes.pop(path, None)
        self._resting.discard(path)

    def know_embeddings(self, pipeline: Pipeline) -> None:
        """Look at the embeddings folder and tell the pipeline what fits its text encoder."""
        found = self._embeddings.fitting(pipeline.text_width)
        pipeline.use_embeddings(
            {
                name: TextualInversion(one.name, one.vectors, one.hash12)
                for name, one in found.items()
            }
        )
