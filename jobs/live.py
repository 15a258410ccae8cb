"""What is known of a running job only while it runs: progress, preview, time left."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from jobs.messages import StepDone
from jobs.spec import Preview, Progress, StopKind
from jobs.worker_process import WorkerProcess


@dataclass
class Live:
    """One running job and the worker that has it."""

    job_id: str
    worker: WorkerProcess
    started: float = field(default_factory=time.monotonic)
    sampling_since: float | None = None
    skipped: float = 0.0
    progress: Progress = field(default_factory=Progress)
    preview: Preview | None = None
    stopping: StopKind | None = None

    def hear(self, message: StepDone) -> None:
        """Take over what the worker tells of its progress."""
        if self.sampling_since is None and message.step > 0:
            self.sampling_since = time.monotonic()
            self.skipped = (message.batch + (message.step - 1) / max(1, message.steps)) / max(
                1, message.batches
            )
        self.progress = Progress(
            message.batch, message.batches, message.step, message.steps, message.note
        )
        if message.preview is not None:
            number = self.preview.number + 1 if self.preview is not None else 1
            self.preview = Preview(number, message.preview)

    @property
    def eta(self) -> float | None:
        """Seconds left at the speed seen since the first step; loading a model does not count."""
        if self.sampling_since is None:
            return None
        done = self.progress.fraction - self.skipped
        if done <= 0:
            return None
        elapsed = time.monotonic() - self.sampling_since
        return elapsed / done * (1.0 - self.progress.fraction)
