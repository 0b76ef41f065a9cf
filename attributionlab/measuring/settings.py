"""Global settings of the process that a method must not change."""

from __future__ import annotations

import gc
import locale
import logging
import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

_TORCH = str(Path(torch.__file__).parent)

Setting = tuple[Callable[[], Any], Callable[[Any], object]]

_DEVICE = (
    torch.get_default_device,
    lambda device: torch.set_default_device(None if device.type == "cpu" else device),
)


def _flag(owner: Any, name: str) -> Setting:
    """An attribute as a setting."""
    return (lambda: getattr(owner, name)), (lambda value: setattr(owner, name, value))


_CUDNN: Any = torch.backends.cudnn


def _cudnn_precisions() -> tuple[bool, str, str]:
    """The switch `allow_tf32` and the precisions of convolutions and of recurrent networks, beside which it stands.

    torch refuses to read the switch where it contradicts them. Off, it contradicts no precision that exact arithmetic sets: it is on.
    """
    precisions = (_CUDNN.conv.fp32_precision, _CUDNN.rnn.fp32_precision)
    try:
        return (bool(_CUDNN.allow_tf32), *precisions)
    except RuntimeError:
        return (True, *precisions)


def _restore_cudnn_precisions(before: tuple[bool, str, str]) -> None:
    """Put the switch back, which sets both precisions, and then these."""
    _CUDNN.allow_tf32, _CUDNN.conv.fp32_precision, _CUDNN.rnn.fp32_precision = before


_OWNERS = {"torch": torch, "torch.nn.functional": functional, "torch.Tensor": torch.Tensor}
_CALLED = {
    "torch": (
        "relu",
        "softmax",
        "sigmoid",
        "tanh",
        "matmul",
        "add",
        "mul",
        "conv2d",
        "rand",
        "randn",
        "manual_seed",
        "where",
    ),
    "torch.nn.functional": ("relu", "softmax", "conv2d", "linear", "max_pool2d", "avg_pool2d", "interpolate", "gelu"),
    "torch.Tensor": ("backward", "relu", "__add__", "__mul__", "__matmul__", "sum", "mean", "detach", "clone"),
}
_CLASSES = tuple(
    kind
    for kind in vars(nn).values()
    if isinstance(kind, type) and issubclass(kind, nn.Module) and "forward" in vars(kind)
)


def torch_functions() -> dict[str, object]:
    """Functions of torch that libraries replace, and the forward passes of its modules, by name."""
    functions = {f"{owner}.{name}": getattr(_OWNERS[owner], name) for owner, names in _CALLED.items() for name in names}
    functions |= {f"torch.Tensor.{name}": value for name, value in vars(torch.Tensor).items() if callable(value)}
    functions["torch.autograd.grad"] = torch.autograd.grad
    functions["torch.nn.Module.__call__"] = nn.Module.__call__
    functions["torch.nn.Module.__getattr__"] = nn.Module.__getattr__
    return functions | {f"torch.nn.{kind.__name__}.forward": vars(kind)["forward"] for kind in _CLASSES}


def restore_functions(before: dict[str, object]) -> Iterator[str]:
    """Put functions of torch back; names of those that were replaced."""
    for name, function in torch_functions().items():
        if function is not before.get(name) and not _is_of_torch(function):
            path, _, attribute = name.rpartition(".")
            owner: Any = torch
            for part in path.split(".")[1:]:
                owner = getattr(owner, part)
            if name in before:
                setattr(owner, attribute, before[name])
            else:
                delattr(owner, attribute)
            yield name


def _is_of_torch(function: object) -> bool:
    """Whether torch itself wrote a function: it replaces some when parts of it are imported that are not needed before."""
    code = getattr(function, "__code__", None)
    return code is not None and code.co_filename.startswith(_TORCH)


def _silent() -> tuple[Any, ...]:
    """Filters that ignore whole kinds of warnings wherever they come from; a library that is imported may add narrower ones."""
    return tuple(each for each in warnings.filters if each[0] == "ignore" and each[1] is None and each[3] is None)


