"""A developer's test suite: two assertions that hold an attribution method to the truth.

Run it with `pytest examples/test_suite.py`. As a script it prints the message that a wrong method gets. The mistake is a common one:
`abs()` removes the sign of the gradient, so that pixels that lower the output look like pixels that raise it.
"""

import torch

from attributionlab.testing import assert_batch_invariant, assert_faithful


def signed_gradient(model: torch.nn.Module, inputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """The gradient of the explained output, of shape (b, c, h, w)."""
    inputs = inputs.detach().clone().requires_grad_()
    outputs = model(inputs).gather(1, targets[:, None]).sum()
    (gradient,) = torch.autograd.grad(outputs, inputs)
    return gradient


def unsigned_gradient(model: torch.nn.Module, inputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """The mistake: the gradient without its sign."""
    return signed_gradient(model, inputs, targets).abs()


def test_the_map_has_the_right_pixels_and_the_right_signs() -> None:
    """Compare the maps with the exact truth."""
    assert_faithful(signed_gradient, size=32)


def test_the_map_of_an_image_does_not_depend_on_its_batch() -> None:
    """Explain an image alone and among others."""
    assert_batch_invariant(signed_gradient, size=16)


def main() -> None:
    """Print the message for the method with the mistake."""
    try:
        assert_faithful(unsigned_gradient, size=32)
    except AssertionError as error:
        print("`assert_faithful` says of the gradient without its sign:\n")
        print(error)


if __name__ == "__main__":
    main()
