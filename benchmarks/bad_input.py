"""How long texts take that nobody should paste: prompts and infotexts made to be slow.

    python -m benchmarks.bad_input [--rounds 5] [--json FILE]

The goal is 50 ms each. Beside each stands how many times that is what Python needs to split the
same text at its brackets, which says more of the parser and less of the machine. The tests read the
same texts, without a clock.
"""

from __future__ import annotations

import re
import statistics
from collections.abc import Callable, Mapping, Sequence

from benchmarks.measuring import CLOCKS, Report, command, finish
from pipelines.infotext_parse import parse_infotext
from pipelines.prompt.attention import parse_attention
from pipelines.prompt.editing import edit_schedule
from pipelines.prompt.multi import split_and
from pipelines.prompt.networks import extract_networks

MEGABYTE = 1_000_000

INFOTEXTS: Mapping[str, str] = {
    "one word": "a" * MEGABYTE,
    "words": "a " * (MEGABYTE // 2),
    "dashes": "a-" * (MEGABYTE // 2),
    "pairs": "aa:b," * (MEGABYTE // 5),
    "short keys": "a:" * (MEGABYTE // 2),
    "colons": ":" * MEGABYTE,
    "commas": "," * MEGABYTE,
    "spaces": "x" + " " * MEGABYTE + "x",
    "value of spaces": "aa:" + " " * MEGABYTE + "x",
    "open quotes": 'aa: "' * (MEGABYTE // 5),
    "quotes never closed": 'aa: "' + "\\" * MEGABYTE,
    "quotes and escapes": 'aa: "\\",' * (MEGABYTE // 8),
    "one long string": 'aa: "' + "\\n" * (MEGABYTE // 2) + '", bb: 1, cc: 2',
    "lines": "\n" * MEGABYTE + "x",
    "blank lines": "a" + "\n \t" * (MEGABYTE // 3) + "a",
    "negative prompts": "x\n" + "Negative prompt:\n" * (MEGABYTE // 17),
    "long numbers": "aa: " + "1" * MEGABYTE + "x1, bb: 1, cc: 2",
    "letters of many bytes": "ü" * MEGABYTE,
}
"""Infotexts of a megabyte."""

PROMPTS: Mapping[str, str] = {
    "nested rounds": "(" * 10_000 + "a" + ")" * 10_000,
    "nested squares": "[" * 10_000 + "a" + "]" * 10_000,
    "nested schedules": "[a:" * 10_000 + "b" + ":5]" * 10_000,
    "nested weights": "(" * 10_000 + "a" + ":1.1)" * 10_000,
    "open groups": "(a" * 20_000,
    "open schedules": "[(a:b" * 10_000,
    "open squares": "[" * 50_000,
    "alternations": "[a|b]" * 10_000,
    "words": "x" * 100_000,
    "spaces": " " * 100_000,
    "colons": (":" + " " * 50) * 2_000,
    "pipes": ":|" * 50_000,
    "digits": ":" + "1" * 100_000,
    "a long number": "[a:b:" + "9" * 100_000 + "]",
    "backslashes": "\\" * 100_000,
    "breaks": "BREAK " * 15_000,
    "parts": "AND " * 25_000,
    "weights of parts": ":1 " * 30_000,
    "open tags": "<a:" * 30_000,
    "angles": "<" * 100_000,
}
"""Prompts of up to 100,000 characters, which is as many as a request may have."""

_SPLIT = re.compile(r"[\[\]():|\\]|[^\[\]():|\\]+")


def _prompt(text: str) -> None:
    """All that a prompt goes through before it is tokens."""
    without, _ = extract_networks(text)
    for part in split_and(without):
        for stage in edit_schedule(part.text, 20):
            parse_attention(stage.text)


def _seconds(work: Callable[[str], object], text: str, rounds: int) -> float:
    clock, took = CLOCKS["processor"], []
    for _ in range(rounds):
        begun = clock()
        work(text)
        took.append(clock() - begun)
    return statistics.median(took)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print, longest first."""
    given = command(__doc__ or "", rounds=5).parse_args(arguments)
    report = Report("bad input", f"median of {given.rounds} rounds, processor time")
    found: dict[str, tuple[float, float]] = {}
    cases: Mapping[str, tuple[Callable[[str], object], Mapping[str, str]]] = {
        "infotext": (parse_infotext, INFOTEXTS),
        "prompt": (_prompt, PROMPTS),
    }
    for kind, (work, texts) in cases.items():
        for name, text in texts.items():
            plain = _seconds(_SPLIT.findall, text, given.rounds)
            found[f"{kind}: {name}"] = _seconds(work, text, given.rounds), plain
    for name, (ours, plain) in sorted(found.items(), key=lambda one: -one[1][0]):
        report.figures[name] = f"{1000 * ours:.1f} ms, {ours / max(plain, 1e-6):.1f}x"
    finish(report, given.json)


if __name__ == "__main__":
    main()
