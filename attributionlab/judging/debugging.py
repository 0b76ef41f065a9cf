"""The debugging test: which bugs do the maps of a method reveal? (Adebayo et al. 2020, with exact truth)

Each scene is explained twice: by a healthy network A, and with a bug, B. With F(m, g) the agreement of map m with truth g,

    D = (F(m_A, g_A) + F(m_B, g_B) - F(m_A, g_B) - F(m_B, g_A)) / 2
    follows = mean D / mean D of the truth itself

is 1 for maps that change as the truth does, and exactly 0 for maps that do not change. F is the F1 against the truth's
mask where the network has a closed form, else the cosine with the exact effects of all pixels. The truth of B is empty
if no pixel has an effect. A map must then be empty, too. D is then 1 - ||m_B|| / ||m_A|| (sums of magnitudes), at least
0, and 1 for the truth.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

from torch import Tensor

from attributionlab.judging.bug_cases import BugCase, bug_cases
from attributionlab.judging.debug_report import BugVerdict, DebugReport
from attributionlab.judging.debug_scenes import DebugScenes, MethodFailed
from attributionlab.judging.debug_tally import LEAST_IMAGES, BugTally, begin_verdict
from attributionlab.machine import find_device, versions
from attributionlab.measuring.applicable import deciding_truth
from attributionlab.measuring.progress import Progress, no_progress
from attributionlab.methods import AnyMethod, make_method
from attributionlab.specs.arguments import MOST_IMAGES, require_function, share, whole_number


def debug(
    method: str | AnyMethod | Callable[..., Tensor],
    bugs: Sequence[str] | None = None,
    *,
    n_samples: int = 8,
    gamma: float = 0.5,
    size: int = 32,
    seed: int = 0,
    device: str = "auto",
    progress: Progress | None = None,
) -> DebugReport:
    """Test which designed bugs the maps of a method reveal.

    Args:
        method: A name or spec, a function `(model, inputs, targets) -> Tensor`, or the location of one.
        bugs: Names or specs of bugs: `spurious-background`, or one of those of `multi-color-sum`, such as `mislabeled`,
            `cascade[layer=block2]` or `frozen[n_redundant=0]`; a bug that needs a layer and names none is tested in all of them.
            By default all bugs.
        n_samples: Scenes for each bug, at least 2; scene i is explained under networks with seed + i.
        gamma: A bug is revealed if maps follow more than this part of the truth's change, in [0, 1].
        size: Side of the images in pixels, where a bug's spec does not set it.
        seed: Seed of scenes and weights.
        device: `auto` (a GPU if there is one), `cpu` or `cuda`.
        progress: Called with 1 after each scene of each bug.

    Returns:
        The verdicts; `.revealed`, `.bugs`, `.to_dict()`.

    Raises:
        UnknownName: If there is no such bug, or the networks have no such layer.
        BadOption: If an option is not valid.
        MachineError: If there is no such device.

    References:
        Adebayo et al. 2020, sections 3 to 5.

    Example:
        >>> debug("truth", ["mislabeled"], n_samples=2, size=16).revealed
        ('mislabeled',)
    """
    subject = make_method(method)
    n_samples = whole_number("n_samples", n_samples, LEAST_IMAGES, MOST_IMAGES)
    whole_number("seed", seed, 0)
    threshold, torch_device = share("gamma", gamma), find_device(device)
    report = require_function("progress", progress, "(n)") or no_progress
    scenes = DebugScenes(subject, torch_device, seed)
    cases = bug_cases(bugs, size=size, seed=seed)
    verdicts = tuple(_judge(case, scenes, n_samples, threshold, report) for case in cases)
    return DebugReport(subject.spec, threshold, n_samples, seed, verdicts, versions())


def _judge(case: BugCase, scenes: DebugScenes, n_samples: int, gamma: float, progress: Progress) -> BugVerdict:
    """The verdict on one bug."""
    tally = BugTally(deciding_truth(scenes.method.declaration, case.healthy))
    try:
        for index in range(n_samples):
            tally.add(scenes, case, index)
            progress(1)
    except MethodFailed as error:
        return dataclasses.replace(begin_verdict(case), error=error.failure)
    return tally.verdict(case, gamma)
