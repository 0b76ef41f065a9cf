"""What a run found: its records, read one after the other, and what they come to."""

from __future__ import annotations

import gc
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from attributionlab.errors import BadOption, DamagedRecords, bad_option
from attributionlab.experiments.plan import AGREEMENT, Plan
from attributionlab.experiments.records import RECORDS_FILE, Damage, Record, read_at, valid
from attributionlab.experiments.store import MAPS_FOLDER, stored_plan
from attributionlab.experiments.summaries import MethodSummary, summarize_records

if TYPE_CHECKING:
    import pandas as pd

Values = npt.NDArray[np.float64]


class Records:
    """The records of a run. Lines are read when they are asked for, so a million of them take little memory.

    Args:
        folder: The folder of a run.

    Raises:
        BadOption: If it is none.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self.plan: Plan = stored_plan(self.folder)
        self._path = self.folder / RECORDS_FILE

    def __repr__(self) -> str:
        """Where they are."""
        return f"Records({str(self.folder)!r})"

    def __iter__(self) -> Iterator[Record]:
        """Every record that counts: one per job that was done."""
        return (Record.from_dict(stored) for _, stored in valid(self._path))

    @cached_property
    def damaged(self) -> tuple[str, ...]:
        """Lines that are no whole records, by number and job; the next run does their jobs again."""
        damaged: list[Damage] = []
        for _ in valid(self._path, damaged):
            pass
        return tuple(map(str, damaged))

    @cached_property
    def _index(self) -> dict[tuple[str, str, str], list[tuple[int, int]]]:
        """By environment, method and measure: first image and place in the file."""
        index: dict[tuple[str, str, str], list[tuple[int, int]]] = {}
        for offset, stored in valid(self._path):
            key = stored["environment"], stored["method"], stored["measure"]
            index.setdefault(key, []).append((stored["start"], offset))
        return {key: sorted(places) for key, places in index.items()}

    def of(self, environment: str, method: str, measure: str = AGREEMENT) -> list[Record]:
        """The records of a method in an environment, in the order of the images.

        Args:
            environment: Canonical spec, seeds included; `plan.expanded` lists them.
            method: Canonical spec.
            measure: `agreement`, or the canonical spec of a metric.
        """
        places = self._index.get((environment, method, measure), [])
        return list(read_at(self._path, [offset for _, offset in places]))

    def scores(self, environment: str, method: str, measure: str = AGREEMENT, name: str | None = None) -> Values:
        """A score per image, (n,), NaN where it is undefined or the method failed.

        Args:
            environment: Canonical spec, seeds included.
            method: Canonical spec.
            measure: `agreement`, or the canonical spec of a metric.
            name: Which score: `positive.f1`, `overall.precision`, ...; of a metric there is only one.

        Raises:
            BadOption: If there is no such score.
        """
        wanted = name or ("overall.f1" if measure == AGREEMENT else "score")
        scores = np.full(self.plan.n_samples, np.nan)
        for record in self.of(environment, method, measure):
            if record.error is not None:
                continue
            if wanted not in record.scores:
                raise bad_option("name", f"be one of {', '.join(sorted(record.scores))}", wanted)
            scores[record.start : record.stop] = np.array(record.scores[wanted], dtype=np.float64)
        return scores

    def curves(self, environment: str, method: str, metric: str) -> tuple[Values, Values] | None:
        """Fractions of the pixels (s,) and the curves of a metric (images, s), thinned; None if there are none."""
        drawn = [record.curves for record in self.of(environment, method, metric) if record.curves is not None]
        if not drawn:
            return None
        values = [np.array(one["values"], dtype=np.float64) for one in drawn]
        return np.array(drawn[0]["at"], dtype=np.float64), np.concatenate(values)

    def maps(self, environment: str, method: str) -> npt.NDArray[np.float32] | None:
        """Stored maps of the first images, (n, h, w); None if none were stored.

        Raises:
            BadOption: If a file is not as it was written.
        """
        found = []
        for record in self.of(environment, method):
            path = self.folder / MAPS_FOLDER / f"{record.job.key}.npz"
            if record.n_maps and path.is_file():
                found.append(_stored_maps(path))
        return np.concatenate(found) if found else None

    def summaries(self, by: str = "environment") -> list[MethodSummary]:
        """What was found of every method.

        Args:
            by: `environment`, each with its seeds, or `family`: over all seeds.

        Raises:
            BadOption: If it is neither.
        """
        if by not in ("environment", "family"):
            raise bad_option("by", "be environment or family", by)
        damaged: list[Damage] = []
        with no_collection():
            found = summarize_records(self.plan, (stored for _, stored in valid(self._path, damaged)), by)
        if damaged:
            hint = "run the plan again to do their jobs anew"
            warnings.warn(f"{len(damaged)} records are damaged, the first: {damaged[0]}; {hint}", DamagedRecords, 2)
        return found

    def to_pandas(self) -> pd.DataFrame:
        """A row per environment, method and image; a column per score of the agreement and per metric.

        Raises:
            BadOption: If pandas is not installed.
        """
        try:
            import pandas  # noqa: ICN001, PLC0415  # an extra
        except ImportError as error:
            raise BadOption("`pandas` must be installed for this, got none; pip install pandas") from error
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


def _stored_maps(path: Path) -> npt.NDArray[np.float32]:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            maps: npt.NDArray[np.float32] = stored["maps"]
    except (OSError, ValueError, KeyError, BadZipFile, zlib.error) as error:
        hint = f"{error}; remove the file and run the plan again"
        raise bad_option("maps", "be as they were written", str(path), hint) from error
    return maps


@contextmanager
def no_collection() -> Iterator[None]:
    """Without the search for cycles: records have none, and to search millions of lists takes twice as long as to read them."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


_TEXTS = ("environment", "family", "method", "sample", "error")


def _failure_cells(record: Record) -> dict[str, str]:
    return {} if record.error is None else {"error": f"{record.error.type}: {record.error.message}"}


def load_records(folder: str | Path) -> Records:
    """The records of a run, to be read or summed up; `.to_pandas()` gives a table where pandas is installed.

    Args:
        folder: The folder of a run.

    Raises:
        BadOption: If it is none.
    """
    return Records(folder)
