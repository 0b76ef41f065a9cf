"""Assertions about attribution methods and metrics, for any test runner. Every message says what is wrong and where to look.

Example:
    >>> from attributionlab.testing import assert_faithful
    >>> assert_faithful("gradient", size=32, n_samples=2)
"""

from attributionlab.testing.axioms import (
    assert_complete,
    assert_dummy,
    assert_sensitive,
    assert_sign_correct,
    assert_symmetric,
)
from attributionlab.testing.contracts import (
    assert_batch_invariant,
    assert_deterministic,
    assert_device_invariant,
    assert_dtype_robust,
    assert_inputs_unchanged,
    assert_model_unchanged,
)
from attributionlab.testing.everything import Report, assert_all
from attributionlab.testing.faithfulness import assert_faithful
from attributionlab.testing.metrics import assert_metric_known_answers
from attributionlab.testing.variants import assert_implementation_invariant

__all__ = [
    "Report",
    "assert_all",
    "assert_batch_invariant",
    "assert_complete",
    "assert_deterministic",
    "assert_device_invariant",
    "assert_dtype_robust",
    "assert_dummy",
    "assert_faithful",
    "assert_implementation_invariant",
    "assert_inputs_unchanged",
    "assert_metric_known_answers",
    "assert_model_unchanged",
    "assert_sensitive",
    "assert_sign_correct",
    "assert_symmetric",
]
