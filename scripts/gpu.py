"""Everything that a GPU is measured for, in one command: the same bits as on the CPU, speed, and where the time goes.

Usage: python scripts/gpu.py -o FOLDER [--budget SECONDS] [--device cuda|cpu] [--quick]

Writes `gpu.json` and `gpu.md` into the folder, anew after every section, so that a run that is killed leaves what it measured.
Sections run in the order of their importance, each in its share of the time; what does not fit is recorded as not measured.
`--device cpu` compares the CPU with itself: it tries the script where there is no GPU, `--quick` at small sizes.

Exit codes: 0 done, 1 something differs or failed, 2 usage, 3 no GPU.

To measure something new: add an entry to `CHECKS` (bits), `SPEEDS` (time) or `PROFILED` (where the time goes).
"""

from __future__ import annotations

import argparse
import contextlib
import copy
import dataclasses
import datetime as dt
import functools
import importlib.util
import json
import math
import os
import platform
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.profiler import ProfilerActivity, profile

import attributionlab as al
from attributionlab.environments import ENVIRONMENTS
from attributionlab.methods import METHODS, context_for
from attributionlab.networks import DesignedNetwork
from attributionlab.perturbation import DensePixels, SwitchedPixels, WindowedCounts, descending, random_orders
from attributionlab.seeding import generator

Outcome = Literal["equal", "rounded", "different", "measured", "failed", "not measured"]
Values = dict[str, Any]

ROOT = Path(__file__).parents[1]
NO_GPU = "torch sees no CUDA device here; `--device cpu` tries the script without one"
OUT_OF_TIME = "out of time"
BAD_OUTCOMES = ("different", "failed")

DESIGNS = ("accumulator=uniform", "accumulator=nonnegative", "accumulator=signed", "structure=residual")
SIZES = (17, 64, 224, 32, 112)
"""In the order of their importance: an odd one, a usual one, that of the paper, and what lies between."""

ROUNDING = 1e-6
"""Largest difference of probabilities and sums that counts as rounding."""

GAP_OF_MAPS = 1e-4
"""Largest difference of maps, relative to the largest magnitude of a map, that counts as rounding."""

MAP_ENVIRONMENTS = ("multi-color-sum", "multi-color-sum[output=logit]", "single-color-modulo")
TWELVE_METHODS = (
    "gradient",
    "input-x-gradient",
    "integrated-gradients[n_steps=50]",
    "guided-backprop",
    "deeplift",
    "deepshap",
    "lrp-epsilon",
    "gradcam",
    "occlusion",
    "lime",
    "random",
    "constant",
)
CURVES_GOAL = 1000
"""Complete curves per second at 224x224 that a GPU should reach."""

MARK = "pytest.mark." + "gpu"
"""How tests are marked that need a GPU; in two pieces, so that the test of this script is not taken for one of them."""

N_OPERATORS = 10
"""Operators of a profile that are kept."""

WAITS = ("aten::_local_scalar_dense", "aten::nonzero", "Memcpy DtoH (Device -> Pageable)", "cudaStreamSynchronize")
"""Names in a profile that say how often the CPU waited for the device."""


