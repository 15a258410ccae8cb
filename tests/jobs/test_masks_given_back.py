"""From worker to store: masks lie behind the job's pictures, and a retry does not count them."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from jobs.messages import PictureDone, RunJob
from jobs.saving import PictureSaver
from jobs.saving_options import SavingOptions
from jobs.worker import JobListener
from pipelines.events import FinishedPicture
from tests.jobs.doubles import Workshop, spec

SAVING = SavingOptions(return_mask=True, return_mask_composite=True)
WORK = spec(n_iter=3).model_copy(update={"saving": SAVING})


class Post:
    """Takes what the listener sends."""

    def __init__(self) -> None:
        self.sent: list[PictureDone] = []

    def send(self, message: PictureDone) -> None:
        self.sent.append(message)


def test_each_picture_is_followed_by_its_masks(tmp_path: Path) -> None:
    """Behaviour 5.7. Positions: three pictures, then two places for each of them."""
    post = Post()
    saver = PictureSaver(tmp_path / "out", tmp_path / "data")
    listener = JobListener(post, RunJob("job", WORK), saver)  # type: ignore[arg-type]
    for position in range(2):
        picture = Image.new("RGB", (64, 64), "red")
        mask = Image.new("L", (64, 64), 255)
        listener.on_picture(
            FinishedPicture(position, picture, "a", "a", 7, 8, incomplete=False, mask=mask)
        )
    assert [done.position for done in post.sent] == [0, 3, 4, 1, 5, 6]
    assert len({done.path for done in post.sent}) == 6


def test_a_retry_counts_pictures_only(tmp_path: Path) -> None:
    shop = Workshop(tmp_path)
    worker = shop.start()
    job_id = shop.engine.submit("ann", WORK)
    for position in (0, 3, 4):
        worker.picture(job_id, position)
    worker.die()
    shop.workers[-1].ready()
    assert [(job.done, job.user) for job in shop.workers[-1].jobs] == [(1, "ann")]
    view = shop.engine.view(job_id)
    assert view is not None
    assert [picture.position for picture in view.pictures] == [0, 3, 4]
