"""The verdict on maps that were computed elsewhere."""

from __future__ import annotations

import torch
from torch import Tensor

from attributionlab.environments import Environment
from attributionlab.environments.factory import require_environment
from attributionlab.judging.checking import CheckOptions, judge
from attributionlab.judging.verdict import Verdict
from attributionlab.machine import versions
from attributionlab.measuring.applicable import check_applies, deciding_truth
from attributionlab.measuring.explain import Maps
from attributionlab.measuring.progress import no_progress
from attributionlab.methods import Declaration
from attributionlab.specs.arguments import require_instance, require_text, share
from attributionlab.truth import Batch
from attributionlab.truth.kinds import require_truth
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
        maps: (n, h, w) or (n, c, h, w), from any library.
        environment: Environment of the images.
        batch: The images that the maps explain.
        name: Name of the maps in the verdict.
        declaration: Declaration of the method that computed them; by default signed, pixel by pixel, explaining the output.
        gamma: Smallest mean F1 that passes, in [0, 1].
        truth: Kind of truth that decides; `auto` depends on the declaration.

    Raises:
        BadOption: If an option is not valid, or the deciding truth does not apply.
        MethodError: If the maps have another shape, or NaN or infinite values.

    Example:
        >>> import attributionlab as al
        >>> environment = al.make_environment("multi-color-sum", size=16)
        >>> batch = environment.sample(2)
        >>> check_maps(batch.ground_truth.signed, environment, batch).passed
        True
    """
    gamma = share("gamma", gamma)
    require_truth(truth)
    require_text("name", name)
    require_environment("environment", environment)
    require_instance("batch", batch, Batch, "be a Batch, as environment.sample returns it")
    facts = Declaration() if declaration is None else declaration
    require_instance("declaration", facts, Declaration, "be a Declaration, or none")
    deciding = deciding_truth(facts, environment) if truth == "auto" else truth
    check_applies(deciding, facts, environment, name)
    values = attribution_maps(maps, batch.inputs.shape, "`maps` must be")
    options = CheckOptions(len(batch), gamma, deciding, len(batch), torch.device("cpu"), no_progress)
    return Verdict(
        name, options.gamma, deciding, (judge(environment, batch, facts, options, Maps(values)),), versions()
    )
