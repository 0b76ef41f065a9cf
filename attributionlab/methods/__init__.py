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

__all__ = [
    "METHODS",
    "AnyMethod",
    "Declaration",
    "FunctionMethod",
    "Method",
    "MethodFunction",
    "context_for",
    "declares",
    "make_method",
]
