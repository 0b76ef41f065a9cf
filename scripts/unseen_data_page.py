"""Fill the tables of docs/unseen_data_sizes.md from the records of scripts/unseen_data_sizes.py.

Usage: python scripts/unseen_data_page.py RECORDS.jsonl

A table stands between `<!-- sizes: NAME -->` and `<!-- end -->`. Takes about a minute, most of it for the recall of guided backpropagation.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from unseen_data_sizes import (
    BASELINES,
    EFFECTS,
    FACTORS,
    SIZES,
    Records,
    Scores,
    Setting,
    environment_of,
    method_specs,
    read_records,
    recall_rows,
    score_of,
    scores_of,
    shared,
    table,
)

import attributionlab as al
from attributionlab.judging.ranking import ranks
from attributionlab.measuring.explain import Maps, explain

PAGE = Path(__file__).parents[1] / "docs" / "unseen_data_sizes.md"
REGION = re.compile(r"(<!-- sizes: (?P<name>[a-z-]+) -->\n).*?(<!-- end -->)", re.DOTALL)
COMPARED = (64, 224)
"""Sizes at which methods are compared one by one."""

BLACK = tuple(BASELINES["black"].values())


def by_size(factor: str, truth: str, baselines: str = "black") -> Callable[[Records], Iterator[str]]:
    """A row per size."""
    methods = tuple(BASELINES[baselines].values())

    def rows(records: Records) -> Iterator[str]:
        yield from table(records, {str(size): Setting(factor, size, methods) for size in SIZES}, truth, "size")

    return rows


def factors(records: Records) -> Iterator[str]:
    """A row per factor at the largest size, on the images that all factors have."""
    settings = {name: Setting(name, SIZES[-1], BLACK) for name in FACTORS}
    yield from table(shared(records, SIZES[-1]), settings, "positive", "factor")


def left_out(size: int) -> Callable[[Records], Iterator[str]]:
    """A row per method that is left out: exact integrals."""

    def rows(records: Records) -> Iterator[str]:
        settings = {
            name: Setting("converged", size, tuple(other for other in BLACK if other != name)) for name in BLACK
        }
        yield from table(records, settings, "positive", "left out")

    return rows


def means(records: Records, size: int, effect: str, column: str) -> Scores:
    """The mean score of each method: exact integrals, black baselines."""
    networks = scores_of(records, Setting("converged", size, BLACK), effect, column)
    mean: Scores = np.nanmean(np.concatenate(networks, axis=1), axis=1)
    return -mean if column == "Deletion" else mean


def agreement(records: Records) -> Iterator[str]:
    """F1 on positive truth without the effect, and its ranks, at two sizes."""
    columns = [means(records, size, "without", "positive") for size in COMPARED]
    places = [ranks(-column.round(6)) for column in columns]
    yield f"| method | {' | '.join(f'{size}' for size in COMPARED)} | {' | '.join(f'rank at {s}' for s in COMPARED)} |"
    yield "|---|---|---|---|---|"
    for row, method in enumerate(BLACK):
        values = " | ".join(f"{column[row]:.3f}" for column in columns)
        yield f"| {method} | {values} | {' | '.join(f'{place[row]:g}' for place in places)} |"


def insertion(records: Records) -> Iterator[str]:
    """Insertion with and without the effect at two sizes, and how far methods are apart."""
    heads = [(size, effect) for size in COMPARED for effect in EFFECTS]
    columns = [means(records, size, effect, "Insertion") for size, effect in heads]
    yield f"| method | {' | '.join(f'{size}, {effect}' for size, effect in heads)} |"
    yield f"|---|{'---|' * len(heads)}"
    for row, method in enumerate(BLACK):
        yield f"| {method} | {' | '.join(f'{column[row]:.4f}' for column in columns)} |"
    spread = [f"{np.ptp(np.delete(column, np.argmin(column))):.4f}" for column in columns]
    yield f"| best less second worst | {' | '.join(spread)} |"


def zero_scores(records: Records) -> Iterator[str]:
    """The share of maps that score 0 on positive truth, without the effect, in percent."""
    rows = [("reproduced", "IG"), ("reproduced", "IG*"), ("converged", "IG"), ("converged", "IG*")]
    rows += [("temperature /4", name) for name in BLACK]
    yield f"| factor, method | {' | '.join(str(size) for size in SIZES)} |"
    yield f"|---|{'---|' * len(SIZES)}"
    for factor, method in rows:
        cells = []
        for size in SIZES:
            keys = [key for key in records if key[:3] == (factor, size, "without")]
            f1 = [score_of(records, key, method, "positive") for key in keys]
            cells.append(f"{100 * np.mean(np.array(f1) == 0):.0f} % of {len(f1)}" if f1 else "-")
        if not all(cell.startswith(("-", "0 ")) for cell in cells):
            yield f"| {factor}, {method} | {' | '.join(cells)} |"


def nodes(_records: Records) -> Iterator[str]:
    """The sum of a map of integrated gradients and the change of the output: one image at the largest size, network 0."""
    environment = environment_of(FACTORS["reproduced"], SIZES[-1], "with", 0)
    batch = environment.sample(1, 0)
    yield "| baseline | sum of the map, 50 nodes | sum, exact path integral | change of the output |\n|---|---|---|---|"
    for name, baseline in (("IG", torch.zeros(3)), ("IG*", environment.true_baseline)):
        sums = []
        for factor in ("reproduced", "converged"):
            method = al.make_method(method_specs(FACTORS[factor], SIZES[-1])[name], environment)
            explained = explain(method, environment.model, batch)
            assert isinstance(explained, Maps), "both methods explain every image"
            sums.append(explained.values.sum(dtype=torch.float64).item())
        empty = baseline.reshape(1, 3, 1, 1).expand_as(batch.inputs)
        change = environment.model(batch.inputs)[0] - environment.model(empty)[0]
        yield f"| {name} | {sums[0]:.6f} | {sums[1]:.6f} | {change[batch.targets[0]].item():.6f} |"


TABLES: dict[str, Callable[[Records], Iterator[str]]] = {
    "positive": by_size("reproduced", "positive"),
    "overall": by_size("reproduced", "overall"),
    "converged": by_size("converged", "positive"),
    "true": by_size("converged", "positive", "true"),
    "agreement": agreement,
    "insertion": insertion,
    "zero": zero_scores,
    "nodes": nodes,
    "recall": lambda _: recall_rows(),
    "left-out": left_out(SIZES[-1]),
    "factors": factors,
}


def filled(text: str, records: Records) -> str:
    """The page with its tables."""
    return REGION.sub(lambda match: f"{match[1]}\n{chr(10).join(TABLES[match['name']](records))}\n\n{match[3]}", text)


def main(records: str) -> None:
    """Fill the page."""
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8"), read_records(Path(records))), encoding="utf-8")
    print(PAGE)


if __name__ == "__main__":
    main(*sys.argv[1:])
