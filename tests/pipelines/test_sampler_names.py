"""How sampler and schedule names are understood (behaviour 7.1, 7.2; api 2.4)."""

from __future__ import annotations

import subprocess
import sys

import pytest

from pipelines.sampler_names import (
    SAMPLERS,
    SCHEDULERS,
    SamplerInfo,
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
    "the longest sampler name wins": ("DPM++ 2M SDE Heun", "", "DPM++ 2M SDE Heun", "Automatic"),
    "suffix of a long name": (
        "DPM++ 2M SDE Heun Exponential",
        "",
        "DPM++ 2M SDE Heun",
        "Exponential",
    ),
    "DDIM is a sampler first": ("DDIM", "", "DDIM", "Automatic"),
    "DDIM is a suffix after another": ("Euler DDIM", "", "Euler", "DDIM"),
    "lower case alias": ("unipc", "", "UniPC", "Automatic"),
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
    "two schedules, A1111 fails": (
        "Euler Karras Exponential",
        "",
        "Euler",
        "Karras",
        "two schedule types",
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


# name: (aliases, default schedule, traits), behaviour 7.1
TABLE: dict[str, tuple[str, str | None, str]] = {
    "DPM++ 2M": ("k_dpmpp_2m", "karras", ""),
    "DPM++ SDE": ("k_dpmpp_sde", "karras", "second_order brownian"),
    "DPM++ 2M SDE": ("k_dpmpp_2m_sde", "exponential", "brownian"),
    "DPM++ 2M SDE Heun": ("k_dpmpp_2m_sde_heun", "exponential", "brownian"),
    "DPM++ 2S a": ("k_dpmpp_2s_a", "karras", "second_order uses_ensd"),
    "DPM++ 3M SDE": ("k_dpmpp_3m_sde", "exponential", "discard_penultimate brownian"),
    "Euler a": ("k_euler_a k_euler_ancestral", None, "uses_ensd"),
    "Euler": ("k_euler", None, ""),
    "LMS": ("k_lms", None, ""),
    "Heun": ("k_heun", None, "second_order"),
    "DPM2": ("k_dpm_2", "karras", "second_order discard_penultimate"),
    "DPM2 a": ("k_dpm_2_a", "karras", "second_order discard_penultimate uses_ensd"),
    "DPM fast": ("k_dpm_fast", None, "uses_ensd ends_only"),
    "DPM adaptive": ("k_dpm_ad", None, "uses_ensd ends_only adaptive"),
    "Restart": ("restart", "karras", "second_order"),
    "DDIM": ("ddim", None, ""),
    "DDIM CFG++": ("ddim_cfgpp", None, ""),
    "PLMS": ("plms", None, ""),
    "UniPC": ("unipc", None, "continuous_time"),
    "LCM": ("k_lcm", None, ""),
}

TRAITS = (
    "second_order",
    "discard_penultimate",
    "uses_ensd",
    "brownian",
    "ends_only",
    "adaptive",
    "continuous_time",
)


def test_samplers_stand_in_the_order_of_the_page() -> None:
    assert [info.name for info in SAMPLERS] == list(TABLE)


@pytest.mark.parametrize("info", SAMPLERS, ids=lambda info: info.name)
def test_sampler_table(info: SamplerInfo) -> None:
    aliases, scheduler, traits = TABLE[info.name]
    assert " ".join(info.aliases) == aliases
    assert info.default_scheduler == scheduler
    assert " ".join(trait for trait in TRAITS if getattr(info, trait)) == traits
    is_timestep = info.name in ("DDIM", "DDIM CFG++", "PLMS", "UniPC")
    assert (info.family == "timestep") == is_timestep
    assert info.cfg_factor == (0.08 if info.name == "DDIM CFG++" else 1.0)


OPTIONS = {
    "DPM++ 2M": {"scheduler": "karras"},
    "Euler a": {"uses_ensd": "True"},
    "Euler": {},
    "DPM++ 2M SDE Heun": {
        "scheduler": "exponential",
        "brownian_noise": "True",
        "solver_type": "heun",
    },
    "DPM2 a": {
        "scheduler": "karras",
        "discard_next_to_last_sigma": "True",
        "uses_ensd": "True",
        "second_order": "True",
    },
}


@pytest.mark.parametrize("name", OPTIONS)
def test_api_options_are_strings(name: str) -> None:
    info = find_sampler(name)
    assert info is not None
    assert info.options == OPTIONS[name]


def test_names_need_no_torch() -> None:
    code = "import sys, pipelines.sampler_names, pipelines.steps; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
