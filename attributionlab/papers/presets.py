"""Presets: how much a reproduction measures."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from attributionlab.errors import unknown_name
from attributionlab.specs.arguments import MOST_IMAGES, whole_number


@dataclass(frozen=True)
class Preset:
    """The amount of work of a reproduction.

    Args:
        name: Name on the command line.
        size: Side of the images in pixels.
        n_samples: Images per environment.
        n_network_seeds: Networks per environment, of seeds 0 to n - 1.
        images_per_job: Images that a worker explains at once.
        details: Other numbers that a paper needs, by name.
    """

    name: str
    size: int
    n_samples: int
    n_network_seeds: int = 5
    images_per_job: int = 4
    details: Mapping[str, int] = field(default_factory=dict)

    def sized(self, environment: str, **options: object) -> str:
        """The spec of an environment with these options at this size."""
        sized_options = {**options, "size": self.size}
        return f"{environment}[{','.join(f'{name}={value}' for name, value in sized_options.items())}]"

    @property
    def network_seeds(self) -> list[int]:
        """The seeds of the networks."""
        return list(range(self.n_network_seeds))

    @property
    def scope(self) -> str:
        """One line for the report."""
        counts = ((self.n_samples, "image"), (self.n_network_seeds, "network"))
        counted = ", ".join(f"{n} {noun}{'s' if n > 1 else ''}" for n, noun in counts)
        return f"{self.size}x{self.size} pixels, {counted}"

    def to_dict(self) -> dict[str, str | int]:
        """All numbers by name, as they are stored beside records."""
        numbers = {name: value for name, value in dataclasses.asdict(self).items() if name != "details"}
        return {**numbers, **self.details}


def require_preset(presets: Mapping[str, Preset], name: str) -> None:
    """Refuse the name of a preset that a paper does not have.

    Raises:
        UnknownName: If the paper does not have it.
    """
    if name not in presets:
        raise unknown_name("preset", name, presets)


def find_preset(presets: Mapping[str, Preset], name: str, **changes: int | None) -> Preset:
    """The preset of this name, or a changed one, whose name says so.

    Args:
        presets: The presets of a paper by name.
        name: Name of a preset.
        **changes: New values for fields of `Preset`; None keeps the preset's own.

    Raises:
        UnknownName: If there is no such preset.
        BadOption: If a number is below 1, or too large.
    """
    require_preset(presets, name)
    preset = presets[name]
    most = _greatest_numbers()
    numbers = {
        option: whole_number(option, value, 1, most.get(option, MOST_IMAGES))
        for option, value in changes.items()
        if value is not None
    }
    changed: dict[str, Any] = {option: value for option, value in numbers.items() if value != getattr(preset, option)}
    return dataclasses.replace(preset, name=f"{name}, changed", **changed) if changed else preset


def _greatest_numbers() -> dict[str, int]:
    """The greatest values of a preset's numbers."""
    from attributionlab.environments.images import LARGEST_SIDE  # noqa: PLC0415  # imports torch, which names do not need
    from attributionlab.judging.auditing import MOST_NETWORKS  # noqa: PLC0415  # likewise

    return {"size": LARGEST_SIDE, "n_samples": MOST_IMAGES, "n_network_seeds": MOST_NETWORKS}