def _restore_filters(before: tuple[Any, ...]) -> None:
    """Take away filters that ignore whole kinds of warnings, but for those that were there before."""
    for each in _silent():
        if each not in before:
            warnings.filters.remove(each)  # type: ignore[attr-defined]  # a list


def _parameters() -> dict[str, Any] | None:
    """Parameters of matplotlib; None as long as nothing has imported it."""
    matplotlib = sys.modules.get("matplotlib")
    return None if matplotlib is None or not hasattr(matplotlib, "rcParams") else dict.copy(matplotlib.rcParams)


def _restore_parameters(parameters: dict[str, Any] | None) -> None:
    """Put parameters of matplotlib back."""
    if parameters is not None:
        dict.update(sys.modules["matplotlib"].rcParams, parameters)


def _figures() -> tuple[int, ...] | None:
    """Numbers of the figures that pyplot keeps open; None as long as nothing has imported it."""
    pyplot = sys.modules.get("matplotlib.pyplot")
    return None if pyplot is None or not hasattr(pyplot, "get_fignums") else tuple(pyplot.get_fignums())


def _close_figures(before: tuple[int, ...]) -> None:
    """Close figures that were not open before."""
    for number in set(_figures() or ()) - set(before):
        sys.modules["matplotlib.pyplot"].close(number)


_COMPUTING = ("CUDA", "CUBLAS", "CUDNN", "OMP_", "MKL_", "TORCH", "PYTORCH", "PYTHONHASHSEED")
"""Beginnings of the environment variables that change how numbers are computed; libraries that are imported set others."""


def _variables() -> dict[str, str]:
    """Environment variables that change how numbers are computed; torch sets folders of its caches when it needs them."""
    return {
        name: value
        for name, value in os.environ.items()
        if name.startswith(_COMPUTING) and not name.endswith("_CACHE_DIR")
    }


def _restore_variables(before: dict[str, str]) -> None:
    """Put these environment variables back."""
    for name in _variables().keys() - before.keys():
        del os.environ[name]
    os.environ.update(before)


_MODULE_HOOKS = (
    "_global_forward_hooks",
    "_global_forward_pre_hooks",
    "_global_backward_hooks",
    "_global_backward_pre_hooks",
    "_global_module_registration_hooks",
    "_global_parameter_registration_hooks",
    "_global_buffer_registration_hooks",
)


def _hooks_on_all_modules() -> tuple[dict[int, Any], ...]:
    """Hooks that torch calls for every module, by kind."""
    return tuple(dict(getattr(nn.modules.module, name)) for name in _MODULE_HOOKS)


def _restore_hooks(before: tuple[dict[int, Any], ...]) -> None:
    """Take away hooks that were not there before."""
    for name, hooks in zip(_MODULE_HOOKS, before, strict=True):
        registered = getattr(nn.modules.module, name)
        for key in registered.keys() - hooks.keys():
            del registered[key]


def _printing() -> dict[str, Any]:
    """Options by which torch prints tensors."""
    return dict(vars(torch._tensor_str.PRINT_OPTS))  # noqa: SLF001  # torch has no public way to read them


def _restore_printing(options: dict[str, Any]) -> None:
    """Put options by which torch prints tensors back."""
    vars(torch._tensor_str.PRINT_OPTS).update(options)  # noqa: SLF001  # as above


def _folders_of_imports() -> dict[int, str]:
    """Folders from which Python imports, by their place in `sys.path`."""
    return dict(enumerate(sys.path))


def _restore_folders_of_imports(before: dict[int, str]) -> None:
    """Put `sys.path` back, as the same list."""
    sys.path[:] = before.values()


def _handlers() -> dict[str, Any]:
    """Functions that Python calls at signals, by the signal's name."""
    return {signal.Signals(number).name: signal.getsignal(number) for number in _SIGNALS}


