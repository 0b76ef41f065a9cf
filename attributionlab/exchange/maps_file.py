"""Reading attribution maps that were computed elsewhere. No code in a file is ever run."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from attributionlab.errors import (
    AttributionLabError,
    BadOption,
    WrongShape,
    bad_option,
    missing_file,
    some_names,
    unknown_name,
)
from attributionlab.exchange.array_files import DeclaredArray, declared_arrays, read_array
from attributionlab.files import is_file
from attributionlab.truth.maps import attribution_maps

ENDINGS = (".npy", ".npz", ".pt")


def read_maps(path: Path, inputs: Sequence[int], *, key: str | None = None) -> Tensor:
    """Read the maps of a file, one per image.

    Args:
        path: A `.npy` array, a `.npz` with one array or with `key`, or a `.pt` tensor or dictionary of tensors.
        inputs: (n, c, *shape), the shape of the inputs that are explained. Maps may be (n, *shape), (n, c, *shape) or
            (n, *shape, c), with 1 channel too; channels are summed with signs.
        key: Name of the array, if the file holds several.

    Returns:
        (n, *shape), floating point.

    Raises:
        MissingFile: If the file does not exist.
        BadOption: If the file holds anything but real numbers; pickled objects are never loaded.
        WrongShape: If the maps do not have one value per pixel of each image.
        NotFinite: If a value is NaN or infinite.
    """
    if not is_file(path):
        raise missing_file("maps", "name a file that exists", str(path))
    if path.suffix not in ENDINGS:
        raise bad_option("maps", f"end in {' or '.join(ENDINGS)}", str(path))
    values = _torch_maps(path, inputs, key) if path.suffix == ".pt" else _numpy_maps(path, inputs, key)
    return attribution_maps(_channels_first(values, inputs), inputs, f"`maps` ({path.name}) must be")


def _torch_maps(path: Path, inputs: Sequence[int], key: str | None) -> Tensor:
    """Read the tensor of a .pt file."""
    with _damage_named(path):
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                declared = sum(part.file_size for part in archive.infolist())
            if declared > path.stat().st_size:
                raise bad_option("maps", "be a .pt file as torch.save writes it", str(path), "its parts are compressed")
        loaded = torch.load(path, weights_only=True, map_location="cpu")
    chosen = loaded[_chosen_name(loaded, key, path)] if isinstance(loaded, dict) else loaded
    if not isinstance(loaded, dict):
        _refuse_key(key, path)
    if not isinstance(chosen, Tensor) or chosen.is_complex():
        raise _no_numbers(getattr(chosen, "dtype", type(chosen).__name__), path)
    _check_shape(tuple(chosen.shape), inputs)
    return chosen


def _numpy_maps(path: Path, inputs: Sequence[int], key: str | None) -> Tensor:
    """Read the array of a .npy or .npz file, if its header declares a type and a shape that fit."""
    with _damage_named(path):
        declared = declared_arrays(path)
    if isinstance(declared, DeclaredArray):
        _refuse_key(key, path)
        name, array = None, declared
    else:
        name = _chosen_name(declared, key, path)
        array = declared[name]
    if array.dtype.hasobject:
        raise _pickled(path)
    if array.dtype.kind not in "fiub" or array.dtype == np.longdouble:
        raise _no_numbers(array.dtype, path)
    _check_shape(array.shape, inputs)
    with _damage_named(path):
        values = read_array(path, name)
        return torch.as_tensor(
            values.astype(values.dtype.newbyteorder("="))
        )  # torch knows the machine's byte order only


@contextmanager
def _damage_named(path: Path) -> Iterator[None]:
    """Turn any error of reading into one that names the file."""
    try:
        yield
    except AttributionLabError:
        raise
    except Exception as error:
        if "Weights only load failed" in str(error) or "allow_pickle" in str(error):
            raise _pickled(path) from error
        hint = "it is damaged, or of another kind"
        raise bad_option("maps", f"be a whole {path.suffix} file", str(path), hint) from error


def _pickled(path: Path) -> BadOption:
    why = "files with pickled objects are not loaded, as they can run anything"
    return bad_option("maps", "hold numbers only", str(path), why)


def _no_numbers(kind: object, path: Path) -> BadOption:
    return BadOption(f"`maps` must be an array of real numbers, got {kind} in {path}")


def _check_shape(declared: tuple[int, ...], inputs: Sequence[int]) -> None:
    n, channels, *shape = inputs
    allowed = [(n, *shape), *((n, c, *shape) for c in (1, channels)), *((n, *shape, c) for c in (1, channels))]
    if declared in allowed:
        return
    inner = ", ".join(map(str, shape))
    expected = f"({n}, {inner}), ({n}, {channels}, {inner}) or ({n}, {inner}, {channels})"
    is_swapped = len(shape) > 1 and list(declared[-len(shape) :]) == shape[::-1] != shape
    hint = "rows and columns may be swapped" if is_swapped else ""
    raise WrongShape(str(bad_option("maps", f"have shape {expected}", declared, hint)))


def _refuse_key(key: str | None, path: Path) -> None:
    """Refuse a key for a file that holds a single array."""
    if key is not None:
        raise bad_option("key", f"be left out where there is one array, as in {path.name}", key)


def _chosen_name(arrays: Mapping[str, object], key: str | None, path: Path) -> str:
    """Name of the array to read: the key, or the only name there is."""
    if key is not None:
        if key not in arrays:
            raise unknown_name("key", key, map(str, arrays))
        return key
    if len(arrays) != 1:
        hint = f"name one of them with --key: {some_names([str(name) for name in arrays])}" if arrays else ""
        raise bad_option("maps", "hold one array", f"{path.name} with {len(arrays)}", hint)
    return next(iter(arrays))


def _channels_first(values: Tensor, inputs: Sequence[int]) -> Tensor:
    """(n, *shape, c) as (n, c, *shape); everything else unchanged, as `attribution_maps` validates it."""
    n, channels, *shape = inputs
    is_last = tuple(values.shape[:-1]) == (n, *shape) and values.shape[-1] in (1, channels)
    return values.movedim(-1, 1) if is_last else values
