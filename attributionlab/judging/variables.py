"""Variables of a sweep: the environment, methods and scenes of each value.

A variable is an option of the environment (`redundant_scale`), an option of the methods (`method.n_steps`), or one of the three that
are defined here: `baseline`, `segment_error` and `noise`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from attributionlab.environments import Environment, make_environment
from attributionlab.errors import BadOption, bad_option, unknown_name
from attributionlab.methods import AnyMethod, Method, make_method
from attributionlab.scenes import Scene, shuffled
from attributionlab.seeding import generator
from attributionlab.specs.arguments import require_text, share
from attributionlab.specs.grammar import format_value
from attributionlab.specs.options import convert, option_fields

BASELINE, SEGMENT_ERROR, NOISE = "baseline", "segment_error", "noise"

OF_METHODS = "method."
"""Prefix of variables that are options of the methods."""


@dataclass(frozen=True)
class AppliedValue:
    """One value of a variable, applied.

    Args:
        value: The value, a number where it is one.
        environment: The environment.
        methods: The methods, bound to it.
        noise: Share of the pixels of each scene that change places.
    """

    value: float | str
    environment: Environment
    methods: tuple[AnyMethod, ...]
    noise: float = 0.0

    def scene(self, environment: Environment, index: int) -> Any:
        """Scene `index`, with the noise."""
        scene = environment.scene(index)
        if self.noise == 0:
            return scene
        return shuffled(scene, self.noise, generator(environment.data_seed, "noise", index))


def applied_values(
    vary: object, values: Sequence[object], environment: Environment, methods: Sequence[AnyMethod]
) -> tuple[AppliedValue, ...]:
    """Apply every value of a variable; what the specs set is replaced.

    Args:
        vary: Name of the variable.
        values: Its values, as text or as values.
        environment: The environment.
        methods: Methods, bound to it.

    Raises:
        UnknownName: If there is no such variable.
        BadOption: If a method has no such option, the scenes have no patches (`noise`), or a value is not valid.
    """
    name = require_text("vary", vary)
    if name == NOISE:
        _require_patches(environment)
        shares = [share("values", convert("values", value, float)) for value in values]
        return tuple(AppliedValue(level, environment, tuple(methods), noise=level) for level in shares)
    if name in (BASELINE, SEGMENT_ERROR) or name.startswith(OF_METHODS):
        return tuple(_with_method_options(name, value, environment, methods) for value in values)
    settable = (*option_fields(type(environment)), *environment.shorthands)
    if name not in settable:
        options = {option for method in methods if isinstance(method, Method) for option in option_fields(type(method))}
        names = (BASELINE, SEGMENT_ERROR, NOISE, *settable, *(f"{OF_METHODS}{option}" for option in options))
        raise unknown_name("vary", name, names)
    return tuple(_with_environment_option(name, value, environment, methods) for value in values)


def number_or_text(value: object) -> float | str:
    """A value as a number where it is one, for an axis, else as text.

    Example:
        >>> number_or_text("1/16"), number_or_text("auto")
        (0.0625, 'auto')
    """
    try:
        number: Any = convert("values", value, int | float)
    except BadOption:
        return format_value(value)
    return float(number)


def _require_patches(environment: Environment) -> None:
    """Refuse an environment whose scenes are not patches of colors.

    Raises:
        BadOption: If they are not.
    """
    if not isinstance(environment.scene(0), Scene):
        raise bad_option("vary", f"be another variable where scenes are no patches ({environment.name})", NOISE)


def _with_environment_option(
    name: str, value: object, environment: Environment, methods: Sequence[AnyMethod]
) -> AppliedValue:
    """The environment with another value of an option, and the methods bound to it."""
    changed = make_environment(environment, **{name: value})
    bound = tuple(make_method(method, changed) for method in methods)
    return AppliedValue(number_or_text(getattr(changed, name, value)), changed, bound)


def _with_method_options(
    name: str, value: object, environment: Environment, methods: Sequence[AnyMethod]
) -> AppliedValue:
    """The methods with another value of an option."""
    option = name.removeprefix(OF_METHODS)
    for method in methods:
        if not isinstance(method, Method) or option not in option_fields(type(method)):
            raise bad_option("vary", "be an option of every method", option, f"{method.spec} does not have it")
    options: dict[str, object] = {option: value}
    if name == BASELINE:
        options = {option: _shifted_baseline(value, environment)}
    elif name == SEGMENT_ERROR:
        options = {option: value, "segments": "oracle"}
    changed = tuple(make_method(method, environment, **options) for method in methods)
    return AppliedValue(number_or_text(value), environment, changed)


def _shifted_baseline(value: object, environment: Environment) -> str | tuple[int | float, ...]:
    """The true baseline, with a shift added to each of its channels; `true` or `black` where it is one of these.

    Raises:
        BadOption: If the shift is not a number, or leads out of the range of the inputs.
    """
    shift: Any = convert("values", value, int | float)
    baseline = tuple(channel + shift for channel in environment.true_baseline.tolist())
    if environment.input_range is not None:
        least, most = environment.input_range
        if not all(least <= channel <= most for channel in baseline):
            hint = f"the true baseline is {format_value(tuple(environment.true_baseline.tolist()))}"
            raise bad_option("values", f"lead to baselines in {least:g}..{most:g}", value, hint)
    if shift == 0:
        return "true"
    return baseline if any(baseline) else "black"
