"""GET and POST /options (api 3.3, 3.4; traps 8, 9, 11)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jobs.options import OPTIONS, OptionStore
from tests.api.conftest import Api


@pytest.fixture
def two_models(checkpoints: Path, make_api: Callable[[], Api]) -> Api:
    """Two files beside the built-in checkpoint; what is in them does not matter here."""
    (checkpoints / "sub").mkdir()
    for name in ("a.safetensors", "sub/b.safetensors"):
        (checkpoints / name).write_bytes(b"\0" * 64)
    return make_api()


def test_every_setting_is_there_and_none_of_forges(api: Api) -> None:
    options = api.get("/options")
    assert set(options) == {option.key for option in OPTIONS}
    assert not [key for key in options if key.startswith("forge")]


def test_the_checkpoint_is_told_by_its_title_api_8_9(two_models: Api) -> None:
    options, models = two_models.get("/options"), two_models.get("/sd-models")
    assert options["sd_model_checkpoint"] in {model["title"] for model in models}
    assert options["sd_checkpoint_hash"] == ""


def test_the_complete_answer_can_be_sent_back_api_8_8(api: Api) -> None:
    options = api.get("/options")
    response = api.post("/options", options)
    assert (response.status_code, response.json()) == (200, None)
    assert api.get("/options") == options
    assert api.engine.jobs == {}


def test_a1111s_own_round_trip(api: Api, tmp_path: Path) -> None:
    before = api.get("/options")["send_seed"]
    assert api.post("/options", {"send_seed": not before}).json() is None
    assert api.get("/options")["send_seed"] is not before
    assert OptionStore(tmp_path / "data").get("send_seed") is not before
    api.post("/options", {"send_seed": before})
    assert api.get("/options")["send_seed"] is before


IGNORED: dict[str, dict[str, Any]] = {
    "unknown": {"forge_preset": "sd"},
    "guarded": {"api_forbid_local_requests": False},
    "path": {"outdir_samples": "/etc"},
    "derived": {"sd_checkpoint_hash": "abc"},
    "null": {"jpeg_quality": None},
    "null checkpoint": {"sd_model_checkpoint": None},
    "empty checkpoint": {"sd_model_checkpoint": ""},
}


@pytest.mark.parametrize("changes", IGNORED.values(), ids=IGNORED)
def test_what_cannot_be_changed_stays_and_is_200(api: Api, changes: dict[str, Any]) -> None:
    before = api.get("/options")
    response = api.post("/options", {**changes, "send_size": False})
    assert (response.status_code, response.json()) == (200, None)
    assert api.get("/options") == before | {"send_size": False}


def test_a_value_that_cannot_be_is_422_and_nothing_changes(api: Api) -> None:
    response = api.post("/options", {"send_seed": False, "randn_source": "TPU"})
    assert response.status_code == 422
    assert "GPU, CPU, NV" in response.json()["detail"]
    assert api.get("/options")["send_seed"] is True


def test_only_administrators_change_settings(api: Api) -> None:
    response = api.post("/options", {"send_seed": False}, user="guest")
    assert response.status_code == 403
    assert "administrators" in response.json()["detail"]
    assert api.get("/options", user="guest")["send_seed"] is True


ALIASES = ["sub/b.safetensors", "sub_b", "b"]


@pytest.mark.parametrize("alias", ALIASES)
def test_choosing_a_checkpoint_loads_it_first(two_models: Api, alias: str) -> None:
    assert two_models.post("/options", {"sd_model_checkpoint": alias}).json() is None
    job = two_models.engine.only_job()
    assert (job.spec.kind, job.spec.request.checkpoint) == ("load", "sub/b.safetensors")
    assert two_models.get("/options")["sd_model_checkpoint"] == "sub/b.safetensors"
    two_models.make("/txt2img")
    assert two_models.engine.latest("local")[0].spec.request.checkpoint == "sub/b.safetensors"
    two_models.post("/options", two_models.get("/options"))
    assert len(two_models.engine.jobs) == 2


def test_a_checkpoint_that_cannot_be_loaded_is_not_chosen(two_models: Api) -> None:
    before = two_models.get("/options")
    two_models.engine.fail = "b.safetensors is damaged"
    response = two_models.post("/options", {"sd_model_checkpoint": "b", "send_seed": False})
    assert response.status_code == 500
    assert response.json()["errors"] == "b.safetensors is damaged"
    assert two_models.get("/options") == before


def test_an_override_names_a_checkpoint_for_one_call(two_models: Api) -> None:
    two_models.make("/txt2img", override_settings={"sd_model_checkpoint": "b"})
    two_models.make("/txt2img")
    second, first = two_models.engine.latest("local")
    assert first.spec.request.checkpoint == "sub/b.safetensors"
    assert second.spec.request.checkpoint != "sub/b.safetensors"


def test_a_selected_checkpoint_that_is_gone_is_said(two_models: Api, checkpoints: Path) -> None:
    two_models.post("/options", {"sd_model_checkpoint": "b"})
    (checkpoints / "sub" / "b.safetensors").unlink()
    assert two_models.call("POST", "/refresh-checkpoints").json() is None
    answer = two_models.make("/txt2img")
    assert "is gone" in answer["told"]["warnings"][0]


def test_choosing_a_vae_loads_it_first(api: Api, checkpoints: Path) -> None:
    """Api 3.4: as for the checkpoint."""
    folder = checkpoints.parent / "VAE"
    folder.mkdir()
    (folder / "kl.pt").write_bytes(b"\0" * 64)
    assert api.post("/options", {"sd_vae": "kl.pt"}).json() is None
    job = api.engine.only_job()
    assert (job.spec.kind, job.spec.request.vae) == ("load", "kl.pt")
    api.make("/txt2img")
    api.make("/txt2img", override_settings={"sd_vae": "None"})
    second, first = api.engine.latest("local")[:2]
    assert (first.spec.request.vae, second.spec.request.vae) == ("kl.pt", "None")


def test_an_unknown_vae_is_not_chosen(api: Api) -> None:
    response = api.post("/options", {"sd_vae": "gone.pt", "send_seed": False})
    assert response.status_code == 500
    assert response.json()["errors"] == "VAE 'gone.pt' not found"
    assert api.get("/options")["sd_vae"] == "Automatic"
    assert api.get("/options")["send_seed"] is True
