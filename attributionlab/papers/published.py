"""Published numbers as data: a paper's `published.toml`, and its printed tables."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any


@cache
def load_published(package: str) -> dict[str, Any]:
    """The file `published.toml` of a paper's package."""
    return tomllib.loads(files(package).joinpath("published.toml").read_text(encoding="utf-8"))


@dataclass(frozen=True)
class PublishedTable:
    """A printed table.

    Args:
        source: Table and page.
        columns: Headings.
        rows: Numbers of each row by name.
    """

    source: str
    columns: tuple[str, ...]
    rows: Mapping[str, tuple[float, ...]]

    @classmethod
    def of(cls, entry: Mapping[str, Any]) -> PublishedTable:
        """The table in an entry of `published.toml`."""
        rows = {row: tuple(values) for row, values in entry["rows"].items()}
        return cls(entry["source"], tuple(entry["columns"]), rows)

    def column(self, name: str) -> dict[str, float]:
        """The numbers of a column by row."""
        index = self.columns.index(name)
        return {row: values[index] for row, values in self.rows.items()}
