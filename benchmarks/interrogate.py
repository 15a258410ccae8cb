"""Interrogators: 32 pictures in one batch against one by one, loading once, memory given back.

    python -m benchmarks.interrogate [--size base|tiny|builtin] [--builtin FOLDER] [--device cpu]
        [--batch 32] [--pictures 32] [--clock wall|processor]

`base` and `tiny` have random weights, `base` in the real sizes (BLIP base, CLIP ViT-L/14,
DeepDanbooru's network): only times and bytes mean anything. `builtin` are the models that ship.
On a machine that does other work the processor's time is the one to read.
"""

from __future__ import annotations

import argparse
import gc
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import torch
from PIL import Image
from transformers import BlipConfig, BlipForConditionalGeneration, CLIPConfig, CLIPModel

from interrogate import memory, places
from interrogate.base import Interrogator, Workplace
from interrogate.clip import ClipInterrogator
from interrogate.deepbooru import FILE_NAME, DeepBooru
from interrogate.deepbooru_network import Block, BottleneckNet
from interrogate.options import ClipOptions, InterrogationOptions
from jobs.worker_interrogation import fit_square

PICTURES = 32
CLOCKS = {"wall": time.perf_counter, "processor": time.process_time}
KINDS: tuple[type[Interrogator], ...] = (ClipInterrogator, DeepBooru)
REAL_BOORU = ((256, 2), (512, 7), (1024, 19), (1024, 19), (2048, 2), (4096, 2))
TINY_BOORU = ((32, 1), (64, 1))


def resident() -> int:
    """Resident memory of this process in bytes."""
    pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * 4096


def booru_blocks(stages: tuple[tuple[int, int], ...]) -> tuple[Block, ...]:
    """Bottlenecks of DeepDanbooru's stages (width, repeats)."""
    blocks: list[Block] = []
    width = stages[0][0] // 4
    for outputs, repeats in stages:
        blocks.append(Block(width, outputs // 4, outputs, 2 if blocks else 1, True))
        blocks += [Block(outputs, outputs // 4, outputs, 1, False)] * repeats
        width = outputs
    return tuple(blocks)


def write_models(folder: Path, *, real: bool) -> None:
    """Random weights of BLIP, CLIP and DeepBooru in their file layouts."""
    torch.manual_seed(0)
    small: dict[str, Any] = {} if real else {"num_hidden_layers": 2}
    blip = folder / "BLIP"
    config = BlipConfig(text_config=small, vision_config=small)
    BlipForConditionalGeneration(config).save_pretrained(blip)
    special = {0: "[PAD]", 100: "[UNK]", 101: "[CLS]", 102: "[SEP]", 103: "[MASK]"}
    words = [special.get(k, f"word{k}") for k in range(30524)]
    words[1000:1003] = ["a", "picture", "of"]
    (blip / "vocab.txt").write_text("\n".join(words) + "\n", encoding="utf-8")
    clip = folder / "CLIP"
    large = {"hidden_size": 768, "intermediate_size": 3072, "num_attention_heads": 12}
    vision = {
        "hidden_size": 1024,
        "intermediate_size": 4096,
        "num_attention_heads": 16,
        "num_hidden_layers": 24,
        "patch_size": 14,
    }
    CLIPModel(
        CLIPConfig(
            text_config={**large, **small}, vision_config={**vision, **small}, projection_dim=768
        )
    ).save_pretrained(clip)
    tokenizer = Path(__file__).parents[1] / "models" / "builtin" / "checkpoint" / "tokenizer"
    for name in ("vocab.json", "merges.txt"):
        (clip / name).write_bytes((tokenizer / name).read_bytes())
    stages = REAL_BOORU if real else TINY_BOORU
    net = BottleneckNet(stages[0][0] // 4, booru_blocks(stages), 9176)
    (folder / "deepbooru").mkdir()
    tags = [f"tag_{k}" for k in range(9176)]
    torch.save({**net.state_dict(), "tags": tags}, folder / "deepbooru" / FILE_NAME)


def timed(work: Callable[[], object], clock: Callable[[], float]) -> float:
    """Seconds of one call."""
    began = clock()
    work()
    return clock() - began


def measure(
    worker: Interrogator,
    pictures: list[Image.Image],
    options: InterrogationOptions,
    batch: int,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, float]:
    """Seconds and megabytes of one interrogator's life."""

    def quiet(_: str) -> None: ...

    def in_batches(size: int) -> None:
        for start in range(0, len(pictures), size):
            worker.describe(pictures[start : start + size], options, quiet)

    gc.collect()
    memory.give_back()
    before = resident()
    load = timed(worker.load, clock)
    worker.describe(pictures[:1], options, quiet)
    loaded = resident()
    singly, together = timed(lambda: in_batches(1), clock), timed(lambda: in_batches(batch), clock)
    again = timed(worker.load, clock)
    worker.unload()
    memory.give_back()
    after = resident()
    mega = 1e6
    return {
        "load_s": round(load, 3),
        "load_again_s": round(again, 6),
        "one_by_one_s": round(singly, 2),
        f"batches_of_{batch}_s": round(together, 2),
        "gain": round(singly / together, 2),
        "rss_before_mb": round(before / mega),
        "rss_loaded_mb": round(loaded / mega),
        "rss_after_unload_mb": round(after / mega),
        "rss_change_percent": round(100 * (after - before) / before, 1),
    }


def main() -> None:
    """Measure all and print a line of JSON for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", choices=("base", "tiny", "builtin"), default="tiny")
    parser.add_argument("--builtin", type=Path, default=places.BUILTIN)
    parser.add_argument("--clock", choices=tuple(CLOCKS), default="wall")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--pictures", type=int, default=PICTURES)
    parser.add_argument("--only", choices=[kind.name for kind in KINDS], default="")
    parser.add_argument("--terms", type=int, default=100, help="lines read of each list")
    asked = parser.parse_args()
    random = np.random.default_rng(0)
    pictures = [
        Image.fromarray(random.integers(0, 256, (512, 512, 3), np.uint8))
        for _ in range(asked.pictures)
    ]
    options = InterrogationOptions(clip=ClipOptions(dict_limit=asked.terms))
    with tempfile.TemporaryDirectory() as name, mock.patch.object(places, "BUILTIN", asked.builtin):
        folder = Path(name)
        if asked.size != "builtin":
            write_models(folder / "models", real=asked.size == "base")
        place = Workplace(folder / "models", folder / "data", fit_square, asked.device)
        for kind in KINDS:
            if asked.only in ("", kind.name):
                warm_up(kind(place), pictures[0], options)
                found = measure(kind(place), pictures, options, asked.batch, CLOCKS[asked.clock])
                row = {"who": kind.label, "device": asked.device, "size": asked.size, **found}
                print(json.dumps(row), flush=True)


def warm_up(worker: Interrogator, picture: Image.Image, options: InterrogationOptions) -> None:
    """Libraries, kernels and the lists' vectors are not what is measured."""
    worker.describe([picture], options, lambda _: None)
    worker.unload()


if __name__ == "__main__":
    main()
