"""A few cases of every section of `scripts/break.py`, in a process of its own: it forks, and must not have used autograd.

Prints the number of cases and the violations of each section as JSON. The cases are chosen by their labels, so that a new
one does not change the others. No case is judged by a clock, and none starts an interpreter. A kill comes at any moment;
what must hold then does not depend on the moment.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import random
import shutil
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))

from breaking.cases import Case
from breaking.fixtures import Fixtures
from breaking.forked import Pool, warm_up
from breaking.sections import SECTIONS
from breaking.table import Section

N_CASES = {"a": 4, "b": 4, "c": 4, "d": 30, "e": 3, "f": 2, "g": 3}
"""Cases of each section; of the Python API, calls."""

KILLED = ("generate", "report")
PATIENCE = 300.0
"""Seconds after which a case counts as hanging."""

WRONG = Case("a wrong expectation", ("--version",), codes=frozenset({9}))


class ByLabel(random.Random):
    """Samples cases and calls by a hash of their labels."""

    def sample(self, population, k, **options):
        if hasattr(population[0], "label"):
            return sorted(population, key=hash_of_label)[:k]
        return super().sample(population, k, **options)


def hash_of_label(case):
    return hashlib.sha256(case.label.encode("utf-8", "backslashreplace")).digest()


def cases_of(letter, fixtures):
    """The cases of a section that need no interpreter of their own."""
    n_made = N_CASES[letter] if letter == "d" else 120
    made = SECTIONS[letter][1](fixtures, ByLabel(letter), n_made)
    cases = [case for case in made if not case.real and "workers" not in case.label and "| true" not in case.label]
    if letter == "f":
        cases = [next(case for case in cases if case.command[0] == name and case.kill) for name in KILLED]
    return [dataclasses.replace(case, seconds=PATIENCE, cpu_seconds=None) for case in cases[: N_CASES[letter]]]


def draw_without_layout():
    """Half of a figure's time is its layout, which no case looks at."""
    from matplotlib.figure import Figure

    usual = Figure.savefig

    def save(figure, *arguments, **options):
        figure.set_layout_engine(None)
        return usual(figure, *arguments, **options)

    Figure.savefig = save


def main():
    in_memory = Path("/dev/shm")
    scratch = Path(tempfile.mkdtemp(prefix="breaking-", dir=in_memory if os.access(in_memory, os.W_OK) else None))
    sections = {}
    try:
        warm_up()
        draw_without_layout()
        fixtures = Fixtures(scratch / "fixtures")
        pool = Pool(2, scratch)
        for letter in ["wrong", *N_CASES]:
            sections[letter] = Section(letter)
            pool.run([WRONG] if letter == "wrong" else cases_of(letter, fixtures), sections[letter].record)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    json.dump({letter: section.to_dict() for letter, section in sections.items()}, sys.stdout)


if __name__ == "__main__":  # pytest imports each file to look for doctests
    main()
