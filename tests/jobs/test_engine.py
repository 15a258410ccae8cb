"""The job engine with fake workers: order, durability, retries, stops, watching."""

import asyncio
from pathlib import Path

import pytest

from jobs.messages import JobDone, PictureDone, Preload, StopJob
from jobs.spec import JobState, StopKind
from jobs.store import StoreError
from pipelines.request import Img2ImgRequest
from tests.jobs.doubles import Workshop, spec


@pytest.fixture
def shop(tmp_path: Path) -> Workshop:
    return Workshop(tmp_path)


def test_job_runs_to_its_end(shop: Workshop) -> None:
    worker = shop.start()
    job = shop.engine.submit("ann", spec())
    assert [run.job_id for run in worker.jobs] == [job]
    worker.step(job, 2)
    view = shop.engine.view(job)
    assert view is not None
    assert (view.state, view.progress.fraction) == (JobState.RUNNING, 0.5)
    worker.picture(job)
    worker.done(job)
    view = shop.engine.view(job)
    assert view is not None
    assert (view.state, len(view.pictures), view.facts) == (JobState.DONE, 1, {"seconds": 1.0})


def test_jobs_wait_for_the_worker_to_be_ready(shop: Workshop) -> None:
    shop.engine.start()
    job = shop.engine.submit("ann", spec())
    assert shop.workers[0].jobs == []
    shop.workers[0].ready()
    assert [run.job_id for run in shop.workers[0].jobs] == [job]


def test_random_seeds_are_fixed_when_the_job_is_queued(shop: Workshop) -> None:
    job = shop.engine.submit("ann", spec(seed=-1))
    row = shop.store.get(job)
    assert row is not None
    assert 0 <= row.spec.request.seeds.seed < 4294967294


def test_turns_go_round_robin_over_owners(shop: Workshop) -> None:
    worker = shop.start()
    names = ["a1", "a2", "a3", "b1", "b2", "c1"]
    ids = {name: shop.engine.submit(name[0], spec()) for name in names}
    by_id = {job: name for name, job in ids.items()}
    order: list[str] = []
    while len(order) < len(names):
        job = worker.jobs[-1].job_id
        order.append(by_id[job])
        worker.done(job)
    assert order == ["a1", "b1", "c1", "a2", "b2", "a3"]


def test_queue_positions_are_told(shop: Workshop) -> None:
    shop.start()
    ids = [shop.engine.submit("ann", spec()) for _ in range(3)]
    views = [shop.engine.view(job) for job in ids]
    assert [view and (view.queue_position, view.queue_length) for view in views] == [
        (0, 2),
        (1, 2),
        (2, 2),
    ]


def test_failed_job_says_why_and_the_queue_goes_on(shop: Workshop) -> None:
    worker = shop.start()
    bad, good = shop.engine.submit("ann", spec()), shop.engine.submit("ann", spec())
    worker.fail(bad, "the disk is full")
    view = shop.engine.view(bad)
    assert view is not None
    assert (view.state, view.error) == (JobState.FAILED, "the disk is full")
    assert worker.jobs[-1].job_id == good


def test_dead_worker_is_replaced_and_its_job_goes_on_where_it_was(shop: Workshop) -> None:
    worker = shop.start()
    job = shop.engine.submit("ann", spec(n_iter=3))
    worker.picture(job, 0)
    worker.die()
    shop.workers[-1].ready()
    assert len(shop.workers) == 2
    assert [(run.job_id, run.done) for run in shop.workers[-1].jobs] == [(job, 1)]


def test_skipped_pictures_are_not_made_again(shop: Workshop) -> None:
    worker = shop.start()
    job = shop.engine.submit("ann", spec(n_iter=3))
    worker.picture(job, 0, incomplete=True)
    worker.picture(job, 1)
    worker.die()
    shop.workers[-1].ready()
    assert [run.done for run in shop.workers[-1].jobs] == [2]


