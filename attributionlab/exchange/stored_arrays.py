"""Arrays in files of any kind that holds maps: declared first, and read only where type and shape are expected. Nothing is unpickled.

A .pt file is read by torch's loader of weights, which builds tensors and nothing else.
"""

from __future__ import annotations

import importlib
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import safe_open
from torch import Tensor

from attributionlab.errors import AttributionLabError, BadOption, bad_option
from attributionlab.exchange.array_files import DeclaredArray, declared_arrays, read_array

KINDS = {
    ".npy": ".npy",
    ".npz": ".npz",
    ".pt": ".pt",
    ".pth": ".pt",
    ".safetensors": ".safetensors",
    ".h5": ".h5",
    ".hdf5": ".h5",
}
"""Kinds of files by their suffix in lower case."""

_STARTS = {
    b"\x93NUMPY": ".npy",
    b"\x89HDF\r\n\x1a\n": ".h5",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"GIF8": "a picture",
    b"\x80": "a pickle",
}
"""First bytes of files, and what they are."""

LONGEST_START = 16
"""Bytes that tell the kind of a file."""

ALONE = ""
"""Name of an array without one."""


@dataclass(frozen=True)
class StoredArray:
    """An array of a file.

    Args:
        shape: Its shape.
        dtype: Name of the type of its values.
        is_real: Whether its values are real numbers.
        read: Function that reads it.
    """

    shape: tuple[int, ...]
    dtype: str
    is_real: bool
    read: Callable[[], Tensor]


def stored_arrays(path: Path) -> Mapping[str, StoredArray]:
    """The arrays of a file by name; a single one without a name is called `ALONE`.

    Names of nested lists and dictionaries are joined by slashes: `maps/0`.

    Raises:
        BadOption: If the file is damaged, holds pickled objects, or is of another kind than its suffix says.
    """
    readers = {".npy": _numpy_arrays, ".npz": _numpy_arrays, ".pt": _torch_arrays, ".safetensors": _safe_arrays, ".h5": _hdf5_arrays}  # fmt: skip
    with damage_named(path):
        arrays: Mapping[str, StoredArray] = readers[kind_of(path)](path)
    return arrays


def kind_of(path: Path) -> str:
    """The kind of a file, one of the values of `KINDS`, of suffix and content.

    Raises:
        BadOption: If the suffix is not known, or the content is of another known kind.
    """
    suffix = path.suffix.lower()
    if suffix not in KINDS:
        raise bad_option("maps", f"end in {' or '.join(KINDS)}", str(path))
    kind, content = KINDS[suffix], _content_of(path)
    if content == "a pickle" and kind != ".pt":
        raise pickled(path)
    if content not in (None, kind, "a pickle"):
        assert content is not None, "None is left out above"
        hint = f"its content is {content}" if content.startswith("a ") else f"its content is that of a {content} file"
        raise bad_option("maps", "be what its suffix says", str(path), hint)
    return kind


def pickled(path: Path) -> BadOption:
    """The error for a file with pickled objects."""
    why = "files with pickled objects are not loaded, as they can run anything"
    return bad_option("maps", "hold numbers only", str(path), why)


@contextmanager
def damage_named(path: Path) -> Iterator[None]:
    """Turn any error of reading into one that names the file."""
    try:
        yield
    except AttributionLabError:
        raise
    except Exception as error:
        if "Weights only load failed" in str(error) or "allow_pickle" in str(error):
            raise pickled(path) from error
        hint = "it is damaged, or of another kind"
        raise bad_option("maps", f"be an undamaged {path.suffix} file", str(path), hint) from error


def _content_of(path: Path) -> str | None:
    """What the content of a file is, by its first bytes; None if they are not known."""
    with path.open("rb") as file:
        start = file.read(LONGEST_START)
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
        is_npz, is_pt = (any(name.endswith(ending) for name in names) for ending in (".npy", "/data.pkl"))
        return ".pt" if is_pt else ".npz" if is_npz else None
    if len(start) > 8 and start[8:9] == b"{" and int.from_bytes(start[:8], "little") <= path.stat().st_size:
        return ".safetensors"
    return next((kind for first, kind in _STARTS.items() if start.startswith(first)), None)


