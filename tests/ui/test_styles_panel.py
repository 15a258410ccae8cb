"""Styles: merged into requests, edited in styles.csv, by administrators only."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pipelines.request import Img2ImgRequest
from pipelines.styles import Style, read_styles, write_styles
from ui.styles_panel import StyleHandlers, style_names, with_styles

STYLES = (Style("film", "35mm film of {prompt}, grain", "digital"), Style("neon", "neon light"))


class Asker:
    """A request of the page."""

    def __init__(self, is_admin: bool = True) -> None:
        self.is_admin = is_admin


@pytest.fixture
def services(tmp_path: Path) -> Any:
    file = tmp_path / "styles.csv"
    write_styles(file, STYLES)
    options = {"enable_prompt_comments": True}
    return SimpleNamespace(styles=file, is_admin=lambda request: request.is_admin, options=options)


def test_chosen_styles_are_merged_in_order(services: Any) -> None:
    request = Img2ImgRequest(prompt="a cat", negative_prompt="bad")
    made = with_styles(request, ["film", "neon"], services.styles)
    assert made.prompt == "35mm film of a cat, grain, neon light"
    assert made.negative_prompt == "bad, digital"
    assert with_styles(request, [], services.styles) is request


def test_a_style_that_is_gone_is_said(services: Any) -> None:
    with pytest.raises(ValueError, match="no style gone"):
        with_styles(Img2ImgRequest(), ["gone"], services.styles)


def test_a_style_is_created_changed_and_deleted(services: Any) -> None:
    handlers = StyleHandlers(services)
    handlers.save("ink", "ink drawing", "", Asker())
    assert read_styles(services.styles)[-1] == Style("ink", "ink drawing", "")
    handlers.save("film", "cinema", "video", Asker())
    assert read_styles(services.styles)[0] == Style("film", "cinema", "video")
    handlers.delete("neon", Asker())
    assert style_names(services) == ["film", "ink"]


@pytest.mark.parametrize(
    ("name", "is_admin", "sentence"),
    [
        pytest.param("", True, "name first", id="no name"),
        pytest.param("  ", True, "name first", id="blank"),
        pytest.param("#x", True, "may not begin with #", id="comment"),
        pytest.param("None", True, "not be None", id="None"),
        pytest.param("ink", False, "administrators", id="guest"),
    ],
)
def test_what_cannot_be_saved_is_said(
    services: Any, name: str, is_admin: bool, sentence: str
) -> None:
    answer = StyleHandlers(services).save(name, "x", "", Asker(is_admin))
    assert sentence in answer[-1]
    assert read_styles(services.styles) == STYLES


def test_a_damaged_file_is_said_and_stays(services: Any) -> None:
    services.styles.write_bytes(b"\xff\xfe")
    answer = StyleHandlers(services).save("ink", "x", "", Asker())
    assert "UTF-8" in answer[-1]
    assert services.styles.read_bytes() == b"\xff\xfe"
    assert style_names(services) == []


def test_applying_writes_the_texts_and_chooses_none(services: Any) -> None:
    assert StyleHandlers(services).apply("a cat", "bad", ["neon", "film"]) == [
        "35mm film of a cat, neon light, grain",
        "bad, digital",
        [],
    ]