@dataclass(frozen=True)
class Scope:
    """Where and how much is measured.

    Args:
        device: The device that is compared with the CPU and timed.
        quick: Whether small sizes and few repetitions will do.
        end: When all must be over, by `time.monotonic`.
    """

    device: torch.device
    quick: bool
    end: float

    @property
    def size(self) -> int:
        """Side of the images that are timed."""
        return 17 if self.quick else 224

    @property
    def map_size(self) -> int:
        """Side of the images whose maps are compared."""
        return 17 if self.quick else 64

    @property
    def n_orders(self) -> int:
        """Curves that are evaluated together."""
        return 8 if self.quick else 128

    def synchronize(self) -> None:
        """Wait until the device has done what it was given."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    def seconds(self, function: Callable[[], object], n_repeats: int = 3) -> float:
        """Seconds of a call, the best of several after one that warms up."""
        function()
        times = []
        for _ in range(1 if self.quick else n_repeats):
            self.synchronize()
            begin = time.perf_counter()
            function()
            self.synchronize()
            times.append(time.perf_counter() - begin)
        return min(times)


@dataclass(frozen=True)
class Task:
    """One measurement, by name; `measure` returns its outcome and values."""

    name: str
    measure: Callable[[], tuple[Outcome, Values]]


@dataclass(frozen=True)
class Row:
    """Result of a task.

    Args:
        name: The task's name.
        outcome: `equal` bits, `rounded` (different by rounding where rounding is allowed), `different`, `measured`,
            `failed` (it raised) or `not measured`.
        values: Figures; `error` where it failed, `reason` where it was not measured.
    """

    name: str
    outcome: Outcome
    values: Values


@dataclass(frozen=True)
class Section:
    """Tasks of one kind and their share of the time; what a section leaves over is there for the later ones."""

    name: str
    title: str
    share: float
    tasks: Callable[[Scope], Iterator[Task]]


# 1. The same bits


@dataclass(frozen=True, eq=False)
class Case:
    """A network on some device with images, their replacements and orders of their pixels.

    Args:
        model: The network.
        images: (b, c, h, w).
        replacements: (b, c, h, w).
        orders: (b, n, P) int64.
        targets: (b,) int64.
    """

    model: DesignedNetwork
    images: Tensor
    replacements: Tensor
    orders: Tensor
    targets: Tensor

    @classmethod
    def of(cls, environment: al.Environment, kind: str, dtype: torch.dtype) -> Case:
        """Scenes on black (in distribution), or images of random integer colors (out of distribution), on the CPU."""
        batch = environment.sample(2)
        images = batch.inputs if kind == "scenes" else noise_like(batch.inputs, "images")
        replacements = torch.zeros_like(images) if kind == "scenes" else noise_like(images, "replacements")
        orders = random_orders(4, images[0, 0].numel()).unflatten(0, (2, 2))
        model = copy.deepcopy(environment.model).to(dtype)
        assert isinstance(model, DesignedNetwork)
        return cls(model, images.to(dtype), replacements.to(dtype), orders, batch.targets)

    def to(self, device: torch.device) -> Case:
        """The same case on another device; the network is moved, not copied."""
        tensors = (self.images, self.replacements, self.orders, self.targets)
        return Case(self.model.to(device), *(tensor.to(device) for tensor in tensors))


def noise_like(images: Tensor, key: str) -> Tensor:
    """Random integer colors: 0 to 255, or 0 and 1 where there is one channel."""
    largest = 256 if images.shape[1] == 3 else 2
    return torch.from_numpy(generator(0, "gpu", key).integers(0, largest, tuple(images.shape))).float()


class Logits(nn.Module):
    """The logits of a designed network as a network."""

    def __init__(self, model: DesignedNetwork) -> None:
        super().__init__()
        self.model = model

    def forward(self, inputs: Tensor) -> Tensor:
        """(b, c, h, w) to (b, k)."""
        return self.model.logits(inputs)


def windowed_counts(case: Case) -> Tensor:
    """Counts under some windows of the first image."""
    places = torch.arange(0, case.images.shape[2] - 1, 5, device=case.images.device)
    grid = torch.cartesian_prod(places, places)
    windows = WindowedCounts(case.model, case.images[:1], case.replacements[:1])
    return windows.counts(grid[:, 0], grid[:, 1], 5)


def dense_logits(case: Case) -> Tensor:
    """Logits at five steps of each order, by forward passes."""
    steps = torch.linspace(0, case.orders.shape[2], 5).long()
    return DensePixels(Logits(case.model), case.images, case.replacements).all_outputs(case.orders, steps)


def switched(case: Case) -> SwitchedPixels:
    """The images while their pixels are replaced."""
    return SwitchedPixels(case.model, case.images, case.replacements)


@dataclass(frozen=True)
class Check:
    """Something to compare with the CPU, as a function of a case; `exact` where not even rounding is allowed."""

    name: str
    compute: Callable[[Case], Tensor]
    exact: bool = True


CHECKS: tuple[Check, ...] = (
    Check("counts", lambda case: case.model.counts(case.images)),
    Check("logits", lambda case: case.model.logits(case.images)),
    Check("outputs", lambda case: case.model(case.images), exact=False),  # a softmax rounds
    Check("curves of logits", lambda case: switched(case).logits(case.orders)),
    Check("curves of outputs", lambda case: switched(case).outputs(case.orders, case.targets), exact=False),
    Check("curves by forward passes", dense_logits),
    Check("counts under windows", windowed_counts),
    Check("orders by attribution", lambda case: descending(case.images.sum(dim=1), case.images)),
)
"""Compared for every environment, design, size and dtype."""


@contextlib.contextmanager
def precision(name: str) -> Iterator[None]:
    """Set how precisely float32 is multiplied: `tf32`, as users may switch it on and PyTorch does for convolutions, or `ieee`."""
    backends: Any = torch.backends
    switches = (backends.cuda.matmul, backends.cudnn.conv, backends.mkldnn.matmul, backends.mkldnn.conv)
    before = [switch.fp32_precision for switch in switches]
    try:
        for switch in switches:
            switch.fp32_precision = name
        yield
    finally:
        for switch, setting in zip(switches, before, strict=True):
            switch.fp32_precision = setting


def precision_modes(device: torch.device) -> dict[str, Callable[[], contextlib.AbstractContextManager[object]]]:
    """Settings of the arithmetic under which the bits must be the same, by name."""
    autocast = functools.partial(torch.autocast, device.type, dtype=torch.bfloat16)
    return {"plain": contextlib.nullcontext, "autocast": autocast, "tf32": functools.partial(precision, "tf32")}


def equality_tasks(scope: Scope) -> Iterator[Task]:
    """Each environment, design, size, kind of images and dtype, under every setting of the arithmetic."""
    for mode in ("autocast", "tf32"):
        yield Task(f"control: plain operators under {mode}", functools.partial(compare_control, scope, mode))
    for size in SIZES[:1] if scope.quick else SIZES:
        for name in ENVIRONMENTS:
            for design in DESIGNS:
                for kind in ("scenes", "noise"):
                    for dtype in (torch.float32, torch.float64):
                        title = f"{name}[{design},size={size}] {kind} {str(dtype).removeprefix('torch.')}"
                        measure = functools.partial(compare_case, scope, name, design, size, kind, dtype)
                        yield Task(title, measure)


def compare_control(scope: Scope, mode: str) -> tuple[Outcome, Values]:
    """Whether a setting has any effect on this device: where it has none, equal bits under it prove nothing."""
    random = torch.Generator().manual_seed(0)
    images, weight, matrix = (
        torch.randn(shape, generator=random).to(scope.device)
        for shape in ((8, 64, 64, 64), (64, 64, 3, 3), (1024, 1024))
    )

    def results() -> list[Tensor]:
        return [nn.functional.conv2d(images, weight).float(), (matrix @ matrix).float()]

    with precision("ieee"):
        plain = results()
    with precision_modes(scope.device)[mode]():
        names = ("convolution", "matrix product")
        changed = [name for name, a, b in zip(names, results(), plain, strict=True) if not torch.equal(a, b)]
    return "measured", {"changes": changed}


@torch.no_grad()
def compare_case(
    scope: Scope, name: str, design: str, size: int, kind: str, dtype: torch.dtype
) -> tuple[Outcome, Values]:
    """All checks of a case on the device under every setting, against the CPU without any."""
    environment = al.make_environment(f"{name}[{design},size={size}]")
    case = Case.of(environment, kind, dtype)
    expected = {check.name: check.compute(case) for check in CHECKS}
    there = case.to(scope.device)
    outcomes: list[Outcome] = []
    differences = []
    for mode, setting in precision_modes(scope.device).items():
        for check in CHECKS:
            with setting():
                result = check.compute(there).cpu()
            outcome, gap = compare(expected[check.name], result, 0.0 if check.exact else ROUNDING)
            outcomes.append(outcome)
            if outcome != "equal":
                differences.append({"check": check.name, "mode": mode, "outcome": outcome, "gap": gap})
    kinds: tuple[Outcome, ...] = ("different", "rounded", "equal")
    worst = next(kind for kind in kinds if kind in outcomes)
    return worst, {**{kind: outcomes.count(kind) for kind in kinds}, "differences": differences}


def compare(expected: Tensor, result: Tensor, tolerance: float) -> tuple[Outcome, float | None]:
    """Whether two tensors have the same bits, and the largest difference relative to the largest expected magnitude.

    The difference is None where it is not a finite number.
    """
    if expected.shape != result.shape or expected.dtype != result.dtype:
        raise ValueError(
            f"{expected.dtype} of shape {tuple(expected.shape)} became {result.dtype} {tuple(result.shape)}"
        )
    if torch.equal(expected, result):
        return "equal", 0.0
    scale = float(expected.double().abs().max()) or 1.0
    gap = float((expected.double() - result.double()).abs().max()) / scale
    return ("rounded" if gap <= tolerance else "different"), (gap if math.isfinite(gap) else None)


# 2. Maps of methods


def map_tasks(scope: Scope) -> Iterator[Task]:
    """The map of every registered method against that of the CPU."""
    for spec in MAP_ENVIRONMENTS:
        for method in METHODS:
            yield Task(f"{method} on {spec}", functools.partial(compare_maps, scope, spec, method))


def compare_maps(scope: Scope, spec: str, method: str) -> tuple[Outcome, Values]:
    """A method's maps of two images."""
    environment = al.make_environment(spec, size=scope.map_size)
    batch = environment.sample(2)
    expected = attribute(environment, batch, method)
    maps = attribute(environment.to(scope.device), batch.to(scope.device), method)
    outcome, gap = compare(expected, maps.cpu(), GAP_OF_MAPS)
    return outcome, {"method": method, "environment": spec, "gap": gap, "all_zero": not bool(expected.any())}


