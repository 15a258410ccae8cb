"""The built-in checkpoint, loaded once for all tests that paint with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.catalog import Catalog
from models.device import DeviceFlags, DevicePolicy
from models.load import LoadedCheckpoint, load_checkpoint
from pipelines.families.sd1 import StableDiffusion1
from pipelines.run import Pipeline

BUILTIN = Path(__file__).parents[2] / "models" / "builtin" / "checkpoint"


@pytest.fixture(scope="session")
def builtin_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> LoadedCheckpoint:
    """The built-in checkpoint on the CPU in float32."""
    folder = tmp_path_factory.mktemp("catalog")
    entry = Catalog(folder / "models", folder / "data", BUILTIN).default()
    placement = DevicePolicy.detect(use_cpu=True).choose(DeviceFlags(use_cpu=True, no_half=True))
    return load_checkpoint(entry, placement)


@pytest.fixture(scope="session")
def builtin(builtin_checkpoint: LoadedCheckpoint) -> Pipeline:
    """A pipeline of the built-in checkpoint. Its caches are shared; its pictures must not care."""
    return Pipeline(StableDiffusion1(builtin_checkpoint), "overpaint-tiny", "0123456789")
