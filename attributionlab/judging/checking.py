"""The faithfulness test (section 2, Eq. 2): agreement of a method with the exact truth in every environment.

Scene i is explained under the network with seed + i. After 8, 16, 32, .. 256 scenes the check looks at the interval of the mean, and
ends where it leaves gamma. Then it looks whether the maps depend on the network at all.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal, get_args

from torch import Tensor

from attributionlab.benchmarks import Benchmark
from attributionlab.environments import Environment
from attributionlab.environments.factory import as_environments
from attributionlab.judging.benchmarking import check_on_benchmark
from attributionlab.judging.dependence import (
    LEAST_UNITS,
    N_UNITS,
    Dependence,
    DependenceTest,
)
from attributionlab.judging.judgment import GAMMA, MAX_SECONDS, CheckOptions, judge, outcome_so_far
from attributionlab.judging.outcome import OVERALL
from attributionlab.judging.statistics import Rule
from attributionlab.judging.targets import ignores_target
from attributionlab.judging.units import Source, Tally
from attributionlab.judging.verdict import EnvironmentVerdict, Verdict
from attributionlab.machine import find_device, versions
from attributionlab.measuring.applicable import check_applies, deciding_truth
from attributionlab.measuring.progress import Progress, no_progress
from attributionlab.methods import AnyMethod, make_method
from attributionlab.specs.arguments import (
    MOST_IMAGES,
    number,
    require_choice,
    require_flag,
    require_function,
    share,
    whole_number,
)
from attributionlab.truth.kinds import require_truth

FIRST_LOOK, LAST_LOOK = 8, 256
"""Scenes after which the check looks first and last, where it chooses their number itself."""

LEAST_SAMPLES = 4
"""Smallest number of scenes for an interval."""

POINT_SAMPLES = 16
"""Scenes of the rule `point`, unless a number is given."""


def check(
    method: str | AnyMethod | Callable[..., Tensor],
    environments: Environment | str | Sequence[Environment | str] = "multi-color-sum",
    *,
    n_samples: int | Literal["auto"] = "auto",
    gamma: float = GAMMA,
    truth: str = "auto",
    rule: Rule = "interval",
    one_network: bool = False,
    max_seconds: float = MAX_SECONDS,
    batch_size: int = 4,
    device: str = "auto",
    benchmark: str | Path | Benchmark | None = None,
    progress: Progress | None = None,
) -> Verdict:
    """Test whether a method finds the pixels that designed networks use.

    Args:
        method: A name or spec, a function `(model, inputs, targets) -> Tensor`, or the location of one.
        environments: One or more environments or their specs; the method must pass in all of them. Scene i is explained
            under the network with the environment's network seed + i.
        n_samples: Scenes per environment, at least 4; `auto` adds scenes (8, 16, 32, .. 256) until the verdict is decided.
        gamma: Smallest mean F1 that passes, in [0, 1].
        truth: Kind of truth that decides. `auto` depends on the method's declaration: signed for methods that give both
            signs and undeclared functions, overall for magnitudes, positive for positive ones, positive-smooth if they are coarse.
        rule: `interval`: the 95 percent interval of the mean F1 must lie above gamma. `point`: the mean alone decides, under one
            network, as in the paper.
        one_network: Explain all scenes under the environment's own network.
        max_seconds: Seconds per environment after which no more images are added.
        batch_size: Images per call of the method where they share a network; the maps of registered methods do not depend on it.
        device: `auto` (a GPU if there is one), `cpu` or `cuda`.
        benchmark: A frozen benchmark: `attributionlab-1`, or a file or object of `attributionlab.benchmarks`. It fixes environments,
            scenes and threshold, so that all options but method, batch size and device must be left out. The verdict names it, unless
            a fingerprint of its images, truths or networks differs here; a warning then says which.
        progress: Called with the number of images finished since the last call.

    Returns:
        The verdict; `.outcome`, `.passed`, `.environments`, `.to_dict()`.

    Raises:
        BadOption: If an option is not valid, or the deciding truth does not apply in an environment.
        UnknownName: If there is no such method, environment or benchmark.
        MachineError: If there is no such device.

    References:
        Zhang et al. 2024, Definition 2.1, Eq. 2, section 4.

    Example:
        >>> check("truth", "multi-color-sum[size=16]").outcome
        'passed'
    """
    if benchmark is not None:
        fixed = {"environments": environments, "n_samples": n_samples, "gamma": gamma, "truth": truth, "rule": rule}
        fixed |= {"one_network": one_network, "max_seconds": max_seconds}
        free = {"batch_size": batch_size, "device": device, "progress": progress}
        return check_on_benchmark(method, benchmark, fixed | free, check)
    require_truth(truth)
    require_choice("rule", rule, get_args(Rule))
    require_function("progress", progress, "(n)")
    options = CheckOptions(
        looks=looks_of(n_samples, rule),
        gamma=share("gamma", gamma),
        rule=rule,
        one_network=require_flag("one_network", one_network) or rule == "point",
        max_seconds=number("max_seconds", max_seconds, 0),
        batch_size=whole_number("batch_size", batch_size, 1),
        device=find_device(device),
        progress=progress or no_progress,
        picked=truth != "auto",
    )
    pairs = [(make_method(method, environment), environment) for environment in as_environments(environments)]
    first = pairs[0][0]
    deciding = deciding_truth(first.declaration, pairs[0][1]) if truth == "auto" else truth
    for bound_method, environment in pairs:
        check_applies(deciding, bound_method.declaration, environment, bound_method.spec)
    verdicts = tuple(_check_environment(bound, environment, deciding, options) for bound, environment in pairs)
    return Verdict(first.spec, options.gamma, deciding, rule, verdicts, versions())


def looks_of(n_samples: object, rule: Rule) -> tuple[int, ...]:
    """Numbers of scenes after which the check looks whether it is decided."""
    if not (isinstance(n_samples, str) and n_samples == "auto"):
        return (whole_number("n_samples", n_samples, LEAST_SAMPLES if rule == "interval" else 1, MOST_IMAGES),)
    if rule == "point":
        return (POINT_SAMPLES,)
    return tuple(FIRST_LOOK * 2**power for power in range(int(math.log2(LAST_LOOK // FIRST_LOOK)) + 1))


def _check_environment(
    method: AnyMethod, environment: Environment, deciding: str, options: CheckOptions
) -> EnvironmentVerdict:
    """Explain scenes until their scores decide, then test whether the maps depend on the network and on the target."""
    begin = time.monotonic()
    source = Source(environment, method, options.device, options.one_network, options.batch_size)
    tally, out_of_time = Tally(source), False
    for look in options.looks:
        out_of_time = tally.n > 0 and time.monotonic() - begin > options.max_seconds
        if out_of_time:
            break
        tally.extend(look, options.progress)
        if tally.failure is not None or outcome_so_far(tally, deciding, options) != "undecided":
            break
    late = time.monotonic() - begin > options.max_seconds
    most = FIRST_LOOK if late else N_UNITS
    dependence = _dependence(tally, deciding, most if len(options.looks) > 1 else max(min(most, tally.n), LEAST_UNITS))
    same_for_other = None if tally.failure is not None or late else ignores_target(source)
    return judge(
        tally, deciding, options, dependence=dependence, same_for_other=same_for_other, out_of_time=out_of_time
    )


def _dependence(tally: Tally, deciding: str, most: int) -> dict[str, Dependence] | None:
    """Network dependence on at most so many scenes; None where it cannot be tested. A method that fails there has failed."""
    if tally.failure is not None or not tally.source.environment.has_counterpart:
        return None
    test = DependenceTest(tuple(dict.fromkeys((OVERALL, deciding))))
    tally.failure = test.measure(tally, most)
    return None if tally.failure is not None else test.results()
