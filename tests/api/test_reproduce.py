"""POST /overpaint/v1/reproduce: made again from the server's own list, or from the infotext."""

from __future__ import annotations

import base64
import errno
from typing import Any

import PIL.Image
import pytest

from jobs.store import StoreError
from pipelines.picture_text import PictureFormat
from pipelines.pictures import encode_picture
from tests.api.conftest import Api, opened, png

URL = "/overpaint/v1/reproduce"


def file_of(text: str, **changes: Any) -> str:
    """A picture of an answer as base64 again, its pixels changed where asked for."""
    picture = opened(text)
    infotext = picture.info["parameters"]
    for at, colour in changes.pop("pixels", {}).items():
        picture.putpixel(at, colour)
    fmt: PictureFormat = changes.get("fmt", "png")
    data = encode_picture(picture, fmt, infotext=infotext, quality=60)
    return base64.b64encode(data).decode()


def foreign(infotext: str) -> str:
    data = encode_picture(PIL.Image.new("RGB", (64, 64)), "png", infotext=infotext)
    return base64.b64encode(data).decode()


def test_a_known_picture_is_the_same_to_the_bit(api: Api) -> None:
    made = api.make("/img2img", steps=3, width=64, height=64, seed=5, denoising_strength=0.5)
    answer = api.post(URL, {"image": file_of(made["images"][0])}).json()
    assert answer["equal"] is True
    assert answer["verdict"] == "The same picture: all 4096 pixels are equal to the bit."
    assert (answer["differing"], answer["largest"], answer["known"]) == (0, 0, True)
    assert opened(answer["difference"]).getextrema() == (0, 0)
    assert opened(answer["image"]).tobytes() == opened(made["images"][0]).tobytes()


def test_the_second_batch_of_a_known_job_runs_alone_with_its_input(api: Api) -> None:
    body = {"n_iter": 2, "batch_size": 2, "seed": 10, "width": 64, "height": 64}
    made = api.make("/img2img", save_images=False, **body)
    first = next(iter(api.engine.jobs.values())).spec.request
    api.post(URL, {"image": file_of(made["images"][3])})
    again = list(api.engine.jobs.values())[-1].spec
    assert (again.request.seeds.seed, again.request.n_iter, again.request.batch_size) == (12, 1, 2)
    assert again.request.init_images == first.init_images
    assert (again.save, again.shown, again.tab) == (False, False, "img2img")


def test_latent_noise_runs_from_the_first_batch_on(api: Api) -> None:
    """Behaviour 4.2: its noise is that of the first batch's seeds."""
    body = {"n_iter": 2, "seed": 10, "inpainting_fill": 2, "mask": png("L"), "width": 64}
    made = api.make("/img2img", height=64, **body)
    api.post(URL, {"image": file_of(made["images"][-1])})
    again = list(api.engine.jobs.values())[-1].spec.request
    assert (again.seeds.seed, again.n_iter) == (10, 2)


def test_a_changed_pixel_is_counted_and_shown(api: Api) -> None:
    made = api.make("/txt2img", steps=3, width=64, height=64, seed=5)
    changed = file_of(made["images"][0], pixels={(3, 4): (0, 90, 163)})
    answer = api.post(URL, {"image": changed}).json()
    assert (answer["equal"], answer["differing"], answer["largest"]) == (False, 1, 3)
    difference = opened(answer["difference"])
    assert (difference.getpixel((3, 4)), difference.getpixel((4, 4))) == (96, 0)


def test_a_jpeg_is_told(api: Api) -> None:
    made = api.make("/txt2img", steps=3, width=64, height=64, seed=5)
    answer = api.post(
        URL, {"image": file_of(made["images"][0], fmt="jpeg", pixels={(3, 4): (255, 0, 0)})}
    ).json()
    assert answer["reasons"][0] == "The file is a JPEG, which does not keep every pixel."


FOREIGN = "a cat\nSteps: 4, Sampler: Euler, Seed: 7, Size: 64x64, Model hash: 1234567890, Model: x"


def test_a_foreign_picture_is_made_from_its_infotext(api: Api) -> None:
    answer = api.post(URL, {"image": foreign(FOREIGN)}).json()
    request = api.engine.only_job().spec.request
    assert (request.prompt, request.sampling.steps, request.seeds.seed) == ("a cat", 4, 7)
    assert request.is_txt2img
    assert answer["known"] is False
    assert answer["notes"] == ["The checkpoint x is not here; the selected one was used."]
    assert "Model hash: 1234567890 then, 0123456789 now." in answer["reasons"]


def test_nobody_elses_job_is_looked_up(api: Api) -> None:
    made = api.make("/txt2img", steps=3, width=64, height=64, seed=5)
    answer = api.post(URL, {"image": file_of(made["images"][0])}, user="bob").json()
    assert answer["known"] is False


def test_a_foreign_inpainting_needs_its_picture_and_its_mask(api: Api) -> None:
    image = foreign(FOREIGN + ", Denoising strength: 0.5, Mask blur: 4, Masked content: fill")
    alone = api.post(URL, {"image": image})
    assert (alone.status_code, "painted over another one" in alone.json()["detail"]) == (422, True)
    maskless = api.post(URL, {"image": image, "init_image": png()})
    assert maskless.json()["detail"] == "the picture was made with a mask: give the mask, too"
    assert api.engine.jobs == {}
    answer = api.post(URL, {"image": image, "init_image": png(), "mask": png("L")})
    assert answer.status_code == 200
    request = api.engine.only_job().spec.request
    assert request.inpaint is not None
    assert (request.inpaint.blur_x, request.inpaint.content) == (4, 0)
    assert request.sampling.denoising_strength == 0.5


@pytest.mark.parametrize("text", ["", "just words"], ids=["nothing", "no parameters"])
def test_a_picture_without_data_is_refused(api: Api, text: str) -> None:
    data = encode_picture(PIL.Image.new("RGB", (8, 8)), "png", infotext=text or None)
    answer = api.post(URL, {"image": base64.b64encode(data).decode()})
    assert answer.status_code == 422
    assert "no generation data" in answer.json()["detail"]


def test_a_failed_job_says_why(api: Api) -> None:
    api.engine.fail = "not enough memory"
    answer = api.post(URL, {"image": foreign(FOREIGN)})
    assert (answer.status_code, answer.json()["detail"]) == (500, "not enough memory")


class TestFullDisk:
    """HTTP 507 with a sentence, as the page has it."""

    def test_list_of_jobs(self, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
        def full(*args: Any) -> str:
            raise StoreError("the list of jobs cannot be kept (database or disk is full)")

        monkeypatch.setattr(api.engine, "submit", full)
        answer = api.post("/txt2img", {"prompt": "a cat"})
        assert answer.status_code == 507
        assert answer.json() == {
            "error": "StoreError",
            "detail": "the list of jobs cannot be kept (database or disk is full)",
            "body": "",
            "errors": "the list of jobs cannot be kept (database or disk is full)",
        }

    def test_uploads(self, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
        def full(*args: Any) -> str:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(api.services.assets, "add", full)
        answer = api.post("/img2img", {"init_images": [png()]})
        assert answer.status_code == 507
        assert answer.json()["detail"].startswith("there is no room left on the server's disk")

    def test_other_disk_errors_stay_errors(self, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
        def broken(*args: Any) -> str:
            raise OSError(errno.EIO, "Input/output error")

        monkeypatch.setattr(api.services.assets, "add", broken)
        assert api.post("/img2img", {"init_images": [png()]}).status_code == 500
