from .axioms import (
    assert_complete,
    assert_dummy,
    assert_sensitive,
    assert_sign_correct,
    assert_symmetric,
)
from .baseline import assert_maps_unchanged
from .contracts import (
    assert_batch_invariant,
    assert_deterministic,
    assert_device_invariant,
    assert_dtype_robust,
    assert_inputs_unchanged,
    assert_model_unchanged,
)
from .everything import Report, assert_all
from .faithfulness import assert_faithful, assert_network_dependent
from .metrics import assert_metric_known_answers
from .questions import assert_answers
from .variants import assert_implementation_invariant

__all__ = [
    "Report",
    "assert_all",
    "assert_answers",
    "assert_batch_invariant",
    "assert_complete",
    "assert_deterministic",
    "assert_device_invariant",
    "assert_dtype_robust",
    "assert_dummy",
    "assert_faithful",
    "assert_implementation_invariant",
    "assert_inputs_unchanged",
    "assert_maps_unchanged",
    "assert_metric_known_answers",
    "assert_model_unchanged",
    "assert_network_dependent",
    "assert_sensitive",
    "assert_sign_correct",
    "assert_symmetric",
]
