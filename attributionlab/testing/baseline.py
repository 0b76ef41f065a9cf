"""Regression tests of maps: a file stores the maps, and a test fails when they change."""

from __future__ import annotations

import hashlib
import random
import tempfile
from pathlib import Path
from unittest import SkipTest

import numpy as np
import numpy.typing as npt
import torch
from filelock import FileLock
from torch import Tensor

from attributionlab.errors import bad_option
from attributionlab.exchange.array_files import DeclaredArray, declared_arrays, read_array, write_arrays
from attributionlab.files import is_file, whole_file
from attributionlab.specs.arguments import number
from attributionlab.testing.failure import failure, per_image
from attributionlab.testing.session import BASELINE, BaselineFile
from attributionlab.testing.subject import AnyEnvironment, AnySubject, Subject, gaps, generators_kept

TOLERANCE = 1e-4
"""Relative to a map's largest magnitude: errors of hundreds of float32 additions in another order, as another version of torch may do."""


def assert_maps_unchanged(
    method: AnySubject,
    environment: AnyEnvironment = "multi-color-sum",
    *,
    tolerance: float = TOLERANCE,
    n_samples: int = 2,
    size: int = 32,
    seed: int = 0,
) -> None:
    """The maps equal those in the file of `pytest --attributionlab-baseline FILE`. The first run stores them there.

    The file has one entry for each test, method and environment. Delete the file to store all maps anew.

    Args:
        method: A name or spec, a function `(model, inputs, targets) -> Tensor`, the address of one, or a method of a library.
        environment: An environment, or its spec.
        tolerance: Largest difference, relative to a map's largest magnitude.
        n_samples: Number of images.
        size: Side of the images, unless the environment sets it.
        seed: Seed of the global generators, and of environments that do not set it.

    Raises:
        AssertionError: If a map differs.
        MethodError: If the method cannot be run.
        BadOption: If the file is damaged.
        unittest.SkipTest: If there is no such file.
    """
    __tracebackhide__ = True
    baseline = BASELINE.get()
    if baseline is None:
        raise SkipTest("no baseline is set: pytest --attributionlab-baseline FILE")
    compare_with_baseline(Subject.of(method, environment, n_samples, size, seed), baseline, tolerance, seed)


def compare_with_baseline(
    subject: Subject, baseline: BaselineFile, tolerance: float = TOLERANCE, seed: int = 0
) -> None:
    """Compare the maps of a subject with those of the file, or store them there.

    Raises:
        AssertionError: If a map differs, or the stored ones have another shape.
    """
    __tracebackhide__ = True
    tolerance = number("tolerance", tolerance, 0)
    with generators_kept():
        torch.manual_seed(seed)
        np.random.seed(seed)  # noqa: NPY002  # methods may use the global generator
        random.seed(seed)
        maps = subject.maps().cpu()
    name = f"{baseline.test} | {subject.method.spec} | {subject.environment.spec}"
    expected = _stored_or_store(baseline.path, name, maps)
    baseline.counts["stored" if expected is None else "compared"] += 1
    if expected is None:
        return
    hint = f"if the change is meant, delete {baseline.path} and run the tests again"
    if expected.shape != maps.shape:
        problem = f"gives maps of another shape than the baseline: {tuple(maps.shape)}, not {tuple(expected.shape)}"
        raise failure(subject, problem, hint=hint)
    gap = gaps(expected, maps)
    if (gap > tolerance).any():
        raise failure(
            subject,
            f"gives other maps than the baseline: they differ by up to {gap.max():.2g} of its largest value",
            columns=("image", "difference"),
            rows=per_image(gap),
            worst=gap,
            maps=maps,
            expected=expected,
            hint=hint,
        )


def _stored_or_store(path: Path, name: str, maps: Tensor) -> Tensor | None:
    """The maps of this name in the file; None if there were none, and these are stored. Other processes wait meanwhile."""
    digest = hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:16]
    with FileLock(Path(tempfile.gettempdir()) / f"attributionlab-{digest}.lock"):
        arrays = _arrays(path) if is_file(path) else {}
        if name in arrays:
            return torch.from_numpy(arrays[name])
        with whole_file(path) as file:
            write_arrays(file, {**arrays, name: maps.numpy()})
    return None


def _arrays(path: Path) -> dict[str, npt.NDArray[np.generic]]:
    """The arrays of the file.

    Raises:
        BadOption: If it is damaged, or of another kind.
    """
    try:
        declared = declared_arrays(path)
        if isinstance(declared, DeclaredArray):
            raise TypeError("one array")  # noqa: TRY301  # named with the rest
        return {name: read_array(path, name) for name in declared}
    except Exception as error:
        hint = "it is damaged, or of another kind; delete it to store the maps anew"
        raise bad_option(
            "--attributionlab-baseline", "be a .npz file that the plugin wrote", str(path), hint
        ) from error