def _numpy_arrays(path: Path) -> Mapping[str, StoredArray]:
    """Arrays of a .npy or .npz file, from their headers."""
    declared = declared_arrays(path)
    if isinstance(declared, DeclaredArray):
        return {ALONE: _numpy_array(path, None, declared)}
    return {name: _numpy_array(path, name, array) for name, array in declared.items()}


def _numpy_array(path: Path, name: str | None, declared: DeclaredArray) -> StoredArray:
    if declared.dtype.hasobject:
        raise pickled(path)
    is_real = declared.dtype.kind in "fiub" and declared.dtype != np.longdouble
    return StoredArray(declared.shape, str(declared.dtype), is_real, lambda: _native(read_array(path, name)))


def _native(values: Any) -> Tensor:
    """An array in the machine's byte order, the only one that torch knows, as a tensor."""
    return torch.as_tensor(np.ascontiguousarray(values.astype(values.dtype.newbyteorder("="))))


def _torch_arrays(path: Path) -> Mapping[str, StoredArray]:
    """Tensors of a .pt file, of lists, tuples and dictionaries, also nested."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            declared = sum(part.file_size for part in archive.infolist())
        if declared > path.stat().st_size:
            raise bad_option("maps", "be a .pt file as torch.save writes it", str(path), "its parts are compressed")
    loaded = torch.load(path, weights_only=True, map_location="cpu")
    tensors = dict(_leaves(loaded))
    if not tensors:
        raise bad_option("maps", "hold tensors", str(path), f"it holds {type(loaded).__name__}")
    return {name: _tensor(tensor) for name, tensor in tensors.items()}


def _tensor(tensor: Tensor) -> StoredArray:
    read = tensor.dequantize if tensor.is_quantized else lambda: tensor
    return StoredArray(tuple(tensor.shape), str(tensor.dtype).removeprefix("torch."), not tensor.is_complex(), read)


def _leaves(value: object, name: str = ALONE) -> Iterator[tuple[str, Tensor]]:
    """The tensors of nested lists, tuples and dictionaries, with their names; a nested tensor is a list of its parts."""
    if isinstance(value, Tensor) and value.is_nested:
        value = value.unbind()
    if isinstance(value, Tensor):
        yield name, value
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, (list, tuple)) else ()
    for key, part in items:
        yield from _leaves(part, f"{name}/{key}" if name else str(key))


def _safe_arrays(path: Path) -> Mapping[str, StoredArray]:
    """Tensors of a .safetensors file, from its header."""
    with safe_open(path, framework="pt") as file:
        parts = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118  # it is no dictionary
        declared = {name: (tuple(part.get_shape()), part.get_dtype()) for name, part in parts.items()}
    return {
        name: StoredArray(shape, dtype, not dtype.startswith("C"), lambda name=name: _safe_tensor(path, name))  # type: ignore[misc]  # bound now
        for name, (shape, dtype) in declared.items()
    }


def _safe_tensor(path: Path, name: str) -> Tensor:
    with safe_open(path, framework="pt") as file:
        tensor: Tensor = file.get_tensor(name)
    return tensor


def _hdf5_arrays(path: Path) -> Mapping[str, StoredArray]:
    """Data sets of an HDF5 file, from their headers.

    Raises:
        BadOption: If h5py is not installed.
    """
    try:
        h5py = importlib.import_module("h5py")
    except ModuleNotFoundError as error:
        raise bad_option("maps", "be of a kind that can be read here", str(path), "pip install 'attributionlab[hdf5]'") from error  # fmt: skip
    arrays: dict[str, StoredArray] = {}

    def read(name: str) -> Tensor:
        with h5py.File(path, "r") as file:
            return _native(file[name][()])

    def add(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            is_real = item.dtype.kind in "fiub" and item.dtype != np.longdouble
            arrays[name] = StoredArray(item.shape, str(item.dtype), is_real, lambda: read(name))

    with h5py.File(path, "r") as file:
        file.visititems(add)
    return arrays
