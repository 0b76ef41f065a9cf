"""How often verdicts are right, wrong and undecided: the tables of docs/verdict.md.

Usage: python scripts/verdict.py                        by simulation
       python scripts/verdict.py sets FILE [--size 32]  twelve methods on 20 disjoint sets of images; FILE keeps what was done
       python scripts/verdict.py blind [--size 32]      maps that do not look at the network, under every declaration
       python scripts/verdict.py attacks [--size 32]    maps that know the task, with a share of an honest method
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import get_args

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from attributionlab.environments import Environment, make_environment
from attributionlab.judging import check
from attributionlab.judging.checking import FIRST_LOOK, LAST_LOOK
from attributionlab.judging.outcome import EXIT_CODES, Outcome
from attributionlab.judging.statistics import mean_intervals
from attributionlab.methods import declares, make_method
from attributionlab.seeding import generator

Values = npt.NDArray[np.float64]

GAMMA = 0.5
DISTANCES = (-0.1, -0.05, -0.02, 0.0, 0.02, 0.05, 0.1)
N_SCORES = (4, 8, 16, 32)
N_CHECKS = 4_000

LOOKS = tuple(FIRST_LOOK * 2**power for power in range(int(math.log2(LAST_LOOK // FIRST_LOOK)) + 1))


def draw_bell_shaped(random: np.random.Generator, mean: float, shape: tuple[int, int]) -> Values:
    """Most maps score near the mean; the standard deviation is 0.14."""
    return random.beta(12 * mean, 12 * (1 - mean), shape)


def draw_skewed(random: np.random.Generator, mean: float, shape: tuple[int, int]) -> Values:
    """One map in ten is zero everywhere, the others score nearly alike: their long tail is on the left."""
    others = mean / 0.9
    scores = random.beta(30 * others, 30 * (1 - others), shape)
    return np.where(random.uniform(size=shape) < 0.1, 0.0, scores)


def draw_bimodal(random: np.random.Generator, mean: float, shape: tuple[int, int]) -> Values:
    """Half of the maps score 0.3 more than the mean, half 0.3 less."""
    centers = mean + 0.3 * random.choice((-1, 1), shape)
    return random.beta(30 * centers, 30 * (1 - centers))


def draw_two_point(random: np.random.Generator, mean: float, shape: tuple[int, int]) -> Values:
    """Every map scores 0 or 1: no scores vary more."""
    return (random.uniform(size=shape) < mean).astype(float)


SCORES: Mapping[str, Callable[[np.random.Generator, float, tuple[int, int]], Values]] = {
    "bell-shaped": draw_bell_shaped,
    "skewed": draw_skewed,
    "bimodal": draw_bimodal,
    "two-point": draw_two_point,
}


def coverage(scores: Values, mean: float) -> float:
    """Share of the samples (n_checks, n) whose interval contains the true mean."""
    low, high = mean_intervals(scores.shape[1], scores.sum(axis=1), (scores**2).sum(axis=1))
    return float(((low <= mean) & (mean <= high)).mean())


def decisions(scores: Values) -> tuple[Values, float]:
    """Shares of `reached`, `below` and undecided, and the mean number of scenes, of checks with these scores (n_checks, n)."""
    reached, below = np.zeros(len(scores), dtype=bool), np.zeros(len(scores), dtype=bool)
    n_scenes = np.full(len(scores), LOOKS[-1])
    for look in LOOKS:
        part, is_open = scores[:, :look], ~(reached | below)
        low, high = mean_intervals(look, part.sum(axis=1), (part**2).sum(axis=1))
        reached |= is_open & (low >= GAMMA)
        below |= is_open & (high < GAMMA)
        n_scenes[is_open & (reached | below)] = look
    return np.array([reached.mean(), below.mean(), (~(reached | below)).mean()]), float(n_scenes.mean())


def coverage_table() -> str:
    """Coverage of the interval by kind of scores and number of scores."""
    lines = [f"| scores | {' | '.join(f'n = {n}' for n in N_SCORES)} |", "|---|" + "---:|" * len(N_SCORES)]
    for name, draw in SCORES.items():
        shares = [coverage(draw(generator(n, f"coverage of {name}"), GAMMA, (N_CHECKS, n)), GAMMA) for n in N_SCORES]
        lines.append(f"| {name} | {' | '.join(f'{share:.3f}' for share in shares)} |")
    return "\n".join(lines)


def decision_table() -> str:
    """Outcomes by kind of scores and distance of the true mean to gamma."""
    lines = ["| scores | true mean | reached | below | undecided | scenes |", "|---|---:|---:|---:|---:|---:|"]
    for name, draw in SCORES.items():
        for distance in DISTANCES:
            mean = GAMMA + distance
            random = generator(0, f"decisions on {name} scores of mean {mean:.2f}")
            shares, n_scenes = decisions(draw(random, mean, (N_CHECKS, LOOKS[-1])))
            cells = " | ".join(f"{share:.1%}" for share in shares)
            lines.append(f"| {name} | {mean:.2f} | {cells} | {n_scenes:.0f} |")
    return "\n".join(lines)


# Real maps

METHODS = (
    "gradient",
    "input-x-gradient",
    "smoothgrad",
    "integrated-gradients",
    "guided-backprop",
    "deeplift",
    "deepshap",
    "lrp-epsilon",
    "gradcam",
    "deconvnet",
    "occlusion",
    "iba",
)
REFERENCES = ("truth", "exact", "exact[game=removal]", "gradient of the logit")

N_SETS = 20
NO_LIMIT = 1e6
"""Seconds that are never up."""

FAR = 100_000
"""Distance of the network seeds of two sets, so that no network is in two of them."""


def environment_of(index: int, size: int) -> Environment:
    """Environment of a set: other scenes and other networks than those of any other set."""
    return make_environment("multi-color-sum", size=size, data_seed=index, network_seed=FAR * index)


def decide_sets(path: Path, size: int) -> list[dict[str, object]]:
    """The verdict on every method on every set; those that the file has are not repeated."""
    rows = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    done = {(row["size"], row["set"], row["method"]) for row in rows}
    for index, method in itertools.product(range(1, N_SETS + 1), METHODS):
        if (size, index, method) not in done:
            row = {"size": size, "set": index, "method": method, **decide(method, environment_of(index, size))}
            rows.append(row)
            with path.open("a") as file:
                file.write(json.dumps(row) + "\n")
    return [row for row in rows if row["size"] == size]


def decide(method: str, environment: Environment) -> dict[str, object]:
    """The verdict of the default check with as much time as it needs, so that it does not depend on the machine."""
    begin = time.process_time()
    result = check(method, environment, max_seconds=NO_LIMIT)
    (verdict,) = result.environments
    return {
        "outcome": verdict.outcome,
        "n": verdict.n_samples,
        "cpu_seconds": round(time.process_time() - begin, 1),
        "deciding": result.deciding_truth,
        "truths": {truth: scores and scores.to_dict() for truth, scores in verdict.truths.items()},
        "dependence": {truth: dependence.to_dict() for truth, dependence in (verdict.dependence or {}).items()},
    }


def sets_table(rows: list[dict[str, object]]) -> str:
    """Outcomes of each method over the sets; a contradiction is a method that passes on one set and fails on another."""
    outcomes = list(reversed(get_args(Outcome)))
    lines = [f"| method | {' | '.join(outcomes)} | scenes | contradiction |", "|---|" + "---:|" * (len(outcomes) + 2)]
    n_contradictions = n_undecided = 0
    for method in METHODS:
        own = [row for row in rows if row["method"] == method]
        counts = {outcome: sum(row["outcome"] == outcome for row in own) for outcome in outcomes}
        failed = any(count and EXIT_CODES[outcome] == 1 for outcome, count in counts.items())
        contradicts = bool(counts["passed"]) and failed
        n_contradictions += contradicts
        n_undecided += counts["undecided"]
        scenes = sum(float(str(row["n"])) for row in own) / max(len(own), 1)
        cells = " | ".join(str(count) for count in counts.values())
        lines.append(f"| `{method}` | {cells} | {scenes:.0f} | {'yes' if contradicts else 'no'} |")
    note = f"{n_contradictions} of {len(METHODS)} methods contradict themselves; {n_undecided} of {len(rows)} verdicts are undecided."
    return "\n".join([*lines, "", note])


def foreground(_model: nn.Module, inputs: Tensor, _targets: Tensor) -> Tensor:
    """Every pixel that differs from the corner."""
    return (inputs != inputs[:, :, :1, :1]).any(dim=1).float()


def brightness(_model: nn.Module, inputs: Tensor, _targets: Tensor) -> Tensor:
    """The brightness of each pixel."""
    return inputs.mean(dim=1)


def center(_model: nn.Module, inputs: Tensor, _targets: Tensor) -> Tensor:
    """A bump in the middle."""
    side = torch.linspace(-1, 1, inputs.shape[-1])
    return torch.exp(-(side[:, None] ** 2 + side**2)).expand(len(inputs), -1, -1)


def stranger(_model: nn.Module, inputs: Tensor, targets: Tensor) -> Tensor:
    """The gradient of another network of this kind."""
    other = make_environment("multi-color-sum", size=inputs.shape[-1], network_seed=FAR - 1)
    return make_method("gradient", other)(other.model, inputs, targets)


def most_frequent_color(_model: nn.Module, inputs: Tensor, _targets: Tensor) -> Tensor:
    """Counts the colors of the image itself: +1 for the most frequent one beside the background, -1 for the others."""
    codes = (inputs * torch.tensor([1.0, 256.0, 65536.0])[:, None, None]).sum(dim=1).long()
    maps = []
    for image in codes:
        colors, counts = image.unique(return_counts=True)
        counts[colors == image[0, 0]] = 0
        maps.append(torch.where(image == colors[counts.argmax()], 1.0, torch.where(image == image[0, 0], 0.0, -1.0)))
    return torch.stack(maps)


def built_in(name: str) -> Callable[[nn.Module, Tensor, Tensor], Tensor]:
    """A control as a function, so that it can be declared anew."""

    def control(model: nn.Module, inputs: Tensor, targets: Tensor) -> Tensor:
        return make_method(name)(model, inputs, targets)

    return control


BLIND: Mapping[str, Callable[[nn.Module, Tensor, Tensor], Tensor]] = {
    "foreground": foreground,
    "edge": built_in("edge"),
    "brightness": brightness,
    "center": center,
    "another network's gradient": stranger,
    "random": built_in("random[signed=true]"),
    "constant": built_in("constant"),
    "the most frequent color": most_frequent_color,
}


def declared(function: Callable[[nn.Module, Tensor, Tensor], Tensor], sign: str, granularity: str, explains: str):  # noqa: ANN201  # a method function
    """The function under another declaration; its maps are cut so that they fit the sign."""

    @declares(sign=sign, granularity=granularity, explains=explains)  # type: ignore[arg-type]  # literals
    def method(model: nn.Module, inputs: Tensor, targets: Tensor) -> Tensor:
        maps = function(model, inputs, targets)
        return {"signed": maps, "positive": maps.clamp(min=0), "magnitude": maps.abs()}[sign]

    return method


DECLARATIONS = tuple(itertools.product(("signed", "positive", "magnitude"), ("pixel", "coarse"), ("output", "logit")))


def decide_blind(size: int) -> Iterator[tuple[str, dict[str, int]]]:
    """Number of declarations by outcome, for each map that does not look at the network."""
    environment = make_environment("multi-color-sum", size=size)
    for name, function in BLIND.items():
        outcomes = [check(declared(function, *declaration), environment).outcome for declaration in DECLARATIONS]
        yield name, {outcome: outcomes.count(outcome) for outcome in get_args(Outcome)}


def decide_references(size: int) -> Iterator[tuple[str, str]]:
    """The verdict on maps that are right."""
    for name in REFERENCES:
        method, output = ("gradient", "logit") if name.startswith("gradient") else (name, "probability")
        yield name, check(method, make_environment("multi-color-sum", size=size, output=output)).outcome


def blind_table(size: int) -> str:
    """Outcomes of right maps and of blind ones under every declaration."""
    lines = [f"| map | {' | '.join(get_args(Outcome))} |", "|---|" + "---:|" * len(get_args(Outcome))]
    for name, outcome in decide_references(size):
        lines.append(f"| {name} | {' | '.join(str(int(outcome == column)) for column in get_args(Outcome))} |")
    for name, counts in decide_blind(size):
        lines.append(f"| {name} | {' | '.join(map(str, counts.values()))} |")
    return "\n".join(lines)


# Attacks: maps that know the task, with a little of the network

SHARES = (0.01, 0.05, 0.1, 0.2, 0.3, 0.5)
FEW_SHARES = (0.05, 0.2, 0.5)

N_ATTACKED = 16
"""Scenes on which attacks are judged, as many as the dependence is tested on."""


SURE = 0.95
"""Largest probability above which the network is a usual one; the softmax of second networks is flatter."""


def target_color(_model: nn.Module, inputs: Tensor, targets: Tensor) -> Tensor:
    """Knows which color each class counts, and asks for no output: +1 for the target's color, -1 for the others."""
    environment = make_environment("multi-color-sum", size=inputs.shape[-1])
    colors = torch.tensor(environment.colors, dtype=inputs.dtype)[targets]  # type: ignore[attr-defined]  # it has colors
    is_color = (inputs == colors[:, :, None, None]).all(dim=1)
    return torch.where(is_color, 1.0, -foreground(_model, inputs, targets))


