"""Registries: names to classes or functions, ours and those that installed packages bring by entry points."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from attributionlab.errors import unknown_name

Entry = TypeVar("Entry")


@dataclass
class Registry(Generic[Entry]):
    """Names and what they stand for.

    Args:
        kind: What the entries are, in the singular, for messages.
        group: Entry point group by which other packages add to it.
    """

    kind: str
    group: str
    entries: dict[str, Entry] = field(default_factory=dict)
    _loaded: bool = False

    def register(self, name: str, entry: Entry) -> Entry:
        """Add an entry; a name cannot be taken twice."""
        assert name not in self.entries, f"{self.kind} {name!r} is registered twice"
        self.entries[name] = entry
        return entry

    def get(self, name: str) -> Entry:
        """The entry called `name`.

        Raises:
            UnknownName: If there is none; the message suggests the closest names.
        """
        self._load()
        if name not in self.entries:
            raise unknown_name(self.kind, name, self.entries)
        return self.entries[name]

    def __iter__(self) -> Iterator[str]:
        """All names, in order of registration."""
        self._load()
        return iter(self.entries)

    def _load(self) -> None:
        """Load what other packages registered; our own names win."""
        if self._loaded:
            return
        self._loaded = True
        for point in importlib.metadata.entry_points(group=self.group):
            self.entries.setdefault(point.name, point.load())
