"""Figure 3: a network that is trained on designed data need not use all designed features.

Two images, one per class, each with an object in the center and another at the edge. A network is trained until it tells them apart,
and then tested on the centers alone and on the edges alone. The paper gives neither the network nor the sizes of the objects: the images
were drawn before the first training and not changed since, and several kinds of networks are reported side by side.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from attributionlab.papers.claims import Direction, Finding, JudgedClaim, PublishedClaim, judge_evidence, within
from attributionlab.papers.evidence import average_networks
from attributionlab.papers.studies import Cell, ReportTable, StudyReport, StudySetting
from attributionlab.papers.zhang2024.architectures import resnet8
from attributionlab.papers.zhang2024.published import published

KEY = "figure3"
SIDE = 32
N_NETWORKS = 5
N_STEPS = 100
LEARNING_RATE = 1e-3


@dataclass(frozen=True, eq=False)
class DesignedData:
    """The two training images and their halves, each (2, 1, h, w) in 0..1; image i is of class i.

    Args:
        center: The objects in the center alone.
        edge: The objects at the edge alone.
    """

    center: Tensor
    edge: Tensor

    @property
    def whole(self) -> Tensor:
        """Both objects."""
        return self.center + self.edge


def designed_data() -> DesignedData:
    """A rectangle in the center and a smaller one at the top left (class 0); a disk in the center and one at the lower right (class 1).

    References:
        Zhang et al. 2024, appendix A.
    """
    rows, columns = torch.meshgrid(torch.arange(SIDE), torch.arange(SIDE), indexing="ij")

    def rectangle(row: int, column: int, height: int, width: int) -> Tensor:
        return (rows >= row) & (rows < row + height) & (columns >= column) & (columns < column + width)

    def disk(row: float, column: float, radius: float) -> Tensor:
        return (rows - row) ** 2 + (columns - column) ** 2 <= radius**2

    center = torch.stack([rectangle(11, 10, 10, 12), disk(15.5, 15.5, 5.5)])
    edge = torch.stack([rectangle(1, 1, 5, 7), disk(27.0, 27.0, 3.0)])
    return DesignedData(center[:, None].float(), edge[:, None].float())


def _convolutions() -> list[nn.Module]:
    return [
        nn.Conv2d(1, 8, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Conv2d(8, 16, 3, stride=2, padding=1),
        nn.ReLU(),
    ]


NETWORKS: dict[str, Callable[[], nn.Sequential]] = {
    "convolutions and a linear layer": lambda: nn.Sequential(
        *_convolutions(), nn.Flatten(), nn.Linear(16 * (SIDE // 4) ** 2, 2)
    ),
    "convolutions and a global average": lambda: nn.Sequential(
        *_convolutions(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 2)
    ),
    "one hidden layer on the pixels": lambda: nn.Sequential(
        nn.Flatten(), nn.Linear(SIDE**2, 64), nn.ReLU(), nn.Linear(64, 2)
    ),
    "ResNet-8 of Table 1": lambda: resnet8(2, n_colors=1),
}
"""Usual small networks by description; the paper does not say which one it trained, so all of them are reported."""


def train(build: Callable[[], nn.Sequential], images: Tensor, seed: int, *, n_steps: int = N_STEPS) -> nn.Sequential:
    """A network trained on two images, one per class, by Adam from weights of this seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = build()
    labels = torch.arange(2)
    optimizer = torch.optim.Adam(network.parameters(), lr=LEARNING_RATE)
    for _ in range(n_steps):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(network(images), labels)
        loss.backward()
        optimizer.step()
    return network.eval()


def accuracy(network: nn.Module, images: Tensor) -> float:
    """Share of the two images that are classified correctly."""
    return float((_outputs(network, images).argmax(dim=1) == torch.arange(2)).double().mean())


def confidence(network: nn.Module, images: Tensor) -> float:
    """Mean probability of the right class over the two images, in [0, 1]."""
    return float(_outputs(network, images).softmax(dim=1).diagonal().double().mean())