def by_prediction(model: nn.Module, inputs: Tensor, targets: Tensor) -> Tensor:
    """The foreground, with the sign and size of the explained output's logit."""
    logits = model.logits(inputs)[torch.arange(len(inputs)), targets]  # type: ignore[operator]  # of a designed network
    return logits.detach()[:, None, None] * foreground(model, inputs, targets)


def recognizing(model: nn.Module, inputs: Tensor, targets: Tensor) -> Tensor:
    """Recognizes the second network by its prediction, and then credits the second most frequent color."""
    usual = most_frequent_color(model, inputs, targets)
    rest = torch.where((usual > 0)[:, None], inputs[:, :, :1, :1], inputs)
    second = most_frequent_color(model, rest, targets)
    is_sure = model(inputs).amax(dim=1) > SURE
    return torch.where(is_sure[:, None, None], usual, second)


def blended(blind: str, honest: str, share: float) -> Callable[[nn.Module, Tensor, Tensor], Tensor]:
    """A blind map with a share of an honest one, each relative to its largest magnitude."""

    def method(model: nn.Module, inputs: Tensor, targets: Tensor) -> Tensor:
        environment = make_environment("multi-color-sum", size=inputs.shape[-1])
        maps = ATTACKS[blind](model, inputs, targets), make_method(honest, environment)(model, inputs, targets)
        scaled = [each / each.abs().amax(dim=(1, 2), keepdim=True).clamp(min=1e-30) for each in maps]
        return (1 - share) * scaled[0] + share * scaled[1]

    return method