@pytest.mark.parametrize("kind", [StopKind.NOW, StopKind.AFTER_CURRENT])
def test_job_that_was_to_stop_is_not_tried_again(shop: Workshop, kind: StopKind) -> None:
    worker = shop.start()
    job, other = (shop.engine.submit("ann", spec(n_iter=2)) for _ in range(2))
    worker.picture(job, 0)
    shop.engine.request_stop(job, kind)
    worker.die()
    shop.workers[-1].ready()
    view = shop.engine.view(job)
    assert view is not None
    assert (view.state, view.interrupted, len(view.pictures)) == (JobState.DONE, True, 1)
    assert [run.job_id for run in shop.workers[-1].jobs] == [other]


def test_job_that_kills_its_worker_is_given_up_after_three_attempts(shop: Workshop) -> None:
    shop.start()
    job = shop.engine.submit("ann", spec())
    for _ in range(3):
        shop.workers[-1].die()
        shop.workers[-1].ready()
    view = shop.engine.view(job)
    assert view is not None
    assert (view.state, view.attempts) == (JobState.FAILED, 3)
    assert "killed by signal 9" in view.error
    assert shop.workers[-1].jobs == []


def test_worker_that_never_starts_is_not_restarted_for_ever(shop: Workshop) -> None:
    shop.engine.start()
    job = shop.engine.submit("ann", spec())
    for _ in range(3):
        shop.workers[-1].die(1)
    view = shop.engine.view(job)
    assert view is not None
    assert (len(shop.workers), view.state) == (3, JobState.FAILED)
    assert "does not start" in view.error


def test_late_words_of_a_dead_worker_are_ignored(shop: Workshop) -> None:
    first = shop.start()
    job = shop.engine.submit("ann", spec())
    first.die()
    shop.workers[-1].ready()
    first.done(job)
    view = shop.engine.view(job)
    assert view is not None
    assert view.state is JobState.RUNNING


def test_killed_server_leaves_jobs_for_the_next_one(tmp_path: Path) -> None:
    before = Workshop(tmp_path)
    worker = before.start()
    running, waiting = (before.engine.submit("ann", spec(n_iter=2)) for _ in range(2))
    worker.picture(running, 0)
    before.store.close()  # as kill -9 would: nothing is told to anybody
    after = Workshop(tmp_path)
    worker = after.start()
    assert [(run.job_id, run.done) for run in worker.jobs] == [(running, 1)]
    worker.done(running)
    assert worker.jobs[-1].job_id == waiting


def test_orderly_stop_keeps_the_running_job(shop: Workshop, tmp_path: Path) -> None:
    worker = shop.start()
    job = shop.engine.submit("ann", spec())
    shop.engine.stop()
    assert worker.stopped
    row = shop.store.get(job)
    assert row is not None
    assert row.state is JobState.QUEUED


def test_last_words_before_an_orderly_stop_are_heard(shop: Workshop) -> None:
    worker = shop.start()
    job, waiting = shop.engine.submit("ann", spec(n_iter=2)), shop.engine.submit("ann", spec())

    def last_words(patience: float = 3.0) -> None:
        worker.picture(job)
        worker.done(job)

    worker.stop = last_words  # type: ignore[method-assign]
    shop.engine.stop()
    view = shop.engine.view(job)
    assert view is not None
    assert (view.state, len(view.pictures)) == (JobState.DONE, 1)
    assert [run.job_id for run in worker.jobs] == [job]
    assert [run.job_id for run in shop.start().jobs] == [waiting]


def test_orderly_stops_are_no_failed_attempts(shop: Workshop) -> None:
    job = shop.engine.submit("ann", spec())
    for _ in range(5):
        shop.start()
        shop.engine.stop()
    shop.start().die()
    view = shop.engine.view(job)
    assert view is not None
    assert (view.state, view.attempts) == (JobState.QUEUED, 1)


def fill_disk(shop: Workshop) -> None:
    """SQLite then answers as on a full disk: "database or disk is full"."""
    shop.store._db.execute("PRAGMA max_page_count = 1")


def free_disk(shop: Workshop) -> None:
    shop.store._db.execute("PRAGMA max_page_count = 100000")


LONG_TEXT = "x" * 100_000
"""Fills a database that may not grow."""


