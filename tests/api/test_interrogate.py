"""POST /interrogate and GET /interrogators (api 3.8)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from interrogate import places
from interrogate.base import Description, Tag
from interrogate.report import PictureReport, Report, to_facts
from jobs.spec import JobSpec
from tests.api.conftest import Api, png


@pytest.fixture
def answering(api: Api) -> Api:
    """An engine whose jobs have found a cat."""
    found = Description("a cat, oil", (Tag("oil", 0.25),), 0.1)
    api.engine.facts |= to_facts(Report((PictureReport({"clip": found}),)))
    return api


def asked(api: Api) -> JobSpec:
    return api.engine.only_job().spec


def test_a_caption_comes_back_api_3_8(answering: Api) -> None:
    response = answering.post("/interrogate", {"image": png()})
    assert response.status_code == 200
    assert response.json() == {"caption": "a cat, oil", "tags": {"oil": 0.25}}
    spec = asked(answering)
    assert spec.kind == "interrogate"
    assert spec.interrogation is not None
    assert spec.interrogation.interrogators == ("clip",)


@pytest.mark.parametrize(
    ("model", "name"),
    [("deepdanbooru", "deepdanbooru"), ("deepbooru", "deepdanbooru"), ("CLIP", "clip")],
)
def test_names_and_aliases(answering: Api, model: str, name: str) -> None:
    answering.post("/interrogate", {"image": png(), "model": model})
    interrogation = asked(answering).interrogation
    assert interrogation is not None
    assert interrogation.interrogators == (name,)


def test_settings_reach_the_job(answering: Api) -> None:
    answering.options.set_many(
        {
            "interrogate_deepbooru_score_threshold": 0.25,
            "interrogate_clip_num_beams": 4,
            "interrogate_return_ranks": True,
            "interrogate_keep_models_in_memory": True,
        }
    )
    answering.post("/interrogate", {"image": png()})
    interrogation = asked(answering).interrogation
    assert interrogation is not None
    options = interrogation.options
    assert (options.tags.threshold, options.clip.num_beams) == (0.25, 4)
    assert (options.return_ranks, interrogation.keep_loaded) == (True, True)


@pytest.mark.parametrize(
    ("body", "status", "detail"),
    [
        ({"image": png(), "model": "gpt"}, 404, "Model not found"),
        ({"image": ""}, 500, "Invalid encoded image"),
        ({}, 500, "Invalid encoded image"),
        ({"image": "bm8gcGljdHVyZQ=="}, 500, "Invalid encoded image"),
    ],
    ids=["unknown model", "empty picture", "no picture", "no picture inside"],
)
def test_refusals_api_4(api: Api, body: dict[str, Any], status: int, detail: str) -> None:
    response = api.post("/interrogate", body)
    assert (response.status_code, response.json()["detail"]) == (status, detail)
    assert api.engine.jobs == {}


def test_a_failed_job_says_why(api: Api) -> None:
    api.engine.fail = "DeepBooru needs its model"
    response = api.post("/interrogate", {"image": png(), "model": "deepdanbooru"})
    assert (response.status_code, response.json()["errors"]) == (500, "DeepBooru needs its model")


def test_contradicting_settings_are_said(api: Api) -> None:
    api.options.set_many({"interrogate_clip_min_length": 60})
    response = api.post("/interrogate", {"image": png()})
    assert response.status_code == 500
    assert response.json()["errors"].startswith("the shortest caption (60 tokens) is longer")


def test_a_stopped_job_has_no_caption(api: Api) -> None:
    assert api.post("/interrogate", {"image": png()}).json()["caption"] is None


def test_the_list_says_what_is_available(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(places, "BUILTIN", tmp_path)
    path = tmp_path / "captioner"
    path.mkdir()
    (path / "config.json").write_text('{"model_type": "blip"}')
    (path / "model.safetensors").touch()
    rows = {row["name"]: row for row in api.get("/interrogators")}
    assert {"clip", "deepdanbooru"} <= set(rows)
    assert not rows["deepdanbooru"]["available"]
    assert "model-resnet_custom_v3.pt" in rows["deepdanbooru"]["note"]
    assert (rows["clip"]["available"], rows["clip"]["builtin"]) == (True, True)


def test_openapi_has_a1111s_name_api_3_12(api: Api) -> None:
    assert "InterrogateRequest" in api.get("/openapi.json")["components"]["schemas"]
