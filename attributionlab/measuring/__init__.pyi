from .applicable import applicable_truths, deciding_truth
from .failure import MethodFailure
from .maps import Maps
from .progress import Progress, no_progress

__all__ = [
    "Maps",
    "MethodFailure",
    "Progress",
    "applicable_truths",
    "deciding_truth",
    "no_progress",
]