def attribute(environment: al.Environment, batch: al.Batch, spec: str) -> Tensor:
    """The maps of a method, on the device of environment and batch."""
    method = al.make_method(spec, environment)
    return method(environment.model, batch.inputs, batch.targets, **context_for(method, batch))


# 3. Tests


def test_tasks(scope: Scope) -> Iterator[Task]:
    """The tests that need a GPU, a file at a time."""
    files = sorted(path for path in (ROOT / "tests").rglob("test_*.py") if MARK in path.read_text(encoding="utf-8"))
    for path in files[-1:] if scope.quick else files:
        yield Task(str(path.relative_to(ROOT)), functools.partial(run_tests, path, scope.end))
    if not files:
        yield Task("tests", lambda: ("not measured", {"reason": f"there are no tests in {ROOT}"}))


def run_tests(path: Path, end: float) -> tuple[Outcome, Values]:
    """Passed, failed and skipped tests of `pytest -m gpu`, ended where the time is up."""
    if importlib.util.find_spec("pytest") is None:
        return "not measured", {"reason": "pytest is not installed"}
    command = [sys.executable, "-m", "pytest", "-m", "gpu", "-v", "--tb=line", "-p", "no:cacheprovider", str(path)]
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    finished = subprocess.run(  # noqa: S603  # our own tests
        command, capture_output=True, text=True, check=False, cwd=ROOT, env=environ, timeout=end - time.monotonic()
    )
    tests = re.findall(r"^(\S+::.*?) (PASSED|FAILED|ERROR|SKIPPED)\b", finished.stdout, re.MULTILINE)
    counts = {
        word.lower(): sum(result == word for _, result in tests) for word in ("PASSED", "FAILED", "SKIPPED", "ERROR")
    }
    failures = [name for name, result in tests if result in ("FAILED", "ERROR")]
    values = {**counts, "failures": failures, "returncode": finished.returncode}
    if finished.returncode:
        values["last_lines"] = (finished.stdout + finished.stderr).strip().splitlines()[-5:]
    return ("failed" if finished.returncode else "measured"), values


