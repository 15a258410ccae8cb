"""How sampler and schedule names are understood (behaviour 7.1, 7.2; api 2.4)."""

from __future__ import annotations

import subprocess
import sys

import pytest

from pipelines.sampler_names import (
    SAMPLERS,
    SCHEDULERS,
    effective_scheduler,
    find_sampler,
    find_scheduler,
    resolve_sampler,
)

RESOLVED = {
    "plain": ("Euler a", "", "Euler a", "Automatic"),
    "explicit schedule": ("Euler", "Karras", "Euler", "Karras"),
    "schedule by internal name": ("Euler", "sgm_uniform", "Euler", "SGM Uniform"),
    "schedule by alias": ("Euler", "SGMUniform", "Euler", "SGM Uniform"),
    "old combined name": ("DPM++ 2M Karras", "", "DPM++ 2M", "Karras"),
    "combined with internal name": ("Euler sgm_uniform", "", "Euler", "SGM Uniform"),
    "combined with alias": ("Euler a SGMUniform", "", "Euler a", "SGM Uniform"),
    "any letter case": ("dpm++ 2m KARRAS", "", "DPM++ 2M", "Karras"),
    "sampler alias": ("k_euler_a", "", "Euler a", "Automatic"),
    "sampler alias in another case": ("K_Euler_Ancestral", "", "Euler a", "Automatic"),
    "alias with suffix": ("k_euler Karras", "", "Euler", "Karras"),
    "automatic keeps the suffix": ("DPM++ 2M Karras", "automatic", "DPM++ 2M", "Karras"),
    "n/a keeps the suffix": ("DPM++ 2M Karras", "N/A", "DPM++ 2M", "Karras"),
    "field beats suffix": ("DPM++ 2M Karras", "Exponential", "DPM++ 2M", "Exponential"),
    "spaces around": ("  Euler  ", " karras ", "Euler", "Karras"),
}

WARNED = {
    "unknown sampler": ("Foo", "", "DPM++ 2M", "Automatic", "Unknown sampler 'Foo'"),
    "empty sampler": ("", "", "DPM++ 2M", "Automatic", "Unknown sampler ''"),
    "unknown schedule": ("Euler", "Foo", "Euler", "Automatic", "Unknown schedule type 'Foo'"),
    "unknown sampler with suffix": ("Foo Karras", "", "DPM++ 2M", "Karras", "'Foo Karras'"),
    "kinder than A1111": (
        "DPM++ 2M SGM Uniform",
        "",
        "DPM++ 2M",
        "SGM Uniform",
        "AUTOMATIC1111 reads it as DPM++ 2M with Uniform",
    ),
    "two schedules": (
        "Euler Exponential Karras",
        "",
        "Euler",
        "Exponential",
        "two schedule types",
    ),
}


@pytest.mark.parametrize(("name", "field", "sampler", "scheduler"), RESOLVED.values(), ids=RESOLVED)
def test_names_are_understood_without_a_word(
    name: str, field: str, sampler: str, scheduler: str
) -> None:
    resolved = resolve_sampler(name, field)
    assert (resolved.sampler.name, resolved.scheduler.label) == (sampler, scheduler)
    assert resolved.warnings == ()


@pytest.mark.parametrize(
    ("name", "field", "sampler", "scheduler", "warning"), WARNED.values(), ids=WARNED
)
def test_guesses_are_said(
    name: str, field: str, sampler: str, scheduler: str, warning: str
) -> None:
    resolved = resolve_sampler(name, field)
    assert (resolved.sampler.name, resolved.scheduler.label) == (sampler, scheduler)
    assert len(resolved.warnings) == 1
    assert warning in resolved.warnings[0]


def test_schedule_labels_stand_in_the_order_of_the_page() -> None:
    labels = [info.label for info in SCHEDULERS]
    assert labels == [
        "Automatic",
        "Uniform",
        "Karras",
        "Exponential",
        "Polyexponential",
        "SGM Uniform",
        "KL Optimal",
        "Align Your Steps",
        "Simple",
        "Normal",
        "DDIM",
        "Beta",
    ]


EFFECTIVE = {
    "preference": ("DPM++ 2M", "Automatic", "Karras"),
    "no preference stays automatic": ("Euler a", "Automatic", "Automatic"),
    "chosen": ("DPM++ 2M", "Beta", "Beta"),
}


@pytest.mark.parametrize(("sampler", "chosen", "used"), EFFECTIVE.values(), ids=EFFECTIVE)
def test_schedule_type_of_the_infotext(sampler: str, chosen: str, used: str) -> None:
    names = resolve_sampler(sampler, chosen)
    assert effective_scheduler(names.sampler, names.scheduler).label == used


def test_every_spelling_leads_to_one_entry() -> None:
    for sampler in SAMPLERS:
        assert all(find_sampler(name) is sampler for name in (sampler.name, *sampler.aliases))
    for scheduler in SCHEDULERS:
        assert all(find_scheduler(name) is scheduler for name in scheduler.spellings)


def test_api_options_are_strings() -> None:
    options = {info.name: info.options for info in SAMPLERS}
    assert options["DPM++ 2M"] == {"scheduler": "karras"}
    assert options["Euler a"] == {"uses_ensd": "True"}
    assert options["Euler"] == {}


def test_names_need_no_torch() -> None:
    code = "import sys, pipelines.sampler_names, pipelines.steps; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
