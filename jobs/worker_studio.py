"""What a worker keeps between jobs: the catalog, the loaded checkpoint, the interrogators."""

from __future__ import annotations

import platform
import resource
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import PIL
import torch
import transformers
from PIL import Image

from interrogate.bench import NotEnoughMemory
from jobs.assets import AssetStore
from jobs.messages import JobDone, RunJob, WorkerConfig
from jobs.options import OptionStore
from jobs.worker_extras import ExtrasDesk, TileListener
from jobs.worker_interrogation import CountListener, InterrogationDesk
from jobs.worker_models import ModelShelf, Room
from jobs.worker_upscalers import UpscalerShelf
from models.device import DeviceFlags, DevicePolicy
from models.vae import VaeWishes
from pipelines.call_memo import CallMemo
from pipelines.events import RunListener
from pipelines.pictures import PictureLimits, open_picture
from pipelines.run import Pipeline, run


class Studio:
    """One device with its models. Not thread-safe: jobs come one after the other."""

    def __init__(self, config: WorkerConfig) -> None:
        self._memo = CallMemo()
        self._config = config
        self._assets = AssetStore(config.data_dir / "assets")
        self._limits = PictureLimits(max_pixels=config.max_picture_pixels)
        self._flags = DeviceFlags(
            no_half=config.no_half,
            no_half_vae=config.no_half_vae,
            precision="full" if config.full_precision else "autocast",
            use_cpu=config.use_cpu,
            device_id=config.device_id,
        )
        self._policy = DevicePolicy.detect(use_cpu=config.use_cpu)
        self._shelf = ModelShelf(config, self._policy, self._flags)
        self.device = str(self._policy.choose(self._flags).device)
        self._upscalers = UpscalerShelf(config.models_dir, self.device)
        self._extras = ExtrasDesk(self._assets, self._upscalers, self._limits)
        self._desk = InterrogationDesk(config, self.device, self._open, self._open_file)
        self.versions: Mapping[str, str] = {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "diffusers": diffusers.__version__,
            "transformers": transformers.__version__,
            "pillow": PIL.__version__,
            "numpy": np.__version__,
        }

    def preload(self, checkpoint: str) -> None:
        """Load a checkpoint ahead of the first job."""
        self._shelf.pipeline(self._shelf.entry(checkpoint))

    def run(self, job: RunJob, listener: RunListener) -> JobDone:
        """Do the job; raises what went wrong."""
        self._desk.relieve()
        began = time.monotonic()
        request, shelf = job.spec.request, self._shelf
        shelf.give_room(Room.of(OptionStore(self._config.data_dir).all()))
        together = shelf.companions(request)
        vae = VaeWishes(setting=request.vae, setting_overrides=request.vae_wins)

        def load(checkpoint: str) -> Pipeline:
            wanted = shelf.entry(checkpoint)
            if wanted not in shelf:
                listener.on_note(f"Loading {wanted.name}")
            pipeline = shelf.pipeline(wanted, together, vae)
            shelf.know_embeddings(pipeline)
            return pipeline

        entry = shelf.entry(request.checkpoint)
        pipeline = load(request.checkpoint)
        facts: dict[str, Any] = {"model": entry.model_name, "model_title": entry.title}
        if job.spec.kind == "load":
            return JobDone(job.job_id, False, facts)
        try:
            report = run(
                request,
                pipeline,
                self._open,
                listener,
                first_batch=self._first_batch(job),
                load=load,
                upscalers=self._upscalers,
                memo=self._memo if job.spec.shares_calls else None,
            )
        except (MemoryError, torch.OutOfMemoryError):
            shelf.drop_others(together)  # the next try has their memory
            raise
        facts |= {
            "model_hash": pipeline.model_hash,
            "vae_name": pipeline.vae_name,
            "vae_hash": pipeline.vae_hash,
            "sampler": report.sampler,
            "scheduler": report.schedule_label,
            "executed_steps": report.executed_steps,
            "width": report.width,
            "height": report.height,
            "notes": list(report.notes),
            "seconds": round(time.monotonic() - began, 3),
            "peak_memory": self._peak_memory(),
            "device": self.device,
            "versions": dict(self.versions),
            **report.facts,
        }
        return JobDone(job.job_id, report.interrupted, facts)

    def interrogate(self, job: RunJob, listener: CountListener) -> JobDone:
        """Describe pictures; raises what went wrong. The checkpoint leaves if it is in the way."""
        try:
            return self._desk.run(job, listener)
        except NotEnoughMemory:
            if not len(self._shelf):
                raise
            self._shelf.clear()
            return self._desk.run(job, listener)

    def enlarge(self, job: RunJob, listener: TileListener) -> JobDone:
        """Enlarge finished pictures; raises what went wrong."""
        self._desk.relieve()
        done = self._extras.run(job, listener)
        return replace(done, facts={**done.facts, "device": self.device})

    def idle(self) -> None:
        """Nothing has been asked for a while: free what is not needed soon."""
        self._desk.retire_idle()
        self._memo.clear()
        self._upscalers.clear()

    def _open(self, ref: str) -> Image.Image:
        return self._open_file(self._assets.path(ref))

    def _open_file(self, path: Path) -> Image.Image:
        return open_picture(path, self._limits)

    @staticmethod
    def _first_batch(job: RunJob) -> int:
        """Batches that an earlier attempt finished are not made again."""
        return job.done // job.spec.request.batch_size

    def _peak_memory(self) -> int:
        """Bytes: the device's peak on CUDA, the process's elsewhere."""
        if self.device.startswith("cuda"):
            return int(torch.cuda.max_memory_allocated())
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
