"""The durable store: what is written is there after a restart; turn order; owners."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from jobs.messages import PictureDone
from jobs.spec import JobSpec, JobState
from jobs.store import JobStore
from pipelines.request import Img2ImgRequest, Inpaint, Seeds
from tests.jobs.doubles import spec


@pytest.fixture
def store(tmp_path: Path) -> JobStore:
    return JobStore(tmp_path / "deep" / "jobs.sqlite")


def picture(job_id: str, position: int = 0, **changes: Any) -> PictureDone:
    values: dict[str, Any] = {
        "path": Path("out") / f"{position}.png",
        "infotext": "a hen\nSteps: 4",
        "width": 64,
        "height": 72,
        "seed": 7,
        "subseed": 8,
        "incomplete": False,
    }
    return PictureDone(job_id, position, **{**values, **changes})


# ---------------------------------------------------------------- jobs


def test_a_job_is_kept_as_it_was_given(store: JobStore) -> None:
    given = JobSpec(
        request=Img2ImgRequest(
            prompt="a (hen:1.2)\nüñí",
            init_images=("a" * 64,),
            inpaint=Inpaint(mask="b" * 64, blur_x=3),
            seeds=Seeds(seed=2**64 - 1),
        ),
        save=False,
    )
    job = store.add("ann", given)
    row = store.get(job)
    assert row is not None
    assert (row.spec, row.owner, row.state) == (given, "ann", JobState.QUEUED)
    assert (row.attempts, row.error, row.interrupted, row.started) == (0, "", False, None)


def test_an_id_can_be_chosen_once(store: JobStore) -> None:
    assert store.add("ann", spec(), "task(img2img-1)") == "task(img2img-1)"
    with pytest.raises(Exception, match="UNIQUE"):
        store.add("bob", spec(), "task(img2img-1)")


def test_unknown_jobs_are_none(store: JobStore) -> None:
    assert store.get("nothing") is None
    assert store.pictures("nothing") == ()


def test_numbers_count_up(store: JobStore) -> None:
    rows = [store.get(store.add("ann", spec())) for _ in range(3)]
    assert [row and row.number for row in rows] == [1, 2, 3]


def test_latest_is_the_owners_newest_first(store: JobStore) -> None:
    mine = [store.add("ann", spec()) for _ in range(3)]
    store.add("bob", spec())
    assert [row.id for row in store.latest("ann", 2)] == [mine[2], mine[1]]


def test_running_counts_attempts(store: JobStore) -> None:
    job = store.add("ann", spec())
    for attempt in (1, 2):
        store.mark_running(job)
        row = store.get(job)
        assert row is not None
        assert (row.state, row.attempts) == (JobState.RUNNING, attempt)
        assert row.started is not None
        assert [one.id for one in store.running()] == [job]
        store.requeue(job)
    assert store.running() == []
    assert store.line() == [job]


def test_an_attempt_can_be_taken_back_and_only_running_jobs_return(store: JobStore) -> None:
    job, over = store.add("ann", spec()), store.add("ann", spec())
    store.finish(over, JobState.CANCELLED)
    store.mark_running(job)
    store.requeue(job, counts=False)
    store.requeue(job, counts=False)
    store.requeue(over)
    rows = [store.get(name) for name in (job, over)]
    assert [row and (row.state, row.attempts) for row in rows] == [
        (JobState.QUEUED, 0),
        (JobState.CANCELLED, 0),
    ]


@pytest.mark.parametrize("state", [JobState.DONE, JobState.FAILED, JobState.CANCELLED], ids=str)
def test_an_end_is_final(store: JobStore, state: JobState) -> None:
    job = store.add("ann", spec())
    store.finish(job, state, error="no", interrupted=True, facts={"seconds": 1.5, "notes": ["é"]})
    store.finish(job, JobState.DONE, error="other")
    row = store.get(job)
    assert row is not None
    assert (row.state, row.error, row.interrupted) == (state, "no", True)
    assert row.facts == {"seconds": 1.5, "notes": ["é"]}
    assert row.finished is not None
    assert store.line() == []


# ---------------------------------------------------------------- turn order


def test_owners_take_turns_and_keep_their_own_order(store: JobStore) -> None:
    names = ["a1", "a2", "a3", "b1", "b2", "c1"]
    ids = {store.add(name[0], spec()): name for name in names}
    assert [ids[job] for job in store.line()] == ["a1", "b1", "c1", "a2", "b2", "a3"]


def test_whoever_was_served_longest_ago_comes_first(store: JobStore) -> None:
    served = store.add("a", spec())
    store.mark_running(served)
    store.finish(served, JobState.DONE)
    ids = {store.add(name[0], spec()): name for name in ("a1", "b1")}
    assert [ids[job] for job in store.line()] == ["b1", "a1"]


def test_a_job_whose_worker_died_keeps_its_place(store: JobStore) -> None:
    first, second = store.add("ann", spec()), store.add("ann", spec())
    store.mark_running(first)
    store.requeue(first)
    assert store.line() == [first, second]


# ---------------------------------------------------------------- pictures


def test_pictures_come_back_in_order_and_whole(store: JobStore) -> None:
    job = store.add("ann", spec(n_iter=3))
    for position in (2, 0, 1):
        store.add_picture(picture(job, position, seed=2**64 + position, incomplete=position == 1))
    found = store.pictures(job)
    assert [one.position for one in found] == [0, 1, 2]
    assert [one.seed for one in found] == [2**64, 2**64 + 1, 2**64 + 2]
    assert [one.incomplete for one in found] == [False, True, False]
    assert (found[0].path, found[0].width, found[0].height) == (Path("out/0.png"), 64, 72)
    assert found[0].infotext == "a hen\nSteps: 4"
    assert len({one.id for one in found}) == 3


def test_a_repeated_picture_replaces_the_first(store: JobStore) -> None:
    job = store.add("ann", spec())
    for name in ("old.png", "new.png"):
        store.add_picture(picture(job, path=Path(name)))
    assert [one.path for one in store.pictures(job)] == [Path("new.png")]


def test_pictures_belong_to_the_jobs_owner(store: JobStore) -> None:
    job = store.add("ann", spec())
    store.add_picture(picture(job))
    (found,) = store.pictures(job)
    assert store.picture("ann", found.id) == found
    assert store.picture("bob", found.id) is None
    assert store.picture("ann", "nothing") is None


def test_assets_of_all_jobs_are_in_use(store: JobStore) -> None:
    with_mask = Img2ImgRequest(init_images=("a" * 64,), inpaint=Inpaint(mask="b" * 64))
    plain = Img2ImgRequest(init_images=("c" * 64, "a" * 64), batch_size=2)
    for request in (with_mask, plain, Img2ImgRequest()):
        store.finish(store.add("ann", JobSpec(request=request)), JobState.DONE)
    assert store.used_assets() == {"a" * 64, "b" * 64, "c" * 64}


# ---------------------------------------------------------------- durability


def test_everything_is_there_after_a_kill(tmp_path: Path) -> None:
    """Another connection, while the first one was never closed."""
    before = JobStore(tmp_path / "jobs.sqlite")
    job, waiting = before.add("ann", spec(n_iter=2)), before.add("bob", spec())
    before.mark_running(job)
    before.add_picture(picture(job))
    after = JobStore(tmp_path / "jobs.sqlite")
    assert [row.id for row in after.running()] == [job]
    assert after.line() == [waiting]
    assert after.pictures(job) == before.pictures(job)


def test_many_threads_lose_nothing(store: JobStore) -> None:
    def add(owner: str) -> None:
        for _ in range(20):
            job = store.add(owner, spec())
            store.add_picture(picture(job))

    threads = [threading.Thread(target=add, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    line = store.line()
    assert len(line) == 80
    assert sorted(row.number for row in store.latest("a", 99) + store.latest("b", 99)) == sorted(
        {row.number for owner in "ab" for row in store.latest(owner, 99)}
    )
    assert all(len(store.pictures(job)) == 1 for job in line)
