"""Guarded use of an environment's members: a mistake of its author is one line that names the member and the file."""

from __future__ import annotations

import inspect
import operator
import traceback
import typing
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import numpy as np
import numpy.typing as npt
from torch import Tensor, nn

from attributionlab.errors import AttributionLabError, BrokenEnvironment
from attributionlab.machine import is_out_of_memory
from attributionlab.networks.designed import logits_of
from attributionlab.printable import error_line, value_text
from attributionlab.truth.explained import Explained
from attributionlab.truth.maps import describe_tensor

if TYPE_CHECKING:
    from attributionlab.environments.base import Environment
    from attributionlab.truth.batch import Batch

Value = TypeVar("Value")


def call(environment: Environment, member: str, function: Callable[..., Value], *arguments: object) -> Value:
    """Call a member of an environment.

    Raises:
        BrokenEnvironment: If it raises an exception that is not one of this package.
    """
    try:
        return function(*arguments)
    except (AttributionLabError, MemoryError):
        raise
    except Exception as error:
        if is_out_of_memory(error):  # which is no mistake of the author
            raise
        raise raised(environment, member, error) from error


def read_explains(environment: Environment) -> Explained:
    """The explained output of an environment.

    Raises:
        BrokenEnvironment: If there is no such output.
    """
    explains: object = call(environment, "explains", lambda: environment.explains)
    if explains not in typing.get_args(Explained):
        raise returned(environment, "explains", "be probability, logit or value", value_text(explains))
    return typing.cast("Explained", explains)


def read_scenes(environment: Environment, indices: Iterable[int]) -> tuple[Any, ...]:
    """The scenes of these indices.

    Raises:
        BrokenEnvironment: If `scene` raises an exception.
    """
    return tuple(call(environment, "scene", environment.scene, index) for index in indices)


def read_inputs(environment: Environment, scene: object) -> npt.NDArray[np.generic]:
    """The input (c, *shape) of a scene.

    Raises:
        BrokenEnvironment: If it is not an array of real numbers with channels and at least one further axis.
    """
    inputs: object = call(environment, "inputs_of", environment.inputs_of, scene)
    if not _is_array(inputs) or inputs.ndim < 2:
        expectation = "return real numbers of shape (c, *shape), as (1, h, w) or (1, d)"
        raise returned(environment, "inputs_of", expectation, _array_text(inputs))
    return inputs


def read_label(environment: Environment, scene: object, member: Literal["label", "predicted"] = "label") -> int:
    """The label of a scene, or what the network predicts: the result of `label` or `predicted`.

    Raises:
        BrokenEnvironment: If it is not an integer.
    """
    label: object = call(environment, member, getattr(environment, member), scene)
    try:
        return int(label) if isinstance(label, np.bool_) else operator.index(typing.cast("Any", label))
    except TypeError:
        raise returned(environment, member, "return an integer", value_text(label)) from None


def read_target(environment: Environment, scene: object, target: object) -> int:
    """Index of the output that `target` names for a scene.

    Raises:
        BrokenEnvironment: If it is not an integer.
    """
    index: object = call(environment, "target_of", environment.target_of, scene, target)
    try:
        return operator.index(typing.cast("Any", index))
    except TypeError:
        raise returned(environment, "target_of", "return an integer", value_text(index)) from None


def read_truth(
    environment: Environment, scene: object, shape: tuple[int, ...], target: int | None = None, explained: str = ""
) -> npt.NDArray[np.int8]:
    """The signed truth of a scene, for output `target` and the `explained` quantity, or for the environment's own.

    Raises:
        BrokenEnvironment: If it is not an array of this shape whose values are 1, -1 and 0.
    """
    own = target is None
    member, arguments = ("signed_truth", (scene,)) if own else ("signed_truth_of", (scene, target, explained))
    signed: object = call(environment, member, getattr(environment, member), *arguments)
    if not _is_array(signed) or signed.shape != shape:
        expectation = f"return an array of shape {shape}, that of the input without channels"
        raise returned(environment, "signed_truth", expectation, _array_text(signed))
    signs: npt.NDArray[np.int8] = signed.astype(np.int8)
    if (signs != signed).any() or (np.abs(signs) > 1).any():
        odd = np.unique(signed[~np.isin(signed, (-1, 0, 1))])[0]
        raise returned(environment, "signed_truth", "return 1, -1 and 0 only", f"{odd:g}")
    return signs


