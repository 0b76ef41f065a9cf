"""Arrays in .npy and .npz files; before one is read, its declared size is checked.

A .npz is compressed: two megabytes of it can declare six gigabytes of zeros. So headers are read first, and an array only if
its shape is expected.
"""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt
from PIL import Image

Shape = tuple[int, ...]

LARGEST_HEADER = 10_000
"""Largest size of an array's header in bytes, as in numpy itself."""


@dataclass(frozen=True)
class DeclaredArray:
    """Shape and type of a stored array, from its header.

    Args:
        shape: Shape of the array.
        dtype: Type of the values.
    """

    shape: Shape
    dtype: np.dtype[Any]


def declared_arrays(path: Path) -> Mapping[str, DeclaredArray] | DeclaredArray:
    """Read the headers of a file: one (.npy), or one per array by name (.npz).

    Raises:
        ValueError: If the file is neither a .npy nor a .npz.
        OSError: If the file cannot be read.
    """
    if not zipfile.is_zipfile(path):
        with path.open("rb") as file:
            return _header(file)
    declared = {}
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            with archive.open(name) as file:
                declared[name.removesuffix(".npy")] = _header(file)
    return declared


def read_array(path: Path, name: str | None = None) -> npt.NDArray[Any]:
    """Read one array of a file; pickled objects, which could run code, are refused.

    Args:
        path: The file.
        name: Name of the array in a .npz; None for a .npy.

    Raises:
        ValueError: If the file is damaged, or holds objects.
    """
    loaded = np.load(path, allow_pickle=False)
    if name is None:
        array: npt.NDArray[Any] = loaded
    else:
        with loaded:
            array = loaded[name]
    return array


def write_arrays(path: Path | IO[bytes], arrays: Mapping[str, npt.NDArray[Any]], *, comment: bytes = b"") -> None:
    """Write a compressed .npz; without a comment the same bytes as `numpy.savez_compressed`.

    That leaves its archive open where the disk refuses, and Python then prints a second error when it tidies up.

    Args:
        path: The file, or its path.
        arrays: The arrays by name.
        comment: Comment of the archive, which readers ignore.

    Raises:
        OSError: If the file cannot be written.
    """
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.comment = comment
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
                np.lib.format.write_array(file, np.asanyarray(array), allow_pickle=False)


def write_png(path: Path, pixels: npt.NDArray[np.uint8]) -> None:
    """Write pixels (h, w) or (h, w, 3) as a PNG.

    Raises:
        OSError: If the file cannot be written.
    """
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    path.write_bytes(buffer.getvalue())


def png_size(path: Path) -> tuple[int, int]:
    """Rows and columns that a PNG declares.

    Raises:
        ValueError: If the file is not a PNG.
        OSError: If the file cannot be read.
    """
    with path.open("rb") as file:
        start = file.read(24)
    if len(start) < 24 or start[:8] != b"\x89PNG\r\n\x1a\n" or start[12:16] != b"IHDR":
        raise ValueError("not a PNG")
    columns, rows = struct.unpack(">II", start[16:24])
    return rows, columns


def _header(file: IO[bytes]) -> DeclaredArray:
    """Read the header at the start of an array."""
    start = io.BytesIO(file.read(LARGEST_HEADER + 16))
    version = np.lib.format.read_magic(start)
    readers: dict[tuple[int, int], Callable[..., Any]] = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    if version not in readers:
        raise ValueError(f"version {version} of .npy")
    shape, _, dtype = readers[version](start)
    return DeclaredArray(shape, dtype)
