"""Maps whose quadrature ended before its tolerance was met. Reading a run needs this without torch."""

from __future__ import annotations

from collections.abc import Sequence

UNCONVERGED = "unconverged_error"
"""Name of the diagnostic with the estimated errors of maps whose tolerance was not met; NaN for the others."""


def describe_unconverged(errors: Sequence[float], n_maps: int) -> str:
    """A line on maps whose quadrature ended before its tolerance was met; empty if there are none.

    Args:
        errors: Their estimated errors.
        n_maps: Number of all maps.
    """
    if not errors:
        return ""
    return (
        f"on {len(errors)} of {n_maps} maps the quadrature ended before its tolerance was met, with an estimated error of up to "
        f"{max(errors):.2g} of the sum of magnitudes; raise `max_evaluations`, or accept it by a larger `tolerance`"
    )
