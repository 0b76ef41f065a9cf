"""Radii of patches: defaults that scale with the image, and their limits."""

from __future__ import annotations

from typing import Literal

from attributionlab.errors import bad_option

Auto = Literal["auto"]


def scaled_radii(
    radii: tuple[float | Auto, float | Auto], defaults: tuple[float, float], scale: float
) -> tuple[float, float]:
    """The radii, with `auto` replaced by the defaults at this scale."""
    least, most = (
        default * scale if radius == "auto" else radius for radius, default in zip(radii, defaults, strict=True)
    )
    return least, most


def check_radii(radii: tuple[float, float], size: tuple[int, int], *, reach: float = 1.0) -> None:
    """Refuse radii that are not positive, not in order, or larger than the image.

    Args:
        radii: Smallest and largest radius.
        size: Rows and columns of the image.
        reach: Largest extent of a shape from its center, in radii.

    Raises:
        BadOption: If a radius is not valid.
    """
    least, most = radii
    if least <= 0:
        raise bad_option("min_radius", "be above 0", least)
    if most < least:
        raise bad_option("max_radius", f"be at least `min_radius` ({least:g})", most)
    if 2 * reach * most + 1 > min(size):
        raise bad_option("max_radius", f"let a patch fit into {size[0]}x{size[1]} pixels", most)
