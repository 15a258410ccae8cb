"""A rendered folder and a chain of tiny training runs that several tests look at."""

from pathlib import Path

import pytest

from models.builtin.training.render import render


@pytest.fixture(scope="session")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixty-four-pixel drawings; enough to hold some out and train on the others."""
    folder = tmp_path_factory.mktemp("rendered")
    render(folder, count=160, size=128, first_seed=1_000_000)
    return folder
