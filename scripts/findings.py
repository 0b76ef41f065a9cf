"""What other libraries do where the same function is put together from other modules: the table of docs/findings.md.

    python scripts/findings.py > table.md

A cell says `same`, how far the map is from that on the plain network (in parts of its largest magnitude) and what its F1 is then, or what
was raised.
"""

from __future__ import annotations

import argparse
import contextlib
import copy
import io
import warnings
from collections.abc import Mapping

from libraries import FUNCTIONS, Function, versions
from torch import Tensor, nn

import attributionlab as al
from attributionlab.errors import MethodError
from attributionlab.testing import assert_model_unchanged
from attributionlab.testing.subject import COUNTING, Subject, gaps
from attributionlab.testing.variants import TOLERANCE, Outcome, on_variants

SOFTMAX = "multi-color-sum[n_redundant=0]"
"""Where a batch is mixed, if it is: rules for softmax."""

ACTIVATIONS, STRUCTURES = ("functional", "shared"), ("residual", "flatten-module", "inplace")
COLUMNS = ("method", "F1", *ACTIVATIONS, *STRUCTURES, "batch", "traces")


def row(name: str, function: Function, *, size: int, n_samples: int) -> list[str]:
    """One method: its F1 on the plain network, what it does on the variants, in a batch, and to the model."""
    on_a_copy = named(name, lambda model, *arguments: function(copy.deepcopy(model), *arguments))
    subject = Subject.of(on_a_copy, COUNTING, n_samples, size, 0)
    try:
        expected, outcomes = on_variants(subject, ACTIVATIONS, STRUCTURES)
    except MethodError as error:
        return [name, brief(error), *["-"] * (len(COLUMNS) - 2)]
    return [
        name,
        f"{f1(subject, expected):.2f}",
        *(cell(subject, outcome) for outcome in outcomes.values()),
        batch(Subject.of(on_a_copy, SOFTMAX, n_samples, size, 0)),
        traces(named(name, function), size),
    ]


def named(name: str, function: Function) -> Function:
    """The function by the name that messages call it; whatever it raises is told with its type, and is no refusal."""

    def call(model: nn.Module, inputs: Tensor, targets: Tensor) -> Tensor:
        try:
            return function(model, inputs, targets)
        except Exception as error:
            raise RuntimeError(f"{type(error).__name__}: {error}") from error

    call.__qualname__ = name
    return call


def f1(subject: Subject, maps: Tensor) -> float:
    """Against the positive truth: other pixels play no part in a logit."""
    return float(al.score(maps, subject.batch.ground_truth).positive.f1.mean())


def cell(subject: Subject, outcome: Outcome) -> str:
    """What a method did on a variant."""
    if outcome.maps is None or outcome.distance is None:
        return brief(outcome.error)
    if str(outcome) == "the same":
        return "same"
    times = "" if outcome.factor is None else f", {outcome.factor:.3g} times"
    return f"**{outcome.distance.max():.2g}** (F1 {f1(subject, outcome.maps):.2f}{times})"


def batch(subject: Subject) -> str:
    """Whether an image has the same map alone as with others, where the output is a probability."""
    try:
        gap = gaps(subject.one_by_one(), subject.maps()).max()
    except MethodError as error:
        return brief(error)
    return "same" if gap <= TOLERANCE else f"**{gap:.2g}**"


def traces(function: Function, size: int) -> str:
    """What is left in the model after a call, also one in which a forward pass raised."""
    try:
        assert_model_unchanged(function, size=size)
    except AssertionError as error:
        where, _, what = str(error).partition("\n")[0].partition(" leaves traces")[2].partition(": ")
        return f"{where.strip(', ')}: {what.partition('changed the model: ')[2] or what}"
    except MethodError as error:
        return brief(error)
    return "none"


def brief(error: object) -> str:
    """Type and message of what a library raised, or what is wrong with its maps."""
    text = str(error)
    raised = text.partition(" raised RuntimeError: ")[2]
    return f"raises {raised}" if raised else f"fails: must {text.partition(' must ')[2]}"


def table(functions: Mapping[str, Function], *, size: int = 32, n_samples: int = 2) -> str:
    """A table in Markdown; long messages stand below it, each once."""
    notes: dict[str, int] = {}

    def short(text: str) -> str:
        text = " ".join(text.replace("|", "/").split())
        if len(text) < 25 or text.startswith("**"):
            return text
        return f"{text.split(maxsplit=1)[0].rstrip(':')} [{notes.setdefault(text, len(notes) + 1)}]"

    lines = [COLUMNS, ["---"] * len(COLUMNS)]
    for name, function in functions.items():
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            first, *others = row(name, function, size=size, n_samples=n_samples)
        lines.append([first, *(short(text) for text in others)])
    text = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return "\n".join([text, "", *(f"{number}. {note}" for note, number in notes.items())])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=32)
    parser.add_argument("-n", "--n-samples", type=int, default=4)
    options = parser.parse_args()
    print(f"{versions()}; {COUNTING} at size {options.size}, {options.n_samples} images\n")
    print(table(FUNCTIONS, size=options.size, n_samples=options.n_samples))
