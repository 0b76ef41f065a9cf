"""Color detector (Eq. 4, 5, 14, 15): classifies each pixel as one of the known colors, or as unknown.

    C_i(r, g, b) = ReLU(I_R(r) + I_G(g) + I_B(b) - 2)      1 at its color, 0 at every other integer color
    R(r, g, b)   = ReLU(1 - sum_i C_i(r, g, b))            1 at unknown colors only; the background is known

**Computes** one channel per color and `n_redundant` equal redundant channels, by five 1x1 convolutions. The background
is detected like a color, used in R, and then dropped: it activates nothing.

**Exact for** all 16,777,216 integer colors (`verify --exhaustive` tries every one).

**Margin** 1 per color channel: an unknown color differs from each known one by at least 1 in red, green or blue. There
the number checker returns 0. So the sum of three checks is at most 2, and the ReLU gives 0.

**Why** redundant channels stand for the behavior of a trained network on inputs that it has never seen.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from attributionlab.errors import bad_option
from attributionlab.networks.number_checker import add_check, add_comparisons, add_ramps
from attributionlab.networks.wiring import Wiring, activated

Color = tuple[int, int, int]

CHANNELS = ("red", "green", "blue")


class ColorDetector(nn.Module):
    """Five 1x1 convolutions, each followed by ReLU: (b, 3, h, w) to (b, colors + redundant, h, w), every value 0 or 1.

    Args:
        colors: The colors to detect, distinct integers in 0..255; one output channel each.
        background: A known color that activates nothing.
        n_redundant: Number of redundant channels, which are 1 at unknown colors.
        share_thresholds: Whether equal thresholds are computed once. False builds the network as the paper draws it, with
            9K, 6K, 3K and K channels for K = colors + 1; True gives the same function with fewer channels.
        shown: Color that each of the first channels shows; by default its own. With None a channel is always 0. A color that no
            channel shows is still known: it does not activate redundant channels.

    Raises:
        BadOption: If a color occurs twice, or is the background.
    """

    def __init__(
        self,
        colors: Sequence[Color],
        background: Color,
        n_redundant: int,
        *,
        share_thresholds: bool = True,
        shown: Sequence[Color | None] | None = None,
    ) -> None:
        super().__init__()
        if len({*colors, background}) <= len(colors):
            raise bad_option("colors", "be distinct, and differ from the background", (*colors, background))
        ramps = Wiring(CHANNELS)
        comparisons, checks, detections = Wiring([]), Wiring([]), Wiring([])
        for index, color in enumerate((*colors, background)):
            color_checks = []
            for channel, number in zip(CHANNELS, color, strict=True):
                name = channel if share_thresholds else f"{channel} of color {index}"
                add_ramps(ramps, channel, number, name)
                add_comparisons(comparisons, number, name)
                color_checks.append(add_check(checks, number, name))
            detections.add(str(color), dict.fromkeys(color_checks, 1.0), -2.0)
        comparisons.inputs, checks.inputs = ramps.outputs, comparisons.outputs
        detections.inputs = checks.outputs

        channels = Wiring(detections.outputs)
        for color, seen in zip(colors, colors if shown is None else shown, strict=True):
            channels.add(str(color), {} if seen is None else {str(seen): 1.0})
        for index in range(n_redundant):
            channels.add(f"redundant {index}", dict.fromkeys(detections.outputs, -1.0), 1.0)

        self.colors, self.background = tuple(colors), background
        self.channels = tuple(channels.outputs)
        """Names of the output channels: the colors, then `redundant 0`, `redundant 1`, ..."""
        stages = (ramps, comparisons, checks, detections, channels)
        self.layers = activated([stage.pointwise() for stage in stages])

    def forward(self, inputs: Tensor) -> Tensor:
        """Detect: (b, 3, h, w) to (b, k, h, w)."""
        detected: Tensor = self.layers(inputs)
        return detected
