"""Options come from A1111's settings."""

import pytest

from interrogate.options import Interrogation, InterrogationOptions, options_of_settings
from jobs.options import OPTIONS


def test_defaults_of_the_settings_are_the_defaults_here() -> None:
    settings = {option.key: option.default for option in OPTIONS}
    assert options_of_settings(settings) == InterrogationOptions()


def test_every_setting_arrives() -> None:
    made = options_of_settings(
        {
            "interrogate_return_ranks": True,
            "interrogate_clip_num_beams": 3,
            "interrogate_clip_min_length": 5,
            "interrogate_clip_max_length": 9,
            "interrogate_clip_dict_limit": 7,
            "interrogate_clip_skip_categories": ("artists",),
            "interrogate_deepbooru_score_threshold": 0.25,
            "deepbooru_sort_alpha": False,
            "deepbooru_use_spaces": False,
            "deepbooru_escape": False,
            "deepbooru_filter_tags": "a, b",
        }
    )
    clip, tags = made.clip, made.tags
    assert made.return_ranks
    assert (clip.num_beams, clip.min_length, clip.max_length, clip.dict_limit) == (3, 5, 9, 7)
    assert clip.skip_categories == ("artists",)
    assert (tags.threshold, tags.sort_alpha, tags.use_spaces) == (0.25, False, False)
    assert (tags.escape, tags.filter_tags) == (False, "a, b")


@pytest.mark.parametrize(
    "fields",
    [
        {"interrogators": ("clip",)},
        {"interrogators": ("clip",), "pictures": ("ab" * 32,), "folder": {"source": "x"}},
        {"interrogators": ("clip", "wd14"), "folder": {"source": "x"}},
        {"interrogators": (), "folder": {"source": "x"}},
        {"interrogators": ("clip",), "pictures": ("../../etc/passwd",)},
    ],
    ids=["no source", "two sources", "two for a folder", "nobody asked", "no picture's name"],
)
def test_impossible_interrogations_are_refused(fields: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"interrogat|pictures"):
        Interrogation.model_validate(fields)


def test_contradicting_lengths_are_a_sentence() -> None:
    with pytest.raises(
        ValueError, match=r"^the shortest caption .* lower interrogate_clip_min_length"
    ):
        options_of_settings({"interrogate_clip_min_length": 60})
