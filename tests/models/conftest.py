"""Fixtures for the tests of models/."""

import pytest

from models.load import LoadedCheckpoint
from tests.models.make import BUILTIN
from tests.models.small_networks import load


@pytest.fixture(scope="session")
def builtin() -> LoadedCheckpoint:
    """The built-in checkpoint in float32 on the CPU."""
    return load(BUILTIN)
