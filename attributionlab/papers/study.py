"""What every study takes and gives."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from attributionlab.environments.images import LARGEST_SIDE
from attributionlab.errors import unknown_name
from attributionlab.judging.auditing import MOST_NETWORKS
from attributionlab.papers.claims import Result
from attributionlab.specs.arguments import MOST_IMAGES, whole_number

Cell = str | float | None


@dataclass(frozen=True)
class Preset:
    """How much is measured.

    Args:
        name: What it is called.
        size: Side of the images in pixels.
        n_samples: Images per environment.
        n_network_seeds: Networks per environment, of seeds 0 to n - 1.
        images_per_job: Images that a worker explains at once.
        sensitivity_orders: Random orders of Sensitivity-N.
    """

    name: str
    size: int
    n_samples: int
    n_network_seeds: int = 5
    images_per_job: int = 4
    sensitivity_orders: int = 100

    def sized(self, environment: str, **options: object) -> str:
        """The spec of an environment with these options at this size."""
        said = {**options, "size": self.size}
        return f"{environment}[{','.join(f'{name}={value}' for name, value in said.items())}]"

    @property
    def network_seeds(self) -> list[int]:
        """The seeds of the networks."""
        return list(range(self.n_network_seeds))

    @property
    def scope(self) -> str:
        """One line for the report."""
        counts = ((self.n_samples, "image"), (self.n_network_seeds, "network"))
        counted = ", ".join(f"{n} {what}{'s' if n > 1 else ''}" for n, what in counts)
        return f"{self.size}x{self.size} pixels, {counted}"


PRESETS = {
    "quick": Preset("quick", size=64, n_samples=16),
    "paper": Preset("paper", size=224, n_samples=100),
}


MOST = {"size": LARGEST_SIDE, "n_samples": MOST_IMAGES, "n_network_seeds": MOST_NETWORKS}
"""Greatest values of a preset's numbers."""


def find_preset(name: str, **changes: int | None) -> Preset:
    """The preset of this name, or a changed one, which is then called so.

    Args:
        name: `quick` or `paper`.
        **changes: Fields of `Preset` that are set otherwise; None keeps the preset's own.

    Raises:
        UnknownName: If there is none.
        BadOption: If a number is below 1, or too large.
    """
    if name not in PRESETS:
        raise unknown_name("preset", name, PRESETS)
    preset = PRESETS[name]
    given = {
        field: whole_number(field, value, 1, MOST.get(field, MOST_IMAGES))
        for field, value in changes.items()
        if value is not None
    }
    changed = {field: value for field, value in given.items() if value != getattr(preset, field)}
    return dataclasses.replace(preset, name=f"{name}, changed", **changed) if changed else preset


Watch = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]


@contextmanager
def unwatched(_title: str, _total: int) -> Iterator[Callable[[int], None]]:
    """Where nobody looks."""
    yield lambda _n_done: None


@dataclass(frozen=True, eq=False)
class OwnMaps:
    """What explains a user's trained network.

    Args:
        address: The function that returned it.
        images: (b, 3, h, w), colors 0..255.
        targets: (b,), the explained outputs.
        maps: (b, h, w) by method.
        color: The baseline that is not black.
    """

    address: str
    images: Tensor
    targets: Tensor
    maps: Mapping[str, Tensor]
    color: tuple[int, ...]


@dataclass(frozen=True)
class Setting:
    """Where and how a study runs.

    Args:
        folder: Where its records go.
        preset: How much it measures.
        workers: Processes.
        device: `auto`, `cpu` or `cuda`.
        sam: `sam_checkpoint` and `sam_model` where they are given.
        own_networks: By the paper's name, where a function is that returns a trained network and images.
        own_maps: By the paper's name, the maps on them, once they are explained.
        watch: Given what is measured and how many jobs that takes, what to tell how many more are done.
    """

    folder: Path
    preset: Preset
    workers: int = 1
    device: str = "auto"
    sam: dict[str, object] = dataclasses.field(default_factory=dict)
    own_networks: Mapping[str, str] = dataclasses.field(default_factory=dict)
    own_maps: Mapping[str, OwnMaps] = dataclasses.field(default_factory=dict)
    watch: Watch = unwatched


@dataclass(frozen=True)
class ReportTable:
    """A table of the report: numbers and text."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True)
class ReportFigure:
    """A picture of the report: a PNG file beside it, which the page also holds itself."""

    file: str
    title: str
    png: bytes


@dataclass(frozen=True)
class StudyReport:
    """What came out of a study.

    Args:
        key: Its name on the command line.
        title: Its heading.
        results: Claims and findings.
        tables: Published and measured numbers side by side.
        notes: What the paper leaves open or contradicts, and what was done.
        figures: Pictures.
    """

    key: str
    title: str
    results: tuple[Result, ...]
    tables: tuple[ReportTable, ...] = ()
    notes: tuple[str, ...] = ()
    figures: tuple[ReportFigure, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """As in the JSON report."""
        return {
            "study": self.key,
            "title": self.title,
            "claims": [result.to_dict() for result in self.results],
            "tables": [dataclasses.asdict(table) for table in self.tables],
            "notes": list(self.notes),
            "figures": [{"file": figure.file, "title": figure.title} for figure in self.figures],
        }