def read_baseline(environment: Environment, n_channels: int) -> Tensor:
    """The true baseline (c,).

    Raises:
        BrokenEnvironment: If it is not a tensor with a real number for each channel.
    """
    baseline: object = call(environment, "true_baseline", lambda: environment.true_baseline)
    if not isinstance(baseline, Tensor) or baseline.shape != (n_channels,) or baseline.is_complex():
        expectation = f"be a tensor of shape ({n_channels},), one number for each channel"
        raise returned(environment, "true_baseline", expectation, describe_tensor(baseline))
    return baseline


def read_network(environment: Environment) -> nn.Module:
    """A new network.

    Raises:
        BrokenEnvironment: If it is not a `torch.nn.Module`.
    """
    network: object = call(environment, "build_network", environment.build_network)
    if not isinstance(network, nn.Module):
        raise returned(environment, "build_network", "return a torch.nn.Module", value_text(network))
    return network


def read_logits(
    environment: Environment, scene: object, present: npt.NDArray[np.bool_], n: int | None = None
) -> npt.NDArray[Any]:
    """The closed form's logits (n,) for one coalition; of any length if `n` is None.

    Raises:
        BrokenEnvironment: If it is not an array with one real number per output of the network.
    """
    logits: object = call(environment, "logits", environment.logits, scene, present)
    if not _is_array(logits) or logits.ndim != 1 or n not in (None, len(logits)):
        expectation = (
            f"return an array of shape ({'k' if n is None else n},), one number for each output of the network"
        )
        raise returned(environment, "logits", expectation, _array_text(logits))
    return logits


def check_network(environment: Environment, batch: Batch) -> None:
    """Refuse a network whose outputs for a batch are not real numbers (b, k), with an output for every target.

    Raises:
        BrokenEnvironment: If it raises an exception, returns anything else, or ends in a softmax without a method `logits`.
    """
    model, n = environment.model, len(batch)
    functions: dict[str, Callable[[Tensor], object]] = {"build_network": model}
    if read_explains(environment) == "probability":
        if logits_of(model) is model:
            expectation = "return a network with a method `logits`, as its outputs are probabilities"
            raise returned(environment, "build_network", expectation, type(model).__name__)
        functions["build_network().logits"] = logits_of(model)
    for member, function in functions.items():
        outputs = call(environment, member, function, batch.inputs)
        if not isinstance(outputs, Tensor) or outputs.ndim != 2 or len(outputs) != n or not outputs.is_floating_point():
            expectation = f"map inputs {tuple(batch.inputs.shape)} to outputs ({n}, k)"
            raise returned(environment, member, expectation, describe_tensor(outputs))
        if not outputs.isfinite().all():
            raise returned(environment, member, "give finite outputs", "NaN or infinity")
        if not ((batch.targets >= 0) & (batch.targets < outputs.shape[1])).all():
            labels = sorted(set(batch.targets.tolist()))
            raise returned(
                environment, "label", f"be an output of the network, 0 to {outputs.shape[1] - 1}", f"{labels}"
            )


def raised(environment: Environment, member: str, error: Exception) -> BrokenEnvironment:
    """The error for an exception, with the line of the environment's file that it passed."""
    try:
        own_file = inspect.getfile(type(environment))
    except (OSError, TypeError):  # classes of an interactive session have no file
        own_file = ""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == own_file]
    where = f" (line {lines[-1]} of {own_file})" if lines else ""
    return BrokenEnvironment(f"`{member}` of {environment.name} raised {error_line(error)}{where}")


def returned(environment: Environment, member: str, expectation: str, got: str) -> BrokenEnvironment:
    """The error for a value of another form."""
    return BrokenEnvironment(f"`{member}` of {environment.name} must {expectation}, got {got}")


def _is_array(value: object) -> typing.TypeGuard[npt.NDArray[Any]]:
    """Whether a value is an array of real numbers."""
    return isinstance(value, np.ndarray) and value.dtype.kind in "biuf"


def _array_text(value: object) -> str:
    """Type and shape of a value for a message."""
    return f"{value.dtype} of shape {value.shape}" if isinstance(value, np.ndarray) else type(value).__name__
