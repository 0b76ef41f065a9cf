"""Reading attribution maps that were computed elsewhere. No code in a file is ever run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from attributionlab.errors import BadOption, WrongShape, bad_option, missing_file, unknown_name
from attributionlab.exchange.stored_arrays import ALONE, KINDS, StoredArray, damage_named, stored_arrays
from attributionlab.files import is_file, is_folder
from attributionlab.truth.maps import attribution_maps

MOST_SHOWN = 5
"""Arrays of a file that a message names."""


def read_maps(path: Path, inputs: Sequence[int], *, key: str | None = None, names: Sequence[str] = ()) -> Tensor:
    """Read maps, one per image.

    Args:
        path: A file: `.npy`, `.npz`, `.pt`, `.pth`, `.safetensors`, or `.h5` (with h5py), with one array or with `key`; or a
            folder with such a file for each image.
        inputs: (n, c, *shape), the shape of the inputs that are explained. Maps may be (n, *shape), (n, c, *shape) or
            (n, *shape, c), with 1 channel too, or a list of n maps; channels are summed with signs.
        key: Name of the array, if the file holds several; of nested lists and dictionaries joined by slashes: `maps/0`.
        names: Names of the images without suffix, for a folder.

    Returns:
        (n, *shape), floating point.

    Raises:
        MissingFile: If the file, or that of an image, does not exist.
        BadOption: If the file holds anything but real numbers; pickled objects are never loaded.
        WrongShape: If the maps do not have one value per pixel of each image.
        NotFinite: If a value is NaN or infinite.
    """
    return summed(read_values(path, inputs, key=key, names=names), inputs, path)


def read_values(path: Path, inputs: Sequence[int], *, key: str | None = None, names: Sequence[str] = ()) -> Tensor:
    """Read values as they are stored, with their channels before the pixels: (n, *shape) or (n, c, *shape). See `read_maps`."""
    if is_folder(path):
        return _channels_first(_folder_values(path, inputs, key, names), inputs)
    if not is_file(path):
        raise missing_file("maps", "name a file that exists", str(path))
    return _channels_first(_file_values(path, inputs, key), inputs)


def summed(values: Tensor, inputs: Sequence[int], path: Path) -> Tensor:
    """Maps (n, *shape) of values as `read_values` returns them."""
    return attribution_maps(values, inputs, f"`maps` ({path.name}) must be")


def _file_values(path: Path, inputs: Sequence[int], key: str | None) -> Tensor:
    """Values of the array of a file that is meant."""
    arrays = stored_arrays(path)
    below = {name.removeprefix(f"{key}/"): array for name, array in arrays.items() if name.startswith(f"{key}/")}
    if _one_per_image(below, inputs) is not None:  # the key names a list
        arrays, key = below, None
    parts = None if key is not None else _one_per_image(arrays, inputs)
    if parts is not None:
        return _stacked([_read(part, inputs[1:], path, n=None) for part in parts], inputs[1:])
    return _read(_chosen(arrays, key, path), inputs[1:], path, n=inputs[0])


def _folder_values(folder: Path, inputs: Sequence[int], key: str | None, names: Sequence[str]) -> Tensor:
    """Values of a folder with a file for each image, in the order of the images."""
    files: dict[str, list[Path]] = {}
    for file in sorted(folder.iterdir()):
        if file.suffix.lower() in KINDS:
            files.setdefault(file.stem, []).append(file)
    for name in names:
        if len(files.get(name, ())) != 1:
            count = len(files.get(name, ()))
            hint = (
                f"{name}.npy is missing"
                if count == 0
                else f"{' and '.join(file.name for file in files[name])} are of one image"
            )
            raise missing_file("maps", f"hold a file for each of the {len(names)} images", str(folder), hint)
    chosen = [(_chosen(stored_arrays(files[name][0]), key, files[name][0]), files[name][0]) for name in names]
    return _stacked([_read(array, inputs[1:], file, n=None) for array, file in chosen], inputs[1:])


def _stacked(parts: Sequence[Tensor], image: Sequence[int]) -> Tensor:
    """Maps of single images (c, *shape) as one tensor; of maps with and without channels the channels are summed."""
    layouts = {part.shape for part in parts}
    if len(layouts) == 1:
        return torch.stack(list(parts))
    maps = [_channels_first(part[None], (1, *image)) for part in parts]
    return torch.cat([attribution_maps(values, (1, *image), "`maps` must be") for values in maps])


def _one_per_image(arrays: Mapping[str, StoredArray], inputs: Sequence[int]) -> list[StoredArray] | None:
    """The arrays of a list of n maps, or of a dictionary by the images' numbers; None if they are no such thing."""
    n, *_ = inputs
    names = [str(index) for index in range(n)]
    if not arrays or set(arrays) != set(names) or arrays[names[0]].shape not in _allowed(inputs[1:], None):
        return None
    return [arrays[name] for name in names]