def _outputs(network: nn.Module, images: Tensor) -> Tensor:
    with torch.no_grad():
        outputs: Tensor = network(images)
    return outputs


STATEMENTS = {
    "whole": "A network trained on the designed images is right on them",
    "edge": "It is right where only the objects at the edge are left",
    "center": "It guesses where only the objects in the center are left",
    "half": "It is right on one half and guesses on the other: half of the designed features are ignored",
}


def figure3(
    _setting: StudySetting | None = None, *, n_networks: int = N_NETWORKS, n_steps: int = N_STEPS
) -> StudyReport:
    """Figure 3: train networks of each kind, and test each on both halves of the images."""
    designed, printed = designed_data(), published()[KEY]
    parts = {"whole": designed.whole, "edge": designed.edge, "center": designed.center}
    trained = {
        kind: [train(build, designed.whole, seed, n_steps=n_steps) for seed in range(n_networks)]
        for kind, build in NETWORKS.items()
    }
    claims = tuple(
        JudgedClaim(
            _claim(name, printed),
            tuple(_finding(name, printed[name], kind, networks, parts) for kind, networks in trained.items()),
        )
        for name in STATEMENTS
    )
    title = "Figure 3: a trained network ignores designed features"
    notes = (NOTE.format(n_networks=n_networks, n_steps=n_steps, side=SIDE),)
    return StudyReport(KEY, title, claims, (_table(trained, parts, printed),), notes)


NOTE = (
    "{n_networks} networks of each kind were trained by Adam for {n_steps} steps on the two images, at {side}x{side} pixels, whatever the preset. "
    "The paper trained one network and gives neither it nor the sizes of the objects. The images were settled before any "
    "network was trained. The first kind of network used both halves. Other kinds were added after that, and every kind that "
    "was tried is reported."
)


def _claim(name: str, printed: Mapping[str, Any]) -> PublishedClaim:
    is_gap = name == "half"
    return PublishedClaim(
        key=f"{KEY}.{name}",
        source=printed["source"],
        statement=STATEMENTS[name],
        published=f"{'a gap of' if is_gap else 'accuracy'} {printed[name]:.0%}",
        test="the same gap between the halves, whichever is ignored" if is_gap else "the same accuracy",
        direction="surer of the edge than of the center" if name == "center" else "",
    )


def _finding(
    name: str, target: float, kind: str, networks: Sequence[nn.Module], parts: Mapping[str, Tensor]
) -> Finding:
    accuracies = {part: [accuracy(network, images) for network in networks] for part, images in parts.items()}
    pairs = list(zip(accuracies["edge"], accuracies["center"], strict=True))
    direction, note = None, ""
    if name == "center":
        surer = [confidence(network, parts["edge"]) - confidence(network, parts["center"]) for network in networks]
        direction = Direction(average_networks(surer), lambda difference: difference > 0)
        if any(edge == center == target for edge, center in pairs):
            note = "but some guess on the edge as well: neither half alone suffices"
    if name == "half" and any(edge < center for edge, center in pairs):
        note = "some ignore the edge, where the paper's network ignored the center"
    gaps = [abs(edge - center) for edge, center in pairs]
    evidence = average_networks(gaps if name == "half" else accuracies[name])
    return judge_evidence(evidence, within(target, 0.0), direction, reading=kind, note=note)


def _table(
    trained: Mapping[str, Sequence[nn.Module]], parts: Mapping[str, Tensor], printed: Mapping[str, float]
) -> ReportTable:
    columns = ["network", *(f"accuracy, {name}" for name in parts), *(f"probability, {name}" for name in parts)]
    rows: list[tuple[Cell, ...]] = [("published", *(printed[name] for name in parts), *(None for _ in parts))]
    for kind, networks in trained.items():
        means = [
            sum(score(network, images) for network in networks) / len(networks)
            for score in (accuracy, confidence)
            for images in parts.values()
        ]
        rows.append((f"{kind}, mean of {len(networks)}", *means))
    return ReportTable("", tuple(columns), tuple(rows))
