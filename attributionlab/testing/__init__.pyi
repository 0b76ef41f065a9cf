from .axioms import (
    assert_dummy,
    assert_sensitive,
    assert_sign_correct,
    assert_symmetric,
)
from .baseline import assert_maps_unchanged
from .batches import assert_batch_invariant
from .completeness import assert_complete
from .contracts import (
    assert_deterministic,
    assert_device_invariant,
    assert_inputs_unchanged,
    assert_model_unchanged,
)
from .declared import assert_declared
from .everything import Report, assert_all
from .faithfulness import Undecided, assert_faithful, assert_network_dependent
from .metrics import assert_metric_known_answers
from .modes import assert_mode_invariant
from .precision import assert_dtype_robust
from .questions import assert_answers
from .same import assert_same_as
from .state import assert_stateless
from .targets import assert_target_used
from .values import assert_values
from .variants import assert_implementation_invariant

__all__ = [
    "Report",
    "Undecided",
    "assert_all",
    "assert_answers",
    "assert_batch_invariant",
    "assert_complete",
    "assert_declared",
    "assert_deterministic",
    "assert_device_invariant",
    "assert_dtype_robust",
    "assert_dummy",
    "assert_faithful",
    "assert_implementation_invariant",
    "assert_inputs_unchanged",
    "assert_maps_unchanged",
    "assert_metric_known_answers",
    "assert_mode_invariant",
    "assert_model_unchanged",
    "assert_network_dependent",
    "assert_same_as",
    "assert_sensitive",
    "assert_sign_correct",
    "assert_stateless",
    "assert_symmetric",
    "assert_target_used",
    "assert_values",
]
