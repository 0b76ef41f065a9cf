"""The machine: its devices, and the versions of installed packages."""

from __future__ import annotations

import platform
from importlib.metadata import version
from typing import TYPE_CHECKING

from attributionlab.errors import MachineError, bad_option
from attributionlab.printable import value_text

if TYPE_CHECKING:
    import torch

PACKAGES = ("attributionlab", "torch", "captum", "numpy", "scipy", "scikit-image")


def find_device(name: str) -> torch.device:
    """The device named `auto`, `cpu` or `cuda`.

    Raises:
        BadOption: If the name is none of these.
        MachineError: If the name is `cuda` and there is no GPU.
    """
    if not isinstance(name, str) or name not in ("auto", "cpu", "cuda"):
        raise bad_option("device", "be auto, cpu or cuda", name)
    import torch  # noqa: PLC0415  # takes seconds, so import it only where a device is needed

    available = torch.cuda.is_available()
    if name == "cuda" and not available:
        raise MachineError("`device` must be one that this machine has, got 'cuda'; torch sees no GPU here")
    return torch.device("cuda" if available and name != "cpu" else "cpu")


def torch_device(device: torch.device | str) -> torch.device:
    """A device of torch by its name: `cpu`, `cuda`, `cuda:1`.

    Raises:
        BadOption: If torch knows no such device.
        MachineError: If this machine does not have it.
    """
    import torch  # noqa: PLC0415  # as above

    if not isinstance(device, (str, torch.device)):
        raise bad_option("device", "be a device of torch, like cpu or cuda:0", device)
    try:
        parsed = torch.device(device)
    except RuntimeError:
        raise bad_option("device", "be a device of torch, like cpu or cuda:0", device) from None
    try:
        torch.empty(0, device=parsed)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        message = f"`device` must be one that this machine has, got {value_text(device)}"
        raise MachineError(message) from error
    return parsed


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that results depend on."""
    return {"python": platform.python_version(), **{package: version(package) for package in PACKAGES}}
