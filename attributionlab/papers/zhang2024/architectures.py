"""Table 1: layers and parameters of the designed network and of ResNet-8, counted from modules."""

from __future__ import annotations

from torch import Tensor, nn

from attributionlab.environments import make_environment
from attributionlab.papers.claims import JudgedClaim, PublishedClaim, judge_evidence, within
from attributionlab.papers.evidence import average_networks
from attributionlab.papers.studies import ReportTable, StudyReport, StudySetting
from attributionlab.papers.zhang2024.published import fitted, published, published_table

KEY = "table1"
LAYERS = (nn.Conv2d, nn.Linear)
"""Modules that are counted as layers; batch norm is not, although it has weights."""


class ResidualBlock(nn.Module):
    """A residual block: two 3x3 convolutions with batch norm, and a 1x1 one beside them where the width changes.

    Args:
        n_in: Channels in.
        n_out: Channels out; the side is halved where they differ.
    """

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__()
        stride = 1 if n_in == n_out else 2
        self.main = nn.Sequential(
            nn.Conv2d(n_in, n_out, 3, stride, 1, bias=False),
            nn.BatchNorm2d(n_out),
            nn.ReLU(),
            nn.Conv2d(n_out, n_out, 3, 1, 1, bias=False),
            nn.BatchNorm2d(n_out),
        )
        shortcut = (nn.Conv2d(n_in, n_out, 1, stride, bias=False), nn.BatchNorm2d(n_out))
        self.shortcut = nn.Identity() if n_in == n_out else nn.Sequential(*shortcut)
        self.activation = nn.ReLU()

    def forward(self, inputs: Tensor) -> Tensor:
        """(b, c, h, w) to (b, k, h', w')."""
        outputs: Tensor = self.activation(self.main(inputs) + self.shortcut(inputs))
        return outputs


def resnet8(n_classes: int = 10, *, n_colors: int = 3) -> nn.Sequential:
    """ResNet-8 of appendix E: a convolution, three blocks of 64, 128 and 256 channels, a linear layer.

    References:
        He et al. 2016; Zhang et al. 2024, appendix E, which leaves the widths open: these have the printed count.

    Example:
        >>> sum(weights.numel() for weights in resnet8().parameters())
        1227594
    """
    return nn.Sequential(
        nn.Conv2d(n_colors, 64, 3, 1, 1, bias=False),
        nn.BatchNorm2d(64),
        nn.ReLU(),
        ResidualBlock(64, 64),
        ResidualBlock(64, 128),
        ResidualBlock(128, 256),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(256, n_classes),
    )


def count_weights(model: nn.Module) -> tuple[int, int]:
    """The number of layers with weights, and of parameters."""
    n_layers = sum(isinstance(module, LAYERS) for module in model.modules())
    return n_layers, sum(weights.numel() for weights in model.parameters())


def table1(_setting: StudySetting | None = None) -> StudyReport:
    """Table 1 at 224x224, whatever the preset: modules are counted, nothing is measured."""
    printed = published_table(KEY)
    models = {"Ours": make_environment("single-color-modulo").model, "ResNet-8": resnet8()}
    counts = {name: count_weights(model) for name, model in models.items()}
    claims = tuple(
        _judged(
            PublishedClaim(
                key=f"{KEY}.{name.lower()}.{column}",
                source=printed.source,
                statement=f"{name} has {target:,} {column}",
                published=f"{target:,}",
                test="equal",
                fitted=fitted(published()[KEY]["fitted"][f"{name} {column}"]),
            ),
            target,
            counted,
        )
        for name in models
        for column, target, counted in zip(printed.columns, printed.rows[name], counts[name], strict=True)
    )
    rows = tuple(
        (name, *(value for pair in zip(printed.rows[name], counts[name], strict=True) for value in pair))
        for name in models
    )
    columns = ("model", *(f"{column}, {whose}" for column in printed.columns for whose in ("published", "ours")))
    return StudyReport(KEY, "Table 1: model summary", claims, (ReportTable("", columns, rows),), NOTES)


NOTES = (
    "The designed network is that of `single-color-modulo` at 224x224 with its defaults (N = 30, U = 4920).",
    (
        "Appendix E does not give the widths of ResNet-8; 3x3 convolutions of 64, 128 and 256 channels without bias, batch norm, "
        "two 1x1 shortcuts and 10 classes have exactly the printed count. Layers are convolutions and linear layers."
    ),
)


def _judged(claim: PublishedClaim, target: float, counted: int) -> JudgedClaim:
    """A printed count beside ours."""
    finding = judge_evidence(average_networks([counted]), within(target, 0), note="counted from modules")
    return JudgedClaim(claim, (finding,))