# 4. Speed


@dataclass(frozen=True, eq=False)
class Bench:
    """An environment on the device with an image, ready to be timed."""

    scope: Scope
    environment: al.Environment
    batch: al.Batch

    @classmethod
    def of(cls, scope: Scope, spec: str = "multi-color-sum") -> Bench:
        """One image."""
        environment = al.make_environment(spec, size=scope.size)
        return cls(scope, environment.to(scope.device), environment.sample(1).to(scope.device))

    def maps(self, n: int) -> list[Tensor]:
        """Random maps (1, h, w)."""
        random = torch.Generator().manual_seed(0)
        return list(torch.randn(n, 1, self.scope.size, self.scope.size, generator=random).to(self.scope.device))


def curves_call(scope: Scope, spec: str = "multi-color-sum") -> Callable[[], object]:
    """Complete curves of an image, many orders at once."""
    bench = Bench.of(scope, spec)
    image, targets = bench.batch.inputs, bench.batch.targets
    pixels = SwitchedPixels(bench.environment.model, torch.zeros_like(image), image)
    orders = random_orders(scope.n_orders, pixels.n_pixels)[None].to(scope.device)
    return lambda: pixels.outputs(orders, targets)


def metric_call(scope: Scope, metric: str, n_methods: int) -> Callable[[], object]:
    """A metric of the maps of some methods for one image."""
    bench = Bench.of(scope)
    evaluate, maps = al.make_metric(metric).evaluate, bench.maps(n_methods)
    return lambda: evaluate(bench.environment, bench.batch, maps)


