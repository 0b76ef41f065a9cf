"""How often verdicts are right, wrong and undecided, by simulation: the tables of docs/verdict.md.

Usage: python scripts/verdict.py
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from attributionlab.judging.checking import FIRST_LOOK, LAST_LOOK
from attributionlab.judging.statistics import mean_intervals
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


def main() -> None:
    """Print both tables."""
    print(coverage_table(), decision_table(), sep="\n\n")


if __name__ == "__main__":
    main()
