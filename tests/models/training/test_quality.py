"""A guard with a margin on what ships; the figures themselves are made by the benchmark."""

import itertools
import json
from pathlib import Path

import pytest

from benchmarks.builtin_quality import main

pytestmark = pytest.mark.slow


def test_the_vae_keeps_drawings_and_photographs() -> None:
    figures = {one.name: one.value for one in main(["--only", "vae", "--count", "12"])}
    assert figures["VAE, drawings"] > 31
    assert figures["VAE, photographs"] > 24


def test_what_is_asked_for_is_painted(tmp_path: Path) -> None:
    """Four pictures of each kind: who ignores the prompts gets about one in ten right."""
    report = tmp_path / "figures.json"
    main(["--only", "painting", "--count", "4", "--steps", "10", "--json", str(report),
          "--grids", str(tmp_path)])  # fmt: skip
    values = {one["name"]: one["value"] for one in json.loads(report.read_text())}
    kinds = ("hair colour", "shirt colour", "background colour", "sky", "object colour",
             "character's hair colour", "character's shoes colour")  # fmt: skip
    assert sum(values[name] for name in kinds) >= 630, values
    assert {path.name for path in tmp_path.glob("*.png")} == {
        "portraits.png", "landscapes.png", "objects.png", "characters.png",
    }  # fmt: skip
    assert list(itertools.islice(values, 1)) == ["load"]