def forward_call(scope: Scope, batch_size: int) -> Callable[[], object]:
    """A forward pass of a batch."""
    bench = Bench.of(scope)
    inputs = bench.batch.inputs.expand(batch_size, -1, -1, -1).contiguous()
    return torch.inference_mode()(lambda: bench.environment.model(inputs))


def method_call(scope: Scope, method: str) -> Callable[[], object]:
    """A method on one image."""
    bench = Bench.of(scope)
    model, batch, built = bench.environment.model, bench.batch, al.make_method(method, bench.environment)
    return lambda: built(model, batch.inputs, batch.targets, **context_for(built, batch))


def time_curves(scope: Scope, spec: str) -> Values:
    """Complete curves per second, and the goal."""
    seconds = scope.seconds(curves_call(scope, spec))
    rate = scope.n_orders / seconds
    return {"curves_per_second": rate, "goal": CURVES_GOAL, "goal_reached": rate >= CURVES_GOAL}


def time_metric(scope: Scope, metric: str, n_methods: int) -> Values:
    """Seconds per image of a metric."""
    return {"seconds_per_image": scope.seconds(metric_call(scope, metric, n_methods))}


def time_forward(scope: Scope, batch_size: int) -> Values:
    """Images per second of forward passes."""
    return {"images_per_second": batch_size / scope.seconds(forward_call(scope, batch_size))}


def time_check(scope: Scope) -> Values:
    """Seconds of the check of twelve methods, everything included."""
    environment = al.make_environment("multi-color-sum", size=scope.size)
    n_samples = 4 if scope.quick else 8
    begin, outcomes = time.perf_counter(), {}
    for method in TWELVE_METHODS:
        verdict = al.check(method, environment, n_samples=n_samples, device=scope.device.type)
        outcomes[method] = verdict.outcome
    return {"seconds": time.perf_counter() - begin, "n_samples": n_samples, "outcomes": outcomes}


def time_method(scope: Scope, method: str) -> Values:
    """Seconds per image of a method with its default options."""
    return {"seconds_per_image": scope.seconds(method_call(scope, method), n_repeats=2)}


SPEEDS: tuple[tuple[str, Callable[[Scope], Values]], ...] = (
    ("curves of multi-color-sum", lambda scope: time_curves(scope, "multi-color-sum")),
    ("curves of single-color-modulo", lambda scope: time_curves(scope, "single-color-modulo")),
    ("forward passes, batch 1", lambda scope: time_forward(scope, 1)),
    ("forward passes, batch 16", lambda scope: time_forward(scope, 16)),
    ("forward passes, batch 64", lambda scope: time_forward(scope, 64)),
    ("sensitivity-n of one method", lambda scope: time_metric(scope, "sensitivity-n", 1)),
    ("sensitivity-n of 12 methods", lambda scope: time_metric(scope, "sensitivity-n", 12)),
    ("insertion of 12 methods", lambda scope: time_metric(scope, "insertion", 12)),
    ("check of 12 methods", time_check),
)
"""What is timed besides the methods. Permutation Shapley values belong here once there are any."""


def speed_tasks(scope: Scope) -> Iterator[Task]:
    """The entries of `SPEEDS`, then every method."""
    for name, measure in SPEEDS:
        yield Task(name, functools.partial(measured, measure, scope))
    for method in METHODS:
        yield Task(
            f"method {method}", functools.partial(measured, functools.partial(time_method, method=method), scope)
        )


def measured(measure: Callable[[Scope], Values], scope: Scope) -> tuple[Outcome, Values]:
    """The values of a measurement that has nothing to be compared with, and the side of its images."""
    return "measured", {**measure(scope), "size": scope.size}


# 5. Where the time goes

