"""Scores of maps and curves as tables for people and rows for data frames."""

from __future__ import annotations

from collections.abc import Iterator

from rich.table import Table
from torch import Tensor

from attributionlab.metrics import Agreement, Curve, SensitivityCurve, SoftScores
from attributionlab.reports.tables.plain import plain_table
from attributionlab.truth.kinds import TRUTHS

Row = dict[str, object]

MOST_ROWS = 20
"""Images with a row of their own."""


def agreement_table(agreement: Agreement) -> Table:
    """Build a table of mean scores by kind of truth, over the images to which the truth applies."""
    n_images = len(agreement.overall.f1)
    table = plain_table(f"mean agreement of {n_images} map{'s' if n_images != 1 else ''} with the truth")
    _add_columns(table, "truth", "precision", "recall", "F1", "images")
    for truth in TRUTHS:
        scores = agreement.against(truth)
        means = (_number(part.nanmean()) for part in (scores.precision, scores.recall, scores.f1))
        table.add_row(truth, *means, str(int((~scores.f1.isnan()).sum())))
    return table


def agreement_rows(agreement: Agreement) -> Iterator[Row]:
    """Build a row per image and kind of truth; NaN where a truth does not apply."""
    for truth in TRUTHS:
        for row in soft_rows(agreement.against(truth)):
            yield {"truth": truth, **row}


def soft_table(scores: SoftScores) -> Table:
    """Build a table of the scores of each image."""
    return _table_of_images("", {"precision": scores.precision, "recall": scores.recall, "F1": scores.f1})


def soft_rows(scores: SoftScores) -> Iterator[Row]:
    """Build a row per image; NaN where the truth does not apply."""
    parts = (scores.precision.tolist(), scores.recall.tolist(), scores.f1.tolist())
    for image, (precision, recall, f1) in enumerate(zip(*parts, strict=True)):
        yield {"image": image, "precision": precision, "recall": recall, "f1": f1}


def curve_table(curve: Curve) -> Table:
    """Build a table of the areas under the curve of each image."""
    title = f"{len(curve.steps):,} points, from 0 to {int(curve.steps[-1]):,} switched pixels"
    columns = {"AUC": curve.auc, "normalized": curve.auc_normalized, "optimum": curve.optimum}
    return _table_of_images(title, columns)


def curve_rows(curve: Curve) -> Iterator[Row]:
    """Build a row per image and step."""
    for image, outputs in enumerate(curve.outputs.tolist()):
        for step, output in zip(curve.steps.tolist(), outputs, strict=True):
            yield {"image": image, "step": step, "output": output}


def sensitivity_table(curve: SensitivityCurve) -> Table:
    """Build a table of the mean correlation of each image."""
    return _table_of_images(f"{len(curve.sizes):,} sizes of subsets", {"mean correlation": curve.mean})


def sensitivity_rows(curve: SensitivityCurve) -> Iterator[Row]:
    """Build a row per image and size of the subsets."""
    for image, correlations in enumerate(curve.correlations.tolist()):
        for size, correlation in zip(curve.sizes.tolist(), correlations, strict=True):
            yield {"image": image, "size": size, "correlation": correlation}


def _table_of_images(title: str, columns: dict[str, Tensor]) -> Table:
    """Build a table with a row per image, and the mean."""
    table = plain_table(title)
    _add_columns(table, "image", *columns)
    n_images = len(next(iter(columns.values())))
    for image in range(min(n_images, MOST_ROWS)):
        table.add_row(str(image), *(_number(values[image]) for values in columns.values()))
    if n_images > MOST_ROWS:
        table.add_row(f"and {n_images - MOST_ROWS:,} more")
    table.add_row("mean", *(_number(values.nanmean()) for values in columns.values()))
    return table


def _add_columns(table: Table, first: str, *numbers: str) -> None:
    table.add_column(first)
    for name in numbers:
        table.add_column(name, justify="right")


def _number(value: Tensor) -> str:
    return "-" if value.isnan() else f"{float(value):.3f}"
