"""SAM, the Segment Anything Model, as a segmentation prior; requires the extra `sam` and a file of weights.

References:
    Kirillov et al. 2023, Segment Anything.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch

from attributionlab.errors import MachineError, bad_option, missing_file
from attributionlab.files import is_file
from attributionlab.methods.segments import FeatureMask, Picture, Segmenter

SamModel = Literal["vit_h", "vit_l", "vit_b"]


def sam_segmenter(checkpoint: str | None, model: SamModel, device: torch.device) -> Segmenter:
    """Segmenter by SAM.

    Args:
        checkpoint: File of its weights, a state dict.
        model: Size of the SAM with these weights.
        device: Device on which SAM runs.

    Raises:
        BadOption: If no file is named, it does not contain weights of this model, or SAM is not installed.
        MissingFile: If there is no such file.
        MachineError: If torchvision does not fit torch.
    """
    path = weights_file(checkpoint)
    generator = _mask_generator(path, path.stat().st_mtime_ns, model, device)
    return lambda picture: paint([mask["segmentation"] for mask in generator.generate(picture)], picture)


def weights_file(checkpoint: str | None) -> Path:
    """The absolute path of the file of weights.

    Raises:
        BadOption: If no file is named.
        MissingFile: If the file does not exist.
    """
    if checkpoint is None:
        hint = "pass sam_checkpoint=FILE, or --sam-checkpoint FILE on the command line"
        raise bad_option("sam_checkpoint", "name the file of SAM's weights for segments=sam", checkpoint, hint)
    path = Path(checkpoint)
    if not is_file(path):
        raise missing_file("sam_checkpoint", "name a file that exists", str(checkpoint))
    return path.resolve()


def paint(masks: Sequence[npt.NDArray[np.bool_]], picture: Picture) -> FeatureMask:
    """Combine overlapping masks (h, w) to a feature mask (h, w).

    Smaller masks lie above larger ones, and later masks above earlier ones of equal size. Pixels without a mask form
    segment 0.
    """
    ids: FeatureMask = np.zeros(picture.shape[:2], dtype=np.int64)
    for number, mask in enumerate(sorted(masks, key=np.count_nonzero, reverse=True), start=1):
        ids[mask] = number
    return ids


@lru_cache(maxsize=1)  # the largest one takes gigabytes
def _mask_generator(path: Path, _modified_ns: int, model: SamModel, device: torch.device) -> Any:
    """SAM with its weights, cached until the file changes."""
    segment_anything = _segment_anything()
    with torch.random.fork_rng():  # its constructor draws random weights
        sam = segment_anything.sam_model_registry[model]()
    try:
        sam.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    except (OSError, MemoryError):
        raise
    except Exception as error:
        expectation = f"hold the weights of sam_model={model}, as a state dict"
        raise bad_option("sam_checkpoint", expectation, str(path)) from error
    return segment_anything.SamAutomaticMaskGenerator(sam.to(device))


def _segment_anything() -> ModuleType:
    """Import the package on use, because it and torchvision are optional."""
    try:
        return importlib.import_module("segment_anything")
    except ModuleNotFoundError as error:
        hint = 'pip install "attributionlab[sam]"'
        raise bad_option("segments", f"be another prior where {error.name} is not installed", "sam", hint) from error
    except (ImportError, RuntimeError) as error:  # RuntimeError: operator torchvision::nms does not exist
        hint = f"install the build of torchvision that fits torch {torch.__version__} ({error})"
        raise MachineError(f"`segments` must be another prior where torchvision fails, got 'sam'; {hint}") from error