PROFILED: dict[str, Callable[[Scope], Callable[[], object]]] = {
    "curves": curves_call,
    "sensitivity-n": lambda scope: metric_call(scope, "sensitivity-n", 1),
    "forward pass": lambda scope: forward_call(scope, 16),
}


def profile_tasks(scope: Scope) -> Iterator[Task]:
    """The operators that take the most time, of each entry of `PROFILED`."""
    for name, prepare in PROFILED.items():
        yield Task(name, functools.partial(profile_call, scope, prepare))


def profile_call(scope: Scope, prepare: Callable[[Scope], Callable[[], object]]) -> tuple[Outcome, Values]:
    """The operators of one call by their own time on the device, and how often the CPU waited for it."""
    call = prepare(scope)
    call()
    on_gpu = scope.device.type == "cuda"
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if on_gpu else [])]
    with profile(activities=activities) as recorded:
        call()
        scope.synchronize()
    events: list[Any] = list(recorded.key_averages())
    own_time = "self_device_time_total" if on_gpu else "self_cpu_time_total"
    total = sum(getattr(event, own_time) for event in events) or 1.0
    events.sort(key=lambda event: getattr(event, own_time), reverse=True)
    operators = [
        {
            "operator": event.key[:80],
            "milliseconds": getattr(event, own_time) / 1e3,
            "share": getattr(event, own_time) / total,
            "calls": event.count,
        }
        for event in events[:N_OPERATORS]
    ]
    waits = {event.key: event.count for event in events if event.key in WAITS}
    return "measured", {"milliseconds": total / 1e3, "operators": operators, "waits": waits}


SECTIONS = (
    Section("equality", "The same bits as on the CPU", 0.3, equality_tasks),
    Section("speed", "Speed", 0.25, speed_tasks),
    Section("maps", "Maps of methods against those of the CPU", 0.2, map_tasks),
    Section("profile", "Where the time goes", 0.05, profile_tasks),
    Section("tests", "Tests that need a GPU", 0.2, test_tasks),
)
"""In the order of their importance."""


# Running


def run(scope: Scope, budget: float, folder: Path) -> bool:
    """Run all sections, write after each, and return whether nothing differs and nothing failed."""
    begin = scope.end - budget
    report: Values = {"schema": 1, "machine": machine(scope), "budget": budget, "quick": scope.quick, "sections": {}}
    share = 0.0
    for section in SECTIONS:
        share += section.share
        started = time.monotonic()
        rows = run_section(section, scope, begin + budget * share)
        report["sections"][section.name] = {
            "seconds": time.monotonic() - started,
            "rows": [dataclasses.asdict(row) for row in rows],
            "outcomes": count_outcomes(rows),
        }
        report["seconds"] = time.monotonic() - begin
        write(folder / "gpu.json", json.dumps(report, indent=1, allow_nan=False) + "\n")
        write(folder / "gpu.md", to_markdown(report))
    outcomes = [row["outcome"] for section in report["sections"].values() for row in section["rows"]]
    return not any(outcome in BAD_OUTCOMES for outcome in outcomes)


def run_section(section: Section, scope: Scope, deadline: float) -> list[Row]:
    """The rows of a section; tasks that would begin after the deadline are not measured."""
    tasks, rows = list(section.tasks(scope)), []
    print(f"{section.title}: {len(tasks)} measurements", file=sys.stderr, flush=True)
    last_line = time.monotonic()
    for number, task in enumerate(tasks, start=1):
        rows.append(run_task(task, scope, deadline))
        if time.monotonic() > last_line + 5:
            last_line = time.monotonic()
            print(f"  {number} of {len(tasks)}, {deadline - last_line:.0f} s left", file=sys.stderr, flush=True)
    print(
        f"  {', '.join(f'{n} {outcome}' for outcome, n in count_outcomes(rows).items())}", file=sys.stderr, flush=True
    )
    return rows


def run_task(task: Task, scope: Scope, deadline: float) -> Row:
    """The row of a task; on a GPU with its peak memory."""
    if time.monotonic() >= deadline:
        return Row(task.name, "not measured", {"reason": OUT_OF_TIME})
    on_gpu = scope.device.type == "cuda"
    if on_gpu:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(scope.device)
    try:
        outcome, values = task.measure()
    except subprocess.TimeoutExpired:
        return Row(task.name, "not measured", {"reason": OUT_OF_TIME})
    except Exception as error:  # noqa: BLE001  # whatever fails is recorded by name, and the rest goes on
        text = str(error).strip().partition("\n")[0][:500]
        return Row(task.name, "failed", {"error": f"{type(error).__name__}: {text}"})
    peak = {"peak_memory": torch.cuda.max_memory_allocated(scope.device)} if on_gpu else {}
    return Row(task.name, outcome, {**values, **peak})


