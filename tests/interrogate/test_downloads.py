"""Downloads against a local server that breaks off, lies, refuses and cannot resume."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from interrogate.clip import ClipInterrogator
from interrogate.downloads import Downloads, DownloadState
from interrogate.fetch_file import DownloadError, RemoteFile, fetch
from interrogate.hub import OFFERS, offer_of, remote_files
from tests.interrogate.hub_double import Hub, hub

DATA = np.random.default_rng(0).integers(0, 256, 300_000, np.uint8).tobytes()
FILES = {"config.json": b'{"model_type": "blip"}', "tokenizer.json": b"{}", "other.bin": b"x" * 50}


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub with one large file and three small ones; the network may be used."""
    with hub({**FILES, "model.safetensors": DATA}) as running:
        monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
        monkeypatch.setenv("HF_ENDPOINT", running.url)
        yield running


def get(served: Hub, folder: Path, file: RemoteFile | None = None) -> list[int]:
    """Fetch the large file without pauses; what was told."""
    told: list[int] = []
    fetch(file or served.remote("model.safetensors"), folder, told.append, pause=lambda _: None)
    return told


def test_a_file_comes_whole_and_counted(served: Hub, tmp_path: Path) -> None:
    told = get(served, tmp_path)
    assert (tmp_path / "model.safetensors").read_bytes() == DATA
    assert (told[0], told[-1]) == (0, len(DATA))
    assert told == sorted(told)
    assert [path.name for path in tmp_path.iterdir()] == ["model.safetensors"]


def test_a_connection_that_drops_half_way_is_resumed(served: Hub, tmp_path: Path) -> None:
    served.drops = [150_000, 70_000]
    get(served, tmp_path)
    assert (tmp_path / "model.safetensors").read_bytes() == DATA
    assert [asked for _, asked in served.requests] == ["", "bytes=150000-", "bytes=220000-"]


def test_a_later_run_goes_on_where_the_first_was(served: Hub, tmp_path: Path) -> None:
    (tmp_path / "model.safetensors.part").write_bytes(DATA[:123_456])
    get(served, tmp_path)
    assert [asked for _, asked in served.requests] == ["bytes=123456-"]
    assert (tmp_path / "model.safetensors").read_bytes() == DATA


def test_a_server_that_cannot_resume_sends_all_again(served: Hub, tmp_path: Path) -> None:
    served.resumes = False
    (tmp_path / "model.safetensors.part").write_bytes(b"?" * 200_000)
    get(served, tmp_path)
    assert (tmp_path / "model.safetensors").read_bytes() == DATA


@pytest.mark.parametrize("start", [0, 200_000, len(DATA)], ids=["whole", "second part", "complete"])
def test_wrong_bytes_are_thrown_away_with_a_sentence(
    served: Hub, tmp_path: Path, start: int
) -> None:
    served.serves["model.safetensors"] = bytes(len(DATA))
    if start:
        (tmp_path / "model.safetensors.part").write_bytes(bytes(start))
    with pytest.raises(DownloadError, match=r"arrived with wrong contents .* thrown away"):
        get(served, tmp_path)
    assert list(tmp_path.iterdir()) == []
    served.serves.clear()
    get(served, tmp_path)
    assert (tmp_path / "model.safetensors").read_bytes() == DATA


def test_a_part_longer_than_the_file_begins_anew(served: Hub, tmp_path: Path) -> None:
    (tmp_path / "model.safetensors.part").write_bytes(DATA + b"more")
    get(served, tmp_path)
    assert (tmp_path / "model.safetensors").read_bytes() == DATA


def test_a_connection_that_never_brings_anything_is_given_up(served: Hub, tmp_path: Path) -> None:
    served.drops = [100_000, *[0] * 5]
    with pytest.raises(DownloadError, match=r"broke 5 times .* 100000 of 300000 .* again to go on"):
        get(served, tmp_path)
    assert (tmp_path / "model.safetensors.part").stat().st_size == 100_000


def test_a_busy_server_is_asked_again_and_a_refusal_is_said(served: Hub, tmp_path: Path) -> None:
    served.statuses = [503, 429]
    get(served, tmp_path)
    served.statuses = [404]
    with pytest.raises(DownloadError, match=r"127\.0\.0\.1 refuses .*: 404 Not Found"):
        get(served, tmp_path / "other")


