"""Parameters of which `make test` runs some, and `make test-wide` the rest: the same check on more methods, networks and sizes."""

import pytest


def some_of(values, *kept, several=True):
    """All values; those that are not among `kept` are marked `wide`. A tuple is the values of `several` arguments, or of one."""
    values = tuple(values)
    assert set(kept) <= set(values), f"{set(kept) - set(values)} are not among the values"
    return [value if value in kept else _wide(value if several else (value,)) for value in values]


def first_of(values, n=1):
    """All values; those after the first `n` are marked `wide`."""
    values = tuple(values)
    return [*values[:n], *map(_wide, values[n:])]


def _wide(value):
    """The value of one argument, or of several."""
    return pytest.param(*(value if isinstance(value, tuple) else (value,)), marks=pytest.mark.wide)
