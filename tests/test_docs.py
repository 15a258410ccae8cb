"""The docs are under test: links lead somewhere, what they name exists, what exists is named.

Tables that mirror one declaration are tested beside that: flags in `test_settings.py`, packages in
`test_requirements.py`.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import bootstrap
from flags import ACCEPTED_WITHOUT_EFFECT, REFUSED, flags_of
from jobs.options import OPTIONS
from pipelines.sampler_names import SAMPLERS, SCHEDULERS
from settings import Settings

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([*(ROOT / "docs").rglob("*.md"), *ROOT.glob("*.md")])

FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ +(.+?) *$", re.MULTILINE)
MACHINE_PATH = re.compile(r"/(?:root|work|home/\w+)/")

pages = pytest.mark.parametrize("page", PAGES, ids=[str(p.relative_to(ROOT)) for p in PAGES])


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def anchors(page: Path) -> set[str]:
    """The fragments of a page's headings, as GitHub makes them."""
    titles = HEADING.findall(FENCE.sub("", text_of(page)))
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pages
def test_links_lead_somewhere(page: Path) -> None:
    dead = []
    for link in LINK.findall(FENCE.sub("", text_of(page))):
        if re.match(r"[a-z]+:", link):
            continue
        file, _, fragment = link.partition("#")
        target = (page.parent / file).resolve() if file else page
        if not target.exists() or (fragment and fragment not in anchors(target)):
            dead.append(link)
    assert dead == []


@pages
def test_a_page_has_one_title_and_no_path_of_a_machine(page: Path) -> None:
    text = FENCE.sub("", text_of(page))
    assert len(re.findall(r"^# ", text, re.MULTILINE)) == 1
    assert MACHINE_PATH.findall(text_of(page)) == []


@pages
def test_flags_that_are_named_exist(page: Path) -> None:
    known = {flag.option for flag in flags_of(Settings)} | {"--help"}
    known |= set(ACCEPTED_WITHOUT_EFFECT) | set(REFUSED)
    text = text_of(page)
    named = re.findall(r"`(--[a-z][a-z0-9-]*)", text)
    for line in re.findall(r"(?:webui\.(?:sh|bat)|app\.py)((?: +[^\s`#]+)+)", text):
        named += re.findall(r"(?<= )(--[a-z][a-z0-9-]*)", line)
    assert sorted(set(named) - known) == []


@pages
def test_variables_that_are_named_exist(page: Path) -> None:
    known = {flag.env for flag in flags_of(Settings)} | set(variables_of_the_commands())
    named = set(re.findall(r"\bOVERPAINT_[A-Z_]+[A-Z]\b", text_of(page)))
    assert sorted(named - known) == []


def variables_of_the_commands() -> list[str]:
    """OVERPAINT_* that the two commands read."""
    files = ("bootstrap.py", "webui.sh", "webui.bat", "test.sh")
    return sorted({x for f in files for x in re.findall(r"OVERPAINT_[A-Z_]+", text_of(ROOT / f))})


def test_the_app_never_sees_what_the_install_reads() -> None:
    assert {*bootstrap.OUR_VARIABLES, "OVERPAINT_BROWSER"} == set(variables_of_the_commands())


@pytest.mark.parametrize("name", variables_of_the_commands())
def test_variables_of_the_commands_are_explained(name: str) -> None:
    assert f"\n| `{name}` | " in text_of(ROOT / "docs" / "dependencies.md")


@pytest.mark.parametrize("name", ["LICENSE", "NOTICE"])
def test_the_licence_is_there(name: str) -> None:
    assert "Apache License" in text_of(ROOT / name)


def test_shipped_files_of_others_are_credited() -> None:
    for name in ("vocab.json", "merges.txt"):
        assert (ROOT / "models" / "builtin" / "checkpoint" / "tokenizer" / name).is_file()
        assert name in text_of(ROOT / "NOTICE")


def test_every_sampler_and_schedule_type_is_described() -> None:
    text = text_of(ROOT / "docs" / "samplers.md")
    names = [info.name for info in SAMPLERS] + [info.label for info in SCHEDULERS]
    assert [name for name in names if f"| {name} |" not in text] == []


def test_every_setting_is_described() -> None:
    text = text_of(ROOT / "docs" / "settings.md")
    assert [option.key for option in OPTIONS if f"`{option.key}`" not in text] == []
