"""Names of colors, for captions."""

from __future__ import annotations

from collections.abc import Sequence

_NAMES = {
    (0, 0, 0): "black",
    (255, 0, 0): "red",
    (0, 255, 0): "green",
    (0, 0, 255): "blue",
    (255, 255, 0): "yellow",
    (255, 0, 255): "magenta",
    (0, 255, 255): "cyan",
    (255, 255, 255): "white",
    (0,): "black",
    (1,): "white",
}


def color_name(color: Sequence[int]) -> str:
    """Name a color of an image: the corners of the RGB cube have words, all others are numbers.

    Args:
        color: Three values 0..255, or one value, 0 for black and 1 for white.

    Example:
        >>> color_name((255, 255, 0)), color_name((20, 20, 20))
        ('yellow', '(20, 20, 20)')
    """
    return _NAMES.get(tuple(color), str(tuple(color)))
