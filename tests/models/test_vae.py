"""Which VAE is taken: every rung of behaviour 15.4."""

from pathlib import Path

import pytest

from models.errors import MissingModel
from models.vae import VaeFile, VaeWishes, choose_vae, is_vae_name, list_vaes

FILES = tuple(
    VaeFile(name, Path("/vae") / name)
    for name in ("model.vae.pt", "soft.safetensors", "sharp.ckpt", "mod.safetensors")
)


@pytest.mark.parametrize(
    ("wishes", "name", "source"),
    [
        pytest.param(VaeWishes(), "model.vae.pt", "beside checkpoint", id="beside by default"),
        pytest.param(VaeWishes(setting="soft.safetensors"), "soft.safetensors", "setting", id="s"),
        pytest.param(VaeWishes(setting="None"), None, "setting", id="setting None = baked in"),
        pytest.param(
            VaeWishes(setting="soft.safetensors", preference="sharp.ckpt"),
            "soft.safetensors",
            "setting",
            id="setting overrides the preference",
        ),
        pytest.param(
            VaeWishes(setting="soft.safetensors", preference="sharp.ckpt", setting_overrides=False),
            "sharp.ckpt",
            "checkpoint preference",
            id="preference, override off",
        ),
        pytest.param(
            VaeWishes(preference="sharp.ckpt"),
            "sharp.ckpt",
            "checkpoint preference",
            id="preference before beside",
        ),
        pytest.param(
            VaeWishes(preference="None"), None, "checkpoint preference", id="preference None"
        ),
        pytest.param(
            VaeWishes(preference="gone.pt"),
            "model.vae.pt",
            "beside checkpoint",
            id="a lost preference falls through",
        ),
        pytest.param(
            VaeWishes(setting="soft.safetensors", setting_overrides=False),
            "model.vae.pt",
            "beside checkpoint",
            id="beside before the setting, override off",
        ),
    ],
)
def test_precedence(wishes: VaeWishes, name: str | None, source: str) -> None:
    choice = choose_vae("model", wishes, FILES)
    assert (choice.file and choice.file.name, choice.source) == (name, source)


def test_without_a_file_beside_it_the_baked_in_one_is_used() -> None:
    assert choose_vae("other", VaeWishes(), FILES).source == "baked"
    wishes = VaeWishes(setting="sharp.ckpt", setting_overrides=False)
    assert choose_vae("other", wishes, FILES).source == "setting"


def test_the_command_line_wins_over_everything(tmp_path: Path) -> None:
    path = tmp_path / "mine.pt"
    path.touch()
    wishes = VaeWishes(command_line=path, setting="soft.safetensors", preference="sharp.ckpt")
    choice = choose_vae("model", wishes, FILES)
    assert (choice.file, choice.source) == (VaeFile("mine.pt", path), "command line")


@pytest.mark.parametrize(
    "wishes",
    [VaeWishes(setting="gone.pt"), VaeWishes(command_line=Path("/gone.pt"))],
    ids=["setting", "command line"],
)
def test_a_named_vae_that_is_not_there_is_an_error(wishes: VaeWishes) -> None:
    with pytest.raises(MissingModel, match=r"gone\.pt"):
        choose_vae("model", wishes, FILES)


def test_listing(tmp_path: Path) -> None:
    for name in (
        "Stable-diffusion/sub/m.vae.safetensors",
        "Stable-diffusion/m.safetensors",
        "VAE/b.pt",
        "VAE/sub/A.ckpt",
        "VAE/notes.txt",
        "more/c.safetensors",
        "more/b.pt",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = list_vaes(tmp_path, [tmp_path / "more"])
    assert [vae.name for vae in found] == ["A.ckpt", "b.pt", "c.safetensors", "m.vae.safetensors"]
    assert found[1].path == tmp_path / "VAE" / "b.pt"


def test_built_in_ones_come_last_and_are_never_chosen_by_their_name_alone(tmp_path: Path) -> None:
    for name in ("models/VAE/z.pt", "builtin/a.safetensors", "builtin/z.pt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = list_vaes(tmp_path / "models", builtin=tmp_path / "builtin")
    assert [(vae.name, vae.builtin) for vae in found] == [("z.pt", False), ("a.safetensors", True)]
    assert choose_vae("a", VaeWishes(), found).source == "baked"
    assert choose_vae("a", VaeWishes(setting="a.safetensors"), found).file == found[1]


@pytest.mark.parametrize(
    ("name", "expected"),
    [("a.vae.pt", True), ("a.VAE.safetensors", True), ("vae.pt", False), ("a.vaes.pt", False)],
)
def test_vae_names(name: str, expected: bool) -> None:
    assert is_vae_name(name) is expected