def count_outcomes(rows: list[Row]) -> dict[str, int]:
    """Rows by outcome."""
    outcomes = [row.outcome for row in rows]
    return {outcome: outcomes.count(outcome) for outcome in dict.fromkeys(outcomes)}


def machine(scope: Scope) -> Values:
    """Hardware and versions that the figures belong to."""
    on_gpu = scope.device.type == "cuda"
    memory = torch.cuda.get_device_properties(scope.device).total_memory if on_gpu else None
    return {
        "device": torch.cuda.get_device_name(scope.device) if on_gpu else "cpu",
        "memory": memory,
        "driver": driver_version() if on_gpu else None,
        "cuda": torch.version.cuda,
        "torch": torch.__version__,
        "attributionlab": al.__version__,
        "python": platform.python_version(),
        "cpu": platform.machine(),
        "threads": torch.get_num_threads(),
        "date": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
    }


def driver_version() -> str | None:
    """Version of the NVIDIA driver, where `nvidia-smi` tells it."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return None
    command = [program, "--query-gpu=driver_version", "--format=csv,noheader"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)  # noqa: S603  # fixed
    return answer.stdout.strip().partition("\n")[0] or None


def write(path: Path, text: str) -> None:
    """Write a file as a whole: a reader sees the text before or the new one."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with draft.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


# The Markdown page


def to_markdown(report: Values) -> str:
    """The report as a page of tables."""
    facts = report["machine"]
    versions = f"torch {facts['torch']}, CUDA {facts['cuda']}, driver {facts['driver']}, {facts['date']}"
    lines = [f"# {facts['device']}", "", f"{versions}; {report['seconds']:.0f} s in all.", ""]
    for section in SECTIONS:
        if section.name not in report["sections"]:
            continue
        part = report["sections"][section.name]
        outcomes = ", ".join(f"{n} {outcome}" for outcome, n in part["outcomes"].items())
        lines += [f"## {section.title}", "", f"{outcomes}, in {part['seconds']:.0f} s.", ""]
        lines += [*PAGES[section.name](part["rows"]), ""]
        lines += [*unmeasured_lines(part["rows"]), ""]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).rstrip() + "\n"


def table(header: str, rows: list[str]) -> list[str]:
    """Lines of a table, none without rows."""
    return [header, "|---" * (header.count("|") - 1) + "|", *rows] if rows else []


def cell(text: object) -> str:
    """A value as a table's cell."""
    return f"{text:.4g}" if isinstance(text, float) else str(text).replace("|", "\\|")


def unmeasured_lines(rows: list[Values]) -> list[str]:
    """The names of what failed or was not measured, with the reason."""
    return [
        f"- {row['name']}: {row['outcome']}: {cell(row['values'].get('reason') or row['values'].get('error') or 'see above')}"
        for row in rows
        if row["outcome"] in ("failed", "not measured")
    ]


def equality_page(rows: list[Values]) -> list[str]:
    """Whether the settings had an effect, comparisons by environment, and every difference."""
    controls = [row for row in rows if "changes" in row["values"]]
    cases = [row for row in rows if "equal" in row["values"]]
    names = dict.fromkeys(re.sub(r",size=\d+\]", "]", row["name"].partition(" ")[0]) for row in cases)
    sums = []
    for name in names:
        group = [row["values"] for row in cases if re.sub(r",size=\d+\]", "]", row["name"].partition(" ")[0]) == name]
        counts = [sum(values[outcome] for values in group) for outcome in ("equal", "rounded", "different")]
        sums.append(f"| `{name}` | {' | '.join(f'{n:,}' for n in counts)} |")
    differences = [
        f"| {row['name']} | {gap['check']} | {gap['mode']} | {gap['outcome']} | {cell(gap['gap'])} |"
        for row in cases
        for gap in row["values"]["differences"]
        if gap["outcome"] == "different"
    ]
    return [
        *(f"- {row['name']}: {' and '.join(row['values']['changes']) or 'nothing'} changes" for row in controls),
        "",
        *table("| network | equal | rounded | different |", sums),
        "",
        *table("| case | check | arithmetic | outcome | gap |", differences),
    ]


