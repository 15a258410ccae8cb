"""Prompt editing and alternation (behaviour 9.3)."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.bad_input import PROMPTS
from pipelines.prompt.editing import Stage, edit_schedule, stage_at

REFERENCE = {
    "half": ("[a:b:0.5]", [(5, "a"), (10, "b")]),
    "whole": ("[a:b:1.0]", [(10, "a")]),
    "step one": ("[a:b:1]", [(1, "a"), (10, "b")]),
    "step zero": ("[a:b:0]", [(10, "b")]),
    "beyond": ("[a:b:15]", [(10, "a")]),
    "nested": ("[a:[b:c:0.8]:0.4]", [(4, "a"), (8, "b"), (10, "c")]),
    "too many colons": ("[a:b:c:0.5]", [(10, "[a:b:c:0.5]")]),
    "spaces": ("[a:b: 0.25 ]", [(2, "a"), (10, "b")]),
}

FORMS = {
    "plain": ("a cat", [(10, "a cat")]),
    "empty": ("", [(10, "")]),
    "add": ("x[b:5]y", [(5, "xy"), (10, "xby")]),
    "remove": ("x[a::5]y", [(5, "xay"), (10, "xy")]),
    "add with colon": ("[:b:5]", [(5, ""), (10, "b")]),
    "negative fraction": ("[a:b:-0.5]", [(10, "b")]),
    "negative step": ("[a:b:-3]", [(10, "b")]),
    "exponent": ("[a:b:5e-1]", [(10, "b")]),
    "emphasis stays": ("([a:(b:1.2):5])", [(5, "(a)"), (10, "((b:1.2))")]),
    "emphasis inside": ("[[a]:b:5]", [(5, "[a]"), (10, "b")]),
    "escaped brackets": (r"\[a:b:5\]", [(10, r"\[a:b:5\]")]),
    "escaped colon": (r"[a\:b:c:5]", [(5, r"a\:b"), (10, "c")]),
    "plain emphasis": ("[a] (b:1.2)", [(10, "[a] (b:1.2)")]),
    "loose inside makes loose": ("[[a:b:c:1]:d:5]", [(10, "[[a:b:c:1]:d:5]")]),
    "inner of a loose one works": ("[x:y:z:[a:b:5]]", [(5, "[x:y:z:a]"), (10, "[x:y:z:b]")]),
    "unclosed before": ("((( [a:b:5]", [(5, "((( a"), (10, "((( b")]),
    "unopened after": ("[a:b:5] ))", [(5, "a ))"), (10, "b ))")]),
    "two schedules": ("[a:b:3][c:d:6]", [(3, "ac"), (6, "bc"), (10, "bd")]),
    "a stray pipe stops all": ("a|b [c:d:5]", [(10, "a|b [c:d:5]")]),
    "a pipe in round brackets too": ("(a|b) [c:d:5]", [(10, "(a|b) [c:d:5]")]),
    "pipe and colon": ("[a|b:5]", [(10, "[a|b:5]")]),
    "a word as number": ("[a:b:c]", [(10, "[a:b:c]")]),
    "line breaks": ("[a\nb:c:5]", [(5, "a\nb"), (10, "c")]),
}


def stages(text, steps=10, **options):
    return [(stage.end_at_step, stage.text) for stage in edit_schedule(text, steps, **options)]


@pytest.mark.parametrize(
    ("text", "expected"), [*REFERENCE.values(), *FORMS.values()], ids=[*REFERENCE, *FORMS]
)
def test_behaviour_9_3(text, expected):
    assert stages(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[a:b:1.5]", [(3, "a"), (6, "b")]),
        ("[a:b:12]", [(2, "a"), (6, "b")]),
        ("[a:b:0.5]", [(6, "b")]),
    ],
)
def test_behaviour_9_3_hires_pass(text, expected):
    assert stages(text, hires_steps=6) == expected


@pytest.mark.parametrize(
    ("text", "steps", "expected"),
    [
        ("[a|b]", 4, "a b a b"),
        ("[a|b|]", 5, "a b  a b"),
        ("[a|[b|c]]", 4, "a c a c"),
        ("[a|b][c|d|e]", 6, "ac bd ae bc ad be"),
        ("[[a|b]:c:2]", 4, "a b c c"),
        ("[a:b:2|c]", 2, "[a:b:2|c]"),
        ("[a|b]", 1, "a"),
        ("[|a]x", 3, "x ax x"),
    ],
)
def test_behaviour_9_3_alternation_has_one_stage_per_step(text, steps, expected):
    found = stages(text, steps)
    assert [text for _, text in found] == expected.split(" ")
    assert len(found) == 1 or [end for end, _ in found] == list(range(1, steps + 1))


@pytest.mark.parametrize(
    ("text", "options", "expected"),
    [
        ("[a:b:1.0]", {}, [(1, "a"), (10, "b")]),
        ("[a:b:0.5]", {}, [(5, "a"), (10, "b")]),
        ("[a:b:2.5]", {}, [(2, "a"), (10, "b")]),
        ("[a:b:0.5]", {"hires_steps": 6}, [(5, "a"), (10, "b")]),
    ],
    ids=["one is a step", "below one a fraction", "cut", "no second pass"],
)
def test_behaviour_9_3_old_scheduling(text, options, expected):
    assert stages(text, old=True, **options) == expected


@pytest.mark.parametrize(
    ("text", "calls"),
    [("[a:b:5]", "aaaaaabbbb"), ("[a|b]", "aabababab")],
    ids=["six", "first twice"],
)
def test_behaviour_9_3_calls_count_from_zero(text, calls):
    found = edit_schedule(text, 10)
    assert "".join(found[stage_at(found, call)].text for call in range(len(calls))) == calls


def test_past_the_end_the_last_stage_stays():
    found = edit_schedule("[a:b:5]", 10)
    assert found[stage_at(found, 99)] == Stage(10, "b")


@pytest.mark.parametrize("text", PROMPTS.values(), ids=PROMPTS)
def test_hostile_prompts_have_stages_to_the_end(text):
    stages = edit_schedule(text, 20)
    assert stages[-1].end_at_step == 20
    assert all(len(stage.text) <= len(text) for stage in stages)


@settings(deadline=None)
@given(
    st.text(alphabet="ab ()[]:|\\.15e-\n", max_size=60) | st.text(),
    st.integers(-1, 30),
    st.booleans(),
)
def test_any_text_has_stages_in_order_up_to_the_last_step(text, steps, old):
    found = edit_schedule(text, steps, old=old)
    ends = [stage.end_at_step for stage in found]
    assert ends == sorted(set(ends))
    assert ends[-1] == max(1, steps)
    assert ends[0] >= 1
