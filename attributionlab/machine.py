"""The machine: its devices, this process, its memory, and the versions of installed packages."""

from __future__ import annotations

import contextlib
import functools
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

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


@contextmanager
def contained() -> Iterator[None]:
    """Run a function of others so that it neither ends this process by `os._exit` nor leaves it in another working directory.

    Without this, a method that calls `os._exit(0)` in a test suite ends it as a success, and one that calls `os.chdir` moves the
    results. Children that the function forks may end as they like.

    Raises:
        SystemExit: If the function calls `os._exit` in this process.
    """
    end, process, folder, runs = os._exit, os.getpid(), _working_directory(), True

    def refuse(status: int) -> NoReturn:
        if os.getpid() != process or not runs:  # a child, or a function that was registered to be called later
            end(status)
        raise SystemExit(f"os._exit({status}) was called")

    os._exit = refuse
    try:
        yield
    finally:
        os._exit, runs = end, False
        if folder is not None and _working_directory() != folder:
            with contextlib.suppress(OSError):  # it was removed meanwhile
                os.chdir(folder)


def _working_directory() -> Path | None:
    """The working directory; None where it was removed."""
    try:
        return Path.cwd()
    except OSError:
        return None


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory is short: torch raises RuntimeError then, and native code SystemError."""
    if isinstance(error, (MemoryError, SystemError)):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in _MEMORY_WORDS)


_MEMORY_WORDS = (
    "can't allocate memory",
    "not enough memory",
    "out of memory",
    "bad_alloc",
    "could not create a primitive",
)
"""Texts in torch's errors of the CPU's allocator and of CUDA's."""


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that results depend on."""
    return {"python": platform.python_version(), **{package: _version(package) for package in PACKAGES}}


_version = functools.cache(version)
"""Version of an installed package, whose metadata are read once."""
