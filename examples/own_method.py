"""A verdict for your own method: any function (model, inputs, targets) -> Tensor.

Here: the gradient times the difference to the image's own corner color, a guess at the background. On the command line
the same is `attributionlab check examples/own_method.py:corner_gradient`.
"""

import torch

import attributionlab as al


def corner_gradient(model: torch.nn.Module, inputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Gradient times (input - top left pixel), of shape (b, c, h, w)."""
    inputs = inputs.clone().requires_grad_()
    outputs = model(inputs).gather(1, targets[:, None]).sum()
    (gradient,) = torch.autograd.grad(outputs, inputs)
    return gradient * (inputs - inputs[:, :, :1, :1])


def main() -> None:
    """Check the function in two environments: it must pass in both."""
    environments = [al.make_environment(name, size=32) for name in ("multi-color-sum", "single-color-sum")]
    verdict = al.check(corner_gradient, environments, n_samples=8, gamma=0.5)
    for environment in verdict.environments:
        scores = environment.truths[verdict.deciding_truth]  # signed, as the function declares nothing
        assert scores is not None
        interval = f"{scores.f1_low:.2f} to {scores.f1_high:.2f}"
        print(f"{environment.environment}: F1 {scores.f1:.2f} ({interval}), {environment.outcome} {environment.advice}")
    print(verdict.outcome)  # passed, undecided, pixels-only, blind or failed


if __name__ == "__main__":
    main()
