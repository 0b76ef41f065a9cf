"""Completion of names in a shell, without torch."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import Any

import typer
from typer.completion import (  # type: ignore[attr-defined]  # typer does not list what it exports
    completion_init,
    get_completion_script,
    install,
)

from attributionlab.specs.catalog import Catalog

PROGRAM = "attributionlab"
VARIABLE = "_ATTRIBUTIONLAB_COMPLETE"
"""Environment variable by which a shell asks for completions."""


class Shell(StrEnum):
    """Shells with completion."""

    bash = "bash"
    zsh = "zsh"
    fish = "fish"
    powershell = "powershell"
    pwsh = "pwsh"


def prepare_completion() -> None:
    """Register the shells if this call is a shell's request."""
    if VARIABLE in os.environ:
        completion_init()


def show_completion(shell: Shell | None) -> None:
    """Print the script of a shell, and end."""
    if shell is not None:
        typer.echo(get_completion_script(prog_name=PROGRAM, complete_var=VARIABLE, shell=shell.value))
        raise typer.Exit


def install_completion(shell: Shell | None) -> None:
    """Write the script of a shell to where the shell looks for it, and end."""
    if shell is not None:
        _, path = install(shell=shell.value, prog_name=PROGRAM, complete_var=VARIABLE)
        typer.echo(f"wrote {path}; completion works in the next shell that you start")
        raise typer.Exit


def bug_names(incomplete: str) -> list[str]:
    """Names of bugs."""
    from attributionlab.judging.bug_cases import ENVIRONMENT_OF

    return starting_with(ENVIRONMENT_OF, incomplete)


def benchmark_names(incomplete: str) -> list[str]:
    """Names of benchmarks."""
    from attributionlab.benchmarks.names import BENCHMARKS

    return starting_with(BENCHMARKS, incomplete)


def environment_names(incomplete: str) -> list[str]:
    """Names of environments."""
    from attributionlab.environments.factory import ENVIRONMENTS

    return _names(ENVIRONMENTS, incomplete)


def method_names(incomplete: str) -> list[str]:
    """Names of methods."""
    from attributionlab.methods.factory import METHODS

    return _names(METHODS, incomplete)


def metric_names(incomplete: str) -> list[str]:
    """Names of metrics."""
    from attributionlab.metrics.factory import METRICS

    return _names(METRICS, incomplete)


def in_list(complete: Callable[[str], list[str]]) -> Callable[[str], list[str]]:
    """A completion of the last item of a list with commas."""

    def complete_last(incomplete: str) -> list[str]:
        before, comma, last = incomplete.rpartition(",")
        return [f"{before}{comma}{name}" for name in complete(last)]

    return complete_last


def names_of(kind: str, incomplete: str) -> list[str]:
    """Names of a kind in the plural, for `attributionlab list KIND`; empty if there is no such kind."""
    from attributionlab.reports.tables.descriptions import CATALOGS

    return _names(CATALOGS[kind], incomplete) if kind in CATALOGS else []


def starting_with(words: Iterable[str], incomplete: str) -> list[str]:
    """Words that start with a text."""
    return [word for word in words if word.startswith(incomplete)]


def _names(catalog: Catalog[Any], incomplete: str) -> list[str]:
    """Names of a catalog that start with a text."""
    return starting_with(catalog.names, incomplete)
