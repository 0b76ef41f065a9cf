"""Scenes drawn and rendered per second on one core. Prints the table of docs/benchmarks.md."""

from __future__ import annotations

import time

import torch

import attributionlab as al

SIZES = (16, 64, 112, 224, 512)
N_SCENES = 100


def main() -> None:
    """Measure and print."""
    torch.set_num_threads(1)
    print("Images/s with truth, one core\n")
    print(f"| environment | {' | '.join(f'{size}x{size}' for size in SIZES)} |")
    print(f"|---|{'---|' * len(SIZES)}")
    for name in ("multi-color-sum", "single-color-modulo"):
        rates = []
        for size in SIZES:
            environment = al.make_environment(name, size=size)
            environment.sample(1)
            begin = time.perf_counter()
            for start in range(0, N_SCENES, 10):
                environment.sample(10, start)
            rates.append(N_SCENES / (time.perf_counter() - begin))
        print(f"| `{name}` | {' | '.join(f'{rate:.0f}' for rate in rates)} |")


if __name__ == "__main__":
    main()
