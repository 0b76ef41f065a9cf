"""Commands whose help fits 80 columns without cutting anything off, and whose values are refused in the words of the package."""

from __future__ import annotations

import enum
import types
import typing
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from textwrap import TextWrapper
from typing import Any, TypeVar

import typer
from typer.core import TyperCommand
from typer.models import ArgumentInfo, OptionInfo

from attributionlab.errors import BadOption, bad_option
from attributionlab.specs.arguments import require_choice

Function = TypeVar("Function", bound=Callable[..., None])

WIDEST_LABEL = 26
"""Length of the longest name that stands in one line with its text."""

METAVARS = {int: "INTEGER", float: "NUMBER", str: "TEXT", Path: "PATH"}
"""Words for the values of options that have no word of their own."""


class HelpfulCommand(TyperCommand):
    """A command with plain help: a line or more for each argument and option, with its default."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """Words of the usage line after the name of the command."""
        return ["[OPTIONS]", *(_usage(argument) for argument in self._visible(ctx, "argument"))]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the arguments, then the options."""
        for title, kind in (("Arguments", "argument"), ("Options", "option")):
            parameters = self._visible(ctx, kind)
            write_rows(formatter, title, [(_label(parameter), _help(parameter)) for parameter in parameters])

    def _visible(self, ctx: Any, kind: str) -> list[Any]:
        """Parameters that help shows."""
        parameters: list[Any] = self.get_params(ctx)
        return [each for each in parameters if each.param_type_name == kind and not getattr(each, "hidden", False)]


def write_rows(formatter: Any, title: str, rows: Sequence[tuple[str, str]]) -> None:
    """Write a section of help: names on the left, text on the right, wrapped between words only."""
    if not rows:
        return
    left = min(WIDEST_LABEL, max(len(label) for label, _ in rows)) + 4
    wrapper = TextWrapper(formatter.width, break_on_hyphens=False, break_long_words=False)
    with formatter.section(title):
        for label, text in rows:
            start = f"  {label}".ljust(left)
            if len(start) > left or not text:
                formatter.write(f"{start.rstrip()}\n")
                start = " " * left
            wrapper.initial_indent, wrapper.subsequent_indent = start, " " * left
            formatter.write("".join(f"{line}\n" for line in wrapper.wrap(text)))


def typed(function: Function) -> Function:
    """The function of a command, with a word for the values of each parameter and parsers that refuse values as `BadOption` does.

    The annotations `Annotated[type, typer.Option(...)]` are evaluated and completed in place.
    """
    hints = typing.get_type_hints(function, include_extras=True)
    for name, hint in hints.items():
        for info in getattr(hint, "__metadata__", ()):
            if isinstance(info, (ArgumentInfo, OptionInfo)):
                _complete(info, name, _plain_type(hint.__origin__))
    function.__annotations__ = hints
    return function


def _complete(info: ArgumentInfo | OptionInfo, name: str, kind: Any) -> None:
    """Set what the declaration of a parameter leaves out."""
    choices: list[str] = (
        [str(member.value) for member in typing.cast("Any", kind)] if isinstance(kind, enum.EnumType) else []
    )
    if info.metavar is None and kind is not bool:
        info.metavar = name.upper() if isinstance(info, ArgumentInfo) else "|".join(choices) or METAVARS.get(kind)
    if choices and info.autocompletion is None:
        info.autocompletion = lambda incomplete: [choice for choice in choices if choice.startswith(incomplete)]
    if info.parser is None and (choices or kind in (int, float)):
        info.parser = _parser(name, kind, choices)


def _parser(name: str, kind: Any, choices: list[str]) -> Callable[[Any], Any]:
    """A function that converts text to a number or a member of an enumeration."""

    def parse(value: Any) -> Any:
        with usage_errors():
            if choices:
                return kind(require_choice(name, value, choices))
            try:
                return kind(value)
            except ValueError:
                raise bad_option(name, "be an integer" if kind is int else "be a number", value) from None

    return parse


@contextmanager
def usage_errors() -> Iterator[None]:
    """Turn `BadOption` into the error that typer lets through; it takes other ValueErrors for its own."""
    try:
        yield
    except BadOption as error:
        raise typer.BadParameter(str(error)) from error


def _plain_type(annotation: Any) -> Any:
    """The type of one value: `int` of `int | None` and of `list[int]`."""
    if isinstance(annotation, types.UnionType) or typing.get_origin(annotation) is typing.Union:
        (annotation,) = (each for each in typing.get_args(annotation) if each is not type(None))
    return typing.get_args(annotation)[0] if typing.get_origin(annotation) is list else annotation


def _usage(argument: Any) -> str:
    """An argument in the usage line."""
    name = f"{argument.metavar or argument.name}{'...' if argument.nargs != 1 else ''}"
    return name if argument.required else f"[{name}]"


def _label(parameter: Any) -> str:
    """Names of a parameter and the word for its value."""
    if parameter.param_type_name == "argument":
        return _usage(parameter)
    names = ", ".join(sorted(parameter.opts, key=len))
    return names if parameter.is_flag or not parameter.metavar else f"{names} {parameter.metavar}"


def _help(parameter: Any) -> str:
    """Help of a parameter with its default."""
    remark = ""
    if isinstance(parameter.show_default, str):
        remark = f"  [default: {parameter.show_default}]"
    elif parameter.required:
        remark = "  [required]"
    elif parameter.default not in (None, "") and parameter.default is not False:
        remark = f"  [default: {str(parameter.default).replace(',', ', ')}]"  # spaces, so that a list is wrapped
    return f"{parameter.help or ''}{remark}"
