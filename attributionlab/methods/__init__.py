"""Attribution methods: declared facts, typed options, the least code around captum."""

from attributionlab.methods.base import (
    AnyMethod,
    Declaration,
    FunctionMethod,
    Method,
    MethodFunction,
    context_for,
    declares,
)
from attributionlab.methods.factory import METHODS, make_method
from attributionlab.methods.guard import ModelState, run_guarded

__all__ = [
    "METHODS",
    "AnyMethod",
    "Declaration",
    "FunctionMethod",
    "Method",
    "MethodFunction",
    "ModelState",
    "context_for",
    "declares",
    "make_method",
    "run_guarded",
]
