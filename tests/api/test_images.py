"""Image fields and /png-info (api 3.7, 5)."""

from __future__ import annotations

import base64
import binascii
import io
import json

import PIL.Image
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL.PngImagePlugin import PngInfo

from api.images import decode_base64
from pipelines.pictures import PictureFormat, encode_picture
from tests.api.conftest import Api, picture_file

FILE = picture_file("RGB", (5, 7))
BARE = base64.b64encode(FILE).decode()
INFOTEXT = (
    "a cat, cute\nNegative prompt: dog\nSteps: 3, Sampler: Euler a, Schedule type: Karras, "
    "CFG scale: 7, Seed: 5, Size: 64x128"
)

SPELLINGS = {
    "bare": BARE,
    "data uri": f"data:image/png;base64,{BARE}",
    "blank after the comma": f"data:image/png;base64, {BARE}",
    "wrong type": f"data:image/jpeg;base64,{BARE}",
    "no image type": f"data:application/octet-stream;base64,{BARE}",
    "charset": f"data:image/png;charset=utf-8;base64,{BARE}",
    "upper case": f"DATA:image/png;base64,{BARE}",
    "blanks around": f"  \n{BARE}\n ",
    "line breaks": "\n".join(BARE[k : k + 60] for k in range(0, len(BARE), 60)),
    "no padding": BARE.rstrip("="),
    "foreign characters": BARE[:8] + "!*\x00é" + BARE[8:],
}


@pytest.mark.parametrize("text", SPELLINGS.values(), ids=SPELLINGS)
def test_spellings_of_base64_api_5(api: Api, text: str) -> None:
    response = api.post("/img2img", {"init_images": [text]})
    assert response.status_code == 200, response.text
    (ref,) = api.engine.only_job().spec.request.init_images
    assert api.services.assets.path(ref).read_bytes() == FILE
    assert api.post("/png-info", {"image": text}).status_code == 200


KINDS = ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF"]


@pytest.mark.parametrize("kind", KINDS)
def test_kinds_of_pictures_whatever_the_label_says(api: Api, kind: str) -> None:
    data = base64.b64encode(picture_file("RGB", (64, 64), kind)).decode()
    response = api.post("/img2img", {"init_images": [f"data:image/png;base64,{data}"]})
    assert response.status_code == 200, response.text


@settings(deadline=None)
@given(st.binary(max_size=200), st.booleans())
def test_any_bytes_come_back(data: bytes, padded: bool) -> None:
    text = base64.b64encode(data).decode()
    assert decode_base64(text if padded else text.rstrip("=")) == data


@settings(deadline=None)
@given(st.text(max_size=200))
def test_any_text_gives_bytes_or_the_one_error(text: str) -> None:
    from api.errors import WireError

    try:
        decode_base64(text)
    except WireError as error:
        assert error.body["detail"] == "Invalid encoded image"
        assert isinstance(error.__cause__, binascii.Error)


def info_of(api: Api, data: bytes, prefix: str = "") -> dict[str, object]:
    text = prefix + base64.b64encode(data).decode()
    response = api.post("/png-info", {"image": text})
    assert response.status_code == 200, response.text
    answer: dict[str, object] = response.json()
    return answer


FORMATS: list[PictureFormat] = ["png", "jpeg", "webp"]


@pytest.mark.parametrize("fmt", FORMATS)
@pytest.mark.parametrize("prefix", ["", "data:image/png;base64,", "data:image/png;base64, "])
def test_png_info(api: Api, fmt: PictureFormat, prefix: str) -> None:
    data = encode_picture(PIL.Image.new("RGB", (64, 128)), fmt, infotext=INFOTEXT)
    answer = info_of(api, data, prefix)
    assert answer["info"] == INFOTEXT
    assert answer["items"] == {}
    parameters = answer["parameters"]
    assert isinstance(parameters, dict)
    expected = {
        "Prompt": "a cat, cute",
        "Negative prompt": "dog",
        "Steps": "3",
        "Sampler": "Euler a",
        "Schedule type": "Karras",
        "Size-1": "64",
        "Size-2": "128",
        "Clip skip": "1",
        "RNG": "GPU",
    }
    assert {key: parameters.get(key) for key in expected} == expected


def test_png_info_of_a_plain_picture(api: Api) -> None:
    assert info_of(api, picture_file()) == {"info": "", "items": {}, "parameters": {}}


def test_png_info_keeps_other_texts_and_drops_technical_ones(api: Api) -> None:
    chunks = PngInfo()
    chunks.add_text("Software", "NovelAI")
    chunks.add_text("parameters", "just a note")
    chunks.add_text("Comment", json.dumps({"steps": 28}))
    out = io.BytesIO()
    PIL.Image.new("RGB", (8, 8)).save(out, "PNG", pnginfo=chunks, dpi=(72, 72))
    answer = info_of(api, out.getvalue())
    assert answer["info"] == "just a note"
    assert answer["items"] == {"Software": "NovelAI", "Comment": '{"steps": 28}'}
    parameters = answer["parameters"]
    assert isinstance(parameters, dict)
    assert parameters["Prompt"] == "just a note"


def test_png_info_needs_an_image(api: Api) -> None:
    response = api.post("/png-info", {})
    assert response.status_code == 422
    assert response.json()["detail"][0]["loc"] == ["body", "image"]
