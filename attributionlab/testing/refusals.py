"""Refusals: exceptions by which a method itself says that it does not explain a network."""

from __future__ import annotations

import traceback
from pathlib import Path

import torch

from attributionlab.errors import BadOption, MethodRaised

_TORCH = str(Path(torch.__file__).parent)
_KINDS = (ValueError, NotImplementedError, TypeError, AssertionError)


def refusal_of(error: BaseException) -> str | None:
    """The message of a refusal; None for an exception that is a failure.

    A refusal is raised by a `raise` or `assert` of the method's code, or of the library's that it uses, with a message: a
    ValueError, NotImplementedError, TypeError or AssertionError. What torch raises, or Python on its own account, is a failure.
    """
    if isinstance(error, BadOption):
        return str(error)
    cause = error.__cause__
    if not isinstance(error, MethodRaised) or not isinstance(cause, _KINDS) or not str(cause):
        return None
    frames = traceback.extract_tb(cause.__traceback__)
    is_raised = bool(frames) and (frames[-1].line or "").startswith(("raise", "assert"))
    return str(cause) if is_raised and not frames[-1].filename.startswith(_TORCH) else None
