"""Processor time of integrated gradients at 224x224 with glibc's usual settings of memory, and with memory that is kept.

Every figure is the least of several processes, which take turns. Prints the table of docs/benchmarks.md. Linux with glibc only.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys

REPEATS = 3

KEPT = {
    "MALLOC_MMAP_THRESHOLD_": "33554432",
    "MALLOC_TRIM_THRESHOLD_": "536870912",
    "MALLOC_TOP_PAD_": "67108864",
}
"""Blocks up to 32 MB come from the heap, which grows by 64 MB and gives back what is free above 512 MB."""

WORK = """
import attributionlab as al
environment = al.make_environment("multi-color-sum", size=224)
batch = environment.sample(4)
method = al.make_method("integrated-gradients[n_steps=50]")
for _ in range(3):
    method(environment.model, batch.inputs, batch.targets)
"""


def main() -> None:
    """Measure and print."""
    settings = {"usual": {}, "kept": KEPT}
    seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in settings}
    for _ in range(REPEATS):
        for name, variables in settings.items():
            seconds[name].append(processor_seconds(variables))
    least = {name: min(pairs, key=sum) for name, pairs in seconds.items()}
    print("| memory | user CPU s | system CPU s | ratio of the sums |")
    print("|---|---|---|---|")
    for name, (user, system) in least.items():
        print(f"| {name} | {user:.1f} | {system:.1f} | {(user + system) / sum(least['usual']):.2f} |")


def processor_seconds(variables: dict[str, str]) -> tuple[float, float]:
    """User and system seconds of one process under some environment variables."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    environ = {**os.environ, "OMP_NUM_THREADS": "1", **variables}
    subprocess.run([sys.executable, "-c", WORK], check=True, env=environ)  # noqa: S603  # our own code
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime, after.ru_stime - before.ru_stime


if __name__ == "__main__":
    main()
