"""Try to break the package: hostile inputs, damaged files, kills and limits.

Run `python scripts/break.py` for everything (half an hour), `--quick` for a minute. Exit code 1 if an expectation was broken.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from breaking.fixtures import Fixtures
from breaking.forked import Pool, warm_up
from breaking.sections import SECTIONS
from breaking.table import Section, print_examples, to_markdown, write_json

CHUNK = 40
"""Cases after which the counts are written."""


def main() -> int:
    """Run the sections, print the table and the examples."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", choices=sorted(SECTIONS), help="Sections to run.")
    parser.add_argument("--seed", type=int, default=0, help="Seed of everything that is chosen at random.")
    parser.add_argument("--n", type=int, help="Cases per section, at most.")
    parser.add_argument("--quick", action="store_true", help="A sample of every section, about a minute.")
    parser.add_argument("--width", type=int, default=2, help="Children at once.")
    parser.add_argument("--json", type=Path, help="Write counts and examples to this file.")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    in_memory = Path("/dev/shm")  # noqa: S108  # mkdtemp makes a private folder in it
    scratch = Path(tempfile.mkdtemp(prefix="breaking-", dir=in_memory if os.access(in_memory, os.W_OK) else None))
    sections: list[Section] = []
    begin = time.monotonic()
    try:
        warm_up()
        fixtures = Fixtures(scratch / "fixtures")
        for letter in arguments.only or sorted(SECTIONS):
            title, make, full, quick = SECTIONS[letter]
            n = arguments.n or (quick if arguments.quick else full)
            section = Section(f"{letter}. {title}")
            sections.append(section)
            start = time.monotonic()
            cases = make(fixtures, random.Random(f"{arguments.seed} {letter}"), n)  # noqa: S311  # no secrets
            pool = Pool(arguments.width, scratch)
            for first in range(0, len(cases), CHUNK):
                pool.run(cases[first : first + CHUNK], section.record)
                if arguments.json is not None:
                    write_json(sections, arguments.json, seed=arguments.seed, seconds=time.monotonic() - begin)
            n_broken = sum(section.counts.values())
            seconds = time.monotonic() - start
            print(
                f"{section.title}: {section.n_cases:,} cases, {n_broken} violations, {seconds:.0f} s", file=sys.stderr
            )
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    print(to_markdown(sections))
    print_examples(sections)
    return int(any(section.counts for section in sections))


if __name__ == "__main__":
    raise SystemExit(main())
