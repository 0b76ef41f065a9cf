"""The verdict on maps that were computed elsewhere."""

from __future__ import annotations

import torch
from torch import Tensor

from attributionlab.environments import Environment
from attributionlab.errors import BadOption, bad_option
from attributionlab.judging.checking import CheckOptions, judge
from attributionlab.judging.verdict import Verdict
from attributionlab.machine import versions
from attributionlab.measuring.applicable import applicable_truths, deciding_truth
from attributionlab.measuring.explain import Maps
from attributionlab.measuring.progress import no_progress
from attributionlab.methods import Declaration
from attributionlab.truth import TRUTHS, Batch
from attributionlab.truth.maps import attribution_maps


def check_maps(
    maps: Tensor,
    environment: Environment,
    batch: Batch,
    *,
    name: str = "maps",
    declaration: Declaration | None = None,
    gamma: float = 0.5,
    truth: str = "auto",
) -> Verdict:
    """Test maps from elsewhere as `check` tests a method.

    Args:
        maps: (n, h, w) or (n, c, h, w), of any library.
        environment: Where the images come from.
        batch: The images that the maps explain.
        name: What the maps are called in the verdict.
        declaration: The facts about the method that made them; by default signed, pixel by pixel, explaining the output.
        gamma: The least mean F1 that passes, in [0, 1].
        truth: Which truth decides; `auto` takes the one that fits the declaration.

    Raises:
        BadOption: If an option does not fit, or the deciding truth does not apply.
        MethodError: If the maps have another shape, or NaN or infinite values.

    Example:
        >>> import attributionlab as al
        >>> environment = al.make_environment("multi-color-sum", size=16)
        >>> batch = environment.sample(2)
        >>> check_maps(batch.ground_truth.signed, environment, batch).passed
        True
    """
    if not isinstance(gamma, (int, float)) or not 0 <= gamma <= 1:
        raise bad_option("gamma", "be in [0, 1]", gamma)
    if truth not in ("auto", *TRUTHS):
        raise bad_option("truth", f"be auto or {' or '.join(TRUTHS)}", truth)
    facts = Declaration() if declaration is None else declaration
    deciding = deciding_truth(facts, environment) if truth == "auto" else truth
    if deciding not in applicable_truths(facts, environment):
        raise BadOption(
            f"`truth` must apply in {environment.spec}, got {deciding!r}; such maps cannot be judged by it there"
        )
    values = attribution_maps(maps, batch.inputs.shape, "`maps` must be")
    options = CheckOptions(len(batch), float(gamma), deciding, len(batch), torch.device("cpu"), no_progress)
    return Verdict(
        name, options.gamma, deciding, (judge(environment, batch, facts, options, Maps(values)),), versions()
    )
