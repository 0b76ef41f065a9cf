"""Options that several commands share, declared once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from attributionlab.benchmarks.names import require_benchmark
from attributionlab.cli.completion import (
    benchmark_names,
    environment_names,
    in_list,
    method_names,
    metric_names,
    starting_with,
)
from attributionlab.cli.help import usage_errors
from attributionlab.cli.output import one_line_errors, require_names
from attributionlab.errors import bad_option
from attributionlab.specs.arguments import require_choice
from attributionlab.specs.grammar import split_specs
from attributionlab.truth.kinds import TRUTHS

DEFAULT_ENVIRONMENT = "multi-color-sum"


def refused_early(check: Callable[[Any], object]) -> Callable[[typer.Context, Any], Any]:
    """A callback that checks a name when it is read, so that a typo is reported before an option that is missing.

    Args:
        check: Raises an error of ours where the value is wrong; called unless the value is None.
    """

    def callback(ctx: typer.Context, value: Any) -> Any:
        if value is not None and not ctx.resilient_parsing:  # as for completion in a shell, where names are incomplete
            with one_line_errors():
                check(value)
        return value

    return callback


def require_environment(spec: str) -> None:
    """Refuse the spec of an environment whose name does not exist.

    Raises:
        UnknownName: If it does not exist.
        BadOption: If the text is not a spec.
    """
    require_names(environments=[spec])


def require_method(spec: str) -> None:
    """Refuse the spec of a method whose name does not exist.

    Raises:
        UnknownName: If it does not exist.
        BadOption: If the text is not a spec.
    """
    require_names(methods=[spec])


def require_methods(text: str) -> None:
    """Refuse a list of methods with a name that does not exist.

    Raises:
        UnknownName: If one does not exist.
        BadOption: If one is not a spec.
    """
    require_names(methods=split_specs(text))


class Format(StrEnum):
    """Output format of results."""

    table = "table"
    json = "json"
    csv = "csv"


class Device(StrEnum):
    """Device to compute on."""

    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"


class Rule(StrEnum):
    """What decides a verdict."""

    interval = "interval"
    point = "point"


RuleOption = Annotated[
    Rule, typer.Option(help="interval: the interval of the mean F1 decides; point: the mean alone, under one network.")
]
FormatOption = Annotated[Format, typer.Option("--format", help="How to print the result.")]
DeviceOption = Annotated[Device, typer.Option(help="Where to compute; auto takes a GPU if there is one.")]
SeedOption = Annotated[int | None, typer.Option(help="Seed of scenes and random weights.", show_default="0")]
SizeOption = Annotated[
    int | None,
    typer.Option(help="Side of the images in pixels, where a spec does not set it.", show_default="224"),
]
EnvironmentArgument = Annotated[
    str,
    typer.Argument(
        metavar="ENVIRONMENT",
        help="An environment, e.g. multi-color-sum or 'multi-color-sum[size=64]'.",
        autocompletion=environment_names,
        callback=refused_early(require_environment),
    ),
]
EnvironmentOption = Annotated[
    str,
    typer.Option(
        "--env",
        "-e",
        metavar="ENVIRONMENT",
        help="Environment.",
        autocompletion=environment_names,
        callback=refused_early(require_environment),
    ),
]
MethodArgument = Annotated[
    str,
    typer.Argument(
        help="A name or spec (integrated-gradients), a method of a library (captum:Saliency), or a function (file.py:name, package.module:name).",
        autocompletion=method_names,
        callback=refused_early(require_method),
    ),
]
TargetOption = Annotated[
    str,
    typer.Option(metavar="winner|loser|INDEX", help="The output to explain: of the winner, the loser, or a class."),
]
MetricsOption = Annotated[
    str,
    typer.Option(
        metavar="METRICS",
        help="Metrics, separated by commas: names, specs or functions, file.py:name.",
        autocompletion=in_list(metric_names),
        callback=refused_early(lambda text: require_names(metrics=split_specs(text))),
    ),
]
SamCheckpointOption = Annotated[
    Path | None, typer.Option(help="File of SAM's weights, for methods with segments=sam that do not name one.")
]
SamModelOption = Annotated[
    str | None,
    typer.Option(metavar="vit_h|vit_l|vit_b", help="Which SAM the weights belong to.", show_default="vit_h"),
]
BenchmarkOption = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="A frozen benchmark, attributionlab-1 or a .toml file.",
        show_default="none",
        autocompletion=benchmark_names,
        callback=refused_early(require_benchmark),
    ),
]


def environments_option(text: str) -> Any:
    """The option `--env`, a list with commas, which may be repeated."""
    return typer.Option(
        "--env",
        "-e",
        metavar="ENVIRONMENTS",
        help=text,
        show_default=DEFAULT_ENVIRONMENT,
        autocompletion=in_list(environment_names),
        callback=refused_early(lambda values: require_names(environments=environment_specs(values))),
    )


def environment_specs(values: list[str] | None) -> list[str]:
    """The specs of `--env`; an empty one stays, so that it is refused."""
    return [spec for text in values or [DEFAULT_ENVIRONMENT] for spec in split_specs(text) or [text]]


def methods_option(text: str) -> Any:
    """The option `--methods`, a list with commas."""
    return typer.Option(
        "--methods",
        metavar="METHODS",
        help=text,
        autocompletion=in_list(method_names),
        callback=refused_early(require_methods),
    )


def parse_target(text: str) -> Any:
    """The explained output of a text: `winner`, `loser` or an index.

    Raises:
        BadOption: If it is none of these.
    """
    from attributionlab.environments.base import Target
    from attributionlab.specs.options import convert

    return convert("target", text, Target)


def n_samples_option(text: str, **details: Any) -> Any:
    """The option `--n-samples`, in short `-n`."""
    return typer.Option("--n-samples", "-n", help=text, **details)


def truth_option(text: str, truths: Iterable[str] = TRUTHS) -> Any:
    """The option `--truth`: `auto` or a kind of truth."""
    choices = ("auto", *truths)
    return typer.Option(
        "--truth",
        metavar="|".join(choices),
        help=text,
        autocompletion=lambda incomplete: starting_with(choices, incomplete),
        callback=refused_early(lambda text: require_choice("truth", text, choices)),
    )


def path_of(name: str) -> Callable[[str], Path]:
    """A parser of a path of an output; an empty one, which often is a variable that is not set, would be the current folder."""

    def parse(text: str) -> Path:
        with usage_errors():
            if not text or "\0" in text:
                raise bad_option(name, "be a path", text)
        return Path(text)

    return parse


def output_option(text: str) -> Any:
    """The option `--output`, in short `-o`."""
    return typer.Option("--output", "-o", help=text, parser=path_of("output"))


ForceOption = Annotated[bool, typer.Option("--force", help="Also overwrite files that this program did not write.")]


def environment_defaults(size: int | None, seed: int | None) -> dict[str, object]:
    """Options for environments whose spec does not set them."""
    return {name: value for name, value in (("size", size), ("seed", seed)) if value is not None}


def sam_defaults(checkpoint: Path | None, model: str | None) -> dict[str, object]:
    """Options for methods with segments=sam whose spec does not set them."""
    options = {"sam_checkpoint": checkpoint and str(checkpoint), "sam_model": model}
    return {name: value for name, value in options.items() if value is not None}


def require_left_out(**options: object) -> None:
    """Refuse options that a benchmark fixes.

    Raises:
        BadOption: If such an option has a value.
    """
    for name, value in options.items():
        if value is not None:
            raise bad_option(name, "be left out where a benchmark fixes it", value)
