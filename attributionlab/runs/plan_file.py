"""Plans in TOML files or in Python; every problem is reported with its line."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from attributionlab.errors import AttributionLabError, BadPlan, bad_option, missing_file
from attributionlab.printable import error_line
from attributionlab.runs.plan import Plan
from attributionlab.runs.plan_entries import PlanReader, Problem
from attributionlab.runs.plan_path import is_plan_function, require_plan
from attributionlab.specs.arguments import require_path
from attributionlab.specs.functions import load_function

LARGEST_PLAN = 16_000_000
"""Largest size of a plan's file in bytes: a hundred thousand specs take half of it."""


def read_plan(path: str | Path) -> Plan:
    """Read a plan.

    Args:
        path: A TOML file whose keys are the fields of `Plan`; or `file.py:name` or `package.module:name` of a function without
            arguments that returns a `Plan`.

    Raises:
        BadPlan: If an entry is wrong; the error lists all problems with file and line.
        MissingFile: If the file does not exist.
        BadOption: If the file is not TOML, or the function fails or does not return a plan.
    """
    file = require_path("path", path)
    text = str(path)
    require_plan(text)
    if is_plan_function(text):
        plan = _call(load_function(text, "plan"), text)
        if not isinstance(plan, Plan):
            raise bad_option("plan", "be a function that returns a Plan", text, f"it returned {type(plan).__name__}")
        return plan
    source, entries = _toml(file)
    lines, reader = Lines(source, entries), PlanReader(entries)
    try:
        return reader.plan()
    except BadPlan as error:
        messages = sorted(
            ((lines.find(problem), problem.message) for problem in reader.problems), key=lambda pair: pair[0]
        )
        raise BadPlan(f"{file.name}:{line}: {message}" for line, message in messages) from error


def _toml(file: Path) -> tuple[str, dict[str, Any]]:
    """Text and parsed entries of a TOML file."""
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
        hint = "a function is written file.py:function" if file.suffix == ".py" else str(error)
        raise bad_option("plan", "be a TOML file", str(file), hint) from error


def _call(function: Callable[..., object], text: str) -> object:
    """Call a user's function, and report an error in it in one line."""
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
    """Line numbers of entries in a TOML file; its parser does not report them.

    Args:
        source: The text of the file.
        entries: The parsed entries.
    """

    source: str
    entries: Mapping[str, Any]

    @cached_property
    def lines(self) -> list[str]:
        """The lines of the file."""
        return self.source.splitlines()

    def find(self, problem: Problem) -> int:
        """Number of the line that a problem is about, from 1."""
        entry, index, near, lines = problem.entry, problem.index, problem.near, self.lines
        heading = re.compile(rf"\s*\[\[\s*{re.escape(entry)}\s*\]\]")
        headers = [number for number, line in enumerate(lines) if heading.match(line)]
        if headers and 0 <= index < len(headers):
            start = headers[index]
            following = range(start + 1, len(lines))
            end = next((number for number in following if lines[number].lstrip().startswith("[")), len(lines))
            return 1 + self._key_line(lines, problem.option or "", start + 1, end, otherwise=start)
        start_line = self._key_line(lines, entry, 0, len(lines), otherwise=0)
        if not near:
            return 1 + start_line
        names = [
            spec_or_table.get("name") if isinstance(spec_or_table, Mapping) else spec_or_table
            for spec_or_table in self.entries[entry][:index]
        ]
        n_before = names.count(near)
        quoted = re.compile(rf"[\"']{re.escape(near)}[\"']")
        places = [
            number
            for number in range(start_line, len(lines))
            for _ in quoted.findall(lines[number])
            if not lines[number].lstrip().startswith("#")
        ]
        return 1 + (places[n_before] if n_before < len(places) else start_line)

    @staticmethod
    def _key_line(lines: list[str], key: str, start: int, end: int, *, otherwise: int) -> int:
        """Index of the first line from `start` to `end` that sets a key, or is its table heading."""
        pattern = re.compile(rf"\s*([\"']?{re.escape(key)}[\"']?\s*=|\[\s*{re.escape(key)}\s*\])")
        return next((number for number in range(start, end) if pattern.match(lines[number])), otherwise)
