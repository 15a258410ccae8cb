"""Override settings: entries from requests and back."""

import pytest

from pipelines.request import Emphasis, Img2ImgRequest, NoiseSource
from ui.overrides import OverrideError, apply_entries, entries

USUAL = Img2ImgRequest()


def changed(**parts: object) -> Img2ImgRequest:
    return Img2ImgRequest.model_validate(parts)


CASES = {
    "Clip skip: 2": changed(clip_skip=2),
    "ENSD: 31337": changed(seeds={"ensd": 31337}),
    "RNG: NV": changed(seeds={"source": "NV"}),
    "Eta: 0.5": changed(tuning={"eta_ancestral": 0.5}),
    "Noise multiplier: 1.1": changed(tuning={"initial_noise_multiplier": 1.1}),
    "SGM noise multiplier: True": changed(tuning={"sgm_noise_multiplier": True}),
    "Emphasis: No norm": changed(emphasis="No norm"),
    "VAE: kl.pt": changed(vae="kl.pt"),
    "Background color: #000000": changed(background_color="#000000"),
    "Prompt comments: False": changed(texts={"comments": False}),
    "Overlay inpaint: False": changed(overlay_inpaint=False),
}


@pytest.mark.parametrize("line", CASES)
def test_entry_and_setting_mean_the_same(line: str) -> None:
    assert entries(CASES[line], USUAL) == [line]
    assert apply_entries([line], USUAL) == CASES[line]


@pytest.mark.parametrize("line", ["Model hash: 6ce0161689", "Model: 6ce0161689"])
def test_an_entry_can_choose_the_checkpoint(line: str) -> None:
    assert apply_entries([line], USUAL) == changed(checkpoint="6ce0161689")


def test_usual_settings_need_no_entries() -> None:
    assert entries(USUAL, USUAL) == []


def test_entry_can_restore_the_default_over_a_setting() -> None:
    assert apply_entries(["Clip skip: 1"], changed(clip_skip=2)).clip_skip == 1


def test_other_fields_are_left_alone() -> None:
    request = changed(prompt="a cat", width=640, seeds={"seed": 3}, emphasis="Ignore")
    result = apply_entries(["RNG: CPU"], request)
    assert (result.prompt, result.width, result.seeds.seed) == ("a cat", 640, 3)
    assert (result.seeds.source, result.emphasis) == (NoiseSource.CPU, Emphasis.IGNORE)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("Cleverness: 3", "'Cleverness: 3' is not known; there are: Clip skip"),
        ("nonsense", "'nonsense' is not known"),
        ("Clip skip: many", "Clip skip"),
        ("Clip skip: 99", "Clip skip"),
    ],
)
def test_entries_that_cannot_be_used_are_said(line: str, words: str) -> None:
    with pytest.raises(OverrideError, match=words):
        apply_entries([line], USUAL)
