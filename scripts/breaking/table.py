"""Counting violations, and printing them."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from breaking.cases import KINDS, Case, Outcome, Violation

N_EXAMPLES = 5


@dataclass
class Section:
    """Counts of one section, with the first examples of every kind.

    Args:
        title: Its title.
        n_cases: Cases so far.
        counts: Violations by kind.
        examples: By kind and cause, reproductions and what happened.
    """

    title: str
    n_cases: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    causes: Counter[tuple[str, str]] = field(default_factory=Counter)
    examples: dict[tuple[str, str], list[str]] = field(default_factory=lambda: defaultdict(list))

    def record(self, case: Case, outcome: Outcome, violations: Sequence[Violation]) -> None:
        """Count a case."""
        self.n_cases += case.n_tried(outcome)
        for kind, _ in {(violation.kind, violation.label) for violation in violations}:
            self.counts[kind] += 1
        for violation in violations:
            group = (violation.kind, violation.cause)
            self.causes[group] += 1
            if len(self.examples[group]) < N_EXAMPLES:
                self.examples[group].append(f"{violation.label or case.label}  ->  {violation.detail}")

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        examples = [
            {"kind": kind, "cause": cause, "count": self.causes[kind, cause], "examples": texts}
            for (kind, cause), texts in self.examples.items()
        ]
        return {"cases": self.n_cases, "violations": dict(self.counts), "kinds": examples}


def to_markdown(sections: Sequence[Section]) -> str:
    """The table of counts."""
    rows = [("section", "cases", *KINDS), ("---", *["---:"] * (len(KINDS) + 1))]
    rows += [
        (section.title, f"{section.n_cases:,}", *(str(section.counts[kind]) for kind in KINDS)) for section in sections
    ]
    total = Counter[str]()
    for section in sections:
        total.update(section.counts)
    rows.append(("all", f"{sum(section.n_cases for section in sections):,}", *(str(total[kind]) for kind in KINDS)))
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def print_examples(sections: Sequence[Section]) -> None:
    """The first examples of every kind of violation."""
    for section in sections:
        for kind in KINDS:
            groups = [group for group in section.causes if group[0] == kind]
            for group in sorted(groups, key=lambda group: -section.causes[group]):
                print(
                    f"\n{section.title}: {kind}" + (f" ({group[1]})" if group[1] else "") + f", {section.causes[group]}"
                )
                for text in section.examples[group]:
                    print(f"    {text.encode('ascii', 'backslashreplace').decode()[:600]}")


def write_json(sections: Sequence[Section], path: Path, **about: Any) -> None:
    """All counts and examples."""
    content = {**about, "sections": {section.title: section.to_dict() for section in sections}}
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
