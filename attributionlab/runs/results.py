"""Results of a run: its records, read one by one, and their summaries."""

from __future__ import annotations

import warnings
from array import array
from collections import defaultdict
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from attributionlab.errors import DamagedRecords, bad_option
from attributionlab.runs.jobs import AGREEMENT
from attributionlab.runs.plan import Plan
from attributionlab.runs.records import RECORDS_FILE, Damage, Record, read_at, scan, valid
from attributionlab.runs.store import MAPS_FOLDER, stored_maps, stored_plan
from attributionlab.runs.summaries import MethodSummary, summarize_records
from attributionlab.specs.arguments import require_choice, require_path, require_text, whole_number
from attributionlab.tabular import Tabular, import_pandas

if TYPE_CHECKING:
    import pandas as pd

Values = npt.NDArray[np.float64]


class Records(Tabular):
    """The records of a run; prints as the table of `attributionlab report`. Lines are read on demand, so a million of them take little memory.

    Args:
        folder: The folder of a run.

    Raises:
        BadOption: If it is not the folder of a run.
    """

    _table: ClassVar[str] = "attributionlab.reports.tables.run_tables:records_table"

    def __init__(self, folder: str | Path) -> None:
        self.folder = require_path("folder", folder)
        self.plan: Plan = stored_plan(self.folder)
        self._path = self.folder / RECORDS_FILE

    def __repr__(self) -> str:
        """Name of the class with the folder."""
        return f"Records({str(self.folder)!r})"

    def __iter__(self) -> Iterator[Record]:
        """Iterate over the records, one per job that was done."""
        return (Record.from_dict(stored) for _, stored in valid(self._path))

    def heads(self) -> Iterator[Record]:
        """Iterate over the records without scores and curves, which take most of the time to read."""
        return (Record.from_dict(stored) for _, stored in valid(self._path, without="scores"))

    @cached_property
    def damaged(self) -> tuple[str, ...]:
        """Damaged lines, by number and job; the next run does their jobs again."""
        if not self._path.exists():
            return ()
        return tuple(str(damage) for _, _, damage in scan(self._path) if damage is not None)

    @property
    def directions(self) -> dict[str, bool]:
        """Whether higher scores are better, by metric; metrics without scores, or of an earlier version, are left out."""
        return self._index[1]

    @property
    def quantities(self) -> dict[str, str]:
        """Quantity that the curves show, by metric; metrics are left out as in `directions`."""
        return self._index[2]

    @cached_property
    def _index(self) -> tuple[dict[tuple[str, str, str], npt.NDArray[np.int64]], dict[str, bool], dict[str, str]]:
        """Offsets of the records of each method, and directions and quantities of metrics, from one pass over the file.

        Offsets are by environment, method and measure: first image and offset in the file, (n, 2), in the order of the images.
        """
        index: dict[tuple[str, str, str], array[int]] = defaultdict(lambda: array("q"))
        directions: dict[str, bool] = {}
        quantities: dict[str, str] = {}
        for offset, stored in valid(self._path, without="scores"):
            index[stored["environment"], stored["method"], stored["measure"]].extend((stored["start"], offset))
            if stored.get("higher_is_better") is not None:
                directions[stored["measure"]] = stored["higher_is_better"]
            if stored.get("quantity") is not None:
                quantities[stored["measure"]] = stored["quantity"]
        tables = {key: np.array(offsets).reshape(-1, 2) for key, offsets in index.items()}
        return {key: table[table[:, 0].argsort()] for key, table in tables.items()}, directions, quantities

    def of(
        self, environment: str, method: str, measure: str = AGREEMENT, n_images: int | None = None
    ) -> Iterator[Record]:
        """The records of a method in an environment, in the order of the images.

        Args:
            environment: Canonical spec, seeds included; `plan.expanded` lists them.
            method: Canonical spec.
            measure: `agreement`, or the canonical spec of a metric.
            n_images: Only those of the first images; None for all.
        """
        for parameter, value in (("environment", environment), ("method", method), ("measure", measure)):
            require_text(parameter, value)
        if n_images is not None:
            whole_number("n_images", n_images, 0)
        places = self._index[0].get((environment, method, measure), np.empty((0, 2), dtype=np.int64))
        selected = places if n_images is None else places[places[:, 0] < n_images]
        return (Record.from_dict(stored) for stored in read_at(self._path, selected[:, 1].tolist()))

    def scores(self, environment: str, method: str, measure: str = AGREEMENT, name: str | None = None) -> Values:
        """A score per image, (n,), NaN where it is undefined or the method failed.

        Args:
            environment: Canonical spec, seeds included.
            method: Canonical spec.
            measure: `agreement`, or the canonical spec of a metric.
            name: Name of the score: `positive.f1`, `overall.precision`, ...; a metric has only `score`.

        Raises:
            BadOption: If no score has this name.
        """
        require_text("measure", measure)
        if name is not None:
            require_text("name", name, "be a text, or none")
        score_name = name or ("overall.f1" if measure == AGREEMENT else "score")
        scores_by_name = self.all_scores(environment, method, measure)
        if scores_by_name and score_name not in scores_by_name:
            raise bad_option("name", f"be one of {', '.join(sorted(scores_by_name))}", score_name)
        return scores_by_name.get(score_name, np.full(self.plan.n_samples, np.nan))

    def all_scores(
        self, environment: str, method: str, measure: str = AGREEMENT, n_images: int | None = None
    ) -> dict[str, Values]:
        """All scores by name, each as from `scores`; records are read once for all. Empty if the method failed.

        Args:
            environment: Canonical spec, seeds included.
            method: Canonical spec.
            measure: `agreement`, or the canonical spec of a metric.
            n_images: Only of the first images; None for all.
        """
        n = self.plan.n_samples if n_images is None else whole_number("n_images", n_images, 0)
        n = min(n, self.plan.n_samples)
        scores_by_name: dict[str, Values] = {}
        for record in self.of(environment, method, measure, n):
            for name, values in record.scores.items():
                scores = scores_by_name.setdefault(name, np.full(n, np.nan))
                scores[record.start : record.stop] = np.array(values, dtype=np.float64)[: n - record.start]
        return scores_by_name

    def curves(self, environment: str, method: str, metric: str) -> tuple[Values, Values] | None:
        """Fractions of the pixels (s,) and the curves of a metric (images, s), thinned; None if there are none."""
        require_text("metric", metric)
        stored_curves = [record.curves for record in self.of(environment, method, metric) if record.curves is not None]
        if not stored_curves:
            return None
        values = [np.array(curves["values"], dtype=np.float64) for curves in stored_curves]
        return np.array(stored_curves[0]["at"], dtype=np.float64), np.concatenate(values)

    def maps(self, environment: str, method: str) -> npt.NDArray[np.float32] | None:
        """Stored maps of the first images, (n, h, w); None if none were stored.

        Raises:
            BadOption: If a file is damaged.
        """
        maps = []
        for record in self.of(environment, method, n_images=self.plan.save_maps):
            path = self.folder / MAPS_FOLDER / f"{record.job.key}.npz"
            if record.n_maps and path.is_file():
                maps.append(stored_maps(path, record.n_maps))
                if maps[-1].shape[1:] != maps[0].shape[1:]:
                    hint = f"those before it have shape {maps[0].shape[1:]}; run the plan again to make it anew"
                    raise bad_option("maps", "have one shape", str(path), hint)
        return np.concatenate(maps) if maps else None

    def summaries(self, by: str = "environment") -> list[MethodSummary]:
        """Summary of every method in every environment.

        Args:
            by: `environment`, each with its seeds, or `family`: over all seeds.

        Raises:
            BadOption: If `by` is neither.
        """
        require_choice("by", by, ("environment", "family"))
        damaged: list[Damage] = []
        stored = (record for _, record in valid(self._path, damaged, "curves" if self.plan.metrics else None))
        summaries = summarize_records(self.plan, stored, by)
        if damaged:
            hint = "run the plan again to do their jobs anew"
            warnings.warn(f"{len(damaged)} records are damaged, the first: {damaged[0]}; {hint}", DamagedRecords, 2)
        return summaries

    def to_pandas(self) -> pd.DataFrame:
        """A row per environment, method and image; a column per score of the agreement and per metric.

        Raises:
            BadOption: If pandas is not installed.
        """
        pandas = import_pandas()
        rows: dict[tuple[str, str, int], dict[str, Any]] = {}
        for record in self:
            for position, sample in enumerate(range(record.start, record.stop)):
                row = rows.setdefault((record.environment, record.method, sample), {})
                for name, values in record.scores.items():
                    row[name if record.measure == AGREEMENT else record.measure] = values[position]
                row.update(_failure_cells(record))
        table = pandas.DataFrame(
            [
                {
                    "environment": environment,
                    "family": self.plan.expanded[environment],
                    "method": method,
                    "sample": sample,
                }
                | cells
                for (environment, method, sample), cells in sorted(rows.items())
            ]
        )
        scores = [name for name in table.columns if name not in _TEXTS]
        table[scores] = table[scores].astype("float64")
        return table


_TEXTS = ("environment", "family", "method", "sample", "error")


def _failure_cells(record: Record) -> dict[str, str]:
    return {} if record.error is None else {"error": f"{record.error.type}: {record.error.message}"}


def load_records(folder: str | Path) -> Records:
    """Open the records of a run; `.to_pandas()` gives a table if pandas is installed.

    Args:
        folder: The folder of a run.

    Raises:
        BadOption: If it is not the folder of a run.
    """
    return Records(folder)
