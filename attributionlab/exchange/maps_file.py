"""Reading attribution maps that were computed elsewhere. Nothing that is read is ever run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from attributionlab.errors import BadOption, MissingFile, WrongShape, bad_option
from attributionlab.truth.maps import attribution_maps

ENDINGS = (".npy", ".npz", ".pt")


def read_maps(path: Path, inputs: Sequence[int], *, key: str | None = None) -> Tensor:
    """The maps of a file, one per image.

    Args:
        path: A `.npy` array, a `.npz` with one array or with `key`, or a `.pt` tensor or dictionary of tensors.
        inputs: (n, c, *shape), the shape of the inputs that are explained. Maps may be (n, *shape), (n, c, *shape) or
            (n, *shape, c), with 1 channel too; channels are summed with signs.
        key: Which array of several.

    Returns:
        (n, *shape), floating point.

    Raises:
        MissingFile: If there is no such file.
        BadOption: If it holds something else, or objects, which are never loaded.
        WrongShape: If there is not one value per pixel of each image.
        NotFinite: If a value is NaN or infinite.
    """
    if not path.is_file():
        raise MissingFile(f"`maps` must name a file that exists, got {str(path)!r}")
    if path.suffix not in ENDINGS:
        raise bad_option("maps", f"end in {' or '.join(ENDINGS)}", str(path))
    try:
        loaded = torch.load(path, weights_only=True, map_location="cpu") if path.suffix == ".pt" else _numpy(path)
    except Exception as error:
        if _is_about_pickle(error):
            why = "files with pickled objects are not loaded, as they can run anything"
            raise bad_option("maps", "hold numbers only", str(path), why) from error
        raise bad_option("maps", f"be a whole {path.suffix} file", str(path), type(error).__name__) from error
    chosen = _chosen(loaded, key, path)
    values = torch.as_tensor(chosen) if _is_real(chosen) else None
    if values is None:
        got = getattr(chosen, "dtype", type(chosen).__name__)
        raise BadOption(f"`maps` must be an array of real numbers, got {got} in {path}")
    n, channels, *shape = inputs
    first = _channels_first(values, inputs)
    if tuple(first.shape) not in ((n, *shape), (n, channels, *shape), (n, 1, *shape)):
        inner = ", ".join(map(str, shape))
        expected = f"({n}, {inner}), ({n}, {channels}, {inner}) or ({n}, {inner}, {channels})"
        is_swapped = len(shape) > 1 and list(first.shape[-len(shape) :]) == shape[::-1] != shape
        hint = "rows and columns may be swapped" if is_swapped else ""
        raise WrongShape(str(bad_option("maps", f"have shape {expected}", tuple(values.shape), hint)))
    return attribution_maps(first, inputs, f"`maps` ({path.name}) must be")


def _numpy(path: Path) -> Any:
    loaded = np.load(path, allow_pickle=False)
    if not isinstance(loaded, np.lib.npyio.NpzFile):
        return loaded
    with loaded:
        return {name: loaded[name] for name in loaded.files}


def _chosen(loaded: object, key: str | None, path: Path) -> object:
    """One array of what a file holds."""
    if not isinstance(loaded, dict):
        if key is not None:
            raise bad_option("key", f"be left out where there is one array, as in {path.name}", key)
        return loaded
    names = ", ".join(map(str, loaded)) or "nothing"
    if key is not None:
        if key not in loaded:
            raise bad_option("key", f"name an array of {path.name} ({names})", key)
        return loaded[key]
    if len(loaded) != 1:
        raise bad_option("maps", "hold one array, or be given with a key", f"{path.name} with {names}")
    return next(iter(loaded.values()))


def _is_real(values: object) -> bool:
    if isinstance(values, Tensor):
        return not values.is_complex()
    return isinstance(values, np.ndarray) and values.dtype.kind in "fiub" and values.dtype != np.longdouble


def _channels_first(values: Tensor, inputs: Sequence[int]) -> Tensor:
    """(n, *shape, c) as (n, c, *shape); everything else unchanged, to be judged by `attribution_maps`."""
    n, channels, *shape = inputs
    is_last = tuple(values.shape[:-1]) == (n, *shape) and values.shape[-1] in (1, channels)
    return values.movedim(-1, 1) if is_last else values


def _is_about_pickle(error: Exception) -> bool:
    """Whether numpy or torch refused to run what a file holds."""
    return "allow_pickle" in str(error) or "Weights only load failed" in str(error)
