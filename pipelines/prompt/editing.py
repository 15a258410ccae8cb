"""Prompt editing `[from:to:when]` and alternation `[a|b]`: which text is used at which step.

One linear pass turns a prompt into instructions, one linear pass plays them for a step. Emphasis
brackets stay in the text for pipelines/prompt/attention.py (behaviour 9.3).
"""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass
from enum import IntEnum, auto
from math import lcm
from typing import TypeAlias

_TOKEN = re.compile(r"(?:[^\\()\[\]:|]|\\.|\\)+|[()\[\]:|]", re.DOTALL)
_NUMBER = re.compile(r"\s*([+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)\s*")
_LONGEST_NUMBER = 64
_SPECIAL = frozenset("()[]:|")


@dataclass(frozen=True, slots=True)
class Stage:
    """`text` is used up to and including step `end_at_step` (steps count from 1)."""

    end_at_step: int
    text: str


@dataclass(frozen=True, slots=True)
class _Clock:
    """Turns the number of a schedule into a step."""

    steps: int
    fraction_offset: float
    integer_offset: int
    old: bool

    def when(self, number: str) -> int:
        value = float(number)
        is_fraction = value < 1 if self.old else "." in number
        if is_fraction:
            value = (value - self.fraction_offset) * self.steps
        else:
            value -= self.integer_offset
        return int(max(-1.0, min(float(self.steps), value)))


def edit_schedule(
    text: str, steps: int, *, hires_steps: int | None = None, old: bool = False
) -> tuple[Stage, ...]:
    """The texts of a prompt over `steps` steps, first to last (behaviour 9.3). Never raises.

    `steps` is the steps slider, doubled for second-order samplers, not the executed steps. A number
    with a point is a fraction of the steps, one without is a step. With `hires_steps` the stages of
    the second pass are given: 1 to 2 (or `steps` and up) address it. `old` (A1111's
    `use_old_scheduling`): numbers below 1 are fractions, and the second pass is as the first.
    A bracket that is neither schedule nor alternation is left for the emphasis syntax; with a `|`
    outside any alternation the whole prompt is used unscheduled, as in A1111.
    """
    if hires_steps is None or old:
        clock = _Clock(max(1, steps), 0.0, 0, old)
    else:
        clock = _Clock(max(1, hires_steps), 1.0, max(1, steps), old)
    programme = _parse(text, clock)
    if programme is None:
        return (Stage(clock.steps, text),)
    return programme.stages(clock.steps)


def stage_at(stages: tuple[Stage, ...], call_index: int) -> int:
    """Index of the stage for a model call; calls count from 0 at every sampler start.

    The stage that ends at step 5 thus serves calls 0 to 5. Past the end the last stage stays.
    """
    found = bisect_left(stages, call_index, key=lambda stage: stage.end_at_step)
    return min(found, len(stages) - 1)


class _Op(IntEnum):
    """What an instruction does; those up to OPTIONS open a bracket."""

    BEFORE = auto()
    OPTIONS = auto()
    AFTER = auto()
    NEXT_OPTION = auto()
    HIDE = auto()
    CLOSE = auto()
    TEXT = auto()


_Instruction: TypeAlias = tuple[_Op, int, str]
"""Op, number and text: plain tuples, because hostile prompts have ten thousands of them."""

_AFTER = (_Op.AFTER, 0, "")
_NEXT_OPTION = (_Op.NEXT_OPTION, 0, "")
_HIDE = (_Op.HIDE, 0, "")
_CLOSE = (_Op.CLOSE, 0, "")


@dataclass(slots=True)
class _Programme:
    """Instructions, the steps at which a schedule switches, and the length of the alternation."""

    instructions: list[_Instruction]
    switches: set[int]
    cycle: int

    def stages(self, steps: int) -> tuple[Stage, ...]:
        if self.cycle > 1:
            ends = list(range(1, steps + 1))
        else:
            ends = sorted({step for step in self.switches if step >= 1} | {steps})
        switches = sorted(self.switches)
        texts: dict[tuple[int, int], str] = {}
        stages = []
        for step in ends:
            key = (bisect_left(switches, step), (step - 1) % self.cycle)
            if key not in texts:
                texts[key] = self._text_at(step)
            stages.append(Stage(step, texts[key]))
        return tuple(stages)

    def _text_at(self, step: int) -> str:
        parts: list[str] = []
        wanted: list[int] = []  # of each visible bracket that is open: which part of it is shown
        part: list[int] = []  # and in which part we are
        visible = True
        unseen = 0  # brackets that are open within an invisible part
        text, opening, close = _Op.TEXT, _Op.OPTIONS, _Op.CLOSE
        for op, number, words in self.instructions:
            if op is text:
                if visible and not unseen:
                    parts.append(words)
            elif op <= opening:
                if unseen or not visible:
                    unseen += 1
                    continue
                wanted.append((step - 1) % number if op is opening else int(step > number))
                part.append(0)
                visible = not wanted[-1]
            elif op is close:
                if unseen:
                    unseen -= 1
                    continue
                wanted.pop()
                part.pop()
                visible = True
            elif not unseen:
                part[-1] += 1  # what follows HIDE is no part; nothing wants the third
                visible = wanted[-1] == part[-1] and op is not _Op.HIDE
        return "".join(parts)


