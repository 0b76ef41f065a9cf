"""A check on a frozen benchmark: its environments, its number of scenes and its threshold, and its name if nothing has changed."""

from __future__ import annotations

import dataclasses
import inspect
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from attributionlab.benchmarks import Benchmark, load_benchmark
from attributionlab.errors import bad_option
from attributionlab.judging.verdict import Verdict
from attributionlab.methods import AnyMethod

NO_LIMIT = 1e9
"""Seconds that are never up: a slow machine must not change a verdict."""

FREE = ("batch_size", "device", "progress")
"""Options of `check` that a benchmark does not fix."""


def check_on_benchmark(
    method: str | AnyMethod | Callable[..., Tensor],
    benchmark: str | Path | Benchmark,
    options: Mapping[str, Any],
    run_check: Callable[..., Verdict],
) -> Verdict:
    """Check a method on a benchmark, and compare everything that it is measured on with the benchmark's fingerprints.

    Args:
        method: As in `check`.
        benchmark: Name, file or object.
        options: The other options of `check`; only those in `FREE` may differ from their defaults.
        run_check: The function `check`.

    Returns:
        The verdict. It names the benchmark only if all fingerprints are the same; if not, a warning says what differs.

    Raises:
        BadOption: If an option that the benchmark fixes is not the default.
    """
    parameters = inspect.signature(run_check).parameters
    for name, value in options.items():
        if name not in FREE and value != parameters[name].default:
            raise bad_option(name, "be left out where a benchmark fixes it", value)
    frozen = load_benchmark(benchmark)
    environments = frozen.build()
    differences = frozen.differences(environments)
    if differences:
        more = f", and {len(differences) - 1} more environments differ" if len(differences) > 1 else ""
        warnings.warn(f"this is not {frozen.name}: {differences[0]}{more}; the verdict does not name it", stacklevel=3)
    fixed = {"n_samples": frozen.n_samples, "gamma": frozen.gamma, "max_seconds": NO_LIMIT}
    verdict = run_check(method, environments, **fixed, **{name: options[name] for name in FREE})
    return dataclasses.replace(verdict, benchmark=None if differences else frozen.name)
