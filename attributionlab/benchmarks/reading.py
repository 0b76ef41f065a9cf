"""Benchmarks by name: those of this package, and files of others."""

from __future__ import annotations

import tomllib
from pathlib import Path

from attributionlab.benchmarks.benchmark import Benchmark
from attributionlab.benchmarks.names import BENCHMARKS, ENDING, require_benchmark
from attributionlab.errors import bad_option, missing_file
from attributionlab.files import is_file
from attributionlab.specs.arguments import require_path


def load_benchmark(name: str | Path | Benchmark) -> Benchmark:
    """Load a benchmark.

    Args:
        name: The name of a benchmark of this package, or the path of a `.toml` file that `Benchmark.to_toml` wrote.

    Raises:
        UnknownName: If there is no such benchmark.
        MissingFile: If the file does not exist.
        BadOption: If the file is not a benchmark.

    Example:
        >>> load_benchmark("attributionlab-1").n_samples
        16
    """
    if isinstance(name, Benchmark):
        return name
    path = require_path("benchmark", name)
    require_benchmark(str(name))
    if str(name) in BENCHMARKS:
        path = Path(__file__).with_name(f"{str(name).replace('-', '_')}{ENDING}")
    if not is_file(path):
        raise missing_file("benchmark", "be a file that exists", str(path))
    try:
        stored = tomllib.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:  # also of bytes that are not text, and of deep nesting
        raise bad_option("benchmark", "be a TOML file", str(path), str(error)) from error
    benchmark = Benchmark.from_dict(stored)
    if benchmark.name in BENCHMARKS and str(name) not in BENCHMARKS:
        raise bad_option("name", "be a name of its own", benchmark.name, f"{path} is not the file of this package")
    return benchmark
