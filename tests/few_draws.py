"""Options that make slow methods quick where a test does not depend on how much they draw."""

from attributionlab.specs.grammar import format_spec

FEW_DRAWS = {
    "expected-gradients": {"n_baselines": 1, "tolerance": 0.5},
    "extremal-perturbation": {"n_steps": 5},
    "iba": {"n_samples": 4, "n_steps": 3},
    "integrated-gradients": {"tolerance": 0.5},
    "kernel-shap": {"n_samples": 100, "segments": "grid"},
    "lime": {"n_samples": 40},
    "rise": {"n_masks": 70},
}
"""By method; the numbers are above the default `internal_batch_size` where a method has that, so that parts are added up."""


def with_few_draws(name):
    """Spec of a method that is as quick as the others."""
    return format_spec(name, {option: str(value) for option, value in FEW_DRAWS.get(name, {}).items()})
