"""The verdict on maps that were computed elsewhere."""

from __future__ import annotations

from typing import get_args

import torch
from torch import Tensor, nn

from attributionlab.environments import Environment
from attributionlab.environments.factory import require_environment
from attributionlab.errors import bad_option
from attributionlab.judging.dependence import LEAST_UNITS, DependenceTest
from attributionlab.judging.judgment import CheckOptions, judge
from attributionlab.judging.outcome import OVERALL
from attributionlab.judging.statistics import Rule
from attributionlab.judging.units import SceneUnit, Source, Tally
from attributionlab.judging.verdict import Verdict
from attributionlab.machine import versions
from attributionlab.measuring.applicable import check_applies, deciding_truth
from attributionlab.measuring.explain import Maps
from attributionlab.measuring.progress import no_progress
from attributionlab.methods import Declaration, FunctionMethod, MethodFunction
from attributionlab.specs.arguments import require_choice, require_instance, require_text, share
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
    rule: Rule = "interval",
    counterpart_maps: Tensor | None = None,
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
        rule: `interval`, or `point`: the mean alone decides. The images share a network, so the interval is over images only.
        counterpart_maps: Maps of the same inputs and targets under their counterparts (`environment.counterpart(scene).network`), as
            `maps`. Whether the maps depend on the network is only tested with them.

    Raises:
        BadOption: If an option is not valid, the deciding truth does not apply, or `counterpart_maps` are given where there is no
            counterpart or a single image.
        MethodError: If the maps have another shape, or NaN or infinite values.

    Example:
        >>> import attributionlab as al
        >>> environment = al.make_environment("multi-color-sum", size=16)
        >>> batch = environment.sample(8)
        >>> check_maps(batch.ground_truth.signed, environment, batch).passed
        True
    """
    gamma = share("gamma", gamma)
    require_truth(truth)
    require_choice("rule", rule, get_args(Rule))
    require_text("name", name)
    require_environment("environment", environment)
    require_instance("batch", batch, Batch, "be a Batch, as environment.sample returns it")
    facts = Declaration() if declaration is None else declaration
    require_instance("declaration", facts, Declaration, "be a Declaration, or none")
    deciding = deciding_truth(facts, environment) if truth == "auto" else truth
    check_applies(deciding, facts, environment, name)
    values = attribution_maps(maps, batch.inputs.shape, "`maps` must be")
    second = None
    if counterpart_maps is not None:
        _require_counterparts(environment, batch)
        second = attribution_maps(counterpart_maps, batch.inputs.shape, "`counterpart_maps` must be")
    device = torch.device("cpu")
    options = CheckOptions(
        looks=(len(batch),),
        gamma=gamma,
        rule=rule,
        one_network=True,
        max_seconds=0.0,
        batch_size=len(batch),
        device=device,
        progress=no_progress,
        picked=truth != "auto",
        more="`attributionlab generate --n-samples`",
        is_stored=True,
    )
    method = FunctionMethod(function=declares_as(facts), spec=name)
    tally = Tally(Source(environment, method, device, one_network=True, batch_size=len(batch)))
    unit = SceneUnit(environment, method, batch, environment.model)
    tally.add(unit, Maps(values))
    test = DependenceTest(tuple(dict.fromkeys((OVERALL, deciding))))
    if second is not None:
        test.measure_stored(unit, values.cpu(), second.cpu())
    dependence = test.results() or None
    return Verdict(name, gamma, deciding, rule, (judge(tally, deciding, options, dependence=dependence),), versions())


def _require_counterparts(environment: Environment, batch: Batch) -> None:
    """Refuse counterparts' maps where there are none, and where they say nothing.

    Raises:
        BadOption: If the environment has no counterparts, an output other than the winner's is explained, or there are too few images.
    """
    if not environment.has_counterpart:
        hint = "its network has no counterpart"
        raise bad_option("counterpart_maps", "be left out in this environment", environment.spec, hint)
    winners = [environment.target_of(scene, "winner") for scene in batch.scenes]
    if winners != batch.targets.tolist():
        raise bad_option("counterpart_maps", "be left out where the target is not the winner", batch.targets.tolist())
    if len(batch) < LEAST_UNITS:
        raise bad_option("counterpart_maps", f"be of at least {LEAST_UNITS} images", len(batch))


def declares_as(declaration: Declaration) -> MethodFunction:
    """A function that stands for the method that computed the maps, and declares what it did."""

    def elsewhere(_model: nn.Module, _inputs: Tensor, _targets: Tensor) -> Tensor:
        raise NotImplementedError("its maps come from elsewhere")

    elsewhere.declaration = declaration  # type: ignore[attr-defined]  # stored on the function
    return elsewhere
