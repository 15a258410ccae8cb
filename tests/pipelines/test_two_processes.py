"""The same seed gives the same bytes in every process (promise 1)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

PAINT = """
import sys, hashlib
from pathlib import Path
from models.catalog import Catalog
from models.device import DeviceFlags, DevicePolicy
from models.load import load_checkpoint
from pipelines.families.sd1 import StableDiffusion1
from pipelines.run import Pipeline
from tests.pipelines.conftest import BUILTIN
from tests.pipelines.pixels import gradient
from tests.pipelines.run_doubles import INIT, request_for, run_on
folder = Path(sys.argv[1])
entry = Catalog(folder / "models", folder / "data", BUILTIN).default()
placement = DevicePolicy.detect(use_cpu=True).choose(DeviceFlags(use_cpu=True, no_half=True))
pipeline = Pipeline(StableDiffusion1(load_checkpoint(entry, placement)), "tiny", "0123456789")
for sampler in ("Euler a", "DPM++ 2M SDE"):
    request = request_for(prompt="a hen", sampling={"sampler": sampler, "steps": 4})
    image = run_on(pipeline, request, {INIT: gradient(64, 64)}).image
    print(hashlib.sha256(image.tobytes()).hexdigest())
"""


@pytest.mark.slow
def test_two_processes_paint_the_same_bytes(tmp_path: Path) -> None:
    told = [
        subprocess.run(
            [sys.executable, "-c", PAINT, str(tmp_path / name)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()
        for name in ("one", "two")
    ]
    assert told[0] == told[1]
    assert len(set(told[0])) == 2
