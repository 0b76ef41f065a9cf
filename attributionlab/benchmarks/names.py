"""Names of the benchmarks of this package. Importing this module does not import torch."""

from attributionlab.errors import unknown_name

BENCHMARKS = ("attributionlab-1",)
"""A file is never changed after its release: what is better gets the next number."""

ENDING = ".toml"
"""Ending of the files of other benchmarks."""


def require_benchmark(name: str) -> None:
    """Refuse a name that is neither a benchmark of this package nor a TOML file.

    Raises:
        UnknownName: If it is neither.
    """
    if name not in BENCHMARKS and not name.endswith(ENDING):
        raise unknown_name("benchmark", name, BENCHMARKS)
