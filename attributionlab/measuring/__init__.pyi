from .applicable import applicable_truths, deciding_truth
from .evaluate import measure
from .explain import Maps, attribute, explain
from .failure import Failure
from .progress import Progress, no_progress

__all__ = [
    "Failure",
    "Maps",
    "Progress",
    "applicable_truths",
    "attribute",
    "deciding_truth",
    "explain",
    "measure",
    "no_progress",
]
