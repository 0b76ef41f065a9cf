"""Networks that count the pixels of colors: those of `multi-color-sum`, its counterparts, and the same with a bug."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from attributionlab.environments.bugs import EXCHANGED, REINITIALIZING
from attributionlab.networks import Accumulator, Color, ColorDetector, DesignedNetwork, build_identity_head, express
from attributionlab.networks.bugs import exchange_outputs, reinitialize, replace_detector

if TYPE_CHECKING:
    from attributionlab.environments.multi_color_sum import MultiColorSum


def build_color_network(
    environment: MultiColorSum, shown: Sequence[Color | None], temperature: float
) -> DesignedNetwork:
    """The network whose channels are active at the `shown` colors, with the environment's bug.

    Args:
        environment: The environment with the options of the network.
        shown: The color that activates each channel; None if no color does.
        temperature: Divisor of the counts.
    """
    colors = environment.colors
    network = DesignedNetwork(
        _detector(environment, colors, colors if environment.bug == "frozen" else shown),
        Accumulator(
            len(colors),
            (environment.height, environment.width),
            design=environment.accumulator,
            n_kernels=environment.n_kernels,
            redundancy=environment.redundancy,
            seed=environment.network_seed,
            grouped=environment.layout == "compact",
        ),
        build_identity_head(len(colors), temperature),
        softmax=environment.output == "probability",
        classes=[str(color) for color in colors],
    )
    if environment.bug == "mislabeled":
        network = exchange_outputs(network, *EXCHANGED)
    if environment.bug == "frozen":
        network = replace_detector(network, _detector(environment, environment.palette, shown))
    if environment.bug in REINITIALIZING:
        network = reinitialize(network, environment.reinitialized, environment.network_seed)
    return express(network, environment.activation, environment.structure)


def _detector(environment: MultiColorSum, palette: tuple[Color, ...], shown: Sequence[Color | None]) -> ColorDetector:
    """A detector of a palette."""
    share_thresholds = environment.layout == "compact"
    return ColorDetector(
        palette, environment.background, environment.n_redundant, share_thresholds=share_thresholds, shown=shown
    )