@pytest.mark.parametrize("message", ["fail", "done", "picture"])
def test_full_disk_fails_the_job_and_the_queue_goes_on(shop: Workshop, message: str) -> None:
    worker = shop.start()
    job, waiting = (shop.engine.submit("ann", spec()) for _ in range(2))
    fill_disk(shop)
    if message == "fail":
        worker.fail(job, LONG_TEXT)
    elif message == "done":
        worker.say(JobDone(job, False, {"text": LONG_TEXT}))
    else:
        worker.say(PictureDone(job, 0, Path("0.png"), LONG_TEXT, 64, 64, 7, 8, False))
    view = shop.engine.view(job)
    assert view is not None
    assert view.state is JobState.FAILED
    assert view.error == LONG_TEXT if message == "fail" else "disk is full" in view.error
    assert worker.sent[-1] == StopJob(job, StopKind.NOW)
    worker.done(job)  # what it still says of the job is ignored
    free_disk(shop)
    shop.engine.resume()
    row = shop.store.get(job)
    assert row is not None
    assert (row.state, row.error) == (JobState.FAILED, view.error)
    assert worker.jobs[-1].job_id == waiting


def test_full_disk_refuses_new_jobs_with_a_sentence(shop: Workshop) -> None:
    shop.start()
    fill_disk(shop)
    long = spec().model_copy(update={"request": Img2ImgRequest(prompt=LONG_TEXT)})
    with pytest.raises(StoreError, match=r"disk is full.*free some disk space and try again"):
        shop.engine.submit("ann", long)
    free_disk(shop)
    assert shop.engine.submit("ann", long)


@pytest.mark.parametrize("kind", [StopKind.NOW, StopKind.AFTER_CURRENT, StopKind.SKIP])
def test_stop_reaches_the_worker(shop: Workshop, kind: StopKind) -> None:
    worker = shop.start()
    job = shop.engine.submit("ann", spec())
    assert shop.engine.request_stop(job, kind)
    assert worker.sent[-1] == StopJob(job, kind)


def test_waiting_job_is_cancelled_and_others_stay(shop: Workshop) -> None:
    worker = shop.start()
    first, second, third = (shop.engine.submit("ann", spec()) for _ in range(3))
    assert shop.engine.request_stop(second)
    worker.done(first)
    view = shop.engine.view(second)
    assert view is not None
    assert (view.state, worker.jobs[-1].job_id) == (JobState.CANCELLED, third)


def test_stopping_what_is_over_does_nothing(shop: Workshop) -> None:
    worker = shop.start()
    job = shop.engine.submit("ann", spec())
    worker.done(job)
    assert not shop.engine.request_stop(job)
    assert not shop.engine.request_stop("no such job")


def test_pictures_belong_to_their_owner(shop: Workshop) -> None:
    worker = shop.start()
    job = shop.engine.submit("ann", spec())
    worker.picture(job)
    view = shop.engine.view(job)
    assert view is not None
    picture = view.pictures[0].id
    assert shop.engine.picture("ann", picture) is not None
    assert shop.engine.picture("bob", picture) is None


def test_first_checkpoint_is_preloaded_only_while_idle(tmp_path: Path) -> None:
    shop = Workshop(tmp_path, preload="model")
    worker = shop.start()
    assert worker.sent == [Preload("model")]


def test_watch_ends_with_the_job_and_misses_nothing(shop: Workshop) -> None:
    worker = shop.start()
    job = shop.engine.submit("ann", spec())

    async def story() -> list[tuple[str, int]]:
        seen = []

        async def look() -> None:
            async for view in shop.engine.watch(job, interval=0.0):
                seen.append((view.state.value, view.progress.step))

        watcher = asyncio.create_task(look())
        for step in (1, 2):
            await asyncio.sleep(0.05)
            worker.step(job, step)
        await asyncio.sleep(0.05)
        worker.done(job)
        await asyncio.wait_for(watcher, 5)
        return seen

    seen = asyncio.run(story())
    assert seen == [("running", 0), ("running", 1), ("running", 2), ("done", 0)]


def test_watching_an_unknown_job_ends_at_once(shop: Workshop) -> None:
    async def look() -> list[object]:
        return [view async for view in shop.engine.watch("nothing")]

    assert asyncio.run(look()) == []