def test_a_file_that_is_there_is_checked_and_never_replaced(served: Hub, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(DATA)
    assert get(served, tmp_path) == [len(DATA)]
    path.write_bytes(DATA[:1000])
    with pytest.raises(DownloadError, match=r"is there already and differs .* Move it away"):
        get(served, tmp_path)
    assert path.read_bytes() == DATA[:1000]
    assert served.requests == []


def test_a_host_that_does_not_exist_is_a_sentence(tmp_path: Path) -> None:
    file = RemoteFile("http://no-such-host.invalid/x", "x", 10, "0")
    with pytest.raises(DownloadError, match=r"no-such-host\.invalid cannot be found: .* offline"):
        fetch(file, tmp_path, lambda _: None)


def test_a_stop_keeps_the_part(served: Hub, tmp_path: Path) -> None:
    class Stop(Exception): ...

    def told(count: int) -> None:
        if count:
            raise Stop

    with pytest.raises(Stop):
        fetch(served.remote("model.safetensors"), tmp_path, told)
    part = (tmp_path / "model.safetensors.part").read_bytes()
    assert part
    assert DATA.startswith(part)


def test_the_listing_says_what_to_fetch_weights_last(served: Hub, tmp_path: Path) -> None:
    files = remote_files(offer_of("blip"), tmp_path)
    assert [file.name for file in files] == ["config.json", "tokenizer.json", "model.safetensors"]
    assert [file.kind for file in files] == ["git", "git", "sha256"]
    assert files[2] == RemoteFile(
        f"{served.url}/Salesforce/blip-image-captioning-base/resolve/abc/model.safetensors",
        "model.safetensors",
        len(DATA),
        served.remote("model.safetensors").digest,
    )


def test_without_safetensors_the_pickle_is_taken(served: Hub, tmp_path: Path) -> None:
    served.files["pytorch_model.bin"] = served.files.pop("model.safetensors")
    assert remote_files(offer_of("clip"), tmp_path)[-1].name == "pytorch_model.bin"
    del served.files["pytorch_model.bin"]
    with pytest.raises(DownloadError, match=r"no model\.safetensors and no pytorch_model\.bin"):
        remote_files(offer_of("clip"), tmp_path)


def finished(downloads: Downloads) -> DownloadState:
    downloads.join(20)
    return downloads.view.state


def test_a_download_becomes_a_model(served: Hub, tmp_path: Path) -> None:
    assert not ClipInterrogator.available(tmp_path).ready
    downloads = Downloads(tmp_path)
    downloads.start("blip")
    assert finished(downloads) is DownloadState.DONE
    total = len(DATA) + len(FILES["config.json"]) + len(FILES["tokenizer.json"])
    assert (downloads.view.done, downloads.view.total) == (total, total)
    assert ClipInterrogator.available(tmp_path).ready


def test_a_cancelled_download_goes_on_later(served: Hub, tmp_path: Path) -> None:
    served.files["model.safetensors"] = DATA * 20
    part = tmp_path / "BLIP" / "blip-image-captioning-base" / "model.safetensors.part"
    served.gate, served.gated = threading.Event(), "model.safetensors"
    downloads = Downloads(tmp_path)
    downloads.start("blip")
    end = time.monotonic() + 20
    while not part.is_file() or not part.stat().st_size:
        assert time.monotonic() < end, downloads.view
        time.sleep(0.01)
    downloads.cancel()
    served.gate.set()
    state = finished(downloads)
    assert state is DownloadState.CANCELLED
    assert not ClipInterrogator.available(tmp_path).ready
    served.gate = None
    downloads.start("blip")
    assert finished(downloads) is DownloadState.DONE
    assert served.requests[-1][1].startswith("bytes=")


def test_one_download_at_a_time(served: Hub, tmp_path: Path) -> None:
    served.gate, served.gated = threading.Event(), "model.safetensors"
    downloads = Downloads(tmp_path)
    downloads.start("blip")
    downloads.start("blip")  # again is no error
    with pytest.raises(DownloadError, match=r"BLIP base.* is being downloaded; wait or cancel it"):
        downloads.start("clip")
    served.gate.set()
    assert finished(downloads) is DownloadState.DONE


def test_a_failure_is_kept_for_the_page(served: Hub, tmp_path: Path) -> None:
    served.serves["config.json"] = b"?" * len(FILES["config.json"])
    downloads = Downloads(tmp_path)
    downloads.start("blip")
    assert finished(downloads) is DownloadState.FAILED
    assert "config.json arrived with wrong contents" in downloads.view.problem


@pytest.mark.parametrize("offer", OFFERS, ids=lambda offer: offer.name)
def test_offline_nothing_is_asked_and_the_place_is_said(
    served: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, offer: object
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    name = offer.name  # type: ignore[attr-defined]
    with pytest.raises(DownloadError, match=r"HF_HUB_OFFLINE is set, .* Put .* into ") as caught:
        Downloads(tmp_path).start(name)
    assert str(offer_of(name).place(tmp_path)) in str(caught.value)
    assert served.requests == []


def test_unknown_offers_are_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match="'gpt'; choose one of blip, bert, clip, wd14"):
        Downloads(tmp_path).start("gpt")


def test_a_full_disk_is_said_before(
    served: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("interrogate.downloads.SPARE", 1 << 60)
    downloads = Downloads(tmp_path)
    downloads.start("blip")
    assert finished(downloads) is DownloadState.FAILED
    assert "Make room" in downloads.view.problem
    assert served.requests == []
