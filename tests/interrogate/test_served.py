"""A real server with a tiny tagger: the whole way of an interrogation."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import httpx
import pytest

from tests.interrogate.networks import TAGS, picture, tiny_tagger, write_pt
from tests.serving import serve


@pytest.mark.slow
def test_a_picture_becomes_tags_and_a_broken_model_a_sentence(tmp_path: Path) -> None:
    model = tmp_path / "weights" / "deepbooru" / "model-resnet_custom_v3.pt"
    write_pt(model, tiny_tagger())
    half = tmp_path / "weights" / "BLIP" / "half"
    half.mkdir(parents=True)
    (half / "config.json").write_text('{"model_type": "blip"}')
    (half / "model.safetensors").touch()
    out = io.BytesIO()
    picture("RGBA").save(out, "PNG")
    body = {"image": base64.b64encode(out.getvalue()).decode(), "model": "deepdanbooru"}
    with serve(tmp_path) as server:
        server.post_json("/sdapi/v1/options", {"interrogate_deepbooru_score_threshold": 0.0})
        answer = server.post_json("/sdapi/v1/interrogate", body)
        assert set(answer["tags"]) == set(TAGS) - {"rating:safe"}
        assert "long hair" in answer["caption"]
        listed = {row["name"]: row for row in server.get_json("/sdapi/v1/interrogators")}
        assert listed["deepdanbooru"]["note"] == model.name
        url = server.url.rstrip("/") + "/sdapi/v1/interrogate"
        failed = httpx.post(url, json={**body, "model": "clip"}, timeout=60)
        assert failed.status_code == 500
        assert "half has no tokenizer: copy tokenizer.json" in failed.json()["errors"]
        assert server.post_json("/sdapi/v1/interrogate", body) == answer
