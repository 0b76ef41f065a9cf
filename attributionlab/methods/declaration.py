"""Declared facts about a method, on which tests, verdicts and reports rely."""

from __future__ import annotations

import typing
from collections.abc import Callable, Collection, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeVar

from torch import Tensor

from attributionlab.errors import bad_option
from attributionlab.specs.arguments import number, require_choice, require_instance, require_text
from attributionlab.specs.options import convert
from attributionlab.truth.baselines import Baseline
from attributionlab.truth.explained import Explained
from attributionlab.truth.kinds import GAMES

if TYPE_CHECKING:
    from attributionlab.environments.base import Environment

Sign = Literal["signed", "positive", "magnitude"]
Granularity = Literal["pixel", "coarse", "segment"]
Explains = Literal["output", "logit"]
Need = Literal["gradients", "layer", "segments", "baseline", "batch"]
Randomness = Literal["none", "seeded", "global"]
MethodFunction = Callable[..., Tensor]

SAMPLES = "samples"
"""Baseline of a game whose values are means over the baselines that a method draws from the environment."""

CONTROLS = "controls"
"""The family of reference maps that do not depend on the network."""


@dataclass(frozen=True)
class Declaration:
    """Declared facts about a method, on which tests and reports rely.

    Args:
        family: Kind of method.
        sign: `signed` values tell raising from lowering features, `positive` ones show raising features only, `magnitude`
            ones both alike.
        granularity: `pixel`; `coarse` for methods that cannot distinguish neighboring pixels by construction; `segment` for methods
            that give all pixels of a segment one value.
        explains: The network's `output`, or the `logit` before the softmax.
        needs: Requirements of the method besides a function to evaluate.
        randomness: `seeded` if the method draws random numbers from a seed, `global` if it draws them from the global generators,
            else `none`.
        completeness: Accuracy with which its values sum to the difference of outputs; None if they need not.
        tolerance: Largest error of this sum at the default options, relative to the difference of a logit; None if no bound
            is claimed.
        source: Paper.
        zero_maps: Known reason for maps that are zero everywhere, or None.
        answers: The game whose values the maps are, as `game@baseline`, for example `shapley@black`; or, for a method with an
            option `baseline`, the game alone. The baseline is `true`, `black`, a color, or `samples` for the mean over inputs that the
            method draws as baselines. None if the maps answer no game.
        symmetric: Whether equal features of an input get equal values; some rules of relevance propagation do not.
    """

    family: str = "function"
    sign: Sign = "signed"
    granularity: Granularity = "pixel"
    explains: Explains = "output"
    needs: frozenset[Need] = frozenset()
    randomness: Randomness = "none"
    completeness: str | None = None
    tolerance: float | None = None
    source: str = ""
    zero_maps: str | None = None
    answers: str | None = None
    symmetric: bool = True

    def __post_init__(self) -> None:
        require_choice("sign", self.sign, typing.get_args(Sign))
        require_choice("granularity", self.granularity, typing.get_args(Granularity))
        require_choice("explains", self.explains, typing.get_args(Explains))
        require_choice("randomness", self.randomness, typing.get_args(Randomness))
        for need in require_instance("needs", self.needs, frozenset, "be a frozenset of words"):
            require_choice("needs", need, typing.get_args(Need))
        for name in ("family", "source"):
            require_text(name, getattr(self, name))
        for name in ("completeness", "zero_maps"):
            if getattr(self, name) is not None:
                require_text(name, getattr(self, name), "be a text, or none")
        if self.tolerance is not None:
            number("tolerance", self.tolerance, 0)
        require_instance("symmetric", self.symmetric, bool, "be true or false")
        if self.answers is not None:
            game, at, baseline = require_text("answers", self.answers, "be a text, or none").partition("@")
            require_choice("answers", game, GAMES)
            if at and baseline != SAMPLES:
                convert("answers", baseline, Baseline)

    def explained_in(self, environment: Environment) -> Explained:
        """The output that the method explains in an environment: the logit where it declares so, else the environment's own."""
        if self.explains == "logit" and "logit" in environment.explainable:
            return "logit"
        return environment.explains


Function = TypeVar("Function", bound=MethodFunction)


def declares(
    *,
    sign: Sign = "signed",
    granularity: Granularity = "pixel",
    explains: Explains = "output",
    needs: Collection[Need] = (),
    completeness: str | None = None,
    tolerance: float | None = None,
    source: str = "",
    answers: str | None = None,
    symmetric: bool = True,
    randomness: Randomness = "none",
) -> Callable[[Function], Function]:
    """Attach declared facts to a function, so that it is judged by the suitable kind of truth.

    Example:
        >>> @declares(sign="positive", granularity="coarse")
        ... def my_cam(model, inputs, targets):
        ...     return inputs.sum(dim=1)
    """
    if isinstance(needs, (str, bytes)) or not isinstance(needs, (Sequence, AbstractSet)):
        raise bad_option("needs", "be a list of words", needs)
    for need in needs:
        require_choice("needs", need, typing.get_args(Need))
    declaration = Declaration(
        sign=sign,
        granularity=granularity,
        explains=explains,
        needs=frozenset(needs),
        completeness=completeness,
        tolerance=tolerance,
        source=source,
        answers=answers,
        symmetric=symmetric,
        randomness=randomness,
    )
    if answers is not None and "@" not in answers:
        raise bad_option("answers", "be game@baseline, for example shapley@black", answers)

    def attach(function: Function) -> Function:
        if not callable(function) or isinstance(function, type):
            raise bad_option("function", "be a function (model, inputs, targets) -> Tensor", function)
        function.declaration = declaration  # type: ignore[attr-defined]  # stored on the function
        return function

    return attach