def maps_page(rows: list[Values]) -> list[str]:
    """Largest relative gap of each method in each environment."""
    gaps = {(row["values"]["method"], row["values"]["environment"]): row for row in rows if "gap" in row["values"]}
    methods = dict.fromkeys(method for method, _ in gaps)
    header = f"| method | {' | '.join(f'`{spec}`' for spec in MAP_ENVIRONMENTS)} |"
    return table(
        header,
        [
            f"| `{name}` | {' | '.join(map_cell(gaps.get((name, spec))) for spec in MAP_ENVIRONMENTS)} |"
            for name in methods
        ],
    )


def map_cell(row: Values | None) -> str:
    """The gap of a map."""
    if row is None:
        return ""
    value = row["values"]["gap"]
    gap = "equal" if row["outcome"] == "equal" else "not finite" if value is None else f"{value:.1e}"
    marked = f"**{gap}**" if row["outcome"] == "different" else gap
    return f"{marked} (all zero)" if row["values"]["all_zero"] else marked


def tests_page(rows: list[Values]) -> list[str]:
    """Tests by file, and the names of those that failed."""
    ran = [row for row in rows if "passed" in row["values"]]
    lines = [
        f"| {row['name']} | {' | '.join(str(row['values'][word]) for word in ('passed', 'failed', 'skipped', 'error'))} |"
        for row in ran
    ]
    failures = [f"- {name}" for row in ran for name in row["values"]["failures"]]
    return [*table("| file | passed | failed | skipped | errors |", lines), "", *failures]


def speed_page(rows: list[Values]) -> list[str]:
    """Figures and peak memory."""
    lines = []
    for row in rows:
        if row["outcome"] != "measured":
            continue
        values = dict(row["values"])
        peak = f"{values.pop('peak_memory') / 1e9:.2f}" if "peak_memory" in values else ""
        figures = "; ".join(
            f"{key.replace('_', ' ')} {cell(value)}" for key, value in values.items() if key != "passed"
        )
        lines.append(f"| {row['name']} | {figures} | {peak} |")
    return table("| measurement | figures | peak memory, GB |", lines)


def profile_page(rows: list[Values]) -> list[str]:
    """A table of operators for each profile."""
    lines: list[str] = []
    for row in rows:
        if row["outcome"] != "measured":
            continue
        values = row["values"]
        waits = ", ".join(f"{name} {n} times" for name, n in values["waits"].items()) or "none recorded"
        operators = [
            f"| `{cell(entry['operator'])}` | {entry['milliseconds']:.2f} | {entry['share']:.0%} | {entry['calls']} |"
            for entry in values["operators"]
        ]
        lines += [f"### {row['name']}", "", f"{values['milliseconds']:.1f} ms in all; waits: {waits}.", ""]
        lines += [*table("| operator | own ms | share | calls |", operators), ""]
    return lines


PAGES: dict[str, Callable[[list[Values]], list[str]]] = {
    "equality": equality_page,
    "speed": speed_page,
    "maps": maps_page,
    "profile": profile_page,
    "tests": tests_page,
}


def main(arguments: list[str] | None = None) -> int:
    """Parse, run, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="FOLDER", help="where gpu.json and gpu.md go"
    )
    parser.add_argument("--budget", type=float, default=450, metavar="SECONDS", help="time for all sections together")
    parser.add_argument(
        "--device", choices=("cuda", "cpu"), default="cuda", help="what is compared with the CPU and timed"
    )
    parser.add_argument("--quick", action="store_true", help="small sizes, few repetitions")
    options = parser.parse_args(arguments)
    if options.device == "cuda" and not torch.cuda.is_available():
        print(NO_GPU, file=sys.stderr)
        return 3
    options.output.mkdir(parents=True, exist_ok=True)
    scope = Scope(torch.device(options.device), options.quick, time.monotonic() + options.budget)
    clean = run(scope, options.budget, options.output)
    print(options.output / "gpu.md")
    return 0 if clean else 1


if __name__ == "__main__":
    sys.exit(main())
