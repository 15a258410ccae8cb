"""Memory comes back after unloading, and shortage is seen."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from interrogate import memory
from interrogate.deepbooru import FILE_NAME, DeepBooru
from interrogate.deepbooru_network import Block, BottleneckNet
from interrogate.options import InterrogationOptions
from tests.interrogate.networks import fit, picture, workplace, write_pt

GIB = 1 << 30


@pytest.mark.parametrize(
    ("free", "total", "expected"),
    [
        (GIB - 1, 2 * GIB, True),
        (2 * GIB, 16 * GIB, True),
        (4 * GIB, 16 * GIB, False),
        (0, 0, False),
    ],
    ids=["less than a GiB", "less than 15 %", "enough", "unknown"],
)
def test_when_memory_is_short(
    monkeypatch: pytest.MonkeyPatch, free: int, total: int, expected: bool
) -> None:
    monkeypatch.setattr(memory, "_memory", lambda device: (free, total))
    assert memory.is_short("cpu") is expected


def resident() -> int:
    """Resident memory of this process in pages."""
    return int(Path("/proc/self/statm").read_text().split()[1])


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/statm").is_file(), reason="needs Linux's /proc")
def test_memory_is_given_back_after_unloading(tmp_path: Path) -> None:
    tags = tuple(f"tag_{k}" for k in range(9176))
    net = BottleneckNet(64, (Block(64, 64, 4096, 1, True),), len(tags))
    write_pt(tmp_path / "models" / "deepbooru" / FILE_NAME, net.state_dict(), tags)
    del net
    place = replace(workplace(tmp_path), fit=lambda image, side: fit(image, 64))
    booru = DeepBooru(place)

    def describe() -> None:
        with torch.inference_mode():
            booru.describe([picture()], InterrogationOptions(), lambda _: None)

    def unload() -> int:
        booru.unload()
        memory.give_back()
        return resident()

    describe()
    before = unload()
    describe()
    loaded = resident()
    after = unload()
    assert loaded - before > 100e6 / 4096
    assert abs(after - before) < 0.05 * before
