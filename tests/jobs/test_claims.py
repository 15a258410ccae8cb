"""A picture that was written but not told of is kept when worker or server is lost, once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from jobs.claims import ClaimLedger
from jobs.messages import PictureDone, RunJob
from jobs.saving import PictureSaver, picture_done
from jobs.spec import JobState, StopKind
from pipelines.events import FinishedPicture
from tests.jobs.doubles import Workshop, spec
from tests.pipelines.pixels import noise


def finished(position: int) -> FinishedPicture:
    return FinishedPicture(position, noise(16, 8), "info", "a hen", 7, 8, incomplete=False)


def write(folder: Path, job_id: str, position: int = 0) -> PictureDone:
    """What a worker does before it can tell anybody."""
    job = RunJob(job_id, spec(n_iter=3))
    path = PictureSaver(folder / "out", folder).save(job, finished(position))
    return picture_done(job, finished(position), path)


def paths(shop: Workshop, job_id: str) -> list[Path]:
    return [picture.path for picture in shop.store.pictures(job_id)]


def test_a_claim_says_what_the_message_would_have_said(tmp_path: Path) -> None:
    made = write(tmp_path, "job")
    assert ClaimLedger(tmp_path).kept("job") == [made]
    assert ClaimLedger(tmp_path).kept("other") == []


@pytest.mark.parametrize("fate", ["gone", "changed", "cut"])
def test_a_claim_without_its_bytes_counts_for_nothing(tmp_path: Path, fate: str) -> None:
    path = write(tmp_path, "job").path
    data = path.read_bytes()
    path.unlink()
    if fate != "gone":
        path.write_bytes(b"another's" if fate == "changed" else data[:-1])
    assert ClaimLedger(tmp_path).kept("job") == []


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "{}", '{"digest": 1, "path": 2}'])
def test_a_damaged_claim_counts_for_nothing_and_the_server_starts(
    tmp_path: Path, text: str
) -> None:
    before = Workshop(tmp_path)
    before.start()
    job_id = before.engine.submit("anna", spec(n_iter=2))
    write(tmp_path, job_id)
    claims = list((tmp_path / "claims" / job_id).glob("*.json"))
    assert len(claims) == 1
    claims[0].write_text(text)
    before.store.close()
    assert [job.done for job in Workshop(tmp_path).start().jobs] == [0]


def test_a_taken_name_is_claimed_again(tmp_path: Path) -> None:
    """Another program takes the number between looking and writing."""
    ledger = ClaimLedger(tmp_path)
    made = write(tmp_path, "job")
    free = made.path.with_name("00001-7.png")
    ledger.claim(made, b"other bytes")
    ledger.claim(replace(made, path=free), b"bytes")
    free.write_bytes(b"bytes")
    assert ledger.kept("job") == [replace(made, path=free)]


@pytest.fixture
def shop(tmp_path: Path) -> Workshop:
    return Workshop(tmp_path)


@pytest.mark.parametrize("end", ["worker dies", "server dies", "server stops"])
def test_untold_pictures_are_kept_and_not_made_again(
    shop: Workshop, tmp_path: Path, end: str
) -> None:
    worker = shop.start()
    job_id = shop.engine.submit("anna", spec(n_iter=3))
    told, untold = (write(tmp_path, job_id, position) for position in range(2))
    worker.say(told)
    if end == "worker dies":
        worker.die()
        shop.workers[-1].ready()
    else:
        if end == "server stops":
            shop.engine.stop()
        shop = Workshop(tmp_path)
        shop.start()
    assert paths(shop, job_id) == [told.path, untold.path]
    assert [job.done for job in shop.workers[-1].jobs] == [2]
    assert ClaimLedger(tmp_path).kept(job_id) == []


def test_untold_picture_of_a_job_that_was_to_stop_is_kept(shop: Workshop, tmp_path: Path) -> None:
    worker = shop.start()
    job_id = shop.engine.submit("anna", spec(n_iter=3))
    untold = write(tmp_path, job_id)
    shop.engine.request_stop(job_id, StopKind.NOW)
    worker.die()
    assert paths(shop, job_id) == [untold.path]
    view = shop.engine.view(job_id)
    assert view is not None
    assert view.state is JobState.DONE


def test_a_job_that_is_over_leaves_no_claims(shop: Workshop, tmp_path: Path) -> None:
    worker = shop.start()
    job_id = shop.engine.submit("anna", spec())
    worker.say(write(tmp_path, job_id))
    worker.done(job_id)
    assert not (tmp_path / "claims" / job_id).exists()
