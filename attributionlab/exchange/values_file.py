"""Writing exact values to a .npz file, which numpy reads."""

from __future__ import annotations

from pathlib import Path

from attributionlab.exchange.array_files import write_arrays
from attributionlab.files import whole_file
from attributionlab.reports.marks import ARRAYS_COMMENT, check_replaceable
from attributionlab.truth import Batch, ExactValues

ENDING = ".npz"


def write_values(path: Path, batch: Batch, exact: ExactValues, *, force: bool = False) -> None:
    """Write exact values with the samples that they belong to, completely or not at all.

    The arrays are `values` (b, *shape), `standard_error` (b, *shape) if the values are estimated, `total` (b,) if they have a fixed
    sum, all float64, and of the samples `inputs` (b, c, *shape) float32, `targets` (b,) int64 and `signed` (b, *shape) int8.

    Args:
        path: The file to write, a .npz.
        batch: The samples.
        exact: Their values.
        force: Whether a file that attributionlab did not write may be replaced.

    Raises:
        BadOption: If there is a file of other origin.
        MachineError: If the file cannot be written.
    """
    check_replaceable(path, force=force)
    tensors = {
        "values": exact.values,
        "standard_error": exact.standard_error,
        "total": exact.total,
        "inputs": batch.inputs,
        "targets": batch.targets,
        "signed": batch.ground_truth.signed,
    }
    arrays = {name: tensor.cpu().numpy() for name, tensor in tensors.items() if tensor is not None}
    with whole_file(path) as file:
        write_arrays(file, arrays, comment=ARRAYS_COMMENT)