_SIGNALS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGALRM", "SIGUSR1", "SIGCHLD") if hasattr(signal, name)
]
"""Signals to which programs react."""


def _restore_handlers(before: dict[str, Any]) -> None:
    """Put these functions back; only the main thread can have replaced them."""
    if threading.current_thread() is threading.main_thread():
        for name, handler in before.items():
            if handler is not None and handler is not signal.getsignal(signal.Signals[name]):
                signal.signal(signal.Signals[name], handler)


def _has_timer() -> bool | None:
    """Whether a signal is to come at a later time, as `signal.alarm` has it; None on Windows, which has none."""
    return bool(signal.getitimer(signal.ITIMER_REAL)[0]) if hasattr(signal, "getitimer") else None


def _restore_timer(before: bool) -> None:
    """Take away a timer that was not there before."""
    if not before:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _restore_streams(before: tuple[Any, ...]) -> None:
    """Put the standard streams back."""
    sys.stdin, sys.stdout, sys.stderr = before


def _flushes_denormals() -> bool:
    """Whether this thread takes numbers below 1e-38 for zero; torch has no function that tells."""
    return not bool(torch.full((), 1e-39) * 1 != 0)


SETTINGS: dict[str, Setting] = {
    "the default dtype": (torch.get_default_dtype, torch.set_default_dtype),
    "the default device": _DEVICE,
    "the grad mode": (torch.is_grad_enabled, torch.set_grad_enabled),
    "the anomaly mode": (torch.is_anomaly_enabled, torch.set_anomaly_enabled),
    "the inference mode": (torch.is_inference_mode_enabled, lambda _: None),
    "the deterministic mode": (torch.get_deterministic_debug_mode, torch.set_deterministic_debug_mode),
    "the number of threads": (torch.get_num_threads, torch.set_num_threads),
    "the precision of matrix products": (torch.get_float32_matmul_precision, torch.set_float32_matmul_precision),
    "autocast on the CPU": (
        lambda: torch.is_autocast_enabled("cpu"),
        lambda value: torch.set_autocast_enabled("cpu", value),
    ),
    **{
        f"torch.backends.cudnn.{name}": _flag(torch.backends.cudnn, name)
        for name in ("enabled", "benchmark", "deterministic")
    },
    "the precision of cuDNN": (_cudnn_precisions, _restore_cudnn_precisions),
    "hooks on all modules": (_hooks_on_all_modules, _restore_hooks),
    "the level below which nothing is logged": _flag(logging.root.manager, "disable"),
    "the recursion limit": (sys.getrecursionlimit, sys.setrecursionlimit),
    "sys.path": (_folders_of_imports, _restore_folders_of_imports),
    "the locale": (lambda: locale.setlocale(locale.LC_ALL), lambda name: locale.setlocale(locale.LC_ALL, name)),
    "the handlers of signals": (_handlers, _restore_handlers),
    "the switch interval of threads": (sys.getswitchinterval, sys.setswitchinterval),
    "the timer of the process": (_has_timer, _restore_timer),
    "the level of logging": _flag(logging.root, "level"),
    "the standard streams": (lambda: (sys.stdin, sys.stdout, sys.stderr), _restore_streams),
    "the flushing of small numbers to zero": (_flushes_denormals, torch.set_flush_denormal),
    "the environment variables": (_variables, _restore_variables),
    "the garbage collector": (gc.isenabled, lambda is_on: gc.enable() if is_on else gc.disable()),
    "matplotlib's open figures": (_figures, _close_figures),
    "how numpy prints": (np.get_printoptions, lambda options: np.set_printoptions(**options)),
    "how torch prints": (_printing, _restore_printing),
    "the error state of numpy": (np.geterr, lambda state: np.seterr(**state)),
    "the filters of warnings": (_silent, _restore_filters),
    "matplotlib's rcParams": (_parameters, _restore_parameters),
}
"""Settings by name, with the functions that read and write them; a value of None means that there is nothing to compare with."""
