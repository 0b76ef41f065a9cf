"""The general rules for a command line: exit code, one line, no traceback, nothing left behind, no survivors."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator

from breaking.cases import REFUSED, Case, Outcome, Violation

LONGEST = 2_000
START_SECONDS = 0.5
"""CPU seconds. With less, an interpreter may not have begun with the program, which cannot say anything then: a busy machine is slow.
Nor can a program that has printed its result and ends."""

LARGEST = 2_500_000_000
"""Bytes of memory that no refusal needs."""

_DRAFT = re.compile(r"(^|/)(\.draft-[^/]*|\.[^/]+-[a-z0-9_]{8}|tmp[a-z0-9_]{8}(\.\w+)?)(/|$)")
_INFORMATION = re.compile(r"(warning|report|figure): ")
_PLAN_PROBLEM = re.compile(r"error: [^ ]+:\d+: ")
_MORE_PROBLEMS = re.compile(r"error: and [0-9,]+ more$")
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_NEEDS_A_LINE = frozenset({2, 3, 130, 143})


def drafts(names: dict[str, str]) -> list[str]:
    """Names of unfinished files of ours."""
    return [name for name in names if _DRAFT.search(name)]


def cause_of(stderr: bytes) -> str:
    """The exception at the end of a traceback and the last line of ours in it."""
    text = stderr.decode(errors="replace")
    ours = re.findall(r'File "[^"]*/(attributionlab/[^"]+)", line (\d+), in (\S+)', text)
    errors = re.findall(r"^(\w[\w.]*)(?::|$)", text, re.MULTILINE)
    last = errors[-1] if errors else "?"
    return f"{last} in {ours[-1][0]}:{ours[-1][2]}" if ours else last


def judged(case: Case, outcome: Outcome) -> Iterator[Violation]:
    """All violations of a case."""
    if outcome.hung:
        yield Violation("hang", f"still running after {case.seconds:g} s")
    if outcome.survivors:
        yield Violation("survivor", f"{len(outcome.survivors)} processes: {outcome.survivors[0][:80]}")
    if case.general and not outcome.hung:
        yield from _judged_by_rules(case, outcome)
    yield from case.judge(outcome)


def _judged_by_rules(case: Case, outcome: Outcome) -> Iterator[Violation]:
    both = outcome.stderr + outcome.stdout
    crashed = outcome.code > 128 and outcome.code not in {130, 137, 141, 143}
    if b"Traceback (most recent call last)" in both or b"Exception ignored" in both or crashed:
        detail = f"killed by signal {outcome.code - 128}" if crashed else _last_line(both)
        yield Violation("traceback", detail, cause_of(both))
    else:
        yield from _judged_lines(case, outcome)
    if outcome.code not in case.codes:
        expected = "/".join(map(str, sorted(case.codes)))
        detail = f"exit {outcome.code} instead of {expected}; {_last_line(outcome.stderr)}"
        yield Violation("exit code", detail, f"{outcome.code} instead of {expected}")
    left = (
        [name for name in drafts(outcome.after) if name not in outcome.before]
        if case.kill is None or case.kill[0] != 9
        else []
    )
    if not left and case.clean and outcome.code in REFUSED and outcome.before != outcome.after:
        left = [name for name in outcome.before | outcome.after if outcome.before.get(name) != outcome.after.get(name)]
    if left:
        yield Violation("left behind", f"exit {outcome.code}: {', '.join(map(repr, left[:3]))}")
    if case.cpu_seconds is not None and (outcome.cpu_seconds > case.cpu_seconds or outcome.peak_memory > LARGEST):
        yield Violation("slow", f"{outcome.cpu_seconds:.1f} s of CPU, {outcome.peak_memory / 1e9:.1f} GB")


def _judged_lines(case: Case, outcome: Outcome) -> Iterator[Violation]:
    stderr, stdout = (text.decode(errors="replace") for text in (outcome.stderr, outcome.stdout))
    lines = [line for line in stderr.split("\n") if line.strip()]
    messages = [line for line in lines if not _INFORMATION.match(line)]
    problems = [line for line in messages if _PLAN_PROBLEM.match(line)]
    more = [line for line in messages if _MORE_PROBLEMS.match(line)][-1:] if problems else []
    if not case.chatter and len(messages) > 1 and len(problems) + len(more) < len(messages):
        yield Violation("lines", f"{len(messages)} lines: {messages[0][:100]!r}", re.sub(r"\d+", "N", messages[0][:40]))
    begins_or_ends = case.kill is not None and (outcome.cpu_seconds < START_SECONDS or bool(stdout.strip()))
    if not messages and outcome.code in _NEEDS_A_LINE and case.command and not begins_or_ends:
        yield Violation("lines", f"exit {outcome.code} without a line", "no line")
    longest = max(map(len, lines), default=0)
    if longest > LONGEST:
        yield Violation("too long", f"a line of {longest:,} characters: {lines[0][:100]!r}")
    text = stdout if case.chatter else stderr + stdout
    control = _CONTROL.search(text)
    if control is not None:
        position = control.start()
        yield Violation("unescaped", f"{control[0]!r} in {text[max(0, position - 40) : position + 40]!r}")
    yield from _judged_format(case, outcome, stdout)


def _judged_format(case: Case, outcome: Outcome, stdout: str) -> Iterator[Violation]:
    """JSON that no parser reads, and cells of CSV that a spreadsheet would run."""
    if outcome.code not in {0, 1} or case.command is None or "--format" not in case.command or "--help" in case.command:
        return
    form = case.command[len(case.command) - 1 - case.command[::-1].index("--format") :][1:2]
    if form == ("json",) and stdout:
        try:
            json.loads(stdout, parse_constant=_refused)
        except ValueError as error:
            yield Violation("data", f"JSON that cannot be read: {error}")
    if form == ("csv",):
        csv.field_size_limit(1 << 26)
        for row in csv.reader(io.StringIO(stdout)):
            for cell in row:
                if cell[:1] in tuple("=+-@\t\r") and cell and not _is_number(cell):
                    yield Violation("unescaped", f"CSV cell {cell[:60]!r}", "CSV formula")
                    return


def _refused(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _last_line(text: bytes) -> str:
    lines = [line for line in text.decode(errors="replace").splitlines() if line.strip()]
    return ascii(lines[-1][:160])[1:-1] if lines else "no message"
