"""The machine: its devices, and the versions of what is installed."""

from __future__ import annotations

import platform
from importlib.metadata import version
from typing import TYPE_CHECKING

from attributionlab.errors import MachineError, bad_option

if TYPE_CHECKING:
    import torch

PACKAGES = ("attributionlab", "torch", "captum", "numpy", "scipy", "scikit-image")


def find_device(name: str) -> torch.device:
    """The device called `auto`, `cpu` or `cuda`.

    Raises:
        BadOption: If the name is another one.
        MachineError: If there is no GPU where one was asked for.
    """
    import torch  # noqa: PLC0415  # takes seconds; only calls that need a device pay for it

    if name not in ("auto", "cpu", "cuda"):
        raise bad_option("device", "be auto, cpu or cuda", name)
    available = torch.cuda.is_available()
    if name == "cuda" and not available:
        raise MachineError("`device` must be one that this machine has, got 'cuda'; torch sees no GPU here")
    return torch.device("cuda" if available and name != "cpu" else "cpu")


def versions() -> dict[str, str]:
    """Versions of everything that a result depends on."""
    return {"python": platform.python_version(), **{package: version(package) for package in PACKAGES}}
