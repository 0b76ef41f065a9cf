"""Benchmark: environments whose scenes, truths and networks are fixed by their fingerprints."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from attributionlab.benchmarks.fingerprints import of_counterpart, of_input, of_logits, of_network, of_truth
from attributionlab.environments import Environment, make_environment
from attributionlab.errors import bad_option
from attributionlab.specs.arguments import require_list, require_text, share, whole_number

LEAST_SAMPLES = 4
"""Smallest number of scenes with an interval."""

NAME = r"[\w.-]+"
"""Names of benchmarks: sentences and the TOML file have them as they are."""

COLUMNS = {
    "inputs": "input",
    "truths": "truth",
    "networks": "network",
    "logits": "result of the network",
    "counterparts": "second network",
}
"""Lists of fingerprints of a frozen environment, with the name of what each entry is."""


@dataclass(frozen=True)
class FrozenEnvironment:
    """An environment with the fingerprints of its first scenes. Scene i belongs to the network with the environment's seed + i.

    Args:
        spec: Canonical spec.
        targets: Index of the explained output of each scene: the winner's.
        inputs: Fingerprint of each input.
        truths: Fingerprint of the truth of each scene, for every output that can be explained.
        networks: Fingerprint of the weights of each network.
        logits: Fingerprint of what each network computes for its scene.
        counterparts: Fingerprint of the second network of each scene with its truth; empty where there is none.
    """

    spec: str
    targets: tuple[int, ...]
    inputs: tuple[str, ...]
    truths: tuple[str, ...]
    networks: tuple[str, ...]
    logits: tuple[str, ...]
    counterparts: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        require_text("spec", self.spec)
        for target in require_list("targets", self.targets, "integers", 1):
            whole_number("targets", target, 0)
        for name in COLUMNS:
            column = require_list(name, getattr(self, name), "SHA-256 fingerprints")
            if len(column) not in {len(self.targets), *([0] if name == "counterparts" else [])}:
                raise bad_option(name, f"have {len(self.targets)} entries, one for each target", len(column))
            for entry in column:
                require_text(name, entry, "hold texts")

    @classmethod
    def of(cls, environment: Environment, n_samples: int) -> FrozenEnvironment:
        """Compute the fingerprints of the first scenes of an environment.

        Args:
            environment: The environment.
            n_samples: Number of scenes.
        """
        rows = [_Row.of(environment, index) for index in range(n_samples)]
        columns = {name: tuple(row.fingerprints[name] for row in rows) for name in COLUMNS}
        if not any(columns["counterparts"]):
            del columns["counterparts"]
        return cls(environment.spec, tuple(row.target for row in rows), **columns)

    def difference(self, environment: Environment) -> str | None:
        """The first difference between an environment and the frozen one, in a line; None if all fingerprints are the same."""
        for index, target in enumerate(self.targets):
            row = _Row.of(environment, index)
            if row.target != target:
                return f"{self.spec}: scene {index} has another target than the benchmark"
            for name, part in COLUMNS.items():
                column = getattr(self, name)
                if row.fingerprints[name] != (column[index] if column else ""):
                    return f"{self.spec}: the {part} of scene {index} is not that of the benchmark"
        return None


@dataclass(frozen=True)
class _Row:
    """Target of one scene, and its fingerprints by column."""

    target: int
    fingerprints: Mapping[str, str]

    @classmethod
    def of(cls, environment: Environment, index: int) -> _Row:
        """Those of scene `index` under its own network."""
        own = environment.changed(network_seed=environment.network_seed + index)
        batch = own.sample(1, index)
        target, scene = int(batch.targets), batch.scenes[0]
        fingerprints = {
            "inputs": of_input(own, batch.inputs),
            "truths": of_truth(own, scene, target),
            "networks": of_network(own.model),
            "logits": of_logits(own.model, batch.inputs),
            "counterparts": of_counterpart(own, scene),
        }
        return cls(target, fingerprints)


@dataclass(frozen=True)
class Benchmark:
    """A frozen benchmark. `attributionlab.check(method, benchmark=name)` measures on it and names it.

    Args:
        name: Its name, in verdicts and in their sentences: letters, digits, dots, - and _.
        n_samples: Scenes per environment, each under its own network.
        gamma: Smallest mean F1 that passes.
        environments: The environments with their fingerprints.
    """

    name: str
    n_samples: int
    gamma: float
    environments: tuple[FrozenEnvironment, ...]

    def __post_init__(self) -> None:
        if not re.fullmatch(NAME, require_text("name", self.name)):
            raise bad_option("name", "have letters, digits, dots, - and _ only", self.name)
        whole_number("n_samples", self.n_samples, LEAST_SAMPLES)
        share("gamma", self.gamma)
        for frozen in require_list("environments", self.environments, "frozen environments", 1):
            if len(frozen.targets) != self.n_samples:
                raise bad_option("targets", f"have {self.n_samples} entries in {frozen.spec}", len(frozen.targets))

    @property
    def specs(self) -> tuple[str, ...]:
        """Specs of the environments."""
        return tuple(frozen.spec for frozen in self.environments)

    @property
    def contents(self) -> str:
        """Number of environments, scenes and networks, in words."""
        n_scenes = self.n_samples * len(self.environments)
        n_second = sum(len(frozen.counterparts) for frozen in self.environments)
        n_environments = len(self.environments)
        environments = f"{n_environments} environment{'s' if n_environments > 1 else ''}"
        return f"{environments}, {n_scenes} scenes and networks, {n_second} second networks"

    def build(self) -> list[Environment]:
        """The environments, as this version of the package makes them."""
        return [make_environment(spec) for spec in self.specs]

    def differences(self, environments: Sequence[Environment] | None = None) -> tuple[str, ...]:
        """Compare every input, target, truth and weight with its fingerprint.

        Args:
            environments: The environments to compare, in the order of the benchmark; by default those of `build`.

        Returns:
            The first difference in each environment, a line each; empty if everything is as it was frozen.
        """
        pairs = zip(self.environments, self.build() if environments is None else environments, strict=True)
        return tuple(line for frozen, environment in pairs if (line := frozen.difference(environment)) is not None)

    def to_toml(self) -> str:
        """The benchmark as a TOML file."""
        return "".join(_lines(self))

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Benchmark:
        """Read a benchmark from the entries of its TOML file.

        Raises:
            BadOption: If an entry is unknown, missing or not valid.
        """
        try:
            frozen = tuple(FrozenEnvironment(**_tuples(entry)) for entry in stored["environments"])
            return cls(**{**stored, "environments": frozen})
        except (TypeError, KeyError, AttributeError) as error:
            hint = "name, n_samples, gamma and [[environments]] with spec, targets, inputs, truths, networks, logits"
            raise bad_option("benchmark", "have the entries of a benchmark", sorted(map(str, stored)), hint) from error


def freeze(name: str, specs: Sequence[str], *, n_samples: int = 16, gamma: float = 0.5) -> Benchmark:
    """Freeze environments into a benchmark; `to_toml` gives the text of its file.

    Args:
        name: Name of the benchmark.
        specs: Specs of its environments.
        n_samples: Scenes per environment, at least 4, each under its own network.
        gamma: Smallest mean F1 that passes, in [0, 1].

    Raises:
        BadOption: If an argument is not valid.
        UnknownName: If there is no such environment.

    Example:
        >>> benchmark = freeze("ours-1", ["single-color-sum[size=16]"], n_samples=4)
        >>> benchmark.differences()
        ()
    """
    n_samples = whole_number("n_samples", n_samples, LEAST_SAMPLES)
    environments = [make_environment(spec) for spec in require_list("specs", specs, "specs of environments", 1)]
    return Benchmark(name, n_samples, gamma, tuple(FrozenEnvironment.of(each, n_samples) for each in environments))


def _tuples(entry: Mapping[str, Any]) -> dict[str, Any]:
    """The entries of an environment with tuples in place of lists."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in entry.items()}


HEADING = """\
# A frozen benchmark of attributionlab. Scene i belongs to the network with the environment's seed + i.
# Fingerprints are SHA-256 of arrays in C order and little-endian byte order, each after a line with its name, dtype and shape; -0 is
# written as 0. inputs: image and true baseline, float32. truths: signs, int8, and filled patches, bool, of every output that can be
# explained. networks: all weights, float32, by name. logits: what the network computes. counterparts: second network and its truth.
"""
"""First lines of the TOML file."""


def _lines(benchmark: Benchmark) -> Iterator[str]:
    """Parts of the TOML file."""
    yield HEADING
    yield f"name = {json.dumps(benchmark.name)}\nn_samples = {benchmark.n_samples}\ngamma = {benchmark.gamma}\n"
    for frozen in benchmark.environments:
        yield f"\n[[environments]]\nspec = {json.dumps(frozen.spec)}\ntargets = {list(frozen.targets)}\n"
        for name in COLUMNS:
            entries = "".join(f'    "{entry}",\n' for entry in getattr(frozen, name))
            yield f"{name} = [\n{entries}]\n" if entries else ""