def _chosen(arrays: Mapping[str, StoredArray], key: str | None, path: Path) -> StoredArray:
    """The array to read: that of the key, or the only one."""
    if key is not None:
        if ALONE in arrays:
            raise bad_option("key", f"be left out where there is one array, as in {path.name}", key)
        if key not in arrays:
            raise unknown_name("key", key, arrays)
        return arrays[key]
    if len(arrays) != 1:
        hint = f"name one of them with --key: {_listed(arrays)}" if arrays else ""
        raise bad_option("maps", "hold one array", f"{path.name} with {len(arrays)}", hint)
    return next(iter(arrays.values()))


def _listed(arrays: Mapping[str, StoredArray]) -> str:
    """Names and shapes of some arrays."""
    shown = [f"{name} {array.shape}" for name, array in list(arrays.items())[:MOST_SHOWN]]
    more = len(arrays) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def _read(array: StoredArray, image: Sequence[int], path: Path, *, n: int | None) -> Tensor:
    """Read an array whose declared type and shape fit; without n it is of one image (c, *shape), without a first axis of 1."""
    if not array.is_real:
        raise BadOption(f"`maps` must be an array of real numbers, got {array.dtype} in {path}")
    _check_shape(array.shape, image, n)
    with damage_named(path):
        values = array.read()
    return values[0] if n is None and values.ndim > len(image) - 1 and values.shape[0] == 1 else values


def _allowed(image: Sequence[int], n: int | None) -> list[tuple[int, ...]]:
    """The valid shapes of n maps of images (c, *shape); without n of one map, with or without a first axis of 1."""
    channels, *shape = image
    one = [tuple(shape), *((c, *shape) for c in (1, channels)), *((*shape, c) for c in (1, channels))]
    return [*one, *((1, *each) for each in one)] if n is None else [(n, *each) for each in one]


def _check_shape(declared: tuple[int, ...], image: Sequence[int], n: int | None) -> None:
    """Refuse an array that is not n maps."""
    if declared in _allowed(image, n):
        return
    channels, *shape = image
    inner, first = ", ".join(map(str, shape)), "" if n is None else f"{n}, "
    expected = f"({first}{inner}), ({first}{channels}, {inner}) or ({first}{inner}, {channels})"
    is_swapped = len(shape) > 1 and list(declared[-len(shape) :]) == shape[::-1] != shape
    hint = "rows and columns may be swapped" if is_swapped else ""
    raise WrongShape(str(bad_option("maps", f"have shape {expected}", declared, hint)))


def _channels_first(values: Tensor, inputs: Sequence[int]) -> Tensor:
    """(n, *shape, c) as (n, c, *shape); everything else unchanged, as `attribution_maps` validates it."""
    n, channels, *shape = inputs
    is_last = tuple(values.shape[:-1]) == (n, *shape) and values.shape[-1] in (1, channels)
    return values.movedim(-1, 1) if is_last else values
