"""Plans in TOML files, or in Python: every problem with the line that it stands in."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from attributionlab.errors import AttributionLabError, BadPlan, bad_option, missing_file
from attributionlab.files import is_file
from attributionlab.printable import error_line
from attributionlab.runs.plan import Plan
from attributionlab.runs.plan_entries import PlanReader, Problem
from attributionlab.specs.arguments import require_path
from attributionlab.specs.functions import load_function, parse_address

LARGEST_PLAN = 16_000_000
"""Bytes of a plan's file, at most: a hundred thousand specs take half of it."""


def read_plan(path: str | Path) -> Plan:
    """Read a plan.

    Args:
        path: A TOML file whose keys are the fields of `Plan`; or `file.py:name` or `package.module:name` of a function without
            arguments that returns a `Plan`.

    Raises:
        BadPlan: If something is wrong; it lists everything that is, with file and line.
        MissingFile: If there is no such file.
        BadOption: If it is no TOML, or the function fails or returns something else.
    """
    file = require_path("path", path)
    text = str(path)
    if parse_address(text) is not None and not text.endswith(".toml"):
        made = _call(load_function(text, "plan"), text)
        if not isinstance(made, Plan):
            raise bad_option("plan", "be a function that returns a Plan", text, f"it returned {type(made).__name__}")
        return made
    if not is_file(file):
        raise missing_file("plan", "be a file that exists", text)
    source, entries = _toml(file)
    lines, reader = Lines(source, entries), PlanReader(entries)
    try:
        return reader.plan()
    except BadPlan as error:
        placed = sorted(
            ((lines.find(problem), problem.message) for problem in reader.problems), key=lambda pair: pair[0]
        )
        raise BadPlan(f"{file.name}:{line}: {message}" for line, message in placed) from error


def _toml(file: Path) -> tuple[str, dict[str, Any]]:
    """The text of a TOML file, and what it says."""
    try:
        if file.stat().st_size > LARGEST_PLAN:
            raise bad_option("plan", f"have at most {LARGEST_PLAN:,} bytes", file.stat().st_size, str(file))
        source = file.read_text(encoding="utf-8")
    except OSError as error:
        raise missing_file("plan", "be a file that can be read", str(file), error.strerror or str(error)) from error
    except UnicodeDecodeError as error:
        raise bad_option("plan", "be a TOML file in UTF-8", str(file), str(error)) from error
    try:
        return source, tomllib.loads(source)
    except RecursionError as error:
        raise bad_option("plan", "be nested less deep", str(file), "two levels are enough for every plan") from error
    except ValueError as error:  # also of integers with thousands of digits
        raise bad_option("plan", "be a TOML file", str(file), str(error)) from error


def _call(function: Callable[..., object], text: str) -> object:
    """What a user's function returns."""
    try:
        return function()
    except (AttributionLabError, KeyboardInterrupt):
        raise
    except BaseException as error:
        raise bad_option(
            "plan", "be a function that can be called without arguments", text, error_line(error)
        ) from error


@dataclass(frozen=True)
class Lines:
    """Where things stand in a TOML file, whose parser does not say.

    Args:
        source: The text.
        entries: What it says.
    """

    source: str
    entries: Mapping[str, Any]

    def find(self, problem: Problem) -> int:
        """The line, from 1, that a problem is about."""
        entry, index, near = problem.entry, problem.index, problem.near
        lines = self.source.splitlines()
        headers = [
            number for number, line in enumerate(lines) if re.match(rf"\s*\[\[\s*{re.escape(entry)}\s*\]\]", line)
        ]
        if headers and 0 <= index < len(headers):
            start = headers[index]
            rest = range(start + 1, len(lines))
            end = next((number for number in rest if lines[number].lstrip().startswith("[")), len(lines))
            return 1 + self._key_line(lines, problem.option or "", start + 1, end, otherwise=start)
        begin = self._key_line(lines, entry, 0, len(lines), otherwise=0)
        if not near:
            return 1 + begin
        names = [item.get("name") if isinstance(item, Mapping) else item for item in self.entries[entry][:index]]
        before = names.count(near)
        quoted = re.compile(rf"[\"']{re.escape(near)}[\"']")
        places = [
            number
            for number in range(begin, len(lines))
            for _ in quoted.findall(lines[number])
            if not lines[number].lstrip().startswith("#")
        ]
        return 1 + (places[before] if before < len(places) else begin)

    @staticmethod
    def _key_line(lines: list[str], key: str, start: int, end: int, *, otherwise: int) -> int:
        """Where a key gets its value, or is the heading of a table, within some lines."""
        pattern = re.compile(rf"\s*([\"']?{re.escape(key)}[\"']?\s*=|\[\s*{re.escape(key)}\s*\])")
        return next((number for number in range(start, end) if pattern.match(lines[number])), otherwise)