@dataclass(slots=True)
class _Bracket:
    """An open bracket while parsing: where it and the separators directly in it are."""

    start: int
    is_square: bool
    colons: int = 0
    last_colon: int = 0
    colon_before: int = 0
    pipes: list[int] | None = None
    is_clean: bool = True  # everything inside is well formed

    def add_colon(self, index: int) -> None:
        self.colons += 1
        self.colon_before, self.last_colon = self.last_colon, index

    def add_pipe(self, index: int) -> None:
        if self.pipes is None:
            self.pipes = []
        self.pipes.append(index)


class _Parser:
    """Finds the brackets that are schedules or alternations; all else stays text."""

    def __init__(self, tokens: list[str], clock: _Clock) -> None:
        self._tokens = tokens
        self._clock = clock
        self._open: list[_Bracket] = []
        self._open_squares = 0
        self.instructions: dict[int, tuple[_Instruction, ...]] = {}
        self.switches: set[int] = set()
        self.option_counts: set[int] = set()
        self.has_stray_pipe = False

    def run(self) -> None:
        for index, token in enumerate(self._tokens):
            if token not in _SPECIAL:
                continue
            if token in "([":
                self._open.append(_Bracket(index, token == "["))
                self._open_squares += token == "["
            elif token in ")]":
                self._close(index, token == "]")
            elif not self._open:
                self.has_stray_pipe |= token == "|"
            elif token == ":":
                self._open[-1].add_colon(index)
            else:
                self._open[-1].add_pipe(index)
        while self._open:
            self._leave_as_text(self._pop())

    def _pop(self) -> _Bracket:
        bracket = self._open.pop()
        self._open_squares -= bracket.is_square
        return bracket

    def _leave_as_text(self, bracket: _Bracket) -> None:
        self.has_stray_pipe |= bracket.pipes is not None
        if self._open:
            self._open[-1].is_clean = False

    def _close(self, index: int, is_square: bool) -> None:
        open_rounds = len(self._open) - self._open_squares
        if not (self._open_squares if is_square else open_rounds):
            if self._open:
                self._open[-1].is_clean = False
            return
        while self._open[-1].is_square != is_square:
            self._leave_as_text(self._pop())
        bracket = self._pop()
        if not bracket.is_clean or not self._understand(bracket, index):
            self._leave_as_text(bracket)

    def _understand(self, bracket: _Bracket, end: int) -> bool:
        colons, pipes = bracket.colons, bracket.pipes
        if not bracket.is_square:
            return colons <= 1 and not pipes
        if pipes and not colons:
            self._alternate(bracket.start, pipes, end)
            return True
        if colons and not pipes and colons <= 2:
            return self._schedule(bracket, end)
        return not colons and not pipes

    def _alternate(self, start: int, pipes: list[int], end: int) -> None:
        count = len(pipes) + 1
        self.option_counts.add(count)
        self.instructions[start] = ((_Op.OPTIONS, count, ""),)
        for pipe in pipes:
            self.instructions[pipe] = (_NEXT_OPTION,)
        self.instructions[end] = (_CLOSE,)

    def _schedule(self, bracket: _Bracket, end: int) -> bool:
        last = bracket.last_colon
        number = self._tokens[last + 1] if end == last + 2 else ""
        match = _NUMBER.fullmatch(number) if len(number) <= _LONGEST_NUMBER else None
        if match is None:
            return False
        when = self._clock.when(match.group(1))
        self.switches.add(when)
        before = (_Op.BEFORE, when, "")
        if bracket.colons == 2:
            self.instructions[bracket.start] = (before,)
            self.instructions[bracket.colon_before] = (_AFTER,)
        else:
            self.instructions[bracket.start] = (before, _AFTER)
        self.instructions[last] = (_HIDE,)
        self.instructions[end] = (_CLOSE,)
        return True


def _parse(text: str, clock: _Clock) -> _Programme | None:
    """The programme of a prompt; None when it must be used unscheduled as a whole."""
    tokens = _TOKEN.findall(text)
    parser = _Parser(tokens, clock)
    parser.run()
    if parser.has_stray_pipe:
        return None
    instructions: list[_Instruction] = []
    literal: list[str] = []
    for index, token in enumerate(tokens):
        special = parser.instructions.get(index)
        if special is None:
            literal.append(token)
            continue
        if literal:
            instructions.append((_Op.TEXT, 0, "".join(literal)))
            literal.clear()
        instructions.extend(special)
    instructions.append((_Op.TEXT, 0, "".join(literal)))
    return _Programme(instructions, parser.switches, _cycle(parser.option_counts, clock.steps))


def _cycle(counts: set[int], steps: int) -> int:
    """After how many steps all alternations repeat together, at most `steps`."""
    cycle = 1
    for count in counts:
        cycle = lcm(cycle, count)
        if cycle >= steps:
            return max(2, steps)
    return cycle