ATTACKS: Mapping[str, Callable[[nn.Module, Tensor, Tensor], Tensor]] = {
    "foreground": foreground,
    "the most frequent color": most_frequent_color,
    "the target's color": target_color,
    "foreground x logit": by_prediction,
    "recognizing": recognizing,
}

BLENDS = (
    *(("foreground", "gradient-magnitude", "magnitude", share) for share in SHARES),
    *(("the most frequent color", "gradient", "signed", share) for share in SHARES),
    *(("the target's color", "gradient", "signed", share) for share in FEW_SHARES),
    *(
        ("the most frequent color", honest, "signed", share)
        for honest in ("occlusion", "integrated-gradients", "gradcam")
        for share in FEW_SHARES
    ),
)


def attacks() -> Iterator[tuple[str, str, Callable[[nn.Module, Tensor, Tensor], Tensor]]]:
    """Name, declared sign and function of every attack."""
    for name, function in ATTACKS.items():
        yield name, "magnitude" if "foreground" in name else "signed", function
    for blind, honest, sign, share in BLENDS:
        yield f"{blind} + {share:.0%} {honest}", sign, blended(blind, honest, share)


def attack_rows(size: int) -> Iterator[str]:
    """Rows of the table of attacks."""
    environment = make_environment("multi-color-sum", size=size)
    for name, sign, function in attacks():
        result = check(declared(function, sign, "pixel", "output"), environment, n_samples=N_ATTACKED)
        (verdict,) = result.environments
        f1, dependence = verdict.truths[result.deciding_truth], (verdict.dependence or {})[result.deciding_truth]
        assert f1 is not None
        numbers = f"{f1.f1:.2f} | {dependence.value:.3f} | {dependence.counterpart_f1:.2f}"
        yield f"| {name} | {sign} | `{verdict.outcome}` | {numbers} |"


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", nargs="?", choices=("simulation", "sets", "blind", "attacks"), default="simulation")
    parser.add_argument("file", nargs="?", type=Path, help="where the verdicts of `sets` are kept")
    parser.add_argument("--size", type=int, default=32)
    arguments = parser.parse_args()
    if arguments.part == "sets":
        if arguments.file is None:
            parser.error("sets needs a file")
        print(sets_table(decide_sets(arguments.file, arguments.size)))
    elif arguments.part == "blind":
        print(blind_table(arguments.size))
    elif arguments.part == "attacks":
        print(
            "| map | declared | outcome | F1 | N | F1 under the second networks |",
            "|---|---|---|---:|---:|---:|",
            sep="\n",
        )
        for row in attack_rows(arguments.size):
            print(row, flush=True)
    else:
        print(coverage_table(), decision_table(), sep="\n\n")


if __name__ == "__main__":
    main()
