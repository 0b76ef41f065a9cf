"""The catalog of segmenters, and the names of all segmentation priors. Importing it does not import torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attributionlab.specs.catalog import Catalog
from attributionlab.specs.registration import registration
from attributionlab.specs.rules import Rules

if TYPE_CHECKING:
    from attributionlab.methods.segments import Segmenter

PRIORS_WITH_NEEDS = ("oracle", "sam")
"""Priors that need more than the picture: the scene's patches, or weights."""

SEGMENTERS: Catalog[Segmenter] = Catalog(
    kind="segmenter",
    built_in={
        "quickshift": "skimage.segmentation:quickshift",
        "felzenszwalb": "skimage.segmentation:felzenszwalb",
        "slic": "attributionlab.methods.segments:slic",
        "grid": "attributionlab.methods.segments:grid",
    },
    rules=Rules(signature="(picture: (h, w, 3) uint8) -> (h, w) integers from 0"),
    reserved=PRIORS_WITH_NEEDS,
)
"""Segmenters that need only the picture."""


@registration
def register_segmenter(name: Any, segmenter: Any = None, /) -> Any:
    """Register a segmenter under a name, in this process, for `lime[segments=<name>]` and `kernel-shap[segments=<name>]`.

    A segmenter is a function from an RGB picture (h, w, 3) uint8 to a feature mask (h, w) of integers from 0. An
    installed package uses an entry point of the group `attributionlab.segmenters` instead, which works in every process.

    Args:
        name: The name in specs; by default a class's own `name`, or a function's name with dashes.
        segmenter: The class or function; omitted if `register_segmenter` is used as a decorator.

    Returns:
        The class or function itself.

    Raises:
        BadOption: If the name is taken or not valid in a spec, or the class or function does not fit.

    Example:
        >>> @register_segmenter("halves")  # doctest: +SKIP
        ... def halves(picture):
        ...     return (np.arange(picture.shape[1]) * 2 // picture.shape[1])[None].repeat(picture.shape[0], axis=0)
        >>> halves(np.zeros((1, 4, 3), np.uint8))  # doctest: +SKIP
        array([[0, 0, 1, 1]])
    """
    return SEGMENTERS.register(name, segmenter)


def prior_names() -> list[str]:
    """The names of all segmentation priors."""
    registered = [name for name in SEGMENTERS.names if name not in SEGMENTERS.built_in]
    return [*SEGMENTERS.built_in, *PRIORS_WITH_NEEDS, *registered]
