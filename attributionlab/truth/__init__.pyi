from .batch import Batch, LabeledImages
from .ground_truth import GroundTruth
from .kinds import TRUTHS
from .maps import attribution_maps, check_targets, describe_tensor

__all__ = [
    "TRUTHS",
    "Batch",
    "GroundTruth",
    "LabeledImages",
    "attribution_maps",
    "check_targets",
    "describe_tensor",
]
