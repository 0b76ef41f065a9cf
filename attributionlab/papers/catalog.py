"""The catalog of papers, and the studies behind their names. This module does not import torch."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from attributionlab.errors import bad_option, unknown_name
from attributionlab.papers.paper import Paper
from attributionlab.specs.catalog import Catalog
from attributionlab.specs.rules import Rules

ALL = "all"
"""Stands for all studies of the first paper."""

PAPERS: Catalog[Callable[[], Paper]] = Catalog(
    kind="paper",
    built_in={
        "zhang2024": "attributionlab.papers.zhang2024.paper:zhang2024",
        "adebayo2020": "attributionlab.papers.adebayo2020.paper:adebayo2020",
        "zhou2022": "attributionlab.papers.zhou2022.paper:zhou2022",
    },
    rules=Rules(signature="() -> Paper"),
)
"""All papers; installed packages add theirs by the entry point group `attributionlab.papers`."""


def find_paper(name: str) -> Paper:
    """The paper called `name`.

    Raises:
        UnknownName: If no paper has this name.
    """
    return PAPERS.get(name)()


def find_studies(names: Sequence[str]) -> tuple[Paper, list[str]]:
    """The paper that names belong to, and its studies in the order of the report.

    Args:
        names: Studies, their aliases, the key of a paper for all of its studies, or `all` for those of the first paper;
            without any name, `all`.

    Raises:
        UnknownName: If there is no such study.
        BadOption: If the studies belong to several papers.
    """
    papers = [find_paper(name) for name in PAPERS]
    meanings: dict[str, tuple[Paper, tuple[str, ...]]] = {}
    for paper in papers:
        entries = {name: (name,) for name in paper.studies}
        entries |= {alias: (name,) for alias, name in paper.aliases.items()}
        for name, studies in {**entries, paper.key: tuple(paper.studies)}.items():
            meanings.setdefault(name, (paper, studies))
    meanings[ALL] = (papers[0], tuple(papers[0].studies))
    for name in names:
        if name not in meanings:
            raise unknown_name("study", name, meanings, listing="attributionlab reproduce --help")
    chosen = [meanings[name] for name in names or (ALL,)]
    keys = dict.fromkeys(paper.key for paper, _ in chosen)
    if len(keys) > 1:
        raise bad_option("studies", "belong to one paper", ", ".join(names), f"they are of {' and '.join(keys)}")
    paper = chosen[0][0]
    return paper, [study for study in paper.studies if any(study in studies for _, studies in chosen)]
