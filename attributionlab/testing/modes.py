"""Layers that behave differently in training: a method must not switch them on."""

from __future__ import annotations

from torch import nn

from attributionlab.errors import BadOption, MethodError
from attributionlab.testing.contracts import ENVIRONMENT
from attributionlab.testing.failure import failure
from attributionlab.testing.own_network import require_truth
from attributionlab.testing.refusals import refusal_of
from attributionlab.testing.subject import AnyEnvironment, AnySubject, Subject


def assert_mode_invariant(
    method: AnySubject,
    environment: AnyEnvironment = ENVIRONMENT,
    *,
    n_samples: int = 2,
    size: int = 16,
    seed: int = 0,
) -> dict[str, str]:
    """The method runs the network in evaluation mode, where Dropout and BatchNorm depend on the image alone.

    Both layers are put in front of the network's head, where they change nothing in evaluation mode. The assertion fails if they are
    called in training mode. A method may refuse such a network by an exception with a message of its own.

    Args:
        method: A name or spec, a function `(model, inputs, targets) -> Tensor`, or the address of one.
        environment: An environment of a designed network, or its spec, or `affine`.
        n_samples: Number of images.
        size: Rows of the images, unless the environment sets it.
        seed: Seed of environments that do not set it.

    Returns:
        The message of the refusal, by `layers=BatchNorm and Dropout`; empty without one.

    Raises:
        AssertionError: If they are called in training mode, or the method raises another exception.
        MethodError: If the method cannot be run without these layers.
    """
    __tracebackhide__ = True
    require_truth(environment, "assert_mode_invariant")
    subject = Subject.of(method, environment, n_samples, size, seed)
    subject.maps()
    model = subject.model
    head = getattr(model, "head", None)
    if not isinstance(head, nn.Sequential):
        return {}
    layers = [_neutral(len(model.classes)), nn.Dropout()]  # type: ignore[arg-type]  # of a designed network
    model.head = nn.Sequential(*layers, *head)
    trained: list[str] = []
    for layer in layers:
        layer.register_forward_pre_hook(
            lambda layer, _: trained.append(type(layer).__name__) if layer.training else None
        )
    try:
        subject.maps(model=model.eval())
    except (MethodError, BadOption) as error:
        message = refusal_of(error)
        if message is None and not trained:
            raise failure(subject, f"fails where the network has BatchNorm and Dropout: {error}", hint=_HINT) from error
        if message is not None:
            return {"layers=BatchNorm and Dropout": message}
    if trained:
        names = " and ".join(sorted(set(trained)))
        raise failure(subject, f"runs the network in training mode: its {names} change what it explains", hint=_HINT)
    return {}


EPS = 2.0**-17
"""Number that is added to the variance; 1 - EPS and its sum with EPS are exact."""


def _neutral(n_features: int) -> nn.BatchNorm1d:
    """BatchNorm that changes nothing in evaluation mode."""
    layer = nn.BatchNorm1d(n_features, eps=EPS)
    assert layer.running_var is not None, "it tracks statistics"
    layer.running_var.fill_(1 - EPS)
    return layer


_HINT = "leave the network in the mode that it is in; look for model.train(), and for layers that are called with training=True"
